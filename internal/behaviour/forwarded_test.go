// Forged headers of proxies: line 2 of the list.

package behaviour

import (
	"maps"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
)

func TestACookieOfAnHTTPSApplicationStaysSecureWhateverAProxySaysOfPlainHTTP(t *testing.T) {
	m := newPlainApp(t, authkit.WithRedirectURL("https://app.example.com/callback"))
	for name, forged := range forgeries() {
		header := Navigation()
		maps.Copy(header, forged)
		header.Set("X-Forwarded-Proto", "http")
		resp := m.Send(Request{Target: "/login", Header: header})
		location, err := url.Parse(resp.Header.Get("Location"))
		require.NoError(t, err)
		assert.Equal(t, "https://app.example.com/callback", location.Query().Get("redirect_uri"), name)
		require.Len(t, resp.SetCookies(t), 1)
		for cookie, c := range resp.SetCookies(t) {
			assert.True(t, strings.HasPrefix(cookie, "__Host-"+statePrefix), name)
			assert.True(t, c.Secure && c.HttpOnly, name)
		}
	}
}
