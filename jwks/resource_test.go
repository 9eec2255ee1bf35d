// The options for tokens of a resource server: a required audience, any client, no session.

package jwks_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/jwks"
)

const resourceURL = "https://mcp.acme.test/mcp"

// RFC 8707 section 2, RFC 8725 section 3.9.
func TestARequiredAudienceRefusesATokenWithoutOne(t *testing.T) {
	for name, test := range map[string]struct {
		aud  any // absent if nil
		good bool
	}{
		"the resource":             {resourceURL, true},
		"the resource and another": {[]string{"https://other.test", resourceURL}, true},
		"none":                     {nil, false},
		"another":                  {"https://other.test", false},
		"an empty one":             {"", false},
		"an empty list":            {[]string{}, false},
		"a number":                 {1, false},
	} {
		t.Run(name, func(t *testing.T) {
			v, c := newVerifier(t, jwks.WithRequiredAudience(resourceURL))
			payload := goodClaims(c.Now())
			if test.aud != nil {
				payload = payload.with("aud", test.aud)
			}
			_, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), payload.json()))
			if test.good {
				require.NoError(t, err)
				return
			}
			assert.Equal(t, `"`+resourceURL+`"`, requireRefused(t, err, "aud").Want)
		})
	}
}

func TestARequiredAudienceWithoutValuesRefusesEveryToken(t *testing.T) {
	v, c := newVerifier(t, jwks.WithRequiredAudience())
	for _, payload := range []object{goodClaims(c.Now()), goodClaims(c.Now()).with("aud", ""), goodClaims(c.Now()).with("aud", resourceURL)} {
		_, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), payload.json()))
		requireRefused(t, err, "aud")
	}
}

func TestAnyClientIDIsAcceptedButRequired(t *testing.T) {
	v, c := newVerifier(t, jwks.WithAnyClientID())
	for _, id := range []string{"client_01OTHER", "https://assistant.example/client.json"} {
		claims, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), goodClaims(c.Now()).with("client_id", id).json()))
		require.NoError(t, err)
		assert.Equal(t, id, claims.ClientID)
	}
	for name, payload := range map[string]object{
		"absent":   goodClaims(c.Now()).without("client_id"),
		"empty":    goodClaims(c.Now()).with("client_id", ""),
		"a number": goodClaims(c.Now()).with("client_id", 1),
	} {
		_, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), payload.json()))
		assert.Error(t, err, name)
		requireRefused(t, err, "client_id")
	}
}

// RFC 9068 section 2.2.
func TestTheSubjectOfAMachineIsItsClientIDIfItHasNoOther(t *testing.T) {
	v, c := newVerifier(t, jwks.WithAnyClientID(), jwks.WithoutSessionID())
	machine := goodClaims(c.Now()).without("sid").without("client_id").with("sub", "client_01ROBOT")
	claims, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), machine.json()))
	require.NoError(t, err)
	assert.Equal(t, "client_01ROBOT", claims.ClientID)

	for name, payload := range map[string]object{
		"a user":                  machine.with("sub", "user_01A"),
		"a machine with a sid":    machine.with("sid", "session_01A"),
		"a client ID in the name": machine.with("sub", "user_client_01A"),
	} {
		_, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), payload.json()))
		require.Error(t, err, name)
		requireRefused(t, err, "client_id")
	}
	strict, _ := newVerifier(t, jwks.WithoutSessionID(), jwks.WithAudiences(resourceURL))
	_, err = strict.Verify(t.Context(), sign(keyA(), goodHeader().json(), machine.json()))
	requireRefused(t, err, "aud")
}

func TestASessionIDCanBeOptional(t *testing.T) {
	v, c := newVerifier(t, jwks.WithoutSessionID())
	machine := sign(keyA(), goodHeader().json(), goodClaims(c.Now()).without("sid").json())
	claims, err := v.Verify(t.Context(), machine)
	require.NoError(t, err)
	assert.Empty(t, claims.SessionID)
	require.NoError(t, v.Recheck(t.Context(), claims))

	claims, err = v.Verify(t.Context(), sign(keyA(), goodHeader().json(), goodClaims(c.Now()).json()))
	require.NoError(t, err)
	assert.Equal(t, "session_01A", claims.SessionID)

	for _, sid := range []any{"", 1, nil} {
		_, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), goodClaims(c.Now()).with("sid", sid).json()))
		requireRefused(t, err, "sid")
	}
	strict, _ := newVerifier(t)
	_, err = strict.Verify(t.Context(), machine)
	requireRefused(t, err, "sid")
}

// RFC 8693 section 4.2.
func TestTheScopesOfATokenAreSeparated(t *testing.T) {
	for name, test := range map[string]struct {
		scope any // absent if nil
		want  []string
	}{
		"absent":            {nil, nil},
		"empty":             {"", nil},
		"one":               {"posts:read", []string{"posts:read"}},
		"several":           {"openid posts:read  posts:write ", []string{"openid", "posts:read", "posts:write"}},
		"one twice":         {"a b a", []string{"a", "b"}},
		"an array":          {[]string{"a"}, nil},
		"another separator": {"a,b\tc", []string{"a,b\tc"}},
	} {
		t.Run(name, func(t *testing.T) {
			payload := goodClaims(newClock().Now())
			if test.scope != nil {
				payload = payload.with("scope", test.scope)
			}
			claims, err := jwks.UnverifiedClaims(sign(keyA(), goodHeader().json(), payload.json()))
			require.NoError(t, err)
			assert.Equal(t, test.want, claims.Scopes)
		})
	}
}
