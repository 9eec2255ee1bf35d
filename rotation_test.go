// Requests, sign-ins and sign-outs that fall between two steps of a refresh.
// The order that each test is about is written down in renewals.go.

package authkit_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// held is a step at which the first to come to it waits.
type held struct {
	reached chan struct{} // closed when it is reached
	again   chan struct{} // told of everybody who comes to it later
	goOn    func()        // lets the first one go on
}

func (a *app) holdAt(step string) held {
	goOn := make(chan struct{})
	h := held{reached: make(chan struct{}), again: make(chan struct{}, 100), goOn: sync.OnceFunc(func() { close(goOn) })}
	var mu sync.Mutex
	first := true
	authkit.OnRefreshStep(a.AuthKit, func(at string) {
		if at != step {
			return
		}
		mu.Lock()
		waits := first
		first = false
		mu.Unlock()
		if !waits {
			h.again <- struct{}{}
			return
		}
		close(h.reached)
		<-goOn
	})
	a.t.Cleanup(h.goOn)
	return h
}

// sendAside sends a request on a goroutine of its own.
func (a *app) sendAside(q request) chan response {
	answered := make(chan response, 1)
	go func() {
		defer close(answered)
		if resp, err := a.do(q); assert.NoError(a.t, err) {
			answered <- resp
		}
	}()
	return answered
}

// whatStale is an application with a stale session.
func whatStale(t *testing.T, opts ...authkit.Option) (a *app, cookie string) {
	a = newApp(t, appOptions{authkit: opts})
	cookie = a.signedIn(kim).cookieHeader()
	a.expireToken(2 * time.Minute)
	return a, cookie
}

func TestARequestThatRecalledNothingFindsWhatAFlightThatIsOverCameTo(t *testing.T) {
	a, cookie := whatStale(t)
	early := a.holdAt("recalled")
	late := a.sendAside(request{target: "/account", cookie: cookie})
	<-early.reached
	renewed := a.send(request{target: "/account", cookie: cookie}).newCookie(t)
	early.goOn()
	resp := <-late
	assert.Equal(t, http.StatusOK, resp.status)
	assert.Equal(t, renewed, resp.newCookie(t))
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
}

func TestARequestBetweenTwoStepsOfAnExchangeMakesNoneOfItsOwn(t *testing.T) {
	for _, step := range []string{"recalled", "exchanged", "committed", "notified", "awaited"} {
		t.Run(step, func(t *testing.T) {
			a, cookie := whatStale(t)
			h := a.holdAt(step)
			first := a.sendAside(request{target: "/account", cookie: cookie})
			<-h.reached
			second := a.sendAside(request{target: "/account", cookie: cookie})
			if step == "exchanged" { // nothing can be known yet: the second one waits
				h.goOn()
			}
			resp := <-second
			h.goOn()
			assert.Equal(t, http.StatusOK, resp.status)
			assert.Equal(t, (<-first).newCookie(t), resp.newCookie(t))
			assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
		})
	}
}

func TestASignOutOrASignInBetweenTwoStepsOfAnExchangeHolds(t *testing.T) {
	for _, step := range []string{"recalled", "exchanged", "committed", "notified", "awaited", "examined"} {
		t.Run("sign-out at "+step, func(t *testing.T) {
			a, cookie := whatStale(t)
			h := a.holdAt(step)
			late := a.sendAside(request{target: "/account", cookie: cookie, header: scripted()})
			<-h.reached
			a.send(request{method: http.MethodPost, target: "/logout", cookie: cookie, header: scripted()})
			h.goOn()
			assert.Empty(t, jarAfter("", <-late), "the late response sets nothing")
			for range 3 { // while the sign-out is remembered, and after that
				assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: cookie, header: scripted()}).status)
				a.clock.Advance(7 * time.Minute)
			}
		})
		if step == "examined" {
			continue // the sign-in's own response is not written yet
		}
		t.Run("sign-in at "+step, func(t *testing.T) {
			a, cookie := whatStale(t)
			h := a.holdAt(step)
			late := a.sendAside(request{target: "/account", cookie: cookie, header: scripted()})
			<-h.reached
			jar := a.signInOver(cookie)
			h.goOn()
			assert.Equal(t, jar, jarAfter(jar, <-late), "the late response sets nothing")
			a.clock.Advance(31 * time.Second)
			for range 2 {
				assert.Equal(t, jar, jarAfter(jar, a.send(request{target: "/account", cookie: cookie, header: scripted()})), "nor does another straggler")
				a.clock.Advance(2 * time.Minute)
			}
			assert.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: jar, header: scripted()}).status)
		})
	}
}

func TestARequestThatComesWhileTheHookRunsGetsTheNewSession(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	a, cookie := whatStale(t, authkit.WithOnRefresh(func(context.Context, *authkit.Session) {
		close(began)
		<-goOn
	}))
	release := sync.OnceFunc(func() { close(goOn) })
	t.Cleanup(release)
	first := a.sendAside(request{target: "/account", cookie: cookie})
	<-began
	resp := a.send(request{target: "/account", cookie: cookie})
	assert.Equal(t, http.StatusOK, resp.status)
	next := a.send(request{target: "/account", cookie: resp.newCookie(t)})
	assert.Equal(t, http.StatusOK, next.status, "the new cookie is good at once")
	assert.Empty(t, next.setCookies(t))
	release()
	assert.Equal(t, resp.newCookie(t), (<-first).newCookie(t))
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
}

// Signed out here while WorkOS answers: with new tokens, or with the end that it
// had come to there. The sign-out is what there is to tell of.
func TestOfASignOutDuringAnExchangeTheHooksAreToldOnce(t *testing.T) {
	for _, revoked := range []bool{false, true} {
		var refreshed, signedOut atomic.Int64
		a, cookie := whatStale(t,
			authkit.WithOnRefresh(func(context.Context, *authkit.Session) { refreshed.Add(1) }),
			authkit.WithOnSignOut(func(context.Context, authkit.SignOutEvent) { signedOut.Add(1) }))
		if revoked {
			a.fake.RevokeSession(a.sessionID())
		}
		h := a.holdAt("exchanged")
		late := a.sendAside(request{target: "/account", cookie: cookie, header: scripted()})
		<-h.reached
		a.send(request{method: http.MethodPost, target: "/logout", cookie: cookie, header: scripted()})
		h.goOn()
		assert.Equal(t, http.StatusUnauthorized, (<-late).status)
		assert.Zero(t, refreshed.Load())
		assert.EqualValues(t, 1, signedOut.Load())
	}
}

// The exchange was made, and its key could not be had. The old cookie leads to
// its tokens, and so does the one with the new refresh token in it.
func TestATokenThatIsVerifiedLaterIsVerifiedOnceWhicheverCookieLeadsToIt(t *testing.T) {
	for _, at := range []string{"one after the other", "at once"} {
		t.Run(at, func(t *testing.T) {
			renewed := make(chan struct{}, 9)
			a, old := whatStale(t, authkit.WithOnRefresh(func(context.Context, *authkit.Session) { renewed <- struct{}{} }))
			a.fake.AddKey()
			a.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
			a.clock.Advance(10 * time.Minute) // the keys at hand are looked at afresh
			unverified := a.send(request{target: "/account", cookie: old}).newCookie(t)
			a.fake.Heal(authkittest.RouteJWKS)
			a.clock.Advance(time.Minute)
			var first, second response
			if at == "at once" {
				h := a.holdAt("exchanged")
				one := a.sendAside(request{target: "/account", cookie: old})
				<-h.reached
				joined := a.holdAt("recalled")
				joined.goOn()
				two := a.sendAside(request{target: "/account", cookie: unverified})
				<-joined.reached
				h.goOn()
				first, second = <-one, <-two
			} else {
				first = a.send(request{target: "/account", cookie: old})
				second = a.send(request{target: "/account", cookie: unverified})
			}
			assert.Equal(t, first.newCookie(t), second.newCookie(t))
			assert.Len(t, renewed, 1, "the hook is called once for an exchange")
			assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
		})
	}
}

// Two responses were lost in turn, and the third arrived. A request with the
// first cookie was long on its way.
func TestALateRequestOfACookieBeforeTheLastDoesNotSignTheBrowserOut(t *testing.T) {
	a := newApp(t, appOptions{})
	first := a.signedIn(kim).cookieHeader()
	a.clock.Advance(7 * time.Minute)
	a.send(request{target: "/account", cookie: first}).newCookie(t)
	a.clock.Advance(7 * time.Minute)
	jar := a.send(request{target: "/account", cookie: first}).newCookie(t)
	require.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: jar}).status)
	a.clock.Advance(31 * time.Second)
	jar = jarAfter(jar, a.send(request{target: "/", cookie: first}))
	assert.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: jar, header: scripted()}).status)
}

// The response to a switch was lost, and the next one arrived. The cookie before
// both leads to neither once the browser has shown the last.
func TestACookieBeforeTheLastIsNotAnsweredOnceTheLastHasCome(t *testing.T) {
	a := switching(t)
	first := a.acme()
	a.switchTo("org_beta", first, scripted()).newCookie(t)
	last := a.switchTo("org_gamma", first, scripted()).newCookie(t)
	assert.Equal(t, "org_gamma", a.me(last)["organization"])
	a.clock.Advance(30*time.Second - time.Millisecond)
	late := request{method: "POST", target: "/organization", cookie: first, header: scripted(), form: map[string][]string{"organization_id": {"org_beta"}}}
	assert.Equal(t, http.StatusOK, a.send(late).status, "what it became is remembered")
	assert.Equal(t, 2, a.fake.Calls(authkittest.RouteRefresh))
	a.clock.Advance(time.Second)
	resp := a.send(late)
	assert.Equal(t, http.StatusUnauthorized, resp.status)
	assert.Empty(t, resp.setCookies(t))
	assert.Equal(t, 3, a.fake.Calls(authkittest.RouteRefresh), "WorkOS is asked, and does not know it any more")
	assert.Equal(t, "org_gamma", a.me(last)["organization"])
}

func TestASwitchThatRecalledNothingGoesOnFromARefreshThatIsOver(t *testing.T) {
	a := switching(t)
	cookie := a.acme()
	h := a.holdAt("recalled")
	switched := a.sendAside(request{
		method: "POST", target: "/organization", cookie: cookie, header: scripted(), form: map[string][]string{"organization_id": {"org_beta"}},
	})
	<-h.reached
	a.clock.Advance(4*time.Minute + time.Second)
	renewed := a.send(request{target: "/account", cookie: cookie}).newCookie(t)
	h.goOn()
	resp := <-switched
	assert.Equal(t, http.StatusOK, resp.status)
	assert.Equal(t, "org_beta", a.me(resp.newCookie(t))["organization"])
	assert.Equal(t, 2, a.fake.Calls(authkittest.RouteRefresh))
	assert.NotEqual(t, renewed, resp.newCookie(t))
}

func TestARefreshBetweenTwoStepsOfASwitchMakesNoExchangeOfItsOwn(t *testing.T) {
	for _, step := range []string{"exchanged", "committed", "notified"} {
		t.Run(step, func(t *testing.T) {
			a := switching(t)
			cookie := a.acme()
			h := a.holdAt(step)
			switched := a.sendAside(request{
				method: "POST", target: "/organization", cookie: cookie, header: scripted(), form: map[string][]string{"organization_id": {"org_beta"}},
			})
			<-h.reached
			a.clock.Advance(4*time.Minute + time.Second)
			refreshed := a.sendAside(request{target: "/me", cookie: cookie})
			if step == "exchanged" {
				h.goOn()
			}
			resp := <-refreshed
			h.goOn()
			<-switched
			assert.Contains(t, resp.body, "org_beta")
			assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
		})
	}
}

// A full memory drops the oldest outcomes.
func TestAnOutcomeThatLeftEarlyCostsAnExchangeAndNoSession(t *testing.T) {
	for name, successors := range map[string]bool{"its successor is known": false, "nothing is known": true} {
		t.Run(name, func(t *testing.T) {
			a, cookie := whatStale(t)
			id := a.sessionID()
			a.send(request{target: "/account", cookie: cookie}).newCookie(t) // the response is lost
			authkit.DropOutcomes(a.AuthKit, successors)
			resp := a.send(request{target: "/account", cookie: cookie})
			assert.Equal(t, pageOf(kim, id)+" at /account", resp.body)
			assert.Equal(t, 2, a.fake.Calls(authkittest.RouteRefresh))
			resp = a.send(request{target: "/account", cookie: resp.newCookie(t)})
			assert.Equal(t, http.StatusOK, resp.status)
			assert.Empty(t, resp.setCookies(t))
		})
	}
}

// WorkOS took eight seconds, and the key of the new token hangs.
func TestAnExchangeWaitsForItsKeyWithinItsTenSeconds(t *testing.T) {
	upstream := &rewriting{}
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	cookie, id := a.signedIn(kim).cookieHeader(), a.sessionID()
	a.send(request{target: "/account", cookie: cookie})
	a.expireToken(2 * time.Minute)
	a.fake.AddKey()
	a.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Delay: 4 * time.Second})
	upstream.change = func(map[string]any) { a.clock.Advance(8 * time.Second) }
	before := a.fake.Calls(authkittest.RouteJWKS)
	answered := a.sendAside(request{target: "/account", cookie: cookie})
	a.fake.AwaitCalls(t, authkittest.RouteJWKS, before+1)
	a.clock.AwaitTimers(3) // the exchange's, the fetch's and the fault's
	a.clock.Advance(2 * time.Second)
	resp := <-answered
	assert.Equal(t, http.StatusServiceUnavailable, resp.status)
	jar := resp.newCookie(t) // the new refresh token is not lost

	a.clock.Advance(2 * time.Second) // the key is there
	resp = a.send(request{target: "/account", cookie: jar})
	assert.Equal(t, pageOf(kim, id)+" at /account", resp.body)
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRefresh))
}

func TestARetiredTokenIsAnsweredForADayAtTheMostHoweverLongItsSuccessorLives(t *testing.T) {
	a := newApp(t, appOptions{fake: []authkittest.Option{authkittest.WithTokenLifetime(48 * time.Hour)}})
	cookie := a.signedIn(kim).cookieHeader()
	a.clock.Advance(48*time.Hour + 2*time.Minute)
	a.send(request{target: "/account", cookie: cookie}).newCookie(t) // the response is lost
	a.clock.Advance(24*time.Hour - time.Second)
	require.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: cookie}).status)
	a.clock.Advance(time.Second)
	assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: cookie}).status)
}

func TestASessionWithoutARefreshTokenServesUntilItExpiresAndAsksNothing(t *testing.T) {
	a := sharing(t)
	neighbour := a.neighbour()
	session := neighbour.read(a.signedIn(kim).cookieHeader())
	delete(session, "refreshToken")
	cookie := neighbour.write(session)
	a.expireToken(59 * time.Second)
	for _, status := range []int{http.StatusOK, http.StatusUnauthorized} {
		resp := a.send(request{target: "/account", cookie: cookie})
		assert.Equal(t, status, resp.status)
		assert.Empty(t, resp.setCookies(t))
		a.clock.Advance(2 * time.Second)
	}
	assert.Zero(t, a.fake.Calls(authkittest.RouteRefresh))
	assert.NotContains(t, a.logs.String(), "WARN", "it is nothing to look into")
}
