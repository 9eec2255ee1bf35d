// Moving from another library without signing anybody out.

package authkit_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/seal"
	"github.com/authkit-go/authkit/workos"
)

// moving is an application that accepts the sessions of its predecessor, and
// such a session of kim's under each library that the predecessor may have been
// written with.
func moving(t *testing.T, opts ...authkit.Option) (a *app, sealed map[string]string) {
	a = newApp(t, appOptions{authkit: append([]authkit.Option{authkit.WithForeignSessions()}, opts...)})
	return a, map[string]string{
		"Next.js":             "wos-session=" + a.sealedElsewhere(kim, nil),
		"the official Go SDK": "wos-session=" + a.sealedBySDK(kim, nil),
	}
}

// authenticate signs somebody in as a server does that then seals the session
// itself.
func (a *app) authenticate(email string) *workos.Authentication {
	a.t.Helper()
	a.fake.UpdatePerson(email, func(p *authkittest.Person) { p.Password = "correct horse" })
	client, err := workos.NewClient(a.fake.ClientID(), workos.WithAPIKey(a.fake.APIKey()), workos.WithBaseURL(a.fake.URL()), workos.WithClock(a.clock))
	require.NoError(a.t, err)
	authentication, err := client.AuthenticateWithPassword(a.t.Context(), workos.PasswordParams{Email: email, Password: "correct horse"})
	require.NoError(a.t, err)
	return authentication
}

// sealedElsewhere is a new session as the family's libraries seal it.
func (a *app) sealedElsewhere(email string, change map[string]any) string {
	authentication := a.authenticate(email)
	session := map[string]any{
		"accessToken": authentication.AccessToken, "refreshToken": authentication.RefreshToken,
		"user": map[string]any{"object": "user", "id": authentication.User.ID, "email": email, "firstName": "Kim"},
	}
	maps.Copy(session, change)
	plaintext, err := json.Marshal(session)
	require.NoError(a.t, err)
	return ironOf(a.t, password, plaintext)
}

// sealedBySDK is a new session as the official Go SDK seals it.
func (a *app) sealedBySDK(email string, change map[string]any) string {
	authentication := a.authenticate(email)
	session := map[string]any{
		"access_token": authentication.AccessToken, "refresh_token": authentication.RefreshToken, "user": authentication.User,
	}
	maps.Copy(session, change)
	plaintext, err := json.Marshal(session)
	require.NoError(a.t, err)
	sealer, err := seal.WorkOSGo(password)
	require.NoError(a.t, err)
	text, err := sealer.Seal(plaintext)
	require.NoError(a.t, err)
	return text
}

func TestWhoeverWasSignedInUnderAnotherLibraryStaysSoAndTheNextCookieIsOurs(t *testing.T) {
	for _, library := range []string{"Next.js", "the official Go SDK"} {
		t.Run(library, func(t *testing.T) {
			a, sealed := moving(t)
			cookie := sealed[library]
			resp := a.send(request{target: "/account", cookie: cookie})
			require.Contains(t, resp.body, "page of "+kim)
			assert.Empty(t, resp.setCookies(t), "until it has to be written")

			a.expireToken(2 * time.Minute)
			resp = a.send(request{target: "/account", cookie: cookie})
			require.Contains(t, resp.body, "page of "+kim)
			cookies := resp.setCookies(t)
			assert.Negative(t, cookies["wos-session"].MaxAge, "the one before is gone")
			assert.Contains(t, resp.header.Get("Cache-Control"), "no-store")

			a.expireToken(2 * time.Minute)
			later := a.send(request{target: "/account", cookie: resp.newCookie(t)})
			assert.Contains(t, later.body, "page of "+kim)
			assert.Contains(t, later.setCookies(t), "authkit-session")
		})
	}
}

func TestAForeignSessionGetsTheChecksOfOurOwn(t *testing.T) {
	a, _ := moving(t)
	lee := a.authenticate("lee@example.com")
	stranger := authkittest.New(t, authkittest.WithClock(a.clock))
	claims := map[string]any{"iss": a.fake.Issuer(), "sub": "user_kim", "sid": "session_1", "client_id": a.fake.ClientID(), "exp": start.Add(time.Hour).Unix()}
	with := func(name string, value any) string {
		changed := maps.Clone(claims)
		changed[name] = value
		return a.fake.SignToken(changed)
	}
	for name, token := range map[string]string{
		"another person's token": lee.AccessToken,
		"another issuer":         with("iss", "https://elsewhere.example"),
		"another client":         with("client_id", "client_other"),
		"another user":           with("sub", "user_lee"),
		"no session":             with("sid", ""),
		"no signature":           with("sub", "user_kim")[:20],
		"another key":            stranger.SignToken(claims),
	} {
		for library, text := range map[string]string{
			"family":    a.sealedElsewhere(kim, map[string]any{"accessToken": token, "refreshToken": ""}),
			"workos-go": a.sealedBySDK(kim, map[string]any{"access_token": token, "refresh_token": ""}),
		} {
			t.Run(name+"/"+library, func(t *testing.T) {
				resp := a.send(request{target: "/", cookie: "wos-session=" + text})
				assert.NotContains(t, resp.body, kim)
				assert.Empty(t, resp.setCookies(t))
			})
		}
	}
}

func TestOurLimitsHoldForAForeignSession(t *testing.T) {
	for name, c := range map[string]struct {
		limit  authkit.Option
		within time.Duration
	}{
		"absolute": {authkit.WithAbsoluteTimeout(10 * time.Minute), 9 * time.Minute},
		"idle":     {authkit.WithIdleTimeout(10 * time.Minute), 9 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			a, sealed := moving(t, c.limit)
			a.clock.Advance(c.within)
			for library, cookie := range sealed {
				assert.Contains(t, a.send(request{target: "/", cookie: cookie}).body, kim, library)
			}
			a, sealed = moving(t, c.limit)
			a.clock.Advance(11 * time.Minute)
			for library, cookie := range sealed {
				assert.Contains(t, a.send(request{target: "/", cookie: cookie}).body, "nobody", library)
			}
		})
	}
}

func TestSigningOutAndInRemoveAForeignSession(t *testing.T) {
	a, sealed := moving(t)
	for library, cookie := range sealed {
		t.Run(library, func(t *testing.T) {
			s := a.begin("/login")
			resp := a.send(request{target: s.target(), cookie: s.cookie + "; " + cookie, header: navigation()})
			require.Equal(t, http.StatusSeeOther, resp.status)
			assert.Negative(t, resp.setCookies(t)["wos-session"].MaxAge, "nothing of it survives a sign-in")

			resp = a.send(request{method: "POST", target: "/logout", cookie: cookie, header: navigation()})
			assert.Negative(t, resp.setCookies(t)["wos-session"].MaxAge)
			assert.Contains(t, resp.header.Get("Location"), "session_id=", "WorkOS ends it too")
			assert.Contains(t, a.send(request{target: "/", cookie: cookie}).body, "nobody")
		})
	}
}

func TestWhereASessionOfOursOpensNoOtherIsLookedAt(t *testing.T) {
	a, _ := moving(t)
	lee := "wos-session=" + a.sealedElsewhere("lee@example.com", map[string]any{"user": map[string]any{"id": "user_lee", "email": "lee@example.com"}})
	ours := a.signedIn(kim).cookieHeader()
	assert.Contains(t, a.send(request{target: "/", cookie: lee + "; " + ours}).body, kim)
	assert.Contains(t, a.send(request{target: "/", cookie: lee + "; authkit-session=garbage"}).body, "lee@example.com")
	assert.Contains(t, a.send(request{target: "/", cookie: lee + "; " + lee}).body, "lee@example.com", "equal ones are one")
	assert.Contains(t, a.send(request{target: "/", cookie: "wos-session=junk; " + lee}).body, "lee@example.com", "junk beside it changes nothing")
	kims := "wos-session=" + a.sealedElsewhere(kim, map[string]any{"user": map[string]any{"id": "user_kim", "email": kim}})
	assert.Contains(t, a.send(request{target: "/", cookie: lee + "; " + kims}).body, "nobody", "sessions of two people are none")
}

// A1: a session of others beside our own is ended with it.
func TestASignOutEndsAForeignSessionBesideOurOwn(t *testing.T) {
	a, _ := moving(t)
	lee := "wos-session=" + a.sealedElsewhere("lee@example.com", map[string]any{"user": map[string]any{"id": "user_lee", "email": "lee@example.com"}})
	ours := a.signedIn(kim).cookieHeader()
	a.send(request{method: "POST", target: "/logout", cookie: ours + "; " + lee, header: scripted()})
	for _, cookie := range []string{ours, lee} {
		assert.Contains(t, a.send(request{target: "/", cookie: cookie}).body, "nobody")
	}
}

func TestEachNameOpensInItsOwnFormatOnly(t *testing.T) {
	a, sealed := moving(t)
	ours := a.signedIn(kim).cookieHeader()
	assert.Contains(t, a.send(request{target: "/", cookie: "wos-session=" + ours[len("authkit-session="):]}).body, "nobody")
	for library, cookie := range sealed {
		text := strings.TrimPrefix(cookie, "wos-session=")
		assert.Contains(t, a.send(request{target: "/", cookie: "authkit-session=" + text}).body, "nobody", library)
		assert.Contains(t, a.send(request{target: "/", cookie: "session=" + text}).body, "nobody", library)
	}
	plain := newApp(t, appOptions{})
	assert.Contains(t, plain.send(request{target: "/", cookie: "wos-session=" + plain.sealedElsewhere(kim, nil)}).body, "nobody",
		"without the option")
}

// The official Go SDK leaves the name to the application, which keeps it.
func TestAForeignSessionMayHaveTheNameThatOursHas(t *testing.T) {
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithCookieName("session"), authkit.WithForeignSessions("session", "former")}})
	for _, name := range []string{"session", "former"} {
		cookie := name + "=" + a.sealedBySDK(kim, nil)
		require.Contains(t, a.send(request{target: "/account", cookie: cookie}).body, "page of "+kim)
		a.expireToken(2 * time.Minute)
		resp := a.send(request{target: "/account", cookie: cookie})
		require.Contains(t, resp.body, "page of "+kim)
		c := resp.setCookies(t)["session"]
		require.NotNil(t, c)
		assert.Positive(t, c.MaxAge)
		assert.Contains(t, a.send(request{target: "/account", cookie: "session=" + c.Value}).body, "page of "+kim)
	}
}

func TestAnApplicationThatSharesItsSessionMayMoveToItTheSameWay(t *testing.T) {
	a := sharing(t, authkit.WithForeignSessions("go-session"))
	cookie := "go-session=" + a.sealedBySDK(kim, nil)
	a.expireToken(2 * time.Minute)
	resp := a.send(request{target: "/account", cookie: cookie})
	require.Contains(t, resp.body, "page of "+kim)
	assert.Negative(t, resp.setCookies(t)["go-session"].MaxAge)
	assert.Equal(t, "Kim", a.neighbour().read(resp.sharedCookie(t))["user"].(map[string]any)["firstName"])
}

func TestAForeignSessionOfAPasswordInRotationOpens(t *testing.T) {
	a := newApp(t, appOptions{authkit: []authkit.Option{
		authkit.WithForeignSessions(), authkit.WithCookiePassword(strings.Repeat("the-new-one-", 3), password),
	}})
	for _, text := range []string{a.sealedElsewhere(kim, nil), a.sealedBySDK(kim, nil)} {
		assert.Contains(t, a.send(request{target: "/account", cookie: "wos-session=" + text}).body, "page of "+kim)
	}
}

// Nothing of a neighbour's session is taken over that could not be verified.
func TestAnOutageOfKeysLeavesANeighboursCookieWhereItIs(t *testing.T) {
	other := newApp(t, appOptions{})
	a := newInstance(t, other.fake, other.clock, appOptions{authkit: []authkit.Option{authkit.WithForeignSessions(), authkit.WithIdleTimeout(time.Hour)}})
	token := a.fake.SignToken(map[string]any{
		"iss": "https://elsewhere.example", "sub": "user_kim", "sid": "session_1", "iat": start.Unix(), "exp": start.Add(time.Hour).Unix(),
	})
	cookie := "wos-session=" + a.sealedElsewhere(kim, map[string]any{"accessToken": token})
	a.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	assert.Empty(t, a.send(request{target: "/", cookie: cookie}).setCookies(t))
}
