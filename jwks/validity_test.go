// Validity: it covers exactly the times at which a Recheck passes, as long as the keys stay the same.

package jwks_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/jwks"
)

// validity returns the Validity of claims now.
func validity(t *testing.T, v *jwks.Verifier, claims *jwks.Claims) jwks.Validity {
	t.Helper()
	valid, err := v.Validity(t.Context(), claims)
	require.NoError(t, err)
	return valid
}

func TestAValidityCoversExactlyTheTimesAtWhichARecheckPasses(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		e := newEndpoint(t, publish(jwkA()))
		keys, c := newKeySet(e)
		v := jwks.NewVerifier(keys, jwks.WithIssuers(issuer), jwks.WithClientIDs(clientID))
		now := c.Now()
		at := func(earliest, latest time.Duration) time.Time {
			return now.Add(earliest + time.Duration(random.Int64N(int64(latest-earliest)))).Truncate(time.Second)
		}
		issuedAt, expiresAt := at(-time.Hour, time.Minute), at(-30*time.Second, 20*time.Minute)
		body := goodClaims(now).with("iat", issuedAt.Unix()).with("exp", expiresAt.Unix())
		edges := []time.Time{now, now.Add(10 * time.Minute), expiresAt.Add(time.Minute), issuedAt.Add(-time.Minute)}
		if random.IntN(2) == 0 {
			notBefore := at(-time.Hour, time.Minute)
			body = body.with("nbf", notBefore.Unix())
			edges = append(edges, notBefore.Add(-time.Minute))
		}
		claims, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), body.json()))
		require.NoError(t, err)
		valid := validity(t, v, claims)
		for _, edge := range edges {
			for _, offset := range []time.Duration{-time.Nanosecond, 0, time.Nanosecond} {
				then := edge.Add(offset)
				c.advance(then.Sub(c.Now()))
				fresh := then.Sub(now) < 10*time.Minute // otherwise a Recheck passes and fetches the keys
				if fresh {
					assert.Equal(t, v.Recheck(t.Context(), claims) == nil, valid.Covers(then), "%s from now", then.Sub(now))
				} else {
					assert.False(t, valid.Covers(then), "%s from now", then.Sub(now))
				}
			}
		}
		require.EqualValues(t, 1, e.requests.Load())
	}
}

func TestAValidityEndsWhenTheKeySetHasFetchedKeys(t *testing.T) {
	v, claims, keys, e, c := verified(t)
	before := validity(t, v, claims)
	require.True(t, before.Covers(c.Now()))
	e.answer(publish(jwkB()))
	c.advance(11 * time.Minute)
	during, err := v.Validity(t.Context(), claims) // the keys are fetched behind it
	require.NoError(t, err)
	assert.False(t, during.Covers(c.Now()), "the old keys are used, and are not fresh")
	keys.WaitForFetch()
	assert.False(t, before.Covers(c.Now().Add(-11*time.Minute)), "other keys, at an earlier time")
	_, err = v.Validity(t.Context(), claims)
	require.ErrorIs(t, err, jwks.ErrUnknownKey)

	e.answer(publish(jwkA()))
	c.advance(11 * time.Minute)
	require.NoError(t, keys.Load(t.Context()))
	keys.WaitForFetch()
	again := validity(t, v, claims)
	assert.True(t, again.Covers(c.Now()), "the key is back")
	assert.False(t, before.Covers(c.Now()))
}

func TestAValidityEndsBeforeATime(t *testing.T) {
	v, claims, _, _, c := verified(t)
	end := c.Now().Add(time.Minute)
	valid := validity(t, v, claims).Before(end).Before(end.Add(time.Second))
	assert.True(t, valid.Covers(end.Add(-time.Nanosecond)))
	assert.False(t, valid.Covers(end))
}

func TestTheZeroValidityAndThatOfAnErrorCoverNoTime(t *testing.T) {
	v, claims, _, _, c := verified(t)
	zero := jwks.Validity{}
	assert.False(t, zero.Covers(c.Now()))
	assert.False(t, zero.Covers(time.Time{}))
	zero = zero.Before(c.Now().Add(time.Hour))
	assert.False(t, zero.Covers(c.Now()))
	c.advance(49 * time.Hour)
	expired, err := v.Validity(t.Context(), claims)
	require.ErrorIs(t, err, jwks.ErrExpired)
	assert.False(t, expired.Covers(c.Now()))
	other, err := v.Validity(t.Context(), &jwks.Claims{})
	requireRefused(t, err, "token")
	assert.False(t, other.Covers(c.Now()))
}

func TestCoversAllocatesNothing(t *testing.T) {
	v, claims, _, _, c := verified(t)
	valid := validity(t, v, claims)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if !valid.Covers(c.Now()) {
			t.Error("not covered")
		}
	}))
}
