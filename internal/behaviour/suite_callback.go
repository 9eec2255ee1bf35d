// The suite: callbacks that are forged, replayed or concurrent, and code exchanges that fail.

package behaviour

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestTheCallbackDoesNotEchoItsQuery(t *testing.T, a *Instance) {
	for _, markup := range []string{
		"<script>evil(1)</script>", `"><img src=x onerror=evil(1)>`, "'-evil(1)-'", "{{evil}}", "</title><svg/onload=evil(1)>",
		"javascript:evil(1)", "%3Cscript%3Eevil(1)%3C/script%3E", "\r\nX-Evil: 1\r\n\r\n<script>evil(1)</script>", strings.Repeat("evil", 500),
	} {
		s := a.StartSignInAs("/login?return_to="+url.QueryEscape("/account?"+markup), Kim)
		for name, query := range map[string]url.Values{
			"with the state of this browser": {"state": {s.State()}, "error": {"access_denied"}, "error_description": {markup}, "error_uri": {markup}},
			"with an unknown error code":     {"state": {"y"}, "error": {markup}, "error_description": {markup}},
			"with another state":             {"state": {"state " + markup}, "code": {"code " + markup}, "error_description": {markup}},
			"without a state":                {"error": {markup}, "error_description": {markup}},
			"with an unknown parameter":      {"state": {"y"}, "error": {markup}, markup: {markup}},
		} {
			resp := a.Send(Request{Target: "/callback?" + query.Encode(), Cookie: s.Cookie, Header: Navigation()})
			assert.GreaterOrEqual(t, resp.Status, 400, name)
			assert.NotContains(t, resp.Body, "<script", name)
			assert.NotContains(t, resp.Body, "evil(", name)
			// The return path is in the link, encoded as one query value.
			body := strings.ReplaceAll(html.UnescapeString(resp.Body), "return_to="+url.QueryEscape("/account?"+markup), "")
			assert.NotContains(t, body, "evil", name)
			assert.Empty(t, resp.Header["X-Evil"], name)
			assert.Contains(t, resp.Header.Get("Content-Security-Policy"), "default-src 'none'", name)
		}
	}
}

func TestACallbackOfAnotherBrowserMakesNoCodeExchange(t *testing.T, a *Instance) {
	for _, c := range []struct {
		name  string
		forge func(own, other PendingSignIn) (path, cookie string)
	}{
		{"an unknown state is refused", func(m, _ PendingSignIn) (string, string) { return m.With("state", "unknown"), m.Cookie }},
		{"a state of another sign-in is refused", func(m, o PendingSignIn) (string, string) { return m.With("state", o.State()), m.Cookie }},
		{"a truncated state is refused", func(m, _ PendingSignIn) (string, string) { return m.With("state", m.State()[:42]), m.Cookie }},
		{"a state with an extra character is refused", func(m, _ PendingSignIn) (string, string) { return m.With("state", m.State()+"A"), m.Cookie }},
		{"a state in upper case is refused", func(m, _ PendingSignIn) (string, string) {
			return m.With("state", strings.ToUpper(m.State())), m.Cookie
		}},
		{"two states are refused", func(m, o PendingSignIn) (string, string) { return m.Target() + "&state=" + o.State(), m.Cookie }},
		{"a duplicate state is refused", func(m, _ PendingSignIn) (string, string) { return m.Target() + "&state=" + m.State(), m.Cookie }},
		{"two codes are refused", func(m, o PendingSignIn) (string, string) {
			return m.Target() + "&code=" + o.Callback.Query().Get("code"), m.Cookie
		}},
		{"a callback without cookies is refused", func(m, _ PendingSignIn) (string, string) { return m.Target(), "" }},
		{"a callback with the state cookie of another sign-in is refused", func(m, o PendingSignIn) (string, string) { return m.Target(), o.Cookie }},
		{"the state cookie of another sign-in under this name is refused", func(m, o PendingSignIn) (string, string) {
			name, _, _ := strings.Cut(m.Cookie, "=")
			_, value, _ := strings.Cut(o.Cookie, "=")
			return m.Target(), name + "=" + value
		}},
		{"an altered state cookie is refused", func(m, _ PendingSignIn) (string, string) { return m.Target(), flipAt(m.Cookie, len(m.Cookie)-10) }},
		{"an empty state cookie is refused", func(m, _ PendingSignIn) (string, string) {
			name, _, _ := strings.Cut(m.Cookie, "=")
			return m.Target(), name + "="
		}},
		{"a callback without a code or an error is refused", func(m, _ PendingSignIn) (string, string) { return m.With("code", ""), m.Cookie }},
		{"a callback without a query is refused", func(m, _ PendingSignIn) (string, string) { return "/callback", m.Cookie }},
	} {
		t.Run(c.name, func(t *testing.T) {
			own, other := a.StartSignInAs("/login", Kim), a.StartSignInAs("/login", lee)
			before := a.Fake.Calls(authkittest.RouteAuthenticate)
			path, cookie := c.forge(own, other)
			checkErrorPage(t, a.Send(Request{Target: path, Cookie: cookie, Header: Navigation()}), http.StatusBadRequest)
			assert.Equal(t, before, a.Fake.Calls(authkittest.RouteAuthenticate))
		})
	}
}

// Link scanners request every URL in a mail with HEAD and other methods. A code can be exchanged only once.
func TestAnUnsupportedMethodConsumesNoState(t *testing.T, a *Instance) {
	s := a.StartSignInAs("/login", Kim)
	before := a.Fake.Calls(authkittest.RouteAuthenticate)
	for _, method := range []string{"HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"} {
		for _, path := range []string{"/login", s.Target()} {
			resp := a.Send(Request{Method: method, Target: path, Cookie: s.Cookie, Header: Navigation()})
			assert.Equal(t, http.StatusMethodNotAllowed, resp.Status, "%s %s", method, path)
			assert.Empty(t, resp.Header["Set-Cookie"], "%s %s", method, path)
			assert.Empty(t, resp.Header["Location"], "%s %s", method, path)
		}
	}
	assert.Equal(t, before, a.Fake.Calls(authkittest.RouteAuthenticate))
	assert.Equal(t, http.StatusSeeOther, a.finishSignIn(s).Status)
}

func TestConcurrentCallbacksOfOneSignInMakeOneCodeExchange(t *testing.T, a *Instance) {
	s := a.StartSignInAs("/login", Kim)
	before := a.Fake.Calls(authkittest.RouteCodeExchange)
	var signedIn, refused atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			resp, err := a.Do(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
			switch {
			case err == nil && resp.Status == http.StatusSeeOther:
				signedIn.Add(1)
			case err == nil && resp.Status == http.StatusBadRequest:
				refused.Add(1)
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 1, signedIn.Load())
	assert.EqualValues(t, 19, refused.Load())
	assert.Equal(t, before+1, a.Fake.Calls(authkittest.RouteCodeExchange))
	checkErrorPage(t, a.finishSignIn(s), http.StatusBadRequest)
}

func TestACallbackWithoutAStateRestartsTheSignInOnce(t *testing.T, a *Instance) {
	s := a.StartSignInAs("/login", lee) // an attacker's code, which would sign the victim in as the attacker
	before := a.Fake.Calls(authkittest.RouteAuthenticate)
	first := a.Send(Request{Target: s.With("state", ""), Cookie: s.Cookie, Header: Navigation()})
	assert.Equal(t, http.StatusSeeOther, first.Status)
	assert.True(t, strings.HasPrefix(first.Header.Get("Location"), a.Fake.URL()+"/user_management/authorize?"))
	assert.Empty(t, first.session(t))
	var restart *http.Cookie
	for name, c := range first.SetCookies(t) {
		if strings.HasPrefix(name, "authkit-restart-") {
			restart = c
		}
	}
	require.NotNil(t, restart)

	again := a.Send(Request{Target: s.With("state", ""), Cookie: restart.Name + "=" + restart.Value, Header: Navigation()})
	checkErrorPage(t, again, http.StatusBadRequest)
	assert.Equal(t, before, a.Fake.Calls(authkittest.RouteAuthenticate))
	assert.Equal(t, http.StatusSeeOther, a.finishSignIn(s).Status, "the pending sign-in can still finish")
}

func TestTwoTabsCanSignInAtTheSameTime(t *testing.T, a *Instance) {
	one, two := a.StartSignInAs("/login?return_to=/account%3F1", Kim), a.StartSignInAs("/login?return_to=/account%3F2", Kim)
	for _, s := range []PendingSignIn{two, one} {
		resp := a.Send(Request{Target: s.Target(), Cookie: one.Cookie + "; " + two.Cookie, Header: Navigation()})
		require.Equal(t, http.StatusSeeOther, resp.Status)
		assert.Equal(t, map[string]string{one.Cookie: "/account?1", two.Cookie: "/account?2"}[s.Cookie], resp.Header.Get("Location"))
		assert.Equal(t, Kim, a.visitor(resp.session(t)))
		other := map[string]string{one.Cookie: two.Cookie, two.Cookie: one.Cookie}[s.Cookie]
		name, _, _ := strings.Cut(other, "=")
		assert.NotContains(t, resp.SetCookies(t), name, "the state cookie of the other tab is kept")
	}
}

func TestTwentyAbandonedSignInsLeaveLessThan4KBOfCookies(t *testing.T, a *Instance) {
	b := authkittest.NewBrowser()
	defer b.CloseIdleConnections()
	for i := range 20 {
		page, err := b.Get(a.URL + fmt.Sprintf("/account?%d=%s", i, strings.Repeat("x", 900)))
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, page.StatusCode, "sign-in %d", i)
	}
	home, _ := url.Parse(a.URL)
	size := 0
	for _, c := range b.Jar.Cookies(home) {
		size += len(c.Name) + len(c.Value)
	}
	assert.Less(t, size, 4096)
	page, err := b.SignIn(a.URL+"/account", Kim)
	require.NoError(t, err)
	assert.Contains(t, page.Body, Kim)
}

func TestACodeOfAnotherSignInIsRefusedAndKeepsTheOldSession(t *testing.T, a *Instance) {
	cookie := a.signIn(lee)
	other := newPlainApp(t)
	for _, c := range []struct {
		name string
		code func() string
	}{
		{"a used code is refused", func() string {
			s := a.StartSignInAs("/login", Kim)
			require.Equal(t, http.StatusSeeOther, a.finishSignIn(s).Status)
			return s.Callback.Query().Get("code")
		}},
		{"a code of another sign-in, with another code verifier, is refused", func() string { return a.StartSignInAs("/login", Kim).Callback.Query().Get("code") }},
		{"a code of another client is refused", func() string { return other.StartSignInAs("/login", Kim).Callback.Query().Get("code") }},
		{"an unknown code is refused", func() string { return strings.Repeat("unknown", 6) }},
		{"a code of ten kilobytes is refused", func() string { return strings.Repeat("0123456789", 1<<10) }},
		{"a code with markup and line breaks is refused", func() string { return "<script>\r\n\x00&client_secret=" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			code := c.code()
			s := a.StartSignInAs("/login", Kim)
			resp := a.Send(Request{Target: s.With("code", code), Cookie: s.Cookie + "; " + cookie, Header: Navigation()})
			checkErrorPage(t, resp, http.StatusBadRequest)
			assert.NotContains(t, resp.Body, code)
			assert.Equal(t, lee, a.visitor(cookie), "the old session is still valid")
		})
	}
}

func TestASignInRemovesEveryPlantedSessionCookie(t *testing.T, a *Instance) {
	small, large := a.signIn(lee), a.signIn(val)
	for _, c := range []struct{ name, planted string }{
		{"a session of the attacker", small},
		{"a session in several cookies", large},
		{"the highest number of chunks", chunks(strings.Split("abcdefgh", "")...)},
		{"the highest number of chunks beside a session", chunks(strings.Split("abcdefgh", "")...) + "; " + small},
		{"a value that does not open", sessionCookie + "=evil"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := authkittest.NewBrowser()
			defer b.CloseIdleConnections()
			home, _ := url.Parse(a.URL)
			planted, err := http.ParseCookie(c.planted)
			require.NoError(t, err)
			b.Jar.SetCookies(home, planted)
			_, err = b.SignIn(a.URL+"/login?return_to=/account", Kim)
			require.NoError(t, err)
			var remaining []string
			for _, cookie := range b.Jar.Cookies(home) {
				if !strings.HasPrefix(cookie.Name, "authkit-conflict-") { // the application counts conflicts in this cookie
					remaining = append(remaining, cookie.Name)
				}
				for _, p := range planted {
					assert.NotEqual(t, p.Value, cookie.Value)
				}
			}
			assert.Equal(t, []string{sessionCookie}, remaining)
			assert.Contains(t, b.Page().Body, Kim)
		})
	}
}

func TestAFailedCodeExchangeShowsAPageInBoundedTime(t *testing.T, a *Instance) {
	var attacker attackerServer
	attackerURL := attacker.start(t)
	redirect := func(status int) authkittest.Fault {
		return authkittest.Fault{Status: status, Body: "x", Header: http.Header{"Location": {attackerURL + "/"}}}
	}
	cookie := a.signIn(lee)
	for _, c := range []struct {
		name   string
		fault  authkittest.Fault
		status int
	}{
		{"status 429 shows a 429 page", authkittest.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}}, 429},
		{"status 500 shows a 503 page", authkittest.Fault{Status: 500, Body: "evil"}, 503},
		{"a connection reset shows a 503 page", authkittest.Fault{Reset: true}, 503},
		{"a truncated reply shows a 503 page", authkittest.Fault{Truncate: true, TakeEffect: true}, 503},
		{"an endless reply shows a 503 page", authkittest.Fault{Body: strings.Repeat("evil", 1<<10), Endless: true}, 503},
		{"an endless reply of spaces shows a 503 page", authkittest.Fault{Body: " ", Endless: true}, 503},
		{"HTML instead of JSON shows a 503 page", authkittest.Fault{Body: "<html>evil</html>"}, 503},
		{"null shows a 503 page", authkittest.Fault{Body: "null"}, 503},
		{"an empty object shows a 503 page", authkittest.Fault{Body: "{}"}, 503},
		{"a list shows a 503 page", authkittest.Fault{Body: `[{"evil":1}]`}, 503},
		{"a token that is a number shows a 503 page", authkittest.Fault{Body: `{"access_token":7,"user":{"id":"user_kim"}}`}, 503},
		{"a malformed token shows a 502 page", authkittest.Fault{Body: `{"access_token":"evil","refresh_token":"evil","user":{"object":"user","id":"user_kim"}}`}, 502},
		{"a token of two megabytes shows a 503 page", authkittest.Fault{Body: `{"access_token":"` + strings.Repeat("evil", 1<<19) + `"}`}, 503},
		{"a redirect is not followed: 301", redirect(301), 503},
		{"a redirect is not followed: 302", redirect(302), 503},
		{"a redirect is not followed: 303", redirect(303), 503},
		{"a redirect is not followed: 307, which would resend the code", redirect(307), 503},
		{"a redirect is not followed: 308, which would resend the code", redirect(308), 503},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := a.StartSignInAs("/login", Kim)
			before := a.Fake.Calls(authkittest.RouteCodeExchange)
			a.Fake.InjectFault(authkittest.RouteCodeExchange, c.fault)
			defer a.Fake.ClearFault(authkittest.RouteCodeExchange)
			began := time.Now()
			resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie + "; " + cookie, Header: Navigation()})
			assert.Less(t, time.Since(began), 11*time.Second)
			checkErrorPage(t, resp, c.status)
			assert.Equal(t, resp.Status == 503 || resp.Status == 429, resp.Header.Get("Retry-After") != "")
			assert.NotContains(t, resp.Body, "evil")
			assert.Equal(t, before+1, a.Fake.Calls(authkittest.RouteCodeExchange), "a code exchange is not retried")
			assert.Equal(t, lee, a.visitor(cookie))
		})
	}
	assert.Zero(t, attacker.requests.Load(), "no request reaches the target of the redirect")
}

// checkErrorPage checks the answer to a callback that does not sign in: an error page with a link to sign in, which is
// not cached and sets no cookie.
func checkErrorPage(t *testing.T, resp Response, status int) {
	t.Helper()
	assert.Equal(t, status, resp.Status, resp.Body)
	assert.Equal(t, "text/html; charset=utf-8", resp.Header.Get("Content-Type"))
	assert.Contains(t, resp.Body, `href="/login`)
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
	for name, c := range resp.SetCookies(t) {
		assert.False(t, strings.HasPrefix(name, sessionCookie), name)
		assert.Negative(t, c.MaxAge, name)
	}
}
