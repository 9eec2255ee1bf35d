// The suite: bearer tokens in an application that accepts none, and tokens that are too large.

package behaviour

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestAValidBearerTokenIsRefusedIfBearerTokensAreNotEnabled(t *testing.T, a *Instance) {
	token := a.Fake.SignToken(object{
		"iss": a.Fake.Issuer(), "sub": "user_kim", "sid": "session_1", "client_id": a.Fake.ClientID(), "exp": time.Now().Add(time.Hour).Unix(),
	})
	for _, header := range []http.Header{Bearer(token), with(Scripted(), "Authorization", "Basic a2ltOmtpbQ=="), with(Scripted(), "X-Workos-Session", token)} {
		resp := a.Send(Request{Target: "/api/me", Header: header})
		assert.Equal(t, http.StatusUnauthorized, resp.Status)
		assert.Empty(t, resp.Header.Values("WWW-Authenticate"))
	}
	assert.Equal(t, lee, a.visitorOf(a.Send(Request{Target: "/api/me", Cookie: a.signIn(lee), Header: Bearer(token)})), "the session cookie is still used")
}

func TestATwoMegabyteTokenIsRefused(t *testing.T, a *Instance) {
	for name, q := range hugeTokens() {
		resp := a.Send(q)
		// The HTTP server of the application may refuse such a large header itself.
		assert.Contains(t, []int{http.StatusUnauthorized, http.StatusRequestHeaderFieldsTooLarge}, resp.Status, name)
	}
}

// hugeTokens returns requests with a token of two megabytes.
func hugeTokens() map[string]Request {
	huge := strings.Repeat("x", 2<<20)
	return map[string]Request{
		"as a bearer token": {Target: "/api/me", Header: Bearer(huge)},
		"in one cookie":     {Target: "/api/me", Cookie: sessionCookie + "=" + huge},
		"in many cookies":   {Target: "/api/me", Cookie: strings.Repeat(sessionCookie+".1="+huge[:4000]+"; ", 500)},
	}
}
