package authkit_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/authkittest"
)

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// nativeToken is an access token of a native client, which has an ID of its
// own.
func (a *app) nativeToken(change func(claims map[string]any)) string {
	now := a.clock.Now().Unix()
	claims := map[string]any{
		"iss": a.fake.URL() + "/user_management/client_native", "sub": "user_kim", "sid": "session_native",
		"client_id": "client_native", "org_id": "org_acme", "role": "admin", "permissions": []string{"posts:read", "posts:write"},
		"auth_time": now, "iat": now, "exp": now + 300,
	}
	if change != nil {
		change(claims)
	}
	return a.fake.SignToken(claims)
}

func TestABearerTokenIsASessionWithoutAProfile(t *testing.T) {
	a := guarded(t)
	resp := a.send(request{target: "/permission", header: bearer(a.nativeToken(nil))})
	assert.Equal(t, http.StatusOK, resp.status)
	assert.Equal(t, "passed: user_kim", resp.body)
	assert.Contains(t, strings.Join(resp.header.Values("Vary"), ", "), "Authorization")
	assert.Empty(t, resp.setCookies(t))
	assert.Zero(t, a.fake.Calls(authkittest.RouteAuthenticate))
}

func TestABadBearerTokenIsAnswered401AndWhy(t *testing.T) {
	a := guarded(t)
	cookie := a.signedIn(kim).cookieHeader()
	refreshes := a.fake.Calls(authkittest.RouteRefresh)
	for name, c := range map[string]struct {
		token string
		says  string
	}{
		"garbage":             {"garbage", "not accepted"},
		"expired":             {a.nativeToken(func(c map[string]any) { c["exp"] = start.Add(-2 * time.Minute).Unix() }), "expired"},
		"of a foreign client": {a.nativeToken(func(c map[string]any) { c["client_id"] = "client_foreign" }), "not accepted"},
		"of a foreign issuer": {a.nativeToken(func(c map[string]any) { c["iss"] = "https://evil.example" }), "not accepted"},
		"altered":             {flip(a.nativeToken(nil)), "not accepted"},
		"of no session":       {a.nativeToken(func(c map[string]any) { delete(c, "sid") }), "not accepted"},
		"empty":               {"", "not accepted"},
	} {
		for _, q := range []request{{header: bearer(c.token)}, {header: bearer(c.token), cookie: cookie}} {
			q.target = "/auth"
			resp := a.send(q)
			assert.Equal(t, http.StatusUnauthorized, resp.status, name)
			challenge := resp.header.Get("WWW-Authenticate")
			assert.Contains(t, challenge, `Bearer error="invalid_token"`, name)
			assert.Contains(t, challenge, c.says, name)
			assert.Empty(t, resp.setCookies(t))
		}
	}
	assert.Equal(t, refreshes, a.fake.Calls(authkittest.RouteRefresh))
	resp := a.send(request{target: "/auth"})
	assert.Equal(t, "Bearer", resp.header.Get("WWW-Authenticate"), "no error code where no token came")
}

func TestTheHeaderDecidesWhereThereIsACookieToo(t *testing.T) {
	a := guarded(t)
	lees := a.signedIn(lee).cookieHeader()
	resp := a.send(request{target: "/auth", cookie: lees, header: bearer(a.nativeToken(nil))})
	assert.Equal(t, "passed: user_kim", resp.body)
	for _, other := range []string{"Basic a2ltOmtpbQ==", "sk_1", "Bearer sk_nonsense"} {
		resp := a.send(request{target: "/auth", cookie: lees, header: http.Header{"Authorization": {other}}})
		assert.Contains(t, resp.body, "passed: ", "%q is not an access token", other)
	}
}

func TestOfTwoAuthorizationHeadersNoneIsBelieved(t *testing.T) {
	a := guarded(t)
	token := "Bearer " + a.nativeToken(nil)
	resp := a.send(request{target: "/auth", header: http.Header{"Authorization": {token, token}}})
	assert.Equal(t, http.StatusUnauthorized, resp.status)
}

func TestBearerTokensAreNotAcceptedUnlessAsked(t *testing.T) {
	a := newApp(t, appOptions{})
	token := a.bearerOf(a.signedIn(kim).cookieHeader())
	resp := a.send(request{target: "/account", header: bearer(token)})
	assert.Equal(t, http.StatusUnauthorized, resp.status)
	assert.Empty(t, resp.header.Get("WWW-Authenticate"))
}

func TestACookiesTokenOfAnotherClientIsRefusedThoughBearerTokensOfItAreAccepted(t *testing.T) {
	a := guarded(t)
	a.fake.UpdatePerson(kim, func(p *authkittest.Person) { p.Claims = map[string]any{"client_id": "client_native"} })
	s := a.begin("/login")
	assert.Equal(t, http.StatusBadGateway, a.send(request{target: s.target(), cookie: s.cookie}).status)
}

func TestASignedOutSessionIsRefusedAsABearerTokenToo(t *testing.T) {
	a := guarded(t)
	cookie := a.signedIn(kim).cookieHeader()
	token := a.bearerOf(cookie)
	assert.Equal(t, http.StatusOK, a.send(request{target: "/auth", header: bearer(token)}).status)
	a.send(request{method: "POST", target: "/logout", cookie: cookie})
	assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/auth", header: bearer(token)}).status)
}

func TestAnUnknownKeyIsARefusalForABearerTokenAndAnOutageIsNot(t *testing.T) {
	a := guarded(t)
	a.signedIn(kim) // the keys are at hand
	for range 3 {
		stranger := guarded(t) // each has keys of its own
		resp := a.send(request{target: "/auth", header: bearer(stranger.nativeToken(nil))})
		assert.Equal(t, http.StatusUnauthorized, resp.status)
	}
	assert.Equal(t, 2, a.fake.Calls(authkittest.RouteJWKS), "the others come within the pause")

	fresh := newInstance(t, a.fake, a.clock, appOptions{authkit: bearerOptions()})
	a.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	resp := fresh.send(request{target: "/account", header: bearer(a.nativeToken(nil))})
	assert.Equal(t, http.StatusServiceUnavailable, resp.status)
	assert.NotEmpty(t, resp.header.Get("Retry-After"))
}

// A19: what a stranger sends is measured before it is decoded, and asks for no keys.
func TestABearerTokenWithALargeHeaderIsRefusedBeforeAnyWork(t *testing.T) {
	a := guarded(t)
	for name, value := range map[string]string{
		"nested": strings.Repeat("[", 5600) + strings.Repeat("]", 5600), "long": `"` + strings.Repeat("x", 10<<10) + `"`, "a little too long": `"` + strings.Repeat("x", 740) + `"`,
	} {
		header := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"RS256","kid":"key_made_up","x":%s}`, value))
		resp := a.send(request{target: "/auth", header: bearer(header + ".e30.AAAA")})
		assert.Equal(t, http.StatusUnauthorized, resp.status, name)
	}
	assert.Zero(t, a.fake.Calls(authkittest.RouteJWKS))
	assert.Contains(t, a.logs.String(), "header: want at most 1024 bytes")
}
