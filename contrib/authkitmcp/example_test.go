// An MCP server behind AuthKit, as in the README.

package authkitmcp_test

import (
	"context"
	"log"
	"net/http"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/authkit-go/authkit/contrib/authkitmcp"
	"github.com/authkit-go/authkit/resource"
)

type whoami struct {
	User string `json:"user"`
}

func Example_mcp() {
	// The AuthKit domain of the environment, and the address of this server, which is a resource indicator in the WorkOS dashboard.
	api, err := resource.New("https://acme.authkit.app", "https://mcp.acme.com/mcp", resource.WithScopesSupported("posts:read"))
	if err != nil {
		log.Fatal(err)
	}

	server := mcp.NewServer(&mcp.Implementation{Name: "posts", Version: "1.0.0"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "whoami", Description: "Who is signed in"},
		func(_ context.Context, req *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, whoami, error) {
			token, _ := authkitmcp.TokenFrom(req)
			return nil, whoami{User: token.UserID()}, nil
		})
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)

	mux := http.NewServeMux()
	mux.Handle(api.MetadataPath(), api.Metadata())
	mux.Handle("/mcp", authkitmcp.Handler(api, handler, "posts:read"))
	log.Fatal((&http.Server{Addr: "localhost:8080", Handler: mux, ReadHeaderTimeout: 5 * time.Second}).ListenAndServe())
}
