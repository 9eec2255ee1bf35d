// The far side of rules: cases that a careless change would let in while every other test passes.

package authkit_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// sessionCookies are the session cookies that a response gives a value.
func (r response) sessionCookies(t *testing.T) (names []string, header string) {
	t.Helper()
	var pairs []string
	for name, c := range r.setCookies(t) {
		if strings.HasPrefix(name, "authkit-session") && c.Value != "" {
			names = append(names, name)
			pairs = append(pairs, name+"="+c.Value)
		}
	}
	slices.Sort(names)
	return names, strings.Join(pairs, "; ")
}

func TestACookieWhoseNameOnlyResemblesAChunksIsNoPartOfTheSession(t *testing.T) {
	a := newApp(t, appOptions{})
	a.fillTokens(4200)
	chunks := a.signedIn(kim).cookieHeader()
	require.Equal(t, 3, strings.Count(chunks, "authkit-session."))
	for _, separator := range []string{"x", "-", "_", "0"} {
		renamed := strings.ReplaceAll(chunks, "authkit-session.", "authkit-session"+separator)
		assert.Contains(t, a.send(request{target: "/", cookie: renamed}).body, "nobody", renamed[:20])
		beside := chunks + "; authkit-session" + separator + "0=planted"
		assert.Contains(t, a.send(request{target: "/", cookie: beside}).body, kim, separator)
		gone := a.send(request{method: "POST", target: "/logout", cookie: "authkit-session" + separator + "0=a-neighbours"}).setCookies(t)
		assert.NotContains(t, gone, "authkit-session"+separator+"0", "a neighbour's cookie stays")
	}
}

func TestASignInWithoutTheMiddlewareIsNotStoredByCaches(t *testing.T) {
	a := newApp(t, appOptions{})
	authentication := a.authenticate(kim)
	resp := a.direct(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=60")
		_, err := a.SignIn(w, r, authentication)
		assert.NoError(t, err)
	}), request{method: "POST", target: "/form"})
	assert.Contains(t, resp.setCookies(t), "authkit-session")
	assert.Equal(t, "private, no-store", resp.header.Get("Cache-Control"))
}

func TestAStepThatWasSetInTheFutureIsNotReadBeyondTheSkewOfClocks(t *testing.T) {
	a := newApp(t, appOptions{})
	for ahead, read := range map[time.Duration]bool{
		0: true, 59 * time.Second: true, time.Minute: true,
		time.Minute + time.Millisecond: false, time.Hour: false, 365 * 24 * time.Hour: false,
	} {
		fast := newInstance(t, a.fake, authkittest.NewClock(start.Add(ahead)), appOptions{})
		w := httptest.NewRecorder()
		require.NoError(t, fast.SetFlow(w, step{Note: "from a clock that is ahead"}))
		r := httptest.NewRequest("GET", "/", nil)
		for _, c := range w.Result().Cookies() {
			r.AddCookie(c)
		}
		var s step
		assert.Equal(t, read, a.Flow(r, &s), "%s ahead", ahead)
	}
}

func TestAnAuthenticationWithoutAUserMakesNoSession(t *testing.T) {
	for name, opts := range map[string][]authkit.Option{
		"a session of its own": nil,
		"a shared session":     {authkit.WithSharedSession()},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, appOptions{authkit: opts})
			for _, user := range []workos.User{{}, {Email: kim, FirstName: "Kim"}, {ID: " user_kim"}, {ID: "user_lee", Email: kim}} {
				authentication := a.authenticate(kim)
				authentication.User = user
				var err error
				resp := a.direct(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, err = a.SignIn(w, r, authentication)
				}), request{method: "POST", target: "/form"})
				assert.ErrorIs(t, err, authkit.ErrSignIn)
				assert.Empty(t, resp.setCookies(t))
			}
		})
	}
}

func TestASealedSessionWithoutAUserIsNobodys(t *testing.T) {
	a, _ := moving(t)
	for _, user := range []any{nil, map[string]any{}, map[string]any{"id": ""}, map[string]any{"id": nil, "email": kim}} {
		for library, text := range map[string]string{
			"family":    a.sealedElsewhere(kim, map[string]any{"user": user}),
			"workos-go": a.sealedBySDK(kim, map[string]any{"user": user}),
		} {
			resp := a.send(request{target: "/account", cookie: "wos-session=" + text, header: scripted()})
			assert.Equal(t, http.StatusUnauthorized, resp.status, "%s: %v", library, user)
		}
	}
}

func TestALogoutAtAPathOfItsOwnRefreshesNothing(t *testing.T) {
	a := newApp(t, appOptions{
		authkit: []authkit.Option{authkit.WithLogoutPath("/bye")},
		routes:  func(a *app, mux *http.ServeMux) { mux.Handle("/bye", a.Logout()) },
	})
	cookie := a.signedIn(kim).cookieHeader()
	a.expireToken(2 * time.Minute)
	resp := a.send(request{method: "POST", target: "/bye", cookie: cookie})
	assert.Equal(t, http.StatusOK, resp.status)
	assert.Negative(t, resp.setCookies(t)["authkit-session"].MaxAge)
	assert.Zero(t, a.fake.Calls(authkittest.RouteRefresh))
}

// The middleware refreshes a session, into more cookies than came, before the
// handler behind it ends or replaces it.
func TestNothingOfASessionThatWasJustRefreshedOutlivesItsEndInTheSameResponse(t *testing.T) {
	var authentication *workos.Authentication
	a := newApp(t, appOptions{routes: func(a *app, mux *http.ServeMux) {
		mux.Handle("/elsewhere/logout", a.Logout())
		mux.HandleFunc("/form", func(w http.ResponseWriter, r *http.Request) {
			if _, err := a.SignIn(w, r, authentication); err != nil {
				a.Fail(w, r, err)
			}
		})
	}})
	stale := func() (cookie string) {
		a.fillTokens(10)
		cookie = a.signedIn(kim).cookieHeader()
		require.Equal(t, 1, strings.Count(cookie, "="))
		a.fillTokens(4200)
		a.expireToken(0)
		return cookie
	}
	names, _ := a.send(request{target: "/account", cookie: stale()}).sessionCookies(t)
	require.Len(t, names, 3, "so large it becomes")

	resp := a.send(request{method: "POST", target: "/elsewhere/logout", cookie: stale()})
	names, _ = resp.sessionCookies(t)
	assert.Empty(t, names)
	require.Contains(t, resp.setCookies(t), "authkit-session")
	assert.Negative(t, resp.setCookies(t)["authkit-session"].MaxAge)

	cookie := stale()
	authentication = a.authenticate(lee)
	resp = a.send(request{method: "POST", target: "/form", cookie: cookie})
	names, cookie = resp.sessionCookies(t)
	assert.Equal(t, []string{"authkit-session"}, names)
	assert.Contains(t, a.send(request{target: "/account", cookie: cookie}).body, lee)
}

func TestAProofIsGoodForItsAgeAndTheSkewToTheLastMoment(t *testing.T) {
	a := guarded(t)
	cookie := a.signedIn(kim).cookieHeader()
	a.clock.Advance(11 * time.Minute)
	resp := a.send(request{target: "/recent", cookie: cookie, header: scripted()})
	assert.Equal(t, http.StatusOK, resp.status)
	a.clock.Advance(time.Millisecond)
	assert.Equal(t, http.StatusForbidden, a.send(request{target: "/recent", cookie: jarAfter(cookie, resp), header: scripted()}).status)
}

// A browser that sends one of the two headers knows both.
func TestARequestWithHalfOfFetchMetadataIsNoNavigation(t *testing.T) {
	a := newApp(t, appOptions{})
	for name, value := range map[string]string{"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "image"} {
		resp := a.send(request{target: "/account", header: http.Header{name: {value}, "Accept": {"text/html"}}})
		assert.Equal(t, http.StatusUnauthorized, resp.status, name)
		assert.Empty(t, resp.setCookies(t))
	}
}

func TestABearerTokenOfASignedOutSessionIsToldSoAndNotSentToSignIn(t *testing.T) {
	a := guarded(t)
	cookie := a.signedIn(kim).cookieHeader()
	token := a.bearerOf(cookie)
	a.send(request{method: "POST", target: "/logout", cookie: cookie})
	header := navigation()
	header.Set("Authorization", "Bearer "+token)
	resp := a.send(request{target: "/auth", header: header})
	assert.Equal(t, http.StatusUnauthorized, resp.status)
	assert.Equal(t, `Bearer error="invalid_token", error_description="The session has ended"`, resp.header.Get("WWW-Authenticate"))
}

func TestAnIdentifierInSingleQuotesOrWithADELIsRefused(t *testing.T) {
	for _, end := range []string{"'", `"`, "\x7f", " ", "é", "\t"} {
		for option, opt := range map[string]authkit.Option{
			"WithAPIKey": authkit.WithAPIKey("sk_1" + end), "WithClientID": authkit.WithClientID("client_1" + end),
			"WithBearerTokens": authkit.WithBearerTokens("client_2" + end),
		} {
			_, err := authkit.New(sound(opt)...)
			faults := configErrors(t, err)
			require.Len(t, faults, 1, "%s %q", option, end)
			assert.Equal(t, option, faults[0].Option)
		}
	}
	_, err := authkit.New(sound(authkit.WithAPIKey("sk_!~"), authkit.WithClientID("client_!~"))...)
	assert.NoError(t, err, "printable ASCII from one end to the other")
}

func TestWithoutARedirectURLAProofThatIsTooOldIs403ForANavigationToo(t *testing.T) {
	a := newApp(t, appOptions{})
	reader, err := authkit.New(
		authkit.WithAPIKey(a.fake.APIKey()), authkit.WithClientID(a.fake.ClientID()), authkit.WithBaseURL(a.fake.URL()),
		authkit.WithCookiePassword(password), authkit.WithCookieName("authkit-session"), authkit.WithClock(a.clock))
	require.NoError(t, err)
	cookie := a.signedIn(kim).cookieHeader()
	a.clock.Advance(2 * time.Minute)
	a.server.Config.Handler = reader.RequireRecentAuth(0)(http.NotFoundHandler())
	resp := a.send(request{target: "/", cookie: cookie, header: navigation()})
	assert.Equal(t, http.StatusForbidden, resp.status)
	assert.Empty(t, resp.setCookies(t))
}

// Where the application puts a session into the context, no middleware stands
// around the guard.
func TestAGuardedResponseToASessionOfTheApplicationsOwnIsPrivateToo(t *testing.T) {
	a := newApp(t, appOptions{})
	guarded := a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(visitor(r)))
	}))
	resp := a.direct(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guarded.ServeHTTP(w, r.WithContext(authkit.NewContext(r.Context(), authkit.NewSession(authkit.SessionParams{ID: "session_own"}))))
	}), request{method: "GET", target: "/"})
	assert.Contains(t, resp.body, "session_own")
	assert.Equal(t, "private, no-store", resp.header.Get("Cache-Control"))
}

func TestASessionCookieThatDoesNotOpenIsLoggedAtDebug(t *testing.T) {
	a := newApp(t, appOptions{})
	require.Contains(t, a.send(request{target: "/", cookie: "theme=dark"}).body, "nobody")
	require.NotContains(t, a.logs.String(), "session cookie")
	require.Contains(t, a.send(request{target: "/", cookie: "authkit-session=planted"}).body, "nobody")
	assert.Regexp(t, `level=DEBUG msg="authkit: session cookie [^"]*" error="seal: `, a.logs.String())
	assert.NotContains(t, a.logs.String(), "planted")

	a, _ = moving(t)
	require.Contains(t, a.send(request{target: "/", cookie: "theme=dark"}).body, "nobody")
	require.NotContains(t, a.logs.String(), "session cookie", "no session came")
	require.Contains(t, a.send(request{target: "/", cookie: "wos-session=planted"}).body, "nobody")
	assert.Regexp(t, `level=DEBUG msg="authkit: session cookie [^"]*" error="seal: `, a.logs.String())
}

func TestABearerTokenThatIsRefusedIsLoggedAtDebug(t *testing.T) {
	a := guarded(t)
	require.Equal(t, http.StatusUnauthorized, a.send(request{target: "/auth", header: bearer("made-up")}).status)
	assert.Regexp(t, `level=DEBUG msg="authkit: bearer token [^"]*" error=`, a.logs.String())
	assert.NotContains(t, a.logs.String(), "made-up")
	assert.NotContains(t, a.logs.String(), "level=WARN")
}

func TestAPathThatEndsWithinAnEncodingOfASecondLayerComesBackAsItWas(t *testing.T) {
	for _, target := range []string{"/a%25", "/a%252", "/a%2525", "/a%25252", "/a%25%32"} {
		assert.Equal(t, target, authkit.ReturnPath(target))
	}
}

func TestTheLastValueThatAnOptionAcceptsAndTheFirstThatItDoesNot(t *testing.T) {
	plain := authkit.WithRedirectURL("http://localhost:8080/callback")
	_, err := authkit.New(sound(authkit.WithCookieName(strings.Repeat("x", 128)))...)
	assert.NoError(t, err)
	for option, opts := range map[string][]authkit.Option{
		"WithLoginPath":    {authkit.WithLoginPath("/login?screen=1")},
		"WithLogoutPath":   {authkit.WithLogoutPath("/logout#top")},
		"WithSessionCache": {authkit.WithSessionCache(10, -1)},
		"WithAPIKeyGrace":  {authkit.WithAPIKeyGrace(-1)},
		"WithCookieName":   {plain, authkit.WithCookieName("__Host-")},
	} {
		_, err := authkit.New(sound(opts...)...)
		faults := configErrors(t, err)
		require.Len(t, faults, 1, option)
		assert.Equal(t, option, faults[0].Option)
	}
}
