// Command authkitmcp is an MCP server with one tool, and a client that calls it with a token of WorkOS Connect.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/contrib/authkitmcp"
	"github.com/authkit-go/authkit/resource"
	"github.com/authkit-go/authkit/workos"
)

const resourceURL = "https://mcp.example.com/mcp"

// bearer sends a token with each request.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

func main() {
	fake, err := authkittest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	fake.AddResourceIndicator(resourceURL)
	client, err := workos.NewClient(fake.ClientID(), workos.WithBaseURL(fake.URL()))
	if err != nil {
		log.Fatal(err)
	}
	api, err := resource.New(fake.URL(), resourceURL, resource.WithJWKSURL(client.JWKSURL()))
	if err != nil {
		log.Fatal(err)
	}
	tools := mcp.NewServer(&mcp.Implementation{Name: "consumer", Version: "1.0.0"}, nil)
	mcp.AddTool(tools, &mcp.Tool{Name: "whoami"}, func(_ context.Context, req *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
		token, ok := authkitmcp.TokenFrom(req)
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: fmt.Sprint("a user: ", ok && token.UserID() != "")}}}, nil, nil
	})
	server := httptest.NewServer(authkitmcp.Handler(api, mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return tools }, nil)))
	defer server.Close()

	response, err := http.Post(server.URL, "application/json", nil)
	if err != nil {
		log.Fatal(err)
	}
	response.Body.Close()
	fmt.Println(response.StatusCode, response.Header.Get("WWW-Authenticate") != "")

	transport := &mcp.StreamableClientTransport{Endpoint: server.URL, DisableStandaloneSSE: true,
		HTTPClient: &http.Client{Transport: bearer(fake.ResourceToken("ada@harborpress.test", resourceURL))}}
	session, err := mcp.NewClient(&mcp.Implementation{Name: "consumer", Version: "1.0.0"}, nil).Connect(context.Background(), transport, nil)
	if err != nil {
		log.Fatal(err)
	}
	result, err := session.CallTool(context.Background(), &mcp.CallToolParams{Name: "whoami"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Content[0].(*mcp.TextContent).Text)
	if err := session.Close(); err != nil {
		log.Fatal(err)
	}
}
