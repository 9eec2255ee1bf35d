// Sign-ins after sessions were ended, at instances that share a store.

package behaviour

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestABearerTokenThatWasIssuedAfterTheEndOfItsUserIsAccepted(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{AuthKit: []authkit.Option{authkit.WithBearerTokens("client_native")}})
	earlier := r.Instances[0].nativeToken(nil)
	require.Equal(t, http.StatusOK, r.Instances[1].Send(Request{Target: "/account", Header: Bearer(earlier)}).Status)
	require.NoError(t, r.Instances[0].EndUser(t.Context(), "user_kim"))
	for i, a := range r.Instances {
		assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Header: Bearer(earlier)}).Status, i)
	}
	r.Clock.Advance(2 * time.Minute)
	later := r.Instances[0].nativeToken(func(claims map[string]any) { claims["sid"] = "session_later" })
	for i, a := range r.Instances {
		assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Header: Bearer(later)}).Status, i)
	}
}

// The session of a script's sign-out continues at WorkOS for a while, and a sign-in may use it again.
func TestASignInAtAnInstanceWhoseClockIsBehindHoldsWhereTheUserSignedOut(t *testing.T) {
	r := NewReplicas(t, 1, AppOptions{})
	behind, upstream := authkittest.NewFakeClock(Start.Add(-20*time.Second)), &RewritingTransport{}
	one, two := r.Instances[0], NewInstance(t, r.Fake, behind, AppOptions{AuthKit: []authkit.Option{
		authkit.WithStore(r.Store), authkit.WithHTTPClient(&http.Client{Transport: upstream}),
	}})
	old, id := one.SignedIn(Kim).CookieHeader(), one.SessionID()
	advance := func(d time.Duration) {
		r.Clock.Advance(d)
		behind.Advance(d)
	}
	advance(time.Minute)
	require.Equal(t, http.StatusOK, one.Send(Request{Method: "POST", Target: "/logout", Cookie: old, Header: Scripted()}).Status)
	advance(5 * time.Second)
	reuseSession(two, upstream, id, nil)
	cookie := two.SignedIn(Kim).CookieHeader()
	for i, a := range []*App{one, two} {
		assert.Equal(t, http.StatusOK, a.Status(t, cookie), i)
		assert.Equal(t, http.StatusUnauthorized, a.Status(t, old), i)
	}
}

// A sign-in to the same WorkOS session keeps that session active.
func TestASignedOutCookieStaysRefusedAfterASignInToTheSameSessionAtAnotherInstance(t *testing.T) {
	upstream := &RewritingTransport{}
	r := NewReplicas(t, 3, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	one, two := r.Instances[0], r.Instances[1]
	old, id := one.SignedIn(Kim).CookieHeader(), one.SessionID()
	require.Equal(t, http.StatusOK, one.Send(Request{Method: "POST", Target: "/logout", Cookie: old, Header: Scripted()}).Status)
	r.Clock.Advance(5 * time.Second)
	reuseSession(two, upstream, id, nil)
	two.SignedIn(Kim)
	upstream.Change = nil
	for _, later := range []time.Duration{time.Second, 10 * time.Minute, 25 * time.Hour} {
		r.Clock.Advance(later)
		for i, a := range r.Instances {
			// A fetch of signing keys that the clock has overtaken has failed. Then the answer is 503 first.
			assert.NotEqual(t, http.StatusOK, a.Status(t, old), "instance %d, %s later", i, later)
			r.awaitStatus(t, a, old, http.StatusUnauthorized)
		}
	}
}

// The time in a session has whole milliseconds. The clock of a server has more digits.
func TestASignInSoonAfterTheEndOfItsUserHoldsAtAllInstances(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{})
	r.Clock.Advance(400 * time.Microsecond)
	old := r.Instances[0].SignedIn(Kim).CookieHeader()
	require.NoError(t, r.Instances[0].EndUser(t.Context(), "user_kim"))
	r.Clock.Advance(5 * time.Second)
	cookie := r.Instances[0].SignedIn(Kim).CookieHeader()
	for i, a := range r.Instances {
		assert.Equal(t, http.StatusOK, a.Status(t, cookie), i)
		assert.Equal(t, http.StatusUnauthorized, a.Status(t, old), i)
	}
}

// Otherwise one old cookie could fill the log.
func TestASignOutThatIsRepeatedIsAnnouncedOnce(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{})
	cookie := r.Instances[0].SignedIn(Kim).CookieHeader()
	r.Instances[0].SignOut(t, cookie)
	for range 5 {
		r.Clock.Advance(time.Second)
		for _, a := range r.Instances {
			a.SignOut(t, cookie)
		}
	}
	assert.Equal(t, 1, r.Store.Commands().Append)
}
