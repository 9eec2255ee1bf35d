// Responses that come late, and must not undo what happened meanwhile.

package behaviour

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestASlowResponseDoesNotUndoASwitch(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	a := NewApp(t, AppOptions{Routes: reporting(began, goOn)})
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) {
		p.Memberships = append(p.Memberships, authkittest.Membership{OrganizationID: "org_beta", Role: "viewer"})
	})
	b := a.Browser()
	_, err := b.SignIn(a.URL+"/login", Kim)
	require.NoError(t, err)
	jar := b.CookieHeader()
	a.Clock.Advance(4*time.Minute + 10*time.Second) // due
	late := a.BeginLate("/report", jar, began)
	jar = JarAfter(jar, a.SwitchTo("org_beta", jar, Scripted()))
	resp := a.Send(Request{Target: "/me", Cookie: jar})
	require.Equal(t, "user_kim in org_beta", resp.Body)
	a.Clock.Advance(5 * time.Second)
	close(goOn)
	jar = JarAfter(jar, <-late)
	resp = a.Send(Request{Target: "/me", Cookie: jar})
	assert.Equal(t, "user_kim in org_beta", resp.Body, "the switch was undone")
	jar = JarAfter(jar, resp)
	a.Clock.Advance(4*time.Minute + 30*time.Second)
	assert.Equal(t, "user_kim in org_beta", a.Send(Request{Target: "/me", Cookie: jar}).Body, "the session was lost")
}

func TestALateResponseAfterAFailedRefreshDoesNotRestoreTheOldCookie(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	a := NewApp(t, AppOptions{
		Routes:  reporting(began, goOn),
		AuthKit: []authkit.Option{authkit.WithIdleTimeout(time.Hour)},
	})
	jar := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"invalid_client"}`, Times: 1})
	late := a.BeginLate("/report", jar, began)
	a.Clock.Advance(6 * time.Second)
	jar = a.Send(Request{Target: "/account", Cookie: jar}).NewCookie(t)
	a.Send(Request{Target: "/account", Cookie: jar})
	a.Clock.Advance(31 * time.Second)
	close(goOn)
	jar = JarAfter(jar, <-late)
	a.Clock.Advance(time.Minute)
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: jar, Header: Scripted()}).Status, "the session was lost")
}

func TestALateResponseDoesNotRestoreAnUnverifiedTokenPair(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	a := NewApp(t, AppOptions{Routes: reporting(began, goOn)})
	jar := a.SignedIn(Kim).CookieHeader()
	a.Send(Request{Target: "/account", Cookie: jar})
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	a.Fake.AddSigningKey()
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	late := a.BeginLate("/report", jar, began)
	a.Fake.ClearFault(authkittest.RouteJWKS)
	a.Clock.Advance(45 * time.Second)
	for range 3 { // two refreshes later
		r := a.Send(Request{Target: "/account", Cookie: jar, Header: Scripted()})
		require.Equal(t, 200, r.Status)
		jar = JarAfter(jar, r)
		a.Clock.Advance(4*time.Minute + 10*time.Second)
	}
	r := a.Send(Request{Target: "/account", Cookie: jar, Header: Scripted()})
	require.Equal(t, 200, r.Status)
	jar = JarAfter(jar, r)
	close(goOn)
	jar = JarAfter(jar, <-late)
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: jar, Header: Scripted()}).Status, "the session was lost")
}

func TestASlowResponseDoesNotRestoreASignedOutSession(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	a := NewApp(t, AppOptions{Routes: reporting(began, goOn)})
	other := NewInstance(t, a.Fake, a.Clock, AppOptions{})
	jar := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	late := a.BeginLate("/report", jar, began)
	jar = JarAfter(jar, a.Send(Request{Method: "POST", Target: "/logout", Cookie: jar, Header: Scripted()}))
	require.Empty(t, jar)
	close(goOn)
	jar = JarAfter(jar, <-late)
	assert.True(t, jar == "", "the browser has a session again")
	if jar != "" {
		assert.Equal(t, 401, other.Send(Request{Target: "/account", Cookie: jar, Header: Scripted()}).Status, "and another process takes it")
		a.Clock.Advance(10 * time.Minute)
		assert.Equal(t, 401, a.Send(Request{Target: "/account", Cookie: jar, Header: Scripted()}).Status, "and later this one too")
	}
}

func TestAKeyOutageDoesNotRestoreASignedOutCookie(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithIdleTimeout(time.Hour)}})
	jar := a.SignedIn(Kim).CookieHeader()
	fresh := NewInstance(t, a.Fake, a.Clock, AppOptions{AuthKit: []authkit.Option{authkit.WithIdleTimeout(time.Hour)}})
	fresh.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	fresh.Send(Request{Method: "POST", Target: "/logout", Cookie: jar, Header: Scripted()})
	a.Clock.Advance(time.Second)
	resp := fresh.Send(Request{Target: "/account", Cookie: jar, Header: Scripted()})
	assert.False(t, len(resp.Header["Set-Cookie"]) > 0, "the cookie is set anew")
}

func TestASlowResponseOfThePreviousUserDoesNotReplaceANewSignIn(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	a := NewApp(t, AppOptions{Routes: reporting(began, goOn)})
	b := a.SignedIn(Kim)
	kims := b.CookieHeader()
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	late := a.BeginLate("/report", kims, began)
	// logged out and signed in as lee
	jar := JarAfter(kims, a.Send(Request{Method: "POST", Target: "/logout", Cookie: kims, Header: Scripted()}))
	require.Empty(t, jar)
	jar = a.SignedIn("lee@example.com").CookieHeader()
	close(goOn)
	jar = JarAfter(jar, <-late)
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: jar, Header: Scripted()}).Body, "lee@example.com")
}

func TestASlowResponseDoesNotUndoASignInOverAnActiveSession(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	a := NewApp(t, AppOptions{Routes: reporting(began, goOn)})
	lees := a.SignedIn("lee@example.com").CookieHeader()
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	late := a.BeginLate("/report", lees, began)
	s := a.Begin("/login")
	jar := a.Send(Request{Target: s.Target(), Cookie: lees + "; " + s.Cookie, Header: Navigation()}).NewCookie(t)
	close(goOn)
	jar = JarAfter(jar, <-late)
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: jar, Header: Scripted()}).Body, Kim)
}
