// The test harness: the application over HTTP with a fake AuthKit, and people with browsers.

package main

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/examples/internal/demo"
	"github.com/authkit-go/authkit/examples/internal/demo/demotest"
	"github.com/authkit-go/authkit/workos"
)

func TestMain(m *testing.M) { demotest.Main(m, main) }

const (
	ada, chiara, dev = "ada@harborpress.test", "chiara@example.com", "dev@example.com"
	unknownUser      = "unknown@example.com" // has no account
	password         = authkittest.DefaultPassword
	wrongCode        = "no code" // six digits could be the correct code by chance
)

// site is the application and its fake AuthKit.
type site struct {
	t       *testing.T
	fake    *authkittest.Server
	clock   *authkittest.FakeClock
	home    string
	secrets *secrets
}

func newSite(t *testing.T) *site {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	// The application is on localhost, like the example. To browsers that is another site than 127.0.0.1, where the fake is.
	home := "http://" + strings.Replace(server.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	s := &site{t: t, home: home, clock: authkittest.NewFakeClock(time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)), secrets: newSecrets(t)}
	s.fake = authkittest.New(t, authkittest.WithClock(s.clock), authkittest.WithPasswordResetURL(home+"/reset-password"),
		authkittest.WithInvitationURL(home+"/invitation"))

	app := &application{}
	var err error
	api := &http.Client{Transport: s.secrets}
	app.authkit, err = authkit.New(append(app.options(),
		authkit.WithBaseURL(s.fake.URL()), authkit.WithAPIKey(s.fake.APIKey()), authkit.WithClientID(s.fake.ClientID()),
		authkit.WithCookiePassword(rand.Text()+rand.Text()),
		authkit.WithRedirectURL(home+"/callback"), authkit.WithPostLogoutRedirectURL(home+"/"),
		authkit.WithHTTPClient(api), authkit.WithClock(s.clock), authkit.WithLogger(slog.New(slog.DiscardHandler)),
	)...)
	require.NoError(t, err)
	app.workos, err = workos.NewClient(s.fake.ClientID(), workos.WithAPIKey(s.fake.APIKey()), workos.WithBaseURL(s.fake.URL()),
		workos.WithHTTPClient(api), workos.WithClock(s.clock))
	require.NoError(t, err)
	server.Config.Handler = demo.WithHeaders(app.routes(), s.fake.URL())
	server.Start()
	t.Cleanup(server.Close)
	return s
}

// update changes a user at WorkOS.
func (s *site) update(email string, change func(*authkittest.User)) {
	s.fake.UpdateUser(email, change)
}

// code returns the latest code that was sent to an address.
func (s *site) code(email string) string { return s.fake.LastMail(email).Code }

// failOnce makes a route answer one request with an error.
func (s *site) failOnce(route authkittest.Route, status int, body string) {
	s.fake.InjectFault(route, authkittest.Fault{Status: status, Body: body, Times: 1})
}

// person is a user with a browser. Every response to the browser is searched for secrets.
type person struct {
	*authkittest.Browser
	site *site
}

func (s *site) newPerson() *person {
	b := authkittest.NewBrowser()
	transport := &http.Transport{}
	s.t.Cleanup(transport.CloseIdleConnections)
	b.Base = &observer{t: s.t, home: s.home, secrets: s.secrets, next: transport}
	return &person{b, s}
}

func (p *person) get(path string) *authkittest.Page {
	p.site.t.Helper()
	page, err := p.Get(p.site.home + path)
	require.NoError(p.site.t, err)
	return page
}

func (p *person) follow(text string) *authkittest.Page {
	p.site.t.Helper()
	page, err := p.Follow(text)
	require.NoError(p.site.t, err)
	return page
}

// press submits a form. The fields are pairs of name and value.
func (p *person) press(button string, fields ...string) *authkittest.Page {
	p.site.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	page, err := p.Submit(button, form)
	require.NoError(p.site.t, err)
	return page
}

// signIn submits the sign-in form.
func (p *person) signIn(email, password string) *authkittest.Page {
	p.site.t.Helper()
	p.get("/login")
	return p.press("Sign in", "email", email, "password", password)
}

// assertPage asserts the path, the status and parts of the text of the page that the browser shows.
func (p *person) assertPage(path string, status int, words ...string) {
	p.site.t.Helper()
	page := p.Page()
	assert.Equal(p.site.t, p.site.home+path, page.URL.String())
	assert.Equal(p.site.t, status, page.StatusCode)
	for _, text := range words {
		assert.Contains(p.site.t, page.Body, text)
	}
}

// assertSignedIn asserts that the browser shows the page at path, and that the user is signed in.
func (p *person) assertSignedIn(path, email string) {
	p.site.t.Helper()
	p.assertPage(path, http.StatusOK)
	page := p.get("/account")
	p.assertPage("/account", http.StatusOK, email)
	require.Contains(p.site.t, page.Body, "Sign out")
}

// assertSignedOut asserts that the user is not signed in.
func (p *person) assertSignedOut() {
	p.site.t.Helper()
	fetched, err := p.Fetch(http.MethodGet, p.site.home+"/api/me")
	require.NoError(p.site.t, err)
	assert.Equal(p.site.t, http.StatusUnauthorized, fetched.StatusCode)
}
