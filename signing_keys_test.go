// Signing keys that come, go and come back, and who may cause a fetch of them.

package authkit_test

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

// published is the key set that the fake publishes.
func (a *app) published() (keys []map[string]any) {
	a.t.Helper()
	resp, err := http.Get(a.fake.URL() + "/sso/jwks/" + a.fake.ClientID())
	require.NoError(a.t, err)
	defer resp.Body.Close()
	var set struct{ Keys []map[string]any }
	require.NoError(a.t, json.NewDecoder(resp.Body).Decode(&set))
	return set.Keys
}

// publish replaces the key set until the route is healed.
func (a *app) publish(keys ...map[string]any) {
	a.t.Helper()
	body, err := json.Marshal(map[string]any{"keys": keys})
	require.NoError(a.t, err)
	a.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Body: string(body)})
}

// otherKey is a key to which no private key exists, under the ID given.
func otherKey(kid any) map[string]any {
	n := new(big.Int).Lsh(big.NewInt(1), 2047)
	n.SetBit(n, 0, 1)
	return map[string]any{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": base64.RawURLEncoding.EncodeToString(n.Bytes()), "e": "AQAB"}
}

// keyChanges is a log of which a test hears that the signing keys have changed.
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

// await lets the keys of an application grow old and be fetched again. The set
// that it gets has to differ in its key IDs.
func (c keyChanges) await(a *app) {
	a.t.Helper()
	a.clock.Advance(10 * time.Minute)
	require.NoError(a.t, a.Ready(a.t.Context()))
	select {
	case <-c:
	case <-time.After(patience):
		require.FailNow(a.t, "the keys have not changed")
	}
}

// A3: the next fetch brings the key again, as another object.
func TestAKnownCookieServesAgainOnceItsSigningKeyIsBack(t *testing.T) {
	changed := make(keyChanges, 8)
	c := newCaching(t, changed.option())
	cookie := c.known()
	c.publish(otherKey("key_other"))
	changed.await(c.app)
	c.fake.Heal(authkittest.RouteJWKS)
	changed.await(c.app)

	refreshes := c.fake.Calls(authkittest.RouteRefresh)
	for range 2 {
		assert.Equal(t, http.StatusOK, c.send(request{target: "/account", cookie: cookie}).status)
	}
	assert.Equal(t, refreshes, c.fake.Calls(authkittest.RouteRefresh))
}

// A3: the endpoint served another key under the ID once. The cached session is refused then, and looked at afresh.
func TestAKnownCookieThatIsRefusedIsLookedAtAfresh(t *testing.T) {
	changed := make(keyChanges, 8)
	c := newCaching(t, changed.option())
	cookie := c.known()
	c.publish(otherKey(c.published()[0]["kid"]), otherKey("key_other"))
	changed.await(c.app)
	c.fake.Heal(authkittest.RouteJWKS)

	refreshes := c.fake.Calls(authkittest.RouteRefresh)
	for range 2 {
		assert.Equal(t, http.StatusOK, c.send(request{target: "/account", cookie: cookie}).status)
	}
	assert.Equal(t, refreshes, c.fake.Calls(authkittest.RouteRefresh))
}

// strangersKey is a bearer token under a key ID that is made up.
func strangersKey(t *testing.T) request {
	t.Helper()
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"key_made_up"}`))
	return request{target: "/auth", header: bearer(header + ".e30.AAAA")}
}

// A6: a stranger's fetch of a set that holds a key which cannot be used.
func TestAStrangersMadeUpKeyCausesNoWarningAboutIgnoredKeys(t *testing.T) {
	a := guarded(t)
	a.publish(a.published()[0], map[string]any{"kty": "EC", "crv": "P-256", "kid": "key_ec", "use": "sig", "alg": "ES256", "x": "AAAA", "y": "AAAA"})
	require.NoError(t, a.Ready(t.Context()))
	fetched := a.fake.Calls(authkittest.RouteJWKS)
	for range 10 {
		a.clock.Advance(31 * time.Second)
		require.Equal(t, http.StatusUnauthorized, a.send(strangersKey(t)).status)
	}
	require.Greater(t, a.fake.Calls(authkittest.RouteJWKS), fetched)
	assert.Equal(t, 1, strings.Count(a.logs.String(), "level=WARN"), a.logs.String())
}

// A6: a stranger's fetch just before a rotation.
func TestAStrangersMadeUpKeyCostsNoCookieItsSession(t *testing.T) {
	a := guarded(t)
	a.signedIn(kim) // the keys are at hand
	elsewhere := newInstance(t, a.fake, a.clock, appOptions{})
	require.Equal(t, http.StatusUnauthorized, a.send(strangersKey(t)).status)
	fetched := a.fake.Calls(authkittest.RouteJWKS)
	a.fake.RotateKeys()
	s := elsewhere.begin("/login")
	cookie := elsewhere.send(request{target: s.target(), cookie: s.cookie}).newCookie(t)

	for range 2 {
		assert.Equal(t, http.StatusOK, a.send(request{target: "/auth", cookie: cookie}).status)
	}
	assert.Equal(t, fetched+2, a.fake.Calls(authkittest.RouteJWKS), "one by each instance")
}

func TestAStrangersMadeUpKeyCostsASignInNoCode(t *testing.T) {
	a := guarded(t)
	a.signedIn(kim)
	require.Equal(t, http.StatusUnauthorized, a.send(strangersKey(t)).status)
	a.fake.RotateKeys()
	s := a.begin("/login")
	resp := a.send(request{target: s.target(), cookie: s.cookie})
	require.Equal(t, http.StatusSeeOther, resp.status)
	assert.Equal(t, http.StatusOK, a.send(request{target: "/auth", cookie: resp.newCookie(t)}).status)
}

func TestAStrangersMadeUpKeyCostsARefreshNothing(t *testing.T) {
	a := guarded(t)
	cookie := a.signedIn(kim).cookieHeader()
	a.expireToken(2 * time.Minute)
	require.Equal(t, http.StatusUnauthorized, a.send(strangersKey(t)).status)
	a.fake.RotateKeys()
	assert.Equal(t, http.StatusOK, a.send(request{target: "/auth", cookie: cookie}).status)
}

// A6, the other way round: a cookie of a key that was withdrawn before this process started.
func TestACookieOfAnUnknownKeyCostsNoBearerTokenItsFetch(t *testing.T) {
	a := guarded(t)
	cookie := a.signedIn(kim).cookieHeader()
	a.fake.RotateKeys()
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Status: http.StatusUnauthorized, Body: `{"message":"Unauthorized"}`})
	fresh := newInstance(t, a.fake, a.clock, appOptions{
		authkit: []authkit.Option{authkit.WithBearerTokens("client_native")},
	})
	require.NoError(t, fresh.Ready(t.Context()))
	fetched := a.fake.Calls(authkittest.RouteJWKS)
	require.Equal(t, http.StatusServiceUnavailable, fresh.send(request{target: "/account", cookie: cookie}).status)
	require.Equal(t, fetched+1, a.fake.Calls(authkittest.RouteJWKS), "the cookie's key was asked for")

	a.fake.AddKey()
	assert.Equal(t, http.StatusOK, fresh.send(request{target: "/account", header: bearer(a.nativeToken(nil))}).status)
}

// B16: the key set has changed a key under the same ID, and what is at hand is from before.
func TestASignInWorksThoughAKeyWasReplacedUnderItsID(t *testing.T) {
	a := newApp(t, appOptions{})
	a.publish(otherKey(a.published()[0]["kid"]))
	require.NoError(t, a.Ready(t.Context()))
	a.fake.Heal(authkittest.RouteJWKS)

	s := a.begin("/login")
	resp := a.send(request{target: s.target(), cookie: s.cookie})
	require.Equal(t, http.StatusSeeOther, resp.status)
	assert.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: resp.newCookie(t)}).status)
	assert.Equal(t, 3, a.fake.Calls(authkittest.RouteJWKS), "the test's own, the first and one for the signature")
}

// B16: a cookie whose token was signed by a key that this process does not have yet.
func TestACookieWorksThoughAKeyWasReplacedUnderItsID(t *testing.T) {
	a := newApp(t, appOptions{})
	cookie := a.signedIn(kim).cookieHeader()
	fresh := newInstance(t, a.fake, a.clock, appOptions{})
	a.publish(otherKey(a.published()[0]["kid"]))
	require.NoError(t, fresh.Ready(t.Context()))
	a.fake.Heal(authkittest.RouteJWKS)
	assert.Equal(t, http.StatusOK, fresh.send(request{target: "/account", cookie: cookie}).status)
}

// B16: a session that the replaced key signed is stale, as one of any key that is withdrawn.
func TestASessionOfAKeyThatWasReplacedUnderItsIDIsRefreshed(t *testing.T) {
	for name, cached := range map[string]authkit.Option{"cached": authkit.WithSessionCache(100, 1<<20), "not cached": authkit.WithSessionCache(0, 0)} {
		t.Run(name, func(t *testing.T) {
			changed := make(keyChanges, 8)
			c := newCaching(t, cached, changed.option())
			cookie := c.signedIn(kim).cookieHeader()
			require.NotNil(t, c.see(cookie))
			c.fake.AddKey() // which signs from now on
			keys := c.published()
			c.publish(otherKey(keys[0]["kid"]), keys[1])
			changed.await(c.app)
			resp := c.send(request{target: "/account", cookie: cookie})
			assert.Equal(t, http.StatusOK, resp.status)
			assert.NotEmpty(t, resp.setCookies(t))
			assert.Equal(t, 1, c.fake.Calls(authkittest.RouteRefresh))
		})
	}
}

// B16: strangers can write any signature under a known key ID.
func TestABearerTokenWithABadSignatureCausesNoFetch(t *testing.T) {
	a := guarded(t)
	token := a.nativeToken(nil)
	require.Equal(t, http.StatusOK, a.send(request{target: "/auth", header: bearer(token)}).status)
	fetched := a.fake.Calls(authkittest.RouteJWKS)
	for range 3 {
		segments := strings.Split(token, ".")
		resp := a.send(request{target: "/auth", header: bearer(segments[0] + "." + segments[1] + "." + flip(segments[2]))})
		assert.Equal(t, http.StatusUnauthorized, resp.status)
		a.clock.Advance(31 * time.Second)
	}
	assert.Equal(t, fetched, a.fake.Calls(authkittest.RouteJWKS))
}

// A6: somebody replays an old cookie for ever, and a rotation comes.
func TestAnOldCookieOfAWithdrawnKeyCostsNoSignInItsCode(t *testing.T) {
	for _, signedOut := range []bool{false, true} {
		t.Run(map[bool]string{false: "one that is good still", true: "one that was signed out"}[signedOut], func(t *testing.T) {
			changed := make(keyChanges, 16)
			a := newApp(t, appOptions{authkit: []authkit.Option{changed.option()}})
			old := a.signedIn(kim).cookieHeader()
			if signedOut {
				a.send(request{method: "POST", target: "/logout", cookie: old})
			}
			a.clock.Advance(time.Minute)
			a.fake.RotateKeys() // the old cookie's key is withdrawn
			changed.await(a)
			a.clock.Advance(time.Minute)

			fetched := a.fake.Calls(authkittest.RouteJWKS)
			a.send(request{target: "/", cookie: old})
			assert.Equal(t, fetched, a.fake.Calls(authkittest.RouteJWKS), "the old cookie causes no fetch")
			a.fake.RotateKeys()
			for i := range 3 {
				s := a.begin("/login")
				resp := a.send(request{target: s.target(), cookie: s.cookie, header: navigation()})
				assert.Equal(t, http.StatusSeeOther, resp.status, "sign-in %d", i)
				a.clock.Advance(9 * time.Second)
			}
		})
	}
}

// The same for the cookies that another instance has made since the rotation.
func TestAnOldCookieOfAWithdrawnKeyCostsNoNewCookieItsAnswer(t *testing.T) {
	changed := make(keyChanges, 16)
	a := newApp(t, appOptions{authkit: []authkit.Option{changed.option()}})
	old := a.signedIn(kim).cookieHeader()
	a.clock.Advance(time.Minute)
	a.fake.RotateKeys()
	changed.await(a)
	a.clock.Advance(time.Minute)
	elsewhere := newInstance(t, a.fake, a.clock, appOptions{})
	a.send(request{target: "/", cookie: old})
	a.fake.RotateKeys()
	s := elsewhere.begin("/login")
	cookie := elsewhere.send(request{target: s.target(), cookie: s.cookie}).newCookie(t)
	assert.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: cookie}).status)
}
