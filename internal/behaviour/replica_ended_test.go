// Sign-ins after sessions were ended, at instances that share a store.

package behaviour

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
)

func TestABearerTokenThatWasIssuedAfterTheEndOfItsUserIsAccepted(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{AuthKit: []authkit.Option{authkit.WithBearerTokens("client_native")}})
	earlier := r.Instances[0].nativeToken(nil)
	require.Equal(t, http.StatusOK, r.Instances[1].Send(Request{Target: "/account", Header: Bearer(earlier)}).Status)
	require.NoError(t, r.Instances[0].EndUser(t.Context(), "user_kim"))
	for i, a := range r.Instances {
		assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Header: Bearer(earlier)}).Status, i)
	}
	r.Clock.Advance(2 * time.Minute)
	later := r.Instances[0].nativeToken(func(claims map[string]any) { claims["sid"] = "session_later" })
	for i, a := range r.Instances {
		assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Header: Bearer(later)}).Status, i)
	}
}
