// Verify: times, issuer, client ID, signature and errors.

package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/jwks"
)

func TestTimesAreCheckedWithLeeway(t *testing.T) {
	const past, future = -time.Second, time.Second
	for name, test := range map[string]struct {
		claim   string
		at      time.Duration // from now
		outcome string        // "good", "expired" or the part that is refused
	}{
		"expires now":                         {"exp", 0, "good"},
		"expired 59 s ago":                    {"exp", 59 * past, "good"},
		"expired 60 s ago":                    {"exp", 60 * past, "expired"},
		"expired 61 s ago":                    {"exp", 61 * past, "expired"},
		"expired years ago":                   {"exp", -50000 * time.Hour, "expired"},
		"issued in 59 s":                      {"iat", 59 * future, "good"},
		"issued in 60 s":                      {"iat", 60 * future, "good"},
		"issued in 61 s":                      {"iat", 61 * future, "iat"},
		"issued years ago":                    {"iat", -50000 * time.Hour, "good"},
		"not valid before 59 s from now":      {"nbf", 59 * future, "good"},
		"not valid before 60 s from now":      {"nbf", 60 * future, "good"},
		"not valid before 61 s from now":      {"nbf", 61 * future, "nbf"},
		"not valid before a moment years ago": {"nbf", -50000 * time.Hour, "good"},
	} {
		t.Run(name, func(t *testing.T) {
			v, c := newVerifier(t)
			payload := goodClaims(c.Now()).with(test.claim, c.Now().Add(test.at).Unix())

			claims, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), payload.json()))

			switch test.outcome {
			case "good":
				require.NoError(t, err)
				assert.Equal(t, "user_01A", claims.Subject)
			case "expired":
				require.ErrorIs(t, err, jwks.ErrExpired)
				assert.Equal(t, "user_01A", claims.Subject, "ErrExpired comes with the claims")
			default:
				requireRefused(t, err, test.outcome)
				assert.Nil(t, claims)
			}
		})
	}
}

func TestTheLeewayCanBeSet(t *testing.T) {
	for name, test := range map[string]struct {
		leeway time.Duration
		passes time.Duration
		fails  time.Duration
	}{
		"none":     {0, 1 * time.Second, 0},
		"negative": {-time.Hour, 1 * time.Second, 0},
		"longer":   {time.Hour, -59 * time.Minute, -60 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			v, c := newVerifier(t, jwks.WithLeeway(test.leeway))
			token := func(exp time.Duration) string {
				return sign(keyA(), goodHeader().json(), goodClaims(c.Now()).with("exp", c.Now().Add(exp).Unix()).json())
			}

			_, err := v.Verify(t.Context(), token(test.passes))
			require.NoError(t, err)
			_, err = v.Verify(t.Context(), token(test.fails))
			require.ErrorIs(t, err, jwks.ErrExpired)
		})
	}
}

func TestExpiryIsCheckedLast(t *testing.T) {
	now := newClock().Now()
	expired := goodClaims(now).with("exp", now.Add(-time.Hour).Unix())
	for name, test := range map[string]struct {
		payload object
		part    string
	}{
		"wrong issuer":    {expired.with("iss", "https://evil.test"), "iss"},
		"wrong client_id": {expired.with("client_id", "client_01B"), "client_id"},
		"no sub":          {expired.without("sub"), "sub"},
		"no sid":          {expired.without("sid"), "sid"},
		"nbf ahead":       {expired.with("nbf", now.Add(time.Hour).Unix()), "nbf"},
		"iat ahead":       {expired.with("iat", now.Add(time.Hour).Unix()), "iat"},
	} {
		t.Run(name, func(t *testing.T) {
			v, _ := newVerifier(t)

			claims, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), test.payload.json()))

			requireRefused(t, err, test.part)
			require.NotErrorIs(t, err, jwks.ErrExpired)
			assert.Nil(t, claims)
		})
	}
	t.Run("wrong signature", func(t *testing.T) {
		v, _ := newVerifier(t)

		claims, err := v.Verify(t.Context(), sign(keyB(), goodHeader().json(), expired.json()))

		requireRefused(t, err, "signature")
		assert.Nil(t, claims)
	})
}

func TestTheIssuerIsComparedWhole(t *testing.T) {
	for name, test := range map[string]struct {
		accepted []string
		iss      any
		good     bool
	}{
		"the same":                                   {[]string{issuer}, issuer, true},
		"the second of two":                          {[]string{"https://api.workos.com", issuer}, issuer, true},
		"a trailing slash in the token":              {[]string{issuer}, issuer + "/", true},
		"a trailing slash in the list":               {[]string{issuer + "/"}, issuer, true},
		"a trailing slash in both":                   {[]string{issuer + "/"}, issuer + "/", true},
		"two trailing slashes":                       {[]string{issuer}, issuer + "//", false},
		"a prefix of the accepted one":               {[]string{issuer}, "https://api.workos.com", false},
		"the accepted one as a prefix":               {[]string{"https://api.workos.com"}, issuer, false},
		"the accepted one as a prefix of a host":     {[]string{"https://api.workos.com"}, "https://api.workos.com.evil.test", false},
		"upper case":                                 {[]string{issuer}, strings.ToUpper(issuer), false},
		"an empty list":                              {nil, issuer, false},
		"an empty issuer although the list has one":  {[]string{""}, "", false},
		"a slash although the list has an empty one": {[]string{""}, "/", false},
		"no issuer":                                  {[]string{issuer, ""}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			keys, c := newKeySet(newEndpoint(t, publish(jwkA())))
			v := jwks.NewVerifier(keys, jwks.WithIssuers(test.accepted...), jwks.WithClientIDs(clientID))
			payload := goodClaims(c.Now()).with("iss", test.iss)
			if test.iss == nil {
				payload = payload.without("iss")
			}

			_, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), payload.json()))

			if test.good {
				require.NoError(t, err)
			} else {
				requireRefused(t, err, "iss")
			}
		})
	}
}

func TestAClientIDMustBeAcceptedIfPresent(t *testing.T) {
	for name, test := range map[string]struct {
		accepted []string
		clientID string // none if empty
		good     bool
	}{
		"the same":                      {[]string{clientID}, clientID, true},
		"the second of two":             {[]string{"client_01B", clientID}, clientID, true},
		"another":                       {[]string{clientID}, "client_01B", false},
		"a longer one":                  {[]string{clientID}, clientID + "A", false},
		"one although none is accepted": {nil, clientID, false},
		"none":                          {[]string{clientID}, "", true},
		"none and none is accepted":     {nil, "", true},
		"one although only an empty one is accepted": {[]string{""}, clientID, false},
	} {
		t.Run(name, func(t *testing.T) {
			keys, c := newKeySet(newEndpoint(t, publish(jwkA())))
			v := jwks.NewVerifier(keys, jwks.WithIssuers(issuer), jwks.WithClientIDs(test.accepted...))
			payload := goodClaims(c.Now()).without("client_id")
			if test.clientID != "" {
				payload = payload.with("client_id", test.clientID)
			}

			_, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), payload.json()))

			if test.good {
				require.NoError(t, err)
			} else {
				requireRefused(t, err, "client_id")
			}
		})
	}
}

func TestARefusalNamesTheAcceptedAndTheActualValue(t *testing.T) {
	v, c := newVerifier(t, jwks.WithIssuers("https://auth.acme.test/"))
	payload := goodClaims(c.Now()).with("iss", "https://evil.test\n"+strings.Repeat("x", 1000))
	token := sign(keyA(), goodHeader().json(), payload.json())

	_, err := v.Verify(t.Context(), token)

	refused := requireRefused(t, err, "iss")
	assert.Equal(t, `"`+issuer+`" or "https://auth.acme.test"`, refused.Want)
	assert.True(t, strings.HasPrefix(refused.Got, `"https://evil.test\nxxx`), refused.Got)
	assert.Less(t, len(refused.Got), 200)
	assert.Equal(t, "jwks: token refused: iss: want "+refused.Want+", got "+refused.Got, err.Error())
}

func TestNoErrorTextContainsAPartOfTheToken(t *testing.T) {
	v, c := newVerifier(t)
	const secret = "c2VjcmV0-secret"
	good := goodClaims(c.Now())
	for name, token := range map[string]string{
		"garbage":                    secret,
		"garbage in segments":        secret + "." + secret + "." + secret + "!",
		"a signature by another key": sign(keyB(), goodHeader().json(), good.with("jti", secret).json()),
		"an unreadable payload":      sign(keyA(), goodHeader().json(), secret),
		"a sub of the wrong type":    sign(keyA(), goodHeader().json(), good.with("sub", []string{secret}).json()),
		"an exp of the wrong type":   sign(keyA(), goodHeader().json(), good.with("exp", secret).json()),
		"an expired one":             sign(keyA(), goodHeader().json(), good.with("jti", secret).with("exp", 1).json()),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := v.Verify(t.Context(), token)

			require.Error(t, err)
			assert.NotContains(t, err.Error(), secret)
			assert.NotContains(t, fmt.Sprintf("%#v", err), secret)
			for segment := range strings.SplitSeq(token, ".") {
				assert.NotContains(t, err.Error(), segment)
			}
		})
	}
}

func TestAChangedTokenIsRefused(t *testing.T) {
	v, c := newVerifier(t)
	token := sign(keyA(), goodHeader().json(), goodClaims(c.Now()).json())
	_, err := v.Verify(t.Context(), token)
	require.NoError(t, err)

	for i := range token {
		changed := []byte(token)
		if changed[i] == 'A' {
			changed[i] = 'B'
		} else {
			changed[i] = 'A'
		}

		claims, err := v.Verify(t.Context(), string(changed))

		require.Error(t, err, "byte %d", i)
		require.Nil(t, claims)
	}
}

func TestTheSignatureMustBeMadeByTheNamedKey(t *testing.T) {
	keys, c := newKeySet(newEndpoint(t, publish(jwkA(), jwkB())))
	v := jwks.NewVerifier(keys, jwks.WithIssuers(issuer), jwks.WithClientIDs(clientID))
	payload := goodClaims(c.Now()).json()

	_, err := v.Verify(t.Context(), sign(keyB(), goodHeader().json(), payload))
	requireRefused(t, err, "signature")
	_, err = v.Verify(t.Context(), sign(keyB(), goodHeader().with("kid", "kid_b").json(), payload))
	require.NoError(t, err)
}

func TestUnavailableKeysAreNotARefusal(t *testing.T) {
	c := newClock()
	token := sign(keyA(), goodHeader().json(), goodClaims(c.Now()).json())
	verify := func(ctx context.Context, answer http.HandlerFunc) error {
		keys, _ := newKeySet(newEndpoint(t, answer))
		v := jwks.NewVerifier(keys, jwks.WithIssuers(issuer), jwks.WithClientIDs(clientID))
		_, err := v.Verify(ctx, token)
		return err
	}
	ended, end := context.WithCancel(t.Context())
	end()
	hanging := newGate()
	defer close(hanging.open)

	var refused *jwks.RefusedError
	for name, err := range map[string]error{
		"the endpoint fails": verify(t.Context(), sendStatus(http.StatusInternalServerError)),
		"the context ended":  verify(ended, hanging.before(publish(jwkA()))),
	} {
		require.ErrorIs(t, err, jwks.ErrUnavailable, name)
		require.False(t, errors.As(err, &refused), name)
	}
	err := verify(t.Context(), publish(jwkB()))
	require.ErrorIs(t, err, jwks.ErrUnknownKey)
	require.NotErrorIs(t, err, jwks.ErrUnavailable)
	require.False(t, errors.As(err, &refused))
}
