// The end of sessions by sign-outs, sign-ins and revocations, with planted cookies, hooks and late responses.

package behaviour

import (
	"context"
	"fmt"
	"io"
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

// reuseSession makes every later sign-in lead to an existing WorkOS session, as AuthKit does while that session is active.
func reuseSession(a *App, upstream *RewritingTransport, id string, claims map[string]any) {
	upstream.Change = func(reply map[string]any) {
		now := a.Clock.Now().Unix()
		token := map[string]any{"iss": a.Fake.Issuer(), "sub": "user_kim", "sid": id, "client_id": a.Fake.ClientID(), "iat": now, "exp": now + 300}
		for k, v := range claims {
			token[k] = v
		}
		reply["access_token"] = a.Fake.SignToken(token)
	}
}

// newRewritingApp returns an application and the transport with which a test can change the replies of WorkOS.
func newRewritingApp(t *testing.T, opts ...authkit.Option) (*App, *RewritingTransport) {
	upstream := &RewritingTransport{}
	return NewApp(t, AppOptions{AuthKit: append([]authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}, opts...)}), upstream
}

// A planted chunk may look like the next chunk of a session.
func TestAPlantedExtraChunkDoesNotPreventTheEndOfASession(t *testing.T) {
	for name, header := range map[string]http.Header{"by a form": Navigation(), "by a script": Scripted()} {
		for planted, cookies := range map[string]string{"alone": "authkit-session.3=x", "among many": "authkit-session.3=x; " + junk(15)} {
			t.Run("a sign-out "+name+", "+planted, func(t *testing.T) {
				a := NewApp(t, AppOptions{})
				a.fillTokens(6000)
				b := a.SignedIn(Kim)
				copied := b.CookieHeader() // .0 .1 .2
				resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: copied + "; " + cookies, Header: header})
				if name == "by a form" {
					_, err := b.Get(resp.Header.Get("Location"))
					require.NoError(t, err)
				} else {
					a.Clock.Advance(30 * time.Second)
					a.Logs.await(t, "session revoked at WorkOS", 1)
				}
				for range 2 {
					assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: copied, Header: Scripted()}).Status)
					a.Clock.Advance(6 * time.Minute)
				}
			})
		}
	}
	t.Run("a sign-in that replaces the session", func(t *testing.T) {
		a := NewApp(t, AppOptions{})
		a.Fake.UpdateUser("lee@example.com", func(p *authkittest.User) { p.Claims = incompressible(6000) })
		leeCookie := a.SignedIn("lee@example.com").CookieHeader()
		id := a.SessionID()
		s := a.StartSignIn("/login")
		a.Send(Request{Target: s.Target(), Cookie: leeCookie + "; authkit-session.3=x; " + s.Cookie, Header: Navigation()})
		a.Logs.await(t, "session revoked at WorkOS", 1)
		session, _ := a.Fake.Session(id)
		assert.False(t, session.Active())
		assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: leeCookie, Header: Scripted()}).Status)
	})
}

// A script signs out, the first attempt to revoke fails, and the user signs in to the same WorkOS session again.
func TestASignInCancelsARevocationBetweenTwoAttempts(t *testing.T) {
	a, upstream := newRewritingApp(t)
	cookie, id := a.SignedIn(Kim).CookieHeader(), a.SessionID()
	require.Equal(t, http.StatusOK, a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Scripted()}).Status)
	a.Fake.InjectFault(authkittest.RouteRevokeSession, authkittest.Fault{Status: 503, Times: 1})
	a.Clock.Advance(30 * time.Second)
	a.Logs.await(t, "session not revoked at WorkOS yet", 1)

	reuseSession(a, upstream, id, nil)
	again := a.SignedIn(Kim).CookieHeader()
	upstream.Change = nil
	a.Clock.Advance(3 * time.Minute)
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: again}).Body, Kim+" in "+id)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRevokeSession))
	session, _ := a.Fake.Session(id)
	assert.True(t, session.Active())
}

func TestARevocationWaitsForTheSignInHookOfItsSession(t *testing.T) {
	for name, refusal := range map[string]error{"the hook accepts": nil, "the hook refuses": fmt.Errorf("refused")} {
		t.Run(name, func(t *testing.T) {
			signIns := 0
			var a *App
			a, upstream := newRewritingApp(t, authkit.WithOnSignIn(func(context.Context, authkit.SignInEvent) error {
				if signIns++; signIns == 2 {
					a.Clock.Advance(2 * time.Second) // the hook is slow
					return refusal
				}
				return nil
			}))
			cookie, id := a.SignedIn(Kim).CookieHeader(), a.SessionID()
			a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Scripted()})
			a.Clock.Advance(29 * time.Second)
			reuseSession(a, upstream, id, nil)
			s := a.StartSignIn("/login")
			resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
			upstream.Change = nil
			if refusal != nil {
				require.Equal(t, http.StatusInternalServerError, resp.Status)
				a.Clock.Advance(30 * time.Second)
				a.Logs.await(t, "session revoked at WorkOS", 1)
				return
			}
			a.Clock.Advance(time.Minute)
			assert.Contains(t, a.Send(Request{Target: "/account", Cookie: resp.NewCookie(t)}).Body, Kim+" in "+id)
			assert.Zero(t, a.Fake.Calls(authkittest.RouteRevokeSession))
		})
	}
}

// A sign-out during the hook of a sign-in to the same session counts as later than that sign-in, here and at WorkOS.
func TestASignOutDuringTheSignInHookTakesEffect(t *testing.T) {
	signIns := 0
	var a *App
	var cookie string
	a, upstream := newRewritingApp(t, authkit.WithOnSignIn(func(context.Context, authkit.SignInEvent) error {
		if signIns++; signIns == 2 {
			a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Scripted()})
		}
		return nil
	}))
	cookie = a.SignedIn(Kim).CookieHeader()
	id := a.SessionID()
	reuseSession(a, upstream, id, nil)
	again := a.SignedIn(Kim).CookieHeader()
	upstream.Change = nil
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: again, Header: Scripted()}).Status)
	a.Clock.Advance(30 * time.Second)
	a.Logs.await(t, "session revoked at WorkOS", 1)
	session, _ := a.Fake.Session(id)
	assert.False(t, session.Active())
}

// A sign-in to the same WorkOS session keeps that session active. A signed-out cookie must not become valid again.
func TestASignedOutCookieStaysRefusedAfterASignInToTheSameSession(t *testing.T) {
	a, upstream := newRewritingApp(t)
	cookie, id := a.SignedIn(Kim).CookieHeader(), a.SessionID()
	a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Scripted()})
	a.Clock.Advance(10 * time.Second)
	reuseSession(a, upstream, id, nil)
	a.SignedIn(Kim)
	upstream.Change = nil
	for range 3 {
		require.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()}).Status)
		a.Clock.Advance(7 * time.Minute)
	}
}

// A first response clears the cookie of a session that WorkOS has ended. A second request was sent before that response
// arrived. It is slow, and the user signs in before its response.
func TestASecondLateResponseThatClearsTheCookieKeepsALaterSignIn(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	a := NewApp(t, AppOptions{Routes: reportRoutes(started, release)})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.ExpireToken(2 * time.Minute)
	a.Fake.RevokeSession(a.SessionID())
	first := a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()}) // on its way to the browser
	late := a.StartSlowRequest("/report", cookie, started)                           // sent before the first response arrived
	jar := JarAfter(cookie, first)
	require.Empty(t, jar)
	jar = a.SignedIn("lee@example.com").CookieHeader()
	close(release)
	resp := <-late
	assert.Equal(t, jar, JarAfter(jar, resp), "a late response must not clear the cookie of a later sign-in: %v", resp.Header["Set-Cookie"])
}

// Browsers do not send a Strict cookie to the callback. So the pending sign-in must remember the previous session.
func TestASignInWithStrictCookiesEndsThePreviousSession(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	a := NewApp(t, AppOptions{Routes: reportRoutes(started, release), AuthKit: []authkit.Option{
		authkit.WithCookieSameSite(http.SameSiteStrictMode), authkit.WithLoginParams(authkit.LoginParams{Prompt: "login"}),
	}})
	b := a.SignedIn("lee@example.com")
	leeCookie, leeSession := b.CookieHeader(), a.SessionID()
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	late := a.StartSlowRequest("/report", leeCookie, started) // a slow request that refreshes the session
	page, err := b.SignIn(a.URL+"/login?return_to=/account", Kim)
	require.NoError(t, err)
	require.Contains(t, page.Body, Kim)
	a.Logs.await(t, "session revoked at WorkOS", 1)
	session, _ := a.Fake.Session(leeSession)
	assert.False(t, session.Active(), "ended at WorkOS")
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: leeCookie, Header: Scripted()}).Status, "ended here")
	close(release)
	jar := JarAfter(b.CookieHeader(), <-late)
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: jar, Header: Scripted()}).Body, Kim, "the browser keeps kim's session")
}

func TestASessionIsRevokedOnceForAnyNumberOfSignOuts(t *testing.T) {
	a := NewApp(t, AppOptions{})
	one, two := a.SignedIn(Kim).CookieHeader(), a.SignedIn(Kim).CookieHeader()
	for _, cookie := range []string{one, two} {
		a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Scripted()})
	}
	a.Clock.Advance(30 * time.Second) // no further, because the calls have a time limit
	a.Logs.await(t, "session revoked at WorkOS", 2)
	a.Clock.Advance(23 * time.Hour)
	for range 50 {
		a.Send(Request{Method: "POST", Target: "/logout", Cookie: one + "; " + two, Header: Navigation()})
	}
	third := a.SignedIn(Kim).CookieHeader()
	a.Send(Request{Method: "POST", Target: "/logout", Cookie: one + "; " + third, Header: Scripted()})
	a.Clock.Advance(30 * time.Second)
	a.Logs.await(t, "session revoked at WorkOS", 3)
	assert.Equal(t, 3, a.Fake.Calls(authkittest.RouteRevokeSession))
}

// An attacker can also plant the cookie that counts failed sign-ins. It must not prevent a sign-in that the user starts.
func TestAPlantedCountOfFailedSignInsDoesNotPreventASignIn(t *testing.T) {
	a := NewApp(t, AppOptions{})
	count := conflictCookie("", a.Fake.ClientID(), "authkit-session")
	b, _ := a.plantedBrowser(plantingTransport{before: count + "=2; authkit-session=x"})
	page := b.get("/account")
	require.Equal(t, http.StatusBadRequest, page.StatusCode)
	_, err := b.Follow("Try again")
	require.NoError(t, err)
	page, err = b.Submit("Kim", nil)
	require.NoError(t, err)
	require.Contains(t, page.Body, "page of "+Kim)
}

// The issuer's clock is ahead and its tokens have no auth_time. Then the sign-in time of a shared session is the time at
// which its token was issued.
func TestASignOutRefusesASharedCookieThatAnotherLibraryRefreshed(t *testing.T) {
	a := NewSharedSessionApp(t)
	n := a.Neighbour()
	cookie := a.SignedIn(Kim).CookieHeader()
	id := a.SessionID()
	token := func(ahead time.Duration) string {
		now := a.Clock.Now().Add(ahead).Unix()
		return a.Fake.SignToken(map[string]any{"iss": a.Fake.Issuer(), "sub": "user_kim", "sid": id, "client_id": a.Fake.ClientID(), "iat": now, "exp": now + 300})
	}
	session := n.Read(cookie)
	delete(session, "authkit")
	session["accessToken"] = token(30 * time.Second)
	first := n.Write(session)
	a.Clock.Advance(10 * time.Second)
	session["accessToken"] = token(30 * time.Second)
	second := n.Write(session) // a refresh, of whose cookie a copy exists
	a.Clock.Advance(5 * time.Second)
	require.Contains(t, a.Send(Request{Target: "/account", Cookie: first}).Body, Kim)
	a.Send(Request{Method: "POST", Target: "/logout", Cookie: first, Header: Scripted()})
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: first, Header: Scripted()}).Status)
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: second, Header: Scripted()}).Status, "the same session")
}

// The session has a newer token, which expires later than the token of the sign-out request.
func TestASignOutIsRememberedUntilTheNewerTokenExpires(t *testing.T) {
	upstream := &RewritingTransport{}
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	old, id := a.SignedIn(Kim).CookieHeader(), a.SessionID()
	a.Clock.Advance(4*time.Minute + 30*time.Second)
	reuseSession(a, upstream, id, map[string]any{"exp": a.Clock.Now().Add(time.Hour).Unix()}) // WorkOS now issues tokens for an hour
	refreshed := a.Send(Request{Target: "/account", Cookie: old}).NewCookie(t)
	upstream.Change = nil
	a.Send(Request{Method: "POST", Target: "/logout", Cookie: old, Header: Navigation()}) // sent before the new cookie arrived
	require.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: refreshed, Header: Scripted()}).Status)
	a.Clock.Advance(7 * time.Minute)
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: refreshed, Header: Scripted()}).Status, "refused until the new token expires")
}

// A sign-in has ended the planted session, but the browser still sends its cookie.
func TestAPlantedSessionThatASignInEndedDoesNotAffectLaterRequests(t *testing.T) {
	a := NewApp(t, AppOptions{})
	leeCookie := a.SignedIn("lee@example.com").CookieHeader()
	b, _ := a.plantedBrowser(plantingTransport{before: leeCookie})
	_, err := b.SignIn(a.URL+"/login?return_to=/account", Kim)
	require.NoError(t, err)
	require.Contains(t, b.get("/account").Body, Kim)
	for minute := range 9 {
		a.Clock.Advance(time.Minute)
		page := b.fetch("GET", "/account")
		require.Contains(t, page.Body, "page of "+Kim, "minute %d", minute+1)
	}
}

// slowReader is a reader whose first Read waits until release is closed.
type slowReader struct {
	started, release chan struct{}
	done             bool
}

func (p *slowReader) Read(b []byte) (int, error) {
	if p.done {
		return 0, io.EOF
	}
	p.done = true
	close(p.started)
	<-p.release
	return copy(b, "data"), nil
}

// copying adds /report, which copies a reader to the response.
func copying(src *slowReader) func(*App, *http.ServeMux) {
	return func(_ *App, mux *http.ServeMux) {
		mux.HandleFunc("/report", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, src) })
	}
}

// io.Copy may pass the writer to its source. The header is finalized when the first bytes are written.
func TestASlowCopyNeitherSetsNorClearsTheCookieOfALaterSignIn(t *testing.T) {
	for name, c := range map[string]struct {
		after time.Duration
		ended bool
	}{"a refreshed session": {4*time.Minute + 10*time.Second, false}, "an ended session": {7 * time.Minute, true}} {
		t.Run(name, func(t *testing.T) {
			src := &slowReader{started: make(chan struct{}), release: make(chan struct{})}
			a := NewApp(t, AppOptions{Routes: copying(src)})
			leeCookie := a.SignedIn("lee@example.com").CookieHeader()
			a.Clock.Advance(c.after)
			if c.ended {
				a.Fake.RevokeSession(a.SessionID())
			}
			late := a.StartSlowRequest("/report", leeCookie, src.started)
			jar := a.SignInAgain(leeCookie)
			close(src.release)
			resp := <-late
			require.Equal(t, "data", resp.Body)
			assert.Empty(t, resp.Header["Set-Cookie"])
			assert.Contains(t, a.Send(Request{Target: "/account", Cookie: JarAfter(jar, resp), Header: Scripted()}).Body, Kim)
		})
	}
}

func TestASlowCopyDoesNotUndoASwitch(t *testing.T) {
	src := &slowReader{started: make(chan struct{}), release: make(chan struct{})}
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		copying(src)(a, mux)
		mux.Handle("POST /organization", a.SwitchOrganization())
		mux.HandleFunc("/me", func(w http.ResponseWriter, r *http.Request) {
			if s, ok := sessionOf(r); ok {
				io.WriteString(w, s.OrganizationID())
			}
		})
	}})
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) {
		p.Memberships = append(p.Memberships, authkittest.Membership{OrganizationID: "org_beta", Role: "viewer"})
	})
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	late := a.StartSlowRequest("/report", cookie, src.started)
	jar := a.Send(Request{Method: "POST", Target: "/organization", Cookie: cookie, Header: Scripted(), Form: url.Values{"organization_id": {"org_beta"}}}).NewCookie(t)
	require.Equal(t, "org_beta", a.Send(Request{Target: "/me", Cookie: jar}).Body)
	close(src.release)
	jar = JarAfter(jar, <-late)
	assert.Equal(t, "org_beta", a.Send(Request{Target: "/me", Cookie: jar}).Body)
}

func TestACopiedBodyOfAnyLengthArrivesComplete(t *testing.T) {
	a := NewApp(t, AppOptions{Routes: func(_ *App, mux *http.ServeMux) {
		mux.HandleFunc("/copy", func(w http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(w, strings.NewReader(r.URL.Query().Get("text")))
			assert.NoError(t, err)
		})
	}})
	for _, n := range []int{0, 1, 511, 512, 513, 1024, 5000} {
		text := strings.Repeat("x", n)
		assert.Equal(t, text, a.Send(Request{Target: "/copy?text=" + text}).Body, n)
	}
}
