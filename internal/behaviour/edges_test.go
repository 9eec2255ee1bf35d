// The far side of rules: cases that a careless change would let in while every other test passes.

package behaviour

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

func TestACookieWhoseNameOnlyResemblesAChunksIsNoPartOfTheSession(t *testing.T) {
	a := NewApp(t, AppOptions{})
	a.fillTokens(4200)
	chunks := a.SignedIn(Kim).CookieHeader()
	require.Equal(t, 3, strings.Count(chunks, "authkit-session."))
	for _, separator := range []string{"x", "-", "_", "0"} {
		renamed := strings.ReplaceAll(chunks, "authkit-session.", "authkit-session"+separator)
		assert.Contains(t, a.Send(Request{Target: "/", Cookie: renamed}).Body, "nobody", renamed[:20])
		beside := chunks + "; authkit-session" + separator + "0=planted"
		assert.Contains(t, a.Send(Request{Target: "/", Cookie: beside}).Body, Kim, separator)
		gone := a.Send(Request{Method: "POST", Target: "/logout", Cookie: "authkit-session" + separator + "0=a-neighbours"}).SetCookies(t)
		assert.NotContains(t, gone, "authkit-session"+separator+"0", "a neighbour's cookie stays")
	}
}

func TestASignInWithoutTheMiddlewareIsNotStoredByCaches(t *testing.T) {
	a := NewApp(t, AppOptions{})
	authentication := a.authenticate(Kim)
	resp := a.Direct(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=60")
		_, err := a.SignIn(w, r, authentication)
		assert.NoError(t, err)
	}), Request{Method: "POST", Target: "/form"})
	assert.Contains(t, resp.SetCookies(t), "authkit-session")
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
}

func TestAStepThatWasSetInTheFutureIsNotReadBeyondTheSkewOfClocks(t *testing.T) {
	a := NewApp(t, AppOptions{})
	for ahead, read := range map[time.Duration]bool{
		0: true, 59 * time.Second: true, time.Minute: true,
		time.Minute + time.Millisecond: false, time.Hour: false, 365 * 24 * time.Hour: false,
	} {
		fast := NewInstance(t, a.Fake, authkittest.NewFakeClock(Start.Add(ahead)), AppOptions{})
		w := httptest.NewRecorder()
		require.NoError(t, fast.SaveStep(w, step{Note: "from a clock that is ahead"}))
		r := httptest.NewRequest("GET", "/", nil)
		for _, c := range w.Result().Cookies() {
			r.AddCookie(c)
		}
		var s step
		err := a.LoadStep(r, &s)
		assert.Equal(t, read, err == nil, "%s ahead", ahead)
		assert.Equal(t, !read, errors.Is(err, authkit.ErrNoStep), "%s ahead: %v", ahead, err)
	}
}

func TestAnAuthenticationWithoutAUserMakesNoSession(t *testing.T) {
	for name, opts := range map[string][]authkit.Option{
		"a session of its own": nil,
		"a shared session":     {authkit.WithSharedSession()},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{AuthKit: opts})
			for _, user := range []workos.User{{}, {Email: Kim, FirstName: "Kim"}, {ID: " user_kim"}, {ID: "user_lee", Email: Kim}} {
				authentication := a.authenticate(Kim)
				authentication.User = user
				var err error
				resp := a.Direct(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, err = a.SignIn(w, r, authentication)
				}), Request{Method: "POST", Target: "/form"})
				assert.ErrorIs(t, err, authkit.ErrSignInFailed)
				assert.Empty(t, resp.SetCookies(t))
			}
		})
	}
}

func TestASealedSessionWithoutAUserIsNobodys(t *testing.T) {
	a, _ := moving(t)
	for _, user := range []any{nil, map[string]any{}, map[string]any{"id": ""}, map[string]any{"id": nil, "email": Kim}} {
		for library, text := range map[string]string{
			"family":    a.sealedElsewhere(Kim, map[string]any{"user": user}),
			"workos-go": a.sealedBySDK(Kim, map[string]any{"user": user}),
		} {
			resp := a.Send(Request{Target: "/account", Cookie: "wos-session=" + text, Header: Scripted()})
			assert.Equal(t, http.StatusUnauthorized, resp.Status, "%s: %v", library, user)
		}
	}
}

func TestALogoutAtAPathOfItsOwnRefreshesNothing(t *testing.T) {
	a := NewApp(t, AppOptions{
		AuthKit: []authkit.Option{authkit.WithLogoutPath("/bye")},
		Routes:  func(a *App, mux *http.ServeMux) { mux.Handle("/bye", a.Logout()) },
	})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	resp := a.Send(Request{Method: "POST", Target: "/bye", Cookie: cookie})
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Negative(t, resp.SetCookies(t)["authkit-session"].MaxAge)
	assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))
}

// The middleware refreshes a session, into more cookies than came, before the
// handler behind it ends or replaces it.
func TestNothingOfASessionThatWasJustRefreshedOutlivesItsEndInTheSameResponse(t *testing.T) {
	var authentication *workos.Authentication
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/elsewhere/logout", a.Logout())
		mux.HandleFunc("/form", func(w http.ResponseWriter, r *http.Request) {
			if _, err := a.SignIn(w, r, authentication); err != nil {
				a.Fail(w, r, err)
			}
		})
	}})
	stale := func() (cookie string) {
		a.fillTokens(10)
		cookie = a.SignedIn(Kim).CookieHeader()
		require.Equal(t, 1, strings.Count(cookie, "="))
		a.fillTokens(4200)
		a.ExpireToken(0)
		return cookie
	}
	names, _ := a.Send(Request{Target: "/account", Cookie: stale()}).sessionCookies(t)
	require.Len(t, names, 3, "so large it becomes")

	resp := a.Send(Request{Method: "POST", Target: "/elsewhere/logout", Cookie: stale()})
	names, _ = resp.sessionCookies(t)
	assert.Empty(t, names)
	require.Contains(t, resp.SetCookies(t), "authkit-session")
	assert.Negative(t, resp.SetCookies(t)["authkit-session"].MaxAge)

	cookie := stale()
	authentication = a.authenticate(lee)
	resp = a.Send(Request{Method: "POST", Target: "/form", Cookie: cookie})
	names, cookie = resp.sessionCookies(t)
	assert.Equal(t, []string{"authkit-session"}, names)
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: cookie}).Body, lee)
}

func TestAProofIsGoodForItsAgeAndTheSkewToTheLastMoment(t *testing.T) {
	a := guarded(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(11 * time.Minute)
	resp := a.Send(Request{Target: "/recent", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusOK, resp.Status)
	a.Clock.Advance(time.Millisecond)
	assert.Equal(t, http.StatusForbidden, a.Send(Request{Target: "/recent", Cookie: JarAfter(cookie, resp), Header: Scripted()}).Status)
}

// A browser that sends one of the two headers knows both.
func TestARequestWithHalfOfFetchMetadataIsNoNavigation(t *testing.T) {
	a := NewApp(t, AppOptions{})
	for name, value := range map[string]string{"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "image"} {
		resp := a.Send(Request{Target: "/account", Header: http.Header{name: {value}, "Accept": {"text/html"}}})
		assert.Equal(t, http.StatusUnauthorized, resp.Status, name)
		assert.Empty(t, resp.SetCookies(t))
	}
}

func TestABearerTokenOfASignedOutSessionIsToldSoAndNotSentToSignIn(t *testing.T) {
	a := guarded(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	token := a.bearerOf(cookie)
	a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie})
	header := Navigation()
	header.Set("Authorization", "Bearer "+token)
	resp := a.Send(Request{Target: "/auth", Header: header})
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
	assert.Equal(t, `Bearer error="invalid_token", error_description="The session has ended"`, resp.Header.Get("WWW-Authenticate"))
}

func TestWithoutARedirectURLAProofThatIsTooOldIs403ForANavigationToo(t *testing.T) {
	a := NewApp(t, AppOptions{})
	reader, err := authkit.New(
		authkit.WithAPIKey(a.Fake.APIKey()), authkit.WithClientID(a.Fake.ClientID()), authkit.WithBaseURL(a.Fake.URL()),
		authkit.WithCookiePassword(Password), authkit.WithCookieName("authkit-session"), authkit.WithClock(a.Clock))
	require.NoError(t, err)
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(2 * time.Minute)
	a.Server.Config.Handler = reader.RequireRecentAuth(0)(http.NotFoundHandler())
	resp := a.Send(Request{Target: "/", Cookie: cookie, Header: Navigation()})
	assert.Equal(t, http.StatusForbidden, resp.Status)
	assert.Empty(t, resp.SetCookies(t))
}

// Where the application puts a session into the context, no middleware stands
// around the guard.
func TestAGuardedResponseToASessionOfTheApplicationsOwnIsPrivateToo(t *testing.T) {
	a := NewApp(t, AppOptions{})
	guarded := a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(Visitor(r)))
	}))
	resp := a.Direct(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guarded.ServeHTTP(w, r.WithContext(authkit.NewContext(r.Context(), authkit.NewSession(authkit.SessionParams{ID: "session_own"}))))
	}), Request{Method: "GET", Target: "/"})
	assert.Contains(t, resp.Body, "session_own")
	assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
}

func TestASessionCookieThatDoesNotOpenIsLoggedAtDebug(t *testing.T) {
	a := NewApp(t, AppOptions{})
	require.Contains(t, a.Send(Request{Target: "/", Cookie: "theme=dark"}).Body, "nobody")
	require.NotContains(t, a.Logs.String(), "session cookie")
	require.Contains(t, a.Send(Request{Target: "/", Cookie: "authkit-session=planted"}).Body, "nobody")
	assert.Regexp(t, `level=DEBUG msg="authkit: session cookie [^"]*" error="seal: `, a.Logs.String())
	assert.NotContains(t, a.Logs.String(), "planted")

	a, _ = moving(t)
	require.Contains(t, a.Send(Request{Target: "/", Cookie: "theme=dark"}).Body, "nobody")
	require.NotContains(t, a.Logs.String(), "session cookie", "no session came")
	require.Contains(t, a.Send(Request{Target: "/", Cookie: "wos-session=planted"}).Body, "nobody")
	assert.Regexp(t, `level=DEBUG msg="authkit: session cookie [^"]*" error="seal: `, a.Logs.String())
}

func TestABearerTokenThatIsRefusedIsLoggedAtDebug(t *testing.T) {
	a := guarded(t)
	require.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/auth", Header: Bearer("made-up")}).Status)
	assert.Regexp(t, `level=DEBUG msg="authkit: bearer token [^"]*" error=`, a.Logs.String())
	assert.NotContains(t, a.Logs.String(), "made-up")
	assert.NotContains(t, a.Logs.String(), "level=WARN")
}

func TestAPathThatEndsWithinAnEncodingOfASecondLayerComesBackAsItWas(t *testing.T) {
	a := NewApp(t, AppOptions{})
	for _, target := range []string{"/a%25", "/a%252", "/a%2525", "/a%25252", "/a%25%32"} {
		assert.Equal(t, target, a.SanitizeReturnPath(target))
	}
}
