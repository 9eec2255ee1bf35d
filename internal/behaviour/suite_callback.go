// The suite: callbacks that are forged, replayed, late or fail.

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
		s := a.BeginAs("/login?return_to="+url.QueryEscape("/account?"+markup), Kim)
		for name, query := range map[string]url.Values{
			"of this browser":        {"state": {s.State()}, "error": {"access_denied"}, "error_description": {markup}, "error_uri": {markup}},
			"with a code of its own": {"state": {"y"}, "error": {markup}, "error_description": {markup}},
			"with another state":     {"state": {"state " + markup}, "code": {"code " + markup}, "error_description": {markup}},
			"without a state":        {"error": {markup}, "error_description": {markup}},
			"with more than it has":  {"state": {"y"}, "error": {markup}, markup: {markup}},
		} {
			resp := a.Send(Request{Target: "/callback?" + query.Encode(), Cookie: s.Cookie, Header: Navigation()})
			assert.GreaterOrEqual(t, resp.Status, 400, name)
			assert.NotContains(t, resp.Body, "<script", name)
			assert.NotContains(t, resp.Body, "evil(", name)
			// The page to come back to is in the link, as one value of a query.
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
		forge func(mine, theirs PendingSignIn) (path, cookie string)
	}{
		{"a state that was made up is refused", func(m, _ PendingSignIn) (string, string) { return m.With("state", "made-up"), m.Cookie }},
		{"a state of another sign-in is refused", func(m, o PendingSignIn) (string, string) { return m.With("state", o.State()), m.Cookie }},
		{"a state that is cut is refused", func(m, _ PendingSignIn) (string, string) { return m.With("state", m.State()[:42]), m.Cookie }},
		{"a state that is longer is refused", func(m, _ PendingSignIn) (string, string) { return m.With("state", m.State()+"A"), m.Cookie }},
		{"a state in other letters is refused", func(m, _ PendingSignIn) (string, string) {
			return m.With("state", strings.ToUpper(m.State())), m.Cookie
		}},
		{"two states are refused", func(m, o PendingSignIn) (string, string) { return m.Target() + "&state=" + o.State(), m.Cookie }},
		{"the same state twice is refused", func(m, _ PendingSignIn) (string, string) { return m.Target() + "&state=" + m.State(), m.Cookie }},
		{"two codes are refused", func(m, o PendingSignIn) (string, string) {
			return m.Target() + "&code=" + o.Callback.Query().Get("code"), m.Cookie
		}},
		{"a callback in a browser without cookies is refused", func(m, _ PendingSignIn) (string, string) { return m.Target(), "" }},
		{"a callback in a browser with another sign-in is refused", func(m, o PendingSignIn) (string, string) { return m.Target(), o.Cookie }},
		{"another sign-in's cookie under this one's name is refused", func(m, o PendingSignIn) (string, string) {
			name, _, _ := strings.Cut(m.Cookie, "=")
			_, value, _ := strings.Cut(o.Cookie, "=")
			return m.Target(), name + "=" + value
		}},
		{"an altered cookie is refused", func(m, _ PendingSignIn) (string, string) { return m.Target(), flipAt(m.Cookie, len(m.Cookie)-10) }},
		{"an empty cookie is refused", func(m, _ PendingSignIn) (string, string) {
			name, _, _ := strings.Cut(m.Cookie, "=")
			return m.Target(), name + "="
		}},
		{"neither a code nor an error is refused", func(m, _ PendingSignIn) (string, string) { return m.With("code", ""), m.Cookie }},
		{"nothing at all is refused", func(m, _ PendingSignIn) (string, string) { return "/callback", m.Cookie }},
	} {
		t.Run(c.name, func(t *testing.T) {
			mine, theirs := a.BeginAs("/login", Kim), a.BeginAs("/login", lee)
			before := a.Fake.Calls(authkittest.RouteAuthenticate)
			path, cookie := c.forge(mine, theirs)
			refusedWithAPage(t, a.Send(Request{Target: path, Cookie: cookie, Header: Navigation()}), http.StatusBadRequest)
			assert.Equal(t, before, a.Fake.Calls(authkittest.RouteAuthenticate))
		})
	}
}

// Link scanners ask for every address in a mail, and a code is good for one.
func TestAnUnsupportedMethodConsumesNoState(t *testing.T, a *Instance) {
	s := a.BeginAs("/login", Kim)
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
	assert.Equal(t, http.StatusSeeOther, a.finish(s).Status)
}

func TestConcurrentCallbacksOfOneSignInMakeOneCodeExchange(t *testing.T, a *Instance) {
	s := a.BeginAs("/login", Kim)
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
	refusedWithAPage(t, a.finish(s), http.StatusBadRequest)
}

func TestACallbackWithoutAStateRestartsTheSignInOnce(t *testing.T, a *Instance) {
	s := a.BeginAs("/login", lee) // an attacker's own code, to sign the victim in as the attacker
	before := a.Fake.Calls(authkittest.RouteAuthenticate)
	first := a.Send(Request{Target: s.With("state", ""), Cookie: s.Cookie, Header: Navigation()})
	assert.Equal(t, http.StatusSeeOther, first.Status)
	assert.True(t, strings.HasPrefix(first.Header.Get("Location"), a.Fake.URL()+"/user_management/authorize?"))
	assert.Empty(t, first.session(t))
	var marker *http.Cookie
	for name, c := range first.SetCookies(t) {
		if strings.HasPrefix(name, "authkit-restart-") {
			marker = c
		}
	}
	require.NotNil(t, marker)

	again := a.Send(Request{Target: s.With("state", ""), Cookie: marker.Name + "=" + marker.Value, Header: Navigation()})
	refusedWithAPage(t, again, http.StatusBadRequest)
	assert.Equal(t, before, a.Fake.Calls(authkittest.RouteAuthenticate))
	assert.Equal(t, http.StatusSeeOther, a.finish(s).Status, "the sign-in itself goes on")
}

func TestTwoTabsCanSignInAtTheSameTime(t *testing.T, a *Instance) {
	one, two := a.BeginAs("/login?return_to=/account%3F1", Kim), a.BeginAs("/login?return_to=/account%3F2", Kim)
	for _, s := range []PendingSignIn{two, one} {
		resp := a.Send(Request{Target: s.Target(), Cookie: one.Cookie + "; " + two.Cookie, Header: Navigation()})
		require.Equal(t, http.StatusSeeOther, resp.Status)
		assert.Equal(t, map[string]string{one.Cookie: "/account?1", two.Cookie: "/account?2"}[s.Cookie], resp.Header.Get("Location"))
		assert.Equal(t, Kim, a.visitor(resp.session(t)))
		other := map[string]string{one.Cookie: two.Cookie, two.Cookie: one.Cookie}[s.Cookie]
		name, _, _ := strings.Cut(other, "=")
		assert.NotContains(t, resp.SetCookies(t), name, "the other tab keeps its own")
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
		{"a code that was used is refused", func() string {
			s := a.BeginAs("/login", Kim)
			require.Equal(t, http.StatusSeeOther, a.finish(s).Status)
			return s.Callback.Query().Get("code")
		}},
		{"a code of another sign-in, whose verifier is another, is refused", func() string { return a.BeginAs("/login", Kim).Callback.Query().Get("code") }},
		{"a code of another client is refused", func() string { return other.BeginAs("/login", Kim).Callback.Query().Get("code") }},
		{"a code that was made up is refused", func() string { return strings.Repeat("made-up", 6) }},
		{"a code of ten kilobytes is refused", func() string { return strings.Repeat("0123456789", 1<<10) }},
		{"a code with markup and line breaks is refused", func() string { return "<script>\r\n\x00&client_secret=" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			code := c.code()
			s := a.BeginAs("/login", Kim)
			resp := a.Send(Request{Target: s.With("code", code), Cookie: s.Cookie + "; " + cookie, Header: Navigation()})
			refusedWithAPage(t, resp, http.StatusBadRequest)
			assert.NotContains(t, resp.Body, code)
			assert.Equal(t, lee, a.visitor(cookie), "the older session is as it was")
		})
	}
}

func TestASignInRemovesEveryPlantedSessionCookie(t *testing.T, a *Instance) {
	attackers, large := a.signIn(lee), a.signIn(val)
	for _, c := range []struct{ name, planted string }{
		{"one of the attacker's own", attackers},
		{"one in several cookies", large},
		{"one in all the cookies there may be", chunks(strings.Split("abcdefgh", "")...)},
		{"one in all the cookies there may be, and whole", chunks(strings.Split("abcdefgh", "")...) + "; " + attackers},
		{"one that opens nowhere", sessionCookie + "=evil"},
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
			var left []string
			for _, cookie := range b.Jar.Cookies(home) {
				if !strings.HasPrefix(cookie.Name, "authkit-conflict-") { // a count of the application's own
					left = append(left, cookie.Name)
				}
				for _, was := range planted {
					assert.NotEqual(t, was.Value, cookie.Value)
				}
			}
			assert.Equal(t, []string{sessionCookie}, left)
			assert.Contains(t, b.Page().Body, Kim)
		})
	}
}

func TestAFailedCodeExchangeShowsAPageInBoundedTime(t *testing.T, a *Instance) {
	var stolen listener
	elsewhere := stolen.listen(t)
	redirect := func(status int) authkittest.Fault {
		return authkittest.Fault{Status: status, Body: "x", Header: http.Header{"Location": {elsewhere + "/"}}}
	}
	cookie := a.signIn(lee)
	for _, c := range []struct {
		name   string
		fault  authkittest.Fault
		status int
	}{
		{"429 is a 429 page", authkittest.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}}, 429},
		{"500 is a 503 page", authkittest.Fault{Status: 500, Body: "evil"}, 503},
		{"a connection that breaks is a 503 page", authkittest.Fault{Reset: true}, 503},
		{"a reply that breaks off is a 503 page", authkittest.Fault{Truncate: true, TakeEffect: true}, 503},
		{"an endless reply is a 503 page", authkittest.Fault{Body: strings.Repeat("evil", 1<<10), Endless: true}, 503},
		{"an endless reply of spaces is a 503 page", authkittest.Fault{Body: " ", Endless: true}, 503},
		{"HTML in place of JSON is a 503 page", authkittest.Fault{Body: "<html>evil</html>"}, 503},
		{"null is a 503 page", authkittest.Fault{Body: "null"}, 503},
		{"an empty object is a 503 page", authkittest.Fault{Body: "{}"}, 503},
		{"a list is a 503 page", authkittest.Fault{Body: `[{"evil":1}]`}, 503},
		{"a token that is a number is a 503 page", authkittest.Fault{Body: `{"access_token":7,"user":{"id":"user_kim"}}`}, 503},
		{"a token that is none is a 502 page", authkittest.Fault{Body: `{"access_token":"evil","refresh_token":"evil","user":{"object":"user","id":"user_kim"}}`}, 502},
		{"a token of two megabytes is a 503 page", authkittest.Fault{Body: `{"access_token":"` + strings.Repeat("evil", 1<<19) + `"}`}, 503},
		{"a redirect is not followed: 301", redirect(301), 503},
		{"a redirect is not followed: 302", redirect(302), 503},
		{"a redirect is not followed: 303", redirect(303), 503},
		{"a redirect is not followed: 307, which would take the code along", redirect(307), 503},
		{"a redirect is not followed: 308, which would take the code along", redirect(308), 503},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := a.BeginAs("/login", Kim)
			before := a.Fake.Calls(authkittest.RouteCodeExchange)
			a.Fake.InjectFault(authkittest.RouteCodeExchange, c.fault)
			defer a.Fake.ClearFault(authkittest.RouteCodeExchange)
			began := time.Now()
			resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie + "; " + cookie, Header: Navigation()})
			assert.Less(t, time.Since(began), 11*time.Second)
			refusedWithAPage(t, resp, c.status)
			assert.Equal(t, resp.Status == 503 || resp.Status == 429, resp.Header.Get("Retry-After") != "")
			assert.NotContains(t, resp.Body, "evil")
			assert.Equal(t, before+1, a.Fake.Calls(authkittest.RouteCodeExchange), "a code is for one exchange")
			assert.Equal(t, lee, a.visitor(cookie))
		})
	}
	assert.Zero(t, stolen.heard.Load(), "nobody else is asked")
}

// refusedWithAPage holds a callback's answer against what a person gets who was not signed in: a page with a way on, no
// session, and nothing to keep.
func refusedWithAPage(t *testing.T, resp Response, status int) {
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
