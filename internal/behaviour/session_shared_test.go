// Sessions shared with the AuthKit libraries of other languages. Package interop runs those libraries. Here a Go
// implementation reads and writes sessions as they do.

package behaviour

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/seal"
)

func TestASharedSessionIsOneCookieInTheSharedFormat(t *testing.T) {
	a := NewSharedSessionApp(t)
	b := a.SignedIn(Kim)
	assert.Equal(t, []string{"wos-session"}, b.cookieNames())
	assert.Regexp(t, `^wos-session=Fe26\.2\*1\*.*~2$`, b.CookieHeader())

	session := a.Neighbour().Read(b.CookieHeader())
	assert.Equal(t, "Password", session["authenticationMethod"])
	assert.Equal(t, "org_acme", session["organizationId"])
	assert.NotEmpty(t, session["accessToken"])
	assert.NotEmpty(t, session["refreshToken"])
	user := session["user"].(map[string]any)
	assert.Equal(t, "user_kim", user["id"])
	assert.Equal(t, "Kim", user["firstName"])
	assert.Equal(t, map[string]any{"plan": "pro"}, user["metadata"])
	assert.Nil(t, user["externalId"])
	assert.Equal(t, "2026-03-14T09:26:53.000Z", user["createdAt"])
}

func TestASharedSessionCookieHasTheConfiguredNameWithoutAPrefix(t *testing.T) {
	for name, c := range map[string]struct {
		opts []authkit.Option
		tls  bool
		want string
	}{
		"over http":        {nil, false, "wos-session"},
		"over https":       {nil, true, "wos-session"},
		"another name":     {[]authkit.Option{authkit.WithCookieName("sid")}, true, "sid"},
		"the default name": {[]authkit.Option{authkit.WithCookieName("wos-session")}, true, "wos-session"},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{TLS: c.tls, AuthKit: append([]authkit.Option{authkit.WithSharedSession()}, c.opts...)})
			b := a.SignedIn(Kim)
			assert.Equal(t, []string{c.want}, b.cookieNames())
			assert.Contains(t, b.get("/account").Body, "page of "+Kim)
			login := a.Send(Request{Target: "/login"})
			for name := range login.SetCookies(t) {
				prefix := ""
				if c.tls {
					prefix = "__Host-"
				}
				assert.True(t, strings.HasPrefix(name, prefix+"authkit-state-"), "the state cookie keeps our name: %s", name)
			}
		})
	}
}

func TestEitherApplicationCanRefreshASharedSession(t *testing.T) {
	a := NewSharedSessionApp(t)
	n := a.Neighbour()
	cookie := a.SignedIn(Kim).CookieHeader()
	for round := range 3 {
		a.ExpireToken(time.Minute)
		cookie = n.refresh(cookie, "")
		resp := a.Send(Request{Target: "/account", Cookie: cookie})
		require.Contains(t, resp.Body, "page of "+Kim, "round %d", round)
		assert.Empty(t, resp.SetCookies(t), "a fresh session is left unchanged")

		a.ExpireToken(time.Minute)
		resp = a.Send(Request{Target: "/account", Cookie: cookie})
		require.Contains(t, resp.Body, "page of "+Kim, "round %d", round)
		cookie = resp.sharedCookie(t)
	}
	assert.Equal(t, 6, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestUnknownMembersOfASharedSessionSurviveARefresh(t *testing.T) {
	a := NewSharedSessionApp(t)
	n := a.Neighbour()
	session := n.Read(a.SignedIn(Kim).CookieHeader())
	delete(session, "authkit")
	session["oauthTokens"] = map[string]any{"provider": "GoogleOAuth", "accessToken": "gho_1"}
	session["user"].(map[string]any)["theme"] = "dark"
	a.ExpireToken(time.Minute)
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) { p.LastName = "Ωμέγα-山田" })

	resp := a.Send(Request{Target: "/account", Cookie: n.Write(session)})
	require.Contains(t, resp.Body, "page of "+Kim)
	after := n.Read(resp.sharedCookie(t))
	assert.Equal(t, session["oauthTokens"], after["oauthTokens"])
	assert.Equal(t, "dark", after["user"].(map[string]any)["theme"])
	assert.Equal(t, "Ωμέγα-山田", after["user"].(map[string]any)["lastName"])
	assert.NotEqual(t, session["refreshToken"], after["refreshToken"])
}

// Package interop has the same test with a seal that JavaScript code of that version made.
func TestASessionSealedByTheEarlierIronSessionOpensAndIsRefreshedInTheCurrentForm(t *testing.T) {
	a := NewSharedSessionApp(t)
	n := a.Neighbour()
	session := n.Read(a.SignedIn(Kim).CookieHeader())
	delete(session, "authkit")
	session["theme"] = "dark"
	earlier := strings.TrimSuffix(n.Write(map[string]any{"persistent": session, "flash": map[string]any{}}), "~2")
	for _, suffix := range []string{"", "~1"} {
		resp := a.Send(Request{Target: "/account", Cookie: earlier + suffix})
		require.Contains(t, resp.Body, "page of "+Kim, "the suffix %q", suffix)
		assert.Empty(t, resp.SetCookies(t), "a fresh session is left unchanged")
	}
	a.ExpireToken(time.Minute)
	resp := a.Send(Request{Target: "/account", Cookie: earlier + "~1"})
	require.Contains(t, resp.Body, "page of "+Kim)
	assert.Regexp(t, "~2$", resp.sharedCookie(t))
	after := n.Read(resp.sharedCookie(t))
	assert.Equal(t, "dark", after["theme"])
	assert.NotContains(t, after, "persistent")
	assert.NotEqual(t, session["refreshToken"], after["refreshToken"])
}

func TestConcurrentRefreshesOfASharedSessionBothSucceed(t *testing.T) {
	a := NewSharedSessionApp(t)
	n := a.Neighbour()
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(time.Minute)
	var appCookie, neighbourCookie string
	var both sync.WaitGroup
	both.Go(func() { appCookie = a.Send(Request{Target: "/account", Cookie: cookie}).sharedCookie(t) })
	both.Go(func() { neighbourCookie = n.refresh(cookie, "org_acme") })
	both.Wait()
	assert.Equal(t, n.Read(appCookie)["refreshToken"], n.Read(neighbourCookie)["refreshToken"], "WorkOS returns the same successor for a refresh token that was just exchanged")

	for _, last := range []string{appCookie, neighbourCookie} { // the cookie of the response that arrives last
		a.Clock.Advance(time.Minute) // after the replay window
		assert.Contains(t, a.Send(Request{Target: "/account", Cookie: last}).Body, "page of "+Kim)
	}
	a.ExpireToken(time.Minute)
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: neighbourCookie}).Body, "page of "+Kim)
}

func TestASwitchInEitherApplicationAppliesToASharedSession(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithSharedSession()}, Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("POST /organization", a.SwitchOrganization())
		mux.HandleFunc("/me", func(w http.ResponseWriter, r *http.Request) { json.NewEncoder(w).Encode(meOf(r)) })
	}})
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) {
		p.Memberships = append(p.Memberships, authkittest.Membership{OrganizationID: "org_beta", Role: "viewer"})
	})
	n := a.Neighbour()
	cookie := n.refresh(a.SignedIn(Kim).CookieHeader(), "org_beta")
	assert.Equal(t, "org_beta", a.Me(cookie)["organization"])
	resp := a.SwitchTo("org_acme", cookie, Scripted())
	require.Equal(t, http.StatusOK, resp.Status, resp.Body)
	assert.Equal(t, "org_acme", n.Read(resp.sharedCookie(t))["organizationId"])
	assert.Equal(t, "admin", a.Me(resp.sharedCookie(t))["role"])
}

func TestEitherApplicationCanSignOutASharedSession(t *testing.T) {
	a := NewSharedSessionApp(t)
	b := a.SignedIn(Kim)
	cookie := b.CookieHeader()
	resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.Status)
	assert.Negative(t, resp.SetCookies(t)["wos-session"].MaxAge)
	assert.Contains(t, a.Send(Request{Target: "/", Cookie: cookie}).Body, "anonymous", "the old cookie is refused too")

	other := a.SignedIn(Kim).CookieHeader()
	a.Fake.RevokeSession(a.SessionID()) // as a sign-out in the other application does
	a.ExpireToken(2 * time.Minute)
	resp = a.Send(Request{Target: "/", Cookie: other})
	assert.Contains(t, resp.Body, "anonymous")
	assert.Negative(t, resp.SetCookies(t)["wos-session"].MaxAge)
}

// Only the front end of an API has a sign-in.
func TestAnAPIThatOnlyReadsASharedSessionNeedsNoRedirectURL(t *testing.T) {
	site := NewSharedSessionApp(t)
	api, err := authkit.New(authkit.WithSharedSession(), authkit.WithAPIKey(site.Fake.APIKey()), authkit.WithClientID(site.Fake.ClientID()),
		authkit.WithBaseURL(site.Fake.URL()), authkit.WithCookiePassword(Password), authkit.WithClock(site.Clock))
	require.NoError(t, err)
	handler := api.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := sessionOf(r)
		w.Write([]byte(s.User().Email))
	}))
	cookie := site.SignedIn(Kim).CookieHeader()
	resp := site.ServeDirectly(handler, Request{Method: "GET", Target: "/api/me", Cookie: cookie})
	assert.Equal(t, Kim, resp.Body)

	site.ExpireToken(2 * time.Minute)
	resp = site.ServeDirectly(handler, Request{Method: "GET", Target: "/api/me", Cookie: cookie})
	assert.Equal(t, Kim, resp.Body)
	assert.True(t, resp.SetCookies(t)["wos-session"].Secure, "Secure is the default without a redirect URL")
	assert.Equal(t, http.StatusUnauthorized, site.ServeDirectly(handler, Request{Method: "GET", Target: "/api/me", Header: Navigation()}).Status)
	assert.Contains(t, site.Send(Request{Target: "/account", Cookie: resp.sharedCookie(t)}).Body, "page of "+Kim)
}

func TestASignInFailsIfItsSharedSessionDoesNotFitIntoOneCookie(t *testing.T) {
	a := NewSharedSessionApp(t)
	b := a.SignedIn(Kim)
	before := b.CookieHeader()
	a.fillTokens(2000)
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) { p.Metadata = map[string]string{"biography": strings.Repeat("x", 600)} })
	s := a.StartSignIn("/login?return_to=/account")
	resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie + "; " + before, Header: Navigation()})
	assert.Equal(t, http.StatusInternalServerError, resp.Status)
	assert.Contains(t, resp.Body, "more data than this site can store")
	assert.NotContains(t, strings.Join(resp.Header["Set-Cookie"], ";"), "wos-session", "the older session is kept")
	assert.Regexp(t, `session_too_large: \d+ bytes sealed, at most 4085 fit: the access token has \d{4} bytes, the refresh token 26, the profile \d+, its metadata 609`, a.Logs.String())
}

func TestASharedSessionThatOutgrowsItsCookieIsLogged(t *testing.T) {
	a := NewSharedSessionApp(t)
	n := a.Neighbour()
	session := n.Read(a.SignedIn(Kim).CookieHeader())
	session["oauthTokens"] = strings.Repeat("o", 1000)
	cookie := n.Write(session)
	a.fillTokens(2000)
	a.ExpireToken(time.Minute)
	resp := a.Send(Request{Target: "/account", Cookie: cookie})
	assert.Contains(t, resp.Body, "page of "+Kim, "this request is served")
	assert.Empty(t, resp.SetCookies(t))
	assert.Regexp(t, `session cookie not set.*\d+ bytes sealed, at most 4085 fit.*members that other libraries put there 10\d\d`, a.Logs.String())
}

func TestASharedSessionIsVerifiedLikeOurOwn(t *testing.T) {
	a := NewSharedSessionApp(t)
	n := a.Neighbour()
	valid := n.Read(a.SignedIn(Kim).CookieHeader())
	other := n.Read(a.SignedIn("lee@example.com").CookieHeader())
	foreign := authkittest.New(t, authkittest.WithClock(a.Clock))
	claims := map[string]any{"iss": a.Fake.Issuer(), "sub": "user_kim", "sid": "session_1", "client_id": a.Fake.ClientID(), "exp": Start.Add(time.Hour).Unix()}
	token := func(name string, value any) map[string]any {
		changed := maps.Clone(claims)
		changed[name] = value
		return map[string]any{"accessToken": a.Fake.SignToken(changed)}
	}
	for name, change := range map[string]map[string]any{
		"another user's profile": {"user": other["user"]},
		"an unknown issuer":      token("iss", "https://elsewhere.example"),
		"another client":         token("client_id", "client_other"),
		"another subject":        token("sub", "user_lee"),
		"another signing key":    {"accessToken": foreign.SignToken(claims), "refreshToken": ""},
		"an invalid signature":   {"accessToken": valid["accessToken"].(string)[:len(valid["accessToken"].(string))-40] + strings.Repeat("A", 40)},
		"no user":                {"user": nil},
		"no access token":        {"accessToken": ""},
	} {
		t.Run(name, func(t *testing.T) {
			changed := maps.Clone(valid)
			maps.Copy(changed, change)
			resp := a.Send(Request{Target: "/", Cookie: n.Write(changed)})
			assert.Equal(t, http.StatusOK, resp.Status)
			assert.NotContains(t, resp.Body, Kim)
		})
	}
	assert.Contains(t, a.Send(Request{Target: "/", Cookie: n.Write(valid)}).Body, Kim)
	assert.Zero(t, foreign.Calls(authkittest.RouteRefresh))
}

func TestACookieSealedForAnotherPurposeIsNoSharedSession(t *testing.T) {
	a := NewSharedSessionApp(t)
	n := a.Neighbour()
	cookie := a.SignedIn(Kim).CookieHeader()
	for name, text := range map[string]string{
		"a pending sign-in of another library": n.Write(map[string]any{"nonce": "x", "codeVerifier": "y", "returnPathname": "/"}),
		"another password":                     "wos-session=" + sealIron(t, strings.Repeat("another-password-", 3), []byte(`{}`)),
		"in chunks":                            "wos-session.0=" + cookie[len("wos-session="):],
		"our own format":                       "wos-session=" + NewApp(t, AppOptions{}).SignedIn(Kim).CookieHeader()[len("authkit-session="):],
		"two truncated copies":                 cookie[:len(cookie)-3] + "; " + cookie[:len(cookie)-4],
		"truncated":                            cookie[:len(cookie)-3],
	} {
		t.Run(name, func(t *testing.T) {
			resp := a.Send(Request{Target: "/", Cookie: text})
			assert.Equal(t, http.StatusOK, resp.Status)
			assert.Contains(t, resp.Body, "anonymous")
			assert.Empty(t, resp.SetCookies(t), "the cookie is kept until a sign-in or a sign-out")
		})
	}
}

// sealIron seals plaintext in the format of iron (Fe26.2).
func sealIron(t testing.TB, password string, plaintext []byte) string {
	t.Helper()
	iron, err := seal.Iron(password)
	require.NoError(t, err)
	text, err := iron.Seal(bytes.Clone(plaintext))
	require.NoError(t, err)
	return text
}

// For a clock that is ahead, each new token looks old. What marks the token as new is stored in the session, also in the
// shared format.
func TestAClockAheadDoesNotRefreshASharedSessionOnEveryRequest(t *testing.T) {
	fast := authkittest.NewFakeClock(Start)
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithSharedSession(), authkit.WithClock(fast)}})
	fast.Advance(4*time.Minute + 30*time.Second)
	cookie := a.SignedIn(Kim).CookieHeader()
	for range 5 {
		resp := a.Send(Request{Target: "/account", Cookie: cookie})
		require.Contains(t, resp.Body, "page of "+Kim)
		if c := resp.SetCookies(t)["wos-session"]; c != nil {
			cookie = c.Name + "=" + c.Value
		}
	}
	assert.LessOrEqual(t, a.Fake.Calls(authkittest.RouteRefresh), 1)
}

func TestTheMaxAgeOfASharedCookieDoesNotLimitTheSession(t *testing.T) {
	a := NewSharedSessionApp(t, authkit.WithCookieMaxAge(time.Hour))
	b := a.Browser()
	log := &setCookieLog{next: b.Base}
	b.Base = log
	_, err := b.SignIn(a.URL+"/login", Kim)
	require.NoError(t, err)
	assert.Equal(t, 3600, log.last("wos-session").MaxAge)
	cookie := b.CookieHeader()
	a.Clock.Advance(2 * time.Hour)
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: cookie}).Body, "page of "+Kim)
}
