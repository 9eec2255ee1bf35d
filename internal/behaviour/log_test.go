// The log: no secret at any level, and the level of refusals that a client causes.

package behaviour

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestNoSecretIsLoggedDuringTheLifeOfASession(t *testing.T) {
	var tokens []string
	upstream := &RewritingTransport{Change: func(reply map[string]any) {
		tokens = append(tokens, reply["access_token"].(string), reply["refresh_token"].(string))
	}}
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	s := a.StartSignIn("/login?return_to=/account")
	signedIn := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
	a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()}) // replayed
	cookie := signedIn.NewCookie(t)
	a.ExpireToken(0)
	refreshed := a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	a.Send(Request{Target: "/account", Cookie: refreshed + "x"})
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 401, Body: `{"message":"Unauthorized"}`})
	a.ExpireToken(2 * time.Minute)
	a.Send(Request{Target: "/account", Cookie: refreshed})
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"invalid_grant","error_description":"token ` + tokens[3] + `"}`})
	a.Clock.Advance(time.Minute)
	a.Send(Request{Target: "/account", Cookie: refreshed})
	a.Send(Request{Method: "POST", Target: "/logout", Cookie: refreshed})

	logs := a.Logs.String()
	require.Contains(t, logs, "signed in")
	require.Contains(t, logs, "signed out")
	require.Contains(t, logs, "session ended by WorkOS")

	secrets := append(tokens, a.Fake.APIKey(), Password, s.Callback.Query().Get("code"), s.Callback.Query().Get("state"))
	require.Len(t, tokens, 4)
	for _, header := range []string{s.Cookie, cookie, refreshed} {
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

func TestASessionCookieThatDoesNotOpenIsLoggedAtDebug(t *testing.T) {
	a := NewApp(t, AppOptions{})
	require.Contains(t, a.Send(Request{Target: "/", Cookie: "theme=dark"}).Body, "anonymous")
	require.NotContains(t, a.Logs.String(), "session cookie")
	require.Contains(t, a.Send(Request{Target: "/", Cookie: "authkit-session=planted"}).Body, "anonymous")
	assert.Regexp(t, `level=DEBUG msg="authkit: session cookie [^"]*" error="seal: `, a.Logs.String())
	assert.NotContains(t, a.Logs.String(), "planted")

	a, _ = newMigratingApp(t)
	require.Contains(t, a.Send(Request{Target: "/", Cookie: "theme=dark"}).Body, "anonymous")
	require.NotContains(t, a.Logs.String(), "session cookie", "the request has no session cookie")
	require.Contains(t, a.Send(Request{Target: "/", Cookie: "wos-session=planted"}).Body, "anonymous")
	assert.Regexp(t, `level=DEBUG msg="authkit: session cookie [^"]*" error="seal: `, a.Logs.String())
}

func TestARefusedBearerTokenIsLoggedAtDebug(t *testing.T) {
	a := newGuardedApp(t)
	require.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/auth", Header: Bearer("made-up")}).Status)
	assert.Regexp(t, `level=DEBUG msg="authkit: bearer token [^"]*" error=`, a.Logs.String())
	assert.NotContains(t, a.Logs.String(), "made-up")
	assert.NotContains(t, a.Logs.String(), "level=WARN")
}

func TestTheLogOfASharedSessionRecordsItsEventsAndNoSecret(t *testing.T) {
	a := newPlainSharedSessionApp(t)
	var tokens []string
	open := func(resp Response) (cookie string) {
		c := resp.SetCookies(t)["wos-session"]
		require.NotNil(t, c)
		cookie = c.Name + "=" + c.Value
		session := a.unsealed(cookie)
		tokens = append(tokens, session.AccessToken, session.RefreshToken)
		return cookie
	}
	s := a.StartSignInAs("/login?return_to=/account", Kim)
	cookie := open(a.finishSignIn(s))
	a.finishSignIn(s) // replayed
	a.ExpireToken(0)
	cookie = open(a.Send(Request{Target: "/account", Cookie: cookie}))
	a.Send(Request{Target: "/account", Cookie: flipAt(cookie, 200)})
	a.ExpireToken(2 * time.Minute)
	for _, fault := range []authkittest.Fault{
		{Status: 401, Body: `{"message":"` + tokens[3] + `"}`},
		{Status: 403, Body: "<p>" + tokens[0] + " is not " + tokens[2] + "</p>"}, // without the refresh token of the request
		{Status: 400, Body: `{"error":"` + tokens[3] + `","error_description":"` + tokens[2] + `"}`},
		{Status: 400, Body: `{"error":"invalid_grant","error_description":"` + tokens[3] + `"}`},
	} {
		a.Fake.InjectFault(authkittest.RouteRefresh, fault)
		a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
		a.Clock.Advance(2 * time.Minute)
	}
	a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie})

	for _, token := range tokens {
		require.GreaterOrEqual(t, len(token), minSecretLength)
		a.Logs.addSecret(token)
		a.Logs.addSecret(token[strings.LastIndex(token, ".")+1:]) // the signature
	}
	a.Logs.mu.Lock()
	text, known := a.Logs.text.String(), len(a.Logs.secrets)
	a.Logs.mu.Unlock()
	for _, event := range []string{"signed in", "session ended by WorkOS", "does not accept this application's", "level=DEBUG", "the state was used before"} {
		assert.Contains(t, text, event)
	}
	assert.Greater(t, known, 10, "the log has recorded the secrets to look for")
	assert.Empty(t, a.Logs.faults())

	// The check finds a secret and a panic.
	_, _ = a.Logs.Write([]byte("token=" + tokens[1]))
	assert.Len(t, a.Logs.faults(), 1)
	a.Logs.addSecrets(http.Header{"Set-Cookie": {"a=0123456789012345678901; Path=/"}}, &url.URL{RawQuery: "code=9876543210987654321098"})
	_, _ = a.Logs.Write([]byte("0123456789012345678901 9876543210987654321098 panic"))
	assert.Len(t, a.Logs.faults(), 3)
}

func TestMissingChunksAndDoubledCookiesAreLoggedAtDebug(t *testing.T) {
	a := NewApp(t, AppOptions{})
	a.Fake.UpdateUser(Kim, func(u *authkittest.User) { u.Claims = map[string]any{"padding": randomText(6000)} })
	s := a.StartSignIn("/login")
	names, header := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()}).sessionCookies(t)
	require.Equal(t, []string{sessionCookie + ".0", sessionCookie + ".1", sessionCookie + ".2"}, names)
	chunks := strings.Split(header, "; ")
	slices.Sort(chunks)
	for name, c := range map[string]struct {
		cookie string
		user   string
		log    string
	}{
		"the second chunk is missing": {chunks[0] + "; " + chunks[2], "anonymous", `cookies="authkit-session.0 (4079 bytes), authkit-session.2 (`},
		"the last chunk is missing":   {chunks[0] + "; " + chunks[1], "anonymous", `cookies="authkit-session.0 (4079 bytes), authkit-session.1 (4079 bytes)"`},
		"a chunk came twice":          {header + "; authkit-session.1=other", Kim, `msg="authkit: a session was found among several session cookies" cookies="`},
		"the whole cookie beside it":  {header + "; authkit-session=other", Kim, `authkit-session (5 bytes)"`},
		"a doubled cookie":            {"authkit-session=planted; authkit-session=other", "anonymous", `cookies="authkit-session (7 bytes), authkit-session (5 bytes)"`},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(a.Logs.String())
			assert.Contains(t, a.Send(Request{Target: "/", Cookie: c.cookie}).Body, c.user)
			log := a.Logs.String()[before:]
			assert.Contains(t, log, c.log)
			assert.NotContains(t, log, "level=WARN")
			assert.NotContains(t, log, "planted")
		})
	}
	assert.Contains(t, a.Logs.String(), "authkit-session.1 is missing")
}
