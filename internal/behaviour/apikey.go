// An application with routes for API keys, and replies of WorkOS to their validation.

package behaviour

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// WithoutLog discards the log. Tests that send many requests use it, because the log would take most of their time.
var WithoutLog = authkit.WithLogger(slog.New(slog.DiscardHandler))

// UnknownKey returns an API key that the fake WorkOS does not know. Each i gives another key.
func UnknownKey(i int) string { return fmt.Sprint("sk_made_up_", i) }

// JSONReply returns a reply of WorkOS with a JSON body. A nil header stands for an empty one.
func JSONReply(status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

func bearerOptions() []authkit.Option {
	return []authkit.Option{authkit.WithBearerTokens("client_native")}
}

// addKey adds an API key of org_acme to the fake WorkOS and returns its value.
func (a *App) addKey(name string, permissions ...string) string {
	return a.Fake.AddAPIKey(authkittest.APIKey{ID: "api_key_" + name, Name: name, OrganizationID: "org_acme", Permissions: permissions})
}

// NewAPIKeyApp returns an application whose route /key accepts every valid API key.
func NewAPIKeyApp(t *testing.T, opts ...authkit.Option) *App {
	return NewApp(t, AppOptions{AuthKit: opts, Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/key", a.RequireAPIKey()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	}})
}

// WithKey calls the handler directly with an API key. It returns when the handler returns, even if the request's context
// has ended.
func (a *App) WithKey(ctx context.Context, path, key string) Response {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	r.Header = Bearer(key)
	w := httptest.NewRecorder()
	a.Handler().ServeHTTP(w, r)
	return Response{w.Code, w.Header(), w.Body.String()}
}

// The limits that the documentation of RequireAPIKey states.
const (
	UnknownKeyBudget      = 200
	ConcurrentUnknownKeys = 32
	ConcurrentProvenKeys  = 128
)
