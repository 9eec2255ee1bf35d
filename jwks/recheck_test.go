// Recheck.

package jwks_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/jwks"
)

// verified returns a Verifier, claims that it has verified, and its KeySet, endpoint and clock.
func verified(t *testing.T) (*jwks.Verifier, *jwks.Claims, *jwks.KeySet, *endpoint, *clock) {
	t.Helper()
	e := newEndpoint(t, publish(jwkA(), jwkB()))
	keys, c := newKeySet(e)
	v := jwks.NewVerifier(keys, jwks.WithIssuers(issuer), jwks.WithClientIDs(clientID))
	claims, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), goodClaims(c.Now()).with("exp", c.Now().Add(48*time.Hour).Unix()).json()))
	require.NoError(t, err)
	require.NoError(t, v.Recheck(t.Context(), claims))
	return v, claims, keys, e, c
}

// refresh makes the KeySet fetch its keys again, as it does when they are used after ten minutes.
func refresh(t *testing.T, v *jwks.Verifier, claims *jwks.Claims, keys *jwks.KeySet, c *clock) {
	t.Helper()
	c.advance(11 * time.Minute)
	require.NoError(t, v.Recheck(t.Context(), claims), "old keys are used during a refresh")
	keys.WaitForFetch()
}

func TestRecheckFailsOnceTheTokenHasExpired(t *testing.T) {
	v, claims, _, _, c := verified(t)
	c.advance(48*time.Hour + 59*time.Second)
	require.NoError(t, v.Recheck(t.Context(), claims))
	c.advance(time.Second)
	require.ErrorIs(t, v.Recheck(t.Context(), claims), jwks.ErrExpired)
	c.advance(-49*time.Hour + -2*time.Minute)
	requireRefused(t, v.Recheck(t.Context(), claims), "iat")
}

func TestRecheckFailsOnceTheKeyIsWithdrawn(t *testing.T) {
	v, claims, keys, e, c := verified(t)
	refresh(t, v, claims, keys, c)
	require.NoError(t, v.Recheck(t.Context(), claims), "the same key in the next set has the same value")
	require.EqualValues(t, 2, e.requests.Load())

	e.answer(publish(jwkB()))
	refresh(t, v, claims, keys, c)
	require.ErrorIs(t, v.Recheck(t.Context(), claims), jwks.ErrUnknownKey)
}

// Keys are compared by value: the key that comes back is a new object.
func TestRecheckPassesAgainOnceTheKeyIsBack(t *testing.T) {
	v, claims, keys, e, c := verified(t)
	e.answer(publish(jwkB()))
	refresh(t, v, claims, keys, c)
	require.ErrorIs(t, v.Recheck(t.Context(), claims), jwks.ErrUnknownKey)

	e.answer(publish(jwkA(), jwkB()))
	c.advance(11 * time.Minute)
	require.NoError(t, keys.Load(t.Context()))
	keys.WaitForFetch()
	require.NoError(t, v.Recheck(t.Context(), claims))
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if v.Recheck(t.Context(), claims) != nil {
			t.Error("refused")
		}
	}))
}

func TestRecheckPassesAgainOnceTheKeyHasItsIDBack(t *testing.T) {
	v, claims, keys, e, c := verified(t)
	e.answer(publish(publicJWK("kid_a", keyB().N, 65537)))
	refresh(t, v, claims, keys, c)
	requireRefused(t, v.Recheck(t.Context(), claims), "signature")

	e.answer(publish(jwkA()))
	c.advance(11 * time.Minute)
	require.NoError(t, keys.Load(t.Context()))
	keys.WaitForFetch()
	require.NoError(t, v.Recheck(t.Context(), claims))
}

func TestRecheckFailsOnceAnotherKeyHasTheID(t *testing.T) {
	v, claims, keys, e, c := verified(t)
	e.answer(publish(publicJWK("kid_a", keyB().N, 65537)))
	refresh(t, v, claims, keys, c)
	requireRefused(t, v.Recheck(t.Context(), claims), "signature")
}

func TestRecheckWithoutUsableKeysReturnsErrUnavailable(t *testing.T) {
	v, claims, _, e, c := verified(t)
	e.answer(sendStatus(http.StatusInternalServerError))
	c.advance(25 * time.Hour)
	require.ErrorIs(t, v.Recheck(t.Context(), claims), jwks.ErrUnavailable)
}

func TestRecheckRefusesClaimsThatThisVerifierHasNotVerified(t *testing.T) {
	v, claims, keys, _, c := verified(t)
	other := jwks.NewVerifier(keys, jwks.WithIssuers(issuer), jwks.WithClientIDs(clientID))
	requireRefused(t, other.Recheck(t.Context(), claims), "token")

	unverified, err := jwks.UnverifiedClaims(sign(keyA(), goodHeader().json(), goodClaims(c.Now()).json()))
	require.NoError(t, err)
	requireRefused(t, v.Recheck(t.Context(), unverified), "token")
	requireRefused(t, v.Recheck(t.Context(), &jwks.Claims{}), "token")
}

func TestRecheckAllocatesNothing(t *testing.T) {
	v, claims, _, _, _ := verified(t)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if v.Recheck(t.Context(), claims) != nil {
			t.Error("refused")
		}
	}))
}
