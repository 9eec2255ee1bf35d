// Command mcp is an MCP server behind AuthKit, at http://localhost:8080/mcp, and a client that calls its tools.
//
//	go run .                      # the server, with a built-in fake AuthKit
//	go run . call publish_post    # the client, in another terminal
//
// If AUTHKIT_DOMAIN is set, such as https://acme.authkit.app, the server accepts the access tokens of WorkOS. ADDR sets the address
// to listen on, and ORIGIN the origin of the server for its clients, if it is another one.
//
// Start reading at newHandler.
package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/contrib/authkitmcp"
	"github.com/authkit-go/authkit/resource"
)

// The scopes of the tools. Every AuthKit domain has openid. The other one must be in the scopes_supported of the domain.
const (
	baseScope    = "openid"
	publishScope = "posts:write"
)

// newHandler returns an MCP server with two tools behind sign-in. One of them needs a further scope.
func newHandler(api *resource.Server) http.Handler {
	server := mcp.NewServer(&mcp.Implementation{Name: "posts", Version: "1.0.0"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "whoami", Description: "Who is signed in, and what the client may do"}, whoami)
	mcp.AddTool(server, &mcp.Tool{Name: "publish_post", Description: "Publish a post"}, publishPost)

	// The protocol of 2026-07-28 has no sessions. The SDK speaks it if the handler is stateless. Older clients work too.
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: true})
	base := authkitmcp.Handler(api, handler, baseScope)
	publish := authkitmcp.Handler(api, handler, baseScope, publishScope)

	mux := http.NewServeMux()
	mux.Handle(api.MetadataPath(), api.Metadata())
	mux.Handle("/.well-known/oauth-authorization-server", api.ServerMetadata()) // for clients of an earlier specification
	mux.HandleFunc("/mcp", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Mcp-Name") == "publish_post" { // the SDK refuses a call whose header differs from its body
			publish.ServeHTTP(w, r)
			return
		}
		base.ServeHTTP(w, r)
	})
	return mux
}

type identity struct {
	User         string   `json:"user" jsonschema:"the ID of the user"`
	Organization string   `json:"organization,omitempty" jsonschema:"the ID of the organization"`
	Client       string   `json:"client" jsonschema:"the client that the user has given access"`
	Scopes       []string `json:"scopes"`
}

func whoami(_ context.Context, req *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, identity, error) {
	token, _ := authkitmcp.TokenFrom(req) // the token of this call; the context has none
	return nil, identity{token.UserID(), token.OrganizationID(), token.ClientID(), token.Scopes()}, nil
}

type post struct {
	Title string `json:"title" jsonschema:"the title of the post"`
}

type published struct {
	Title  string `json:"title"`
	Author string `json:"author" jsonschema:"the ID of the user"`
}

func publishPost(_ context.Context, req *mcp.CallToolRequest, p post) (*mcp.CallToolResult, published, error) {
	token, _ := authkitmcp.TokenFrom(req)
	if err := token.CheckScopes(publishScope); err != nil { // a client of an older protocol sends no header Mcp-Name
		return nil, published{}, err
	}
	return nil, published{p.Title, token.UserID()}, nil
}

func main() {
	// ctx ends when the program is told to stop.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := serve
	if len(os.Args) > 1 {
		run = func(ctx context.Context) error { return command(ctx, os.Args[1:], os.Stdout) }
	}
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "mcp:", err)
		os.Exit(1)
	}
}

// serve runs the server until ctx ends.
func serve(ctx context.Context) error {
	addr := cmp.Or(os.Getenv("ADDR"), "localhost:8080")
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	host, _, _ := net.SplitHostPort(addr)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	address := cmp.Or(os.Getenv("ORIGIN"), "http://"+net.JoinHostPort(cmp.Or(host, "localhost"), port)) + "/mcp"

	issuer, stop, err := authorizationServer(address)
	if err != nil {
		return err
	}
	defer stop()
	api, err := resource.New(issuer, address, resource.WithName("Posts"), resource.WithScopesSupported(baseScope, publishScope))
	if err != nil {
		return err
	}
	// No WriteTimeout: a tool may run long.
	server := &http.Server{Handler: newHandler(api), ReadHeaderTimeout: 5 * time.Second}
	fmt.Printf("The MCP server is at %s\nUsers sign in at %s\n", address, issuer)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return server.Shutdown(grace)
}

// authorizationServer returns the issuer of the tokens: the AuthKit domain of the environment, or a fake one.
func authorizationServer(address string) (issuer string, stop func(), err error) {
	if domain := os.Getenv("AUTHKIT_DOMAIN"); domain != "" {
		if !strings.Contains(domain, "://") {
			domain = "https://" + domain
		}
		return domain, func() {}, nil
	}
	fake, err := authkittest.Start(
		authkittest.WithAppName("The MCP example"),
		authkittest.WithResourceIndicators(address),
		authkittest.WithScopes(publishScope),
	)
	if err != nil {
		return "", nil, err
	}
	return fake.URL(), fake.Close, nil
}
