// JWTs of the issuer that are no access tokens: ID tokens, logout tokens and others.

package jwks_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/jwks"
)

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// RFC 8725 sections 3.11 and 3.12.
func TestAJWTThatIsNoAccessTokenIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		part  string
		claim any
	}{
		"an ID token with a nonce":                {"nonce", "n-0S6"},
		"an ID token with a nonce that is null":   {"nonce", json.RawMessage("null")},
		"an ID token with an access token's hash": {"at_hash", "77QmUPtjPfzWtF2AnpK9RQ"},
		"an ID token with a code's hash":          {"c_hash", "LDktKdoQak3Pk0cnXxCltA"},
		"a logout token":                          {"events", object{logoutEvent: object{}}},
		"a token of WorkOS Connect":               {"sid", "app_consent_01A"},
	} {
		t.Run(name, func(t *testing.T) {
			v, clock := newVerifier(t)
			_, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), goodClaims(clock.Now()).with(c.part, c.claim).json()))
			requireRefused(t, err, c.part)
		})
	}
	for _, typ := range []string{"logout+jwt", "application/logout+jwt", "secevent+jwt", "dpop+jwt", "oauth-authz-req+jwt", "JOSE", "", "at+jwt "} {
		t.Run("typ "+typ, func(t *testing.T) {
			v, clock := newVerifier(t)
			_, err := v.Verify(t.Context(), sign(keyA(), goodHeader().with("typ", typ).json(), goodClaims(clock.Now()).json()))
			requireRefused(t, err, "typ")
		})
	}
}

// RFC 9068 section 2.1, RFC 7515 section 4.1.9.
func TestATypOfAnAccessTokenIsAccepted(t *testing.T) {
	for _, typ := range []string{"JWT", "jwt", "application/jwt", "at+jwt", "AT+JWT", "application/at+jwt"} {
		v, clock := newVerifier(t)
		_, err := v.Verify(t.Context(), sign(keyA(), goodHeader().with("typ", typ).json(), goodClaims(clock.Now()).json()))
		assert.NoError(t, err, typ)
	}
}

func TestEventsOfATemplateThatAreNoSignOutAreAccepted(t *testing.T) {
	for _, events := range []any{"beta", []string{logoutEvent}, object{"launch": true}, nil} {
		v, clock := newVerifier(t)
		_, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), goodClaims(clock.Now()).with("events", events).json()))
		assert.NoError(t, err)
	}
}

func TestAVerifierWithoutSessionsAcceptsTheIDOfAConsent(t *testing.T) {
	v, clock := newVerifier(t, jwks.WithoutSessionID())
	claims, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), goodClaims(clock.Now()).with("sid", "app_consent_01A").json()))
	require.NoError(t, err)
	assert.Equal(t, "app_consent_01A", claims.SessionID)
}
