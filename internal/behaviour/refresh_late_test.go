// Late responses. They must not undo a switch, a refresh, a sign-out or a sign-in that happened before them.

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
	started, release := make(chan struct{}), make(chan struct{})
	a := NewApp(t, AppOptions{Routes: reportRoutes(started, release)})
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) {
		p.Memberships = append(p.Memberships, authkittest.Membership{OrganizationID: "org_beta", Role: "viewer"})
	})
	b := a.Browser()
	_, err := b.SignIn(a.URL+"/login", Kim)
	require.NoError(t, err)
	jar := b.CookieHeader()
	a.Clock.Advance(4*time.Minute + 10*time.Second) // the session is stale
	late := a.StartSlowRequest("/report", jar, started)
	jar = JarAfter(jar, a.SwitchTo("org_beta", jar, Scripted()))
	resp := a.Send(Request{Target: "/me", Cookie: jar})
	require.Equal(t, "user_kim in org_beta", resp.Body)
	a.Clock.Advance(5 * time.Second)
	close(release)
	jar = JarAfter(jar, <-late)
	resp = a.Send(Request{Target: "/me", Cookie: jar})
	assert.Equal(t, "user_kim in org_beta", resp.Body, "the switch was undone")
	jar = JarAfter(jar, resp)
	a.Clock.Advance(4*time.Minute + 30*time.Second)
	assert.Equal(t, "user_kim in org_beta", a.Send(Request{Target: "/me", Cookie: jar}).Body, "the session was lost")
}

func TestALateResponseAfterAFailedRefreshDoesNotRestoreTheOldCookie(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	a := NewApp(t, AppOptions{
		Routes:  reportRoutes(started, release),
		AuthKit: []authkit.Option{authkit.WithIdleTimeout(time.Hour)},
	})
	jar := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"invalid_client"}`, Times: 1})
	late := a.StartSlowRequest("/report", jar, started)
	a.Clock.Advance(6 * time.Second)
	jar = a.Send(Request{Target: "/account", Cookie: jar}).NewCookie(t)
	a.Send(Request{Target: "/account", Cookie: jar})
	a.Clock.Advance(31 * time.Second)
	close(release)
	jar = JarAfter(jar, <-late)
	a.Clock.Advance(time.Minute)
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: jar, Header: Scripted()}).Status, "the session was lost")
}

func TestALateResponseDoesNotRestoreAnUnverifiedTokenPair(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	a := NewApp(t, AppOptions{Routes: reportRoutes(started, release)})
	jar := a.SignedIn(Kim).CookieHeader()
	a.Send(Request{Target: "/account", Cookie: jar})
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	a.Fake.AddSigningKey()
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	late := a.StartSlowRequest("/report", jar, started)
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
	close(release)
	jar = JarAfter(jar, <-late)
	assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/account", Cookie: jar, Header: Scripted()}).Status, "the session was lost")
}

func TestASlowResponseDoesNotRestoreASignedOutSession(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	a := NewApp(t, AppOptions{Routes: reportRoutes(started, release)})
	other := NewInstance(t, a.Fake, a.Clock, AppOptions{})
	jar := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	late := a.StartSlowRequest("/report", jar, started)
	jar = JarAfter(jar, a.Send(Request{Method: "POST", Target: "/logout", Cookie: jar, Header: Scripted()}))
	require.Empty(t, jar)
	close(release)
	jar = JarAfter(jar, <-late)
	assert.True(t, jar == "", "the browser has a session again")
	if jar != "" {
		assert.Equal(t, 401, other.Send(Request{Target: "/account", Cookie: jar, Header: Scripted()}).Status, "another process accepts it")
		a.Clock.Advance(10 * time.Minute)
		assert.Equal(t, 401, a.Send(Request{Target: "/account", Cookie: jar, Header: Scripted()}).Status, "later this process accepts it too")
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
	assert.False(t, len(resp.Header["Set-Cookie"]) > 0, "the cookie is set again")
}

func TestASlowResponseOfThePreviousUserDoesNotReplaceANewSignIn(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	a := NewApp(t, AppOptions{Routes: reportRoutes(started, release)})
	b := a.SignedIn(Kim)
	kimCookie := b.CookieHeader()
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	late := a.StartSlowRequest("/report", kimCookie, started)
	// a sign-out, then a sign-in as lee
	jar := JarAfter(kimCookie, a.Send(Request{Method: "POST", Target: "/logout", Cookie: kimCookie, Header: Scripted()}))
	require.Empty(t, jar)
	jar = a.SignedIn("lee@example.com").CookieHeader()
	close(release)
	jar = JarAfter(jar, <-late)
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: jar, Header: Scripted()}).Body, "lee@example.com")
}

func TestASlowResponseDoesNotUndoASignInOverAnActiveSession(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	a := NewApp(t, AppOptions{Routes: reportRoutes(started, release)})
	leeCookie := a.SignedIn("lee@example.com").CookieHeader()
	a.Clock.Advance(4*time.Minute + 10*time.Second)
	late := a.StartSlowRequest("/report", leeCookie, started)
	s := a.StartSignIn("/login")
	jar := a.Send(Request{Target: s.Target(), Cookie: leeCookie + "; " + s.Cookie, Header: Navigation()}).NewCookie(t)
	close(release)
	jar = JarAfter(jar, <-late)
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: jar, Header: Scripted()}).Body, Kim)
}
