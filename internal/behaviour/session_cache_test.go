// The checks of a cached session: expiry, timeouts, signing key, sign-out, cookie name and password.

package behaviour

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
)

// cachingApp is an application with a session cache. Its tokens live for an hour, longer than the signing keys stay fresh.
// seen holds the sessions that its handler at /seen got.
type cachingApp struct {
	*App
	mu   sync.Mutex
	seen []*authkit.Session // guarded by mu
}

func newCachingApp(t testing.TB, opts ...authkit.Option) *cachingApp {
	c := &cachingApp{}
	c.App = NewApp(t, AppOptions{
		AuthKit: append([]authkit.Option{authkit.WithSessionCache(100, 1<<20)}, opts...),
		Fake:    []authkittest.Option{authkittest.WithAccessTokenLifetime(time.Hour)},
		Routes: func(a *App, mux *http.ServeMux) {
			mux.HandleFunc("/seen", func(w http.ResponseWriter, r *http.Request) {
				s, _ := sessionOf(r)
				c.mu.Lock()
				defer c.mu.Unlock()
				c.seen = append(c.seen, s)
				fmt.Fprint(w, Visitor(r))
			})
		},
	})
	return c
}

// cachedCookie signs kim in and sends the cookie twice. Then the session is in the cache: both requests got the same *Session.
func (c *cachingApp) cachedCookie() (cookie string) {
	c.T.Helper()
	cookie = c.SignedIn(Kim).CookieHeader()
	first, second := c.sessionFor(cookie), c.sessionFor(cookie)
	require.NotNil(c.T, first)
	require.Same(c.T, first, second)
	return cookie
}

// sessionFor returns the session that a handler gets for a cookie. It is nil for an anonymous request.
func (c *cachingApp) sessionFor(cookie string) *authkit.Session {
	c.T.Helper()
	c.Send(Request{Target: "/seen", Cookie: cookie})
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[len(c.seen)-1]
}

func TestACachedSessionExpiresWithItsToken(t *testing.T) {
	c := newCachingApp(t)
	cookie := c.cachedCookie()
	c.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: http.StatusUnauthorized, Body: `{"message":"Unauthorized"}`})
	c.Clock.Advance(time.Hour + 59*time.Second)
	assert.Equal(t, http.StatusOK, c.Send(Request{Target: "/account", Cookie: cookie}).Status)
	c.Clock.Advance(time.Second)
	assert.Equal(t, http.StatusServiceUnavailable, c.Send(Request{Target: "/account", Cookie: cookie}).Status)
}

func TestACachedSessionExpiresWithTheConfiguredTimeouts(t *testing.T) {
	for name, limit := range map[string]authkit.Option{
		"absolute": authkit.WithAbsoluteTimeout(20 * time.Minute), "idle": authkit.WithIdleTimeout(20 * time.Minute),
	} {
		t.Run(name, func(t *testing.T) {
			c := newCachingApp(t, limit)
			cookie := c.cachedCookie()
			c.Clock.Advance(9 * time.Minute)
			assert.NotNil(t, c.sessionFor(cookie))
			c.Clock.Advance(11 * time.Minute)
			assert.Nil(t, c.sessionFor(cookie))
		})
	}
}

func TestACachedSessionIsRefreshedOnceItsSigningKeyIsWithdrawn(t *testing.T) {
	c := newCachingApp(t)
	cookie := c.cachedCookie()
	c.Fake.RotateSigningKeys()
	assert.NotNil(t, c.sessionFor(cookie), "this process has not seen the rotation yet")
	c.SignedIn("lee@example.com") // its token has the new key, so that the keys are fetched
	c.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: http.StatusUnauthorized, Body: `{"message":"Unauthorized"}`})
	assert.Nil(t, c.sessionFor(cookie), "the key is withdrawn")
	assert.Equal(t, http.StatusServiceUnavailable, c.Send(Request{Target: "/account", Cookie: cookie}).Status)
	c.Fake.ClearFault(authkittest.RouteRefresh)
	c.Clock.Advance(10 * time.Second)
	assert.NotNil(t, c.sessionFor(cookie), "the session is refreshed and not lost")
}

func TestACachedSessionIsServedWhileTheKeysAreFetchedInTheBackground(t *testing.T) {
	c := newCachingApp(t)
	cookie := c.cachedCookie()
	c.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: http.StatusInternalServerError})
	c.Clock.Advance(30 * time.Minute)
	assert.NotNil(t, c.sessionFor(cookie))
	c.Fake.AwaitCalls(t, authkittest.RouteJWKS, 2) // a cached session starts a fetch of the keys, too
}

func TestACachedSessionIsRefusedAfterASignOut(t *testing.T) {
	c := newCachingApp(t)
	cookie, other := c.cachedCookie(), c.SignedIn("lee@example.com").CookieHeader()
	c.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Scripted()})
	assert.Nil(t, c.sessionFor(cookie))
	assert.NotNil(t, c.sessionFor(other), "another session is still accepted")
	assert.NotNil(t, c.sessionFor(other))
}

// The cookies from before and after a refresh belong to the same session.
func TestEveryCachedCookieOfASessionIsRefusedAfterASignOut(t *testing.T) {
	c := newCachingApp(t)
	cookie := c.cachedCookie()
	c.Clock.Advance(time.Hour - 30*time.Second)
	refreshed := c.Send(Request{Target: "/seen", Cookie: cookie}).NewCookie(t)
	require.NotNil(t, c.sessionFor(refreshed))
	require.NotNil(t, c.sessionFor(refreshed))
	c.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Scripted()})
	assert.Nil(t, c.sessionFor(refreshed))
	assert.Nil(t, c.sessionFor(cookie))
}

// A refresh replaces the cookie. The new one is as much in use as the old one was, so sessions that are used once do not evict it.
func TestTheCookieOfARefreshTakesThePlaceOfTheOldOneInTheCache(t *testing.T) {
	c := newCachingApp(t, authkit.WithSessionCache(20, 1<<20))
	others := func() {
		for range 25 {
			c.SignedIn(lee) // one request follows the sign-in
		}
	}
	cookie := c.steadyCookie()
	others()
	require.Equal(t, "cached", c.outcomeOfCookie(cookie))
	c.Clock.Advance(time.Hour - 30*time.Second)
	refreshed := c.Send(Request{Target: "/seen", Cookie: cookie}).NewCookie(t)
	require.Equal(t, "verified", c.outcomeOfCookie(refreshed))
	others()
	assert.Equal(t, "cached", c.outcomeOfCookie(refreshed))
}

func TestACachedCookieDoesNotOpenWithAnotherPassword(t *testing.T) {
	c := newCachingApp(t)
	cookie := c.cachedCookie()
	other := NewInstance(t, c.Fake, c.Clock, AppOptions{AuthKit: []authkit.Option{authkit.WithCookiePassword(strings.Repeat("another-", 5))}})
	assert.Contains(t, other.Send(Request{Target: "/", Cookie: cookie}).Body, "anonymous")
	rotated := NewInstance(t, c.Fake, c.Clock, AppOptions{AuthKit: []authkit.Option{authkit.WithCookiePassword(strings.Repeat("another-", 5), Password)}})
	assert.Contains(t, rotated.Send(Request{Target: "/", Cookie: cookie}).Body, Kim)
	assert.NotNil(t, c.sessionFor(cookie))
}

func TestACachedCookieOpensOnlyUnderItsOwnName(t *testing.T) {
	c := newCachingApp(t, authkit.WithForeignSessions("former"))
	_, text, _ := strings.Cut(c.cachedCookie(), "=")
	for _, name := range []string{"former", "wos-session", "authkit-session.0", "authkit-session.1"} {
		s := c.sessionFor(name + "=" + text)
		assert.Equal(t, name == "authkit-session.0", s != nil, name) // the name of a chunk, but the whole value
	}
	for i := range len(text) {
		if i%97 == 0 {
			assert.Nil(t, c.sessionFor("authkit-session="+text[:i]+"A"+text[min(i+1, len(text)):]+"A"))
		}
	}
	assert.Nil(t, c.sessionFor("authkit-session=A"+text[1:]), "an equal end is not enough")
	assert.Nil(t, c.sessionFor("authkit-session="+text[1:]))
}

// Our own cookie does not open, and the cookie of another library beside it does. The cache must not take them for one.
func TestAnInvalidCookieIsNotCachedWithTheForeignSessionBesideIt(t *testing.T) {
	c := newCachingApp(t, authkit.WithForeignSessions())
	invalid, foreign := "authkit-session=invalid", "wos-session="+c.sealedByNextJS(Kim, nil)
	for range 2 {
		assert.NotNil(t, c.sessionFor(invalid+"; "+foreign))
		assert.NotNil(t, c.sessionFor(foreign))
	}
	assert.Nil(t, c.sessionFor(invalid))
}

// Such cookies have no one text that an entry could be found by.
func TestASessionAmongSeveralCookiesOfItsNameIsNotCached(t *testing.T) {
	c := newCachingApp(t)
	cookie, other := c.SignedIn(Kim).CookieHeader(), c.SignedIn(lee).CookieHeader()
	entries := c.Stats().Cache.Entries
	for range 2 {
		for user, cookies := range map[string]string{Kim: cookie + "; authkit-session=invalid", lee: "authkit-session=invalid; " + other} {
			s := c.sessionFor(cookies)
			require.NotNil(t, s)
			assert.Equal(t, user, s.User().Email)
			assert.Equal(t, "verified", c.outcomeOfCookie(cookies))
		}
	}
	assert.Equal(t, entries, c.Stats().Cache.Entries)
}

func TestASessionInChunksIsCached(t *testing.T) {
	c := newCachingApp(t)
	c.fillTokens(6000)
	cookie := c.cachedCookie()
	require.Equal(t, 3, strings.Count(cookie, "authkit-session."))
	parts := strings.Split(cookie, "; ")
	assert.Same(t, c.sessionFor(cookie), c.sessionFor(parts[2]+"; "+parts[0]+"; "+parts[1]))
	assert.Nil(t, c.sessionFor(parts[0]+"; "+parts[1]))
	assert.Nil(t, c.sessionFor(strings.Replace(cookie, parts[0], parts[0][:len(parts[0])-1], 1)))
}

func TestARefusedCookieIsNotCachedAndEvictsNoEntry(t *testing.T) {
	c := newCachingApp(t, authkit.WithSessionCache(2, 1<<20))
	cookie := c.cachedCookie()
	cached := c.sessionFor(cookie)
	name, text, _ := strings.Cut(cookie, "=")
	lee := c.SignedIn("lee@example.com").CookieHeader()
	c.Send(Request{Method: "POST", Target: "/logout", Cookie: lee, Header: Scripted()})
	for i := range testrun.Length(50, 500) {
		assert.Nil(t, c.sessionFor(fmt.Sprintf("%s=%s%d", name, text, i)))
		assert.Nil(t, c.sessionFor(lee))
	}
	assert.Same(t, cached, c.sessionFor(cookie))
}

func TestWithoutTheCacheEveryRequestIsVerified(t *testing.T) {
	c := newCachingApp(t, authkit.WithSessionCache(0, 0))
	cookie := c.SignedIn(Kim).CookieHeader()
	first, second := c.sessionFor(cookie), c.sessionFor(cookie)
	require.NotNil(t, first)
	assert.NotSame(t, first, second)
}

// Many requests share one cached session. What a handler does with its values must not change it.
func TestAHandlerCannotChangeACachedSession(t *testing.T) {
	c := newCachingApp(t)
	c.Fake.UpdateUser(Kim, func(p *authkittest.User) {
		p.Memberships[0].Roles = []string{"admin", "billing"}
		p.Claims = map[string]any{"tier": "gold"}
	})
	s := c.sessionFor(c.cachedCookie())
	for _, list := range [][]string{s.Roles(), s.Permissions(), s.Entitlements(), s.FeatureFlags()} {
		require.NotEmpty(t, list)
		list[0] = "root"
		_ = append(list[:0], "root", "root", "root")
	}
	user := s.User()
	user.Email, user.Metadata["plan"] = "root@example.com", "root"
	var claims map[string]any
	require.NoError(t, s.Claims(&claims))
	claims["tier"] = "root"
	var raw rawClaims
	require.NoError(t, s.Claims(&raw))
	copy(raw, strings.Repeat("x", len(raw)))

	assert.Equal(t, []string{"admin", "billing"}, s.Roles())
	assert.Equal(t, []string{"posts:read", "posts:write"}, s.Permissions())
	assert.False(t, s.HasRole("root") || s.HasPermission("root") || s.HasEntitlement("root") || s.HasFeatureFlag("root"))
	assert.Equal(t, Kim, s.User().Email)
	assert.Equal(t, "pro", s.User().Metadata["plan"])
	var again struct {
		Tier string `json:"tier"`
	}
	require.NoError(t, s.Claims(&again))
	assert.Equal(t, "gold", again.Tier)
}

// rawClaims keeps the bytes that UnmarshalJSON gets, without a copy.
type rawClaims []byte

func (r *rawClaims) UnmarshalJSON(data []byte) error {
	*r = data
	return nil
}

func TestConcurrentRequestsWithCachedCookiesGetTheirOwnSessions(t *testing.T) {
	c := newCachingApp(t, authkit.WithSessionCache(3, 1<<20))
	cookies := map[string]string{Kim: c.SignedIn(Kim).CookieHeader(), "lee@example.com": c.SignedIn("lee@example.com").CookieHeader()}
	for i := range 5 {
		email := fmt.Sprintf("user%d@example.com", i)
		c.Fake.AddUser(authkittest.User{Email: email})
		cookies[email] = c.SignedIn(email).CookieHeader()
	}
	var all sync.WaitGroup
	for email, cookie := range cookies {
		for range 4 {
			all.Go(func() {
				for range testrun.Length(5, 50) {
					resp, err := c.Do(Request{Target: "/", Cookie: cookie})
					if !assert.NoError(t, err) || !assert.Contains(t, resp.Body, email) {
						return
					}
				}
			})
		}
	}
	all.Wait()
}
