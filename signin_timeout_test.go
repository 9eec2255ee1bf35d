// How long a sign-in may take, and what is remembered of those that are over.

package authkit_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestASignInMayTakeAsLongAsItIsSet(t *testing.T) {
	for name, c := range map[string]struct {
		opts    []authkit.Option
		timeout time.Duration
	}{
		"an hour by default": {nil, time.Hour},
		"a minute":           {[]authkit.Option{authkit.WithSignInTimeout(time.Minute)}, time.Minute},
		"a day":              {[]authkit.Option{authkit.WithSignInTimeout(24 * time.Hour)}, 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, appOptions{authkit: c.opts})
			// The fake's codes live for ten minutes, so the browser is at AuthKit for most of the time.
			login := a.send(request{target: "/login?return_to=/account", header: navigation()})
			maxAge := login.cookieOf(t, "authkit-state-").MaxAge
			assert.Equal(t, int((c.timeout+24*time.Hour)/time.Second), maxAge)
			a.clock.Advance(c.timeout - time.Millisecond)
			resp := a.send(request{
				target: "/callback?error=access_denied&state=" + stateOf(t, login), cookie: login.stateCookie(t), header: navigation(),
			})
			assert.Equal(t, http.StatusForbidden, resp.status, "it is still this browser's sign-in")

			late := a.begin("/login?return_to=/account")
			a.clock.Advance(c.timeout)
			resp = a.send(request{target: late.target(), cookie: late.cookie, header: navigation()})
			assert.Equal(t, http.StatusSeeOther, resp.status)
			stateOf(t, resp)
			assert.Zero(t, a.fake.Calls(authkittest.RouteAuthenticate))
		})
	}
}

// B4. Whoever comes back too late has signed in at AuthKit, which lets them through at once.
func TestASignInThatTookTooLongStartsAgainOnceToTheSamePage(t *testing.T) {
	var seen []authkit.SignInEvent
	var failed []error
	a := newApp(t, appOptions{authkit: []authkit.Option{
		authkit.WithOnSignIn(func(_ context.Context, e authkit.SignInEvent) error { seen = append(seen, e); return nil }),
		authkit.WithOnSignInFailure(func(_ context.Context, err error) { failed = append(failed, err) }),
	}, routes: func(a *app, mux *http.ServeMux) {
		mux.Handle("/invited", a.Login(authkit.State("campaign 7"), authkit.Organization("org_acme"), authkit.LoginHint(kim),
			authkit.ScreenHint("sign-up"), authkit.InvitationToken("invitation"), authkit.MaxAge(2*time.Hour), authkit.Prompt("login"),
			authkit.DomainHint("example.com")))
	}})
	page := "/account?a=b&c=%2F"
	first := a.send(request{target: "/invited?return_to=" + url.QueryEscape(page), header: navigation()})
	asked, err := first.location()
	require.NoError(t, err)
	a.clock.Advance(time.Hour)

	callback := "/callback?code=x&state=" + stateOf(t, first)
	again := a.send(request{target: callback, cookie: first.stateCookie(t), header: from("cross-site")})
	require.Equal(t, http.StatusSeeOther, again.status, again.body)
	location, err := again.location()
	require.NoError(t, err)
	before, after := asked.Query(), location.Query()
	for _, name := range []string{"state", "code_challenge"} {
		assert.NotEqual(t, before.Get(name), after.Get(name), name)
		before.Del(name)
		after.Del(name)
	}
	assert.Equal(t, before, after, "the same is asked of AuthKit")
	require.Len(t, again.setCookies(t), 2)
	assert.Negative(t, again.setCookies(t)[strings.Split(first.stateCookie(t), "=")[0]].MaxAge)
	assert.Empty(t, failed, "it goes on")

	// The second one comes back in time.
	s := a.afresh(again)
	refused := a.send(request{target: s.with("code", "") + "&error=access_denied", cookie: s.cookie, header: navigation()})
	assert.Contains(t, refused.body, url.QueryEscape(page))
	require.Len(t, failed, 1)
	assert.ErrorIs(t, failed[0], authkit.ErrCancelled)

	// Or it does not.
	s = a.afresh(a.send(request{target: callback, cookie: first.stateCookie(t), header: navigation()}))
	a.clock.Advance(time.Hour)
	refused = a.send(request{target: s.target(), cookie: s.cookie, header: navigation()})
	assert.Equal(t, http.StatusBadRequest, refused.status)
	assert.Contains(t, refused.body, `href="/login?return_to=`+url.QueryEscape(page)+`"`)
	require.Len(t, failed, 2)
	assert.ErrorIs(t, failed[1], authkit.ErrState)
	assert.Zero(t, a.fake.Calls(authkittest.RouteAuthenticate))
	assert.Empty(t, seen)
}

func TestABrowserThatIsLateFinishesAllTheSame(t *testing.T) {
	var seen []authkit.SignInEvent
	a := newApp(t, appOptions{authkit: []authkit.Option{
		authkit.WithSignInTimeout(5 * time.Minute),
		authkit.WithOnSignIn(func(_ context.Context, e authkit.SignInEvent) error { seen = append(seen, e); return nil }),
	}, routes: func(a *app, mux *http.ServeMux) { mux.Handle("/invited", a.Login(authkit.State("campaign 7"))) }})
	b := a.browser()
	_, err := b.Get(a.url + "/invited?return_to=/account%3Fa%3Db")
	require.NoError(t, err)
	a.clock.Advance(6 * time.Minute)
	page, err := b.Submit("Kim", nil)
	require.NoError(t, err)
	assert.Contains(t, page.Body, "page of "+kim)
	assert.Contains(t, page.Body, "/account?a=b")
	require.Len(t, seen, 1)
	assert.Equal(t, "campaign 7", seen[0].State)
	assert.Equal(t, []string{"authkit-session"}, b.cookieNames())
}

func TestAnErrorThatComesTooLateStartsNothing(t *testing.T) {
	a := newApp(t, appOptions{})
	s := a.begin("/login?return_to=/account")
	a.clock.Advance(2 * time.Hour)
	resp := a.send(request{target: s.with("code", "") + "&error=access_denied", cookie: s.cookie, header: navigation()})
	assert.Equal(t, http.StatusForbidden, resp.status, "who cancels does not want to start again")
	assert.Contains(t, resp.body, `href="/login?return_to=%2Faccount"`)
	require.Len(t, resp.setCookies(t), 1)
	assert.Negative(t, resp.cookieOf(t, "authkit-state-").MaxAge)
}

func TestASignInFromTheFutureIsRefusedBeyondSkew(t *testing.T) {
	a := newApp(t, appOptions{})
	s := a.begin("/login?return_to=/account")
	session := a.signedIn("lee@example.com").cookieHeader()
	a.clock.Set(start.Add(-61 * time.Second))
	resp := a.send(request{target: s.target(), cookie: s.cookie, header: navigation()})
	assert.Equal(t, http.StatusBadRequest, resp.status)
	assert.Empty(t, resp.setCookies(t))
	assert.Equal(t, http.StatusBadRequest, a.send(request{target: s.target(), cookie: s.cookie + "; " + session, header: navigation()}).status,
		"the session is of the future, too")
	a.clock.Set(start.Add(-60 * time.Second))
	assert.Equal(t, http.StatusSeeOther, a.send(request{target: s.target(), cookie: s.cookie, header: navigation()}).status)
}

func TestASignInThatStartsAgainTakesThePlaceOfTheOldOneAndIsWhoseItWas(t *testing.T) {
	for site, own := range map[string]bool{"same-origin": true, "cross-site": false} {
		t.Run(site, func(t *testing.T) {
			a := newApp(t, appOptions{})
			j := newCookieJar(t)
			state := a.starts(j, "/login?return_to=/account", from(site))
			a.clock.Advance(time.Hour)
			resp := a.send(request{target: "/callback?code=x&state=" + state, cookie: j.header(), header: from("cross-site")})
			j.take(resp)
			again := stateOf(t, resp)
			assert.Len(t, j.states(), 1)
			for i := range 20 { // those of another site push each other out
				a.clock.Advance(time.Second)
				a.starts(j, fmt.Sprint("/login?return_to=/", i, strings.Repeat("n", 500)), from("cross-site"))
			}
			if own {
				assert.Equal(t, "/account", a.wayBack(j, again))
			} else {
				assert.False(t, a.isUnderWay(j, again))
			}
		})
	}
}

// A20: a state that was remembered for a minute only would be good again after that.
func TestAUsedStateIsRememberedForAsLongAsItsSignInCouldLive(t *testing.T) {
	for _, timeout := range []time.Duration{time.Minute, time.Hour, 24 * time.Hour} {
		a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithSignInTimeout(timeout)}})
		s := a.begin("/login")
		require.Equal(t, http.StatusSeeOther, a.send(request{target: s.target(), cookie: s.cookie, header: navigation()}).status)
		for range 5 {
			resp := a.send(request{target: s.target(), cookie: s.cookie, header: navigation()})
			assert.Equal(t, http.StatusBadRequest, resp.status, a.clock.Now().Sub(start))
			a.clock.Advance((timeout - time.Millisecond) / 5)
		}
		assert.Equal(t, http.StatusBadRequest, a.send(request{target: s.target(), cookie: s.cookie, header: navigation()}).status)
		assert.Equal(t, 1, a.fake.Calls(authkittest.RouteAuthenticate))
	}
}

// A12. With room for 8 used states it takes no hour to push one out.
func TestAUsedStateIsNotGoodAgainHoweverManyCallbacksCome(t *testing.T) {
	for name, flood := range map[string]func(a *app, i int){
		"anonymous error callbacks": func(a *app, i int) {
			a.send(request{target: fmt.Sprint("/callback?error=x&state=", i), header: navigation()})
		},
		"error callbacks of real sign-ins": func(a *app, _ int) {
			j := newCookieJar(t)
			a.wayBack(j, a.starts(j, "/login", navigation()))
		},
		"callbacks of real sign-ins with a code that is refused": func(a *app, _ int) { a.refusedWayBack() },
		"error callbacks that bring a cookie of another": func(a *app, i int) {
			a.send(request{target: fmt.Sprint("/callback?error=x&state=", i), cookie: a.begin("/login").cookie, header: navigation()})
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, appOptions{})
			a.LimitUsedStates(8)
			s := a.begin("/login?return_to=/account")
			require.Equal(t, http.StatusSeeOther, a.send(request{target: s.target(), cookie: s.cookie, header: navigation()}).status)
			for i := range 30 {
				a.clock.Advance(time.Second)
				flood(a, i)
			}
			a.clock.Advance(time.Second)
			exchanges := a.fake.Calls(authkittest.RouteAuthenticate)
			resp := a.send(request{target: s.target(), cookie: s.cookie, header: navigation()})
			assert.Equal(t, exchanges, a.fake.Calls(authkittest.RouteAuthenticate), "no exchange")
			assert.NotContains(t, resp.setCookies(t), "authkit-session")
			if strings.Contains(name, "a code") {
				assert.Equal(t, http.StatusSeeOther, resp.status, "so much is not remembered: it starts again")
				again := a.afresh(resp)
				assert.Equal(t, http.StatusServiceUnavailable, a.waiting(again), "and the one that it starts is fresh")
			} else {
				assert.Equal(t, http.StatusBadRequest, resp.status, "it is remembered")
			}
		})
	}
}

// refusedWayBack is a sign-in that comes back with a code which WorkOS refuses.
func (a *app) refusedWayBack() {
	a.t.Helper()
	j := newCookieJar(a.t)
	state := a.starts(j, "/login", navigation())
	resp := a.send(request{target: "/callback?code=junk&state=" + state, cookie: j.header(), header: navigation()})
	require.Equal(a.t, http.StatusBadRequest, resp.status)
}

// waiting is the status of a callback while there are no keys, which uses nothing up.
func (a *app) waiting(s signInUnderWay) int {
	fresh := newInstance(a.t, a.fake, a.clock, appOptions{})
	a.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	defer a.fake.Heal(authkittest.RouteJWKS)
	return fresh.send(request{target: s.target(), cookie: s.cookie, header: navigation()}).status
}

func TestASignInThatBeganBeforeAForgottenOneStartsAgainAndTheLaterOneFinishes(t *testing.T) {
	a := newApp(t, appOptions{})
	a.LimitUsedStates(4)
	slow := a.begin("/login?return_to=/account")
	a.clock.Advance(time.Second)
	for range 6 {
		a.refusedWayBack()
		a.clock.Advance(time.Second)
	}
	resp := a.send(request{target: slow.target(), cookie: slow.cookie, header: navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.status)
	stateOf(t, resp)
	assert.Equal(t, 6, a.fake.Calls(authkittest.RouteAuthenticate))

	later := a.begin("/login?return_to=/account")
	resp = a.send(request{target: later.target(), cookie: later.cookie, header: navigation()})
	assert.Equal(t, "/account", resp.header.Get("Location"))
	resp.newCookie(t)
}

// Two requests with one state stand behind the same check, and one of them is to go on.
func TestAStateIsGoodForOneOfTwoRequestsThatHaveBothFoundItFresh(t *testing.T) {
	a := newApp(t, appOptions{})
	s := a.begin("/login")
	var found sync.WaitGroup
	found.Add(2)
	a.BeforeUseOfState(func() { // both have found it fresh
		found.Done()
		found.Wait()
	})
	var both sync.WaitGroup
	statuses := make(chan int, 2)
	for range 2 {
		both.Go(func() {
			resp, err := a.do(request{target: s.target(), cookie: s.cookie, header: navigation()})
			if err == nil {
				statuses <- resp.status
			}
		})
	}
	both.Wait()
	close(statuses)
	var got []int
	for status := range statuses {
		got = append(got, status)
	}
	assert.ElementsMatch(t, []int{http.StatusSeeOther, http.StatusBadRequest}, got)
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteAuthenticate))
}
