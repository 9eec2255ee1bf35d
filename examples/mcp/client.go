// A client of MCP servers: it signs the user in with a browser, as an assistant on this machine does, and calls a tool.

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

// command runs the client: call [-server URL] [-title TITLE] TOOL.
func command(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("call", flag.ContinueOnError)
	server := flags.String("server", "http://localhost:8080/mcp", "the `address` of the MCP server")
	title := flags.String("title", "Hello", "the title for publish_post")
	if args[0] != "call" {
		return fmt.Errorf("the command %q does not exist: want call, or none", args[0])
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	tool := cmp.Or(flags.Arg(0), "whoami")
	var arguments any
	if tool == "publish_post" {
		arguments = post{*title}
	}
	b, err := newBrowserSignIn(func(address string) error {
		_, err := fmt.Fprintln(out, "Open", address)
		return err
	})
	if err != nil {
		return err
	}
	defer b.close()
	session, err := connect(ctx, *server, b.config())
	if err != nil {
		return err
	}
	defer session.Close()
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(result)
}

// connect connects to an MCP server. It knows nothing but the address: the answer 401 leads to the sign-in.
func connect(ctx context.Context, address string, config *auth.AuthorizationCodeHandlerConfig) (*mcp.ClientSession, error) {
	// If a sign-in fails, the SDK tries the older protocol and asks the user again. The end of ctx prevents that.
	ctx, cancel := context.WithCancelCause(ctx)
	fetch := config.AuthorizationCodeFetcher
	config.AuthorizationCodeFetcher = func(ctx context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
		result, err := fetch(ctx, args)
		if err != nil {
			cancel(err)
		}
		return result, err
	}
	handler, err := auth.NewAuthorizationCodeHandler(config)
	if err != nil {
		return nil, err
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "example", Version: "1.0.0"}, nil)
	session, err := client.Connect(ctx, &mcp.StreamableClientTransport{Endpoint: address, OAuthHandler: handler}, nil)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return nil, cause
	}
	return session, err
}

// browserSignIn gets authorization codes through the user's browser. The browser comes back to a port of this machine (RFC 8252
// section 7.3).
type browserSignIn struct {
	show     func(address string) error // shows the user the page at which to sign in
	callback string
	server   *http.Server

	mu      sync.Mutex
	state   string          // of the request whose answer is awaited, or ""
	answers chan url.Values // gets that answer
}

func newBrowserSignIn(show func(address string) error) (*browserSignIn, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &browserSignIn{show: show, callback: "http://" + listener.Addr().String() + "/callback"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /callback", b.receive)
	b.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = b.server.Serve(listener) }() // it returns when the server is closed
	return b, nil
}

func (b *browserSignIn) close() { _ = b.server.Close() }

// config returns how the SDK signs the user in: it registers a client, and refreshes the token when it expires.
func (b *browserSignIn) config() *auth.AuthorizationCodeHandlerConfig {
	return &auth.AuthorizationCodeHandlerConfig{
		DynamicClientRegistrationConfig: &auth.DynamicClientRegistrationConfig{Metadata: &oauthex.ClientRegistrationMetadata{
			ClientName:              "The MCP example's client",
			RedirectURIs:            []string{b.callback},
			GrantTypes:              []string{"authorization_code", "refresh_token"},
			TokenEndpointAuthMethod: "none", // a program on the user's machine keeps no secret (RFC 8252 section 8.4)
		}},
		RedirectURL:              b.callback,
		RequestRefreshToken:      true,
		AuthorizationCodeFetcher: b.fetch,
	}
}

// receive takes the answer of the authorization server from the browser, once. Every page of the browser can send requests here, so
// an answer without the state of the request is ignored.
func (b *browserSignIn) receive(w http.ResponseWriter, r *http.Request) {
	answer := r.URL.Query()
	b.mu.Lock()
	awaited := b.state != "" && answer.Get("state") == b.state
	if awaited {
		b.state = ""
		b.answers <- answer // there is room: one answer for each state
	}
	b.mu.Unlock()
	if !awaited {
		http.Error(w, "This page is not the answer to a sign-in that is under way.", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, "<!doctype html><html lang=en><link rel=icon href=data:,><title>Done</title><h1>You can close this page</h1>")
}

// fetch returns the code, or the error with which the authorization server answered (RFC 6749 section 4.1.2.1).
func (b *browserSignIn) fetch(ctx context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
	request, err := url.Parse(args.URL)
	if err != nil {
		return nil, errors.New("the authorization endpoint has no valid address")
	}
	b.mu.Lock()
	b.state, b.answers = request.Query().Get("state"), make(chan url.Values, 1)
	answers := b.answers
	b.mu.Unlock()
	if err := b.show(args.URL); err != nil {
		return nil, err
	}
	select {
	case answer := <-answers:
		switch code := answer.Get("error"); code {
		case "":
			return &auth.AuthorizationResult{Code: answer.Get("code"), State: answer.Get("state"), Iss: answer.Get("iss")}, nil
		case "access_denied":
			return nil, errors.New("the sign-in was refused at the authorization server (access_denied)")
		default:
			return nil, fmt.Errorf("the authorization server answered %s: %s", code, answer.Get("error_description"))
		}
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
