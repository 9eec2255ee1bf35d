// Requests, sign-ins and sign-outs between two steps of a refresh. The header of
// rotation.go lists the orders that these tests check.

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

// heldStep is a step at which the first goroutine that reaches it waits.
type heldStep struct {
	reached chan struct{} // closed when the first goroutine reaches the step
	again   chan struct{} // receives a value for each later goroutine
	release func()        // lets the first goroutine continue
}

// holdAt holds the first goroutine that reaches a step of a request or of an
// exchange.
func holdAt(a *behaviour.App, step string) heldStep {
	return holdAtEach(a, step)[0]
}

// holdAtEach is holdAt for several steps.
func holdAtEach(a *behaviour.App, steps ...string) (held []heldStep) {
	at := map[string]func(){}
	for _, step := range steps {
		h, wait := newHeldStep()
		at[step] = wait
		held = append(held, h)
		a.T.Cleanup(h.release)
	}
	authkit.OnRefreshStep(a.AuthKit, func(step string) {
		if wait := at[step]; wait != nil {
			wait()
		}
	})
	return held
}

// newHeldStep returns a step, and the function that is called there.
func newHeldStep() (h heldStep, wait func()) {
	proceed := make(chan struct{})
	h = heldStep{reached: make(chan struct{}), again: make(chan struct{}, 100), release: sync.OnceFunc(func() { close(proceed) })}
	var mu sync.Mutex
	first := true
	return h, func() {
		mu.Lock()
		waits := first
		first = false
		mu.Unlock()
		if !waits {
			h.again <- struct{}{}
			return
		}
		close(h.reached)
		<-proceed
	}
}

// newWithStaleSession returns an application, and the cookie of a session whose
// access token has expired.
func newWithStaleSession(t *testing.T, opts ...authkit.Option) (a *behaviour.App, cookie string) {
	a = behaviour.NewApp(t, behaviour.AppOptions{AuthKit: opts})
	cookie = a.SignedIn(behaviour.Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	return a, cookie
}

func TestARequestFindsTheOutcomeOfAFlightThatEndedAfterItsLookup(t *testing.T) {
	a, cookie := newWithStaleSession(t)
	early := holdAt(a, "looked up")
	late := a.SendAsync(behaviour.Request{Target: "/account", Cookie: cookie})
	<-early.reached
	refreshed := a.Send(behaviour.Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	early.release()
	resp := <-late
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Equal(t, refreshed, resp.NewCookie(t))
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestARequestBetweenTwoStepsOfAnExchangeUsesItsOutcome(t *testing.T) {
	for _, step := range []string{"looked up", "exchanged", "committed", "notified", "awaited"} {
		t.Run(step, func(t *testing.T) {
			a, cookie := newWithStaleSession(t)
			h := holdAt(a, step)
			first := a.SendAsync(behaviour.Request{Target: "/account", Cookie: cookie})
			<-h.reached
			second := a.SendAsync(behaviour.Request{Target: "/account", Cookie: cookie})
			if step == "exchanged" { // there is no outcome yet, so the second request waits
				h.release()
			}
			resp := <-second
			h.release()
			assert.Equal(t, http.StatusOK, resp.Status)
			assert.Equal(t, (<-first).NewCookie(t), resp.NewCookie(t))
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
		})
	}
}

func TestAnExchangeDoesNotUndoASignOutOrASignInBetweenItsSteps(t *testing.T) {
	for _, step := range []string{"looked up", "exchanged", "committed", "notified", "awaited", "newest read"} {
		t.Run("sign-out at "+step, func(t *testing.T) {
			a, cookie := newWithStaleSession(t)
			h := holdAt(a, step)
			late := a.SendAsync(behaviour.Request{Target: "/account", Cookie: cookie, Header: behaviour.Scripted()})
			<-h.reached
			a.Send(behaviour.Request{Method: http.MethodPost, Target: "/logout", Cookie: cookie, Header: behaviour.Scripted()})
			h.release()
			assert.Empty(t, behaviour.JarAfter("", <-late), "the late response sets no cookie")
			for range 3 { // before and after the mark of the sign-out is forgotten
				assert.Equal(t, http.StatusUnauthorized, a.Send(behaviour.Request{Target: "/account", Cookie: cookie, Header: behaviour.Scripted()}).Status)
				a.Clock.Advance(7 * time.Minute)
			}
		})
		if step == "newest read" {
			continue // the response of the sign-in is not written yet
		}
		t.Run("sign-in at "+step, func(t *testing.T) {
			a, cookie := newWithStaleSession(t)
			h := holdAt(a, step)
			late := a.SendAsync(behaviour.Request{Target: "/account", Cookie: cookie, Header: behaviour.Scripted()})
			<-h.reached
			jar := a.SignInAgain(cookie)
			h.release()
			assert.Equal(t, jar, behaviour.JarAfter(jar, <-late), "the late response sets no cookie")
			a.Clock.Advance(31 * time.Second)
			for range 2 {
				assert.Equal(t, jar, behaviour.JarAfter(jar, a.Send(behaviour.Request{Target: "/account", Cookie: cookie, Header: behaviour.Scripted()})), "another late response sets no cookie")
				a.Clock.Advance(2 * time.Minute)
			}
			assert.Equal(t, http.StatusOK, a.Send(behaviour.Request{Target: "/account", Cookie: jar, Header: behaviour.Scripted()}).Status)
		})
	}
}

// WorkOS has ended the session. A second request clears the cookie, and the user signs in, before the first request has decided. So
// the first one must have counted the clears before its exchange.
func TestARequestThatLearnsOfTheEndLateKeepsTheSignInAfterAnotherHasClearedTheCookie(t *testing.T) {
	a, cookie := newWithStaleSession(t)
	a.Fake.RevokeSession(a.SessionID())
	h := holdAt(a, "awaited")
	late := a.SendAsync(behaviour.Request{Target: "/account", Cookie: cookie, Header: behaviour.Scripted()})
	<-h.reached
	second := a.Send(behaviour.Request{Target: "/account", Cookie: cookie, Header: behaviour.Scripted()})
	require.Empty(t, behaviour.JarAfter(cookie, second), "the cookie is cleared")
	jar := a.SignInAgain("")
	require.NotEmpty(t, jar)
	h.release()
	assert.Equal(t, jar, behaviour.JarAfter(jar, <-late))
}

func TestARequestDuringTheRefreshHookGetsTheNewSession(t *testing.T) {
	began, proceed := make(chan struct{}), make(chan struct{})
	a, cookie := newWithStaleSession(t, authkit.WithOnRefresh(func(context.Context, authkit.RefreshEvent) {
		close(began)
		<-proceed
	}))
	release := sync.OnceFunc(func() { close(proceed) })
	t.Cleanup(release)
	first := a.SendAsync(behaviour.Request{Target: "/account", Cookie: cookie})
	<-began
	resp := a.Send(behaviour.Request{Target: "/account", Cookie: cookie})
	assert.Equal(t, http.StatusOK, resp.Status)
	next := a.Send(behaviour.Request{Target: "/account", Cookie: resp.NewCookie(t)})
	assert.Equal(t, http.StatusOK, next.Status, "the new cookie is accepted at once")
	assert.Empty(t, next.SetCookies(t))
	release()
	assert.Equal(t, resp.NewCookie(t), (<-first).NewCookie(t))
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}

// The user signs out while WorkOS answers the exchange, with new tokens or with
// the end of the session. Only the sign-out is reported to the hooks.
func TestASignOutDuringAnExchangeCallsTheSignOutHookOnce(t *testing.T) {
	for _, revoked := range []bool{false, true} {
		var refreshed, signedOut atomic.Int64
		a, cookie := newWithStaleSession(t,
			authkit.WithOnRefresh(func(context.Context, authkit.RefreshEvent) { refreshed.Add(1) }),
			authkit.WithOnSignOut(func(context.Context, authkit.SignOutEvent) { signedOut.Add(1) }))
		if revoked {
			a.Fake.RevokeSession(a.SessionID())
		}
		h := holdAt(a, "exchanged")
		late := a.SendAsync(behaviour.Request{Target: "/account", Cookie: cookie, Header: behaviour.Scripted()})
		<-h.reached
		a.Send(behaviour.Request{Method: http.MethodPost, Target: "/logout", Cookie: cookie, Header: behaviour.Scripted()})
		h.release()
		assert.Equal(t, http.StatusUnauthorized, (<-late).Status)
		assert.Zero(t, refreshed.Load())
		assert.EqualValues(t, 1, signedOut.Load())
	}
}

// The exchange succeeds, but the signing key of its token cannot be fetched. Both
// the old cookie and the cookie with the new refresh token lead to the token.
func TestATokenThatIsVerifiedLaterIsVerifiedOnceForBothCookies(t *testing.T) {
	for _, at := range []string{"one after the other", "at once"} {
		t.Run(at, func(t *testing.T) {
			refreshed := make(chan struct{}, 9)
			a, old := newWithStaleSession(t, authkit.WithOnRefresh(func(context.Context, authkit.RefreshEvent) { refreshed <- struct{}{} }))
			a.Fake.AddSigningKey()
			a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
			a.Clock.Advance(10 * time.Minute) // the loaded keys are now too old
			unverified := a.Send(behaviour.Request{Target: "/account", Cookie: old}).NewCookie(t)
			a.Fake.ClearFault(authkittest.RouteJWKS)
			a.Clock.Advance(time.Minute)
			var first, second behaviour.Response
			if at == "at once" {
				h := holdAt(a, "exchanged")
				one := a.SendAsync(behaviour.Request{Target: "/account", Cookie: old})
				<-h.reached
				joined := holdAt(a, "looked up")
				joined.release()
				two := a.SendAsync(behaviour.Request{Target: "/account", Cookie: unverified})
				<-joined.reached
				h.release()
				first, second = <-one, <-two
			} else {
				first = a.Send(behaviour.Request{Target: "/account", Cookie: old})
				second = a.Send(behaviour.Request{Target: "/account", Cookie: unverified})
			}
			assert.Equal(t, first.NewCookie(t), second.NewCookie(t))
			assert.Len(t, refreshed, 1, "the hook is called once for the exchange")
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
		})
	}
}

// The first cookie was refreshed twice, because the first response was lost. The
// second response arrived. Then a delayed request with the first cookie arrives.
func TestALateRequestWithAnOlderCookieDoesNotSignTheBrowserOut(t *testing.T) {
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

// The response of one switch is lost, and that of the next one arrives. After the
// browser has presented the latest cookie, the first one leads to neither session.
func TestAnOlderCookieIsAnsweredForTheReplayWindowAfterTheLatestArrived(t *testing.T) {
	a := behaviour.NewSwitchingApp(t)
	first := a.AcmeCookie()
	a.SwitchTo("org_beta", first, behaviour.Scripted()).NewCookie(t)
	last := a.SwitchTo("org_gamma", first, behaviour.Scripted()).NewCookie(t)
	assert.Equal(t, "org_gamma", a.Me(last)["organization"])
	a.Clock.Advance(30*time.Second - time.Millisecond)
	late := behaviour.Request{Method: "POST", Target: "/organization", Cookie: first, Header: behaviour.Scripted(), Form: map[string][]string{"organization_id": {"org_beta"}}}
	assert.Equal(t, http.StatusOK, a.Send(late).Status, "the outcome is remembered")
	assert.Equal(t, 2, a.Fake.Calls(authkittest.RouteRefresh))
	a.Clock.Advance(time.Second)
	resp := a.Send(late)
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
	assert.Empty(t, resp.SetCookies(t))
	assert.Equal(t, 3, a.Fake.Calls(authkittest.RouteRefresh), "the request makes an exchange, and WorkOS refuses it")
	assert.Equal(t, "org_gamma", a.Me(last)["organization"])
}

func TestASwitchContinuesWithARefreshThatEndedAfterItsLookup(t *testing.T) {
	a := behaviour.NewSwitchingApp(t)
	cookie := a.AcmeCookie()
	h := holdAt(a, "looked up")
	switched := a.SendAsync(behaviour.Request{
		Method: "POST", Target: "/organization", Cookie: cookie, Header: behaviour.Scripted(), Form: map[string][]string{"organization_id": {"org_beta"}},
	})
	<-h.reached
	a.Clock.Advance(4*time.Minute + time.Second)
	refreshed := a.Send(behaviour.Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	h.release()
	resp := <-switched
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Equal(t, "org_beta", a.Me(resp.NewCookie(t))["organization"])
	assert.Equal(t, 2, a.Fake.Calls(authkittest.RouteRefresh))
	assert.NotEqual(t, refreshed, resp.NewCookie(t))
}

func TestARefreshBetweenTwoStepsOfASwitchUsesItsOutcome(t *testing.T) {
	for _, step := range []string{"exchanged", "committed", "notified"} {
		t.Run(step, func(t *testing.T) {
			a := behaviour.NewSwitchingApp(t)
			cookie := a.AcmeCookie()
			h := holdAt(a, step)
			switched := a.SendAsync(behaviour.Request{
				Method: "POST", Target: "/organization", Cookie: cookie, Header: behaviour.Scripted(), Form: map[string][]string{"organization_id": {"org_beta"}},
			})
			<-h.reached
			a.Clock.Advance(4*time.Minute + time.Second)
			refreshed := a.SendAsync(behaviour.Request{Target: "/me", Cookie: cookie})
			if step == "exchanged" {
				h.release()
			}
			resp := <-refreshed
			h.release()
			<-switched
			assert.Contains(t, resp.Body, "org_beta")
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
		})
	}
}

// If too many outcomes are remembered, the oldest are evicted.
func TestAnEvictedOutcomeCostsAnExchangeAndNoSession(t *testing.T) {
	for name, successors := range map[string]bool{"the successor is known": false, "the successor is evicted too": true} {
		t.Run(name, func(t *testing.T) {
			a, cookie := newWithStaleSession(t)
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

// WorkOS takes eight seconds, and the fetch of the signing key takes four more.
func TestTheTimeLimitOfAnExchangeIncludesTheFetchOfItsKey(t *testing.T) {
	upstream := &behaviour.RewritingTransport{}
	a := behaviour.NewApp(t, behaviour.AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	cookie, id := a.SignedIn(behaviour.Kim).CookieHeader(), a.SessionID()
	a.Send(behaviour.Request{Target: "/account", Cookie: cookie})
	a.ExpireToken(2 * time.Minute)
	a.Fake.AddSigningKey()
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Delay: 4 * time.Second})
	upstream.Change = func(map[string]any) { a.Clock.Advance(8 * time.Second) }
	before := a.Fake.Calls(authkittest.RouteJWKS)
	answered := a.SendAsync(behaviour.Request{Target: "/account", Cookie: cookie})
	a.Fake.AwaitCalls(t, authkittest.RouteJWKS, before+1)
	a.Clock.AwaitTimers(3) // of the exchange, the fetch and the fault
	a.Clock.Advance(2 * time.Second)
	resp := <-answered
	assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
	jar := resp.NewCookie(t) // it has the new refresh token

	a.Clock.Advance(2 * time.Second) // the key is fetched
	resp = a.Send(behaviour.Request{Target: "/account", Cookie: jar})
	assert.Equal(t, behaviour.PageOf(behaviour.Kim, id)+" at /account", resp.Body)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestAnExchangedRefreshTokenIsAnsweredForAtMostADay(t *testing.T) {
	a := behaviour.NewApp(t, behaviour.AppOptions{Fake: []authkittest.Option{authkittest.WithAccessTokenLifetime(48 * time.Hour)}})
	cookie := a.SignedIn(behaviour.Kim).CookieHeader()
	a.Clock.Advance(48*time.Hour + 2*time.Minute)
	a.Send(behaviour.Request{Target: "/account", Cookie: cookie}).NewCookie(t) // the response is lost
	a.Clock.Advance(24*time.Hour - time.Second)
	require.Equal(t, http.StatusOK, a.Send(behaviour.Request{Target: "/account", Cookie: cookie}).Status)
	a.Clock.Advance(time.Second)
	assert.Equal(t, http.StatusUnauthorized, a.Send(behaviour.Request{Target: "/account", Cookie: cookie}).Status)
}

func TestASessionWithoutARefreshTokenServesUntilItExpiresWithoutACall(t *testing.T) {
	a := behaviour.NewSharedSessionApp(t)
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
	assert.NotContains(t, a.Logs.String(), "WARN", "this is no failure")
}

// The middleware refreshes the session of the request whose switch ends it.
func TestASwitchThatEndsAJustRefreshedSessionSetsNoCookie(t *testing.T) {
	for _, opts := range [][]authkit.Option{nil, {authkit.WithIdleTimeout(time.Hour)}} {
		upstream := &behaviour.RefusingTransport{}
		a := behaviour.NewSwitchingApp(t, append(opts, authkit.WithHTTPClient(&http.Client{Transport: upstream}))...)
		cookie := a.AcmeCookie()
		a.Clock.Advance(4*time.Minute + 10*time.Second)
		authkit.OnRefreshStep(a.AuthKit, func(step string) {
			if step == "notified" && a.Fake.Calls(authkittest.RouteRefresh) == 1 {
				upstream.Before = func() {} // the next exchange is refused
			}
		})
		resp := a.SwitchTo("org_beta", cookie, behaviour.Scripted())
		assert.Equal(t, http.StatusUnauthorized, resp.Status)
		assert.Empty(t, behaviour.JarAfter(cookie, resp))
	}
}

func TestASlowPageOfTheOldSessionDoesNotUndoASignIn(t *testing.T) {
	began, proceed, committed := make(chan struct{}), make(chan struct{}), make(chan struct{}, 9)
	a, cookie, answered, _ := behaviour.StartSlowRefresh(t, "/slow", func(a *behaviour.App, mux *http.ServeMux) {
		authkit.OnRefreshStep(a.AuthKit, func(step string) {
			if step == "committed" {
				committed <- struct{}{}
			}
		})
		mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
			close(began)
			<-proceed
			io.WriteString(w, behaviour.Visitor(r))
		})
	})
	<-began
	jar := a.SignInAgain(cookie)
	id := a.SessionID()
	a.Clock.Advance(time.Second)
	<-committed
	close(proceed)
	jar = behaviour.JarAfter(jar, <-answered)
	assert.Contains(t, a.Send(behaviour.Request{Target: "/account", Cookie: jar}).Body, id)
}
