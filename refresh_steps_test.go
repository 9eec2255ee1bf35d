// Requests, sign-ins and sign-outs that fall between two steps of a refresh.
// The order that each test is about is written down in renewals.go.

package authkit_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/behaviour"
)

// held is a step at which the first to come to it waits.
type held struct {
	reached chan struct{} // closed when it is reached
	again   chan struct{} // told of everybody who comes to it later
	goOn    func()        // lets the first one go on
}

func holdAt(a *behaviour.App, step string) held {
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
	a.T.Cleanup(h.goOn)
	return h
}

// whatStale is an application with a stale session.
func whatStale(t *testing.T, opts ...authkit.Option) (a *behaviour.App, cookie string) {
	a = behaviour.NewApp(t, behaviour.AppOptions{AuthKit: opts})
	cookie = a.SignedIn(behaviour.Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	return a, cookie
}

func TestARequestThatRecalledNothingFindsWhatAFlightThatIsOverCameTo(t *testing.T) {
	a, cookie := whatStale(t)
	early := holdAt(a, "looked up")
	late := a.SendAside(behaviour.Request{Target: "/account", Cookie: cookie})
	<-early.reached
	renewed := a.Send(behaviour.Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	early.goOn()
	resp := <-late
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Equal(t, renewed, resp.NewCookie(t))
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestARequestBetweenTwoStepsOfAnExchangeMakesNoneOfItsOwn(t *testing.T) {
	for _, step := range []string{"looked up", "exchanged", "committed", "notified", "awaited"} {
		t.Run(step, func(t *testing.T) {
			a, cookie := whatStale(t)
			h := holdAt(a, step)
			first := a.SendAside(behaviour.Request{Target: "/account", Cookie: cookie})
			<-h.reached
			second := a.SendAside(behaviour.Request{Target: "/account", Cookie: cookie})
			if step == "exchanged" { // nothing can be known yet: the second one waits
				h.goOn()
			}
			resp := <-second
			h.goOn()
			assert.Equal(t, http.StatusOK, resp.Status)
			assert.Equal(t, (<-first).NewCookie(t), resp.NewCookie(t))
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
		})
	}
}

func TestASignOutOrASignInBetweenTwoStepsOfAnExchangeHolds(t *testing.T) {
	for _, step := range []string{"looked up", "exchanged", "committed", "notified", "awaited", "newest read"} {
		t.Run("sign-out at "+step, func(t *testing.T) {
			a, cookie := whatStale(t)
			h := holdAt(a, step)
			late := a.SendAside(behaviour.Request{Target: "/account", Cookie: cookie, Header: behaviour.Scripted()})
			<-h.reached
			a.Send(behaviour.Request{Method: http.MethodPost, Target: "/logout", Cookie: cookie, Header: behaviour.Scripted()})
			h.goOn()
			assert.Empty(t, behaviour.JarAfter("", <-late), "the late response sets nothing")
			for range 3 { // while the sign-out is remembered, and after that
				assert.Equal(t, http.StatusUnauthorized, a.Send(behaviour.Request{Target: "/account", Cookie: cookie, Header: behaviour.Scripted()}).Status)
				a.Clock.Advance(7 * time.Minute)
			}
		})
		if step == "newest read" {
			continue // the sign-in's own response is not written yet
		}
		t.Run("sign-in at "+step, func(t *testing.T) {
			a, cookie := whatStale(t)
			h := holdAt(a, step)
			late := a.SendAside(behaviour.Request{Target: "/account", Cookie: cookie, Header: behaviour.Scripted()})
			<-h.reached
			jar := a.SignInOver(cookie)
			h.goOn()
			assert.Equal(t, jar, behaviour.JarAfter(jar, <-late), "the late response sets nothing")
			a.Clock.Advance(31 * time.Second)
			for range 2 {
				assert.Equal(t, jar, behaviour.JarAfter(jar, a.Send(behaviour.Request{Target: "/account", Cookie: cookie, Header: behaviour.Scripted()})), "nor does another straggler")
				a.Clock.Advance(2 * time.Minute)
			}
			assert.Equal(t, http.StatusOK, a.Send(behaviour.Request{Target: "/account", Cookie: jar, Header: behaviour.Scripted()}).Status)
		})
	}
}

func TestARequestThatComesWhileTheHookRunsGetsTheNewSession(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	a, cookie := whatStale(t, authkit.WithOnRefresh(func(context.Context, authkit.RefreshEvent) {
		close(began)
		<-goOn
	}))
	release := sync.OnceFunc(func() { close(goOn) })
	t.Cleanup(release)
	first := a.SendAside(behaviour.Request{Target: "/account", Cookie: cookie})
	<-began
	resp := a.Send(behaviour.Request{Target: "/account", Cookie: cookie})
	assert.Equal(t, http.StatusOK, resp.Status)
	next := a.Send(behaviour.Request{Target: "/account", Cookie: resp.NewCookie(t)})
	assert.Equal(t, http.StatusOK, next.Status, "the new cookie is good at once")
	assert.Empty(t, next.SetCookies(t))
	release()
	assert.Equal(t, resp.NewCookie(t), (<-first).NewCookie(t))
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}

// Signed out here while WorkOS answers: with new tokens, or with the end that it
// had come to there. The sign-out is what there is to tell of.
func TestOfASignOutDuringAnExchangeTheHooksAreToldOnce(t *testing.T) {
	for _, revoked := range []bool{false, true} {
		var refreshed, signedOut atomic.Int64
		a, cookie := whatStale(t,
			authkit.WithOnRefresh(func(context.Context, authkit.RefreshEvent) { refreshed.Add(1) }),
			authkit.WithOnSignOut(func(context.Context, authkit.SignOutEvent) { signedOut.Add(1) }))
		if revoked {
			a.Fake.RevokeSession(a.SessionID())
		}
		h := holdAt(a, "exchanged")
		late := a.SendAside(behaviour.Request{Target: "/account", Cookie: cookie, Header: behaviour.Scripted()})
		<-h.reached
		a.Send(behaviour.Request{Method: http.MethodPost, Target: "/logout", Cookie: cookie, Header: behaviour.Scripted()})
		h.goOn()
		assert.Equal(t, http.StatusUnauthorized, (<-late).Status)
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
			a, old := whatStale(t, authkit.WithOnRefresh(func(context.Context, authkit.RefreshEvent) { renewed <- struct{}{} }))
			a.Fake.AddSigningKey()
			a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
			a.Clock.Advance(10 * time.Minute) // the keys at hand are looked at afresh
			unverified := a.Send(behaviour.Request{Target: "/account", Cookie: old}).NewCookie(t)
			a.Fake.ClearFault(authkittest.RouteJWKS)
			a.Clock.Advance(time.Minute)
			var first, second behaviour.Response
			if at == "at once" {
				h := holdAt(a, "exchanged")
				one := a.SendAside(behaviour.Request{Target: "/account", Cookie: old})
				<-h.reached
				joined := holdAt(a, "looked up")
				joined.goOn()
				two := a.SendAside(behaviour.Request{Target: "/account", Cookie: unverified})
				<-joined.reached
				h.goOn()
				first, second = <-one, <-two
			} else {
				first = a.Send(behaviour.Request{Target: "/account", Cookie: old})
				second = a.Send(behaviour.Request{Target: "/account", Cookie: unverified})
			}
			assert.Equal(t, first.NewCookie(t), second.NewCookie(t))
			assert.Len(t, renewed, 1, "the hook is called once for an exchange")
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
		})
	}
}

// Two responses were lost in turn, and the third arrived. A request with the
// first cookie was long on its way.
func TestALateRequestOfACookieBeforeTheLastDoesNotSignTheBrowserOut(t *testing.T) {
	a := behaviour.NewApp(t, behaviour.AppOptions{})
	first := a.SignedIn(behaviour.Kim).CookieHeader()
	a.Clock.Advance(7 * time.Minute)
	a.Send(behaviour.Request{Target: "/account", Cookie: first}).NewCookie(t)
	a.Clock.Advance(7 * time.Minute)
	jar := a.Send(behaviour.Request{Target: "/account", Cookie: first}).NewCookie(t)
	require.Equal(t, http.StatusOK, a.Send(behaviour.Request{Target: "/account", Cookie: jar}).Status)
	a.Clock.Advance(31 * time.Second)
	jar = behaviour.JarAfter(jar, a.Send(behaviour.Request{Target: "/", Cookie: first}))
	assert.Equal(t, http.StatusOK, a.Send(behaviour.Request{Target: "/account", Cookie: jar, Header: behaviour.Scripted()}).Status)
}

// The response to a switch was lost, and the next one arrived. The cookie before
// both leads to neither once the browser has shown the last.
func TestACookieBeforeTheLastIsNotAnsweredOnceTheLastHasCome(t *testing.T) {
	a := behaviour.Switching(t)
	first := a.Acme()
	a.SwitchTo("org_beta", first, behaviour.Scripted()).NewCookie(t)
	last := a.SwitchTo("org_gamma", first, behaviour.Scripted()).NewCookie(t)
	assert.Equal(t, "org_gamma", a.Me(last)["organization"])
	a.Clock.Advance(30*time.Second - time.Millisecond)
	late := behaviour.Request{Method: "POST", Target: "/organization", Cookie: first, Header: behaviour.Scripted(), Form: map[string][]string{"organization_id": {"org_beta"}}}
	assert.Equal(t, http.StatusOK, a.Send(late).Status, "what it became is remembered")
	assert.Equal(t, 2, a.Fake.Calls(authkittest.RouteRefresh))
	a.Clock.Advance(time.Second)
	resp := a.Send(late)
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
	assert.Empty(t, resp.SetCookies(t))
	assert.Equal(t, 3, a.Fake.Calls(authkittest.RouteRefresh), "WorkOS is asked, and does not know it any more")
	assert.Equal(t, "org_gamma", a.Me(last)["organization"])
}

func TestASwitchThatRecalledNothingGoesOnFromARefreshThatIsOver(t *testing.T) {
	a := behaviour.Switching(t)
	cookie := a.Acme()
	h := holdAt(a, "looked up")
	switched := a.SendAside(behaviour.Request{
		Method: "POST", Target: "/organization", Cookie: cookie, Header: behaviour.Scripted(), Form: map[string][]string{"organization_id": {"org_beta"}},
	})
	<-h.reached
	a.Clock.Advance(4*time.Minute + time.Second)
	renewed := a.Send(behaviour.Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	h.goOn()
	resp := <-switched
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Equal(t, "org_beta", a.Me(resp.NewCookie(t))["organization"])
	assert.Equal(t, 2, a.Fake.Calls(authkittest.RouteRefresh))
	assert.NotEqual(t, renewed, resp.NewCookie(t))
}

func TestARefreshBetweenTwoStepsOfASwitchMakesNoExchangeOfItsOwn(t *testing.T) {
	for _, step := range []string{"exchanged", "committed", "notified"} {
		t.Run(step, func(t *testing.T) {
			a := behaviour.Switching(t)
			cookie := a.Acme()
			h := holdAt(a, step)
			switched := a.SendAside(behaviour.Request{
				Method: "POST", Target: "/organization", Cookie: cookie, Header: behaviour.Scripted(), Form: map[string][]string{"organization_id": {"org_beta"}},
			})
			<-h.reached
			a.Clock.Advance(4*time.Minute + time.Second)
			refreshed := a.SendAside(behaviour.Request{Target: "/me", Cookie: cookie})
			if step == "exchanged" {
				h.goOn()
			}
			resp := <-refreshed
			h.goOn()
			<-switched
			assert.Contains(t, resp.Body, "org_beta")
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
		})
	}
}

// A full memory drops the oldest outcomes.
func TestAnOutcomeThatLeftEarlyCostsAnExchangeAndNoSession(t *testing.T) {
	for name, successors := range map[string]bool{"its successor is known": false, "nothing is known": true} {
		t.Run(name, func(t *testing.T) {
			a, cookie := whatStale(t)
			id := a.SessionID()
			a.Send(behaviour.Request{Target: "/account", Cookie: cookie}).NewCookie(t) // the response is lost
			authkit.DropOutcomes(a.AuthKit, successors)
			resp := a.Send(behaviour.Request{Target: "/account", Cookie: cookie})
			assert.Equal(t, behaviour.PageOf(behaviour.Kim, id)+" at /account", resp.Body)
			assert.Equal(t, 2, a.Fake.Calls(authkittest.RouteRefresh))
			resp = a.Send(behaviour.Request{Target: "/account", Cookie: resp.NewCookie(t)})
			assert.Equal(t, http.StatusOK, resp.Status)
			assert.Empty(t, resp.SetCookies(t))
		})
	}
}

// WorkOS took eight seconds, and the key of the new token hangs.
func TestAnExchangeWaitsForItsKeyWithinItsTenSeconds(t *testing.T) {
	upstream := &behaviour.Rewriting{}
	a := behaviour.NewApp(t, behaviour.AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	cookie, id := a.SignedIn(behaviour.Kim).CookieHeader(), a.SessionID()
	a.Send(behaviour.Request{Target: "/account", Cookie: cookie})
	a.ExpireToken(2 * time.Minute)
	a.Fake.AddSigningKey()
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Delay: 4 * time.Second})
	upstream.Change = func(map[string]any) { a.Clock.Advance(8 * time.Second) }
	before := a.Fake.Calls(authkittest.RouteJWKS)
	answered := a.SendAside(behaviour.Request{Target: "/account", Cookie: cookie})
	a.Fake.AwaitCalls(t, authkittest.RouteJWKS, before+1)
	a.Clock.AwaitTimers(3) // the exchange's, the fetch's and the fault's
	a.Clock.Advance(2 * time.Second)
	resp := <-answered
	assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
	jar := resp.NewCookie(t) // the new refresh token is not lost

	a.Clock.Advance(2 * time.Second) // the key is there
	resp = a.Send(behaviour.Request{Target: "/account", Cookie: jar})
	assert.Equal(t, behaviour.PageOf(behaviour.Kim, id)+" at /account", resp.Body)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestARetiredTokenIsAnsweredForADayAtTheMostHoweverLongItsSuccessorLives(t *testing.T) {
	a := behaviour.NewApp(t, behaviour.AppOptions{Fake: []authkittest.Option{authkittest.WithAccessTokenLifetime(48 * time.Hour)}})
	cookie := a.SignedIn(behaviour.Kim).CookieHeader()
	a.Clock.Advance(48*time.Hour + 2*time.Minute)
	a.Send(behaviour.Request{Target: "/account", Cookie: cookie}).NewCookie(t) // the response is lost
	a.Clock.Advance(24*time.Hour - time.Second)
	require.Equal(t, http.StatusOK, a.Send(behaviour.Request{Target: "/account", Cookie: cookie}).Status)
	a.Clock.Advance(time.Second)
	assert.Equal(t, http.StatusUnauthorized, a.Send(behaviour.Request{Target: "/account", Cookie: cookie}).Status)
}

func TestASessionWithoutARefreshTokenServesUntilItExpiresAndAsksNothing(t *testing.T) {
	a := behaviour.Sharing(t)
	neighbour := a.Neighbour()
	session := neighbour.Read(a.SignedIn(behaviour.Kim).CookieHeader())
	delete(session, "refreshToken")
	cookie := neighbour.Write(session)
	a.ExpireToken(59 * time.Second)
	for _, status := range []int{http.StatusOK, http.StatusUnauthorized} {
		resp := a.Send(behaviour.Request{Target: "/account", Cookie: cookie})
		assert.Equal(t, status, resp.Status)
		assert.Empty(t, resp.SetCookies(t))
		a.Clock.Advance(2 * time.Second)
	}
	assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))
	assert.NotContains(t, a.Logs.String(), "WARN", "it is nothing to look into")
}

// The middleware has refreshed the session in the very response that ends it.
func TestASwitchThatEndsASessionWhichWasJustRefreshedSetsNothing(t *testing.T) {
	for _, opts := range [][]authkit.Option{nil, {authkit.WithIdleTimeout(time.Hour)}} {
		upstream := &behaviour.Interrupted{}
		a := behaviour.Switching(t, append(opts, authkit.WithHTTPClient(&http.Client{Transport: upstream}))...)
		cookie := a.Acme()
		a.Clock.Advance(4*time.Minute + 10*time.Second)
		authkit.OnRefreshStep(a.AuthKit, func(step string) {
			if step == "notified" && a.Fake.Calls(authkittest.RouteRefresh) == 1 {
				upstream.By = func() {} // the next exchange is refused
			}
		})
		resp := a.SwitchTo("org_beta", cookie, behaviour.Scripted())
		assert.Equal(t, http.StatusUnauthorized, resp.Status)
		assert.Empty(t, behaviour.JarAfter(cookie, resp))
	}
}

func TestAnExchangeThatEndsAfterASignInDoesNotUndoItOnAPageThatWasServedBefore(t *testing.T) {
	began, goOn, committed := make(chan struct{}), make(chan struct{}), make(chan struct{}, 9)
	a, cookie, answered, _ := behaviour.Slowly(t, "/slow", func(a *behaviour.App, mux *http.ServeMux) {
		authkit.OnRefreshStep(a.AuthKit, func(step string) {
			if step == "committed" {
				committed <- struct{}{}
			}
		})
		mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
			close(began)
			<-goOn
			io.WriteString(w, behaviour.Visitor(r))
		})
	})
	<-began
	jar := a.SignInOver(cookie)
	id := a.SessionID()
	a.Clock.Advance(time.Second)
	<-committed
	close(goOn)
	jar = behaviour.JarAfter(jar, <-answered)
	assert.Contains(t, a.Send(behaviour.Request{Target: "/account", Cookie: jar}).Body, id)
}
