// Responses that clear the cookie of a session that WorkOS has ended, and come
// late: they must not clear what took its place.

package authkit_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// endingLate is an application whose kim has been revoked at WorkOS. A page that
// was asked for with the cookie knows of it, and is held by its handler.
func endingLate(t *testing.T, hint bool) (a *app, cookie string, late chan response, goOn func()) {
	t.Helper()
	began, held := make(chan struct{}), make(chan struct{})
	a = newApp(t, appOptions{routes: func(a *app, mux *http.ServeMux) {
		mux.Handle("/slow", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if hint {
				w.WriteHeader(http.StatusEarlyHints)
			}
			close(began)
			<-held
			io.WriteString(w, visitor(r))
		}))
	}})
	cookie = a.signedIn(kim).cookieHeader()
	a.expireToken(2 * time.Minute)
	a.fake.RevokeSession(a.sessionID())
	late = a.beginLate("/slow", cookie, began)
	return a, cookie, late, func() { close(held) }
}

func TestALateEndOfASessionLeavesTheSignInAfterIt(t *testing.T) {
	for _, hint := range []bool{false, true} {
		for name, signIn := range map[string]func(a *app, cookie string) (jar string){
			"another person, over the old cookie": func(a *app, cookie string) string {
				return a.signInOver(cookie)
			},
			"after a page that cleared the cookie": func(a *app, cookie string) string {
				jar := jarAfter(cookie, a.send(request{target: "/account", cookie: cookie, header: navigation()}))
				require.Empty(a.t, jar)
				return a.signedIn("lee@example.com").cookieHeader()
			},
			"after a sign-out": func(a *app, cookie string) string {
				jar := jarAfter(cookie, a.send(request{method: "POST", target: "/logout", cookie: cookie, header: scripted()}))
				require.Empty(a.t, jar)
				return a.signedIn(kim).cookieHeader()
			},
		} {
			t.Run(fmt.Sprintf("%s, early hints: %t", name, hint), func(t *testing.T) {
				a, cookie, late, goOn := endingLate(t, hint)
				jar := signIn(a, cookie)
				goOn()
				resp := <-late
				assert.Equal(t, "nobody", resp.body)
				assert.Empty(t, resp.setCookies(t))
				assert.Equal(t, jar, jarAfter(jar, resp))
				assert.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: jar}).status)
			})
		}
	}
}

func TestALateEndOfASessionClearsTheCookieThatIsStillThere(t *testing.T) {
	for _, hint := range []bool{false, true} {
		a, cookie, late, goOn := endingLate(t, hint)
		goOn()
		resp := <-late
		assert.Negative(t, resp.setCookies(t)["authkit-session"].MaxAge)
		assert.Equal(t, "private, no-store", resp.header.Get("Cache-Control"))
		// That response is lost, and so is the next one.
		for range 2 {
			resp = a.send(request{target: "/", cookie: cookie})
			assert.Negative(t, resp.setCookies(t)["authkit-session"].MaxAge)
		}
	}
}

// The handler's own word on the cookie holds, whichever it is.
func TestTheEndOfASessionTakesNothingBackThatItsHandlerSets(t *testing.T) {
	var authentication *workos.Authentication
	a := newApp(t, appOptions{routes: func(a *app, mux *http.ServeMux) {
		mux.Handle("POST /sign-out", a.Logout())
		mux.HandleFunc("POST /own", func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "authkit-session", Value: "own", Path: "/"})
		})
		mux.HandleFunc("POST /copy-and-sign-in", func(w http.ResponseWriter, r *http.Request) {
			io.Copy(w, endingReader(0)) // sends nothing, but is decided on
			_, err := a.SignIn(w, r, authentication)
			assert.NoError(t, err)
		})
		mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
			_, err := a.SignIn(w, r, authentication)
			assert.NoError(t, err)
		})
	}})
	ended := func(target string) (cookie string, resp response) {
		cookie = a.signedIn(kim).cookieHeader()
		a.fake.RevokeSession(a.sessionID())
		a.expireToken(2 * time.Minute)
		authentication = a.authenticate(kim)
		return cookie, a.send(request{method: "POST", target: target, cookie: cookie, header: scripted()})
	}
	cookie, resp := ended("/sign-out")
	assert.Empty(t, jarAfter(cookie, resp))
	_, resp = ended("/own")
	assert.Equal(t, "own", resp.setCookies(t)["authkit-session"].Value)
	for _, target := range []string{"/sign-in", "/copy-and-sign-in"} {
		_, resp = ended(target)
		assert.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: resp.newCookie(t)}).status)
	}
}

func TestAnInformationalResponseClearsNoCookie(t *testing.T) {
	a, cookie, late, goOn := endingLate(t, true)
	goOn()
	require.Empty(t, jarAfter(cookie, <-late))
	a.serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusEarlyHints) })
	hints := 0
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(_ int, header textproto.MIMEHeader) error {
			hints++
			assert.Empty(t, header.Get("Set-Cookie"))
			return nil
		},
	}), "GET", a.url, nil)
	require.NoError(t, err)
	r.Header.Set("Cookie", cookie)
	resp, err := a.server.Client().Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, 1, hints)
	assert.Contains(t, resp.Header.Get("Set-Cookie"), "Max-Age=0")
}

func TestALateEndOfASwitchLeavesTheSignInAfterIt(t *testing.T) {
	for _, cleared := range []bool{false, true} {
		began, held := make(chan struct{}), make(chan struct{})
		slow := true
		a := switching(t, authkit.WithErrorHandler(func(w http.ResponseWriter, r *http.Request, f authkit.Failure) {
			if slow && r.URL.Path == "/organization" {
				slow = false
				close(began)
				<-held
			}
			f.ServeHTTP(w, r)
		}))
		cookie := a.acme()
		a.fake.RevokeSession(a.sessionID())
		late := a.sendAside(request{
			method: "POST", target: "/organization", cookie: cookie, header: scripted(), form: map[string][]string{"organization_id": {"org_beta"}},
		})
		<-began
		var jar string
		if cleared {
			require.Empty(t, jarAfter(cookie, a.switchTo("org_beta", cookie, scripted())))
			jar = a.signedIn("lee@example.com").cookieHeader()
		} else {
			jar = a.signInOver(cookie)
		}
		close(held)
		resp := <-late
		assert.Equal(t, http.StatusUnauthorized, resp.status)
		assert.Empty(t, resp.setCookies(t))
		assert.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: jar}).status)
	}
}

// A page was refreshed and held by its handler. Meanwhile the new session was
// ended by WorkOS, its cookie cleared, and somebody else signed in.
func TestALateRefreshDoesNotReplaceASignInAfterTheEndOfItsSession(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	a := newApp(t, appOptions{routes: reporting(began, goOn)})
	cookie := a.signedIn(kim).cookieHeader()
	id := a.sessionID()
	a.clock.Advance(4*time.Minute + 10*time.Second)
	late := a.beginLate("/report", cookie, began)
	jar := a.send(request{target: "/account", cookie: cookie}).newCookie(t)
	a.fake.RevokeSession(id)
	a.clock.Advance(7 * time.Minute)
	require.Empty(t, jarAfter(jar, a.send(request{target: "/account", cookie: jar, header: scripted()})))
	jar = a.signedIn("lee@example.com").cookieHeader()
	close(goOn)
	assert.Equal(t, jar, jarAfter(jar, <-late))
}

// The middleware has refreshed the session in the very response that ends it.
func TestASwitchThatEndsASessionWhichWasJustRefreshedSetsNothing(t *testing.T) {
	for _, opts := range [][]authkit.Option{nil, {authkit.WithIdleTimeout(time.Hour)}} {
		upstream := &interrupted{}
		a := switching(t, append(opts, authkit.WithHTTPClient(&http.Client{Transport: upstream}))...)
		cookie := a.acme()
		a.clock.Advance(4*time.Minute + 10*time.Second)
		authkit.OnRefreshStep(a.AuthKit, func(step string) {
			if step == "notified" && a.fake.Calls(authkittest.RouteRefresh) == 1 {
				upstream.by = func() {} // the next exchange is refused
			}
		})
		resp := a.switchTo("org_beta", cookie, scripted())
		assert.Equal(t, http.StatusUnauthorized, resp.status)
		assert.Empty(t, jarAfter(cookie, resp))
	}
}

// The handler copies an empty file first, which sends no header, and somebody
// signs in before it goes on.
func TestAnEndThatIsDecidedOnTwiceLeavesTheSignInInBetween(t *testing.T) {
	for _, signsIn := range []bool{false, true} {
		copied, goOn := make(chan struct{}), make(chan struct{})
		a := newApp(t, appOptions{routes: func(_ *app, mux *http.ServeMux) {
			mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
				http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark"})
				io.Copy(w, endingReader(0))
				close(copied)
				<-goOn
				io.WriteString(w, "page")
			})
		}})
		cookie := a.signedIn(kim).cookieHeader()
		a.expireToken(2 * time.Minute)
		a.fake.RevokeSession(a.sessionID())
		late := a.beginLate("/slow", cookie, copied)
		jar := cookie
		if signsIn {
			jar = a.signInOver(cookie)
		}
		close(goOn)
		resp := <-late
		assert.Equal(t, "dark", resp.setCookies(t)["theme"].Value)
		if signsIn {
			assert.Equal(t, jar, jarAfter(jar, resp))
		} else {
			assert.Empty(t, jarAfter(jar, resp))
		}
	}
}

// A session that the application put into the context itself: no writer of the
// middleware's is there to decide later.
func TestASwitchOutsideTheMiddlewareClearsTheCookieAtOnce(t *testing.T) {
	a := switching(t)
	cookie := a.acme()
	session := a.sessionOf(cookie)
	a.fake.RevokeSession(a.sessionID())
	resp := a.direct(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.SwitchOrganization().ServeHTTP(w, r.WithContext(authkit.NewContext(r.Context(), session)))
	}), request{
		method: "POST", target: "/organization", cookie: cookie,
		header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, form: map[string][]string{"organization_id": {"org_beta"}},
	})
	assert.Equal(t, http.StatusUnauthorized, resp.status)
	assert.Empty(t, jarAfter(cookie, resp))
}
