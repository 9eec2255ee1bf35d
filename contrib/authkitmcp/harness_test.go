// The test harness: an MCP server behind a resource, its authorization server, and the SDK's client.

package authkitmcp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/contrib/authkitmcp"
	"github.com/authkit-go/authkit/resource"
	"github.com/authkit-go/authkit/workos"
)

const (
	resourceURL = "https://mcp.acme.test/mcp"
	challenged  = `resource_metadata="https://mcp.acme.test/.well-known/oauth-protected-resource/mcp"`
)

type object = map[string]any

// app is an MCP server with the tools whoami, delete_post and wait. Its clock is years behind that of the system, so a token
// that the SDK compared with the system's clock would have expired.
type app struct {
	*testing.T
	fake     *authkittest.Server
	clock    *authkittest.FakeClock
	api      *resource.Server
	server   *httptest.Server
	reached  atomic.Int64  // requests that reached the SDK
	waiting  chan struct{} // receives a value when the tool wait is called
	released chan struct{} // lets the tool wait return
	ended    chan string   // the method of each request that the SDK has answered
}

func newApp(t *testing.T, opts *mcp.StreamableHTTPOptions) *app {
	a := &app{T: t, clock: authkittest.NewFakeClock(time.Date(2020, 2, 1, 12, 0, 0, 0, time.UTC)),
		waiting: make(chan struct{}, 1), released: make(chan struct{}), ended: make(chan string, 100)}
	a.fake = authkittest.New(t, authkittest.WithClock(a.clock))
	client, err := workos.NewClient(a.fake.ClientID(), workos.WithBaseURL(a.fake.URL()))
	require.NoError(t, err)
	api, err := resource.New(a.fake.URL(), resourceURL, resource.WithJWKSURL(client.JWKSURL()), resource.WithClock(a.clock),
		resource.WithLogger(slog.New(slog.DiscardHandler)))
	require.NoError(t, err)
	a.api = api

	tools := mcp.NewServer(&mcp.Implementation{Name: "posts", Version: "1.0.0"}, nil)
	mcp.AddTool(tools, &mcp.Tool{Name: "whoami"}, func(ctx context.Context, req *mcp.CallToolRequest, _ object) (*mcp.CallToolResult, any, error) {
		token, _ := authkitmcp.TokenFrom(req)
		_, inContext := resource.FromContext(ctx)
		info := req.Extra.TokenInfo
		return textResult("%s %s %s %v, SDK: %s %v %s, in the context: %t", token.UserID(), token.ClientID(), token.OrganizationID(), token.Scopes(),
			info.UserID, info.Scopes, info.Expiration.UTC().Format(time.TimeOnly), inContext), nil, nil
	})
	mcp.AddTool(tools, &mcp.Tool{Name: "delete_post"}, func(_ context.Context, req *mcp.CallToolRequest, _ object) (*mcp.CallToolResult, any, error) {
		token, _ := authkitmcp.TokenFrom(req)
		if err := token.CheckScopes("posts:delete"); err != nil {
			return nil, nil, err
		}
		return textResult("deleted"), nil, nil
	})
	mcp.AddTool(tools, &mcp.Tool{Name: "wait"}, func(context.Context, *mcp.CallToolRequest, object) (*mcp.CallToolResult, any, error) {
		a.waiting <- struct{}{}
		<-a.released
		return textResult("done"), nil, nil
	})
	sdk := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return tools }, opts)
	counted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.reached.Add(1)
		sdk.ServeHTTP(w, r)
		a.ended <- r.Method
	})
	read := authkitmcp.Handler(api, counted, "posts:read")
	remove := authkitmcp.Handler(api, counted, "posts:read", "posts:delete")
	a.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Mcp-Name") == "delete_post" {
			remove.ServeHTTP(w, r)
			return
		}
		read.ServeHTTP(w, r)
	}))
	t.Cleanup(a.server.Close)
	return a
}

func textResult(format string, args ...any) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: fmt.Sprintf(format, args...)}}}
}

// token returns an access token of kim through an assistant. It expires in five minutes. A nil value in changes removes a claim.
func (a *app) token(changes object) string {
	now := a.clock.Now()
	claims := object{"iss": a.fake.URL(), "aud": resourceURL, "sub": "user_kim", "client_id": "client_assistant", "sid": "consent_1",
		"org_id": "org_acme", "scope": "posts:read", "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix()}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	return a.fake.SignToken(claims)
}

// machine returns the claims of a machine's token.
func machine(name string) object { return object{"sub": name, "client_id": name, "sid": nil} }

// user is the authorization of the SDK's client: its token, and how it gets another one after a 401 or 403.
type user struct {
	mu         sync.Mutex
	token      string
	next       func() string // nil if there is no other token
	challenges []string
}

func (u *user) TokenSource(context.Context) (oauth2.TokenSource, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.token == "" {
		return nil, nil
	}
	return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: u.token}), nil
}

func (u *user) Authorize(_ context.Context, _ *http.Request, resp *http.Response) error {
	defer resp.Body.Close()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.challenges = append(u.challenges, fmt.Sprintf("%d %s", resp.StatusCode, resp.Header.Get("WWW-Authenticate")))
	if u.next == nil {
		return errors.New("no other token")
	}
	u.token = u.next()
	return nil
}

// connect connects the SDK's client. It opens no stream of its own.
func (a *app) connect(u *user) (*mcp.ClientSession, error) {
	client := mcp.NewClient(&mcp.Implementation{Name: "assistant", Version: "1.0.0"}, nil)
	transport := &mcp.StreamableClientTransport{Endpoint: a.server.URL, OAuthHandler: u, MaxRetries: -1, DisableStandaloneSSE: true}
	session, err := client.Connect(a.Context(), transport, nil)
	if err == nil {
		a.Cleanup(func() { _ = session.Close() })
	}
	return session, err
}

func (a *app) mustConnect(u *user) *mcp.ClientSession {
	a.Helper()
	session, err := a.connect(u)
	require.NoError(a, err)
	return session
}

// call calls a tool and returns the text of its result.
func (a *app) call(session *mcp.ClientSession, tool string) string {
	a.Helper()
	result, err := session.CallTool(a.Context(), &mcp.CallToolParams{Name: tool})
	require.NoError(a, err)
	require.Len(a, result.Content, 1)
	text := result.Content[0].(*mcp.TextContent).Text
	if result.IsError {
		return "error: " + text
	}
	return text
}

// answer is what a request got.
type answer struct {
	status int
	header http.Header
	body   string
}

// send sends a request as the client of a session does.
func (a *app) send(method, sessionID, body string, authorization ...string) answer {
	a.Helper()
	resp := a.open(method, sessionID, body, authorization...)
	defer resp.Body.Close()
	if method == http.MethodGet && resp.StatusCode == http.StatusOK {
		return answer{resp.StatusCode, resp.Header, ""} // a stream without an end
	}
	text, err := io.ReadAll(resp.Body)
	require.NoError(a, err)
	return answer{resp.StatusCode, resp.Header, string(text)}
}

func (a *app) open(method, sessionID, body string, authorization ...string) *http.Response {
	a.Helper()
	r, err := http.NewRequestWithContext(a.Context(), method, a.server.URL, strings.NewReader(body))
	require.NoError(a, err)
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Mcp-Protocol-Version", "2025-11-25")
	if sessionID != "" {
		r.Header.Set("Mcp-Session-Id", sessionID)
	}
	r.Header["Authorization"] = authorization
	resp, err := http.DefaultClient.Do(r)
	require.NoError(a, err)
	return resp
}

const listTools = `{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{}}`

// assertRefused checks the answer of resource to a request, and that the SDK did not see it.
func (a *app) assertRefused(t *testing.T, got answer, status int, challenge string, reachedBefore int64) {
	t.Helper()
	assert.Equal(t, status, got.status)
	assert.Equal(t, challenge, got.header.Get("WWW-Authenticate"))
	assert.Equal(t, "application/problem+json", got.header.Get("Content-Type"))
	assert.Equal(t, reachedBefore, a.reached.Load(), "the request must not reach the SDK")
}
