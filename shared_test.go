// One session with the AuthKit libraries of other languages. Those themselves
// take part in package interop; here somebody who writes as they do does.

package authkit_test

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
	"github.com/authkit-go/authkit/workos"
)

// sharing is an application that shares its session, with the options given.
func sharing(t testing.TB, opts ...authkit.Option) *app {
	return newApp(t, appOptions{authkit: append([]authkit.Option{authkit.WithSharedSession()}, opts...)})
}

// neighbour is an application in another language that shares the session of
// an app.
type neighbour struct {
	app  *app
	iron seal.Sealer
}

func (a *app) neighbour() neighbour {
	iron, err := seal.Iron(password)
	require.NoError(a.t, err)
	return neighbour{a, iron}
}

// read opens a session cookie, "wos-session=…".
func (n neighbour) read(cookie string) map[string]any {
	n.app.t.Helper()
	_, text, _ := strings.Cut(cookie, "=")
	plaintext, err := n.iron.Open(text)
	require.NoError(n.app.t, err)
	var session map[string]any
	require.NoError(n.app.t, json.Unmarshal(plaintext, &session))
	return session
}

func (n neighbour) write(session map[string]any) (cookie string) {
	n.app.t.Helper()
	plaintext, err := json.Marshal(session)
	require.NoError(n.app.t, err)
	text, err := n.iron.Seal(plaintext)
	require.NoError(n.app.t, err)
	return "wos-session=" + text
}

// refresh does what the libraries do: what they do not know is lost.
func (n neighbour) refresh(cookie, organization string) string {
	n.app.t.Helper()
	session := n.read(cookie)
	client, err := workos.NewClient(n.app.fake.ClientID(), workos.WithAPIKey(n.app.fake.APIKey()),
		workos.WithBaseURL(n.app.fake.URL()), workos.WithClock(n.app.clock))
	require.NoError(n.app.t, err)
	reply, err := client.AuthenticateWithRefreshToken(n.app.t.Context(), workos.RefreshTokenParams{
		RefreshToken: session["refreshToken"].(string), OrganizationID: organization,
	})
	require.NoError(n.app.t, err)
	return n.write(map[string]any{"accessToken": reply.AccessToken, "refreshToken": reply.RefreshToken, "user": session["user"]})
}

// sharedCookie is the Cookie header after a response of an app that shares.
func (r response) sharedCookie(t testing.TB) string {
	t.Helper()
	c := r.setCookies(t)["wos-session"]
	require.NotNil(t, c, "no session cookie was set")
	return c.Name + "=" + c.Value
}

func TestASharedSessionIsOneCookieOfTheFamilysFormat(t *testing.T) {
	a := sharing(t)
	b := a.signedIn(kim)
	assert.Equal(t, []string{"wos-session"}, b.cookieNames())
	assert.Regexp(t, `^wos-session=Fe26\.2\*1\*.*~2$`, b.cookieHeader())

	session := a.neighbour().read(b.cookieHeader())
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

func TestASharedSessionHasTheNameOfTheConfigurationAndNoPrefix(t *testing.T) {
	for name, c := range map[string]struct {
		opts []authkit.Option
		tls  bool
		want string
	}{
		"over http":           {nil, false, "wos-session"},
		"over https":          {nil, true, "wos-session"},
		"of another name":     {[]authkit.Option{authkit.WithCookieName("sid")}, true, "sid"},
		"of the family's own": {[]authkit.Option{authkit.WithCookieName("wos-session")}, true, "wos-session"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, appOptions{tls: c.tls, authkit: append([]authkit.Option{authkit.WithSharedSession()}, c.opts...)})
			b := a.signedIn(kim)
			assert.Equal(t, []string{c.want}, b.cookieNames())
			assert.Contains(t, b.get("/account").Body, "page of "+kim)
			login := a.send(request{target: "/login"})
			for name := range login.setCookies(t) {
				prefix := ""
				if c.tls {
					prefix = "__Host-"
				}
				assert.True(t, strings.HasPrefix(name, prefix+"authkit-state-"), "the sign-in under way is ours: %s", name)
			}
		})
	}
}

func TestEitherSideRefreshesAndTheOtherGoesOn(t *testing.T) {
	a := sharing(t)
	n := a.neighbour()
	cookie := a.signedIn(kim).cookieHeader()
	for hand := range 3 {
		a.expireToken(time.Minute)
		cookie = n.refresh(cookie, "")
		resp := a.send(request{target: "/account", cookie: cookie})
		require.Contains(t, resp.body, "page of "+kim, "hand %d", hand)
		assert.Empty(t, resp.setCookies(t), "what is fresh is left as it is")

		a.expireToken(time.Minute)
		resp = a.send(request{target: "/account", cookie: cookie})
		require.Contains(t, resp.body, "page of "+kim, "hand %d", hand)
		cookie = resp.sharedCookie(t)
	}
	assert.Equal(t, 6, a.fake.Calls(authkittest.RouteRefresh))
}

func TestWhatOthersPutIntoASharedSessionSurvivesARefresh(t *testing.T) {
	a := sharing(t)
	n := a.neighbour()
	session := n.read(a.signedIn(kim).cookieHeader())
	delete(session, "authkit")
	session["oauthTokens"] = map[string]any{"provider": "GoogleOAuth", "accessToken": "gho_1"}
	session["user"].(map[string]any)["theme"] = "dark"
	a.expireToken(time.Minute)
	a.fake.UpdatePerson(kim, func(p *authkittest.Person) { p.LastName = "Ωμέγα-山田" })

	resp := a.send(request{target: "/account", cookie: n.write(session)})
	require.Contains(t, resp.body, "page of "+kim)
	after := n.read(resp.sharedCookie(t))
	assert.Equal(t, session["oauthTokens"], after["oauthTokens"])
	assert.Equal(t, "dark", after["user"].(map[string]any)["theme"])
	assert.Equal(t, "Ωμέγα-山田", after["user"].(map[string]any)["lastName"])
	assert.NotEqual(t, session["refreshToken"], after["refreshToken"])
}

func TestTwoSidesThatRefreshAtOnceBothEndSignedIn(t *testing.T) {
	a := sharing(t)
	n := a.neighbour()
	cookie := a.signedIn(kim).cookieHeader()
	a.expireToken(time.Minute)
	var ours, theirs string
	var both sync.WaitGroup
	both.Go(func() { ours = a.send(request{target: "/account", cookie: cookie}).sharedCookie(t) })
	both.Go(func() { theirs = n.refresh(cookie, "org_acme") })
	both.Wait()
	assert.Equal(t, n.read(ours)["refreshToken"], n.read(theirs)["refreshToken"], "WorkOS answers a token that was just exchanged alike")

	for _, last := range []string{ours, theirs} { // whichever answer reached the browser last
		a.clock.Advance(time.Minute) // beyond the window in which that is so
		assert.Contains(t, a.send(request{target: "/account", cookie: last}).body, "page of "+kim)
	}
	a.expireToken(time.Minute)
	assert.Contains(t, a.send(request{target: "/account", cookie: theirs}).body, "page of "+kim)
}

func TestASwitchOfOrganizationOnEitherSideIsSeenOnTheOther(t *testing.T) {
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithSharedSession()}, routes: func(a *app, mux *http.ServeMux) {
		mux.Handle("POST /organization", a.SwitchOrganization())
		mux.HandleFunc("/me", func(w http.ResponseWriter, r *http.Request) { json.NewEncoder(w).Encode(meOf(r)) })
	}})
	a.fake.UpdatePerson(kim, func(p *authkittest.Person) {
		p.Memberships = append(p.Memberships, authkittest.Membership{OrganizationID: "org_beta", Role: "viewer"})
	})
	n := a.neighbour()
	cookie := n.refresh(a.signedIn(kim).cookieHeader(), "org_beta")
	assert.Equal(t, "org_beta", a.me(cookie)["organization"])
	resp := a.switchTo("org_acme", cookie, scripted())
	require.Equal(t, http.StatusOK, resp.status, resp.body)
	assert.Equal(t, "org_acme", n.read(resp.sharedCookie(t))["organizationId"])
	assert.Equal(t, "admin", a.me(resp.sharedCookie(t))["role"])
}

func TestEitherSideSignsOut(t *testing.T) {
	a := sharing(t)
	b := a.signedIn(kim)
	cookie := b.cookieHeader()
	resp := a.send(request{method: "POST", target: "/logout", cookie: cookie, header: navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.status)
	assert.Negative(t, resp.setCookies(t)["wos-session"].MaxAge)
	assert.Contains(t, a.send(request{target: "/", cookie: cookie}).body, "nobody", "not with the cookie of before either")

	other := a.signedIn(kim).cookieHeader()
	a.fake.RevokeSession(a.sessionID()) // as signing out at the neighbour does
	a.expireToken(2 * time.Minute)
	resp = a.send(request{target: "/", cookie: other})
	assert.Contains(t, resp.body, "nobody")
	assert.Negative(t, resp.setCookies(t)["wos-session"].MaxAge)
}

// An API has no sign-in of its own: its front end does that.
func TestAnAPIThatOnlyReadsTheSessionNeedsNoRedirectURL(t *testing.T) {
	site := sharing(t)
	api, err := authkit.New(authkit.WithSharedSession(), authkit.WithAPIKey(site.fake.APIKey()), authkit.WithClientID(site.fake.ClientID()),
		authkit.WithBaseURL(site.fake.URL()), authkit.WithCookiePassword(password), authkit.WithClock(site.clock))
	require.NoError(t, err)
	handler := api.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := sessionOf(r)
		w.Write([]byte(s.User().Email))
	}))
	cookie := site.signedIn(kim).cookieHeader()
	resp := site.direct(handler, request{method: "GET", target: "/api/me", cookie: cookie})
	assert.Equal(t, kim, resp.body)

	site.expireToken(2 * time.Minute)
	resp = site.direct(handler, request{method: "GET", target: "/api/me", cookie: cookie})
	assert.Equal(t, kim, resp.body)
	assert.True(t, resp.setCookies(t)["wos-session"].Secure, "nothing says that it is served over plain http")
	assert.Equal(t, http.StatusUnauthorized, site.direct(handler, request{method: "GET", target: "/api/me", header: navigation()}).status)
	assert.Contains(t, site.send(request{target: "/account", cookie: resp.sharedCookie(t)}).body, "page of "+kim)
}

func TestASharedSessionThatDoesNotFitIntoOneCookieIsAClearErrorAtSignIn(t *testing.T) {
	a := sharing(t)
	b := a.signedIn(kim)
	before := b.cookieHeader()
	a.fillTokens(2000)
	a.fake.UpdatePerson(kim, func(p *authkittest.Person) { p.Metadata = map[string]string{"biography": strings.Repeat("x", 600)} })
	s := a.begin("/login?return_to=/account")
	resp := a.send(request{target: s.target(), cookie: s.cookie + "; " + before, header: navigation()})
	assert.Equal(t, http.StatusInternalServerError, resp.status)
	assert.Contains(t, resp.body, "more than this site can keep")
	assert.NotContains(t, strings.Join(resp.header["Set-Cookie"], ";"), "wos-session", "an older session stays")
	assert.Regexp(t, `session_too_large: \d+ bytes sealed, at most 4085 fit: the access token has \d{4} bytes, the refresh token 26, the profile \d+, its metadata 609`, a.logs.String())
}

func TestASharedSessionThatOutgrowsItsCookieIsNamedInTheLog(t *testing.T) {
	a := sharing(t)
	n := a.neighbour()
	session := n.read(a.signedIn(kim).cookieHeader())
	session["oauthTokens"] = strings.Repeat("o", 1000)
	cookie := n.write(session)
	a.fillTokens(2000)
	a.expireToken(time.Minute)
	resp := a.send(request{target: "/account", cookie: cookie})
	assert.Contains(t, resp.body, "page of "+kim, "this request is served")
	assert.Empty(t, resp.setCookies(t))
	assert.Regexp(t, `session not kept.*\d+ bytes sealed, at most 4085 fit.*members that other libraries put there 10\d\d`, a.logs.String())
}

func TestASharedSessionIsVerifiedLikeOurOwn(t *testing.T) {
	a := sharing(t)
	n := a.neighbour()
	good := n.read(a.signedIn(kim).cookieHeader())
	other := n.read(a.signedIn("lee@example.com").cookieHeader())
	foreign := authkittest.New(t, authkittest.WithClock(a.clock))
	claims := map[string]any{"iss": a.fake.Issuer(), "sub": "user_kim", "sid": "session_1", "client_id": a.fake.ClientID(), "exp": start.Add(time.Hour).Unix()}
	token := func(name string, value any) map[string]any {
		changed := maps.Clone(claims)
		changed[name] = value
		return map[string]any{"accessToken": a.fake.SignToken(changed)}
	}
	for name, change := range map[string]map[string]any{
		"of another person":    {"user": other["user"]},
		"of an issuer unknown": token("iss", "https://elsewhere.example"),
		"of another client":    token("client_id", "client_other"),
		"of another user":      token("sub", "user_lee"),
		"signed by others":     {"accessToken": foreign.SignToken(claims), "refreshToken": ""},
		"without a signature":  {"accessToken": good["accessToken"].(string)[:len(good["accessToken"].(string))-40] + strings.Repeat("A", 40)},
		"without a user":       {"user": nil},
		"without a token":      {"accessToken": ""},
	} {
		t.Run(name, func(t *testing.T) {
			changed := maps.Clone(good)
			maps.Copy(changed, change)
			resp := a.send(request{target: "/", cookie: n.write(changed)})
			assert.Equal(t, http.StatusOK, resp.status)
			assert.NotContains(t, resp.body, kim)
		})
	}
	assert.Contains(t, a.send(request{target: "/", cookie: n.write(good)}).body, kim)
	assert.Zero(t, foreign.Calls(authkittest.RouteRefresh))
}

func TestWhatIsSealedForSomethingElseIsNoSharedSession(t *testing.T) {
	a := sharing(t)
	n := a.neighbour()
	cookie := a.signedIn(kim).cookieHeader()
	for name, text := range map[string]string{
		"a neighbour's sign-in under way": n.write(map[string]any{"nonce": "x", "codeVerifier": "y", "returnPathname": "/"}),
		"another password's":              "wos-session=" + ironOf(t, strings.Repeat("another-password-", 3), []byte(`{}`)),
		"in chunks":                       "wos-session.0=" + cookie[len("wos-session="):],
		"our own format's":                "wos-session=" + newApp(t, appOptions{}).signedIn(kim).cookieHeader()[len("authkit-session="):],
		"sent twice, cut":                 cookie[:len(cookie)-3] + "; " + cookie[:len(cookie)-4],
		"cut":                             cookie[:len(cookie)-3],
	} {
		t.Run(name, func(t *testing.T) {
			resp := a.send(request{target: "/", cookie: text})
			assert.Equal(t, http.StatusOK, resp.status)
			assert.Contains(t, resp.body, "nobody")
			assert.Empty(t, resp.setCookies(t), "it stays until sign-in or logout")
		})
	}
}

func ironOf(t testing.TB, password string, plaintext []byte) string {
	t.Helper()
	iron, err := seal.Iron(password)
	require.NoError(t, err)
	text, err := iron.Seal(bytes.Clone(plaintext))
	require.NoError(t, err)
	return text
}

// A clock that is ahead takes each new token for an old one. What says that it
// is new is in the session, and not only in ours.
func TestAClockAheadDoesNotRefreshASharedSessionAtEachRequest(t *testing.T) {
	fast := authkittest.NewClock(start)
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithSharedSession(), authkit.WithClock(fast)}})
	fast.Advance(4*time.Minute + 30*time.Second)
	cookie := a.signedIn(kim).cookieHeader()
	for range 5 {
		resp := a.send(request{target: "/account", cookie: cookie})
		require.Contains(t, resp.body, "page of "+kim)
		if c := resp.setCookies(t)["wos-session"]; c != nil {
			cookie = c.Name + "=" + c.Value
		}
	}
	assert.LessOrEqual(t, a.fake.Calls(authkittest.RouteRefresh), 1)
}

func TestTheAgeOfASharedCookieIsNoLimitOfTheSession(t *testing.T) {
	a := sharing(t, authkit.WithCookieMaxAge(time.Hour))
	b := a.browser()
	log := &setCookieLog{next: b.Base}
	b.Base = log
	_, err := b.SignIn(a.url+"/login", kim)
	require.NoError(t, err)
	assert.Equal(t, 3600, log.last("wos-session").MaxAge)
	cookie := b.cookieHeader()
	a.clock.Advance(2 * time.Hour)
	assert.Contains(t, a.send(request{target: "/account", cookie: cookie}).body, "page of "+kim)
}
