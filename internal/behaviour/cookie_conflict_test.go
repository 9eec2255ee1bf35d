// Duplicate session cookies, of which an attacker has planted some in the browser.

package behaviour

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
)

// plantingTransport is a transport that adds planted cookies to each request to the application. It stands for cookies with
// another Domain or Path, which the application cannot delete.
type plantingTransport struct {
	base          http.RoundTripper
	host          string
	before, after string // sent before and after the browser's own cookies
	under         string // the prefix of the paths on which they are sent
	requests      int
}

func (p *plantingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != p.host {
		return p.base.RoundTrip(r)
	}
	p.requests++
	if strings.HasPrefix(r.URL.Path, p.under) {
		var pairs []string
		for _, pair := range []string{p.before, r.Header.Get("Cookie"), p.after} {
			if pair != "" {
				pairs = append(pairs, pair)
			}
		}
		r = r.Clone(r.Context())
		r.Header.Set("Cookie", strings.Join(pairs, "; "))
	}
	return p.base.RoundTrip(r)
}

// plantedBrowser returns a browser with planted cookies.
func (a *App) plantedBrowser(p plantingTransport) (*Browser, *plantingTransport) {
	b := a.Browser()
	p.base, p.host = b.Base, strings.TrimPrefix(strings.TrimPrefix(a.URL, "http://"), "https://")
	b.Base = &p
	return b, &p
}

// junk returns n session cookies with invalid values.
func junk(n int) string {
	var pairs []string
	for i := range n {
		pairs = append(pairs, fmt.Sprintf("authkit-session=junk%d-%d", i, n))
	}
	return strings.Join(pairs, "; ")
}

// oneFormOfSession is whether planted cookies come beside one form of the session, whole or in chunks. Those that look like a chunk, and
// those that are in the way, come beside both.
var oneFormOfSession = testrun.Length(true, false)

// Planted cookies must not cause a redirect loop, and a sign-out must end the session at WorkOS. The user reaches the page,
// or a page that explains the conflict.
func TestPlantedCookiesDoNotBlockSignInOrSignOut(t *testing.T) {
	plants := map[string]struct {
		plant   plantingTransport
		reaches bool
	}{
		"junk before":                     {plantingTransport{before: "authkit-session=x"}, true},
		"junk after":                      {plantingTransport{after: "authkit-session=x"}, true},
		"junk on both sides":              {plantingTransport{before: "authkit-session=x; authkit-session=y", after: "authkit-session=z"}, true},
		"an empty cookie before":          {plantingTransport{before: "authkit-session="}, true},
		"an empty cookie after":           {plantingTransport{after: "authkit-session="}, true},
		"a chunk":                         {plantingTransport{before: "authkit-session.0=x"}, true},
		"another chunk":                   {plantingTransport{after: "authkit-session.7=x"}, true},
		"the next chunk only on the page": {plantingTransport{after: "authkit-session.3=x", under: "/account"}, true},
		"chunks in a row":                 {plantingTransport{before: "authkit-session.0=x; authkit-session.1=y"}, true},
		"junk only on the page":           {plantingTransport{before: "authkit-session=x", under: "/account"}, true},
		"a chunk only on the page":        {plantingTransport{before: "authkit-session.0=x", under: "/account"}, true},
		"ten before":                      {plantingTransport{before: junk(10)}, true},
		"forty before":                    {plantingTransport{before: junk(40)}, true},
		"forty after":                     {plantingTransport{after: junk(40)}, true},
		"more than are tried":             {plantingTransport{before: junk(20), after: junk(40)}, false},
		"a kilobyte of junk":              {plantingTransport{before: "authkit-session=" + strings.Repeat("A", 1<<10)}, true},
		"a negative conflict count":       {plantingTransport{before: "COUNT=-5; authkit-session=x"}, true},
	}
	for form, fill := range map[string]int{"whole": 0, "in chunks": 4200} {
		a := NewApp(t, AppOptions{})
		if fill > 0 {
			a.fillTokens(fill)
		}
		other := NewInstance(t, a.Fake, a.Clock, AppOptions{})
		for i, name := range slices.Sorted(maps.Keys(plants)) {
			c := plants[name]
			if oneFormOfSession && (fill > 0) != (i%2 > 0) && !strings.Contains(name, "chunk") && c.reaches {
				continue
			}
			t.Run(name+", the session "+form, func(t *testing.T) {
				c.plant.before = strings.ReplaceAll(c.plant.before, "COUNT", conflictCookie("", a.Fake.ClientID(), "authkit-session"))
				b, plant := a.plantedBrowser(c.plant)
				reaches := c.reaches
				switch {
				case strings.Contains(name, "chunk") && strings.Contains(c.plant.after, ".") && fill > 0:
					reaches = false // an additional chunk makes the session invalid
				case name == "more than are tried" && fill > 0:
					reaches = true // the chunked session is tried first
				}
				page, err := b.SignIn(a.URL+"/account", Kim)
				if err != nil {
					page = b.Page()
				}
				if reaches {
					require.NoError(t, err)
					require.Contains(t, page.Body, "page of "+Kim)
				} else {
					require.Equal(t, http.StatusBadRequest, page.StatusCode, page.Body)
					require.Contains(t, page.Body, "Cookies are in the way")
					require.Contains(t, page.Body, "authkit-session")
				}
				require.LessOrEqual(t, plant.requests, 8)

				copied := b.CookieHeader()
				require.Contains(t, copied, "authkit-session")
				require.Contains(t, other.Send(Request{Target: "/account", Cookie: copied}).Body, "page of "+Kim, "alone, the session is valid")
				b.get("/")
				id := a.SessionID()
				_, err = b.Submit("Sign out", nil)
				require.NoError(t, err)
				if !reaches && name == "more than are tried" {
					return // the page has told the user to delete the cookies
				}
				session, _ := a.Fake.Session(id)
				require.False(t, session.Active(), "the session has ended at WorkOS")
				for range 3 {
					assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: copied, Header: Scripted()}).Status)
					a.Clock.Advance(6 * time.Minute)
					assert.Equal(t, http.StatusUnauthorized, other.Send(Request{Target: "/account", Cookie: copied, Header: Scripted()}).Status)
				}
			})
		}
	}
}

// The application cannot tell which of two valid sessions is the browser's own. A sign-in decides it and ends the other one.
func TestAPlantedSessionOfAnotherUserIsNotServedAndEndsWithASignIn(t *testing.T) {
	for name, plant := range map[string]plantingTransport{"before": {before: "LEE"}, "after": {after: "LEE"}} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			leeCookie := a.SignedIn(lee).CookieHeader()
			leeSession := a.SessionID()
			plant.before, plant.after = strings.Replace(plant.before, "LEE", leeCookie, 1), strings.Replace(plant.after, "LEE", leeCookie, 1)
			b, plant := a.plantedBrowser(plant)
			// Before the sign-in, the planted session is the only one, so the sign-in is started at /login.
			page, err := b.SignIn(a.URL+"/login?return_to=/account", Kim)
			require.NoError(t, err)
			require.Contains(t, page.Body, "page of "+Kim)
			require.LessOrEqual(t, plant.requests, 8)
			b.get("/account")
			require.Contains(t, b.Page().Body, "page of "+Kim)
			a.Logs.await(t, "session revoked at WorkOS", 1)
			session, _ := a.Fake.Session(leeSession)
			require.False(t, session.Active())
			copied := b.CookieHeader()
			b.get("/")
			_, err = b.Submit("Sign out", nil)
			require.NoError(t, err)
			assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: copied, Header: Scripted()}).Status)
		})
	}
}

// If a sign-in does not see the planted cookies, or sees too many, a page ends the redirects.
func TestAPageExplainsSessionCookiesThatCannotBeDistinguished(t *testing.T) {
	for name, plant := range map[string]plantingTransport{
		"a session of another user only on the page": {before: "LEE", under: "/account"}, "more than are tried": {after: junk(40), before: junk(20)},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			plant.before = strings.Replace(plant.before, "LEE", a.SignedIn(lee).CookieHeader(), 1)
			b, plant := a.plantedBrowser(plant)
			_, err := b.SignIn(a.URL+"/login?return_to=/account", Kim)
			require.Error(t, err)
			page := b.Page()
			require.Equal(t, http.StatusBadRequest, page.StatusCode, page.Body)
			require.Contains(t, page.Body, "Cookies are in the way")
			require.Contains(t, page.Body, "authkit-session")
			require.NotContains(t, page.Body, lee)
			require.LessOrEqual(t, plant.requests, 8)

			again, err := b.Follow("Try again")
			require.NoError(t, err)
			require.Equal(t, http.StatusBadRequest, again.StatusCode, "the same page after two more sign-ins")
			require.LessOrEqual(t, plant.requests, 16)

			plant.before, plant.after = "", "" // the user deletes the cookies of the site
			b.get("/account")
			require.Contains(t, b.Page().Body, "page of "+Kim)
		})
	}
}

// The cookie name of a shared session has no __Host- prefix, so it can be planted.
func TestASharedSessionIsFoundAndEndedBesideAPlantedCookie(t *testing.T) {
	for name, plant := range map[string]plantingTransport{
		"junk before": {before: "wos-session=x"}, "junk after": {after: "wos-session=Fe26.2*1*a*b*c**d*e~2"}, "an empty cookie": {before: "wos-session="},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewSharedSessionApp(t)
			b, _ := a.plantedBrowser(plant)
			page, err := b.SignIn(a.URL+"/account", Kim)
			require.NoError(t, err)
			require.Contains(t, page.Body, "page of "+Kim)
			copied := b.CookieHeader()
			b.get("/")
			_, err = b.Submit("Sign out", nil)
			require.NoError(t, err)
			assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: copied, Header: Scripted()}).Status)
			session, _ := a.Fake.Session(a.SessionID())
			assert.False(t, session.Active())
		})
	}
}

func TestOfDuplicateCookiesOfOneSessionTheLatestIsUsed(t *testing.T) {
	a := NewApp(t, AppOptions{})
	old := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(0)
	refreshed := a.Send(Request{Target: "/account", Cookie: old}).NewCookie(t)
	a.ExpireToken(2 * time.Minute)
	latest := a.Send(Request{Target: "/account", Cookie: refreshed}).NewCookie(t)
	calls := a.Fake.Calls(authkittest.RouteRefresh)
	for _, cookie := range []string{old + "; " + refreshed + "; " + latest, latest + "; " + old, refreshed + "; " + latest + "; authkit-session=x"} {
		resp := a.Send(Request{Target: "/account", Cookie: cookie})
		assert.Contains(t, resp.Body, "page of "+Kim)
		assert.Empty(t, resp.SetCookies(t), "the latest token needs no refresh")
	}
	assert.Equal(t, calls, a.Fake.Calls(authkittest.RouteRefresh))
}

// A late response of the replaced session must not overwrite the cookie of the new sign-in.
func TestASignInReplacesASessionBesideAPlantedCookie(t *testing.T) {
	for name, plant := range map[string]string{"after": "; authkit-session=x", "a chunk": "; authkit-session.0=x", "an additional chunk": "; authkit-session.5=x"} {
		t.Run(name, func(t *testing.T) {
			began, proceed := make(chan struct{}), make(chan struct{})
			a := NewApp(t, AppOptions{Routes: reportRoutes(began, proceed)})
			leeCookie := a.SignedIn(lee).CookieHeader()
			a.Clock.Advance(4*time.Minute + 10*time.Second)
			late := a.StartSlowRequest("/report", leeCookie, began)
			s := a.StartSignIn("/login")
			jar := a.Send(Request{Target: s.Target(), Cookie: leeCookie + plant + "; " + s.Cookie, Header: Navigation()}).NewCookie(t)
			close(proceed)
			jar = JarAfter(jar, <-late)
			assert.Contains(t, a.Send(Request{Target: "/account", Cookie: jar, Header: Scripted()}).Body, Kim)
		})
	}
}

func TestPlantedCookiesCauseNoRedirectLoopWithACustomSignInPage(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithSignInPage()}})
	kimCookie, leeCookie := a.SignedIn(Kim).CookieHeader(), a.SignedIn(lee).CookieHeader()
	name := conflictCookie("", a.Fake.ClientID(), "authkit-session")
	for _, c := range []struct {
		count  string
		status int
	}{{"", 303}, {"0", 303}, {"1", 303}, {"2", 400}, {"3", 400}, {"99", 400}, {"junk", 303}, {"-7", 303}} {
		resp := a.Send(Request{Target: "/account", Cookie: kimCookie + "; " + leeCookie + "; " + name + "=" + c.count, Header: Navigation()})
		require.Equal(t, c.status, resp.Status, c.count)
		require.Contains(t, resp.expiredForms(t), "authkit-session  /account", "the possible duplicates are expired as well")
		if c.status == 303 {
			require.Equal(t, map[bool]string{true: "1", false: "0"}[c.count == "1"], resp.SetCookies(t)[name].Value)
		} else {
			require.Negative(t, resp.SetCookies(t)[name].MaxAge)
		}
	}
}

// An old cookie that does not open is not a conflict, even if the user starts the sign-in several times.
func TestUnfinishedSignInsDoNotCountAsCookieConflicts(t *testing.T) {
	a := NewApp(t, AppOptions{})
	b := a.Browser()
	u, err := url.Parse(a.URL + "/")
	require.NoError(t, err)
	b.Jar.SetCookies(u, []*http.Cookie{{Name: "authkit-session", Value: "sealed-with-a-retired-password", Path: "/"}})
	for range 5 {
		page := b.get("/account")
		require.Equal(t, http.StatusOK, page.StatusCode, "each request leads to the sign-in page")
	}
	page, err := b.SignIn(a.URL+"/account", Kim)
	require.NoError(t, err)
	require.Contains(t, page.Body, "page of "+Kim)
	b.get("/login")
	for _, name := range b.cookieNames() {
		require.NotContains(t, name, "authkit-conflict", "the next sign-in that finds the session expires the count")
	}
}

// A request can repeat one cookie name thousands of times. The work of the response must not grow with them.
func TestACookieNameThatRepeatsManyTimesIsExpiredOnce(t *testing.T) {
	a := NewApp(t, AppOptions{})
	flood := strings.Repeat("authkit-session.1=A; ", 40_000)
	for name, q := range map[string]Request{
		"at logout": {Method: "POST", Target: "/logout", Cookie: flood}, "at login": {Method: "GET", Target: "/login", Cookie: flood},
	} {
		t.Run(name, func(t *testing.T) {
			handler := map[string]http.Handler{"at logout": a.Logout(), "at login": a.Login()}[name]
			resp := a.ServeDirectly(handler, q)
			assert.Less(t, resp.Status, 400)
			seen := map[string]bool{}
			for _, form := range resp.expiredForms(t) {
				assert.False(t, seen[form], form)
				seen[form] = true
			}
			allocs := testing.AllocsPerRun(3, func() { a.ServeDirectly(handler, q) })
			assert.Less(t, allocs, 2000.0, "the allocations do not grow with the number of cookies")
		})
	}
}

// nginx accepts a response header of 4 KB by default and answers 502 beyond that.
func TestExpiringDuplicateCookiesKeepsTheResponseHeaderSmall(t *testing.T) {
	var names []string
	for _, suffix := range []string{"", ".0", ".1", ".2", ".3", ".4", ".5", ".6", ".7"} {
		names = append(names, "authkit-session"+suffix+"=x")
	}
	jar := strings.Join(names, "; ")
	size := func(r Response) (size int) {
		for name, values := range r.Header {
			for _, value := range values {
				size += len(name) + len(": \r\n") + len(value)
			}
		}
		return size
	}
	for _, n := range []int{0, 200, 500, 900, 1000} {
		a := NewApp(t, AppOptions{})
		a.fillTokens(n)
		page := "/account?" + strings.Repeat("x", n)
		alone := a.Send(Request{Target: page, Header: Navigation()})
		duplicates := a.Send(Request{Target: page, Cookie: jar, Header: Navigation()})
		require.Equal(t, http.StatusSeeOther, duplicates.Status)
		require.LessOrEqual(t, size(duplicates), max(3700, size(alone)+300), "at the start of a sign-in")

		s, other := a.StartSignIn("/login"), a.StartSignIn("/login")
		alone = a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
		duplicates = a.Send(Request{Target: other.Target(), Cookie: other.Cookie + "; " + jar, Header: Navigation()})
		require.Equal(t, "/", duplicates.Header.Get("Location"))
		own := 9 * 90 // the nine cookies of the request are always expired under the Domain and Path in use
		require.LessOrEqual(t, size(duplicates), max(3700, size(alone))+own, "at the callback")
	}
}
