// Sessions that end, and what must not protect, revive or outlive them.

package authkit_test

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

// sameSession has every sign-in from now on lead to a WorkOS session that exists, as AuthKit does with one that is alive.
func sameSession(a *app, upstream *rewriting, id string, claims map[string]any) {
	upstream.change = func(reply map[string]any) {
		now := a.clock.Now().Unix()
		token := map[string]any{"iss": a.fake.Issuer(), "sub": "user_kim", "sid": id, "client_id": a.fake.ClientID(), "iat": now, "exp": now + 300}
		for k, v := range claims {
			token[k] = v
		}
		reply["access_token"] = a.fake.SignToken(token)
	}
}

// rewritten is an application whose replies of WorkOS a test may change.
func rewritten(t *testing.T, opts ...authkit.Option) (*app, *rewriting) {
	upstream := &rewriting{}
	return newApp(t, appOptions{authkit: append([]authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}, opts...)}), upstream
}

// A planted chunk may look like the next one of a session in parts.
func TestTheNextChunkInTheRowProtectsNoSessionFromItsEnd(t *testing.T) {
	for name, header := range map[string]http.Header{"by a form": navigation(), "by a script": scripted()} {
		for planted, cookies := range map[string]string{"alone": "authkit-session.3=x", "among many": "authkit-session.3=x; " + junk(15)} {
			t.Run("a sign-out "+name+", "+planted, func(t *testing.T) {
				a := newApp(t, appOptions{})
				a.fillTokens(4200)
				b := a.signedIn(kim)
				copied := b.cookieHeader() // .0 .1 .2
				resp := a.send(request{method: "POST", target: "/logout", cookie: copied + "; " + cookies, header: header})
				if name == "by a form" {
					_, err := b.Get(resp.header.Get("Location"))
					require.NoError(t, err)
				} else {
					a.clock.Advance(30 * time.Second)
					a.logs.await(t, "session revoked at WorkOS", 1)
				}
				for range 2 {
					assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: copied, header: scripted()}).status)
					a.clock.Advance(6 * time.Minute)
				}
			})
		}
	}
	t.Run("a sign-in that takes its place", func(t *testing.T) {
		a := newApp(t, appOptions{})
		a.fake.UpdatePerson("lee@example.com", func(p *authkittest.Person) { p.Claims = incompressible(4200) })
		lees := a.signedIn("lee@example.com").cookieHeader()
		id := a.sessionID()
		s := a.begin("/login")
		a.send(request{target: s.target(), cookie: lees + "; authkit-session.3=x; " + s.cookie, header: navigation()})
		a.logs.await(t, "session revoked at WorkOS", 1)
		session, _ := a.fake.Session(id)
		assert.False(t, session.Active())
		assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: lees, header: scripted()}).status)
	})
}

// A script signs out, the first attempt to revoke fails, and the person signs in to the same WorkOS session again.
func TestASignInCallsOffARevocationBetweenTwoAttempts(t *testing.T) {
	a, upstream := rewritten(t)
	cookie, id := a.signedIn(kim).cookieHeader(), a.sessionID()
	require.Equal(t, http.StatusOK, a.send(request{method: "POST", target: "/logout", cookie: cookie, header: scripted()}).status)
	a.fake.Fail(authkittest.RouteRevokeSession, authkittest.Fault{Status: 503, Times: 1})
	a.clock.Advance(30 * time.Second)
	a.logs.await(t, "session not revoked at WorkOS yet", 1)

	sameSession(a, upstream, id, nil)
	again := a.signedIn(kim).cookieHeader()
	upstream.change = nil
	a.clock.Advance(3 * time.Minute)
	assert.Contains(t, a.send(request{target: "/account", cookie: again}).body, kim+" in "+id)
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteRevokeSession))
	session, _ := a.fake.Session(id)
	assert.True(t, session.Active())
}

func TestARevocationWaitsForTheHookOfASignInToItsSession(t *testing.T) {
	for name, refusal := range map[string]error{"that accepts": nil, "that refuses": fmt.Errorf("not today")} {
		t.Run(name, func(t *testing.T) {
			signIns := 0
			var a *app
			a, upstream := rewritten(t, authkit.WithOnSignIn(func(context.Context, authkit.SignInEvent) error {
				if signIns++; signIns == 2 {
					a.clock.Advance(2 * time.Second) // the hook writes to a database
					return refusal
				}
				return nil
			}))
			cookie, id := a.signedIn(kim).cookieHeader(), a.sessionID()
			a.send(request{method: "POST", target: "/logout", cookie: cookie, header: scripted()})
			a.clock.Advance(29 * time.Second)
			sameSession(a, upstream, id, nil)
			s := a.begin("/login")
			resp := a.send(request{target: s.target(), cookie: s.cookie, header: navigation()})
			upstream.change = nil
			if refusal != nil {
				require.Equal(t, http.StatusInternalServerError, resp.status)
				a.clock.Advance(30 * time.Second)
				a.logs.await(t, "session revoked at WorkOS", 1)
				return
			}
			a.clock.Advance(time.Minute)
			assert.Contains(t, a.send(request{target: "/account", cookie: resp.newCookie(t)}).body, kim+" in "+id)
			assert.Zero(t, a.fake.Calls(authkittest.RouteRevokeSession))
		})
	}
}

// A sign-out that falls into the hook of a sign-in to its session comes after that: here, and at WorkOS.
func TestASignOutWithinTheHookOfASignInHolds(t *testing.T) {
	signIns := 0
	var a *app
	var cookie string
	a, upstream := rewritten(t, authkit.WithOnSignIn(func(context.Context, authkit.SignInEvent) error {
		if signIns++; signIns == 2 {
			a.send(request{method: "POST", target: "/logout", cookie: cookie, header: scripted()})
		}
		return nil
	}))
	cookie = a.signedIn(kim).cookieHeader()
	id := a.sessionID()
	sameSession(a, upstream, id, nil)
	again := a.signedIn(kim).cookieHeader()
	upstream.change = nil
	assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: again, header: scripted()}).status)
	a.clock.Advance(30 * time.Second)
	a.logs.await(t, "session revoked at WorkOS", 1)
	session, _ := a.fake.Session(id)
	assert.False(t, session.Active())
}

// A sign-in to the same WorkOS session keeps that alive. What was signed out must not come back with it.
func TestACopyOfASignedOutCookieStaysRefusedAfterASignInToItsSession(t *testing.T) {
	a, upstream := rewritten(t)
	cookie, id := a.signedIn(kim).cookieHeader(), a.sessionID()
	a.send(request{method: "POST", target: "/logout", cookie: cookie, header: scripted()})
	a.clock.Advance(10 * time.Second)
	sameSession(a, upstream, id, nil)
	a.signedIn(kim)
	upstream.change = nil
	for range 3 {
		require.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: cookie, header: scripted()}).status)
		a.clock.Advance(7 * time.Minute)
	}
}

// A first response has cleared the cookie of a session that WorkOS had ended. A second request of the same page, sent
// before that arrived, is slow, and the person signs in meanwhile.
func TestALateEndThatBeganAfterAnotherOneLeavesTheSignInAfterIt(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	a := newApp(t, appOptions{routes: reporting(began, goOn)})
	cookie := a.signedIn(kim).cookieHeader()
	a.expireToken(2 * time.Minute)
	a.fake.RevokeSession(a.sessionID())
	first := a.send(request{target: "/account", cookie: cookie, header: scripted()}) // on its way to the browser
	late := a.beginLate("/report", cookie, began)                                    // which has sent this already
	jar := jarAfter(cookie, first)
	require.Empty(t, jar)
	jar = a.signedIn("lee@example.com").cookieHeader()
	close(goOn)
	resp := <-late
	assert.Equal(t, jar, jarAfter(jar, resp), "a late response clears nothing that took its place: %v", resp.header["Set-Cookie"])
}

// Browsers withhold a Strict cookie from the callback, so that the sign-in has to remember what was there before.
func TestASignInWithStrictCookiesEndsTheSessionBefore(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	a := newApp(t, appOptions{routes: reporting(began, goOn), authkit: []authkit.Option{
		authkit.WithCookieSameSite(http.SameSiteStrictMode), authkit.WithLoginOptions(authkit.Prompt("login")),
	}})
	b := a.signedIn("lee@example.com")
	lees, theirs := b.cookieHeader(), a.sessionID()
	a.clock.Advance(4*time.Minute + 10*time.Second)
	late := a.beginLate("/report", lees, began) // refreshes, and is slow
	page, err := b.SignIn(a.url+"/login?return_to=/account", kim)
	require.NoError(t, err)
	require.Contains(t, page.Body, kim)
	a.logs.await(t, "session revoked at WorkOS", 1)
	session, _ := a.fake.Session(theirs)
	assert.False(t, session.Active(), "ended at WorkOS")
	assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: lees, header: scripted()}).status, "ended here")
	close(goOn)
	jar := jarAfter(b.cookieHeader(), <-late)
	assert.Contains(t, a.send(request{target: "/account", cookie: jar, header: scripted()}).body, kim, "the browser is kim's")
}

func TestWorkOSIsToldOfASessionOnceHoweverOftenItsCookieIsPosted(t *testing.T) {
	a := newApp(t, appOptions{})
	one, two := a.signedIn(kim).cookieHeader(), a.signedIn(kim).cookieHeader()
	for _, cookie := range []string{one, two} {
		a.send(request{method: "POST", target: "/logout", cookie: cookie, header: scripted()})
	}
	a.clock.Advance(time.Minute)
	a.logs.await(t, "session revoked at WorkOS", 2)
	a.clock.Advance(23 * time.Hour)
	for range 50 {
		a.send(request{method: "POST", target: "/logout", cookie: one + "; " + two, header: navigation()})
	}
	third := a.signedIn(kim).cookieHeader()
	a.send(request{method: "POST", target: "/logout", cookie: one + "; " + third, header: scripted()})
	a.clock.Advance(30 * time.Second)
	a.logs.await(t, "session revoked at WorkOS", 3)
	assert.Equal(t, 3, a.fake.Calls(authkittest.RouteRevokeSession))
}

// A count of fruitless sign-ins may be planted too. It hinders no sign-in that the person begins.
func TestAPlantedCountOfFruitlessSignInsLocksNobodyOut(t *testing.T) {
	a := newApp(t, appOptions{})
	count := conflictCookie("", a.fake.ClientID(), "authkit-session")
	b, _ := a.planted(planting{before: count + "=2; authkit-session=x"})
	page := b.get("/account")
	require.Equal(t, http.StatusBadRequest, page.StatusCode)
	_, err := b.Follow("Try again")
	require.NoError(t, err)
	page, err = b.Submit("Kim", nil)
	require.NoError(t, err)
	require.Contains(t, page.Body, "page of "+kim)
}

// The issuer's clock is ahead and its tokens have no auth_time: the sign-in time of a shared session is when its token was
// issued.
func TestASignOutHoldsForASharedCookieThatANeighbourRefreshedBefore(t *testing.T) {
	a := sharing(t)
	n := a.neighbour()
	cookie := a.signedIn(kim).cookieHeader()
	id := a.sessionID()
	token := func(ahead time.Duration) string {
		now := a.clock.Now().Add(ahead).Unix()
		return a.fake.SignToken(map[string]any{"iss": a.fake.Issuer(), "sub": "user_kim", "sid": id, "client_id": a.fake.ClientID(), "iat": now, "exp": now + 300})
	}
	session := n.read(cookie)
	delete(session, "authkit")
	session["accessToken"] = token(30 * time.Second)
	first := n.write(session)
	a.clock.Advance(10 * time.Second)
	session["accessToken"] = token(30 * time.Second)
	second := n.write(session) // refreshed; a copy of it stays behind
	a.clock.Advance(5 * time.Second)
	require.Contains(t, a.send(request{target: "/account", cookie: first}).body, kim)
	a.send(request{method: "POST", target: "/logout", cookie: first, header: scripted()})
	assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: first, header: scripted()}).status)
	assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: second, header: scripted()}).status, "the same session")
}

// The session has a newer token that lives longer than the one that was signed out with.
func TestASignOutHoldsUntilTheSessionsNewerTokenExpires(t *testing.T) {
	upstream := &rewriting{}
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: upstream})}})
	old, id := a.signedIn(kim).cookieHeader(), a.sessionID()
	a.clock.Advance(4*time.Minute + 30*time.Second)
	sameSession(a, upstream, id, map[string]any{"exp": a.clock.Now().Add(time.Hour).Unix()}) // the environment's setting was changed
	renewed := a.send(request{target: "/account", cookie: old}).newCookie(t)
	upstream.change = nil
	a.send(request{method: "POST", target: "/logout", cookie: old, header: navigation()}) // sent before the new cookie had arrived
	require.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: renewed, header: scripted()}).status)
	a.clock.Advance(7 * time.Minute)
	assert.Equal(t, http.StatusUnauthorized, a.send(request{target: "/account", cookie: renewed, header: scripted()}).status, "until exp")
}

// A session that a sign-in ended stays out of the way, though its planted cookie lives on.
func TestAPlantedSessionThatASignInEndedStaysOutOfTheWay(t *testing.T) {
	a := newApp(t, appOptions{})
	lees := a.signedIn("lee@example.com").cookieHeader()
	b, _ := a.planted(planting{before: lees})
	_, err := b.SignIn(a.url+"/login?return_to=/account", kim)
	require.NoError(t, err)
	require.Contains(t, b.get("/account").Body, kim)
	for minute := range 9 {
		a.clock.Advance(time.Minute)
		page := b.fetch("GET", "/account")
		require.Contains(t, page.Body, "page of "+kim, "minute %d", minute+1)
	}
}

// pausing is a source whose first bytes take their time.
type pausing struct {
	began, goOn chan struct{}
	done        bool
}

func (p *pausing) Read(b []byte) (int, error) {
	if p.done {
		return 0, io.EOF
	}
	p.done = true
	close(p.began)
	<-p.goOn
	return copy(b, "data"), nil
}

func copying(src *pausing) func(*app, *http.ServeMux) {
	return func(_ *app, mux *http.ServeMux) {
		mux.HandleFunc("/report", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, src) })
	}
}

// io.Copy hands the writer over to its source. What the header says is decided once there is something to write.
func TestACopyFromASlowSourceNeitherSetsNorClearsWhatASignInHasReplaced(t *testing.T) {
	for name, c := range map[string]struct {
		after time.Duration
		ended bool
	}{"a refreshed session": {4*time.Minute + 10*time.Second, false}, "the end of one": {7 * time.Minute, true}} {
		t.Run(name, func(t *testing.T) {
			src := &pausing{began: make(chan struct{}), goOn: make(chan struct{})}
			a := newApp(t, appOptions{routes: copying(src)})
			lees := a.signedIn("lee@example.com").cookieHeader()
			a.clock.Advance(c.after)
			if c.ended {
				a.fake.RevokeSession(a.sessionID())
			}
			late := a.beginLate("/report", lees, src.began)
			jar := a.signInOver(lees)
			close(src.goOn)
			resp := <-late
			require.Equal(t, "data", resp.body)
			assert.Empty(t, resp.header["Set-Cookie"])
			assert.Contains(t, a.send(request{target: "/account", cookie: jarAfter(jar, resp), header: scripted()}).body, kim)
		})
	}
}

func TestACopyFromASlowSourceUndoesNoSwitch(t *testing.T) {
	src := &pausing{began: make(chan struct{}), goOn: make(chan struct{})}
	a := newApp(t, appOptions{routes: func(a *app, mux *http.ServeMux) {
		copying(src)(a, mux)
		mux.Handle("POST /organization", a.SwitchOrganization())
		mux.HandleFunc("/me", func(w http.ResponseWriter, r *http.Request) {
			if s, ok := sessionOf(r); ok {
				io.WriteString(w, s.OrganizationID())
			}
		})
	}})
	a.fake.UpdatePerson(kim, func(p *authkittest.Person) {
		p.Memberships = append(p.Memberships, authkittest.Membership{OrganizationID: "org_beta", Role: "viewer"})
	})
	cookie := a.signedIn(kim).cookieHeader()
	a.clock.Advance(4*time.Minute + 10*time.Second)
	late := a.beginLate("/report", cookie, src.began)
	jar := a.send(request{method: "POST", target: "/organization", cookie: cookie, header: scripted(), form: url.Values{"organization_id": {"org_beta"}}}).newCookie(t)
	require.Equal(t, "org_beta", a.send(request{target: "/me", cookie: jar}).body)
	close(src.goOn)
	jar = jarAfter(jar, <-late)
	assert.Equal(t, "org_beta", a.send(request{target: "/me", cookie: jar}).body)
}

// What is sent by io.Copy arrives whole, whatever its length.
func TestACopyArrivesWholeWhateverItsLength(t *testing.T) {
	a := newApp(t, appOptions{routes: func(_ *app, mux *http.ServeMux) {
		mux.HandleFunc("/copy", func(w http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(w, strings.NewReader(r.URL.Query().Get("text")))
			assert.NoError(t, err)
		})
	}})
	for _, n := range []int{0, 1, 511, 512, 513, 1024, 5000} {
		text := strings.Repeat("x", n)
		assert.Equal(t, text, a.send(request{target: "/copy?text=" + text}).body, n)
	}
}
