// The test harness: the MCP server, a fake AuthKit as its authorization server, the SDK's client and a user with a browser.

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/resource"
)

const (
	user        = "ada@harborpress.test"
	userName    = "Ada Okafor"
	consentPage = "Allow access"
	challenge   = `Bearer scope="openid", resource_metadata=`
)

// site is an MCP server and all around it. Its clock is years behind that of the system.
type site struct {
	*testing.T
	fake    *authkittest.Server
	clock   *authkittest.FakeClock
	address string // of the MCP server
	browser *authkittest.Browser
	press   string // the button that the user presses on the consent page

	mu         sync.Mutex
	handler    http.Handler
	statuses   []string // method, path and status of each request to the MCP server
	challenges []string // the WWW-Authenticate of each of them that has one
	asked      []url.Values
	pages      []string // the titles of the pages on which the user pressed a button
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{T: t, clock: authkittest.NewFakeClock(time.Date(2020, 2, 1, 12, 0, 0, 0, time.UTC)), browser: authkittest.NewBrowser(), press: "Allow"}
	t.Cleanup(s.browser.CloseIdleConnections)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.address = server.URL + "/mcp"
	s.fake = authkittest.New(t, authkittest.WithClock(s.clock), authkittest.WithResourceIndicators(s.address), authkittest.WithScopes(publishScope))
	s.restart()
	return s
}

// restart replaces the MCP server by one that has fetched no keys.
func (s *site) restart() {
	s.Helper()
	api, err := resource.New(s.fake.URL(), s.address, resource.WithScopesSupported(baseScope, publishScope), resource.WithClock(s.clock),
		resource.WithLogger(slog.New(slog.DiscardHandler)))
	require.NoError(s, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handler = newHandler(api)
}

// ServeHTTP serves the MCP server, and records what it answers.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	handler := s.handler
	s.mu.Unlock()
	handler.ServeHTTP(&recorder{w, s, r.Method + " " + r.URL.Path}, r)
}

// recorder is a response writer that records the status before it is sent.
type recorder struct {
	http.ResponseWriter
	site    *site
	request string
}

func (r *recorder) WriteHeader(status int) {
	r.site.mu.Lock()
	if r.request != "" {
		r.site.statuses = append(r.site.statuses, fmt.Sprint(r.request, " ", status))
		r.site.challenges = append(r.site.challenges, r.Header().Values("WWW-Authenticate")...)
		r.request = ""
	}
	r.site.mu.Unlock()
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.request != "" {
		r.WriteHeader(http.StatusOK)
	}
	return r.ResponseWriter.Write(b)
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// log is what happened since the last call of take.
type log struct {
	statuses, challenges []string
	asked                []url.Values // the authorization requests
	pages                []string
}

func (s *site) take() log {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := log{s.statuses, s.challenges, s.asked, s.pages}
	s.statuses, s.challenges, s.asked, s.pages = nil, nil, nil, nil
	return l
}

// record records an authorization request.
func (s *site) record(request url.Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, request)
}

// visit opens an authorization request in the browser. The user chooses an account and presses a button on the consent page, where
// AuthKit asks for it.
func (s *site) visit(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("the address of the authorization request is no URL")
	}
	s.record(u.Query())
	page, err := s.browser.Get(address)
	for _, button := range []string{userName, s.press} {
		if err != nil {
			return err
		}
		if title(page) == "Sign in" && button == userName || title(page) == consentPage && button == s.press {
			s.mu.Lock()
			s.pages = append(s.pages, title(page))
			s.mu.Unlock()
			page, err = s.browser.Submit(button, nil)
		}
	}
	if err == nil && title(page) != "Done" {
		return fmt.Errorf("the browser did not return to the client: %v", page)
	}
	return err
}

// connect connects a client whose user opens every page with visit. change changes how it signs in.
func (s *site) connect(visit func(address string) error, change func(*auth.AuthorizationCodeHandlerConfig)) (*mcp.ClientSession, error) {
	s.Helper()
	b, err := newBrowserSignIn(visit)
	require.NoError(s, err)
	s.Cleanup(b.close)
	config := b.config()
	config.NewTokenSource = func(ctx context.Context, c *oauth2.Config, token *oauth2.Token) (oauth2.TokenSource, error) {
		return &clockTokens{ctx: ctx, config: c, clock: s.clock, token: token, issuedAt: s.clock.Now()}, nil
	}
	if change != nil {
		change(config)
	}
	session, err := connect(s.Context(), s.address, config)
	if err == nil {
		s.Cleanup(func() { _ = session.Close() })
	}
	return session, err
}

func (s *site) mustConnect() *mcp.ClientSession {
	s.Helper()
	session, err := s.connect(s.visit, nil)
	require.NoError(s, err)
	return session
}

// call calls a tool and returns its result as JSON.
func (s *site) call(session *mcp.ClientSession, tool string, arguments any) (string, error) {
	s.Helper()
	result, err := session.CallTool(s.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		return "", err
	}
	require.Len(s, result.Content, 1)
	text := result.Content[0].(*mcp.TextContent).Text
	if result.IsError {
		return "", errors.New(text)
	}
	return text, nil
}

// assertWorks calls whoami.
func (s *site) assertWorks(session *mcp.ClientSession) {
	s.Helper()
	text, err := s.call(session, "whoami", nil)
	require.NoError(s, err)
	require.Contains(s, text, `"user":"`+s.userID()+`"`)
}

func (s *site) userID() string {
	for _, u := range s.fake.Users() {
		if u.Email == user {
			return u.ID
		}
	}
	require.Fail(s, "the fake has no such user", user)
	return ""
}

// clockTokens refreshes tokens on the clock of the test. The token source of golang.org/x/oauth2 reads the clock of the system.
type clockTokens struct {
	ctx    context.Context
	config *oauth2.Config
	clock  *authkittest.FakeClock

	mu       sync.Mutex
	token    *oauth2.Token
	issuedAt time.Time
}

func (c *clockTokens) Token() (*oauth2.Token, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	if now.Before(c.issuedAt.Add(time.Duration(c.token.ExpiresIn) * time.Second)) {
		return c.token, nil
	}
	token, err := c.config.TokenSource(c.ctx, &oauth2.Token{RefreshToken: c.token.RefreshToken}).Token()
	if err != nil {
		return nil, err
	}
	c.token, c.issuedAt = token, now
	return token, nil
}

// statusesOf returns the statuses of the requests of a method and path.
func (l log) statusesOf(request string) (statuses []string) {
	for _, line := range l.statuses {
		if status, ok := strings.CutPrefix(line, request+" "); ok {
			statuses = append(statuses, status)
		}
	}
	return statuses
}

// title returns the title of a page.
func title(page *authkittest.Page) string {
	_, after, _ := strings.Cut(page.Body, "<title>")
	text, _, _ := strings.Cut(after, "</title>")
	return text
}
