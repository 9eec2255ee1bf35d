// The return path that a guard takes from the URL of a request.

package behaviour

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

func TestAHostileGuardedURLReturnsToThisOriginOnly(t *testing.T) {
	a := NewApp(t, AppOptions{})
	account := a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, Visitor(r)) }))
	callback := a.Callback()
	// There is no http.ServeMux in front of the guard, since it would clean some of the paths.
	a.Server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
		"/%0D%0ALocation:%20https://evil.example":  "/%0D%0ALocation:%20https://evil.example",
		"/open/https://example.com/x":              "/open/https://example.com/x",
		"/open/https%3A%2F%2Fexample.com":          "/open/https%3A%2F%2Fexample.com",
		"/a//b/%5Cc":                               "/a//b/%5Cc",
		"http://evil.example/account":              "/",
		"http://evil.example//account":             "/",
		"/account?" + strings.Repeat("x", 2000):    "/account?" + strings.Repeat("x", 2000),
		"/account?" + strings.Repeat("x", 2040):    "/",
	} {
		resp := a.sendRaw("GET "+target+" HTTP/1.1", "Accept: text/html")
		require.Equal(t, http.StatusSeeOther, resp.Status, target)
		location, err := resp.Location()
		require.NoError(t, err)
		assert.Equal(t, a.Fake.URL(), location.Scheme+"://"+location.Host, "the browser is redirected to the sign-in")
		assert.Equal(t, a.URL+"/callback", location.Query().Get("redirect_uri"))

		// The page of a cancelled sign-in links to a new sign-in with the same return path.
		query := url.Values{"state": {location.Query().Get("state")}, "error": {"access_denied"}}
		page := a.Send(Request{Target: "/callback?" + query.Encode(), Cookie: onlyCookie(t, resp), Header: Navigation()})
		link := "/login"
		if want != "/" {
			link += "?return_to=" + url.QueryEscape(want)
		}
		assert.Contains(t, page.Body, `href="`+link+`"`, "%q", target)
	}
}

// onlyCookie returns the Cookie header after a response that sets exactly one cookie.
func onlyCookie(t testing.TB, resp Response) string {
	t.Helper()
	cookies := resp.SetCookies(t)
	require.Len(t, cookies, 1)
	for name, c := range cookies {
		return name + "=" + c.Value
	}
	return ""
}

// sendRaw sends a request line that an HTTP client would refuse to send.
func (a *App) sendRaw(line string, header ...string) Response {
	a.T.Helper()
	conn, err := net.Dial("tcp", a.Server.Listener.Addr().String())
	require.NoError(a.T, err)
	defer conn.Close()
	lines := append([]string{line, "Host: evil.example", "Connection: close"}, header...)
	_, err = io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n")
	require.NoError(a.T, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(a.T, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(a.T, err)
	return Response{resp.StatusCode, resp.Header, string(body)}
}

func TestAReturnPathWithAnIncompleteDoubleEncodingIsKeptUnchanged(t *testing.T) {
	a := NewApp(t, AppOptions{})
	for _, target := range []string{"/a%25", "/a%252", "/a%2525", "/a%25252", "/a%25%32"} {
		assert.Equal(t, target, a.SanitizeReturnPath(target))
	}
}
