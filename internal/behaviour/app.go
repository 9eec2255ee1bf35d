// The application under test, with its routes and a fake AuthKit.

package behaviour

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/rand/v2"
	"net"
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

// Password is the default cookie password.
var Password = strings.Repeat("correct-horse-", 3)

// Start is the time of the fake clock when a test begins.
var Start = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

// App is a small application behind authkit. It serves HTTP on localhost. Its fake AuthKit is on 127.0.0.1, which is
// another site to a browser. Both use one clock.
type App struct {
	*authkit.AuthKit
	*Instance
	Clock  *authkittest.FakeClock // nil if the application uses the real time
	Server *httptest.Server
	Mux    *http.ServeMux // inside the middleware
}

// AppOptions configures an App. The zero value is the default application.
type AppOptions struct {
	AuthKit []authkit.Option
	Fake    []authkittest.Option
	// Routes adds routes to the router, inside the middleware.
	Routes func(*App, *http.ServeMux)
	TLS    bool
	// Protocols are what the server serves; nil for HTTP/1.
	Protocols *http.Protocols
	Clock     *observedClock // nil for a FakeClock

	Password string    // the cookie password; empty for the constant of that name
	Log      io.Writer // receives the log; nil for App.Logs
}

// NewApp starts an application with the users kim, who is an admin of org_acme, and lee, who is in no organization.
func NewApp(t testing.TB, o AppOptions) *App {
	t.Helper()
	clock := authkittest.NewFakeClock(Start)
	if o.Clock != nil {
		clock = o.Clock.FakeClock
		o.AuthKit = append([]authkit.Option{authkit.WithClock(o.Clock)}, o.AuthKit...)
	}
	return NewInstance(t, newFake(t, clock, o.Fake...), clock, o)
}

// newFake starts the fake AuthKit of an App.
func newFake(t testing.TB, clock *authkittest.FakeClock, opts ...authkittest.Option) *authkittest.Server {
	t.Helper()
	return authkittest.New(t, append([]authkittest.Option{
		authkittest.WithClock(clock),
		authkittest.WithOrganizations(authkittest.Organization{ID: "org_acme", Name: "Acme"}),
		authkittest.WithUsers(authkittest.User{
			ID: "user_kim", Email: Kim, FirstName: "Kim", LastName: "Oduya", Metadata: map[string]string{"plan": "pro"},
			Memberships: []authkittest.Membership{{
				OrganizationID: "org_acme", Role: "admin", Permissions: []string{"posts:read", "posts:write"},
				Entitlements: []string{"audit-logs"}, FeatureFlags: []string{"beta"},
			}},
		}, authkittest.User{ID: "user_lee", Email: lee, FirstName: "Lee"}),
	}, opts...)...)
}

// newPlainApp starts an application with a random cookie password. Its fake AuthKit has the users of the suite.
func newPlainApp(t testing.TB, opts ...authkit.Option) *App {
	t.Helper()
	clock := authkittest.NewFakeClock(Start)
	fake := authkittest.New(t, testUsers(), authkittest.WithClock(clock))
	return newPlainInstance(t, fake, clock, newPassword(), opts...)
}

// newPlainInstance starts one more process of such an application.
func newPlainInstance(t testing.TB, fake *authkittest.Server, clock *authkittest.FakeClock, password string, opts ...authkit.Option) *App {
	t.Helper()
	return NewInstance(t, fake, clock, AppOptions{AuthKit: opts, Password: password})
}

// NewInstance starts one process of an application. Several processes can use the same fake.
func NewInstance(t testing.TB, fake *authkittest.Server, clock *authkittest.FakeClock, o AppOptions) *App {
	t.Helper()
	if o.Password == "" {
		o.Password = Password
	}
	a := &App{Clock: clock, Instance: &Instance{
		T: t, Fake: fake, Password: o.Password, Logs: newLog(fake.APIKey(), o.Password), atAuthKit: map[string]*authkittest.Browser{},
	}}
	if o.Log == nil {
		o.Log = a.Logs
	}
	a.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.Handler().ServeHTTP(w, r)
	}))
	address := a.Server.Listener.Addr().String()
	if o.TLS {
		a.URL = "https://" + address // a name in the server's certificate
	} else {
		a.URL = "http://" + strings.Replace(address, "127.0.0.1", "localhost", 1)
	}

	if os.Getenv("AUTHKIT_TEST_CACHE") == "off" { // each test must also pass without the session cache
		o.AuthKit = append([]authkit.Option{authkit.WithSessionCache(0, 0)}, o.AuthKit...)
	}
	if clock != nil {
		o.AuthKit = append([]authkit.Option{authkit.WithClock(clock)}, o.AuthKit...)
	}
	var err error
	a.AuthKit, err = authkit.New(append([]authkit.Option{
		authkit.WithAPIKey(fake.APIKey()),
		authkit.WithClientID(fake.ClientID()),
		authkit.WithBaseURL(fake.URL()),
		authkit.WithCookiePassword(o.Password),
		authkit.WithRedirectURL(a.URL + "/callback"),
		authkit.WithPostLogoutRedirectURL(a.URL + "/"),
		authkit.WithLogger(slog.New(slog.NewTextHandler(o.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
	}, o.AuthKit...)...)
	require.NoError(t, err)
	handler := a.routes(o)
	a.Server.Config.Handler = handler
	a.Server.Config.ErrorLog = log.New(o.Log, "", 0)
	a.Server.Config.Protocols = o.Protocols
	a.Server.Config.MaxHeaderBytes = 4 << 20 // lets oversized requests reach the library
	if o.TLS {
		startTLS(a.Server)
	} else {
		a.Server.Start()
	}
	dialByAddress(a.Server)
	a.client = a.Server.Client().Transport
	t.Cleanup(func() {
		for _, b := range a.atAuthKit {
			b.CloseIdleConnections()
		}
		a.Server.Close()
		a.checkLog()
	})
	return a
}

// dialByAddress lets the client of a server find localhost without the resolver of the system, which reads files and starts a
// goroutine for each connection.
func dialByAddress(server *httptest.Server) {
	transport := server.Client().Transport.(*http.Transport)
	address := server.Listener.Addr().String()
	_, port, _ := net.SplitHostPort(address) // a listener has a port
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, target string) (net.Conn, error) {
		if target == "localhost:"+port {
			target = address
		}
		return dial(ctx, network, target)
	}
}

// Replace serves the same routes with another AuthKit.
func (a *App) Replace(ak *authkit.AuthKit) {
	a.AuthKit = ak
	a.Server.Config.Handler = a.routes(AppOptions{})
}

// Handler returns the handler that the server runs: the middleware and the routes.
func (a *App) Handler() http.Handler { return a.Server.Config.Handler }

func (a *App) routes(o AppOptions) http.Handler {
	mux := http.NewServeMux()
	a.Mux = mux
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
	mux.Handle("/organization", a.SwitchOrganization())
	mux.Handle("GET /api/me", a.RequireAuth(http.HandlerFunc(me)))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") })
	if o.Routes != nil {
		o.Routes(a, mux)
	}
	return a.Middleware(mux)
}

// Visitor describes the user of a request as a handler sees it.
func Visitor(r *http.Request) string {
	s, ok := authkit.FromContext(r.Context())
	switch {
	case ok:
		return s.User().Email + " in " + s.ID()
	case authkit.ErrorFromContext(r.Context()) != nil:
		return "an unknown user"
	}
	return "anonymous"
}

// me answers like /api/me of the examples.
func me(w http.ResponseWriter, r *http.Request) {
	s, _ := authkit.FromContext(r.Context())
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{
		"user":            map[string]string{"id": s.UserID(), "email": s.User().Email},
		"session_id":      s.ID(),
		"organization_id": s.OrganizationID(),
	})
}

func sessionOf(r *http.Request) (*authkit.Session, bool) { return authkit.FromContext(r.Context()) }

// ExpireToken advances the clock by the lifetime of an access token and the given time, so that all access tokens issued
// so far have expired by at least that time.
func (a *App) ExpireToken(beyond time.Duration) {
	a.Clock.Advance(5*time.Minute + beyond)
}

// SessionID returns the ID of the newest session at the fake.
func (a *App) SessionID() string {
	sessions := a.Fake.Sessions()
	return sessions[len(sessions)-1].ID
}

// PageOf returns what a guarded page shows to a user.
func PageOf(email string, id string) string { return fmt.Sprintf("page of %s in %s", email, id) }

// randomText returns n characters that do not compress, to make a token large. Each call returns the same text.
func randomText(n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	random := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, n)
	for i := range text {
		text[i] = letters[random.IntN(len(letters))]
	}
	return string(text)
}
