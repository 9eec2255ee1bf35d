// Attacks on instances that share a store: by an attacker who can write to the store, and by one who has only HTTP.

package behaviour

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
)

// recorded returns the keys of a kind that were written, and their last values.
func (e *engine) recorded(kind string) map[string][]byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	found := map[string][]byte{}
	for key, value := range e.records {
		if strings.Contains(key, ":"+kind+":") {
			found[key] = bytes.Clone(value)
		}
	}
	return found
}

// force gives a key a value, whatever it has.
func (e *engine) force(t *testing.T, key string, value []byte, ttl time.Duration) {
	t.Helper()
	current, _, _, err := e.MemoryStore.Swap(t.Context(), key, nil, value, ttl)
	require.NoError(t, err)
	_, _, swapped, err := e.MemoryStore.Swap(t.Context(), key, current, value, ttl)
	require.NoError(t, err)
	require.True(t, swapped)
}

func TestAReplayedResultOfADeletedAPIKeyIsNotUsed(t *testing.T) {
	r, e := newReplicasOn(t, 2)
	for _, a := range r.Instances {
		a.Mux.Handle("/key", a.RequireAPIKey()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	}
	one, two := r.Instances[0], r.Instances[1]
	key := one.addKey("one")
	require.Equal(t, http.StatusOK, one.WithKey(t.Context(), "/key", key).Status)
	results := e.recorded("k")
	require.Len(t, results, 1)
	require.NoError(t, one.Client().DeleteAPIKey(t.Context(), "api_key_one"))
	for range 4 {
		r.Clock.Advance(30 * time.Second)
		for name, result := range results {
			e.force(t, name, result, time.Hour) // the attacker
		}
		two.WithKey(t.Context(), "/key", key)
	}
	assert.Equal(t, http.StatusUnauthorized, two.WithKey(t.Context(), "/key", key).Status)
}

func TestAForgedEndOrMarkEndsNoSession(t *testing.T) {
	for name, forged := range map[string][]byte{
		"an end":             []byte("E"),
		"an end with a code": append([]byte("E"), make([]byte, 8)...),
		"a superseded mark":  append([]byte("D"), make([]byte, 12)...),
		"an unknown form":    []byte("?"),
	} {
		t.Run(name, func(t *testing.T) {
			r, e := newReplicasOn(t, 2)
			one, two := r.Instances[0], r.Instances[1]
			cookie := one.SignedIn(Kim).CookieHeader()
			r.expireTokens()
			one.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t) // the browser never gets it
			records := e.recorded("x")
			for name := range records {
				e.force(t, name, forged, time.Hour)
			}
			resp := two.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
			assert.Empty(t, resp.Header["Set-Cookie"], "the cookie stays")
			assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
			for name, record := range records {
				e.force(t, name, record, 24*time.Hour)
			}
			r.Clock.Advance(2 * time.Second)
			assert.Equal(t, http.StatusOK, two.Status(t, cookie), "the session is as before the attack")
		})
	}
}

func TestAMarkThatIsForgedDuringAnExchangeDoesNotLoseItsOutcome(t *testing.T) {
	for name, forged := range map[string][]byte{
		"an end":            []byte("E"),
		"a superseded mark": append([]byte("D"), make([]byte, 12)...),
		"a success":         append([]byte("S"), make([]byte, 100)...),
		"an unknown form":   []byte("?"),
	} {
		t.Run(name, func(t *testing.T) {
			alone := NewApp(t, AppOptions{Fake: []authkittest.Option{authkittest.WithStrictRotation()}})
			e, upstream := newEngine(alone.Clock), &RewritingTransport{}
			one := NewInstance(t, alone.Fake, alone.Clock, AppOptions{AuthKit: []authkit.Option{
				authkit.WithStore(e), authkit.WithHTTPClient(&http.Client{Transport: upstream}),
			}})
			cookie := one.SignedIn(Kim).CookieHeader()
			alone.ExpireToken(2 * time.Minute)
			upstream.Change = func(map[string]any) {
				for name := range e.recorded("x") {
					e.force(t, name, forged, time.Hour)
				}
			}
			refreshed := one.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
			assert.Equal(t, http.StatusOK, one.Status(t, refreshed))
		})
	}
}

func TestRepeatedSignOutsOfOneSessionDoNotFillTheLog(t *testing.T) {
	r, e := newReplicasOn(t, 2)
	cookie := r.Instances[0].SignedIn(Kim).CookieHeader()
	rounds := testrun.Length(100, 500)
	for range rounds {
		r.Clock.Advance(5 * time.Second / time.Duration(rounds))
		for _, a := range r.Instances {
			a.SignOut(t, cookie)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	assert.LessOrEqual(t, len(e.notices), 4, "notices of %d sign-outs within 5 seconds", 2*rounds)
}

func TestRepeatedSignOutsWithAnOldCookieFollowItsChainOnce(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{})
	first := r.Instances[0].SignedIn(Kim).CookieHeader()
	cookie := r.refreshTimes(t, 10, first)
	c := r.commands(func() {
		for range 100 {
			r.Instances[1].SignOut(t, first)
		}
	})
	assert.LessOrEqual(t, c.Get+c.Swap+c.Append, 12, "the commands of 100 sign-outs")
	assert.Equal(t, http.StatusUnauthorized, r.Instances[0].Status(t, cookie))
}

func TestAForgedPauseEndsSoonAfterItIsRemoved(t *testing.T) {
	for name, reason := range map[string]byte{"an outage": 1, "a refusal": 2} {
		t.Run(name, func(t *testing.T) {
			r, e := newReplicasOn(t, 2)
			one, two := r.Instances[0], r.Instances[1]
			cookie := one.SignedIn(Kim).CookieHeader()
			r.expireTokens()
			one.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t) // the browser never gets it
			records := e.recorded("x")
			for name := range records {
				e.force(t, name, append([]byte{'T', reason}, make([]byte, 8)...), 1000*time.Hour)
			}
			resp := two.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
			assert.NotEqual(t, http.StatusOK, resp.Status)
			assert.Empty(t, resp.Header["Set-Cookie"], "the cookie stays")
			for name, record := range records {
				e.force(t, name, record, 24*time.Hour)
			}
			r.Clock.Advance(10*time.Minute + time.Second)
			assert.Equal(t, http.StatusOK, two.Status(t, cookie))
		})
	}
}
