// Tests of Caddy's forward_auth, as it is without this module: what becomes of a refreshed cookie.

package caddyauthkit_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// asked starts an application that Caddy asks about each request. Its users have large sessions, of several cookies.
func asked(t *testing.T) *authkittest.App {
	var permissions []string
	for i := range 200 {
		permissions = append(permissions, fmt.Sprintf("permission-%03d:write", i))
	}
	return authkittest.Run(t, func(env authkittest.Env) http.Handler {
		ak := env.AuthKit()
		mux := http.NewServeMux()
		mux.Handle("/login", ak.Login())
		mux.Handle("/callback", ak.Callback())
		mux.Handle("/ask", ak.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			session, _ := authkit.FromContext(r.Context())
			w.Header().Set("X-User", session.User().Email)
			w.WriteHeader(http.StatusNoContent)
		})))
		return ak.Middleware(mux)
	}, authkittest.WithUsers(authkittest.User{Email: ben, Memberships: []authkittest.Membership{{OrganizationID: "org_01", Role: "admin", Permissions: permissions}}}))
}

// refreshedThrough sends a request whose session must be refreshed to a site that asks app. It returns the cookies that the response
// sets, and the body.
func refreshedThrough(t *testing.T, app *authkittest.App, lines string) (cookies []*http.Cookie, text string) {
	t.Helper()
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark"})
		_, _ = io.WriteString(w, r.Header.Get("X-User"))
	}), setUp{without: true, more: strings.ReplaceAll(lines, "{asked}", strings.TrimPrefix(app.URL, "http://"))})
	b := app.SignIn(ben)
	app.Clock.Advance(4*time.Minute + 30*time.Second) // a token is valid for five minutes
	r, err := http.NewRequest(http.MethodGet, s.URL+"/page", nil)
	require.NoError(t, err)
	for _, cookie := range b.Jar.Cookies(r.URL) {
		r.AddCookie(cookie)
	}
	r.Header.Set("X-User", "evil")
	refreshes := app.Fake.Refreshes().Exchanged
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, refreshes+1, app.Fake.Refreshes().Exchanged)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.Cookies(), string(body)
}

func TestForwardAuthOfCaddyDropsTheRefreshedCookie(t *testing.T) {
	cookies, text := refreshedThrough(t, asked(t), `
	forward_auth {asked} {
		uri /ask
		copy_headers X-User
	}
	reverse_proxy {upstream}`)
	assert.Equal(t, ben, text)
	require.Len(t, cookies, 1)
	assert.Equal(t, "theme", cookies[0].Name)
}

// documented returns the site of docs/forward-auth.md, for an endpoint at {asked} and an application at {upstream}.
func documented(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/forward-auth.md")
	require.NoError(t, err)
	_, block, found := strings.Cut(string(page), "```caddyfile\napp.example.com {\n")
	require.True(t, found)
	block, _, _ = strings.Cut(block, "\n}\n```")
	return strings.NewReplacer("localhost:9000", "{asked}", "localhost:3000", "{upstream}").Replace(block)
}

func TestCaddyThatCopiesResponseHeadersPassesEveryRefreshedCookie(t *testing.T) {
	app := asked(t)
	cookies, text := refreshedThrough(t, app, documented(t))
	assert.Equal(t, ben, text)
	var names []string
	for _, cookie := range cookies {
		names = append(names, cookie.Name)
	}
	assert.Equal(t, []string{"authkit-session.0", "authkit-session.1", "theme"}, names)
	r, err := http.NewRequest(http.MethodGet, app.URL+"/ask", nil)
	require.NoError(t, err)
	for _, cookie := range cookies {
		r.AddCookie(cookie)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, http.StatusNoContent, resp.StatusCode, "the session of the new cookies is whole")
}

func TestCaddyThatAsksSendsAnAnonymousNavigationToTheSignInAndBack(t *testing.T) {
	app := asked(t)
	s := start(t, echo, setUp{without: true, more: strings.ReplaceAll(documented(t), "{asked}", strings.TrimPrefix(app.URL, "http://"))})
	resp := s.do("", "GET", "/page?a=1&b=2", "Accept: text/html", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
	assert.Equal(t, http.StatusFound, resp.StatusCode)
	assert.Equal(t, "/login?return_to=%2Fpage%3Fa%3D1%26b%3D2", resp.Header.Get("Location"))
	resp = s.do("", "GET", "/login?return_to=%2Fpage")
	assert.Equal(t, http.StatusSeeOther, resp.StatusCode, "the paths of the sign-in reach the endpoint")
}
