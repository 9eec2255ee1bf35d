// The application that the tests are about, and the browsers and requests that come to it.

package behaviour

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// Kim is in one organization, so that signing in asks no question.
const Kim = "kim@example.com"

var Password = strings.Repeat("correct-horse-", 3)

// Start is the time at which every test begins.
var Start = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

// App is a small application behind authkit, served over HTTP on localhost,
// with a fake AuthKit on 127.0.0.1 (another site, to a browser) and one clock
// for both.
type App struct {
	*authkit.AuthKit
	T      testing.TB
	Fake   *authkittest.Server
	Clock  *authkittest.FakeClock
	Server *httptest.Server
	URL    string // http://localhost:port, or https://127.0.0.1:port
	Logs   *Log
}

// AppOptions say how an app differs from the usual one.
type AppOptions struct {
	AuthKit []authkit.Option
	Fake    []authkittest.Option
	// Routes are added to the router, inside the middleware.
	Routes func(*App, *http.ServeMux)
	TLS    bool
	Clock  *observedClock // nil for one that nobody observes
}

func NewApp(t testing.TB, o AppOptions) *App {
	t.Helper()
	clock := authkittest.NewFakeClock(Start)
	if o.Clock != nil {
		clock = o.Clock.FakeClock
		o.AuthKit = append([]authkit.Option{authkit.WithClock(o.Clock)}, o.AuthKit...)
	}
	fake := authkittest.New(t, append([]authkittest.Option{
		authkittest.WithClock(clock),
		authkittest.WithOrganizations(authkittest.Organization{ID: "org_acme", Name: "Acme"}),
		authkittest.WithUsers(authkittest.User{
			ID: "user_kim", Email: Kim, FirstName: "Kim", LastName: "Oduya", Metadata: map[string]string{"plan": "pro"},
			Memberships: []authkittest.Membership{{
				OrganizationID: "org_acme", Role: "admin", Permissions: []string{"posts:read", "posts:write"},
				Entitlements: []string{"audit-logs"}, FeatureFlags: []string{"beta"},
			}},
		}, authkittest.User{ID: "user_lee", Email: "lee@example.com", FirstName: "Lee"}),
	}, o.Fake...)...)
	return NewInstance(t, fake, clock, o)
}

// NewInstance is one process of an application: several of them can stand
// before the same fake.
func NewInstance(t testing.TB, fake *authkittest.Server, clock *authkittest.FakeClock, o AppOptions) *App {
	t.Helper()
	a := &App{T: t, Fake: fake, Clock: clock, Logs: &Log{}}
	a.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.Handler().ServeHTTP(w, r)
	}))
	address := a.Server.Listener.Addr().String()
	if o.TLS {
		a.URL = "https://" + address // as the server's certificate has it
	} else {
		a.URL = "http://" + strings.Replace(address, "127.0.0.1", "localhost", 1)
	}

	if os.Getenv("AUTHKIT_TEST_CACHE") == "off" { // all that holds with the session cache has to hold without
		o.AuthKit = append([]authkit.Option{authkit.WithSessionCache(0, 0)}, o.AuthKit...)
	}
	var err error
	a.AuthKit, err = authkit.New(append([]authkit.Option{
		authkit.WithAPIKey(fake.APIKey()),
		authkit.WithClientID(fake.ClientID()),
		authkit.WithBaseURL(fake.URL()),
		authkit.WithCookiePassword(Password),
		authkit.WithRedirectURL(a.URL + "/callback"),
		authkit.WithPostLogoutRedirectURL(a.URL + "/"),
		authkit.WithClock(clock),
		authkit.WithLogger(slog.New(slog.NewTextHandler(a.Logs, &slog.HandlerOptions{Level: slog.LevelDebug}))),
	}, o.AuthKit...)...)
	require.NoError(t, err)
	handler := a.routes(o)
	a.Server.Config.Handler = handler
	if o.TLS {
		a.Server.StartTLS()
	} else {
		a.Server.Start()
	}
	t.Cleanup(a.Server.Close)
	return a
}

// Replace puts another AuthKit behind the same routes.
func (a *App) Replace(ak *authkit.AuthKit) {
	a.AuthKit = ak
	a.Server.Config.Handler = a.routes(AppOptions{})
}

func (a *App) Handler() http.Handler { return a.Server.Config.Handler }

func (a *App) routes(o AppOptions) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/login", a.Login())
	mux.Handle("/callback", a.Callback())
	mux.Handle("/logout", a.Logout())
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "<!doctype html><h1>home of "+Visitor(r)+"</h1>"+
			`<a href="/account">Account</a><form method="post" action="/logout"><button>Sign out</button></form>`)
	})
	guarded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "page of "+Visitor(r)+" at "+r.RequestURI)
	})
	mux.Handle("/account", a.RequireAuth(guarded))
	mux.Handle("/deep/", a.RequireAuth(guarded))
	if o.Routes != nil {
		o.Routes(a, mux)
	}
	return a.Middleware(mux)
}

// Visitor says what a handler knows of who is asking.
func Visitor(r *http.Request) string {
	s, ok := authkit.FromContext(r.Context())
	switch {
	case ok:
		return s.User().Email + " in " + s.ID()
	case authkit.ErrorFromContext(r.Context()) != nil:
		return "somebody unknown"
	}
	return "nobody"
}

func sessionOf(r *http.Request) (*authkit.Session, bool) { return authkit.FromContext(r.Context()) }

// ExpireToken moves the clock to a time after the expiry of the access tokens
// issued so far, that much beyond it.
func (a *App) ExpireToken(beyond time.Duration) {
	a.Clock.Advance(5*time.Minute + beyond)
}

// SessionID is the ID of the newest session at the fake.
func (a *App) SessionID() string {
	sessions := a.Fake.Sessions()
	return sessions[len(sessions)-1].ID
}

func PageOf(email string, id string) string { return fmt.Sprintf("page of %s in %s", email, id) }
