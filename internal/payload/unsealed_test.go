// Sessions in cookies without a seal.

package payload

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/fields"
	"github.com/authkit-go/authkit/workos"
)

var unsealedText = `{"accessToken":"` + typicalToken + `","refreshToken":"r","user":{"id":"user_1","email":"forged@example.com","metadata":{"a":"b"}},` +
	`"impersonator":{"email":"forged@example.com"},"authenticationMethod":"Forged","organizationId":"org_forged","theme":"forged",` +
	`"authkit":{"signedInAt":"2099-01-01T00:00:00.000Z","renewedAt":"2099-01-01T00:00:00.000Z","origin":"Zm9yZ2Vk"}}`

// encodeURIComponent encodes a text as the function of JavaScript does.
func encodeURIComponent(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}

func TestAnUnsealedSessionDecodesToItsTokensAndTheUserID(t *testing.T) {
	for name, text := range map[string]string{
		"encoded":            encodeURIComponent(unsealedText),
		"with lower-case %x": "%7b" + encodeURIComponent(unsealedText[1:]),
		"plain":              unsealedText,
	} {
		t.Run(name, func(t *testing.T) {
			require.True(t, IsUnsealed(text))
			s, err := DecodeUnsealed(text)
			require.NoError(t, err)
			assert.True(t, s.Unsealed)
			assert.Equal(t, typicalToken, s.AccessToken.Text())
			assert.Equal(t, "r", s.RefreshToken)
			assert.Equal(t, workos.User{ID: "user_1"}, s.Profile())
			assert.Nil(t, s.Impersonator)
			assert.Empty(t, s.AuthenticationMethod)
			assert.Empty(t, s.Origin)
			assert.Less(t, s.SignedInAt.Year(), 2099, "the times come from the token")
			assert.Less(t, s.RefreshedAt.Year(), 2099)
		})
	}
}

func TestNothingThatAnUnsealedSessionInventsIsEncoded(t *testing.T) {
	s, err := DecodeUnsealed(unsealedText)
	require.NoError(t, err)
	for _, encoded := range [][]byte{EncodeShared(&s, ""), Encode(&s)} {
		assert.NotContains(t, strings.ToLower(string(encoded)), "forged")
		assert.NotContains(t, string(encoded), "2099")
	}
}

func TestASealKeepsThatTheTokensWereUnsealed(t *testing.T) {
	s, err := DecodeUnsealed(unsealedText)
	require.NoError(t, err)
	assert.True(t, throughShared(t, s).Unsealed)
	s.Unsealed = false
	assert.NotContains(t, string(EncodeShared(&s, "")), "unsealed")
}

func TestAnInvalidUnsealedSessionIsRefusedWithoutQuotingIt(t *testing.T) {
	for name, text := range map[string]string{
		"an invalid escape":         `%7Bsecret%`,
		"escaped twice":             encodeURIComponent(encodeURIComponent(unsealedText)),
		"not an object":             encodeURIComponent(`["secret"]`),
		"no user":                   `{"accessToken":"` + typicalToken + `","refreshToken":"secret"}`,
		"a user that is null":       `{"accessToken":"` + typicalToken + `","user":null,"refreshToken":"secret"}`,
		"a user without ID":         `{"accessToken":"` + typicalToken + `","user":{"email":"secret"}}`,
		"no access token":           `{"refreshToken":"secret","user":{"id":"user_1"}}`,
		"a token that is no JWT":    `{"accessToken":"secret","user":{"id":"user_1"}}`,
		"a refresh token of a list": `{"accessToken":"` + typicalToken + `","refreshToken":["secret"],"user":{"id":"user_1"}}`,
		"a pending sign-in":         `{"nonce":"secret","codeVerifier":"secret"}`,
		"under persistent":          `{"persistent":` + unsealedText + `}`,
		"truncated":                 unsealedText[:200],
	} {
		_, err := DecodeUnsealed(text)
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), "secret", name)
	}
	_, err := DecodeUnsealed(`{}`)
	assert.ErrorIs(t, err, fields.ErrEncoding)
	for _, seal := range []string{"Fe26.2*1*x", "MTIz", "", "eyJ"} {
		assert.False(t, IsUnsealed(seal), seal)
	}
}

func FuzzDecodeUnsealed(f *testing.F) {
	f.Add(unsealedText)
	f.Add(encodeURIComponent(unsealedText))
	f.Add(`{"accessToken":"` + typicalToken + `","user":{"id":"user_1","id":"user_2"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := DecodeUnsealed(text)
		if err != nil {
			return
		}
		require.True(t, s.Unsealed)
		require.False(t, s.AccessToken.IsZero())
		require.NotEmpty(t, s.User.ID)
		// Only the tokens and the ID can be from the text.
		want := Session{
			AccessToken: s.AccessToken, RefreshToken: s.RefreshToken, User: workos.User{ID: s.User.ID},
			SignedInAt: s.SignedInAt, RefreshedAt: s.RefreshedAt, Unsealed: true,
		}
		require.Equal(t, want, s)
		back, err := DecodeShared(EncodeShared(&s, ""))
		require.NoError(t, err)
		require.Equal(t, s.User.ID, back.User.ID)
		require.True(t, back.Unsealed)
	})
}
