// Fuzz tests that compare the token parser and the verifier with the JOSE library.

package jwks_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/jwks"
)

// FuzzUnverifiedClaims checks that the JOSE library parses every token that this package parses, with the same payload.
func FuzzUnverifiedClaims(f *testing.F) {
	good := sign(keyA(), goodHeader().json(), goodClaims(newClock().Now()).json())
	f.Add(good)
	f.Add(good + "==")
	f.Add(strings.Replace(good, ".", ".\n", 1))
	f.Add("..")
	f.Add(`{"payload":"e30","signatures":[]}`)
	for _, header := range []string{
		`{"alg":"RS256","kid":"kid_a","typ":"JWT"}`,
		`{"alg":"RS256","alg":"none","kid":"kid_a"}`,
		`{"alg":"RS256","kid":"kid_a","b64":false,"crit":["b64"]}`,
		`{"\u0061lg":"RS256","kid":"\ud800","x":[{"":1},-0.0e+1,null,true]}`,
	} {
		f.Add(sign(keyA(), header, `{"sub":"s","sid":"s","exp":1,"roles":["a","\""],"act":{"sub":"x"}}`))
	}

	v, _ := newVerifier(f)
	f.Fuzz(func(t *testing.T, token string) {
		requireSameByParts(t, v, token)
		claims, err := jwks.UnverifiedClaims(token)
		if err != nil {
			var refused *jwks.RefusedError
			require.ErrorAs(t, err, &refused)
			return
		}
		require.NotEmpty(t, claims.Subject)
		require.NotEmpty(t, claims.SessionID)
		require.False(t, claims.ExpiresAt.IsZero())

		message, err := jws.Parse([]byte(token), jws.WithCompact())
		require.NoError(t, err)
		var payload json.RawMessage
		require.NoError(t, claims.Decode(&payload))
		require.Equal(t, string(bytes.Trim(message.Payload(), " \t\r\n")), string(payload))
		require.Len(t, message.Signatures(), 1)
		require.Equal(t, "RS256", message.Signatures()[0].ProtectedHeaders().Algorithm().String())
	})
}

// FuzzVerify signs any header and any payload with the issuer's key. It checks that the JOSE library accepts every token that
// Verify accepts, that the library verified the same payload, and that the claims follow the rules.
func FuzzVerify(f *testing.F) {
	good := goodClaims(newClock().Now())
	f.Add(goodHeader().json(), good.json())
	f.Add(goodHeader().with("crit", []string{}).json(), good.json())
	f.Add(goodHeader().json(), good.with("exp", "1").json())
	f.Add(goodHeader().json(), good.with("exp", 17778891007).json()) // the year 2533
	f.Add(goodHeader().json(), good.with("roles", []any{"a", nil}).with("SUB", "x").json())
	f.Add(`{"alg":"RS256","kid":"kid_a","x":1e400}`, good.json())
	f.Add(` {"alg":"RS256","kid":"kid_a"}`, `{"sub":"s","s\u0075b":"t"}`)
	v, c := newVerifier(f)

	f.Fuzz(func(t *testing.T, header, payload string) {
		token := sign(keyA(), header, payload)
		requireSameByParts(t, v, token)
		claims, err := v.Verify(t.Context(), token)
		if err != nil {
			return
		}
		verified, err := jws.Verify([]byte(token), jws.WithCompact(), jws.WithKey(jwa.RS256, &keyA().PublicKey))
		require.NoError(t, err)
		require.Equal(t, payload, string(verified))
		require.NoError(t, v.Recheck(t.Context(), claims))
		var plain map[string]any
		require.NoError(t, json.Unmarshal([]byte(payload), &plain))
		require.Equal(t, plain["sub"], claims.Subject)
		require.Equal(t, plain["sid"], claims.SessionID)
		require.Equal(t, issuer, strings.TrimSuffix(plain["iss"].(string), "/"))
		require.True(t, plain["client_id"] == nil || plain["client_id"] == clientID)
		expires := float64(claims.ExpiresAt.Unix()) + float64(claims.ExpiresAt.Nanosecond())/1e9 // UnixNano overflows in 2262
		require.InDelta(t, plain["exp"], expires, 1e-3)
		require.True(t, claims.ExpiresAt.Add(jwks.DefaultLeeway).After(c.Now()))
	})
}

// FuzzVerifyAltered alters a genuine token. It checks that the JOSE library accepts every token that Verify accepts, with the
// same payload.
func FuzzVerifyAltered(f *testing.F) {
	v, c := newVerifier(f)
	good := sign(keyA(), goodHeader().json(), goodClaims(c.Now()).json())
	f.Add(good)
	f.Add(good + "=")
	f.Add(strings.Replace(good, ".", "..", 1))
	f.Add(good[:len(good)-1])
	f.Add(sign(keyB(), goodHeader().json(), goodClaims(c.Now()).json()))
	f.Fuzz(func(t *testing.T, token string) {
		requireSameByParts(t, v, token)
		claims, err := v.Verify(t.Context(), token)
		if err != nil {
			return
		}
		verified, err := jws.Verify([]byte(token), jws.WithCompact(), jws.WithKey(jwa.RS256, &keyA().PublicKey))
		require.NoError(t, err)
		var payload json.RawMessage
		require.NoError(t, claims.Decode(&payload))
		require.Equal(t, string(bytes.TrimSpace(verified)), string(payload))
	})
}
