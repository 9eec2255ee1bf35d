package behaviour

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
	upstream := &Rewriting{Change: func(reply map[string]any) {
		tokens = append(tokens, reply["access_token"].(string), reply["refresh_token"].(string))
	}}
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	s := a.Begin("/login?return_to=/account")
	signedIn := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
	a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()}) // replayed
	cookie := signedIn.NewCookie(t)
	a.ExpireToken(0)
	renewed := a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	a.Send(Request{Target: "/account", Cookie: renewed + "x"})
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Body: `{"message":"Unauthorized"}`})
	a.ExpireToken(2 * time.Minute)
	a.Send(Request{Target: "/account", Cookie: renewed})
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"invalid_grant","error_description":"token ` + tokens[3] + `"}`})
	a.Clock.Advance(time.Minute)
	a.Send(Request{Target: "/account", Cookie: renewed})
	a.Send(Request{Method: "POST", Target: "/logout", Cookie: renewed})

	logs := a.Logs.String()
	require.Contains(t, logs, "signed in")
	require.Contains(t, logs, "signed out")
	require.Contains(t, logs, "session ended by WorkOS")

	secrets := append(tokens, a.Fake.APIKey(), Password, s.Callback.Query().Get("code"), s.Callback.Query().Get("state"))
	require.Len(t, tokens, 4)
	for _, header := range []string{s.Cookie, cookie, renewed} {
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
