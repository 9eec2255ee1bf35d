// What the last step of a sign-in says of the user's browser.

package authkittest_test

import (
	"cmp"
	"maps"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestASessionHasTheAddressAndTheBrowserOfTheLastStep(t *testing.T) {
	for name, last := range map[string]map[string]string{
		"of the last step":                        {"ip_address": "192.0.2.2", "user_agent": "second"},
		"of the first, if the last has no others": {},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			a.UpdateUser(ada, func(u *authkittest.User) { u.EmailUnverified = true })
			refused := a.grant("password", with(password, "ip_address", "192.0.2.1", "user_agent", "first"))
			assertRefused(t, refused, http.StatusForbidden, "email_verification_required")
			step := map[string]string{"code": a.LastMail(ada).Code, "pending_authentication_token": refused.text("pending_authentication_token")}
			maps.Copy(step, last)
			require.Equal(t, http.StatusOK, a.grant(grantEmailVerification, step).status)
			session := a.mustCall(http.StatusOK, http.MethodGet, userManagement+"/users/"+a.userID(ada)+"/sessions", nil)["data"].([]any)[0].(object)
			assert.Equal(t, cmp.Or(last["ip_address"], "192.0.2.1"), session["ip_address"])
			assert.Equal(t, cmp.Or(last["user_agent"], "first"), session["user_agent"])
		})
	}
}
