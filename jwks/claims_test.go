// The claims that are read from a payload.

package jwks_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/jwks"
)

func TestVerifyReturnsAllClaims(t *testing.T) {
	v, c := newVerifier(t)
	now := c.Now()
	payload := goodClaims(now).
		with("jti", "01K").with("org_id", "org_01A").with("role", "admin").with("roles", []string{"admin", "billing"}).
		with("permissions", []string{"posts:write", `with "quotes" and \ and é`}).with("entitlements", []string{"audit-logs"}).
		with("feature_flags", []string{"beta"}).with("act", object{"sub": "ops@acme.test"}).
		with("auth_time", now.Add(-time.Hour).Unix()).with("nbf", now.Unix()).with("tier", "gold")

	claims, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), payload.json()))

	require.NoError(t, err)
	assert.Equal(t, issuer, claims.Issuer)
	assert.Equal(t, "user_01A", claims.Subject)
	assert.Equal(t, "session_01A", claims.SessionID)
	assert.Equal(t, "01K", claims.ID)
	assert.Equal(t, clientID, claims.ClientID)
	assert.Equal(t, "org_01A", claims.OrganizationID)
	assert.Equal(t, "admin", claims.Role)
	assert.Equal(t, []string{"admin", "billing"}, claims.Roles)
	assert.Equal(t, []string{"posts:write", `with "quotes" and \ and é`}, claims.Permissions)
	assert.Equal(t, []string{"audit-logs"}, claims.Entitlements)
	assert.Equal(t, []string{"beta"}, claims.FeatureFlags)
	assert.Equal(t, "ops@acme.test", claims.Actor)
	assert.True(t, now.Add(-time.Hour).Equal(claims.AuthTime))
	assert.True(t, now.Equal(claims.IssuedAt))
	assert.True(t, now.Equal(claims.NotBefore))
	assert.True(t, now.Add(5*time.Minute).Equal(claims.ExpiresAt))

	var own struct {
		Tier string `json:"tier"`
	}
	require.NoError(t, claims.Decode(&own))
	assert.Equal(t, "gold", own.Tier)
	require.Error(t, claims.Decode(new(int)))
}

func TestAbsentClaimsAreZero(t *testing.T) {
	claims, err := jwks.UnverifiedClaims(sign(keyA(), goodHeader().json(), `{"sub":"user_01A","sid":"session_01A","exp":1.5}`))

	require.NoError(t, err)
	assert.Equal(t, time.Unix(1, 5e8), claims.ExpiresAt)
	assert.Equal(t, "user_01A", claims.Subject)
	assert.Equal(t, "session_01A", claims.SessionID)
	for _, text := range []string{claims.Issuer, claims.ClientID, claims.ID, claims.OrganizationID, claims.Role, claims.Actor} {
		assert.Empty(t, text)
	}
	for _, list := range [][]string{claims.Roles, claims.Permissions, claims.Entitlements, claims.FeatureFlags} {
		assert.Nil(t, list)
	}
	for _, at := range []time.Time{claims.IssuedAt, claims.NotBefore, claims.AuthTime} {
		assert.True(t, at.IsZero())
	}
}

func TestATemplateClaimOfTheWrongTypeCountsAsAbsent(t *testing.T) {
	wrong := []any{nil, true, 1, "", "text", []any{}, []any{1}, []any{"a", nil}, []any{"a", []string{"b"}}, object{}, object{"sub": 1}}
	for _, claim := range []string{"jti", "org_id", "role", "roles", "permissions", "entitlements", "feature_flags", "act", "auth_time"} {
		for _, value := range wrong {
			t.Run(fmt.Sprintf("%s is %v", claim, value), func(t *testing.T) {
				v, c := newVerifier(t)

				claims, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), goodClaims(c.Now()).with(claim, value).json()))

				require.NoError(t, err)
				text, isText := value.(string)
				for name, got := range map[string]string{"jti": claims.ID, "org_id": claims.OrganizationID, "role": claims.Role, "act": claims.Actor} {
					if name == claim && name != "act" && isText {
						assert.Equal(t, text, got)
					} else {
						assert.Empty(t, got)
					}
				}
				assert.Empty(t, claims.Roles)
				assert.Empty(t, claims.Permissions)
				assert.Empty(t, claims.Entitlements)
				assert.Empty(t, claims.FeatureFlags)
				assert.True(t, claims.AuthTime.IsZero() || value == 1)
			})
		}
	}
}

func TestAMalformedPayloadIsRefused(t *testing.T) {
	now := newClock().Now()
	good := goodClaims(now)
	raw := func(claim, value string) string { // for numbers that encoding/json does not write
		return strings.TrimSuffix(good.without(claim).json(), "}") + `,"` + claim + `":` + value + "}"
	}
	for name, test := range map[string]struct{ payload, part string }{
		"not JSON":                        {"sub=user_01A", "payload"},
		"an array":                        {"[" + good.json() + "]", "payload"},
		"an object and more":              {good.json() + "x", "payload"},
		"only white space":                {"  ", "payload"},
		"invalid UTF-8":                   {raw("x", "\"\xc3\x28\""), "payload"},
		"a byte order mark":               {"\ufeff" + good.json(), "payload"},
		"sub twice":                       {raw("x", `1,"sub":"user_01B"`), "payload"},
		"sub twice, once escaped":         {raw("x", `1,"s\u0075b":"user_01B"`), "payload"},
		"a duplicate in a nested object":  {raw("x", `{"a":1,"a":1}`), "payload"},
		"a duplicate in a nested array":   {raw("x", `[[{"a":{"b":1,"b":1}}]]`), "payload"},
		"no sub":                          {good.without("sub").json(), "sub"},
		"SUB in place of sub":             {good.without("sub").with("SUB", "user_01A").json(), "sub"},
		"an empty sub":                    {good.with("sub", "").json(), "sub"},
		"a number as sub":                 {good.with("sub", 1).json(), "sub"},
		"null as sub":                     {good.with("sub", nil).json(), "sub"},
		"no sid":                          {good.without("sid").json(), "sid"},
		"an empty sid":                    {good.with("sid", "").json(), "sid"},
		"a list as sid":                   {good.with("sid", []string{"session_01A"}).json(), "sid"},
		"no exp":                          {good.without("exp").json(), "exp"},
		"exp 0":                           {raw("exp", "0"), "exp"},
		"exp minus 0":                     {raw("exp", "-0.0"), "exp"},
		"exp negative":                    {raw("exp", "-1"), "exp"},
		"exp a string":                    {raw("exp", `"1900000000"`), "exp"},
		"exp null":                        {raw("exp", "null"), "exp"},
		"exp true":                        {raw("exp", "true"), "exp"},
		"exp beyond any float":            {raw("exp", "1e400"), "exp"},
		"exp beyond the year 9999":        {raw("exp", "253402300800"), "exp"},
		"exp in milliseconds":             {raw("exp", "1777888800000"), "exp"},
		"iat a string":                    {raw("iat", `"1"`), "iat"},
		"iat null":                        {raw("iat", "null"), "iat"},
		"iat negative":                    {raw("iat", "-1"), "iat"},
		"nbf a string":                    {raw("nbf", `"1"`), "nbf"},
		"nbf a list":                      {raw("nbf", "[1]"), "nbf"},
		"nbf beyond any float":            {raw("nbf", "1e400"), "nbf"},
		"iss a list":                      {good.with("iss", []string{issuer}).json(), "iss"},
		"client_id a list":                {good.with("client_id", []string{clientID}).json(), "client_id"},
		"client_id null":                  {good.with("client_id", nil).json(), "client_id"},
		"client_id empty":                 {good.with("client_id", "").json(), "client_id"},
		"nothing but a thousand brackets": {strings.Repeat("[", 1000) + strings.Repeat("]", 1000), "payload"},
	} {
		t.Run(name, func(t *testing.T) {
			v, _ := newVerifier(t)
			token := sign(keyA(), goodHeader().json(), test.payload)

			claims, err := v.Verify(t.Context(), token)

			requireRefused(t, err, test.part)
			assert.Nil(t, claims)
			_, err = jwks.UnverifiedClaims(token)
			requireRefused(t, err, test.part)
		})
	}
}

func TestAnUnusualButValidPayloadIsAccepted(t *testing.T) {
	now := newClock().Now()
	good := goodClaims(now)
	for name, payload := range map[string]string{
		"an escaped name":             strings.Replace(good.json(), `"sub"`, `"s\u0075b"`, 1),
		"names in other case":         good.with("SUB", "user_01B").with("Exp", 0).json(),
		"the same name at two levels": good.with("x", object{"sub": "user_01B", "x": object{"x": 1}}).json(),
		"an exp with a fraction":      strings.Replace(good.json(), `"exp":`, `"exp":1777888800.25,"e":`, 1),
		"white space everywhere":      strings.NewReplacer(",", " ,\n", ":", "\t: ").Replace(good.without("iss").json()),
		"brackets within a string":    good.with("x", `}]"{,[\`).json(),
		"an exp with an exponent":     strings.Replace(good.json(), `"exp":`, `"exp":2.0e9,"e":`, 1),
		"empty objects and arrays":    good.with("x", []any{object{}, []any{}, object{"y": []any{}}}).json(),
		"a foreign aud":               good.with("aud", "another").json(),
		"deeply nested brackets":      strings.TrimSuffix(good.json(), "}") + `,"x":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + "}",
	} {
		t.Run(name, func(t *testing.T) {
			claims, err := jwks.UnverifiedClaims(sign(keyA(), goodHeader().json(), payload))

			require.NoError(t, err)
			assert.Equal(t, "user_01A", claims.Subject)
			var whole json.RawMessage
			require.NoError(t, claims.Decode(&whole))
			assert.Equal(t, payload, string(whole))
		})
	}
}

func TestUnverifiedClaimsChecksNeitherSignatureNorTimes(t *testing.T) {
	token := sign(keyB(), goodHeader().with("kid", "kid_unknown").json(), goodClaims(time.Unix(1, 0)).with("iss", "https://elsewhere.test").json())

	claims, err := jwks.UnverifiedClaims(token)

	require.NoError(t, err)
	assert.Equal(t, "session_01A", claims.SessionID)
	assert.Equal(t, "https://elsewhere.test", claims.Issuer)
}

// Any act except null means that another person acts as the user.
func TestAnActClaimThatIsNotNullIsAnImpersonation(t *testing.T) {
	for act, actor := range map[string]string{
		`"ops@acme.test"`: "", `""`: "", `[]`: "", `["ops@acme.test"]`: "", `{}`: "", `{"sub":{}}`: "", `{"sub":null}`: "", `{"sub":""}`: "",
		`{"email":"ops@acme.test"}`: "", `0`: "", `1`: "", `false`: "", `true`: "", `{"sub":"ops@acme.test","act":{"sub":"x"}}`: "ops@acme.test",
	} {
		claims, err := jwks.UnverifiedClaims(sign(keyA(), goodHeader().json(), strings.TrimSuffix(goodClaims(newClock().Now()).json(), "}")+`,"act":`+act+"}"))
		require.NoError(t, err)
		assert.True(t, claims.Impersonated, act)
		assert.Equal(t, actor, claims.Actor, act)
	}
	for _, payload := range []object{goodClaims(newClock().Now()), goodClaims(newClock().Now()).with("act", nil), goodClaims(newClock().Now()).with("ACT", "x")} {
		claims, err := jwks.UnverifiedClaims(sign(keyA(), goodHeader().json(), payload.json()))
		require.NoError(t, err)
		assert.False(t, claims.Impersonated, payload)
	}
}

// A time in the future proves no authentication.
func TestAnAuthTimeInTheFutureIsDropped(t *testing.T) {
	for name, test := range map[string]struct {
		at   time.Duration
		kept bool
	}{
		"an hour ago": {-time.Hour, true}, "in 59 s": {59 * time.Second, true}, "in 60 s": {60 * time.Second, true}, "in 61 s": {61 * time.Second, false},
		"in an hour": {time.Hour, false}, "in two hundred years": {200 * 365 * 24 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			for outcome, exp := range map[error]time.Duration{nil: time.Hour, jwks.ErrExpired: -time.Hour} {
				v, c := newVerifier(t)
				payload := goodClaims(c.Now()).with("auth_time", c.Now().Add(test.at).Unix()).with("exp", c.Now().Add(exp).Unix())
				claims, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), payload.json()))
				require.ErrorIs(t, err, outcome)
				assert.Equal(t, test.kept, !claims.AuthTime.IsZero())
			}
		})
	}
	v, c := newVerifier(t, jwks.WithLeeway(time.Hour))
	claims, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), goodClaims(c.Now()).with("auth_time", c.Now().Add(time.Hour).Unix()).json()))
	require.NoError(t, err)
	assert.False(t, claims.AuthTime.IsZero(), "the leeway of the Verifier applies")
}
