// The size of an access token.

package behaviour

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
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
