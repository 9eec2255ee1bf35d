// What happens between the steps of Validity, and times that are not whole microseconds.

package jwks_test

import (
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/jwks"
)

// steppedClock calls a function when Validity reads it for the last time that is left. A fetch reads it too, on a goroutine of
// its own, at a time that is not certain.
type steppedClock struct {
	*clock
	left atomic.Int64
	step func()
}

func (c *steppedClock) Now() time.Time {
	if strings.Contains(string(debug.Stack()), "(*Verifier).Validity(") && c.left.Add(-1) == 0 {
		c.step()
	}
	return c.clock.Now()
}

// The keys are stale, so the Recheck uses them and starts a fetch. Here, the fetch ends before the Recheck does.
func TestAValidityIsNotThatOfKeysWhichTheRecheckHasNotSeen(t *testing.T) {
	held := newGate()
	e := newEndpoint(t, publish(jwkA()))
	c := &steppedClock{clock: newClock()}
	keys := jwks.NewKeySet(e.URL, jwks.WithClock(c), quiet)
	v := jwks.NewVerifier(keys, jwks.WithIssuers(issuer), jwks.WithClientIDs(clientID))
	claims, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), goodClaims(c.Now()).with("exp", c.Now().Add(time.Hour).Unix()).json()))
	require.NoError(t, err)

	c.advance(11 * time.Minute)
	e.answer(held.before(publish(jwkB()))) // the key is withdrawn
	c.step = func() {
		<-held.entered
		close(held.open)
		keys.WaitForFetch()
	}
	c.left.Store(4) // the clock is read twice for the keys at hand, once for the fetch and once for the times of the claims
	valid, err := v.Validity(t.Context(), claims)
	require.NoError(t, err, "the key was published when the Recheck looked for it")
	require.EqualValues(t, 2, e.requests.Load())
	assert.False(t, valid.Covers(c.Now()))
	require.ErrorIs(t, v.Recheck(t.Context(), claims), jwks.ErrUnknownKey)
}

// A NumericDate may have a fraction. The bounds are rounded, and never to a time at which a Recheck fails.
func TestAValidityOfTimesWithAFractionCoversNoTimeAtWhichARecheckFails(t *testing.T) {
	v, c := newVerifier(t)
	now := c.Now()
	for i := range 20 {
		fraction := float64(i)/20 + 0.0000003
		body := goodClaims(now).with("iat", float64(now.Unix())+fraction).with("nbf", float64(now.Unix()-1)+fraction).with("exp", float64(now.Unix()+300)+fraction)
		claims, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), body.json()))
		require.NoError(t, err)
		valid, covered, refused := validity(t, v, claims), 0, 0
		for _, edge := range []time.Time{claims.IssuedAt.Add(-time.Minute), claims.ExpiresAt.Add(time.Minute)} {
			for offset := -2 * time.Microsecond; offset <= 2*time.Microsecond; offset += 50 * time.Nanosecond {
				c.advance(edge.Add(offset).Sub(c.Now()))
				passes, covers := v.Recheck(t.Context(), claims) == nil, valid.Covers(c.Now())
				require.False(t, covers && !passes, "%s beside %s", offset, edge)
				if covers {
					covered++
				}
				if !passes {
					refused++
				}
			}
		}
		assert.NotZero(t, covered)
		assert.NotZero(t, refused)
		c.advance(now.Sub(c.Now()))
	}
}
