// The two seals, held apart.

package authkit

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestASignInUnderWayNeverOpensAsASessionNorTheOtherWayRound(t *testing.T) {
	a, err := New(WithAPIKey("sk_1"), WithClientID("client_1"), WithCookiePassword("0123456789abcdef0123456789abcdef"))
	require.NoError(t, err)
	signIn, err := a.signInSealer.Seal([]byte("x"))
	require.NoError(t, err)
	session, err := a.format.sealer.Seal([]byte("x"))
	require.NoError(t, err)
	_, err = a.format.sealer.Open(signIn)
	assert.Error(t, err)
	_, err = a.signInSealer.Open(session)
	assert.Error(t, err)
}
