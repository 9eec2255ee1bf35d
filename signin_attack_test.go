// What strangers, neighbours and other sites can do to the sign-ins of a browser.

package authkit_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// cookieJar holds what a browser keeps of the application's cookies, in the order in which their names were first set.
type cookieJar struct {
	t      testing.TB
	names  []string
	values map[string]string
}

func newCookieJar(t testing.TB) *cookieJar { return &cookieJar{t: t, values: map[string]string{}} }

// take keeps and deletes what a response says.
func (j *cookieJar) take(resp response) {
	j.t.Helper()
	for _, line := range resp.header["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		require.NoError(j.t, err)
		if c.MaxAge < 0 {
			j.names = slices.DeleteFunc(j.names, func(name string) bool { return name == c.Name })
			delete(j.values, c.Name)
			continue
		}
		if _, known := j.values[c.Name]; !known {
			j.names = append(j.names, c.Name)
		}
		j.values[c.Name] = c.Value
	}
}

func (j *cookieJar) header() string {
	var pairs []string
	for _, name := range j.names {
		pairs = append(pairs, name+"="+j.values[name])
	}
	return strings.Join(pairs, "; ")
}

// states are the names of the cookies of sign-ins under way.
func (j *cookieJar) states() []string {
	return slices.DeleteFunc(slices.Clone(j.names), func(name string) bool { return !strings.Contains(name, "authkit-state-") })
}

func (a *app) warned() bool {
	return strings.Contains(a.logs.String(), "level=WARN") || strings.Contains(a.logs.String(), "level=ERROR")
}

func TestTheCookiesOfASignInAreNamedAfterTheClientAndTheSessionCookie(t *testing.T) {
	names := func(opts ...authkit.Option) (names []string) {
		a := newApp(t, appOptions{authkit: opts, routes: func(a *app, mux *http.ServeMux) {
			mux.HandleFunc("/step", func(w http.ResponseWriter, _ *http.Request) { require.NoError(t, a.SetFlow(w, "x")) })
		}})
		for _, target := range []string{"/step", "/callback?code=x"} {
			for name := range a.send(request{target: target, header: navigation()}).setCookies(t) {
				if !strings.Contains(name, "authkit-state-") {
					names = append(names, name)
				}
			}
		}
		require.Len(t, names, 2)
		assert.Regexp(t, `^authkit-flow-[A-Za-z0-9_-]{8}$`, names[0])
		assert.Regexp(t, `^authkit-restart-[A-Za-z0-9_-]{8}$`, names[1])
		return names
	}
	own := names(authkit.WithClientID("client_a"))
	assert.Equal(t, own, names(authkit.WithClientID("client_a"), authkit.WithCookiePassword(strings.Repeat("rotated-", 5))), "a new password changes no name")
	for _, other := range [][]string{
		names(authkit.WithClientID("client_b")),
		names(authkit.WithClientID("client_a"), authkit.WithCookieName("sid")),
		names(authkit.WithClientID("client_a"), authkit.WithSharedSession()),
	} {
		assert.NotEqual(t, own[0], other[0])
		assert.NotEqual(t, own[1], other[1])
	}
}

// A9. What is fetched ahead is for nobody to see yet.
func TestWhatIsFetchedAheadSpendsNothing(t *testing.T) {
	for _, purpose := range []http.Header{
		{"Sec-Purpose": {"prefetch"}}, {"Sec-Purpose": {"prefetch;prerender"}}, {"Sec-Purpose": {"prefetch;anonymous-client-ip"}},
		{"Sec-Purpose": {"Prefetch"}}, {"Purpose": {"prefetch"}}, {"X-Moz": {"prefetch"}}, {"Purpose": {"x", "prefetch"}},
		{"Sec-Purpose": {""}, "X-Moz": {"prefetch"}},
	} {
		t.Run(fmt.Sprint(purpose), func(t *testing.T) {
			a := newApp(t, appOptions{})
			s := a.begin("/login")
			header := navigation()
			for name, values := range purpose {
				header[name] = values
			}
			for target, status := range map[string]int{
				"/login": 403, "/login?return_to=/account": 403, s.target(): 403, "/callback?code=x": 403, "/callback?error=x": 403,
				s.with("code", "") + "&error=access_denied": 403, "/account": 401, "/deep/x": 401,
			} {
				resp := a.send(request{target: target, cookie: s.cookie, header: header})
				assert.Equal(t, status, resp.status, target)
				assert.Equal(t, "private, no-store", resp.header.Get("Cache-Control"), target)
				assert.Empty(t, resp.header["Set-Cookie"], target)
				assert.Empty(t, resp.header["Location"], target)
			}
			assert.Zero(t, a.fake.Calls(authkittest.RouteAuthenticate))
			assert.False(t, a.warned())
			assert.Equal(t, http.StatusSeeOther, a.send(request{target: s.target(), cookie: s.cookie, header: navigation()}).status)
		})
	}
}

// An image of a sibling's page may set cookies here, Lax ones too.
func TestAnImageOfAnotherOriginsPageReachesNoCallback(t *testing.T) {
	a := newApp(t, appOptions{})
	s := a.begin("/login")
	for _, target := range []string{"/callback?code=x", s.target()} {
		resp := a.send(request{target: target, cookie: s.cookie, header: http.Header{
			"Sec-Fetch-Site": {"same-site"}, "Sec-Fetch-Mode": {"no-cors"}, "Sec-Fetch-Dest": {"image"},
		}})
		assert.Equal(t, http.StatusForbidden, resp.status)
		assert.Empty(t, resp.header["Set-Cookie"])
	}
	assert.Zero(t, a.fake.Calls(authkittest.RouteAuthenticate))
}

// A20: a flow that was set by a clock ahead of this one's.
func TestAFlowFromTheFutureIsTakenWithinSkewOnly(t *testing.T) {
	a := newApp(t, appOptions{routes: func(a *app, mux *http.ServeMux) {
		mux.HandleFunc("POST /step", func(w http.ResponseWriter, _ *http.Request) { require.NoError(t, a.SetFlow(w, "kept")) })
		mux.HandleFunc("GET /step", func(w http.ResponseWriter, r *http.Request) {
			var v string
			found := a.Flow(r, &v)
			require.NoError(t, json.NewEncoder(w).Encode(found))
		})
	}})
	j := newCookieJar(t)
	j.take(a.send(request{method: "POST", target: "/step"}))
	for ahead, want := range map[time.Duration]string{0: "true", time.Minute: "true", time.Minute + time.Second: "false", time.Hour: "false"} {
		a.clock.Set(start.Add(-ahead))
		assert.Equal(t, want+"\n", a.send(request{target: "/step", cookie: j.header()}).body, ahead)
		assert.Equal(t, want+"\n", a.send(request{target: "/step", cookie: j.names[0] + "=x; " + j.header()}).body, "junk beside it changes nothing")
	}
}
