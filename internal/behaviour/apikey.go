// An application with routes for API keys, and replies of WorkOS about them.

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

// WithoutLog is for tests of so many requests that their log takes the time.
var WithoutLog = authkit.WithLogger(slog.New(slog.DiscardHandler))

func MadeUpKey(i int) string { return fmt.Sprint("sk_made_up_", i) }

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

func (a *App) addKey(name string, permissions ...string) string {
	return a.Fake.AddAPIKey(authkittest.APIKey{ID: "api_key_" + name, Name: name, OrganizationID: "org_acme", Permissions: permissions})
}

// Keyed is an application with a route that any valid API key opens.
func Keyed(t *testing.T, opts ...authkit.Option) *App {
	return NewApp(t, AppOptions{AuthKit: opts, Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/key", a.RequireAPIKey()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	}})
}

// WithKey sends a request with an API key straight to the handler. It returns when the handler does, also where the
// request's context ends.
func (a *App) WithKey(ctx context.Context, path, key string) Response {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	r.Header = Bearer(key)
	w := httptest.NewRecorder()
	a.Handler().ServeHTTP(w, r)
	return Response{w.Code, w.Header(), w.Body.String()}
}

const (
	BudgetOfUnknownKeys = 200 // as the documentation of RequireAPIKey has it
	UnknownKeysAtOnce   = 32
	ProvenKeysAtOnce    = 128
)
