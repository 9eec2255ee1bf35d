// The check of the aud claim.

package jwks_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/jwks"
)

// RFC 7519 section 4.1.3.
func TestATokenMustNameAnAcceptedAudienceIfAudiencesAreSet(t *testing.T) {
	const api, other = "https://api.acme.test", "https://other.test"
	long := `["` + strings.Repeat(`x","`, 2000) + `"]`
	for name, test := range map[string]struct {
		accepted []string
		aud      string // JSON, absent if empty
		clientID string // absent if empty
		good     bool
	}{
		"the same":                                  {[]string{api}, `"` + api + `"`, clientID, true},
		"the same and no client_id":                 {[]string{api}, `"` + api + `"`, "", true},
		"the second of two accepted":                {[]string{other, api}, `"` + api + `"`, clientID, true},
		"one of those that the token names":         {[]string{api}, `["` + other + `","` + api + `"]`, "", true},
		"the only one in an array":                  {[]string{api}, `[ "` + api + `" ]`, "", true},
		"an escaped one":                            {[]string{api}, `"https:\/\/api.acme.test"`, "", true},
		"another":                                   {[]string{api}, `"` + other + `"`, clientID, false},
		"others":                                    {[]string{api}, `["` + other + `","x"]`, clientID, false},
		"thousands of others":                       {[]string{api}, long, clientID, false},
		"the same with a slash":                     {[]string{api}, `"` + api + `/"`, clientID, false},
		"the same in upper case":                    {[]string{api}, `"` + strings.ToUpper(api) + `"`, clientID, false},
		"a prefix":                                  {[]string{api}, `"https://api.acme"`, clientID, false},
		"a longer one":                              {[]string{api}, `"` + api + `.evil.test"`, clientID, false},
		"none and an accepted client_id":            {[]string{api}, "", clientID, true},
		"none and no client_id":                     {[]string{api}, "", "", false},
		"an empty one":                              {[]string{api}, `""`, clientID, false},
		"an empty one although an empty one is set": {[]string{"", api}, `""`, clientID, false},
		"an empty array":                            {[]string{api}, `[]`, clientID, false},
		"null":                                      {[]string{api}, `null`, clientID, false},
		"a number":                                  {[]string{api}, `1`, clientID, false},
		"a boolean":                                 {[]string{api}, `true`, clientID, false},
		"an object":                                 {[]string{api}, `{"aud":"` + api + `"}`, clientID, false},
		"the same beside a number":                  {[]string{api}, `["` + api + `",1]`, clientID, false},
		"the same in an array within an array":      {[]string{api}, `[["` + api + `"]]`, clientID, false},
		"any although none is accepted":             {[]string{}, `"` + api + `"`, clientID, false},
		"none although none is accepted":            {[]string{}, "", clientID, true},
	} {
		t.Run(name, func(t *testing.T) {
			payload := goodClaims(newClock().Now()).without("client_id")
			if test.clientID != "" {
				payload = payload.with("client_id", test.clientID)
			}
			text := payload.json()
			if test.aud != "" {
				text = strings.TrimSuffix(text, "}") + `,"aud":` + test.aud + "}"
			}
			token := sign(keyA(), goodHeader().json(), text)

			v, _ := newVerifier(t, jwks.WithAudiences(test.accepted...))
			claims, err := v.Verify(t.Context(), token)
			if test.good {
				require.NoError(t, err)
				require.NoError(t, v.Recheck(t.Context(), claims))
			} else {
				refused := requireRefused(t, err, "aud")
				assert.Less(t, len(refused.Got), 1000)
				assert.Nil(t, claims)
			}

			unrestricted, _ := newVerifier(t)
			_, err = unrestricted.Verify(t.Context(), token)
			require.NoError(t, err, "without the option aud is not checked")
		})
	}
}

func TestARefusedAudienceIsNamedInTheError(t *testing.T) {
	v, c := newVerifier(t, jwks.WithAudiences("api", "admin"))
	for aud, got := range map[any]string{"other\n": `"other\n"`, 1: "a number", nil: "null"} {
		_, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), goodClaims(c.Now()).with("aud", aud).json()))
		refused := requireRefused(t, err, "aud")
		assert.Equal(t, `"api" or "admin"`, refused.Want)
		assert.Equal(t, got, refused.Got)
	}
	_, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), goodClaims(c.Now()).without("client_id").json()))
	refused := requireRefused(t, err, "aud")
	assert.Equal(t, `"api" or "admin", or a client_id that is accepted`, refused.Want)
	assert.Equal(t, "nothing", refused.Got)
}

func TestClaimsContainTheAudiences(t *testing.T) {
	for _, test := range []struct {
		aud  any
		want []string
	}{
		{"api", []string{"api"}}, {[]string{"api", "admin"}, []string{"api", "admin"}}, {nil, nil}, {1, nil}, {[]any{}, nil}, {[]any{"api", 1}, nil},
	} {
		claims, err := jwks.UnverifiedClaims(sign(keyA(), goodHeader().json(), goodClaims(newClock().Now()).with("aud", test.aud).json()))
		require.NoError(t, err)
		assert.Equal(t, test.want, claims.Audience)
	}
}
