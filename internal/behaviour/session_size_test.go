// The size of an access token.

package behaviour

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/authkittest"
)

func TestAnAccessTokenOfMoreThan16KBMakesNoSession(t *testing.T) {
	a := NewApp(t, AppOptions{})
	a.fillTokens(16 << 10)
	s := a.StartSignIn("/login?return_to=/account")
	resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
	assert.Equal(t, http.StatusBadGateway, resp.Status)
	assert.NotContains(t, resp.SetCookies(t), "authkit-session")
	assert.Contains(t, a.Logs.String(), "at most 16384 bytes")
}

// The exchange has consumed the old refresh token. The session must not be lost because the new one fits into no cookie.
func TestASessionThatBecomesTooLargeAtARefreshStillServes(t *testing.T) {
	for name, opts := range bothSeals {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{AuthKit: opts})
			a.fillTokens(9000)
			cookie := a.SignedIn(Kim).CookieHeader()
			a.Fake.UpdateUser(Kim, func(p *authkittest.User) {
				p.Metadata = map[string]string{}
				for i := range 40 {
					p.Metadata[fmt.Sprintf("key%d", i)] = strings.Repeat("v", 500)
				}
			})
			a.ExpireToken(0)
			for range 2 {
				resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
				assert.Equal(t, http.StatusOK, resp.Status)
				assert.Contains(t, resp.Body, Kim)
				assert.Empty(t, resp.Header["Set-Cookie"])
			}
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
			assert.Regexp(t, `session cookie not set.*session_too_large.*\d+ bytes sealed`, a.Logs.String())
		})
	}
}
