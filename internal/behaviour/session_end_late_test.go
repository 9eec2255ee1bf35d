// Late responses that clear the cookie of a session that WorkOS has ended. They must not clear the cookie of a later
// sign-in.

package behaviour

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/workos"
)

// startLateEnd returns an application in which kim's session was revoked at WorkOS, and the response channel of a request
// with its cookie. The middleware has ended the session of that request, and the handler waits until release is called.
func startLateEnd(t *testing.T, earlyHints bool) (a *App, cookie string, late chan Response, release func()) {
	t.Helper()
	started, released := make(chan struct{}), make(chan struct{})
	a = NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/slow", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if earlyHints {
				w.WriteHeader(http.StatusEarlyHints)
			}
			close(started)
			<-released
			io.WriteString(w, Visitor(r))
		}))
	}})
	cookie = a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	a.Fake.RevokeSession(a.SessionID())
	late = a.StartSlowRequest("/slow", cookie, started)
	return a, cookie, late, func() { close(released) }
}

func TestALateResponseThatClearsTheCookieKeepsALaterSignIn(t *testing.T) {
	for _, earlyHints := range []bool{false, true} {
		for name, signIn := range map[string]func(a *App, cookie string) (jar string){
			"another user, over the old cookie": func(a *App, cookie string) string {
				return a.SignInAgain(cookie)
			},
			"after a page that cleared the cookie": func(a *App, cookie string) string {
				jar := JarAfter(cookie, a.Send(Request{Target: "/account", Cookie: cookie, Header: Navigation()}))
				require.Empty(a.T, jar)
				return a.SignedIn("lee@example.com").CookieHeader()
			},
			"after a sign-out": func(a *App, cookie string) string {
				jar := JarAfter(cookie, a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Scripted()}))
				require.Empty(a.T, jar)
				return a.SignedIn(Kim).CookieHeader()
			},
		} {
			t.Run(fmt.Sprintf("%s, early hints: %t", name, earlyHints), func(t *testing.T) {
				a, cookie, late, release := startLateEnd(t, earlyHints)
				jar := signIn(a, cookie)
				release()
				resp := <-late
				assert.Equal(t, "anonymous", resp.Body)
				assert.Empty(t, resp.SetCookies(t))
				assert.Equal(t, jar, JarAfter(jar, resp))
				assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: jar}).Status)
			})
		}
	}
}

func TestALateResponseClearsTheCookieOfItsEndedSession(t *testing.T) {
	for _, earlyHints := range []bool{false, true} {
		a, cookie, late, release := startLateEnd(t, earlyHints)
		release()
		resp := <-late
		assert.Negative(t, resp.SetCookies(t)["authkit-session"].MaxAge)
		assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
		// This response and the next one are lost.
		for range 2 {
			resp = a.Send(Request{Target: "/", Cookie: cookie})
			assert.Negative(t, resp.SetCookies(t)["authkit-session"].MaxAge)
		}
	}
}

// If the handler sets or clears the cookie, the middleware does not change that.
func TestClearingTheCookieDoesNotOverrideWhatTheHandlerSets(t *testing.T) {
	var authentication *workos.Authentication
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("POST /sign-out", a.Logout())
		mux.HandleFunc("POST /own", func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "authkit-session", Value: "own", Path: "/"})
		})
		mux.HandleFunc("POST /copy-and-sign-in", func(w http.ResponseWriter, r *http.Request) {
			io.Copy(w, endingReader(0)) // sends nothing, but finalizes the header
			_, err := a.SignIn(w, r, authentication)
			assert.NoError(t, err)
		})
		mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
			_, err := a.SignIn(w, r, authentication)
			assert.NoError(t, err)
		})
	}})
	sendEnded := func(target string) (cookie string, resp Response) {
		cookie = a.SignedIn(Kim).CookieHeader()
		a.Fake.RevokeSession(a.SessionID())
		a.ExpireToken(2 * time.Minute)
		authentication = a.authenticate(Kim)
		return cookie, a.Send(Request{Method: "POST", Target: target, Cookie: cookie, Header: Scripted()})
	}
	cookie, resp := sendEnded("/sign-out")
	assert.Empty(t, JarAfter(cookie, resp))
	_, resp = sendEnded("/own")
	assert.Equal(t, "own", resp.SetCookies(t)["authkit-session"].Value)
	for _, target := range []string{"/sign-in", "/copy-and-sign-in"} {
		_, resp = sendEnded(target)
		assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: resp.NewCookie(t)}).Status)
	}
}

func TestAnInformationalResponseClearsNoCookie(t *testing.T) {
	a, cookie, late, release := startLateEnd(t, true)
	release()
	require.Empty(t, JarAfter(cookie, <-late))
	a.serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusEarlyHints) })
	hints := 0
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(_ int, header textproto.MIMEHeader) error {
			hints++
			assert.Empty(t, header.Get("Set-Cookie"))
			return nil
		},
	}), "GET", a.URL, nil)
	require.NoError(t, err)
	r.Header.Set("Cookie", cookie)
	resp, err := a.Server.Client().Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, 1, hints)
	assert.Contains(t, resp.Header.Get("Set-Cookie"), "Max-Age=0")
}

func TestALateFailedSwitchKeepsALaterSignIn(t *testing.T) {
	for _, cleared := range []bool{false, true} {
		started, released := make(chan struct{}), make(chan struct{})
		slow := true
		a := NewSwitchingApp(t, authkit.WithErrorHandler(func(w http.ResponseWriter, r *http.Request, f authkit.Failure) {
			if slow && r.URL.Path == "/organization" {
				slow = false
				close(started)
				<-released
			}
			f.ServeHTTP(w, r)
		}))
		cookie := a.AcmeCookie()
		a.Fake.RevokeSession(a.SessionID())
		late := a.SendAsync(Request{
			Method: "POST", Target: "/organization", Cookie: cookie, Header: Scripted(), Form: map[string][]string{"organization_id": {"org_beta"}},
		})
		<-started
		var jar string
		if cleared {
			require.Empty(t, JarAfter(cookie, a.SwitchTo("org_beta", cookie, Scripted())))
			jar = a.SignedIn("lee@example.com").CookieHeader()
		} else {
			jar = a.SignInAgain(cookie)
		}
		close(released)
		resp := <-late
		assert.Equal(t, http.StatusUnauthorized, resp.Status)
		assert.Empty(t, resp.SetCookies(t))
		assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: jar}).Status)
	}
}

// A slow request refreshes the session. Before its response, WorkOS ends the session, a response clears the cookie, and
// another user signs in.
func TestALateRefreshDoesNotReplaceASignInAfterItsSessionEnded(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	a := NewApp(t, AppOptions{Routes: reportRoutes(started, release)})
	cookie := a.SignedIn(Kim).CookieHeader()
	id := a.SessionID()
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	late := a.StartSlowRequest("/report", cookie, started)
	jar := a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
	a.Fake.RevokeSession(id)
	a.Clock.Advance(7 * time.Minute)
	require.Empty(t, JarAfter(jar, a.Send(Request{Target: "/account", Cookie: jar, Header: Scripted()})))
	jar = a.SignedIn("lee@example.com").CookieHeader()
	close(release)
	assert.Equal(t, jar, JarAfter(jar, <-late))
}

// The handler first copies an empty file, which sends no header. A user may sign in before the handler continues.
func TestASignInBetweenTwoFinalizationsOfTheHeadersIsKept(t *testing.T) {
	for _, signsIn := range []bool{false, true} {
		copied, release := make(chan struct{}), make(chan struct{})
		a := NewApp(t, AppOptions{Routes: func(_ *App, mux *http.ServeMux) {
			mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
				http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark"})
				io.Copy(w, endingReader(0))
				close(copied)
				<-release
				io.WriteString(w, "page")
			})
		}})
		cookie := a.SignedIn(Kim).CookieHeader()
		a.ExpireToken(2 * time.Minute)
		a.Fake.RevokeSession(a.SessionID())
		late := a.StartSlowRequest("/slow", cookie, copied)
		jar := cookie
		if signsIn {
			jar = a.SignInAgain(cookie)
		}
		close(release)
		resp := <-late
		assert.Equal(t, "dark", resp.SetCookies(t)["theme"].Value)
		if signsIn {
			assert.Equal(t, jar, JarAfter(jar, resp))
		} else {
			assert.Empty(t, JarAfter(jar, resp))
		}
	}
}

// The application puts the session into the context itself. There is no response writer of the middleware that could decide
// later.
func TestAFailedSwitchOutsideTheMiddlewareClearsTheCookieAtOnce(t *testing.T) {
	a := NewSwitchingApp(t)
	cookie := a.AcmeCookie()
	session := a.sessionOf(cookie)
	a.Fake.RevokeSession(a.SessionID())
	resp := a.ServeDirectly(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.SwitchOrganization().ServeHTTP(w, r.WithContext(authkit.NewContext(r.Context(), session)))
	}), Request{
		Method: "POST", Target: "/organization", Cookie: cookie,
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Form: map[string][]string{"organization_id": {"org_beta"}},
	})
	assert.Equal(t, http.StatusUnauthorized, resp.Status)
	assert.Empty(t, JarAfter(cookie, resp))
}

// The middleware refreshes a session into more cookies than the request had. Then the handler ends or replaces the session.
func TestAResponseThatEndsARefreshedSessionSetsNoneOfItsCookies(t *testing.T) {
	var authentication *workos.Authentication
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/elsewhere/logout", a.Logout())
		mux.HandleFunc("/form", func(w http.ResponseWriter, r *http.Request) {
			if _, err := a.SignIn(w, r, authentication); err != nil {
				a.Fail(w, r, err)
			}
		})
	}})
	staleCookie := func() (cookie string) {
		a.fillTokens(10)
		cookie = a.SignedIn(Kim).CookieHeader()
		require.Equal(t, 1, strings.Count(cookie, "="))
		a.fillTokens(6000)
		a.ExpireToken(0)
		return cookie
	}
	names, _ := a.Send(Request{Target: "/account", Cookie: staleCookie()}).sessionCookies(t)
	require.Len(t, names, 3, "the refreshed session has three chunks")

	resp := a.Send(Request{Method: "POST", Target: "/elsewhere/logout", Cookie: staleCookie()})
	names, _ = resp.sessionCookies(t)
	assert.Empty(t, names)
	require.Contains(t, resp.SetCookies(t), "authkit-session")
	assert.Negative(t, resp.SetCookies(t)["authkit-session"].MaxAge)

	cookie := staleCookie()
	authentication = a.authenticate(lee)
	resp = a.Send(Request{Method: "POST", Target: "/form", Cookie: cookie})
	names, cookie = resp.sessionCookies(t)
	assert.Equal(t, []string{"authkit-session"}, names)
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: cookie}).Body, lee)
}
