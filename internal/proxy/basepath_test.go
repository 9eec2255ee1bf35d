// Two applications below paths of one host. nginx removes the path from requests.

package proxy_test

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// portal is a host with applications below its paths. They have one client ID and default cookie names.
type portal struct {
	t    *testing.T
	url  string // address of nginx: http://localhost:port
	fake *authkittest.Server
}

// newPortal starts applications below /a and /b, of which nginx removes the path, and one below /whole, of which it does
// not.
func newPortal(t *testing.T) *portal {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	clock := authkittest.NewFakeClock(time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC))
	acme := []authkittest.Membership{{OrganizationID: "org_acme", Role: "admin"}}
	p := &portal{
		t: t, url: fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port),
		fake: authkittest.New(t, authkittest.WithClock(clock), authkittest.WithUsers(
			authkittest.User{ID: "user_kim", Email: kim, FirstName: "Kim", Memberships: acme})),
	}
	locations := map[string]string{}
	for _, base := range []string{"/a", "/b"} {
		// The slash at the end makes nginx remove the path of the location.
		locations[base+"/"] = "proxy_pass http://" + p.start(base, clock, authkit.WithBasePath(base)) + "/; proxy_set_header Host $host;"
	}
	locations["/whole/"] = "proxy_pass http://" + p.start("/whole", clock) + ";"
	startNginxWith(t, listener, defaultBuffer, locations, "127.0.0.1:1")
	return p
}

// start starts the application below a path and returns its address.
func (p *portal) start(base string, clock *authkittest.FakeClock, opts ...authkit.Option) (address string) {
	p.t.Helper()
	ak, err := authkit.New(append([]authkit.Option{
		authkit.WithAPIKey(p.fake.APIKey()),
		authkit.WithClientID(p.fake.ClientID()),
		authkit.WithBaseURL(p.fake.URL()),
		authkit.WithCookiePassword(rand.Text() + rand.Text()),
		authkit.WithRedirectURL(p.url + base + "/callback"),
		authkit.WithPostLogoutRedirectURL(p.url + base + "/"),
		authkit.WithClock(clock),
		authkit.WithLogger(slog.New(slog.DiscardHandler)),
	}, opts...)...)
	require.NoError(p.t, err)
	show := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user := "anonymous"
		if s, ok := authkit.FromContext(r.Context()); ok {
			user = s.User().Email + " in " + s.OrganizationID()
		}
		fmt.Fprintf(w, `<!doctype html><h1>%[1]s of %s</h1><form method="post" action="%[1]s/logout"><button>Sign out</button></form>`+
			`<form method="post" action="%[1]s/organization"><button name="organization_id" value="org_acme">Acme</button></form>`, base, user)
	})
	mux := http.NewServeMux()
	mux.Handle("GET /login", ak.Login())
	mux.Handle("GET /callback", ak.Callback())
	mux.Handle("POST /logout", ak.Logout())
	mux.Handle("POST /organization", ak.SwitchOrganization())
	mux.Handle("GET /account/", ak.RequireAuth(show))
	mux.Handle("GET /{$}", show)
	handler := ak.Middleware(mux)
	if len(opts) == 0 {
		handler = http.StripPrefix(base, handler)
	}
	server := httptest.NewServer(handler)
	p.t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// sessions returns the sorted names of the session cookies in a browser.
func (p *portal) sessions(b *authkittest.Browser) (names []string) {
	p.t.Helper()
	home, err := url.Parse(p.url + "/")
	require.NoError(p.t, err)
	for _, c := range b.Jar.Cookies(home) {
		if !strings.HasPrefix(c.Name, "fake-authkit-") {
			names = append(names, c.Name)
		}
	}
	slices.Sort(names)
	return names
}

// shows opens a page and checks its address and its text.
func (p *portal) shows(b *authkittest.Browser, path, text string) {
	p.t.Helper()
	page, err := b.Get(p.url + path)
	require.NoError(p.t, err)
	require.Equal(p.t, p.url+path, page.URL.String())
	require.Contains(p.t, page.Body, text)
}

func TestTwoApplicationsBelowPathsOfOneHostLeaveEachOtherAlone(t *testing.T) {
	p := newPortal(t)
	b := authkittest.NewBrowser()
	t.Cleanup(b.CloseIdleConnections)
	page, err := b.SignIn(p.url+"/a/account/b?q=1&r=/x", kim)
	require.NoError(t, err)
	assert.Equal(t, p.url+"/a/account/b?q=1&r=/x", page.URL.String())
	assert.Contains(t, page.Body, "/a of "+kim)
	first := p.sessions(b)
	require.Len(t, first, 1)

	p.shows(b, "/b/", "/b of anonymous")
	p.shows(b, "/b/account/x", "/b of "+kim) // AuthKit knows the user
	p.shows(b, "/whole/account/x?y", "/whole of "+kim)
	all := p.sessions(b)
	require.Len(t, all, 3)
	assert.Contains(t, all, "authkit-session", "the application without a base path")

	p.shows(b, "/a/account/", "/a of "+kim)
	page, err = b.Submit("Acme", nil)
	require.NoError(t, err)
	assert.Equal(t, p.url+"/a/", page.URL.String(), "a switch without a return path leads to the root of the application")
	assert.Contains(t, page.Body, "/a of "+kim+" in org_acme")
	page, err = b.Submit("Sign out", nil)
	require.NoError(t, err)
	assert.Equal(t, p.url+"/a/", page.URL.String())
	assert.Contains(t, page.Body, "/a of anonymous")
	assert.Equal(t, slices.DeleteFunc(all, func(name string) bool { return name == first[0] }), p.sessions(b))
	p.shows(b, "/b/account/x", "/b of "+kim)
	p.shows(b, "/whole/account/x", "/whole of "+kim)
}

func TestPendingSignInsOfTwoApplicationsBelowPathsOfOneHostBothFinish(t *testing.T) {
	p := newPortal(t)
	b := authkittest.NewBrowser()
	t.Cleanup(b.CloseIdleConnections)
	tabs := map[string]*authkittest.Page{}
	for _, base := range []string{"/a", "/b", "/whole"} {
		page, err := b.Get(p.url + base + "/account/tab")
		require.NoError(t, err)
		tabs[base] = page
	}
	assert.Len(t, p.sessions(b), 3, "each has its own state cookie")
	for base, page := range tabs {
		form := page.Forms[slices.IndexFunc(page.Forms, func(f authkittest.Form) bool { return strings.Contains(f.Buttons[0].Text, "Kim") })]
		fields := form.Fields
		for _, button := range form.Buttons[:1] {
			fields.Add(button.Name, button.Value)
		}
		resp, err := b.PostForm(form.Action.String(), fields)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, p.url+base+"/account/tab", resp.Request.URL.String())
	}
}

// The page of a failed sign-in has a link that leads to the same application.
func TestTheLinkOfAFailurePageLeadsToTheApplicationBelowItsPath(t *testing.T) {
	p := newPortal(t)
	b := authkittest.NewBrowser()
	t.Cleanup(b.CloseIdleConnections)
	page, err := b.Get(p.url + "/b/callback?error=access_denied")
	require.NoError(t, err)
	assert.Equal(t, http.StatusForbidden, page.StatusCode)
	page, err = b.Follow("Try again")
	require.NoError(t, err)
	assert.Equal(t, p.fake.URL(), page.URL.Scheme+"://"+page.URL.Host)
	page, err = b.Submit("Kim", nil)
	require.NoError(t, err)
	assert.Equal(t, p.url+"/b/", page.URL.String())
}
