// Sessions without a user, and sessions whose token and profile belong to two users.

package behaviour

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/workos"
)

func TestSignInRefusesAnAuthenticationWithoutItsUser(t *testing.T) {
	for name, opts := range map[string][]authkit.Option{
		"a session in our own format": nil,
		"a shared session":            {authkit.WithSharedSession()},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{AuthKit: opts})
			for _, user := range []workos.User{{}, {Email: Kim, FirstName: "Kim"}, {ID: " user_kim"}, {ID: "user_lee", Email: Kim}} {
				authentication := a.authenticate(Kim)
				authentication.User = user
				var err error
				resp := a.ServeDirectly(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, err = a.SignIn(w, r, authentication)
				}), Request{Method: "POST", Target: "/form"})
				assert.ErrorIs(t, err, authkit.ErrSignInFailed)
				assert.Empty(t, resp.SetCookies(t))
			}
		})
	}
}

func TestASealedSessionWithoutAUserIsAnonymous(t *testing.T) {
	a, _ := newMigratingApp(t)
	for _, user := range []any{nil, map[string]any{}, map[string]any{"id": ""}, map[string]any{"id": nil, "email": Kim}} {
		for library, text := range map[string]string{
			"authkit-nextjs": a.sealedByNextJS(Kim, map[string]any{"user": user}),
			"workos-go":      a.sealedBySDK(Kim, map[string]any{"user": user}),
		} {
			resp := a.Send(Request{Target: "/account", Cookie: "wos-session=" + text, Header: Scripted()})
			assert.Equal(t, http.StatusUnauthorized, resp.Status, "%s: %v", library, user)
		}
	}
}

func TestAReplyWithTheTokenAndTheProfileOfTwoUsersMakesNoSession(t *testing.T) {
	a := newPlainApp(t)
	a.addKnownToJWKS()
	checkErrorPage(t, a.exchangeFor(a.forge(unchangedToken), "user_lee"), http.StatusBadGateway)
	checkErrorPage(t, a.exchangeFor(a.forge(forgery{claims: setMember("sub", "user_lee")}), "user_kim"), http.StatusBadGateway)

	s := newPlainSharedSessionApp(t)
	s.addKnownToJWKS()
	for name, c := range map[string]struct {
		claims func(object)
		user   object
	}{
		"the token and the profile of another user": {setMember("sub", "user_lee"), object{"id": "user_lee", "email": lee}},
		"the token of another user":                 {setMember("sub", "user_lee"), object{"id": "user_kim", "email": Kim}},
		"the profile of another user":               {nil, object{"id": "user_lee", "email": lee}},
		"the token of another session":              {setMember("sid", "session_2"), object{"id": "user_kim", "email": Kim}},
	} {
		t.Run(name, func(t *testing.T) {
			resp := s.refreshTo(s.forge(forgery{claims: c.claims}), c.user)
			assert.Equal(t, http.StatusUnauthorized, resp.Status)
			for name, cookie := range resp.SetCookies(t) {
				session := s.unsealed(name + "=" + cookie.Value)
				assert.Equal(t, "user_kim", session.User["id"])
				assert.NotContains(t, fmt.Sprint(session), "lee")
			}
		})
	}
	resp := s.refreshTo(s.forge(unchangedToken), object{"id": "user_kim", "email": Kim})
	assert.Equal(t, Kim, s.visitorOf(resp), "a reply without a fault is accepted")
}
