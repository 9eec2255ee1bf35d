// The callback: lines 4 and 6 to 10 of the list.

package attack_test

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

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// refusedWithAPage holds a callback's answer against what a person gets who was not signed in: a page with a way on, no
// session, and nothing to keep.
func refusedWithAPage(t *testing.T, resp response, status int) {
	t.Helper()
	assert.Equal(t, status, resp.status, resp.body)
	assert.Equal(t, "text/html; charset=utf-8", resp.header.Get("Content-Type"))
	assert.Contains(t, resp.body, `href="/login`)
	assert.Equal(t, "private, no-store", resp.header.Get("Cache-Control"))
	for name, c := range resp.setCookies(t) {
		assert.False(t, strings.HasPrefix(name, sessionCookie), name)
		assert.Negative(t, c.MaxAge, name)
	}
}

func TestNothingOfACallbacksQueryIsEchoed(t *testing.T) {
	everywhere(t, func(t *testing.T, a *target) {
		for _, markup := range []string{
			"<script>evil(1)</script>", `"><img src=x onerror=evil(1)>`, "'-evil(1)-'", "{{evil}}", "</title><svg/onload=evil(1)>",
			"javascript:evil(1)", "%3Cscript%3Eevil(1)%3C/script%3E", "\r\nX-Evil: 1\r\n\r\n<script>evil(1)</script>", strings.Repeat("evil", 500),
		} {
			s := a.begin("/login?return_to="+url.QueryEscape("/account?"+markup), kim)
			for name, query := range map[string]url.Values{
				"of this browser":        {"state": {s.state()}, "error": {"access_denied"}, "error_description": {markup}, "error_uri": {markup}},
				"with a code of its own": {"state": {"y"}, "error": {markup}, "error_description": {markup}},
				"with another state":     {"state": {"state " + markup}, "code": {"code " + markup}, "error_description": {markup}},
				"without a state":        {"error": {markup}, "error_description": {markup}},
				"with more than it has":  {"state": {"y"}, "error": {markup}, markup: {markup}},
			} {
				resp := a.send(request{path: "/callback?" + query.Encode(), cookie: s.cookie, header: navigation()})
				assert.GreaterOrEqual(t, resp.status, 400, name)
				assert.NotContains(t, resp.body, "<script", name)
				assert.NotContains(t, resp.body, "evil(", name)
				// The page to come back to is in the link, as one value of a query.
				body := strings.ReplaceAll(html.UnescapeString(resp.body), "return_to="+url.QueryEscape("/account?"+markup), "")
				assert.NotContains(t, body, "evil", name)
				assert.Empty(t, resp.header["X-Evil"], name)
				assert.Contains(t, resp.header.Get("Content-Security-Policy"), "default-src 'none'", name)
			}
		}
	})
}

func TestACallbackThatIsNotThisBrowsersMakesNoExchange(t *testing.T) {
	everywhere(t, func(t *testing.T, a *target) {
		for _, c := range []struct {
			name  string
			forge func(mine, theirs underWay) (path, cookie string)
		}{
			{"a state that was made up is refused", func(m, _ underWay) (string, string) { return m.with("state", "made-up"), m.cookie }},
			{"a state of another sign-in is refused", func(m, o underWay) (string, string) { return m.with("state", o.state()), m.cookie }},
			{"a state that is cut is refused", func(m, _ underWay) (string, string) { return m.with("state", m.state()[:42]), m.cookie }},
			{"a state that is longer is refused", func(m, _ underWay) (string, string) { return m.with("state", m.state()+"A"), m.cookie }},
			{"a state in other letters is refused", func(m, _ underWay) (string, string) { return m.with("state", strings.ToUpper(m.state())), m.cookie }},
			{"two states are refused", func(m, o underWay) (string, string) { return m.path() + "&state=" + o.state(), m.cookie }},
			{"the same state twice is refused", func(m, _ underWay) (string, string) { return m.path() + "&state=" + m.state(), m.cookie }},
			{"two codes are refused", func(m, o underWay) (string, string) { return m.path() + "&code=" + o.callback.Get("code"), m.cookie }},
			{"a callback in a browser without cookies is refused", func(m, _ underWay) (string, string) { return m.path(), "" }},
			{"a callback in a browser with another sign-in is refused", func(m, o underWay) (string, string) { return m.path(), o.cookie }},
			{"another sign-in's cookie under this one's name is refused", func(m, o underWay) (string, string) {
				name, _, _ := strings.Cut(m.cookie, "=")
				_, value, _ := strings.Cut(o.cookie, "=")
				return m.path(), name + "=" + value
			}},
			{"an altered cookie is refused", func(m, _ underWay) (string, string) { return m.path(), flip(m.cookie, len(m.cookie)-10) }},
			{"an empty cookie is refused", func(m, _ underWay) (string, string) {
				name, _, _ := strings.Cut(m.cookie, "=")
				return m.path(), name + "="
			}},
			{"neither a code nor an error is refused", func(m, _ underWay) (string, string) { return m.with("code", ""), m.cookie }},
			{"nothing at all is refused", func(m, _ underWay) (string, string) { return "/callback", m.cookie }},
		} {
			t.Run(c.name, func(t *testing.T) {
				mine, theirs := a.begin("/login", kim), a.begin("/login", lee)
				before := a.fake.Calls(authkittest.RouteAuthenticate)
				path, cookie := c.forge(mine, theirs)
				refusedWithAPage(t, a.send(request{path: path, cookie: cookie, header: navigation()}), http.StatusBadRequest)
				assert.Equal(t, before, a.fake.Calls(authkittest.RouteAuthenticate))
			})
		}
	})
}

// Link scanners ask for every address in a mail, and a code is good for one.
func TestAMethodThatIsNotTheHandlersUsesNothingUp(t *testing.T) {
	everywhere(t, func(t *testing.T, a *target) {
		s := a.begin("/login", kim)
		before := a.fake.Calls(authkittest.RouteAuthenticate)
		for _, method := range []string{"HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"} {
			for _, path := range []string{"/login", s.path()} {
				resp := a.send(request{method: method, path: path, cookie: s.cookie, header: navigation()})
				assert.Equal(t, http.StatusMethodNotAllowed, resp.status, "%s %s", method, path)
				assert.Empty(t, resp.header["Set-Cookie"], "%s %s", method, path)
				assert.Empty(t, resp.header["Location"], "%s %s", method, path)
			}
		}
		assert.Equal(t, before, a.fake.Calls(authkittest.RouteAuthenticate))
		assert.Equal(t, http.StatusSeeOther, a.finish(s).status)
	})
}

func TestACallbackIsGoodForOneSignInHoweverOftenItComesAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, a *target) {
		s := a.begin("/login", kim)
		before := a.fake.Calls(authkittest.RouteCodeExchange)
		var signedIn, refused atomic.Int32
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				resp, err := a.do(request{path: s.path(), cookie: s.cookie, header: navigation()})
				switch {
				case err == nil && resp.status == http.StatusSeeOther:
					signedIn.Add(1)
				case err == nil && resp.status == http.StatusBadRequest:
					refused.Add(1)
				}
			})
		}
		all.Wait()
		assert.EqualValues(t, 1, signedIn.Load())
		assert.EqualValues(t, 19, refused.Load())
		assert.Equal(t, before+1, a.fake.Calls(authkittest.RouteCodeExchange))
		refusedWithAPage(t, a.finish(s), http.StatusBadRequest)
	})
}

func TestACallbackWithoutAStateStartsOneFreshSignInAndThenNoMore(t *testing.T) {
	everywhere(t, func(t *testing.T, a *target) {
		s := a.begin("/login", lee) // an attacker's own code, to sign the victim in as the attacker
		before := a.fake.Calls(authkittest.RouteAuthenticate)
		first := a.send(request{path: s.with("state", ""), cookie: s.cookie, header: navigation()})
		assert.Equal(t, http.StatusSeeOther, first.status)
		assert.True(t, strings.HasPrefix(first.header.Get("Location"), a.fake.URL()+"/user_management/authorize?"))
		assert.Empty(t, first.session(t))
		var marker *http.Cookie
		for name, c := range first.setCookies(t) {
			if strings.HasPrefix(name, "authkit-restart-") {
				marker = c
			}
		}
		require.NotNil(t, marker)

		again := a.send(request{path: s.with("state", ""), cookie: marker.Name + "=" + marker.Value, header: navigation()})
		refusedWithAPage(t, again, http.StatusBadRequest)
		assert.Equal(t, before, a.fake.Calls(authkittest.RouteAuthenticate))
		assert.Equal(t, http.StatusSeeOther, a.finish(s).status, "the sign-in itself goes on")
	})
}

func TestASignInIsFinishedWithinTenMinutesAndNotBeforeItBegan(t *testing.T) {
	for _, c := range []struct {
		name   string
		after  time.Duration
		status int // 0 where the sign-in starts again
	}{
		{"after nine minutes and 59 s it signs in", 10*time.Minute - time.Second, http.StatusSeeOther},
		{"after ten minutes it starts again", 10 * time.Minute, 0},
		{"after a day it starts again", 24 * time.Hour, 0},
		{"59 s before it began it signs in, since clocks differ", -59 * time.Second, http.StatusSeeOther},
		{"61 s before it began it is refused", -61 * time.Second, http.StatusBadRequest},
		{"a year before it began it is refused", -365 * 24 * time.Hour, http.StatusBadRequest},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMinimal(t, authkit.WithSignInTimeout(10*time.Minute))
			s := m.begin("/login?return_to=/account", kim)
			m.clock.Set(startOfTime.Add(c.after))
			resp := m.finish(s)
			switch c.status {
			case http.StatusSeeOther:
				assert.Equal(t, c.status, resp.status)
				return
			case 0:
				// It is another sign-in, and the next that comes too late is the last.
				again := m.goOn(resp, kim)
				assert.NotEqual(t, s.state(), again.state())
				assert.Empty(t, resp.session(t))
				m.clock.Advance(c.after)
				refusedWithAPage(t, m.finish(again), http.StatusBadRequest)
			default:
				refusedWithAPage(t, resp, c.status)
			}
			assert.Zero(t, m.fake.Calls(authkittest.RouteAuthenticate))
		})
	}
}

func TestTwoTabsSignInAtOnceAndBothFinish(t *testing.T) {
	everywhere(t, func(t *testing.T, a *target) {
		one, two := a.begin("/login?return_to=/account%3F1", kim), a.begin("/login?return_to=/account%3F2", kim)
		for _, s := range []underWay{two, one} {
			resp := a.send(request{path: s.path(), cookie: one.cookie + "; " + two.cookie, header: navigation()})
			require.Equal(t, http.StatusSeeOther, resp.status)
			assert.Equal(t, kim, a.visitor(resp.session(t)))
			other := map[string]string{one.cookie: two.cookie, two.cookie: one.cookie}[s.cookie]
			name, _, _ := strings.Cut(other, "=")
			assert.NotContains(t, resp.setCookies(t), name, "the other tab keeps its own")
		}
	})
}

func TestTwentyAbandonedSignInsLeaveAFewCookiesAndTheNextOneWorks(t *testing.T) {
	everywhere(t, func(t *testing.T, a *target) {
		b := authkittest.NewBrowser()
		defer b.CloseIdleConnections()
		for i := range 20 {
			page, err := b.Get(a.url + fmt.Sprintf("/account?%d=%s", i, strings.Repeat("x", 900)))
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, page.StatusCode, "sign-in %d", i)
		}
		home, _ := url.Parse(a.url)
		size := 0
		for _, c := range b.Jar.Cookies(home) {
			size += len(c.Name) + len(c.Value)
		}
		assert.Less(t, size, 4096)
		page, err := b.SignIn(a.url+"/account", kim)
		require.NoError(t, err)
		assert.Contains(t, page.Body, kim)
	})
}

func TestACodeThatIsNotThisSignInsMakesNoSessionAndTouchesNone(t *testing.T) {
	everywhere(t, func(t *testing.T, a *target) {
		cookie := a.signIn(lee)
		other := newMinimal(t)
		for _, c := range []struct {
			name string
			code func() string
		}{
			{"a code that was used is refused", func() string {
				s := a.begin("/login", kim)
				require.Equal(t, http.StatusSeeOther, a.finish(s).status)
				return s.callback.Get("code")
			}},
			{"a code of another sign-in, whose verifier is another, is refused", func() string { return a.begin("/login", kim).callback.Get("code") }},
			{"a code of another client is refused", func() string { return other.begin("/login", kim).callback.Get("code") }},
			{"a code that was made up is refused", func() string { return strings.Repeat("made-up", 6) }},
			{"a code of ten kilobytes is refused", func() string { return strings.Repeat("0123456789", 1<<10) }},
			{"a code with markup and line breaks is refused", func() string { return "<script>\r\n\x00&client_secret=" }},
		} {
			t.Run(c.name, func(t *testing.T) {
				code := c.code()
				s := a.begin("/login", kim)
				resp := a.send(request{path: s.with("code", code), cookie: s.cookie + "; " + cookie, header: navigation()})
				refusedWithAPage(t, resp, http.StatusBadRequest)
				assert.NotContains(t, resp.body, code)
				assert.Equal(t, lee, a.visitor(cookie), "the older session is as it was")
			})
		}
	})
}

func TestAnExchangeThatFailsIsAPageInBoundedTimeAndMakesNoSession(t *testing.T) {
	var stolen listener
	elsewhere := stolen.listen(t)
	redirect := func(status int) authkittest.Fault {
		return authkittest.Fault{Status: status, Body: "x", Header: http.Header{"Location": {elsewhere + "/"}}}
	}
	everywhere(t, func(t *testing.T, a *target) {
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
				s := a.begin("/login", kim)
				before := a.fake.Calls(authkittest.RouteCodeExchange)
				a.fake.InjectFault(authkittest.RouteCodeExchange, c.fault)
				defer a.fake.ClearFault(authkittest.RouteCodeExchange)
				began := time.Now()
				resp := a.send(request{path: s.path(), cookie: s.cookie + "; " + cookie, header: navigation()})
				assert.Less(t, time.Since(began), 11*time.Second)
				refusedWithAPage(t, resp, c.status)
				assert.Equal(t, resp.status == 503 || resp.status == 429, resp.header.Get("Retry-After") != "")
				assert.NotContains(t, resp.body, "evil")
				assert.Equal(t, before+1, a.fake.Calls(authkittest.RouteCodeExchange), "a code is for one exchange")
				assert.Equal(t, lee, a.visitor(cookie))
			})
		}
	})
	assert.Zero(t, stolen.heard.Load(), "nobody else is asked")
}

func TestAnExchangeThatIsNeverAnsweredIsAPageAfterTenSeconds(t *testing.T) {
	m := newMinimal(t)
	s := m.begin("/login", kim)
	m.fake.InjectFault(authkittest.RouteCodeExchange, authkittest.Fault{Hang: true})
	answered := make(chan response)
	go func() {
		resp, _ := m.do(request{path: s.path(), cookie: s.cookie, header: navigation()})
		answered <- resp
	}()
	m.fake.AwaitCalls(t, authkittest.RouteCodeExchange, 1)
	m.clock.Advance(10 * time.Second)
	refusedWithAPage(t, <-answered, http.StatusServiceUnavailable)
}

func TestASessionThatWasPlantedBeforeASignInIsReplacedAndNothingOfItSurvives(t *testing.T) {
	everywhere(t, func(t *testing.T, a *target) {
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
				home, _ := url.Parse(a.url)
				planted, err := http.ParseCookie(c.planted)
				require.NoError(t, err)
				b.Jar.SetCookies(home, planted)
				_, err = b.SignIn(a.url+"/login?return_to=/account", kim)
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
				assert.Contains(t, b.Page().Body, kim)
			})
		}
	})
}
