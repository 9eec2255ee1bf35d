// Each way in which the signing keys can fail to come, when they are first needed and when they are renewed.

package authkit_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/authkittest"
)

// What the key set says when a fetch that nobody waits for is over.
const (
	keysFailed  = "jwks: could not fetch the signing keys"
	keysChanged = "jwks: the signing keys have changed"
)

// keyOutages are the moments at which keys can fail to come.
var keyOutages = map[string]func(*testing.T, failure){
	"when they are first needed": failFirstKeys,
	"when they are renewed":      failNewerKeys,
}

func TestKeysThatCannotBeHadAreHeldAgainstNobody(t *testing.T) {
	for moment, fail := range keyOutages {
		for name, f := range failures {
			t.Run(name+", "+moment, func(t *testing.T) {
				leavesNothing(t)
				fail(t, f)
			})
		}
	}
}

// giveUp lets the five seconds of a fetch pass, the first after so many, if
// nothing else ends it.
func (o *outage) giveUp(f failure, fetches int) {
	if f.holds {
		o.fake.AwaitCalls(o.t, authkittest.RouteJWKS, fetches+1)
		o.clock.Advance(5 * time.Second)
	}
}

// failFirstKeys is about a process that starts while there are none: it decides
// nothing.
func failFirstKeys(t *testing.T, f failure) {
	running := newApp(t, appOptions{})
	cookie, id := running.signedIn(kim).cookieHeader(), running.sessionID()
	o := newOutageInstance(t, running)
	s := o.begin("/login?return_to=/account")
	exchanges := o.fake.Calls(authkittest.RouteCodeExchange)
	fetches := o.fake.Calls(authkittest.RouteJWKS)
	ends := o.begins(authkittest.RouteJWKS, f)
	account := request{target: "/account", cookie: cookie, header: scripted()}
	callback := request{target: s.target(), cookie: s.cookie, header: navigation()}

	// Whoever needs the keys waits for one and the same fetch.
	var answers []<-chan response
	for _, q := range []request{account, callback, account, callback} {
		answers = append(answers, o.sending(q))
	}
	o.giveUp(f, fetches)
	for _, answered := range answers {
		resp := o.answer(answered)
		assert.Equal(t, http.StatusServiceUnavailable, resp.status)
		assert.Equal(t, strconv.Itoa(int(f.pause/time.Second)), resp.header.Get("Retry-After"))
		assert.Empty(t, resp.setCookies(t), "the session stays, and of the sign-in nothing is used up")
	}

	o.clock.Advance(f.pause - time.Millisecond)
	assert.Equal(t, "unavailable", o.send(account).problem(t)["code"])
	assert.Equal(t, http.StatusServiceUnavailable, o.send(callback).status)
	assert.Contains(t, o.send(request{target: "/", cookie: cookie}).body, "home of somebody unknown")
	assert.Equal(t, http.StatusSeeOther, o.send(request{target: "/login", cookie: cookie}).status)
	assert.Equal(t, http.StatusUnauthorized, o.send(request{target: "/account"}).status)
	assert.EqualValues(t, 1, o.up.sent.Load(), "nobody asks again before it is time")

	ends()
	o.clock.Advance(time.Millisecond)
	assert.Equal(t, pageOf(kim, id)+" at /account", o.send(account).body)
	assert.EqualValues(t, 2, o.up.sent.Load())
	resp := o.send(callback)
	assert.Equal(t, http.StatusSeeOther, resp.status)
	assert.Contains(t, o.send(request{target: "/account", cookie: resp.newCookie(t)}).body, "page of "+kim)
	assert.Equal(t, exchanges+1, o.fake.Calls(authkittest.RouteCodeExchange))
	assert.Zero(t, o.fake.Calls(authkittest.RouteRefresh))
}

// failNewerKeys is about a process that has some: they serve, and at once.
func failNewerKeys(t *testing.T, f failure) {
	o := newOutage(t, appOptions{fake: []authkittest.Option{authkittest.WithTokenLifetime(time.Hour)}})
	cookie, id := o.signedIn(kim).cookieHeader(), o.sessionID()
	account := request{target: "/account", cookie: cookie}
	o.clock.Advance(10 * time.Minute)
	fetches := o.fake.Calls(authkittest.RouteJWKS)
	ends := o.begins(authkittest.RouteJWKS, f)
	before := o.up.sent.Load()
	serves := func() {
		t.Helper()
		resp := o.send(account)
		assert.Equal(t, pageOf(kim, id)+" at /account", resp.body)
		assert.Empty(t, resp.setCookies(t))
	}

	serves()
	o.giveUp(f, fetches)
	o.awaitLog(keysFailed)
	serves()
	s := o.begin("/login")
	assert.Equal(t, http.StatusSeeOther, o.send(request{target: s.target(), cookie: s.cookie}).status)
	o.clock.Advance(f.pause - time.Millisecond)
	serves()
	assert.EqualValues(t, 2, o.up.sent.Load()-before, "one fetch, and the exchange of the sign-in")

	ends()
	o.fake.AddKey()
	o.clock.Advance(time.Millisecond)
	serves()
	o.awaitLog(keysChanged)
	serves()
	assert.EqualValues(t, 3, o.up.sent.Load()-before)
	assert.Zero(t, o.fake.Calls(authkittest.RouteRefresh))
}

// The reply is behind the request, and in front of it where there are no keys yet.
func TestKeysThatComeSlowlyAreWaitedForOnlyWhereThereAreNone(t *testing.T) {
	slow := authkittest.Fault{Delay: 3 * time.Second}

	t.Run("the first ones", func(t *testing.T) {
		leavesNothing(t)
		running := newApp(t, appOptions{})
		cookie, id := running.signedIn(kim).cookieHeader(), running.sessionID()
		o := newOutageInstance(t, running)
		o.fake.Fail(authkittest.RouteJWKS, slow)
		answered := o.sending(request{target: "/account", cookie: cookie})
		o.clock.AwaitTimers(2) // the fetch's and the fault's
		assert.Empty(t, answered)
		o.clock.Advance(3 * time.Second)
		assert.Equal(t, pageOf(kim, id)+" at /account", o.answer(answered).body)
	})

	t.Run("newer ones", func(t *testing.T) {
		leavesNothing(t)
		o := newOutage(t, appOptions{fake: []authkittest.Option{authkittest.WithTokenLifetime(time.Hour)}})
		cookie, id := o.signedIn(kim).cookieHeader(), o.sessionID()
		o.clock.Advance(10 * time.Minute)
		o.fake.AddKey()
		o.fake.Fail(authkittest.RouteJWKS, slow)
		assert.Equal(t, pageOf(kim, id)+" at /account", o.send(request{target: "/account", cookie: cookie}).body)
		o.clock.AwaitTimers(2)
		o.clock.Advance(3 * time.Second)
		o.awaitLog(keysChanged)
	})
}
