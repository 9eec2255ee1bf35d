// The router suite: the columns session, guard, refresh and abort.

package behaviour

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// pastSkew is a time after which an access token is past its expiry and its skew. It is accepted no more.
const pastSkew = 7 * time.Minute

// beforeExpiry is a time after which an access token is still good and its session is due for a refresh.
const beforeExpiry = 4*time.Minute + 30*time.Second

// guardedPages are the paths behind a guard.
var guardedPages = []string{"/account", "/admin", "/caching", "/stream", "/socket"}

func checkRouterSession(t *testing.T, a *routerInstance) {
	b := authkittest.NewBrowser()
	defer b.CloseIdleConnections()
	page, err := b.Get(a.URL + "/")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, page.StatusCode)
	assert.Contains(t, page.Body, "anonymous")

	page, err = b.SignIn(a.URL+"/account?tab=1&q=a%2Fb", Kim)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, page.StatusCode)
	assert.Equal(t, a.URL+"/account?tab=1&q=a%2Fb", page.URL.String(), "the sign-in returns to the page with its query")
	assert.Contains(t, page.Body, Kim)
	for _, path := range []string{"/", "/admin"} {
		page, err = b.Get(a.URL + path)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, page.StatusCode, path)
		assert.Contains(t, page.Body, Kim, path)
	}
	page, err = b.Get(a.URL + "/absent")
	require.NoError(t, err)
	assert.Equal(t, http.StatusNotFound, page.StatusCode)

	before := a.Fake.Calls(authkittest.RouteLogout)
	resp, err := b.Post(a.URL+"/logout", "application/x-www-form-urlencoded", nil)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, before+1, a.Fake.Calls(authkittest.RouteLogout), "the browser follows the redirect to the logout page of AuthKit")
	page, err = b.Get(a.URL + "/")
	require.NoError(t, err)
	assert.Contains(t, page.Body, "anonymous")
	page, err = b.Fetch(http.MethodGet, a.URL+"/account")
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, page.StatusCode)

	// Val's session takes several cookies. Equal duplicates of a cookie are one cookie, in one header line or in two.
	for _, email := range []string{Kim, val} {
		cookie := a.signIn(email)
		assert.Equal(t, email == val, strings.Contains(cookie, "; "))
		for why, lines := range map[string][]string{
			"once": {cookie}, "twice": {cookie + "; " + cookie}, "in two lines": {cookie, cookie}, "beside others": {"theme=dark; " + cookie + "; x="},
		} {
			h := Scripted()
			h["Cookie"] = lines
			resp := a.Send(Request{Target: "/account", Header: h})
			assert.Equal(t, http.StatusOK, resp.Status, "%s: the cookies of %s", why, email)
			assert.Contains(t, resp.Body, email, why)
		}
	}
}

func checkRouterGuard(t *testing.T, a *routerInstance) {
	kim, user := a.signIn(Kim), a.signIn(lee)
	fresh := a.router.start(t, a.Fake, a.clock) // it has no signing keys yet
	for _, path := range guardedPages {
		resp := a.Send(Request{Target: path, Header: Scripted()})
		assert.Equal(t, http.StatusUnauthorized, resp.Status, path)
		checkProblem(t, resp, path)

		resp = a.Send(Request{Target: path + "?x=1", Header: Navigation()})
		assert.Equal(t, http.StatusSeeOther, resp.Status, path)
		assert.True(t, strings.HasPrefix(resp.Header.Get("Location"), a.Fake.URL()+"/user_management/authorize?"), path)
		assert.NotNil(t, resp.cookieOf(t, statePrefix), path)
		checkNotCacheable(t, resp, path)
	}
	resp := a.Send(Request{Target: "/admin", Cookie: user, Header: Scripted()})
	assert.Equal(t, http.StatusForbidden, resp.Status)
	checkProblem(t, resp, "a user without the role")
	resp = a.Send(Request{Target: "/admin", Cookie: user, Header: Navigation()})
	assert.Equal(t, http.StatusForbidden, resp.Status)
	assert.Contains(t, resp.Header.Get("Content-Type"), "text/html")
	for path, cookie := range map[string]string{"/account": user, "/admin": kim} {
		resp = a.Send(Request{Target: path, Cookie: cookie, Header: Scripted()})
		assert.Equal(t, http.StatusOK, resp.Status, path)
		assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"), "the default of a guarded response")
		checkVaryOnCookie(t, resp, path)
	}

	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	for _, path := range guardedPages {
		for _, header := range []http.Header{Scripted(), Navigation()} {
			resp = fresh.Send(Request{Target: path, Cookie: kim, Header: header})
			assert.Equal(t, http.StatusServiceUnavailable, resp.Status, path)
			assert.NotEmpty(t, resp.Header.Get("Retry-After"), path)
			assert.Empty(t, resp.Header["Set-Cookie"], "the cookie stays")
			checkVaryOnCookie(t, resp, path)
		}
	}
	assert.Zero(t, fresh.runs())
	resp = fresh.Send(Request{Target: "/", Cookie: kim, Header: Navigation()})
	assert.Equal(t, http.StatusOK, resp.Status, "a public page works in an outage")
	assert.Contains(t, resp.Body, "anonymous")
}

func checkRouterRefresh(t *testing.T, a *routerInstance) {
	cookie := a.signIn(Kim)
	resp := a.Send(Request{Target: "/caching", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Equal(t, []string{"max-age=60"}, resp.Header["Cache-Control"], "without a refresh, the handler chooses")
	assert.Equal(t, []string{"max-age=60"}, resp.Header["Cdn-Cache-Control"])
	assert.Equal(t, []string{"seen=yes; Path=/caching"}, resp.Header["Set-Cookie"])
	checkVaryOnCookie(t, resp, "/caching")
	assert.Contains(t, strings.Join(resp.Header["Vary"], ", "), "Accept-Language")

	for _, c := range []struct {
		path   string
		status int
		after  time.Duration
	}{
		{"/account", http.StatusOK, pastSkew},
		{"/account", http.StatusOK, beforeExpiry},
		{"/", http.StatusOK, pastSkew},
		{"/admin", http.StatusOK, pastSkew},
		{"/caching", http.StatusOK, pastSkew},
		{"/absent", http.StatusNotFound, pastSkew},
	} {
		a.clock.Advance(c.after)
		before, id := a.Fake.Calls(authkittest.RouteRefresh), a.Fake.Sessions()[0].ID
		resp := a.Send(Request{Target: c.path, Cookie: cookie, Header: Scripted()})
		require.Equal(t, c.status, resp.Status, "%s: %s", c.path, resp.Body)
		assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh)-before, c.path)
		assert.Equal(t, id, a.Fake.Sessions()[0].ID)
		checkNotCacheable(t, resp, c.path)
		if c.status == http.StatusOK {
			assert.Contains(t, resp.Body, Kim, "the handler sees the new session")
		}
		if c.path == "/caching" {
			assert.Contains(t, resp.Header["Set-Cookie"], "seen=yes; Path=/caching", "the cookie of the handler stays")
			assert.Contains(t, strings.Join(resp.Header["Vary"], ", "), "Accept-Language")
		}
		require.NotEmpty(t, resp.session(t), c.path)
		require.NotEqual(t, cookie, resp.session(t), c.path)
		cookie = resp.session(t)
	}
	resp = a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Empty(t, resp.Header["Set-Cookie"], "a fresh session is not set again")

	// A refused refresh ends the session with the guard's answer.
	a.Fake.RevokeSession(a.Fake.Sessions()[0].ID)
	a.clock.Advance(pastSkew)
	resp = a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
	checkNotCacheable(t, resp, "the end of a session")
	cleared := resp.SetCookies(t)[sessionCookie]
	require.NotNil(t, cleared)
	assert.Negative(t, cleared.MaxAge)
}

// All requests use one connection. A byte after the answer of a guard would be the beginning of the next response.
func checkRouterAbort(t *testing.T, a *routerInstance) {
	user := a.signIn(lee)
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.URL, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(WaitTimeout)))
	reader := bufio.NewReader(conn)
	send := func(path, cookie string, header http.Header) Response {
		t.Helper()
		r, err := http.NewRequest(http.MethodGet, a.URL+path, nil)
		require.NoError(t, err)
		r.Header = header
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		a.Logs.addSecrets(r.Header, r.URL)
		require.NoError(t, r.Write(conn))
		resp, err := http.ReadResponse(reader, r)
		require.NoError(t, err, path)
		assert.False(t, resp.Close, "%s: the connection stays open", path)
		read, err := a.read(resp)
		require.NoError(t, err, path)
		assert.Zero(t, reader.Buffered(), "%s: bytes after the response", path)
		return read
	}
	upgrade := with(with(with(with(Scripted(), "Connection", "Upgrade"), "Upgrade", "websocket"), "Sec-WebSocket-Version", "13"), "Sec-WebSocket-Key", socketKey)
	for range 2 {
		for _, path := range guardedPages {
			resp := send(path, "", Scripted())
			assert.Equal(t, http.StatusUnauthorized, resp.Status, path)
			checkProblem(t, resp, path)
			assert.Equal(t, http.StatusSeeOther, send(path, "", Navigation()).Status, path)
		}
		resp := send("/admin", user, Scripted())
		assert.Equal(t, http.StatusForbidden, resp.Status)
		checkProblem(t, resp, "/admin")
		resp = send("/socket", "", upgrade)
		assert.Equal(t, http.StatusUnauthorized, resp.Status)
		checkProblem(t, resp, "/socket")
		assert.Zero(t, a.runs(), "a refused request runs no guarded handler")

		resp = send("/account", user, Scripted())
		assert.Equal(t, http.StatusOK, resp.Status)
		assert.Contains(t, resp.Body, lee)
		assert.Equal(t, 1, a.runs())
	}
	require.NoError(t, conn.SetReadDeadline(time.Now()))
	rest, _ := io.ReadAll(reader)
	assert.Empty(t, rest, "bytes after the last response")
}

// checkProblem checks that a response is exactly one problem document, which no cache may store.
func checkProblem(t *testing.T, resp Response, why string) {
	t.Helper()
	assert.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"), why)
	var problem struct{ Status int }
	require.NoError(t, json.Unmarshal([]byte(resp.Body), &problem), "%s: %q", why, resp.Body)
	assert.Equal(t, resp.Status, problem.Status, why)
	assert.Contains(t, resp.Header.Get("Cache-Control"), "no-store", why)
	assert.Empty(t, resp.Header["Set-Cookie"], why)
	checkVaryOnCookie(t, resp, why)
}

func checkVaryOnCookie(t *testing.T, resp Response, why string) {
	t.Helper()
	assert.Contains(t, strings.Join(resp.Header["Vary"], ", "), "Cookie", why)
}
