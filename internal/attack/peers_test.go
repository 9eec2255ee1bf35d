// What advisories say of others: the same attacks, here.

package attack_test

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

// The advisory of each is the one in the field itself, or none where it is a class that has been seen without a number.
func TestWhatWasFoundInAPeerIsNotFoundHere(t *testing.T) {
	for _, c := range []struct {
		name     string
		advisory string
		attack   func(*testing.T, *target)
	}{
		{
			"a session is handed to nobody by a cache", "CVE-2025-64762 (authkit-nextjs), CVE-2025-48947 (nextjs-auth0)",
			func(t *testing.T, a *target) {
				back := a.finish(a.begin("/login", kim))
				keptFromCaches(t, back, "the callback")
				for _, path := range []string{"/", "/account", "/api/me"} {
					resp := a.send(request{path: path, cookie: back.session(t), header: navigation()})
					assert.Contains(t, strings.Join(resp.header["Vary"], ", "), "Cookie", path)
				}
			},
		},
		{
			"no page holds a token or a sealed session", "GHSA-v3gr-w9gf-23cx (authkit-remix)",
			func(t *testing.T, a *target) {
				cookie := a.signIn(kim)
				_, value, _ := strings.Cut(cookie, "=")
				for _, path := range []string{"/", "/account", "/api/me"} {
					body := a.send(request{path: path, cookie: cookie, header: navigation()}).body
					assert.NotContains(t, body, value[:40])
					assert.NotContains(t, body, "eyJ", "how a JWT begins")
				}
			},
		},
		{
			"a way back behind white space, a backslash or a scheme leads to the root",
			"CVE-2020-5233, CVE-2020-11053, CVE-2020-4037 (oauth2-proxy)",
			func(t *testing.T, a *target) {
				for _, hostile := range []string{`/\evil.example`, "/\t/evil.example", "/%0a/evil.example", "/%0b/evil.example", "/%09/evil.example", "/%0d/evil.example", "https:evil.example"} {
					resp := a.finish(a.begin("/login?return_to="+url.QueryEscape(hostile), kim))
					assert.Equal(t, "/", resp.header.Get("Location"), "%q", hostile)
				}
			},
		},
		{
			"the way on from a callback does not depend on X-Forwarded-Host", "CVE-2025-63784 (onlook)",
			func(t *testing.T, a *target) {
				s := a.begin("/login?return_to=/account", kim)
				resp := a.send(request{path: s.path(), cookie: s.cookie, header: with(navigation(), "X-Forwarded-Host", "evil.example")})
				assert.Equal(t, "/account", resp.header.Get("Location"))
			},
		},
		{
			"no query, fragment or header makes a guarded page a public one",
			"CVE-2025-54576, CVE-2026-41059, CVE-2026-40575 (oauth2-proxy), CVE-2025-29927 (Next.js)", isGuarded,
		},
		{
			"what was sealed for a sign-in under way is no session", "CVE-2023-48309 (next-auth)",
			func(t *testing.T, a *target) {
				_, state, _ := strings.Cut(a.begin("/login", kim).cookie, "=")
				a.isNobody(sessionCookie + "=" + state)
				a.isNobody(chunks(state))

				s := a.begin("/login", kim)
				name, _, _ := strings.Cut(s.cookie, "=")
				_, session, _ := strings.Cut(a.signIn(kim), "=")
				refusedWithAPage(t, a.send(request{path: s.path(), cookie: name + "=" + session, header: navigation()}), http.StatusBadRequest)
			},
		},
		{
			"a session that was signed out is not taken back", "CVE-2025-4643 (payload)",
			func(t *testing.T, a *target) {
				cookie := a.signIn(kim)
				require.Equal(t, http.StatusSeeOther, a.send(request{method: "POST", path: "/logout", cookie: cookie, header: navigation()}).status)
				a.isNobody(cookie)
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Log(c.advisory)
			everywhere(t, c.attack)
		})
	}
}

func isGuarded(t *testing.T, a *target) {
	for _, address := range []string{
		"/account", "/account?/healthz", "/account?x=/login", "/account?/style.css", "/account?return_to=/", "/account#/healthz", "/account?#/",
		"/account;/healthz", "/account;.css", "/account%3F/healthz", "/account%23/healthz", "/account%00", "/account.css", "/account/", "/account/healthz",
		"//account", "/./account", "/healthz/../account", "/healthz/..%2faccount", "/login/..;/account", "/%61ccount", "/ACCOUNT", `/\account`, "/account%20",
		"http://localhost/account", "*/account", "/api/me", "/api/me?/healthz", "/api//me", "/api/./me", "/api/%6de",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE", "PROPFIND", "get"} {
			for _, header := range []string{"Accept: text/html", "X-Forwarded-Uri: /healthz", "X-Original-URL: /healthz", "X-Rewrite-URL: /", "X-Forwarded-Prefix: /healthz", "X-Middleware-Subrequest: middleware:middleware:middleware:middleware:middleware"} {
				if method != "GET" && header != "Accept: text/html" {
					continue
				}
				resp := a.raw(method+" "+address+" HTTP/1.1", "Host: localhost", header, "X-HTTP-Method-Override: GET", "Sec-Fetch-Dest: empty")
				assert.GreaterOrEqual(t, resp.status, 300, "%s %s with %s", method, address, header)
				assert.Less(t, resp.status, 500, "%s %s with %s", method, address, header)
				assert.NotContains(t, resp.body, "Your account", address)
				assert.NotContains(t, resp.body, `"user"`, address)
			}
		}
	}
}

// A reply with the user of one person and the token of another makes a session of neither.
func TestAReplyOfTwoPeopleMakesASessionOfNeither(t *testing.T) {
	m := newMinimal(t)
	m.publishKnown()
	refusedWithAPage(t, m.exchangeFor(m.forge(good), "user_lee"), http.StatusBadGateway)
	refusedWithAPage(t, m.exchangeFor(m.forge(forgery{claims: set("sub", "user_lee")}), "user_kim"), http.StatusBadGateway)

	s := sharing(t)
	s.publishKnown()
	for name, c := range map[string]struct {
		claims func(object)
		user   object
	}{
		"a token and a profile of somebody else": {set("sub", "user_lee"), object{"id": "user_lee", "email": lee}},
		"a token of somebody else":               {set("sub", "user_lee"), object{"id": "user_kim", "email": kim}},
		"a profile of somebody else":             {nil, object{"id": "user_lee", "email": lee}},
		"a token of another session":             {set("sid", "session_2"), object{"id": "user_kim", "email": kim}},
	} {
		t.Run(name, func(t *testing.T) {
			resp := s.refreshTo(s.forge(forgery{claims: c.claims}), c.user)
			assert.Equal(t, http.StatusUnauthorized, resp.status)
			for name, cookie := range resp.setCookies(t) {
				kept := s.unsealed(name + "=" + cookie.Value)
				assert.Equal(t, "user_kim", kept.User["id"])
				assert.NotContains(t, fmt.Sprint(kept), "lee")
			}
		})
	}
	resp := s.refreshTo(s.forge(good), object{"id": "user_kim", "email": kim})
	assert.Equal(t, kim, s.visitorOf(resp), "without a flaw it goes on")
}

// CVE-2026-40155 (nextjs-auth0): what was exchanged for one of many who came at once went to another of them.
func TestManyWhoAreRefreshedAtOnceEachGetTheirOwn(t *testing.T) {
	m := newMinimal(t)
	owners := map[string]string{}
	for range 5 {
		for _, email := range []string{kim, lee, val} {
			owners[m.signIn(email)] = email
		}
	}
	m.expireTokens(2 * time.Minute)
	var mu sync.Mutex
	renewed := map[string]string{} // the new cookies, and whose they are to be
	var all sync.WaitGroup
	for cookie, email := range owners {
		for range 4 {
			all.Go(func() {
				resp, err := m.do(request{path: "/account", cookie: cookie})
				if assert.NoError(t, err) && assert.Contains(t, resp.body, email) {
					mu.Lock()
					defer mu.Unlock()
					renewed[resp.session(t)] = email
				}
			})
		}
	}
	all.Wait()
	assert.Len(t, renewed, len(owners), "one new session for each")
	assert.Equal(t, len(owners), m.fake.Calls(authkittest.RouteRefresh))
	for cookie, email := range renewed {
		assert.Equal(t, email, m.visitor(cookie))
	}
}

// A session that has ended is brought back by no refresh.
func TestNoRefreshRevivesASessionThatHasEnded(t *testing.T) {
	logout := func(t *testing.T, m *minimal, cookie string) {
		resp := m.send(request{method: "POST", path: "/logout", cookie: cookie, header: navigation()})
		require.Equal(t, http.StatusSeeOther, resp.status)
	}
	for _, c := range []struct {
		name string
		opts []authkit.Option
		end  func(t *testing.T, m *minimal, cookie string)
		wait time.Duration
		asks int // for a refresh, at the most
	}{
		{"signed out here, while its token lasts", nil, logout, 0, 0},
		{"signed out here, when its token is about to expire", nil, logout, 4*time.Minute + 30*time.Second, 0},
		{"signed out here, when its token has just expired", nil, logout, 5*time.Minute + 30*time.Second, 0},
		{"signed out with an expired token", nil, func(t *testing.T, m *minimal, cookie string) {
			m.expireTokens(2 * time.Minute)
			logout(t, m, cookie)
		}, 0, 0},
		{"signed out through WorkOS, whenever it comes back", nil, func(t *testing.T, m *minimal, cookie string) {
			resp := m.send(request{method: "POST", path: "/logout", cookie: cookie, header: navigation()})
			_, err := m.atAuthKit[kim].Get(resp.header.Get("Location"))
			require.NoError(t, err)
		}, 24 * time.Hour, 1},
		{"revoked at WorkOS, once its token has expired", nil, func(_ *testing.T, m *minimal, _ string) {
			m.fake.RevokeSession(m.fake.Sessions()[0].ID)
		}, 6*time.Minute + time.Second, 1},
		{"beyond its absolute limit", []authkit.Option{authkit.WithAbsoluteTimeout(time.Hour)}, nil, time.Hour, 0},
		{"beyond its idle limit", []authkit.Option{authkit.WithIdleTimeout(time.Hour)}, nil, time.Hour, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMinimal(t, c.opts...)
			cookie := m.signIn(kim)
			if c.end != nil {
				c.end(t, m, cookie)
			}
			m.clock.Advance(c.wait)
			for range 3 {
				resp := m.send(request{path: "/api/me", cookie: cookie, header: scripted()})
				assert.Empty(t, m.visitorOf(resp))
				assert.Empty(t, resp.session(t))
			}
			assert.LessOrEqual(t, m.fake.Calls(authkittest.RouteRefresh), c.asks)
		})
	}
}

// A sign-out that comes while a refresh is under way wins, on this response and on the next.
func TestASignOutDuringARefreshWins(t *testing.T) {
	m := newMinimal(t)
	cookie := m.signIn(kim)
	m.expireTokens(2 * time.Minute)
	m.fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	answered := make(chan response)
	go func() {
		resp, _ := m.do(request{path: "/api/me", cookie: cookie, header: scripted()})
		answered <- resp
	}()
	m.fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	out := m.send(request{method: "POST", path: "/logout", cookie: cookie, header: navigation()})
	require.Equal(t, http.StatusSeeOther, out.status)
	m.fake.ClearFault(authkittest.RouteRefresh)
	resp := <-answered
	assert.Empty(t, m.visitorOf(resp))
	assert.Empty(t, resp.session(t))
	m.isNobody(cookie)
}

// Under https, a sibling domain or a page of plain http cannot plant what a sign-in or a session is kept in: browsers
// keep it from them by the prefix (RFC 6265bis, section 4.1.3.2), and the plain name is not looked at.
func TestAPlainNameIsNotTakenForOneWithThePrefix(t *testing.T) {
	m := newMinimal(t, authkit.WithRedirectURL("https://app.example.com/callback"))
	login := m.send(request{path: "/login", header: navigation()})
	require.Len(t, login.setCookies(t), 1)
	location, err := url.Parse(login.header.Get("Location"))
	require.NoError(t, err)
	query := url.Values{"code": {"x"}, "state": {location.Query().Get("state")}}
	for name, c := range login.setCookies(t) {
		require.True(t, strings.HasPrefix(name, "__Host-"))
		plain := strings.TrimPrefix(name, "__Host-") + "=" + c.Value
		refusedWithAPage(t, m.send(request{path: "/callback?" + query.Encode(), cookie: plain, header: navigation()}), http.StatusBadRequest)
	}
	assert.Zero(t, m.fake.Calls(authkittest.RouteAuthenticate))
	plain := newProcess(t, m.fake, m.clock, m.password)
	m.isNobody(plain.signIn(kim), "nor is a session of the same application over plain http")
}
