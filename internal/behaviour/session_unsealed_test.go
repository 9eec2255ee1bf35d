// Shared sessions in cookies without a seal. Any client can write such a cookie, so only the signed token in it counts.

package behaviour

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
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

// unsealedCookie returns the Cookie header of a session of kim as the newer JavaScript libraries write it. change has
// further members.
func unsealedCookie(token, refreshToken string, change object) (cookie string) {
	session := object{"accessToken": token, "refreshToken": refreshToken, "user": object{"object": "user", "id": "user_kim", "email": Kim}}
	maps.Copy(session, change)
	return "wos-session=" + strings.ReplaceAll(url.QueryEscape(marshal(session)), "+", "%20") // encodeURIComponent
}

// unsealedSession signs a user in and returns the members of the session.
func (n Neighbour) unsealedSession(email string) (cookie string, session map[string]any) {
	session = n.Read(n.app.SignedIn(email).CookieHeader())
	return unsealedCookie(session["accessToken"].(string), session["refreshToken"].(string), object{"user": session["user"]}), session
}

// seen is what a handler sees of a session.
type seen struct {
	ID, Email, Method, Impersonator string
	HasProfile                      bool
}

func newUnsealedApp(t *testing.T, opts ...authkit.Option) *App {
	return NewApp(t, AppOptions{AuthKit: append([]authkit.Option{authkit.WithSharedSession()}, opts...), Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/seen", a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, _ := sessionOf(r)
			_, hasProfile := s.Profile()
			impersonator, _ := s.Impersonator()
			json.NewEncoder(w).Encode(seen{s.User().ID, s.User().Email, s.AuthenticationMethod(), impersonator.Email, hasProfile})
		})))
	}})
}

func (a *App) seen(resp Response) (s seen) {
	a.T.Helper()
	require.Equal(a.T, http.StatusOK, resp.Status, resp.Body)
	require.NoError(a.T, json.Unmarshal([]byte(resp.Body), &s))
	return s
}

func TestAnUnsealedSessionHasNoProfileUntilItIsRefreshedAndSealed(t *testing.T) {
	a := newUnsealedApp(t)
	n := a.Neighbour()
	cookie, before := n.unsealedSession(Kim)
	resp := a.Send(Request{Target: "/seen", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, seen{ID: "user_kim"}, a.seen(resp))
	assert.Empty(t, resp.SetCookies(t), "a fresh session is left unchanged")

	a.ExpireToken(time.Minute)
	resp = a.Send(Request{Target: "/seen", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, seen{ID: "user_kim", Email: Kim, Method: "Password", HasProfile: true}, a.seen(resp))
	sealed := resp.sharedCookie(t)
	require.Regexp(t, `^wos-session=Fe26\.2\*.*~2$`, sealed, "the libraries that write no seal still read it")
	after := n.Read(sealed)
	assert.NotEqual(t, before["refreshToken"], after["refreshToken"])
	assert.Equal(t, Kim, after["user"].(map[string]any)["email"])
	assert.Equal(t, Kim, a.seen(a.Send(Request{Target: "/seen", Cookie: sealed, Header: Scripted()})).Email)
}

// The neighbour writes plain JSON at each of its refreshes.
func TestAnUnsealedSessionCanBeRefreshedByEitherApplicationInTurn(t *testing.T) {
	a := newUnsealedApp(t)
	n := a.Neighbour()
	cookie := a.SignedIn(Kim).CookieHeader()
	for round := range 3 {
		a.ExpireToken(time.Minute)
		session := n.Read(n.refresh(cookie, ""))
		cookie = unsealedCookie(session["accessToken"].(string), session["refreshToken"].(string), nil)
		require.Equal(t, "user_kim", a.visitor(cookie), "round %d", round)
		a.ExpireToken(time.Minute)
		resp := a.Send(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()})
		require.Equal(t, Kim, a.visitorOf(resp), "round %d", round)
		cookie = resp.sharedCookie(t)
	}
	assert.Equal(t, 6, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestRefreshGetsTheProfileOfAnUnsealedSessionAtOnce(t *testing.T) {
	a := newUnsealedApp(t)
	a.Mux.HandleFunc("POST /profile", func(w http.ResponseWriter, r *http.Request) {
		s, err := a.Refresh(w, r)
		require.NoError(t, err)
		user, _ := s.Profile()
		w.Write([]byte(user.Email))
	})
	cookie, _ := a.Neighbour().unsealedSession(Kim)
	resp := a.Send(Request{Method: "POST", Target: "/profile", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, Kim, resp.Body)
	assert.Regexp(t, "~2$", resp.sharedCookie(t))
}

// What the user of a cookie has invented must not become genuine by the seal of the next refresh either.
func TestWhatAnUnsealedSessionInventsIsNeitherShownNorSealed(t *testing.T) {
	a := newUnsealedApp(t)
	n := a.Neighbour()
	_, session := n.unsealedSession(lee)
	cookie := unsealedCookie(session["accessToken"].(string), session["refreshToken"].(string), object{
		"user":                 object{"id": "user_lee", "email": "forged@example.com", "emailVerified": true, "metadata": object{"plan": "forged"}, "theme": "forged"},
		"impersonator":         object{"email": "forged@example.com"},
		"authenticationMethod": "Forged", "organizationId": "org_forged", "theme": "forged",
		"authkit": object{"signedInAt": "2099-01-01T00:00:00.000Z", "renewedAt": "2099-01-01T00:00:00.000Z"},
	})
	assert.Equal(t, seen{ID: "user_lee"}, a.seen(a.Send(Request{Target: "/seen", Cookie: cookie, Header: Scripted()})))
	a.ExpireToken(time.Minute)
	resp := a.Send(Request{Target: "/seen", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, seen{ID: "user_lee", Email: lee, Method: "Password", HasProfile: true}, a.seen(resp))
	sealed := marshal(n.Read(resp.sharedCookie(t)))
	assert.NotContains(t, strings.ToLower(sealed), "forged")
	assert.NotContains(t, sealed, "2099")
}

func TestAnUnsealedSessionIsRefusedWithoutASharedSession(t *testing.T) {
	for name, opts := range map[string][]authkit.Option{
		"by default":            nil,
		"with foreign sessions": {authkit.WithForeignSessions()},
		"of our own name":       {authkit.WithCookieName("sid")},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{AuthKit: opts})
			token := a.Fake.SignToken(map[string]any{"iss": a.Fake.Issuer(), "sub": "user_kim", "sid": "session_1", "client_id": a.Fake.ClientID(),
				"exp": a.Clock.Now().Add(time.Hour).Unix()})
			cookie := unsealedCookie(token, "r", nil)
			for _, name := range []string{"wos-session", "authkit-session", "sid"} {
				a.checkAnonymous(strings.Replace(cookie, "wos-session", name, 1))
			}
			assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))
		})
	}
}

func TestAProfileOfAnotherUserMakesAnUnsealedSessionAnonymous(t *testing.T) {
	a := newUnsealedApp(t)
	_, session := a.Neighbour().unsealedSession(Kim)
	for name, user := range map[string]any{"another user": object{"id": "user_lee"}, "no ID": object{}, "null": nil} {
		t.Run(name, func(t *testing.T) {
			a.checkAnonymous(unsealedCookie(session["accessToken"].(string), "r", object{"user": user}))
			assert.False(t, a.hasWarning(), "any client can send it: %s", a.Logs.String())
		})
	}
}

// A client can invent the key ID. It must not take an instance out of rotation, alert an operator or use up the allowance
// of the tokens that WorkOS returns.
func TestAnInventedUnsealedSessionCausesNeitherA5xxNorAWarningNorAnExchange(t *testing.T) {
	a := newUnsealedApp(t)
	n := a.Neighbour()
	good, session := n.unsealedSession(Kim)
	foreign := authkittest.New(t, authkittest.WithClock(a.Clock))
	require.Equal(t, "user_kim", a.visitor(good))
	valid := session["accessToken"].(string)
	tokens := []string{valid[:len(valid)-40] + strings.Repeat("A", 40)} // an invalid signature
	for i := range 3 {
		foreign.RotateSigningKeys()
		tokens = append(tokens, foreign.SignToken(map[string]any{"iss": a.Fake.Issuer(), "sub": "user_kim", "sid": fmt.Sprint("session_", i),
			"client_id": a.Fake.ClientID(), "exp": a.Clock.Now().Add(time.Hour).Unix()}))
	}
	for i, token := range tokens {
		for _, q := range []Request{{Target: "/account"}, {Target: "/api/me"}, {Method: "POST", Target: "/logout"}} {
			q.Cookie, q.Header = unsealedCookie(token, fmt.Sprint("r", i), nil), Scripted()
			assert.Less(t, a.Send(q).Status, 500, q.Target)
		}
	}
	assert.False(t, a.hasWarning(), a.Logs.String())
	assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))
	assert.Zero(t, a.Fake.Calls(authkittest.RouteRevokeSession))
	fetches := a.Fake.Calls(authkittest.RouteJWKS)
	a.Fake.RotateSigningKeys()
	session["accessToken"] = a.Fake.SignToken(map[string]any{"iss": a.Fake.Issuer(), "sub": "user_kim", "sid": "session_1",
		"client_id": a.Fake.ClientID(), "exp": a.Clock.Now().Add(time.Hour).Unix()})
	assert.Equal(t, Kim, a.visitor(n.Write(session)), "a sealed session still gets the new key")
	assert.Equal(t, fetches+1, a.Fake.Calls(authkittest.RouteJWKS))
}

func TestAnUnsealedSessionIsUnavailableWhileTheKeysAre(t *testing.T) {
	a := newUnsealedApp(t)
	cookie, _ := a.Neighbour().unsealedSession(Kim)
	other := NewInstance(t, a.Fake, a.Clock, AppOptions{AuthKit: []authkit.Option{authkit.WithSharedSession()}})
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 503})
	assert.Equal(t, http.StatusServiceUnavailable, other.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()}).Status)
	resp := other.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.Status)
	assert.Negative(t, resp.SetCookies(t)["wos-session"].MaxAge)
}

func TestAnUnsealedSessionIsSignedOutAlsoAfterItsExpiry(t *testing.T) {
	for name, beyond := range map[string]time.Duration{"valid": 0, "expired": 10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			a := newUnsealedApp(t)
			cookie, session := a.Neighbour().unsealedSession(Kim)
			a.Clock.Advance(beyond)
			resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()})
			require.Equal(t, http.StatusSeeOther, resp.Status)
			assert.Contains(t, resp.Header.Get("Location"), "session_id="+a.SessionID())
			assert.Negative(t, resp.SetCookies(t)["wos-session"].MaxAge)
			// A copy with an invented time of a later sign-in is refused too.
			copied := unsealedCookie(session["accessToken"].(string), session["refreshToken"].(string),
				object{"authkit": object{"signedInAt": "2099-01-01T00:00:00.000Z", "renewedAt": "2099-01-01T00:00:00.000Z"}})
			a.checkAnonymous(copied)
		})
	}
}

// A client can write another session's refresh token beside its own access token.
func TestARefreshTokenOfAnotherSessionNeverMakesAnUnsealedSessionThatOne(t *testing.T) {
	for name, c := range map[string]struct {
		user, id string // of the client
		used     bool   // the refresh token was exchanged here before
	}{
		"of another user, used here before":  {lee, "user_lee", true},
		"of another user, not used":          {lee, "user_lee", false},
		"of the same user, used here before": {Kim, "user_kim", true},
		"of the same user, not used":         {Kim, "user_kim", false},
	} {
		t.Run(name, func(t *testing.T) {
			a := newUnsealedApp(t)
			n := a.Neighbour()
			_, attacker := n.unsealedSession(c.user)
			victimCookie := a.SignedIn(Kim).CookieHeader()
			victim := n.Read(victimCookie)
			a.ExpireToken(time.Minute)
			if c.used {
				require.Equal(t, Kim, a.visitor(victimCookie))
			}
			mixed := unsealedCookie(attacker["accessToken"].(string), victim["refreshToken"].(string), object{"user": object{"id": c.id}})
			for range 2 {
				resp := a.Send(Request{Target: "/api/me", Cookie: mixed, Header: Scripted()})
				assert.Empty(t, a.visitorOf(resp))
				assert.Empty(t, resp.SetCookies(t))
			}
		})
	}
}

// An expired token may have leaked. It must not end the session that it names.
func TestARefusedRefreshTokenDoesNotEndTheSessionOfAnUnsealedToken(t *testing.T) {
	var ended []string
	a := newUnsealedApp(t, authkit.WithOnSignOut(func(_ context.Context, e authkit.SignOutEvent) { ended = append(ended, e.Session.ID()) }))
	victimCookie := a.SignedIn(Kim).CookieHeader()
	leaked := a.Neighbour().Read(victimCookie)["accessToken"].(string)
	dead := a.Neighbour().Read(a.SignedIn(lee).CookieHeader())
	a.Fake.RevokeSession(a.SessionID())
	a.ExpireToken(2 * time.Minute)
	require.Empty(t, a.visitor(a.Neighbour().Write(dead))) // its end is remembered here
	require.Len(t, ended, 1)
	for name, refreshToken := range map[string]string{"an invented one": "invented", "one of an ended session": dead["refreshToken"].(string)} {
		resp := a.Send(Request{Target: "/api/me", Cookie: unsealedCookie(leaked, refreshToken, nil), Header: Scripted()})
		assert.Empty(t, a.visitorOf(resp), name)
		assert.Empty(t, resp.SetCookies(t), name)
	}
	assert.Len(t, ended, 1)
	assert.Equal(t, Kim, a.visitor(victimCookie))
}

// WorkOS limits the calls of the whole application.
func TestOneUnsealedSessionStartsFewExchanges(t *testing.T) {
	t.Run("alone", func(t *testing.T) { checkUnsealedLimit(t, newUnsealedApp(t)) })
	t.Run("with a store", func(t *testing.T) {
		clock := newObservedClock()
		store := authkit.WithStore(authkittest.NewMemoryStore(clock.FakeClock))
		checkUnsealedLimit(t, NewApp(t, AppOptions{Clock: &clock, AuthKit: []authkit.Option{authkit.WithSharedSession(), store}}))
	})
}

func checkUnsealedLimit(t *testing.T, a *App) {
	_, session := a.Neighbour().unsealedSession(Kim)
	other, _ := a.Neighbour().unsealedSession(lee)
	a.ExpireToken(2 * time.Minute)
	for i := range 50 {
		a.checkAnonymous(unsealedCookie(session["accessToken"].(string), fmt.Sprint("invented-", i), nil))
	}
	assert.Equal(t, 5, a.Fake.Calls(authkittest.RouteRefresh))
	assert.Equal(t, lee, a.visitor(other), "another session is not limited")
	a.Clock.Advance(time.Minute)
	assert.Equal(t, Kim, a.visitor(unsealedCookie(session["accessToken"].(string), session["refreshToken"].(string), nil)))
}

// The tokens of an unsealed session are refreshed by another instance, and its profile comes from WorkOS too.
func TestAnUnsealedSessionThatAnotherInstanceHasRefreshedHasAProfile(t *testing.T) {
	first := newUnsealedApp(t)
	store := authkittest.NewMemoryStore(first.Clock)
	options := AppOptions{AuthKit: []authkit.Option{authkit.WithSharedSession(), authkit.WithStore(store)}}
	a, b := NewInstance(t, first.Fake, first.Clock, options), NewInstance(t, first.Fake, first.Clock, options)
	cookie, _ := first.Neighbour().unsealedSession(Kim)
	first.ExpireToken(time.Minute)
	for _, instance := range []*App{a, b} {
		resp := instance.Send(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()})
		require.Equal(t, http.StatusOK, resp.Status)
		session := first.Neighbour().Read(resp.sharedCookie(t))
		assert.Equal(t, Kim, session["user"].(map[string]any)["email"])
		assert.NotContains(t, session["authkit"], "unsealed")
	}
	assert.Equal(t, 1, first.Fake.Calls(authkittest.RouteRefresh))
}

// A client can write any number of cookies around one access token. They would evict the sessions of other users from the
// cache, and it hashes only the end of a text, which all of them can have in common.
func TestCookiesWithoutASealTakeNoRoomInTheCache(t *testing.T) {
	app := &cachingApp{App: newUnsealedApp(t, authkit.WithSessionCache(10, 1<<20))}
	sealed := app.SignedIn(Kim).CookieHeader()
	require.Equal(t, "cached", app.outcomeOfCookie(sealed))
	_, session := app.Neighbour().unsealedSession(lee)
	entries := app.Stats().Cache.Entries
	for i := range 30 {
		invented := object{"user": session["user"], "theme": fmt.Sprint(i), "zone": strings.Repeat("z", 40)}
		cookie := unsealedCookie(session["accessToken"].(string), session["refreshToken"].(string), invented)
		for range 3 {
			require.Equal(t, "verified", app.outcomeOfCookie(cookie))
		}
	}
	assert.Equal(t, entries, app.Stats().Cache.Entries)
	assert.Equal(t, "cached", app.outcomeOfCookie(sealed))
}
