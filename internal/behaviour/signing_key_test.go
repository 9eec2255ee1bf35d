// Signing keys that are added, withdrawn and replaced, and the requests that may cause a fetch of the key set.

package behaviour

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// publishedKeys returns the key set that the fake publishes.
func (a *App) publishedKeys() (keys []map[string]any) {
	a.T.Helper()
	resp, err := http.Get(a.Fake.URL() + "/sso/jwks/" + a.Fake.ClientID())
	require.NoError(a.T, err)
	defer resp.Body.Close()
	var set struct{ Keys []map[string]any }
	require.NoError(a.T, json.NewDecoder(resp.Body).Decode(&set))
	return set.Keys
}

// publish replaces the published key set, until ClearFault restores it.
func (a *App) publish(keys ...map[string]any) {
	a.T.Helper()
	body, err := json.Marshal(map[string]any{"keys": keys})
	require.NoError(a.T, err)
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Body: string(body)})
}

// otherKey returns a public key with the given key ID. No private key belongs to it.
func otherKey(kid any) map[string]any {
	n := new(big.Int).Lsh(big.NewInt(1), 2047)
	n.SetBit(n, 0, 1)
	return map[string]any{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": base64.RawURLEncoding.EncodeToString(n.Bytes()), "e": "AQAB"}
}

// keyChanges is a log handler that notifies a test when the signing keys have changed.
type keyChanges chan struct{}

func (c keyChanges) option() authkit.Option { return authkit.WithLogger(slog.New(c)) }

func (c keyChanges) Enabled(context.Context, slog.Level) bool { return true }
func (c keyChanges) WithAttrs([]slog.Attr) slog.Handler       { return c }
func (c keyChanges) WithGroup(string) slog.Handler            { return c }
func (c keyChanges) Handle(_ context.Context, r slog.Record) error {
	if r.Message == keysChanged {
		c <- struct{}{}
	}
	return nil
}

// await advances the clock until the keys must be fetched again, and waits for the fetch. The key IDs of the new set must
// differ from those of the old one.
func (c keyChanges) await(a *App) {
	a.T.Helper()
	a.Clock.Advance(10 * time.Minute)
	require.NoError(a.T, a.Ready(a.T.Context()))
	select {
	case <-c:
	case <-time.After(WaitTimeout):
		require.FailNow(a.T, "the signing keys have not changed")
	}
}

// After the second fetch the key is another Go object, with the same key material.
func TestACachedSessionIsAcceptedAgainWhenItsSigningKeyReturns(t *testing.T) {
	changed := make(keyChanges, 8)
	c := newCachingApp(t, changed.option())
	cookie := c.cachedCookie()
	c.publish(otherKey("key_other"))
	changed.await(c.App)
	c.Fake.ClearFault(authkittest.RouteJWKS)
	changed.await(c.App)

	refreshes := c.Fake.Calls(authkittest.RouteRefresh)
	for range 2 {
		assert.Equal(t, http.StatusOK, c.Send(Request{Target: "/account", Cookie: cookie}).Status)
	}
	assert.Equal(t, refreshes, c.Fake.Calls(authkittest.RouteRefresh))
}

// The endpoint once serves another key under the same ID. The cached session is then refused, and its cookie is verified
// again with the current key set.
func TestACachedSessionWhoseKeyIsReplacedIsVerifiedAgain(t *testing.T) {
	changed := make(keyChanges, 8)
	c := newCachingApp(t, changed.option())
	cookie := c.cachedCookie()
	c.publish(otherKey(c.publishedKeys()[0]["kid"]), otherKey("key_other"))
	changed.await(c.App)
	c.Fake.ClearFault(authkittest.RouteJWKS)

	refreshes := c.Fake.Calls(authkittest.RouteRefresh)
	for range 2 {
		assert.Equal(t, http.StatusOK, c.Send(Request{Target: "/account", Cookie: cookie}).Status)
	}
	assert.Equal(t, refreshes, c.Fake.Calls(authkittest.RouteRefresh))
}

// unknownKeyRequest returns a request with a bearer token that names an unknown key ID.
func unknownKeyRequest(t *testing.T) Request {
	t.Helper()
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"key_unknown"}`))
	return Request{Target: "/auth", Header: Bearer(header + ".e30.AAAA")}
}

// The key set contains a key of an unsupported algorithm, and requests with an unknown key ID cause fetches of it.
func TestFetchesForAnUnknownKeyIDDoNotRepeatTheWarningAboutIgnoredKeys(t *testing.T) {
	a := newGuardedApp(t)
	a.publish(a.publishedKeys()[0], map[string]any{"kty": "EC", "crv": "P-256", "kid": "key_ec", "use": "sig", "alg": "ES256", "x": "AAAA", "y": "AAAA"})
	require.NoError(t, a.Ready(t.Context()))
	fetched := a.Fake.Calls(authkittest.RouteJWKS)
	for range 10 {
		a.Clock.Advance(31 * time.Second)
		require.Equal(t, http.StatusUnauthorized, a.Send(unknownKeyRequest(t)).Status)
	}
	require.Greater(t, a.Fake.Calls(authkittest.RouteJWKS), fetched)
	assert.Equal(t, 1, strings.Count(a.Logs.String(), "level=WARN"), a.Logs.String())
}

// A request with an unknown key ID causes a fetch just before a key rotation. The pause after that fetch must not apply to
// the new key.
func TestAnUnknownKeyIDDoesNotDelayTheKeyOfASessionCookie(t *testing.T) {
	a := newGuardedApp(t)
	a.SignedIn(Kim) // fetches the key set
	elsewhere := NewInstance(t, a.Fake, a.Clock, AppOptions{})
	require.Equal(t, http.StatusUnauthorized, a.Send(unknownKeyRequest(t)).Status)
	fetched := a.Fake.Calls(authkittest.RouteJWKS)
	a.Fake.RotateSigningKeys()
	s := elsewhere.StartSignIn("/login")
	cookie := elsewhere.Send(Request{Target: s.Target(), Cookie: s.Cookie}).NewCookie(t)

	for range 2 {
		assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/auth", Cookie: cookie}).Status)
	}
	assert.Equal(t, fetched+2, a.Fake.Calls(authkittest.RouteJWKS), "one fetch by each instance")
}

func TestAnUnknownKeyIDDoesNotDelayTheKeyOfASignIn(t *testing.T) {
	a := newGuardedApp(t)
	a.SignedIn(Kim)
	require.Equal(t, http.StatusUnauthorized, a.Send(unknownKeyRequest(t)).Status)
	a.Fake.RotateSigningKeys()
	s := a.StartSignIn("/login")
	resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie})
	require.Equal(t, http.StatusSeeOther, resp.Status)
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/auth", Cookie: resp.NewCookie(t)}).Status)
}

func TestAnUnknownKeyIDDoesNotDelayTheKeyOfARefresh(t *testing.T) {
	a := newGuardedApp(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	require.Equal(t, http.StatusUnauthorized, a.Send(unknownKeyRequest(t)).Status)
	a.Fake.RotateSigningKeys()
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/auth", Cookie: cookie}).Status)
}

// A cookie of a key that was withdrawn before this process started causes a fetch. The pause after that fetch must not apply
// to the key of a bearer token.
func TestAnUnknownKeyOfACookieDoesNotDelayTheKeyOfABearerToken(t *testing.T) {
	a := newGuardedApp(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Fake.RotateSigningKeys()
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: http.StatusUnauthorized, Body: `{"message":"Unauthorized"}`})
	fresh := NewInstance(t, a.Fake, a.Clock, AppOptions{
		AuthKit: []authkit.Option{authkit.WithBearerTokens("client_native")},
	})
	require.NoError(t, fresh.Ready(t.Context()))
	fetched := a.Fake.Calls(authkittest.RouteJWKS)
	require.Equal(t, http.StatusServiceUnavailable, fresh.Send(Request{Target: "/account", Cookie: cookie}).Status)
	require.Equal(t, fetched+1, a.Fake.Calls(authkittest.RouteJWKS), "the cookie causes a fetch")

	a.Fake.AddSigningKey()
	assert.Equal(t, http.StatusOK, fresh.Send(Request{Target: "/account", Header: Bearer(a.nativeToken(nil))}).Status)
}

// The issuer has replaced a key under the same ID, and this process still holds the old key.
func TestASignInSucceedsAfterAKeyIsReplacedUnderItsID(t *testing.T) {
	a := NewApp(t, AppOptions{})
	a.publish(otherKey(a.publishedKeys()[0]["kid"]))
	require.NoError(t, a.Ready(t.Context()))
	a.Fake.ClearFault(authkittest.RouteJWKS)

	s := a.StartSignIn("/login")
	resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie})
	require.Equal(t, http.StatusSeeOther, resp.Status)
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: resp.NewCookie(t)}).Status)
	assert.Equal(t, 3, a.Fake.Calls(authkittest.RouteJWKS), "the fetch of the test, the first of the process, and one for the signature")
}

// This process still holds another key under the ID of the key that signed the token.
func TestASessionCookieIsAcceptedAfterAKeyIsReplacedUnderItsID(t *testing.T) {
	a := NewApp(t, AppOptions{})
	cookie := a.SignedIn(Kim).CookieHeader()
	fresh := NewInstance(t, a.Fake, a.Clock, AppOptions{})
	a.publish(otherKey(a.publishedKeys()[0]["kid"]))
	require.NoError(t, fresh.Ready(t.Context()))
	a.Fake.ClearFault(authkittest.RouteJWKS)
	assert.Equal(t, http.StatusOK, fresh.Send(Request{Target: "/account", Cookie: cookie}).Status)
}

// A session whose token was signed by the replaced key is refreshed, like one of a withdrawn key.
func TestASessionOfAReplacedSigningKeyIsRefreshed(t *testing.T) {
	for name, cached := range map[string]authkit.Option{"cached": authkit.WithSessionCache(100, 1<<20), "not cached": authkit.WithSessionCache(0, 0)} {
		t.Run(name, func(t *testing.T) {
			changed := make(keyChanges, 8)
			c := newCachingApp(t, cached, changed.option())
			cookie := c.SignedIn(Kim).CookieHeader()
			require.NotNil(t, c.sessionFor(cookie))
			c.Fake.AddSigningKey() // the new key signs from now on
			keys := c.publishedKeys()
			c.publish(otherKey(keys[0]["kid"]), keys[1])
			changed.await(c.App)
			resp := c.Send(Request{Target: "/account", Cookie: cookie})
			assert.Equal(t, http.StatusOK, resp.Status)
			assert.NotEmpty(t, resp.SetCookies(t))
			assert.Equal(t, 1, c.Fake.Calls(authkittest.RouteRefresh))
		})
	}
}

// An attacker can send any signature under a known key ID.
func TestABearerTokenWithABadSignatureCausesNoFetch(t *testing.T) {
	a := newGuardedApp(t)
	token := a.nativeToken(nil)
	require.Equal(t, http.StatusOK, a.Send(Request{Target: "/auth", Header: Bearer(token)}).Status)
	fetched := a.Fake.Calls(authkittest.RouteJWKS)
	for range 3 {
		segments := strings.Split(token, ".")
		resp := a.Send(Request{Target: "/auth", Header: Bearer(segments[0] + "." + segments[1] + "." + flip(segments[2]))})
		assert.Equal(t, http.StatusUnauthorized, resp.Status)
		a.Clock.Advance(31 * time.Second)
	}
	assert.Equal(t, fetched, a.Fake.Calls(authkittest.RouteJWKS))
}

// An attacker replays an old cookie during a key rotation. No fetch for its key may delay the fetch for the new key.
func TestAnOldCookieOfAWithdrawnKeyDoesNotDelayTheKeyOfASignIn(t *testing.T) {
	for _, signedOut := range []bool{false, true} {
		t.Run(map[bool]string{false: "a cookie that was not signed out", true: "a cookie that was signed out"}[signedOut], func(t *testing.T) {
			changed := make(keyChanges, 16)
			a := NewApp(t, AppOptions{AuthKit: []authkit.Option{changed.option()}})
			old := a.SignedIn(Kim).CookieHeader()
			if signedOut {
				a.Send(Request{Method: "POST", Target: "/logout", Cookie: old})
			}
			a.Clock.Advance(time.Minute)
			a.Fake.RotateSigningKeys() // withdraws the key of the old cookie
			changed.await(a)
			a.Clock.Advance(time.Minute)

			fetched := a.Fake.Calls(authkittest.RouteJWKS)
			a.Send(Request{Target: "/", Cookie: old})
			assert.Equal(t, fetched, a.Fake.Calls(authkittest.RouteJWKS), "the old cookie causes no fetch")
			a.Fake.RotateSigningKeys()
			for i := range 3 {
				s := a.StartSignIn("/login")
				resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
				assert.Equal(t, http.StatusSeeOther, resp.Status, "sign-in %d", i)
				a.Clock.Advance(9 * time.Second)
			}
		})
	}
}

// The new cookie comes from another instance, which has the new key.
func TestAnOldCookieOfAWithdrawnKeyDoesNotDelayTheKeyOfANewCookie(t *testing.T) {
	changed := make(keyChanges, 16)
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{changed.option()}})
	old := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(time.Minute)
	a.Fake.RotateSigningKeys()
	changed.await(a)
	a.Clock.Advance(time.Minute)
	elsewhere := NewInstance(t, a.Fake, a.Clock, AppOptions{})
	a.Send(Request{Target: "/", Cookie: old})
	a.Fake.RotateSigningKeys()
	s := elsewhere.StartSignIn("/login")
	cookie := elsewhere.Send(Request{Target: s.Target(), Cookie: s.Cookie}).NewCookie(t)
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: cookie}).Status)
}
