// Tests of the content of a success in the store.

package authkit

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

func TestASuccessorDecodesToWhatWasEncoded(t *testing.T) {
	sealed := payload.Session{AccessToken: payload.NewToken("access"), RefreshToken: "refresh", AuthenticationMethod: "Password", Origin: "origin"}
	sealed.SetUser(workos.User{ID: "user_1", Email: "kim@example.com"})
	for _, organization := range []string{"", "org_acme", strings.Repeat("o", 255)} {
		s, err := decodeSuccessor(encodeSuccessor(organization, &sealed))
		require.NoError(t, err)
		assert.Equal(t, organization, s.organization)
		assert.Equal(t, "refresh", s.session.RefreshToken)
		assert.False(t, s.tokenOnly)
		old := makeSession(payload.Session{AccessToken: payload.NewToken("old"), RefreshToken: "old", Impersonator: &workos.Impersonator{Email: "ops@example.com"}}, &jwks.Claims{})
		merged := s.mergedInto(old)
		assert.Equal(t, sealed.AccessToken, merged.AccessToken)
		assert.Equal(t, "kim@example.com", merged.Profile().Email)
		assert.Nil(t, merged.Impersonator)
		assert.Equal(t, "origin", merged.Origin)
	}
}

func TestOnlyTheRefreshTokenOfALargeSuccessorIsKept(t *testing.T) {
	for name, encoded := range map[string][]byte{
		"a large session":      encodeSuccessor("", &payload.Session{AccessToken: payload.NewToken(strings.Repeat("a", maxSuccessor)), RefreshToken: "refresh"}),
		"a large organization": encodeSuccessor(strings.Repeat("o", 256), &payload.Session{AccessToken: payload.NewToken("a"), RefreshToken: "refresh"}),
		"the token alone":      encodeSuccessorToken("refresh"),
	} {
		s, err := decodeSuccessor(encoded)
		require.NoError(t, err, name)
		assert.True(t, s.tokenOnly, name)
		assert.Equal(t, "refresh", s.session.RefreshToken, name)
	}
}

func FuzzDecodeSuccessor(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{wholeSuccessor, 200, 'o'})
	f.Add(encodeSuccessorToken("refresh"))
	session := payload.Session{AccessToken: payload.NewToken("access"), RefreshToken: "refresh"}
	session.SetUser(workos.User{ID: "user_1"})
	f.Add(encodeSuccessor("org_acme", &session))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		s, err := decodeSuccessor(encoded)
		if err == nil {
			assert.NotEmpty(t, s.session.RefreshToken)
		}
	})
}
