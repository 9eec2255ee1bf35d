// Responses that come late, and must not undo what happened meanwhile.

package authkit_test

import (
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// reporting adds /report, whose handler waits until it may go on, and POST /organization.
func reporting(began, goOn chan struct{}) func(*app, *http.ServeMux) {
	var once sync.Once
	return func(a *app, mux *http.ServeMux) {
		mux.Handle("POST /organization", a.SwitchOrganization())
		mux.HandleFunc("/me", func(w http.ResponseWriter, r *http.Request) {
			s, ok := sessionOf(r)
			if !ok {
				io.WriteString(w, "nobody")
				return
			}
			io.WriteString(w, s.UserID()+" in "+s.OrganizationID())
		})
		mux.HandleFunc("/report", func(w http.ResponseWriter, r *http.Request) {
			once.Do(func() { close(began) })
			<-goOn
			io.WriteString(w, visitor(r))
		})
	}
}

func (a *app) beginLate(target, cookie string, began chan struct{}) chan response {
	answered := make(chan response, 1)
	go func() {
		r, _ := a.do(request{target: target, cookie: cookie, header: scripted()})
		answered <- r
	}()
	<-began
	return answered
}

// jarAfter is what a browser keeps after a response.
func jarAfter(jar string, r response) string {
	for _, line := range r.header["Set-Cookie"] {
		if c, err := http.ParseSetCookie(line); err == nil && c.Name == "authkit-session" {
			if c.MaxAge < 0 {
				return ""
			}
			return c.Name + "=" + c.Value
		}
	}
	return jar
}

func TestASlowResponseDoesNotUndoASwitch(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	a := newApp(t, appOptions{routes: reporting(began, goOn)})
	a.fake.UpdatePerson(kim, func(p *authkittest.Person) {
		p.Memberships = append(p.Memberships, authkittest.Membership{OrganizationID: "org_beta", Role: "viewer"})
	})
	b := a.browser()
	_, err := b.SignIn(a.url+"/login", kim)
	require.NoError(t, err)
	jar := b.cookieHeader()
	a.clock.Advance(4*time.Minute + 10*time.Second) // due
	late := a.beginLate("/report", jar, began)
	jar = jarAfter(jar, a.switchTo("org_beta", jar, scripted()))
	resp := a.send(request{target: "/me", cookie: jar})
	require.Equal(t, "user_kim in org_beta", resp.body)
	a.clock.Advance(5 * time.Second)
	close(goOn)
	jar = jarAfter(jar, <-late)
	resp = a.send(request{target: "/me", cookie: jar})
	assert.Equal(t, "user_kim in org_beta", resp.body, "the switch was undone")
	jar = jarAfter(jar, resp)
	a.clock.Advance(4*time.Minute + 30*time.Second)
	assert.Equal(t, "user_kim in org_beta", a.send(request{target: "/me", cookie: jar}).body, "the session was lost")
}

func TestAKeptCookieDoesNotTakeTheBrowserBack(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	a := newApp(t, appOptions{
		routes:  reporting(began, goOn),
		authkit: []authkit.Option{authkit.WithIdleTimeout(time.Hour)},
	})
	jar := a.signedIn(kim).cookieHeader()
	a.clock.Advance(4*time.Minute + 10*time.Second)
	a.fake.Fail(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"invalid_client"}`, Times: 1})
	late := a.beginLate("/report", jar, began)
	a.clock.Advance(6 * time.Second)
	jar = a.send(request{target: "/account", cookie: jar}).newCookie(t)
	a.send(request{target: "/account", cookie: jar})
	a.clock.Advance(31 * time.Second)
	close(goOn)
	jar = jarAfter(jar, <-late)
	a.clock.Advance(time.Minute)
	assert.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: jar, header: scripted()}).status, "the session was lost")
}

func TestAKeptRefreshTokenDoesNotTakeTheBrowserBack(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	a := newApp(t, appOptions{routes: reporting(began, goOn)})
	jar := a.signedIn(kim).cookieHeader()
	a.send(request{target: "/account", cookie: jar})
	a.clock.Advance(4*time.Minute + 10*time.Second)
	a.fake.AddKey()
	a.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	late := a.beginLate("/report", jar, began)
	a.fake.Heal(authkittest.RouteJWKS)
	a.clock.Advance(45 * time.Second)
	for range 3 { // two refreshes later
		r := a.send(request{target: "/account", cookie: jar, header: scripted()})
		require.Equal(t, 200, r.status)
		jar = jarAfter(jar, r)
		a.clock.Advance(4*time.Minute + 10*time.Second)
	}
	r := a.send(request{target: "/account", cookie: jar, header: scripted()})
	require.Equal(t, 200, r.status)
	jar = jarAfter(jar, r)
	close(goOn)
	jar = jarAfter(jar, <-late)
	assert.Equal(t, http.StatusOK, a.send(request{target: "/account", cookie: jar, header: scripted()}).status, "the session was lost")
}

func TestASlowResponseRevivesNoSessionThatWasLoggedOut(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	a := newApp(t, appOptions{routes: reporting(began, goOn)})
	other := newInstance(t, a.fake, a.clock, appOptions{})
	jar := a.signedIn(kim).cookieHeader()
	a.clock.Advance(4*time.Minute + 10*time.Second)
	late := a.beginLate("/report", jar, began)
	jar = jarAfter(jar, a.send(request{method: "POST", target: "/logout", cookie: jar, header: scripted()}))
	require.Empty(t, jar)
	close(goOn)
	jar = jarAfter(jar, <-late)
	assert.True(t, jar == "", "the browser has a session again")
	if jar != "" {
		assert.Equal(t, 401, other.send(request{target: "/account", cookie: jar, header: scripted()}).status, "and another process takes it")
		a.clock.Advance(10 * time.Minute)
		assert.Equal(t, 401, a.send(request{target: "/account", cookie: jar, header: scripted()}).status, "and later this one too")
	}
}

func TestAnOutageOfKeysSetsNoCookieThatWasLoggedOut(t *testing.T) {
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithIdleTimeout(time.Hour)}})
	jar := a.signedIn(kim).cookieHeader()
	fresh := newInstance(t, a.fake, a.clock, appOptions{authkit: []authkit.Option{authkit.WithIdleTimeout(time.Hour)}})
	fresh.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	fresh.send(request{method: "POST", target: "/logout", cookie: jar, header: scripted()})
	a.clock.Advance(time.Second)
	resp := fresh.send(request{target: "/account", cookie: jar, header: scripted()})
	assert.False(t, len(resp.header["Set-Cookie"]) > 0, "the cookie is set anew")
}

func TestASlowResponseOfThePersonBeforeDoesNotReplaceANewSignIn(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	a := newApp(t, appOptions{routes: reporting(began, goOn)})
	b := a.signedIn(kim)
	kims := b.cookieHeader()
	a.clock.Advance(4*time.Minute + 10*time.Second)
	late := a.beginLate("/report", kims, began)
	// logged out and signed in as lee
	jar := jarAfter(kims, a.send(request{method: "POST", target: "/logout", cookie: kims, header: scripted()}))
	require.Empty(t, jar)
	jar = a.signedIn("lee@example.com").cookieHeader()
	close(goOn)
	jar = jarAfter(jar, <-late)
	assert.Contains(t, a.send(request{target: "/account", cookie: jar, header: scripted()}).body, "lee@example.com")
}

func TestASlowResponseDoesNotUndoASignInOverALiveSession(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	a := newApp(t, appOptions{routes: reporting(began, goOn)})
	lees := a.signedIn("lee@example.com").cookieHeader()
	a.clock.Advance(4*time.Minute + 10*time.Second)
	late := a.beginLate("/report", lees, began)
	s := a.begin("/login")
	jar := a.send(request{target: s.target(), cookie: lees + "; " + s.cookie, header: navigation()}).newCookie(t)
	close(goOn)
	jar = jarAfter(jar, <-late)
	assert.Contains(t, a.send(request{target: "/account", cookie: jar, header: scripted()}).body, kim)
}
