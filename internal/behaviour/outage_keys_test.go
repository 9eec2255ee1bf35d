// Each way in which the signing keys can fail to come, when they are first needed and when they are renewed.

package behaviour

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

func TestAFailedKeyFetchNeverEndsASessionOrASignIn(t *testing.T) {
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
		o.Fake.AwaitCalls(o.T, authkittest.RouteJWKS, fetches+1)
		o.Clock.Advance(5 * time.Second)
	}
}

// failFirstKeys is about a process that starts while there are none: it decides
// nothing.
func failFirstKeys(t *testing.T, f failure) {
	running := NewApp(t, AppOptions{})
	cookie, id := running.SignedIn(Kim).CookieHeader(), running.SessionID()
	o := newOutageInstance(t, running)
	s := o.Begin("/login?return_to=/account")
	exchanges := o.Fake.Calls(authkittest.RouteCodeExchange)
	fetches := o.Fake.Calls(authkittest.RouteJWKS)
	ends := o.begins(authkittest.RouteJWKS, f)
	account := Request{Target: "/account", Cookie: cookie, Header: Scripted()}
	callback := Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()}

	// Whoever needs the keys waits for one and the same fetch.
	var answers []<-chan Response
	for _, q := range []Request{account, callback, account, callback} {
		answers = append(answers, o.sending(q))
	}
	o.giveUp(f, fetches)
	for _, answered := range answers {
		resp := o.answer(answered)
		assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
		assert.Equal(t, strconv.Itoa(int(f.pause/time.Second)), resp.Header.Get("Retry-After"))
		assert.Empty(t, resp.SetCookies(t), "the session stays, and of the sign-in nothing is used up")
	}

	o.Clock.Advance(f.pause - time.Millisecond)
	assert.Equal(t, "unavailable", o.Send(account).Problem(t)["code"])
	assert.Equal(t, http.StatusServiceUnavailable, o.Send(callback).Status)
	assert.Contains(t, o.Send(Request{Target: "/", Cookie: cookie}).Body, "home of somebody unknown")
	assert.Equal(t, http.StatusSeeOther, o.Send(Request{Target: "/login", Cookie: cookie}).Status)
	assert.Equal(t, http.StatusUnauthorized, o.Send(Request{Target: "/account"}).Status)
	assert.EqualValues(t, 1, o.up.sent.Load(), "nobody asks again before it is time")

	ends()
	o.Clock.Advance(time.Millisecond)
	assert.Equal(t, PageOf(Kim, id)+" at /account", o.Send(account).Body)
	assert.EqualValues(t, 2, o.up.sent.Load())
	resp := o.Send(callback)
	assert.Equal(t, http.StatusSeeOther, resp.Status)
	assert.Contains(t, o.Send(Request{Target: "/account", Cookie: resp.NewCookie(t)}).Body, "page of "+Kim)
	assert.Equal(t, exchanges+1, o.Fake.Calls(authkittest.RouteCodeExchange))
	assert.Zero(t, o.Fake.Calls(authkittest.RouteRefresh))
}

// failNewerKeys is about a process that has some: they serve, and at once.
func failNewerKeys(t *testing.T, f failure) {
	o := newOutage(t, AppOptions{Fake: []authkittest.Option{authkittest.WithAccessTokenLifetime(time.Hour)}})
	cookie, id := o.SignedIn(Kim).CookieHeader(), o.SessionID()
	account := Request{Target: "/account", Cookie: cookie}
	o.Clock.Advance(10 * time.Minute)
	fetches := o.Fake.Calls(authkittest.RouteJWKS)
	ends := o.begins(authkittest.RouteJWKS, f)
	before := o.up.sent.Load()
	serves := func() {
		t.Helper()
		resp := o.Send(account)
		assert.Equal(t, PageOf(Kim, id)+" at /account", resp.Body)
		assert.Empty(t, resp.SetCookies(t))
	}

	serves()
	o.giveUp(f, fetches)
	o.awaitLog(keysFailed)
	serves()
	s := o.Begin("/login")
	assert.Equal(t, http.StatusSeeOther, o.Send(Request{Target: s.Target(), Cookie: s.Cookie}).Status)
	o.Clock.Advance(f.pause - time.Millisecond)
	serves()
	assert.EqualValues(t, 2, o.up.sent.Load()-before, "one fetch, and the exchange of the sign-in")

	ends()
	o.Fake.AddSigningKey()
	o.Clock.Advance(time.Millisecond)
	serves()
	o.awaitLog(keysChanged)
	serves()
	assert.EqualValues(t, 3, o.up.sent.Load()-before)
	assert.Zero(t, o.Fake.Calls(authkittest.RouteRefresh))
}

// The reply is behind the request, and in front of it where there are no keys yet.
func TestARequestWaitsForSlowKeysOnlyIfThereAreNone(t *testing.T) {
	slow := authkittest.Fault{Delay: 3 * time.Second}

	t.Run("the first ones", func(t *testing.T) {
		leavesNothing(t)
		running := NewApp(t, AppOptions{})
		cookie, id := running.SignedIn(Kim).CookieHeader(), running.SessionID()
		o := newOutageInstance(t, running)
		o.Fake.InjectFault(authkittest.RouteJWKS, slow)
		answered := o.sending(Request{Target: "/account", Cookie: cookie})
		o.Clock.AwaitTimers(2) // the fetch's and the fault's
		assert.Empty(t, answered)
		o.Clock.Advance(3 * time.Second)
		assert.Equal(t, PageOf(Kim, id)+" at /account", o.answer(answered).Body)
	})

	t.Run("newer ones", func(t *testing.T) {
		leavesNothing(t)
		o := newOutage(t, AppOptions{Fake: []authkittest.Option{authkittest.WithAccessTokenLifetime(time.Hour)}})
		cookie, id := o.SignedIn(Kim).CookieHeader(), o.SessionID()
		o.Clock.Advance(10 * time.Minute)
		o.Fake.AddSigningKey()
		o.Fake.InjectFault(authkittest.RouteJWKS, slow)
		assert.Equal(t, PageOf(Kim, id)+" at /account", o.Send(Request{Target: "/account", Cookie: cookie}).Body)
		o.Clock.AwaitTimers(2)
		o.Clock.Advance(3 * time.Second)
		o.awaitLog(keysChanged)
	})
}
