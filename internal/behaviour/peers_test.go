// What advisories say of others: the same attacks, here.

package behaviour

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// A reply with the user of one person and the token of another makes a session of neither.
func TestAReplyOfTwoPeopleMakesASessionOfNeither(t *testing.T) {
	m := newPlainApp(t)
	m.publishKnown()
	refusedWithAPage(t, m.exchangeFor(m.forge(good), "user_lee"), http.StatusBadGateway)
	refusedWithAPage(t, m.exchangeFor(m.forge(forgery{claims: set("sub", "user_lee")}), "user_kim"), http.StatusBadGateway)

	s := newSharingApp(t)
	s.publishKnown()
	for name, c := range map[string]struct {
		claims func(object)
		user   object
	}{
		"a token and a profile of somebody else": {set("sub", "user_lee"), object{"id": "user_lee", "email": lee}},
		"a token of somebody else":               {set("sub", "user_lee"), object{"id": "user_kim", "email": Kim}},
		"a profile of somebody else":             {nil, object{"id": "user_lee", "email": lee}},
		"a token of another session":             {set("sid", "session_2"), object{"id": "user_kim", "email": Kim}},
	} {
		t.Run(name, func(t *testing.T) {
			resp := s.refreshTo(s.forge(forgery{claims: c.claims}), c.user)
			assert.Equal(t, http.StatusUnauthorized, resp.Status)
			for name, cookie := range resp.SetCookies(t) {
				kept := s.unsealed(name + "=" + cookie.Value)
				assert.Equal(t, "user_kim", kept.User["id"])
				assert.NotContains(t, fmt.Sprint(kept), "lee")
			}
		})
	}
	resp := s.refreshTo(s.forge(good), object{"id": "user_kim", "email": Kim})
	assert.Equal(t, Kim, s.visitorOf(resp), "without a flaw it goes on")
}

// CVE-2026-40155 (nextjs-auth0): what was exchanged for one of many who came at once went to another of them.
func TestManyWhoAreRefreshedAtOnceEachGetTheirOwn(t *testing.T) {
	m := newPlainApp(t)
	owners := map[string]string{}
	for range 5 {
		for _, email := range []string{Kim, lee, val} {
			owners[m.signIn(email)] = email
		}
	}
	m.ExpireToken(2 * time.Minute)
	var mu sync.Mutex
	renewed := map[string]string{} // the new cookies, and whose they are to be
	var all sync.WaitGroup
	for cookie, email := range owners {
		for range 4 {
			all.Go(func() {
				resp, err := m.Do(Request{Target: "/account", Cookie: cookie})
				if assert.NoError(t, err) && assert.Contains(t, resp.Body, email) {
					mu.Lock()
					defer mu.Unlock()
					renewed[resp.session(t)] = email
				}
			})
		}
	}
	all.Wait()
	assert.Len(t, renewed, len(owners), "one new session for each")
	assert.Equal(t, len(owners), m.Fake.Calls(authkittest.RouteRefresh))
	for cookie, email := range renewed {
		assert.Equal(t, email, m.visitor(cookie))
	}
}

// A session that has ended is brought back by no refresh.
func TestNoRefreshRevivesASessionThatHasEnded(t *testing.T) {
	logout := func(t *testing.T, m *App, cookie string) {
		resp := m.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()})
		require.Equal(t, http.StatusSeeOther, resp.Status)
	}
	for _, c := range []struct {
		name string
		opts []authkit.Option
		end  func(t *testing.T, m *App, cookie string)
		wait time.Duration
		asks int // for a refresh, at the most
	}{
		{"signed out here, while its token lasts", nil, logout, 0, 0},
		{"signed out here, when its token is about to expire", nil, logout, 4*time.Minute + 30*time.Second, 0},
		{"signed out here, when its token has just expired", nil, logout, 5*time.Minute + 30*time.Second, 0},
		{"signed out with an expired token", nil, func(t *testing.T, m *App, cookie string) {
			m.ExpireToken(2 * time.Minute)
			logout(t, m, cookie)
		}, 0, 0},
		{"signed out through WorkOS, whenever it comes back", nil, func(t *testing.T, m *App, cookie string) {
			resp := m.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()})
			_, err := m.atAuthKit[Kim].Get(resp.Header.Get("Location"))
			require.NoError(t, err)
		}, 24 * time.Hour, 1},
		{"revoked at WorkOS, once its token has expired", nil, func(_ *testing.T, m *App, _ string) {
			m.Fake.RevokeSession(m.Fake.Sessions()[0].ID)
		}, 6*time.Minute + time.Second, 1},
		{"beyond its absolute limit", []authkit.Option{authkit.WithAbsoluteTimeout(time.Hour)}, nil, time.Hour, 0},
		{"beyond its idle limit", []authkit.Option{authkit.WithIdleTimeout(time.Hour)}, nil, time.Hour, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newPlainApp(t, c.opts...)
			cookie := m.signIn(Kim)
			if c.end != nil {
				c.end(t, m, cookie)
			}
			m.Clock.Advance(c.wait)
			for range 3 {
				resp := m.Send(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()})
				assert.Empty(t, m.visitorOf(resp))
				assert.Empty(t, resp.session(t))
			}
			assert.LessOrEqual(t, m.Fake.Calls(authkittest.RouteRefresh), c.asks)
		})
	}
}

// A sign-out that comes while a refresh is under way wins, on this response and on the next.
func TestASignOutDuringARefreshWins(t *testing.T) {
	m := newPlainApp(t)
	cookie := m.signIn(Kim)
	m.ExpireToken(2 * time.Minute)
	m.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	answered := make(chan Response)
	go func() {
		resp, _ := m.Do(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()})
		answered <- resp
	}()
	m.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	out := m.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie, Header: Navigation()})
	require.Equal(t, http.StatusSeeOther, out.Status)
	m.Fake.ClearFault(authkittest.RouteRefresh)
	resp := <-answered
	assert.Empty(t, m.visitorOf(resp))
	assert.Empty(t, resp.session(t))
	m.isNobody(cookie)
}

// Under https, a sibling domain or a page of plain http cannot plant what a sign-in or a session is kept in: browsers
// keep it from them by the prefix (RFC 6265bis, section 4.1.3.2), and the plain name is not looked at.
func TestAPlainNameIsNotTakenForOneWithThePrefix(t *testing.T) {
	m := newPlainApp(t, authkit.WithRedirectURL("https://app.example.com/callback"))
	login := m.Send(Request{Target: "/login", Header: Navigation()})
	require.Len(t, login.SetCookies(t), 1)
	location, err := url.Parse(login.Header.Get("Location"))
	require.NoError(t, err)
	query := url.Values{"code": {"x"}, "state": {location.Query().Get("state")}}
	for name, c := range login.SetCookies(t) {
		require.True(t, strings.HasPrefix(name, "__Host-"))
		plain := strings.TrimPrefix(name, "__Host-") + "=" + c.Value
		refusedWithAPage(t, m.Send(Request{Target: "/callback?" + query.Encode(), Cookie: plain, Header: Navigation()}), http.StatusBadRequest)
	}
	assert.Zero(t, m.Fake.Calls(authkittest.RouteAuthenticate))
	plain := newPlainInstance(t, m.Fake, m.Clock, m.Password)
	m.isNobody(plain.signIn(Kim), "nor is a session of the same application over plain http")
}
