// An application in the process of the test, where its clock and its AuthKit can be reached; and other sites.

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
)

const kim = "kim@example.com"

// readmeScript is the script that the README gives to pages which people come
// to from a sign-in.
var readmeScript = func() string {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		panic(err)
	}
	return regexp.MustCompile(`(?s)<script>.*?</script>`).FindString(string(readme))
}()

// app is a small application behind authkit on one clock with its AuthKit.
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
	// tls serves it at https://127.0.0.1 in place of http://localhost. Either is
	// another site than that of its AuthKit, http://127.0.0.1: the scheme counts.
	tls bool
	// host is the name of it in place of localhost, one that startChromium maps.
	host string
	// around is put around all of it.
	around func(http.Handler) http.Handler
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
	a.fake = authkittest.New(t, authkittest.WithClock(a.clock), authkittest.WithUsers(authkittest.User{
		Email: kim, FirstName: "Kim", LastName: "Oduya",
		Memberships: []authkittest.Membership{{OrganizationID: "org_acme", Role: "member", Permissions: []string{"posts:read"}}},
	}), authkittest.WithRedirectURIs(a.url+"/callback"), authkittest.WithSignOutRedirects(a.url+"/"))
	var err error
	a.AuthKit, err = authkit.New(append([]authkit.Option{
		authkit.WithBaseURL(a.fake.URL()),
		authkit.WithAPIKey(a.fake.APIKey()),
		authkit.WithClientID(a.fake.ClientID()),
		authkit.WithCookiePassword(rand.Text() + rand.Text()),
		authkit.WithRedirectURL(a.url + "/callback"),
		authkit.WithPostLogoutRedirectURL(a.url + "/"),
		authkit.WithClock(a.clock),
		authkit.WithLogger(slog.New(slog.DiscardHandler)),
	}, o.authkit...)...)
	require.NoError(t, err)
	handler := a.routes()
	if o.around != nil {
		handler = o.around(handler)
	}
	server.Config.Handler = a.counted(handler)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // browsers break connections off
	if o.tls {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return a
}

func (a *app) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /login", a.Login())
	mux.Handle("GET /callback", a.Callback())
	mux.Handle("/logout", a.Logout())
	mux.Handle("/organization", a.SwitchOrganization())
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		who := "nobody"
		if s, ok := authkit.FromContext(r.Context()); ok {
			who = s.User().Email
		}
		page(w, "Home of "+who, `<a href="/account">Account</a>`)
	})
	mux.Handle("GET /account", a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := authkit.FromContext(r.Context())
		page(w, "Account of "+s.User().Email, s.ID()+` <a href="/">Home</a><form method="post" action="/logout"><button>Sign out</button></form>`)
	})))
	mux.Handle("GET /landing", a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := authkit.FromContext(r.Context())
		page(w, "Landing of "+s.User().Email, readmeScript+`<form method="post" action="/logout"><button>Sign out</button></form>`)
	})))
	mux.Handle("GET /kept", a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private, max-age=3600")
		page(w, "May be kept", `<a href="/">Home</a>`)
	})))
	mux.Handle("GET /api/me", a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := authkit.FromContext(r.Context())
		json.NewEncoder(w).Encode(map[string]string{"email": s.User().Email, "session": s.ID()})
	})))
	mux.Handle("GET /admin", a.RequirePermission("members:manage")(http.NotFoundHandler()))
	mux.HandleFunc("GET /ahead", func(w http.ResponseWriter, _ *http.Request) {
		page(w, "Ahead", `<script type="speculationrules">{"prefetch": [{"urls": ["/account"], "eagerness": "immediate"}]}</script><a href="/account">Account</a>`)
	})
	mux.HandleFunc("GET /open", func(w http.ResponseWriter, _ *http.Request) { page(w, "Open to all", "") })
	return a.Middleware(mux)
}

// counted counts the requests by their paths.
func (a *app) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.served[r.URL.Path]++
		a.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// requests is how often a path has been asked for.
func (a *app) requests(path string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.served[path]
}

// navigations is how often anything has been asked for.
func (a *app) navigations() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, served := range a.served {
		n += served
	}
	return n
}

// toLoopback finds on 127.0.0.1 what the browser finds there.
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

// signIn signs kim in, in a tab.
func (a *app) signIn(b *tab) {
	b.t.Helper()
	b.visit(a.url + "/account")
	b.sees("Sign in")
	b.click("Kim Oduya")
	b.sees("Account of " + kim)
	require.Equal(b.t, a.url+"/account", b.url())
}

// newest is the session that was made last.
func (a *app) newest() authkittest.SessionInfo {
	sessions := a.fake.Sessions()
	return sessions[len(sessions)-1]
}

func page(w http.ResponseWriter, heading, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<!doctype html><html lang=en><link rel=icon href=data:,><title>%[1]s</title><h1>%[1]s</h1>%[2]s", heading, body)
}

// newSite is a site of somebody else, which has one page.
func newSite(t *testing.T, host, body string) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<!doctype html><link rel=icon href=data:,><h1>Elsewhere</h1>"+body)
	}))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", host, 1) + "/"
}
