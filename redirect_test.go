package authkit_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Where a browser is sent, seen from outside.

var hostileReturns = []string{
	`//evil.example`, `///evil.example`, `/\evil.example`, `\/evil.example`, `https://evil.example`, `https:evil.example`,
	`javascript:alert(1)`, "/\t/evil.example", "/\r\n/evil.example", "\t//evil.example", `/%2Fevil.example`, `/%252Fevil.example`,
	`/%5Cevil.example`, `/%255Cevil.example`, `/%09/evil.example`, `/.//evil.example`, `%2F%2Fevil.example`, `/%252Fevil.example/%25zz`,
}

func TestAHostileReturnPathLeadsToTheRoot(t *testing.T) {
	a := newApp(t, appOptions{})
	for _, target := range hostileReturns {
		s := a.begin("/login?return_to=" + url.QueryEscape(target))
		resp := a.send(request{target: s.target(), cookie: s.cookie, header: navigation()})
		assert.Equal(t, http.StatusSeeOther, resp.status)
		assert.Equal(t, "/", resp.header.Get("Location"), "%q", target)
	}
}

func TestOnlyTheFirstReturnPathCounts(t *testing.T) {
	a := newApp(t, appOptions{})
	s := a.begin("/login?return_to=/account&return_to=//evil.example")
	assert.Equal(t, "/account", a.send(request{target: s.target(), cookie: s.cookie}).header.Get("Location"))
}

func TestAnErrorPageLinksToThisOriginAlone(t *testing.T) {
	a := newApp(t, appOptions{})
	for _, target := range hostileReturns {
		s := a.begin("/login?return_to=" + url.QueryEscape(target))
		resp := a.send(request{target: s.with("code", "") + "&error=access_denied", cookie: s.cookie, header: navigation()})
		assert.Equal(t, http.StatusForbidden, resp.status)
		assert.Contains(t, resp.body, `href="/login"`)
		assert.NotContains(t, resp.body, "evil")
	}
}

func TestAHostileGuardedAddressComesBackToThisOriginAlone(t *testing.T) {
	a := newApp(t, appOptions{})
	account := a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, visitor(r)) }))
	callback := a.Callback()
	// No http.ServeMux stands before the guard, which would clean some paths.
	a.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/callback" {
			callback.ServeHTTP(w, r)
			return
		}
		account.ServeHTTP(w, r)
	})
	for target, want := range map[string]string{
		"/account?next=//evil.example":             "/account?next=//evil.example",
		"/account?next=https://evil.example/%0d%0": "/account?next=https://evil.example/%0d%0",
		"/account%2Fb?x=%5C":                       "/account%2Fb?x=%5C",
		"//evil.example":                           "/",
		"///evil.example/account":                  "/",
		`/\evil.example`:                           "/",
		"/%5Cevil.example":                         "/",
		"/%2Fevil.example":                         "/",
		"/%252Fevil.example":                       "/",
		"/%252Fevil.example/%25zz":                 "/",
		"/a/..//evil.example":                      "/",
		"/%0D%0ALocation:%20https://evil.example":  "/",
		"http://evil.example/account":              "/",
		"http://evil.example//account":             "/",
		"/account?" + strings.Repeat("x", 2000):    "/",
	} {
		resp := a.sendRaw("GET "+target+" HTTP/1.1", "Accept: text/html")
		require.Equal(t, http.StatusSeeOther, resp.status, target)
		location, err := resp.location()
		require.NoError(t, err)
		assert.Equal(t, a.fake.URL(), location.Scheme+"://"+location.Host, "into sign-in")
		assert.Equal(t, a.url+"/callback", location.Query().Get("redirect_uri"))

		// The page of a cancelled sign-in links to where it would have led.
		query := url.Values{"state": {location.Query().Get("state")}, "error": {"access_denied"}}
		page := a.send(request{target: "/callback?" + query.Encode(), cookie: onlyCookie(t, resp), header: navigation()})
		link := "/login"
		if want != "/" {
			link += "?return_to=" + url.QueryEscape(want)
		}
		assert.Contains(t, page.body, `href="`+link+`"`, "%q", target)
	}
}

// onlyCookie is the Cookie header after a response that set one cookie.
func onlyCookie(t testing.TB, resp response) string {
	t.Helper()
	cookies := resp.setCookies(t)
	require.Len(t, cookies, 1)
	for name, c := range cookies {
		return name + "=" + c.Value
	}
	return ""
}

// sendRaw sends a request line that no client library would let out.
func (a *app) sendRaw(line string, header ...string) response {
	a.t.Helper()
	conn, err := net.Dial("tcp", a.server.Listener.Addr().String())
	require.NoError(a.t, err)
	defer conn.Close()
	lines := append([]string{line, "Host: evil.example", "Connection: close"}, header...)
	_, err = io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n")
	require.NoError(a.t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(a.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(a.t, err)
	return response{resp.StatusCode, resp.Header, string(body)}
}
