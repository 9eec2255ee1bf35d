package authkit_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestNoSecretIsLoggedAtAnyLevelInAWholeLifeOfASession(t *testing.T) {
	var tokens []string
	upstream := &rewriting{change: func(reply map[string]any) {
		tokens = append(tokens, reply["access_token"].(string), reply["refresh_token"].(string))
	}}
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	s := a.begin("/login?return_to=/account")
	signedIn := a.send(request{target: s.target(), cookie: s.cookie, header: navigation()})
	a.send(request{target: s.target(), cookie: s.cookie, header: navigation()}) // replayed
	cookie := signedIn.newCookie(t)
	a.expireToken(0)
	renewed := a.send(request{target: "/account", cookie: cookie}).newCookie(t)
	a.send(request{target: "/account", cookie: renewed + "x"})
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Body: `{"message":"Unauthorized"}`})
	a.expireToken(2 * time.Minute)
	a.send(request{target: "/account", cookie: renewed})
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"invalid_grant","error_description":"token ` + tokens[3] + `"}`})
	a.clock.Advance(time.Minute)
	a.send(request{target: "/account", cookie: renewed})
	a.send(request{method: "POST", target: "/logout", cookie: renewed})

	logs := a.logs.String()
	require.Contains(t, logs, "signed in")
	require.Contains(t, logs, "signed out")
	require.Contains(t, logs, "session ended by WorkOS")

	secrets := append(tokens, a.fake.APIKey(), password, s.callback.Query().Get("code"), s.callback.Query().Get("state"))
	require.Len(t, tokens, 4)
	for _, header := range []string{s.cookie, cookie, renewed} {
		_, value, _ := strings.Cut(header, "=")
		secrets = append(secrets, value)
	}
	for _, secret := range secrets {
		require.NotEmpty(t, secret)
		assert.NotContains(t, logs, secret)
		assert.NotContains(t, logs, url.QueryEscape(secret))
		assert.NotContains(t, logs, secret[:min(len(secret), 24)])
	}
}
