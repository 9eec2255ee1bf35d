// An application in the test process, with a fake AuthKit and a clock that the test controls, and pages of other sites.

package browser_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/chromium"
)

const kim = "kim@example.com"

func TestMain(m *testing.M) { chromium.Main(m) }

// tab is a tab of the browser with the methods of these tests.
type tab struct{ *chromium.Tab }

// open returns an empty tab of a browser that only this test uses.
func open(t *testing.T) *tab { return &tab{chromium.Open(t)} }

// openWithoutScripts is open for a browser with JavaScript disabled.
func openWithoutScripts(t *testing.T) *tab { return &tab{chromium.OpenWithoutScripts(t)} }

// productionScript is the script in docs/production.md for pages that a sign-in returns to.
var productionScript = func() string {
	chapter, err := os.ReadFile("../../docs/production.md")
	if err != nil {
		panic(err)
	}
	return regexp.MustCompile(`(?s)<script>.*?</script>`).FindString(string(chapter))
}()

// app is a small application that uses authkit. It has the same clock as its fake AuthKit.
type app struct {
	*authkit.AuthKit
	fake  *authkittest.Server
	clock *authkittest.FakeClock
	url   string

	mu     sync.Mutex
	served map[string]int // requests by path, guarded by mu
}

type appOptions struct {
	authkit []authkit.Option
	// tls serves the application at https://127.0.0.1 instead of http://localhost. Both are cross-site to its AuthKit at
	// http://127.0.0.1, since a site includes the scheme.
	tls bool
	// host replaces localhost. It is a name that chromium.Open maps to 127.0.0.1.
	host string
	// others are further hosts of the application. Their names end in .localhost, which the browser takes for this machine.
	others []string
	// wrap wraps the handler of the application.
	wrap func(http.Handler) http.Handler
}

func newApp(t *testing.T, o appOptions) *app {
	t.Helper()
	a := &app{clock: authkittest.NewFakeClock(time.Now()), served: map[string]int{}}
	server := httptest.NewUnstartedServer(nil)
	a.url = "https://" + server.Listener.Addr().String()
	if !o.tls {
		a.url = "http://" + strings.Replace(server.Listener.Addr().String(), "127.0.0.1", cmp.Or(o.host, "localhost"), 1)
	}
	if o.host != "" {
		o.authkit = append([]authkit.Option{authkit.WithInsecureHTTP()}, o.authkit...)
	}
	callbacks, homes := []string{a.url + "/callback"}, []string{a.url + "/"}
	for _, host := range o.others {
		address := a.at(host)
		callbacks, homes = append(callbacks, address+"/callback"), append(homes, address+"/")
	}
	a.fake = authkittest.New(t, authkittest.WithClock(a.clock), authkittest.WithUsers(authkittest.User{
		Email: kim, FirstName: "Kim", LastName: "Oduya",
		Memberships: []authkittest.Membership{{OrganizationID: "org_acme", Role: "member", Permissions: []string{"posts:read"}}},
	}), authkittest.WithRedirectURIs(callbacks...), authkittest.WithSignOutRedirects(homes...))
	var err error
	a.AuthKit, err = authkit.New(append([]authkit.Option{
		authkit.WithBaseURL(a.fake.URL()),
		authkit.WithAPIKey(a.fake.APIKey()),
		authkit.WithClientID(a.fake.ClientID()),
		authkit.WithCookiePassword(rand.Text() + rand.Text()),
		authkit.WithRedirectURL(callbacks[0], callbacks[1:]...),
		authkit.WithPostLogoutRedirectURL(homes[0], homes[1:]...),
		authkit.WithClock(a.clock),
		authkit.WithLogger(slog.New(slog.DiscardHandler)),
	}, o.authkit...)...)
	require.NoError(t, err)
	handler := a.routes()
	if o.wrap != nil {
		handler = o.wrap(handler)
	}
	server.Config.Handler = a.counted(handler)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // browsers close connections early
	if o.tls {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return a
}

// at returns the address of the application at another of its hosts.
func (a *app) at(host string) string {
	return "http://" + host + a.url[strings.LastIndexByte(a.url, ':'):]
}

func (a *app) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /login", a.Login())
	mux.Handle("GET /callback", a.Callback())
	mux.Handle("/logout", a.Logout())
	mux.Handle("/organization", a.SwitchOrganization())
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		name := "an anonymous user"
		if s, ok := authkit.FromContext(r.Context()); ok {
			name = s.User().Email
		}
		page(w, "Home of "+name, `<a href="/account">Account</a>`)
	})
	mux.Handle("GET /account", a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := authkit.FromContext(r.Context())
		page(w, "Account of "+s.User().Email, s.ID()+` <a href="/">Home</a><form method="post" action="/logout"><button>Sign out</button></form>`)
	})))
	mux.Handle("GET /landing", a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := authkit.FromContext(r.Context())
		page(w, "Landing of "+s.User().Email, productionScript+`<form method="post" action="/logout"><button>Sign out</button></form>`)
	})))
	mux.Handle("GET /cached", a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private, max-age=3600")
		page(w, "Cached page", `<a href="/">Home</a>`)
	})))
	mux.Handle("GET /api/me", a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := authkit.FromContext(r.Context())
		json.NewEncoder(w).Encode(map[string]string{"email": s.User().Email, "session": s.ID()})
	})))
	mux.Handle("GET /admin", a.RequirePermission("members:manage")(http.NotFoundHandler()))
	mux.HandleFunc("GET /prefetching", func(w http.ResponseWriter, _ *http.Request) {
		page(w, "Prefetching", `<script type="speculationrules">{"prefetch": [{"urls": ["/account"], "eagerness": "immediate"}]}</script><a href="/account">Account</a>`)
	})
	mux.HandleFunc("GET /open", func(w http.ResponseWriter, _ *http.Request) { page(w, "Public page", "") })
	return a.Middleware(mux)
}

// counted counts the requests to each path.
func (a *app) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.served[r.URL.Path]++
		a.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// requests returns the number of requests to a path.
func (a *app) requests(path string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.served[path]
}

// allRequests returns the number of requests to all paths.
func (a *app) allRequests() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, served := range a.served {
		n += served
	}
	return n
}

// toLoopback connects to 127.0.0.1 for every host, like the browser.
var toLoopback = &http.Transport{
	DisableKeepAlives: true,
	DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	},
}

// signIn signs Kim in, in a tab.
func (a *app) signIn(b *tab) {
	b.T.Helper()
	b.Visit(a.url + "/account")
	b.Sees("Sign in")
	b.Click("Kim Oduya")
	b.Sees("Account of " + kim)
	require.Equal(b.T, a.url+"/account", b.URL())
}

// newest returns the newest session.
func (a *app) newest() authkittest.SessionInfo {
	sessions := a.fake.Sessions()
	return sessions[len(sessions)-1]
}

func page(w http.ResponseWriter, heading, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<!doctype html><html lang=en><link rel=icon href=data:,><title>%[1]s</title><h1>%[1]s</h1>%[2]s", heading, body)
}

// newSite starts a server of another origin with one page, and returns its URL.
func newSite(t *testing.T, host, body string) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<!doctype html><link rel=icon href=data:,><h1>Other site</h1>"+body)
	}))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", host, 1) + "/"
}
