// The application that the tests are about, and the browsers and requests that come to it.

package authkit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// kim is in one organization, so that signing in asks no question.
const kim = "kim@example.com"

var password = strings.Repeat("correct-horse-", 3)

// start is the time at which every test begins.
var start = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

// app is a small application behind authkit, served over HTTP on localhost,
// with a fake AuthKit on 127.0.0.1 (another site, to a browser) and one clock
// for both.
type app struct {
	*authkit.AuthKit
	t      testing.TB
	fake   *authkittest.AuthKit
	clock  *authkittest.Clock
	server *httptest.Server
	url    string // http://localhost:port, or https://127.0.0.1:port
	logs   *lockedBuffer
}

// appOptions say how an app differs from the usual one.
type appOptions struct {
	authkit []authkit.Option
	fake    []authkittest.Option
	// routes are added to the router, inside the middleware.
	routes func(*app, *http.ServeMux)
	tls    bool
	clock  *observedClock // nil for one that nobody observes
}

func newApp(t testing.TB, o appOptions) *app {
	t.Helper()
	clock := authkittest.NewClock(start)
	if o.clock != nil {
		clock = o.clock.Clock
		o.authkit = append([]authkit.Option{authkit.WithClock(o.clock)}, o.authkit...)
	}
	fake := authkittest.New(t, append([]authkittest.Option{
		authkittest.WithClock(clock),
		authkittest.WithOrganizations(authkittest.Organization{ID: "org_acme", Name: "Acme"}),
		authkittest.WithPeople(authkittest.Person{
			ID: "user_kim", Email: kim, FirstName: "Kim", LastName: "Oduya", Metadata: map[string]string{"plan": "pro"},
			Memberships: []authkittest.Membership{{
				OrganizationID: "org_acme", Role: "admin", Permissions: []string{"posts:read", "posts:write"},
				Entitlements: []string{"audit-logs"}, FeatureFlags: []string{"beta"},
			}},
		}, authkittest.Person{ID: "user_lee", Email: "lee@example.com", FirstName: "Lee"}),
	}, o.fake...)...)
	return newInstance(t, fake, clock, o)
}

// newInstance is one process of an application: several of them can stand
// before the same fake.
func newInstance(t testing.TB, fake *authkittest.AuthKit, clock *authkittest.Clock, o appOptions) *app {
	t.Helper()
	a := &app{t: t, fake: fake, clock: clock, logs: &lockedBuffer{}}
	a.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.handler().ServeHTTP(w, r)
	}))
	address := a.server.Listener.Addr().String()
	if o.tls {
		a.url = "https://" + address // as the server's certificate has it
	} else {
		a.url = "http://" + strings.Replace(address, "127.0.0.1", "localhost", 1)
	}

	if os.Getenv("AUTHKIT_TEST_CACHE") == "off" { // all that holds with the session cache has to hold without
		o.authkit = append([]authkit.Option{authkit.WithSessionCache(0, 0)}, o.authkit...)
	}
	var err error
	a.AuthKit, err = authkit.New(append([]authkit.Option{
		authkit.WithAPIKey(fake.APIKey()),
		authkit.WithClientID(fake.ClientID()),
		authkit.WithBaseURL(fake.URL()),
		authkit.WithCookiePassword(password),
		authkit.WithRedirectURL(a.url + "/callback"),
		authkit.WithPostLogoutRedirectURL(a.url + "/"),
		authkit.WithClock(clock),
		authkit.WithLogger(slog.New(slog.NewTextHandler(a.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))),
	}, o.authkit...)...)
	require.NoError(t, err)
	handler := a.routes(o)
	a.server.Config.Handler = handler
	if o.tls {
		a.server.StartTLS()
	} else {
		a.server.Start()
	}
	t.Cleanup(a.server.Close)
	return a
}

func (a *app) handler() http.Handler { return a.server.Config.Handler }

func (a *app) routes(o appOptions) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/login", a.Login())
	mux.Handle("/callback", a.Callback())
	mux.Handle("/logout", a.Logout())
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "<!doctype html><h1>home of "+visitor(r)+"</h1>"+
			`<a href="/account">Account</a><form method="post" action="/logout"><button>Sign out</button></form>`)
	})
	guarded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "page of "+visitor(r)+" at "+r.RequestURI)
	})
	mux.Handle("/account", a.RequireAuth(guarded))
	mux.Handle("/deep/", a.RequireAuth(guarded))
	if o.routes != nil {
		o.routes(a, mux)
	}
	return a.Middleware(mux)
}

// visitor says what a handler knows of who is asking.
func visitor(r *http.Request) string {
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

// browser returns a browser that knows nothing of the application yet.
func (a *app) browser() *browser {
	b := &browser{Browser: authkittest.NewBrowser(), app: a}
	b.Base = a.server.Client().Transport
	a.t.Cleanup(b.CloseIdleConnections)
	return b
}

// signedIn returns a browser in which somebody is signed in.
func (a *app) signedIn(email string) *browser {
	a.t.Helper()
	b := a.browser()
	_, err := b.SignIn(a.url+"/login", email)
	require.NoError(a.t, err)
	return b
}

// browser fails the test where a step cannot be made.
type browser struct {
	*authkittest.Browser
	app *app
}

func (b *browser) get(path string) *authkittest.Page {
	b.app.t.Helper()
	page, err := b.Get(b.app.url + path)
	require.NoError(b.app.t, err)
	return page
}

func (b *browser) fetch(method, path string) *authkittest.Page {
	b.app.t.Helper()
	page, err := b.Fetch(method, b.app.url+path)
	require.NoError(b.app.t, err)
	return page
}

// cookies are those that the browser would send to the application.
func (b *browser) cookies() []*http.Cookie {
	u, _ := url.Parse(b.app.url + "/")
	return b.Jar.Cookies(u)
}

func (b *browser) cookieNames() []string {
	var names []string
	for _, c := range b.cookies() {
		if !strings.HasPrefix(c.Name, "fake-authkit-") { // over TLS, both are on one host
			names = append(names, c.Name)
		}
	}
	slices.Sort(names)
	return names
}

func (b *browser) cookieHeader() string {
	var pairs []string
	for _, c := range b.cookies() {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return strings.Join(pairs, "; ")
}

// request is one request of no browser, sent as it is; redirects are not
// followed.
type request struct {
	method, target string
	header         http.Header
	cookie         string
	form           url.Values // sent as a body if there is one
}

// navigation is the header of a browser that loads a page.
func navigation() http.Header {
	return http.Header{"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Accept": {"text/html"}}
}

// scripted is the header of a script's fetch.
func scripted() http.Header {
	return http.Header{"Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"}, "Accept": {"*/*"}}
}

type response struct {
	status int
	header http.Header
	body   string
}

func (a *app) send(q request) response {
	a.t.Helper()
	r, err := a.do(q)
	require.NoError(a.t, err)
	return r
}

func (a *app) do(q request) (response, error) {
	if q.method == "" {
		q.method = http.MethodGet
	}
	r, err := http.NewRequest(q.method, a.url+q.target, strings.NewReader(q.form.Encode()))
	if err != nil {
		return response{}, err
	}
	if q.form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, values := range q.header {
		r.Header[name] = values
	}
	r.Host = q.header.Get("Host")
	if q.cookie != "" {
		r.Header.Set("Cookie", q.cookie)
	}
	resp, err := a.server.Client().Transport.RoundTrip(r)
	if err != nil {
		return response{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return response{resp.StatusCode, resp.Header, string(body)}, err
}

// direct calls one handler, without the application around it.
func (a *app) direct(h http.Handler, q request) response {
	r := httptest.NewRequest(q.method, q.target, strings.NewReader(q.form.Encode()))
	for name, values := range q.header {
		r.Header[name] = values
	}
	r.Header.Set("Cookie", q.cookie)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return response{w.Code, w.Header(), w.Body.String()}
}

// setCookies are the cookies that a response sets, by name: in the form that
// the application uses, which comes after the expiry of other forms. No response
// may set one cookie twice.
func (r response) setCookies(t testing.TB) map[string]*http.Cookie {
	t.Helper()
	cookies := map[string]*http.Cookie{}
	forms := map[string]bool{}
	for _, line := range r.header["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		require.NoError(t, err)
		form := c.Name + " " + c.Domain + " " + c.Path
		require.False(t, forms[form], "two Set-Cookie for %s", form)
		forms[form] = true
		if before := cookies[c.Name]; before == nil || c.Path == "/" {
			cookies[c.Name] = c
		}
	}
	return cookies
}

// cookieOf is the one cookie that a response sets whose name begins with a
// prefix, for those whose names hold a hash. It is nil where there is none.
func (r response) cookieOf(t testing.TB, prefix string) (found *http.Cookie) {
	t.Helper()
	for name, c := range r.setCookies(t) {
		if strings.HasPrefix(name, prefix) {
			require.Nil(t, found, "two cookies begin with %s", prefix)
			found = c
		}
	}
	return found
}

// newCookie is the Cookie header after a response, for a session of one cookie.
func (r response) newCookie(t testing.TB) string {
	t.Helper()
	c := r.setCookies(t)["authkit-session"]
	require.NotNil(t, c, "no session cookie was set")
	return c.Name + "=" + c.Value
}

func (r response) location() (*url.URL, error) { return url.Parse(r.header.Get("Location")) }

func (r response) problem(t testing.TB) map[string]any {
	t.Helper()
	require.Equal(t, "application/problem+json", r.header.Get("Content-Type"))
	var problem map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.body), &problem))
	return problem
}

// lockedBuffer collects a log that several goroutines write.
type lockedBuffer struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	changed chan struct{} // closed at the next write, nil where nobody waits
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// await waits until a text has been written so many times.
func (b *lockedBuffer) await(t testing.TB, text string, times int) {
	t.Helper()
	tooLong := time.After(20 * time.Second)
	for {
		b.mu.Lock()
		if strings.Count(b.buf.String(), text) >= times {
			b.mu.Unlock()
			return
		}
		if b.changed == nil {
			b.changed = make(chan struct{})
		}
		changed := b.changed
		b.mu.Unlock()
		select {
		case <-changed:
		case <-tooLong:
			t.Fatalf("%q was not logged", text)
		}
	}
}

// expireToken moves the clock to a time after the expiry of the access tokens
// issued so far, that much beyond it.
func (a *app) expireToken(beyond time.Duration) {
	a.clock.Advance(5*time.Minute + beyond)
}

// sessionID is the ID of the newest session at the fake.
func (a *app) sessionID() string {
	sessions := a.fake.Sessions()
	return sessions[len(sessions)-1].ID
}

func pageOf(email string, id string) string { return fmt.Sprintf("page of %s in %s", email, id) }
