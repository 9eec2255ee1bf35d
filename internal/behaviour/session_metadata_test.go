// Sessions of users whose metadata WorkOS does not return.

package behaviour

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestASessionWithoutUserMetadataSignsInAndIsRefreshed(t *testing.T) {
	var users []authkit.User
	a := NewApp(t, AppOptions{Fake: []authkittest.Option{authkittest.WithoutUserMetadata()}, Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/profile", a.RequireAuth(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s, _ := sessionOf(r)
			users = append(users, s.User())
		})))
	}})
	b := a.SignedIn(Kim)
	b.get("/profile")
	a.ExpireToken(2 * time.Minute)
	b.get("/profile")
	require.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
	require.Len(t, users, 2)
	for _, user := range users {
		assert.Equal(t, "user_kim", user.ID)
		assert.Equal(t, "Oduya", user.LastName)
		assert.Empty(t, user.Metadata)
	}
	user, err := a.Client().GetUser(t.Context(), "user_kim")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"plan": "pro"}, user.Metadata)
}
