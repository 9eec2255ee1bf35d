// Bearer tokens: which are accepted, and how a refusal is answered.

package behaviour

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// nativeToken returns an access token of a native client, whose client ID is client_native. change may edit the claims.
func (a *App) nativeToken(change func(claims map[string]any)) string {
	now := a.Clock.Now().Unix()
	claims := map[string]any{
		"iss": a.Fake.URL() + "/user_management/client_native", "sub": "user_kim", "sid": "session_native",
		"client_id": "client_native", "org_id": "org_acme", "role": "admin", "permissions": []string{"posts:read", "posts:write"},
		"auth_time": now, "iat": now, "exp": now + 300,
	}
	if change != nil {
		change(claims)
	}
	return a.Fake.SignToken(claims)
}

func TestABearerTokenGivesASessionWithoutAProfile(t *testing.T) {
	a := newGuardedApp(t)
	resp := a.Send(Request{Target: "/permission", Header: Bearer(a.nativeToken(nil))})
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Equal(t, "passed: user_kim", resp.Body)
	assert.Contains(t, strings.Join(resp.Header.Values("Vary"), ", "), "Authorization")
	assert.Empty(t, resp.SetCookies(t))
	assert.Zero(t, a.Fake.Calls(authkittest.RouteAuthenticate))

	var session *authkit.Session
	a.Server.Config.Handler = a.RequireAuth(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		session, _ = authkit.FromContext(r.Context())
	}))
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/", Header: Bearer(a.nativeToken(nil))}).Status)
	profile, ok := session.Profile()
	assert.False(t, ok)
	assert.Zero(t, profile)
	assert.True(t, session.FromBearerToken())
	assert.Equal(t, authkit.User{ID: "user_kim"}, session.User())
}

func TestAnInvalidBearerTokenAnswers401WithAReason(t *testing.T) {
	a := newGuardedApp(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	refreshes := a.Fake.Calls(authkittest.RouteRefresh)
	for name, c := range map[string]struct {
		token  string
		reason string
	}{
		"garbage":              {"garbage", "not accepted"},
		"expired":              {a.nativeToken(func(c map[string]any) { c["exp"] = Start.Add(-2 * time.Minute).Unix() }), "expired"},
		"of another client":    {a.nativeToken(func(c map[string]any) { c["client_id"] = "client_foreign" }), "not accepted"},
		"of another issuer":    {a.nativeToken(func(c map[string]any) { c["iss"] = "https://evil.example" }), "not accepted"},
		"altered":              {flip(a.nativeToken(nil)), "not accepted"},
		"without a session ID": {a.nativeToken(func(c map[string]any) { delete(c, "sid") }), "not accepted"},
		"empty":                {"", "not accepted"},
	} {
		for _, q := range []Request{{Header: Bearer(c.token)}, {Header: Bearer(c.token), Cookie: cookie}} {
			q.Target = "/auth"
			resp := a.Send(q)
			assert.Equal(t, http.StatusUnauthorized, resp.Status, name)
			challenge := resp.Header.Get("WWW-Authenticate")
			assert.Contains(t, challenge, `Bearer error="invalid_token"`, name)
			assert.Contains(t, challenge, c.reason, name)
			assert.Empty(t, resp.SetCookies(t))
		}
	}
	assert.Equal(t, refreshes, a.Fake.Calls(authkittest.RouteRefresh))
	resp := a.Send(Request{Target: "/auth"})
	assert.Equal(t, "Bearer", resp.Header.Get("WWW-Authenticate"), "no error code if the request has no token")
}

func TestABearerTokenTakesPrecedenceOverTheSessionCookie(t *testing.T) {
	a := newGuardedApp(t)
	leeCookie := a.SignedIn(lee).CookieHeader()
	resp := a.Send(Request{Target: "/auth", Cookie: leeCookie, Header: Bearer(a.nativeToken(nil))})
	assert.Equal(t, "passed: user_kim", resp.Body)
	for _, other := range []string{"Basic a2ltOmtpbQ==", "sk_1", "Bearer sk_nonsense"} {
		resp := a.Send(Request{Target: "/auth", Cookie: leeCookie, Header: http.Header{"Authorization": {other}}})
		assert.Contains(t, resp.Body, "passed: ", "%q is not an access token", other)
	}
}

func TestTwoAuthorizationHeadersAreRefused(t *testing.T) {
	a := newGuardedApp(t)
	token := "Bearer " + a.nativeToken(nil)
	resp := a.Send(Request{Target: "/auth", Header: http.Header{"Authorization": {token, token}}})
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
}

func TestBearerTokensAreRefusedByDefault(t *testing.T) {
	a := NewApp(t, AppOptions{})
	token := a.bearerOf(a.SignedIn(Kim).CookieHeader())
	resp := a.Send(Request{Target: "/account", Header: Bearer(token)})
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
	assert.Empty(t, resp.Header.Get("WWW-Authenticate"))
}

func TestSignInRefusesATokenOfAClientThatIsOnlyAcceptedForBearerTokens(t *testing.T) {
	a := newGuardedApp(t)
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) { p.Claims = map[string]any{"client_id": "client_native"} })
	s := a.StartSignIn("/login")
	assert.Equal(t, http.StatusBadGateway, a.Send(Request{Target: s.Target(), Cookie: s.Cookie}).Status)
}

func TestTheBearerTokenOfASignedOutSessionIsRefused(t *testing.T) {
	a := newGuardedApp(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	token := a.bearerOf(cookie)
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/auth", Header: Bearer(token)}).Status)
	a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie})
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/auth", Header: Bearer(token)}).Status)
}

func TestABearerTokenAnswers401ForAnUnknownKeyAnd503ForAKeyOutage(t *testing.T) {
	a := newGuardedApp(t)
	a.SignedIn(Kim) // fetches the signing keys
	for range 3 {
		other := newGuardedApp(t) // each fake has its own signing keys
		resp := a.Send(Request{Target: "/auth", Header: Bearer(other.nativeToken(nil))})
		assert.Equal(t, http.StatusUnauthorized, resp.Status)
	}
	assert.Equal(t, 2, a.Fake.Calls(authkittest.RouteJWKS), "an unknown key ID causes one fetch; the other requests come within the minimum interval")

	fresh := NewInstance(t, a.Fake, a.Clock, AppOptions{AuthKit: bearerOptions()})
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	resp := fresh.Send(Request{Target: "/account", Header: Bearer(a.nativeToken(nil))})
	assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
	assert.NotEmpty(t, resp.Header.Get("Retry-After"))
}

// The size of a token's header is checked before it is decoded. Such a token causes no fetch of the signing keys.
func TestABearerTokenWithALargeHeaderIsRefusedBeforeItIsDecoded(t *testing.T) {
	a := newGuardedApp(t)
	for name, value := range map[string]string{
		"nested": strings.Repeat("[", 5600) + strings.Repeat("]", 5600), "long": `"` + strings.Repeat("x", 10<<10) + `"`, "a little too long": `"` + strings.Repeat("x", 740) + `"`,
	} {
		header := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"RS256","kid":"key_made_up","x":%s}`, value))
		resp := a.Send(Request{Target: "/auth", Header: Bearer(header + ".e30.AAAA")})
		assert.Equal(t, http.StatusUnauthorized, resp.Status, name)
	}
	assert.Zero(t, a.Fake.Calls(authkittest.RouteJWKS))
	assert.Contains(t, a.Logs.String(), "header: want at most 1024 bytes")
}

func TestABearerTokenOfASignedOutSessionAnswers401ToANavigation(t *testing.T) {
	a := newGuardedApp(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	token := a.bearerOf(cookie)
	a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie})
	header := Navigation()
	header.Set("Authorization", "Bearer "+token)
	resp := a.Send(Request{Target: "/auth", Header: header})
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
	assert.Equal(t, `Bearer error="invalid_token", error_description="The session has ended"`, resp.Header.Get("WWW-Authenticate"))
}
