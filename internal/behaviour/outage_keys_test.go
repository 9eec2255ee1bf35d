// Failures of the fetch of the signing keys, at the first fetch and at a later one.

package behaviour

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/authkittest"
)

// Log messages of the key set at the end of a fetch in the background.
const (
	keysFailed  = "jwks: could not fetch the signing keys"
	keysChanged = "jwks: the signing keys have changed"
)

// keyOutages holds a test for each moment at which a key fetch can fail.
var keyOutages = map[string]func(*testing.T, failure){
	"at the first fetch": failFirstFetch,
	"at a later fetch":   failLaterFetch,
}

func TestAFailedKeyFetchNeverEndsASessionOrASignIn(t *testing.T) {
	for i, name := range slices.Sorted(maps.Keys(failures)) {
		for j, moment := range slices.Sorted(maps.Keys(keyOutages)) {
			if (i+j)%everyFailure != 0 {
				continue
			}
			t.Run(name+", "+moment, func(t *testing.T) {
				checkGoroutineLeaks(t)
				keyOutages[moment](t, failures[name])
			})
		}
	}
}

// endFetch ends the next fetch after the given number of fetches. If no reply ends it, endFetch lets its five seconds pass.
func (o *outage) endFetch(f failure, fetches int) {
	if f.hangs {
		o.Fake.AwaitCalls(o.T, authkittest.RouteJWKS, fetches+1)
		o.Clock.Advance(5 * time.Second)
	}
}

// failFirstFetch tests a process that starts during the outage. It neither accepts nor refuses a session, and answers 503.
func failFirstFetch(t *testing.T, f failure) {
	running := NewApp(t, AppOptions{})
	cookie, id := running.SignedIn(Kim).CookieHeader(), running.SessionID()
	o := newOutageInstance(t, running)
	s := o.StartSignIn("/login?return_to=/account")
	exchanges := o.Fake.Calls(authkittest.RouteCodeExchange)
	fetches := o.Fake.Calls(authkittest.RouteJWKS)
	endOutage := o.startOutage(authkittest.RouteJWKS, f)
	account := Request{Target: "/account", Cookie: cookie, Header: Scripted()}
	callback := Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()}

	// All requests that need the keys wait for the same fetch.
	var pending []<-chan Response
	for _, q := range []Request{account, callback, account, callback} {
		pending = append(pending, o.start(q))
	}
	o.endFetch(f, fetches)
	for _, responses := range pending {
		resp := o.await(responses)
		assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
		assert.Equal(t, strconv.Itoa(int(f.pause/time.Second)), resp.Header.Get("Retry-After"))
		assert.Empty(t, resp.SetCookies(t), "the session is kept, and neither the state nor the code is used")
	}

	o.Clock.Advance(f.pause - time.Millisecond)
	assert.Equal(t, "unavailable", o.Send(account).Problem(t)["code"])
	assert.Equal(t, http.StatusServiceUnavailable, o.Send(callback).Status)
	assert.Contains(t, o.Send(Request{Target: "/", Cookie: cookie}).Body, "home of an unknown user")
	assert.Equal(t, http.StatusSeeOther, o.Send(Request{Target: "/login", Cookie: cookie}).Status)
	assert.Equal(t, http.StatusUnauthorized, o.Send(Request{Target: "/account"}).Status)
	assert.EqualValues(t, 1, o.upstream.sent.Load(), "no other fetch before the pause ends")

	endOutage()
	o.Clock.Advance(time.Millisecond)
	assert.Equal(t, PageOf(Kim, id)+" at /account", o.Send(account).Body)
	assert.EqualValues(t, 2, o.upstream.sent.Load())
	resp := o.Send(callback)
	assert.Equal(t, http.StatusSeeOther, resp.Status)
	assert.Contains(t, o.Send(Request{Target: "/account", Cookie: resp.NewCookie(t)}).Body, "page of "+Kim)
	assert.Equal(t, exchanges+1, o.Fake.Calls(authkittest.RouteCodeExchange))
	assert.Zero(t, o.Fake.Calls(authkittest.RouteRefresh))
}

// failLaterFetch tests a process that already has keys. They continue to serve, and no request waits for the fetch.
func failLaterFetch(t *testing.T, f failure) {
	o := newOutage(t, AppOptions{Fake: []authkittest.Option{authkittest.WithAccessTokenLifetime(time.Hour)}})
	cookie, id := o.SignedIn(Kim).CookieHeader(), o.SessionID()
	account := Request{Target: "/account", Cookie: cookie}
	o.Clock.Advance(10 * time.Minute)
	fetches := o.Fake.Calls(authkittest.RouteJWKS)
	endOutage := o.startOutage(authkittest.RouteJWKS, f)
	before := o.upstream.sent.Load()
	assertServed := func() {
		t.Helper()
		resp := o.Send(account)
		assert.Equal(t, PageOf(Kim, id)+" at /account", resp.Body)
		assert.Empty(t, resp.SetCookies(t))
	}

	assertServed()
	o.endFetch(f, fetches)
	o.awaitLog(keysFailed)
	assertServed()
	s := o.StartSignIn("/login")
	assert.Equal(t, http.StatusSeeOther, o.Send(Request{Target: s.Target(), Cookie: s.Cookie}).Status)
	o.Clock.Advance(f.pause - time.Millisecond)
	assertServed()
	assert.EqualValues(t, 2, o.upstream.sent.Load()-before, "one key fetch and one code exchange")

	endOutage()
	o.Fake.AddSigningKey()
	o.Clock.Advance(time.Millisecond)
	assertServed()
	o.awaitLog(keysChanged)
	assertServed()
	assert.EqualValues(t, 3, o.upstream.sent.Load()-before)
	assert.Zero(t, o.Fake.Calls(authkittest.RouteRefresh))
}

// If there are keys, they are fetched in the background of the request. If there are none, the request waits for them.
func TestARequestWaitsForSlowKeysOnlyIfThereAreNone(t *testing.T) {
	slow := authkittest.Fault{Delay: 3 * time.Second}

	t.Run("the first fetch", func(t *testing.T) {
		checkGoroutineLeaks(t)
		running := NewApp(t, AppOptions{})
		cookie, id := running.SignedIn(Kim).CookieHeader(), running.SessionID()
		o := newOutageInstance(t, running)
		o.Fake.InjectFault(authkittest.RouteJWKS, slow)
		responses := o.start(Request{Target: "/account", Cookie: cookie})
		o.Clock.AwaitTimers(2) // of the fetch and of the fault
		assert.Empty(t, responses)
		o.Clock.Advance(3 * time.Second)
		assert.Equal(t, PageOf(Kim, id)+" at /account", o.await(responses).Body)
	})

	t.Run("a later fetch", func(t *testing.T) {
		checkGoroutineLeaks(t)
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
