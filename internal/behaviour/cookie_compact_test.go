// Cookies in the compact format (WithCompactCookie), and the change between the formats while instances run.

package behaviour

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// bothSeals are the options for each format of the seal.
var bothSeals = map[string][]authkit.Option{"default seal": nil, "compact seal": {authkit.WithCompactCookie()}}

// isCompact reports whether the value of a cookie is in the compact format.
func isCompact(value string) bool { return strings.HasPrefix(value, "c1.") }

// sealInstances starts an instance that seals in the default format and one that seals in the compact format. They have one
// fake AuthKit and one password. Both have a route that saves a step and one that loads it.
func sealInstances(t *testing.T) (without, with *App) {
	steps := func(a *App, mux *http.ServeMux) {
		mux.HandleFunc("POST /step", func(w http.ResponseWriter, _ *http.Request) { require.NoError(t, a.SaveStep(w, "the step")) })
		mux.HandleFunc("GET /step", func(w http.ResponseWriter, r *http.Request) {
			var step string
			if err := a.LoadStep(r, &step); err != nil {
				http.Error(w, "no step", http.StatusNotFound)
				return
			}
			w.Write([]byte(step))
		})
	}
	without = NewApp(t, AppOptions{Routes: steps})
	with = NewInstance(t, without.Fake, without.Clock, AppOptions{Routes: steps, AuthKit: []authkit.Option{authkit.WithCompactCookie()}})
	return without, with
}

func TestOnlyWithCompactCookieAreTheCookiesCompact(t *testing.T) {
	without, with := sealInstances(t)
	length := map[*App]int{}
	for _, a := range []*App{without, with} {
		s := a.StartSignIn("/login")
		_, state, _ := strings.Cut(s.Cookie, "=")
		_, session, _ := strings.Cut(a.SignedIn(Kim).CookieHeader(), "=")
		steps := a.Send(Request{Method: http.MethodPost, Target: "/step"}).SetCookies(t)
		require.Len(t, steps, 1)
		for name, c := range steps {
			assert.Equal(t, a == with, isCompact(c.Value), name)
		}
		assert.Equal(t, a == with, isCompact(state), "the state")
		assert.Equal(t, a == with, isCompact(session), "the session")
		length[a] = len(session)
	}
	assert.Less(t, length[with], length[without])
}

// A rolling deployment that switches the option on, and one that switches it off again: instances of both kinds run at the
// same time, and each request may reach either.
func TestTheCompactFormatIsSwitchedOnAndOffWithoutASignOut(t *testing.T) {
	without, with := sealInstances(t)
	serves := func(a *App, cookie, why string) {
		t.Helper()
		resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Navigation()})
		assert.Equal(t, http.StatusOK, resp.Status, why)
		assert.Contains(t, resp.Body, Kim, why)
		assert.Empty(t, resp.Header["Set-Cookie"], why)
	}
	value := func(cookie string) string { _, text, _ := strings.Cut(cookie, "="); return text }
	for name, order := range map[string][2]*App{"on": {without, with}, "off": {with, without}} {
		t.Run(name, func(t *testing.T) {
			before, after := order[0], order[1]
			cookie := before.SignedIn(Kim).CookieHeader()
			exchanges := before.Fake.Calls(authkittest.RouteCodeExchange)
			for range 2 {
				serves(before, cookie, "the instance that sealed it")
				serves(after, cookie, "the other instance")
			}
			require.Equal(t, before == with, isCompact(value(cookie)))

			before.ExpireToken(0)
			resp := after.Send(Request{Target: "/", Cookie: cookie})
			assert.Contains(t, resp.Body, Kim)
			cookie = resp.NewCookie(t)
			assert.Equal(t, after == with, isCompact(value(cookie)), "a refresh seals in the format of its instance")
			serves(before, cookie, "an instance of the earlier setting")
			serves(after, cookie, "the instance that refreshed it")

			before.ExpireToken(0)
			resp = before.Send(Request{Target: "/", Cookie: cookie})
			assert.Contains(t, resp.Body, Kim)
			cookie = resp.NewCookie(t)
			assert.Equal(t, before == with, isCompact(value(cookie)))
			serves(after, cookie, "the last instance of the earlier setting has refreshed it")
			assert.Equal(t, exchanges, before.Fake.Calls(authkittest.RouteCodeExchange), "no sign-in was needed")

			after.SignOut(t, cookie)
			assert.Equal(t, http.StatusUnauthorized, after.Status(t, cookie), "a sign-out ends a session of either format")
		})
	}
}

func TestASignInAndAStepFinishAtAnInstanceWithTheOtherSeal(t *testing.T) {
	without, with := sealInstances(t)
	for _, order := range [][2]*App{{without, with}, {with, without}} {
		begin, end := order[0], order[1]
		s := begin.StartSignInAs("/login", Kim)
		resp := end.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
		require.Equal(t, http.StatusSeeOther, resp.Status)
		assert.Contains(t, begin.Send(Request{Target: "/", Cookie: resp.session(t)}).Body, Kim)

		for name, c := range begin.Send(Request{Method: http.MethodPost, Target: "/step"}).SetCookies(t) {
			resp := end.Send(Request{Target: "/step", Cookie: name + "=" + c.Value})
			assert.Equal(t, http.StatusOK, resp.Status)
			assert.Equal(t, "the step", resp.Body)
		}
	}
}

// The option can be switched in the same step as the password is rotated.
func TestTheCompactFormatAndThePasswordChangeTogether(t *testing.T) {
	next := strings.Repeat("another-password-", 2)
	before := NewApp(t, AppOptions{})
	instance := func(opts ...authkit.Option) *App {
		return NewInstance(t, before.Fake, before.Clock, AppOptions{AuthKit: opts})
	}
	after := instance(authkit.WithCookiePassword(next, Password), authkit.WithCompactCookie())
	last := instance(authkit.WithCookiePassword(next), authkit.WithCompactCookie())
	ahead := instance(authkit.WithCookiePassword(Password, next))

	old := before.SignedIn(Kim).CookieHeader()
	before.ExpireToken(0)
	resp := after.Send(Request{Target: "/", Cookie: old})
	require.Contains(t, resp.Body, Kim)
	refreshed := resp.NewCookie(t)
	for name, a := range map[string]*App{"with both passwords": ahead, "with the new password alone": last} {
		assert.Contains(t, a.Send(Request{Target: "/", Cookie: refreshed}).Body, Kim, name)
	}
	assert.Contains(t, before.Send(Request{Target: "/", Cookie: refreshed}).Body, "anonymous", "the old password does not open it")
	assert.Contains(t, last.Send(Request{Target: "/", Cookie: old}).Body, "anonymous", "the new password does not open the old cookie")
}

func TestACompactCookieOfOneInstanceOpensAtAllInstancesOfAStore(t *testing.T) {
	r := NewReplicas(t, 2, AppOptions{AuthKit: []authkit.Option{authkit.WithCompactCookie()}})
	r.Add(t, AppOptions{}) // an instance without the option
	cookie := r.Instances[0].SignedIn(Kim).CookieHeader()
	for i, a := range r.Instances {
		assert.Equal(t, http.StatusOK, a.Status(t, cookie), "instance %d", i)
	}
	r.expireTokens()
	for i, a := range r.Instances {
		resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
		assert.Equal(t, http.StatusOK, resp.Status, "instance %d", i)
		refreshed := resp.NewCookie(t)
		_, value, _ := strings.Cut(refreshed, "=")
		assert.Equal(t, i < 2, isCompact(value), "instance %d", i)
		for j, other := range r.Instances {
			assert.Equal(t, http.StatusOK, other.Status(t, refreshed), "refreshed by %d, served by %d", i, j)
		}
	}
	assert.Equal(t, 1, r.Fake.Calls(authkittest.RouteRefresh))
	r.Instances[2].SignOut(t, cookie)
	r.Clock.Advance(time.Second)
	for i, a := range r.Instances {
		assert.Equal(t, http.StatusUnauthorized, a.Status(t, cookie), "instance %d", i)
	}
}

// A value of one cookie must not open as another: not under another name of the session cookie, not as a state, not as a step.
func TestACompactCookieOpensOnlyUnderItsOwnNameAndForItsOwnPurpose(t *testing.T) {
	_, a := sealInstances(t)
	named := NewInstance(t, a.Fake, a.Clock, AppOptions{AuthKit: []authkit.Option{authkit.WithCompactCookie(), authkit.WithCookieName("staff-session")}})
	namedDefault := NewInstance(t, a.Fake, a.Clock, AppOptions{AuthKit: []authkit.Option{authkit.WithCookieName("staff-session")}})
	_, session, _ := strings.Cut(a.SignedIn(Kim).CookieHeader(), "=")
	s := a.StartSignInAs("/login", Kim)
	stateName, state, _ := strings.Cut(s.Cookie, "=")
	var stepName, step string
	for name, c := range a.Send(Request{Method: http.MethodPost, Target: "/step"}).SetCookies(t) {
		stepName, step = name, c.Value
	}
	for name, other := range map[string]*App{"compact": named, "default": namedDefault} {
		assert.Contains(t, other.Send(Request{Target: "/", Cookie: "staff-session=" + session}).Body, "anonymous", name)
	}
	for name, value := range map[string]string{"a state": state, "a step": step} {
		assert.Contains(t, a.Send(Request{Target: "/", Cookie: sessionCookie + "=" + value}).Body, "anonymous", name)
	}
	for name, value := range map[string]string{"a session": session, "a state": state} {
		assert.Equal(t, http.StatusNotFound, a.Send(Request{Target: "/step", Cookie: stepName + "=" + value}).Status, name)
	}
	before := a.Fake.Calls(authkittest.RouteCodeExchange)
	for name, value := range map[string]string{"a session": session, "a step": step} {
		resp := a.Send(Request{Target: s.Target(), Cookie: stateName + "=" + value})
		assert.Equal(t, http.StatusBadRequest, resp.Status, name)
	}
	assert.Equal(t, before, a.Fake.Calls(authkittest.RouteCodeExchange))
}
