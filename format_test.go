// The encodings in the formats of session cookies.

package authkit

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/seal"
)

// Versions without the compact seal read the usual encoding only, so the default seal must contain that.
func TestOnlyTheCompactSealContainsTheShortEncoding(t *testing.T) {
	const password = "0123456789abcdef0123456789abcdef"
	session := NewSession(SessionParams{User: User{ID: "user_1", FirstName: "Kim", LastName: "Oduya", Name: "Kim Oduya"}})
	usual, short := payload.Encode(session.sealed), payload.EncodeShort(session.sealed)
	require.NotEqual(t, usual, short)
	both, err := seal.SecureCookie("session/__Host-authkit-session", password)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		opt  Option
		want []byte
	}{"default seal": {nil, usual}, "compact seal": {WithCompactCookie(), short}} {
		a, err := New(WithAPIKey("sk_1"), WithClientID("client_1"), WithCookiePassword(password), c.opt)
		require.NoError(t, err)
		text, err := a.format.seal(session)
		require.NoError(t, err)
		encoded, err := both.Open(text)
		require.NoError(t, err, name)
		assert.Equal(t, c.want, encoded, name)
	}
}
