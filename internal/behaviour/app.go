// The application that the tests are about, and the browsers and requests that come to it.

package behaviour

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/rand/v2"
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

var Password = strings.Repeat("correct-horse-", 3)

// Start is the time at which every test begins.
var Start = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

// App is a small application behind authkit, served over HTTP on localhost,
// with a fake AuthKit on 127.0.0.1 (another site, to a browser) and one clock
// for both.
type App struct {
	*authkit.AuthKit
	*Instance
	Clock  *authkittest.FakeClock // nil where the application runs on the time of this machine
	Server *httptest.Server
	Mux    *http.ServeMux // inside the middleware
}

// AppOptions say how an app differs from the usual one.
type AppOptions struct {
	AuthKit []authkit.Option
	Fake    []authkittest.Option
	// Routes are added to the router, inside the middleware.
	Routes func(*App, *http.ServeMux)
	TLS    bool
	Clock  *observedClock // nil for one that nobody observes

	Password string    // of the cookies, Password where it is empty
	Log      io.Writer // for what the application logs, Logs where it is nil
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
		}, authkittest.User{ID: "user_lee", Email: lee, FirstName: "Lee"}),
	}, o.Fake...)...)
	return NewInstance(t, fake, clock, o)
}

// newPlainApp is an application with a cookie password of its own, before a fake with those people whom the suite knows.
func newPlainApp(t testing.TB, opts ...authkit.Option) *App {
	t.Helper()
	clock := authkittest.NewFakeClock(Start)
	fake := authkittest.New(t, people(), authkittest.WithClock(clock))
	return newPlainInstance(t, fake, clock, newPassword(), opts...)
}

// newPlainInstance is one process of such an application.
func newPlainInstance(t testing.TB, fake *authkittest.Server, clock *authkittest.FakeClock, password string, opts ...authkit.Option) *App {
	t.Helper()
	return NewInstance(t, fake, clock, AppOptions{AuthKit: opts, Password: password})
}

// NewInstance is one process of an application: several of them can stand
// before the same fake.
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
		a.URL = "https://" + address // as the server's certificate has it
	} else {
		a.URL = "http://" + strings.Replace(address, "127.0.0.1", "localhost", 1)
	}

	if os.Getenv("AUTHKIT_TEST_CACHE") == "off" { // all that holds with the session cache has to hold without
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
	a.Server.Config.MaxHeaderBytes = 4 << 20 // so that what is too large reaches the library
	if o.TLS {
		a.Server.StartTLS()
	} else {
		a.Server.Start()
	}
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

// Replace puts another AuthKit behind the same routes.
func (a *App) Replace(ak *authkit.AuthKit) {
	a.AuthKit = ak
	a.Server.Config.Handler = a.routes(AppOptions{})
}

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

// me answers as the examples do.
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

// randomText is a text that does not compress, so that it fills a token.
func randomText(n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	random := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, n)
	for i := range text {
		text[i] = letters[random.IntN(len(letters))]
	}
	return string(text)
}
