// Migration from another library: its sessions are accepted, so that no user is signed out.

package behaviour

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

// newMigratingApp returns an application that accepts the sessions of its predecessor, and a session of kim sealed by each
// library that the predecessor may have used.
func newMigratingApp(t *testing.T, opts ...authkit.Option) (a *App, sealed map[string]string) {
	a = NewApp(t, AppOptions{AuthKit: append([]authkit.Option{authkit.WithForeignSessions()}, opts...)})
	return a, map[string]string{
		"Next.js":             "wos-session=" + a.sealedByNextJS(Kim, nil),
		"the official Go SDK": "wos-session=" + a.sealedBySDK(Kim, nil),
	}
}

// authenticate signs a user in by password from the server, for code that seals the session itself.
func (a *App) authenticate(email string) *workos.Authentication {
	a.T.Helper()
	a.Fake.UpdateUser(email, func(p *authkittest.User) { p.Password = "correct horse" })
	client, err := workos.NewClient(a.Fake.ClientID(), workos.WithAPIKey(a.Fake.APIKey()), workos.WithBaseURL(a.Fake.URL()), workos.WithClock(a.Clock))
	require.NoError(a.T, err)
	authentication, err := client.AuthenticateWithPassword(a.T.Context(), workos.AuthenticateWithPasswordParams{Email: email, Password: "correct horse"})
	require.NoError(a.T, err)
	return authentication
}

// sealedByNextJS returns a new session as the AuthKit library for Next.js seals it.
func (a *App) sealedByNextJS(email string, change map[string]any) string {
	authentication := a.authenticate(email)
	session := map[string]any{
		"accessToken": authentication.AccessToken, "refreshToken": authentication.RefreshToken,
		"user": map[string]any{"object": "user", "id": authentication.User.ID, "email": email, "firstName": "Kim"},
	}
	maps.Copy(session, change)
	plaintext, err := json.Marshal(session)
	require.NoError(a.T, err)
	return sealIron(a.T, Password, plaintext)
}

// sealedBySDK returns a new session as the official Go SDK seals it.
func (a *App) sealedBySDK(email string, change map[string]any) string {
	authentication := a.authenticate(email)
	session := map[string]any{
		"access_token": authentication.AccessToken, "refresh_token": authentication.RefreshToken, "user": authentication.User,
	}
	maps.Copy(session, change)
	plaintext, err := json.Marshal(session)
	require.NoError(a.T, err)
	sealer, err := seal.WorkOSGo(Password)
	require.NoError(a.T, err)
	text, err := sealer.Seal(plaintext)
	require.NoError(a.T, err)
	return text
}

func TestAForeignSessionStaysSignedInAndItsRefreshSetsOurCookie(t *testing.T) {
	for _, library := range []string{"Next.js", "the official Go SDK"} {
		t.Run(library, func(t *testing.T) {
			a, sealed := newMigratingApp(t)
			cookie := sealed[library]
			resp := a.Send(Request{Target: "/account", Cookie: cookie})
			require.Contains(t, resp.Body, "page of "+Kim)
			assert.Empty(t, resp.SetCookies(t), "the cookie is kept until a refresh")

			a.ExpireToken(2 * time.Minute)
			resp = a.Send(Request{Target: "/account", Cookie: cookie})
			require.Contains(t, resp.Body, "page of "+Kim)
			cookies := resp.SetCookies(t)
			assert.Negative(t, cookies["wos-session"].MaxAge, "the foreign cookie is expired")
			assert.Contains(t, resp.Header.Get("Cache-Control"), "no-store")

			a.ExpireToken(2 * time.Minute)
			later := a.Send(Request{Target: "/account", Cookie: resp.NewCookie(t)})
			assert.Contains(t, later.Body, "page of "+Kim)
			assert.Contains(t, later.SetCookies(t), "authkit-session")
		})
	}
}

func TestAForeignSessionIsVerifiedLikeOurOwn(t *testing.T) {
	a, _ := newMigratingApp(t)
	lee := a.authenticate("lee@example.com")
	attacker := authkittest.New(t, authkittest.WithClock(a.Clock))
	claims := map[string]any{"iss": a.Fake.Issuer(), "sub": "user_kim", "sid": "session_1", "client_id": a.Fake.ClientID(), "exp": Start.Add(time.Hour).Unix()}
	with := func(name string, value any) string {
		changed := maps.Clone(claims)
		changed[name] = value
		return a.Fake.SignToken(changed)
	}
	for name, token := range map[string]string{
		"another user's token": lee.AccessToken,
		"another issuer":       with("iss", "https://elsewhere.example"),
		"another client":       with("client_id", "client_other"),
		"another subject":      with("sub", "user_lee"),
		"no session ID":        with("sid", ""),
		"no signature":         with("sub", "user_kim")[:20],
		"another key":          attacker.SignToken(claims),
	} {
		for library, text := range map[string]string{
			"Next.js":             a.sealedByNextJS(Kim, map[string]any{"accessToken": token, "refreshToken": ""}),
			"the official Go SDK": a.sealedBySDK(Kim, map[string]any{"access_token": token, "refresh_token": ""}),
		} {
			t.Run(name+"/"+library, func(t *testing.T) {
				resp := a.Send(Request{Target: "/", Cookie: "wos-session=" + text})
				assert.NotContains(t, resp.Body, Kim)
				assert.Empty(t, resp.SetCookies(t))
			})
		}
	}
}

func TestTheConfiguredTimeoutsApplyToAForeignSession(t *testing.T) {
	for name, c := range map[string]struct {
		limit  authkit.Option
		within time.Duration
	}{
		"absolute": {authkit.WithAbsoluteTimeout(10 * time.Minute), 9 * time.Minute},
		"idle":     {authkit.WithIdleTimeout(10 * time.Minute), 9 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			a, sealed := newMigratingApp(t, c.limit)
			a.Clock.Advance(c.within)
			for library, cookie := range sealed {
				assert.Contains(t, a.Send(Request{Target: "/", Cookie: cookie}).Body, Kim, library)
			}
			a, sealed = newMigratingApp(t, c.limit)
			a.Clock.Advance(11 * time.Minute)
			for library, cookie := range sealed {
				assert.Contains(t, a.Send(Request{Target: "/", Cookie: cookie}).Body, "anonymous", library)
			}
		})
	}
}

func TestASignInOrASignOutRemovesAForeignSession(t *testing.T) {
	a, sealed := newMigratingApp(t)
	for library, cookie := range sealed {
		t.Run(library, func(t *testing.T) {
			s := a.StartSignIn("/login")
			resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie + "; " + cookie, Header: Navigation()})
			require.Equal(t, http.StatusSeeOther, resp.Status)
			assert.Negative(t, resp.SetCookies(t)["wos-session"].MaxAge, "a sign-in expires the foreign cookie")

			resp = a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()})
			assert.Negative(t, resp.SetCookies(t)["wos-session"].MaxAge)
			assert.Contains(t, resp.Header.Get("Location"), "session_id=", "WorkOS ends the session too")
			assert.Contains(t, a.Send(Request{Target: "/", Cookie: cookie}).Body, "anonymous")
		})
	}
}

func TestOurOwnSessionTakesPrecedenceOverAForeignOne(t *testing.T) {
	a, _ := newMigratingApp(t)
	leeCookie := "wos-session=" + a.sealedByNextJS("lee@example.com", map[string]any{"user": map[string]any{"id": "user_lee", "email": "lee@example.com"}})
	ownCookie := a.SignedIn(Kim).CookieHeader()
	assert.Contains(t, a.Send(Request{Target: "/", Cookie: leeCookie + "; " + ownCookie}).Body, Kim)
	assert.Contains(t, a.Send(Request{Target: "/", Cookie: leeCookie + "; authkit-session=garbage"}).Body, "lee@example.com")
	assert.Contains(t, a.Send(Request{Target: "/", Cookie: leeCookie + "; " + leeCookie}).Body, "lee@example.com", "equal duplicates are one session")
	assert.Contains(t, a.Send(Request{Target: "/", Cookie: "wos-session=junk; " + leeCookie}).Body, "lee@example.com", "junk beside the cookie changes nothing")
	kimCookie := "wos-session=" + a.sealedByNextJS(Kim, map[string]any{"user": map[string]any{"id": "user_kim", "email": Kim}})
	assert.Contains(t, a.Send(Request{Target: "/", Cookie: leeCookie + "; " + kimCookie}).Body, "anonymous", "sessions of two users are refused")
}

// If the foreign session stayed active, its cookie would sign the browser in again.
func TestASignOutEndsAForeignSessionBesideOurOwn(t *testing.T) {
	a, _ := newMigratingApp(t)
	leeCookie := "wos-session=" + a.sealedByNextJS("lee@example.com", map[string]any{"user": map[string]any{"id": "user_lee", "email": "lee@example.com"}})
	ownCookie := a.SignedIn(Kim).CookieHeader()
	a.Send(Request{Method: "POST", Target: "/logout", Cookie: ownCookie + "; " + leeCookie, Header: Scripted()})
	for _, cookie := range []string{ownCookie, leeCookie} {
		assert.Contains(t, a.Send(Request{Target: "/", Cookie: cookie}).Body, "anonymous")
	}
}

func TestEachCookieNameOpensOnlyItsOwnFormat(t *testing.T) {
	a, sealed := newMigratingApp(t)
	ownCookie := a.SignedIn(Kim).CookieHeader()
	assert.Contains(t, a.Send(Request{Target: "/", Cookie: "wos-session=" + ownCookie[len("authkit-session="):]}).Body, "anonymous")
	for library, cookie := range sealed {
		text := strings.TrimPrefix(cookie, "wos-session=")
		assert.Contains(t, a.Send(Request{Target: "/", Cookie: "authkit-session=" + text}).Body, "anonymous", library)
		assert.Contains(t, a.Send(Request{Target: "/", Cookie: "session=" + text}).Body, "anonymous", library)
	}
	plain := NewApp(t, AppOptions{})
	assert.Contains(t, plain.Send(Request{Target: "/", Cookie: "wos-session=" + plain.sealedByNextJS(Kim, nil)}).Body, "anonymous",
		"without WithForeignSessions")
}

// With the official Go SDK, the application chooses the name of its cookie. It can keep that name.
func TestAForeignSessionMayHaveTheNameOfOurCookie(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithCookieName("session"), authkit.WithForeignSessions("session", "former")}})
	for _, name := range []string{"session", "former"} {
		cookie := name + "=" + a.sealedBySDK(Kim, nil)
		require.Contains(t, a.Send(Request{Target: "/account", Cookie: cookie}).Body, "page of "+Kim)
		a.ExpireToken(2 * time.Minute)
		resp := a.Send(Request{Target: "/account", Cookie: cookie})
		require.Contains(t, resp.Body, "page of "+Kim)
		c := resp.SetCookies(t)["session"]
		require.NotNil(t, c)
		assert.Positive(t, c.MaxAge)
		assert.Contains(t, a.Send(Request{Target: "/account", Cookie: "session=" + c.Value}).Body, "page of "+Kim)
	}
}

func TestAForeignSessionCanBecomeASharedSession(t *testing.T) {
	a := NewSharedSessionApp(t, authkit.WithForeignSessions("go-session"))
	cookie := "go-session=" + a.sealedBySDK(Kim, nil)
	a.ExpireToken(2 * time.Minute)
	resp := a.Send(Request{Target: "/account", Cookie: cookie})
	require.Contains(t, resp.Body, "page of "+Kim)
	assert.Negative(t, resp.SetCookies(t)["go-session"].MaxAge)
	assert.Equal(t, "Kim", a.Neighbour().Read(resp.sharedCookie(t))["user"].(map[string]any)["firstName"])
}

func TestAForeignSessionSealedWithAPreviousPasswordOpens(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{
		authkit.WithForeignSessions(), authkit.WithCookiePassword(strings.Repeat("the-new-one-", 3), Password),
	}})
	for _, text := range []string{a.sealedByNextJS(Kim, nil), a.sealedBySDK(Kim, nil)} {
		assert.Contains(t, a.Send(Request{Target: "/account", Cookie: "wos-session=" + text}).Body, "page of "+Kim)
	}
}

// A foreign session is not resealed as our own before it is verified.
func TestAKeyOutageLeavesAForeignCookieUntouched(t *testing.T) {
	other := NewApp(t, AppOptions{})
	a := NewInstance(t, other.Fake, other.Clock, AppOptions{AuthKit: []authkit.Option{authkit.WithForeignSessions(), authkit.WithIdleTimeout(time.Hour)}})
	token := a.Fake.SignToken(map[string]any{
		"iss": "https://elsewhere.example", "sub": "user_kim", "sid": "session_1", "iat": Start.Unix(), "exp": Start.Add(time.Hour).Unix(),
	})
	cookie := "wos-session=" + a.sealedByNextJS(Kim, map[string]any{"accessToken": token})
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	assert.Empty(t, a.Send(Request{Target: "/", Cookie: cookie}).SetCookies(t))
}
