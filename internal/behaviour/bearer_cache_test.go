// Bearer tokens that come again: what is checked each time, and what is not.

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
	"github.com/authkit-go/authkit/resource"
)

// bearerApp is an application that accepts bearer tokens and caches them, also in the run of all tests without the cache. Its
// handler at /seen records the session that it got.
type bearerApp struct {
	*cachingApp
}

func newBearerApp(t testing.TB, opts ...authkit.Option) *bearerApp {
	return &bearerApp{newCachingApp(t, append(bearerOptions(), opts...)...)}
}

// sessionOf returns the session that a handler gets for a bearer token. It is nil if the token is refused.
func (b *bearerApp) sessionOf(token string) *authkit.Session {
	b.T.Helper()
	b.Send(Request{Target: "/seen", Header: Bearer(token)})
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seen[len(b.seen)-1]
}

// cachedToken returns a token of an hour that is in the cache: both requests got the same *Session.
func (b *bearerApp) cachedToken() (token string) {
	b.T.Helper()
	token = b.nativeToken(func(claims map[string]any) { claims["exp"] = b.Clock.Now().Add(time.Hour).Unix() })
	first, second := b.sessionOf(token), b.sessionOf(token)
	require.NotNil(b.T, first)
	require.Same(b.T, first, second)
	return token
}

// refusal returns the status of a guarded page for a bearer token, and the reason of a refusal.
func (b *bearerApp) refusal(token string) string {
	b.T.Helper()
	resp := b.Send(Request{Target: "/account", Header: Bearer(token)})
	_, reason, _ := strings.Cut(resp.Header.Get("WWW-Authenticate"), "error_description=")
	return strings.TrimSpace(fmt.Sprint(resp.Status, " ", strings.Trim(reason, `"`)))
}

func TestACachedBearerTokenIsTheSameSessionForTheMiddlewareAndVerifyToken(t *testing.T) {
	b := newBearerApp(t)
	token := b.cachedToken()
	s, err := b.VerifyToken(t.Context(), token)
	require.NoError(t, err)
	assert.Same(t, b.sessionOf(token), s)
	assert.Equal(t, token, s.AccessToken())
	assert.True(t, s.FromBearerToken())
}

// The signature of a token is checked for its exact text.
func TestATokenThatDiffersInOneCharacterFromACachedOneIsVerifiedAnew(t *testing.T) {
	b := newBearerApp(t)
	token := b.cachedToken()
	header, signature := strings.IndexByte(token, '.'), strings.LastIndexByte(token, '.')
	misses := b.Stats().Cache.Misses
	altered := []string{token[1:], token[:len(token)-1], token + "A", "A" + token, token + "=", token + ".", token[signature:], token[:header] + token[signature:]}
	for at := range token {
		if at < header || at > signature || at%16 == 0 {
			altered = append(altered, flipAt(token, at))
		}
	}
	for _, other := range altered {
		assert.Nil(t, b.sessionOf(other))
		_, err := b.VerifyToken(t.Context(), other)
		assert.ErrorIs(t, err, authkit.ErrUnauthenticated)
	}
	cache := b.Stats().Cache
	assert.EqualValues(t, 2*len(altered), cache.Misses-misses)
	assert.Equal(t, 1, cache.Entries)
	assert.NotNil(t, b.sessionOf(token))
}

func TestACachedBearerTokenExpiresAtTheInstantItWouldWithoutTheCache(t *testing.T) {
	b := newBearerApp(t)
	token := b.cachedToken()
	expiry := b.sessionOf(token).ExpiresAt()
	b.Clock.Set(expiry.Add(time.Minute - time.Nanosecond))
	assert.Equal(t, "200", b.refusal(token))
	b.Clock.Set(expiry.Add(time.Minute))
	assert.Equal(t, "401 The access token expired", b.refusal(token))
	b.Clock.Set(expiry.Add(time.Minute - time.Nanosecond))
	assert.Equal(t, "200", b.refusal(token), "the clock was set back")
	b.Clock.Set(expiry.Add(-time.Hour - time.Minute))
	assert.Equal(t, "200", b.refusal(token), "issued a minute from now")
	b.Clock.Set(expiry.Add(-time.Hour - time.Minute - time.Nanosecond))
	assert.Equal(t, "401 The access token is not accepted", b.refusal(token), "issued more than a minute from now")
	b.Clock.Set(expiry.Add(-time.Hour))
	assert.Equal(t, "200", b.refusal(token))
}

func TestACachedBearerTokenIsRefusedWhileItsSigningKeyIsWithdrawn(t *testing.T) {
	b := newBearerApp(t)
	token := b.cachedToken()
	published := b.publishedKeys()
	b.Fake.RotateSigningKeys()
	assert.Equal(t, "200", b.refusal(token), "this process has not seen the rotation yet")
	b.SignedIn(Kim) // its token has the new key, so that the keys are fetched
	assert.Equal(t, "401 The access token is not accepted", b.refusal(token))
	_, err := b.VerifyToken(t.Context(), token)
	assert.ErrorIs(t, err, authkit.ErrUnauthenticated)

	b.publish(published...)
	b.Clock.Advance(11 * time.Minute) // the keys are fetched behind a request
	before := b.Fake.Calls(authkittest.RouteJWKS)
	b.refusal(token)
	b.Fake.AwaitCalls(t, authkittest.RouteJWKS, before+1)
	require.Eventually(t, func() bool { return b.refusal(token) == "200" }, WaitTimeout, time.Millisecond, "the key is published again")
}

func TestACachedBearerTokenIsUnavailableWithoutUsableKeys(t *testing.T) {
	b := newBearerApp(t)
	token := b.nativeToken(func(claims map[string]any) { claims["exp"] = b.Clock.Now().Add(48 * time.Hour).Unix() })
	require.Equal(t, "200", b.refusal(token))
	b.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: http.StatusInternalServerError})
	b.Clock.Advance(24*time.Hour - time.Nanosecond)
	assert.Equal(t, "200", b.refusal(token))
	b.Clock.Advance(time.Nanosecond)
	assert.Equal(t, "503", b.refusal(token))
}

func TestACachedBearerTokenIsRefusedAfterTheEndOfItsSessionOrUser(t *testing.T) {
	for name, end := range map[string]func(b *bearerApp) error{
		"EndSession": func(b *bearerApp) error { return b.EndSession(b.T.Context(), "session_native") },
		"EndUser":    func(b *bearerApp) error { return b.EndUser(b.T.Context(), "user_kim") },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBearerApp(t)
			token := b.cachedToken()
			other := b.nativeToken(func(claims map[string]any) { claims["sub"], claims["sid"] = "user_lee", "session_other" })
			require.Equal(t, "200", b.refusal(other))
			_ = end(b) // the fake does not know the session
			for range 2 {
				assert.Equal(t, "401 The session has ended", b.refusal(token))
				assert.Equal(t, "200", b.refusal(other))
			}
		})
	}
}

// Nothing says when the session of a bearer token has begun. WorkOS issues no token for one that has ended, so a later time of issue
// is that of another clock.
func TestABearerTokenThatSeemsIssuedAfterTheEndOfItsSessionIsRefused(t *testing.T) {
	b := newBearerApp(t)
	_ = b.EndSession(t.Context(), "session_native") // the fake does not know the session
	b.Clock.Advance(2 * time.Minute)
	for range 2 {
		assert.Equal(t, "401 The session has ended", b.refusal(b.nativeToken(nil)))
	}
	assert.Equal(t, "200", b.refusal(b.nativeToken(func(claims map[string]any) { claims["sid"] = "session_other" })))
}

func TestACachedBearerTokenIsRefusedAfterAChangeOfRights(t *testing.T) {
	b := newBearerApp(t)
	token := b.cachedToken()
	b.Clock.Advance(2 * time.Second)
	require.NoError(t, b.RefreshUser(t.Context(), "user_kim"))
	assert.Equal(t, "200", b.refusal(token), "a change of the profile, which the token does not have")
	require.NoError(t, b.RefreshOrganization(t.Context(), "org_acme"))
	for range 2 {
		assert.Equal(t, "401 The rights of the user have changed since the access token was issued", b.refusal(token))
	}
}

// What is known of an end or a change is kept as long as the tokens that it concerns, also if only bearer tokens live so long.
func TestABearerTokenOfManyHoursStaysRefusedUntilItExpires(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(b *bearerApp) error
		want string
	}{
		"end of its user": {func(b *bearerApp) error { _ = b.EndUser(b.T.Context(), "user_kim"); return nil }, "401 The session has ended"},
		"change of its organization": {func(b *bearerApp) error { return b.RefreshOrganization(b.T.Context(), "org_acme") },
			"401 The rights of the user have changed since the access token was issued"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBearerApp(t)
			expiry := b.Clock.Now().Add(5 * time.Hour)
			token := b.nativeToken(func(claims map[string]any) { claims["exp"] = expiry.Unix() })
			require.Equal(t, "200", b.refusal(token))
			b.Clock.Advance(2 * time.Second)
			require.NoError(t, c.end(b))
			for range 4 {
				b.Clock.Advance(time.Hour)
				assert.Equal(t, c.want, b.refusal(token))
			}
			b.Clock.Set(expiry.Add(time.Minute - time.Nanosecond))
			assert.Equal(t, c.want, b.refusal(token), "at its last instant")
		})
	}
}

func TestACachedBearerTokenIsRefusedAfterASignOutAtAnotherInstance(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{AuthKit: append(bearerOptions(), authkit.WithSessionCache(100, 1<<20))})
	one, two := r.Instances[0], r.Instances[1]
	cookie := one.SignedIn(Kim).CookieHeader()
	token := one.bearerOf(cookie)
	for range 2 {
		require.Equal(t, http.StatusOK, two.Send(Request{Target: "/account", Header: Bearer(token)}).Status)
	}
	require.Equal(t, uint64(1), two.Stats().Cache.Hits)
	one.SignOut(t, cookie)
	r.settle(t)
	assert.Equal(t, http.StatusUnauthorized, two.Send(Request{Target: "/account", Header: Bearer(token)}).Status)
}

// A request with a bearer token alone must keep the log of the store followed.
func TestACachedBearerTokenFollowsTheLogAndIsUnavailablePastTheRevocationDeadline(t *testing.T) {
	r := NewReplicas(t, 1, AppOptions{AuthKit: append(bearerOptions(), authkit.WithSessionCache(100, 1<<20), authkit.WithRevocationDeadline(15*time.Second))})
	one := r.Instances[0]
	token := one.nativeToken(nil)
	status := func() int { return one.Send(Request{Target: "/account", Header: Bearer(token)}).Status }
	require.Equal(t, http.StatusOK, status())
	for range 20 { // an instance without requests stops after two minutes
		r.Clock.Advance(10 * time.Second)
		require.Equal(t, http.StatusOK, status())
		require.Equal(t, authkit.StoreConnected, one.Stats().Store.State)
	}
	r.Store.SetDown(true)
	r.Clock.Advance(15 * time.Second)
	readAt := one.Stats().Store.LogReadAt
	r.Clock.Set(readAt.Add(15 * time.Second))
	assert.Equal(t, http.StatusOK, status(), "within the deadline")
	r.Clock.Advance(time.Nanosecond)
	assert.Equal(t, http.StatusServiceUnavailable, status())
	r.Store.SetDown(false)
	r.settle(t)
	assert.Equal(t, http.StatusOK, status())
}

func TestRefusedBearerTokensAreNotCachedAndEvictNoEntry(t *testing.T) {
	b := newBearerApp(t, authkit.WithSessionCache(2, 1<<20))
	token := b.cachedToken()
	session := b.sessionOf(token)
	ended := b.nativeToken(func(claims map[string]any) { claims["sid"] = "session_ended" })
	_ = b.EndSession(t.Context(), "session_ended")
	for i := range testrun.Length(40, 200) {
		assert.Nil(t, b.sessionOf(fmt.Sprintf("%s%d", token, i)))
		assert.Nil(t, b.sessionOf(flipAt(token, len(token)-1-i)))
		assert.Nil(t, b.sessionOf(ended))
	}
	assert.Same(t, session, b.sessionOf(token))
	assert.Equal(t, 1, b.Stats().Cache.Entries)
	assert.Zero(t, b.Stats().Cache.Evictions)
}

func TestBearerTokensAndSessionsShareTheLimitsOfTheCache(t *testing.T) {
	b := newBearerApp(t, authkit.WithSessionCache(5, 1<<20))
	b.cachedCookie()
	for i := range 20 {
		require.NotNil(t, b.sessionOf(b.nativeToken(func(claims map[string]any) { claims["sid"] = fmt.Sprintf("session_%d", i) })))
		assert.LessOrEqual(t, b.Stats().Cache.Entries, 5)
	}
	assert.Equal(t, 5, b.Stats().Cache.Entries)
}

func TestWithoutTheCacheEveryBearerTokenIsVerified(t *testing.T) {
	b := newBearerApp(t, authkit.WithSessionCache(0, 0))
	token := b.nativeToken(nil)
	first, second := b.sessionOf(token), b.sessionOf(token)
	require.NotNil(t, first)
	assert.NotSame(t, first, second)
	assert.Zero(t, b.Stats().Cache)
}

// A cached text is what it was verified as. Each kind has its own checks.
func TestACachedTokenIsNoCookieAndACachedCookieIsNoToken(t *testing.T) {
	b := newBearerApp(t)
	token, cookie := b.cachedToken(), b.cachedCookie()
	name, text, _ := strings.Cut(cookie, "=")
	assert.Nil(t, b.sessionFor(name+"="+token))
	assert.Nil(t, b.sessionOf(text))
}

// A guard for tokens of Connect can be built at any time. A token of its issuer is then no session any more.
func TestACachedBearerTokenIsRefusedOnceAGuardAcceptsItsIssuerForTokensOfConnect(t *testing.T) {
	b := newBearerApp(t, authkit.WithAdditionalIssuers("https://shared.example.com", "https://other.example.com"), authkit.WithAudiences("mine"))
	of := func(issuer, sessionID string) string {
		return b.nativeToken(func(claims map[string]any) { claims["iss"], claims["sid"], claims["aud"] = issuer, sessionID, "mine" })
	}
	tokens := map[string]string{
		of("https://shared.example.com", "native_1"):  "401 The access token is not accepted",
		of("https://shared.example.com/", "native_2"): "401 The access token is not accepted",
		of("https://shared.example.com", "session_1"): "200",
		of("https://other.example.com", "native_1"):   "200",
	}
	for token := range tokens {
		for range 2 {
			require.Equal(t, "200", b.refusal(token))
		}
	}
	accept := func(issuer string) {
		api, err := resource.New(issuer, "https://api.example.com", resource.WithClock(b.Clock))
		require.NoError(t, err)
		b.Accept(authkit.ResourceTokens(api))
	}
	accept("https://shared.example.com")
	for range 3 {
		for token, want := range tokens {
			assert.Equal(t, want, b.refusal(token))
		}
	}
	accept("https://other.example.com")
	assert.Equal(t, "401 The access token is not accepted", b.refusal(of("https://other.example.com", "native_1")))
}

// The route itself lets the resource decide about such a token, although it was that of a session before.
func TestACachedBearerTokenIsVerifiedByAResourceWhoseGuardComesLater(t *testing.T) {
	b := newBearerApp(t)
	token := b.nativeToken(func(claims map[string]any) {
		claims["iss"], claims["sid"], claims["aud"] = b.Fake.URL(), "native_1", theAPI
	})
	for range 2 {
		require.Equal(t, "200", b.refusal(token))
	}
	api, err := resource.New(b.Fake.URL(), theAPI, resource.WithClock(b.Clock))
	require.NoError(t, err)
	b.Server.Config.Handler = b.Accept(authkit.Sessions(), authkit.ResourceTokens(api))(http.HandlerFunc(found))
	for range 2 {
		resp := b.Send(Request{Target: "/", Header: Bearer(token)})
		assert.Equal(t, `[token of "user_kim"][end]`, outcomeOf(resp))
	}
}

// The route finds the verifier of a token by its issuer, also for a token that is in the cache of sessions.
func TestAcceptLetsOneCredentialDecideAlsoForTokensThatComeAgain(t *testing.T) {
	c := newAcceptingApp(t, authkit.WithBearerTokens(), authkit.WithSessionCache(100, 1<<20))
	session, connect := c.Fake.BearerToken(lee), c.Fake.ResourceToken(lee, theAPI)
	for round := range 4 {
		for _, prefix := range []string{"/", "/bare/"} {
			for kinds, want := range map[string]byte{"S": 'b', "SR": 'b', "SKR": 'b', "R": 'i', "KR": 'i'} {
				resp := c.Send(Request{Target: prefix + kinds, Header: with(Scripted(), "Authorization", "Bearer "+session)})
				assert.Equal(t, outcomes[want], outcomeOf(resp), "%d: the session token at %s%s", round, prefix, kinds)
			}
			for kinds, want := range map[string]byte{"S": 'i', "SR": 't', "SKR": 't', "R": 't', "KR": 't'} {
				resp := c.Send(Request{Target: prefix + kinds, Header: with(Scripted(), "Authorization", "Bearer "+connect)})
				assert.Equal(t, outcomes[want], outcomeOf(resp), "%d: the token of Connect at %s%s", round, prefix, kinds)
			}
		}
	}
}

func TestConcurrentRequestsWithCachedTokensGetTheirOwnSessions(t *testing.T) {
	b := newBearerApp(t, authkit.WithSessionCache(3, 1<<20))
	var all sync.WaitGroup
	for i := range 6 {
		user := fmt.Sprintf("user_%d", i)
		token := b.nativeToken(func(claims map[string]any) { claims["sub"], claims["sid"] = user, "session_"+user })
		for range 3 {
			all.Go(func() {
				for range 50 {
					if s, err := b.VerifyToken(t.Context(), token); !assert.NoError(t, err) || !assert.Equal(t, user, s.UserID()) {
						return
					}
				}
			})
		}
	}
	all.Wait()
}
