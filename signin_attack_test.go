// What strangers, neighbours and other sites can do to the sign-ins of a browser.

package authkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
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

// from is the header of a navigation that a page of another origin, or of this one, has caused.
func from(site string) http.Header {
	h := navigation()
	h.Set("Sec-Fetch-Site", site)
	return h
}

// starts starts a sign-in in the browser of a jar and returns its state.
func (a *app) starts(j *cookieJar, target string, header http.Header) (state string) {
	a.t.Helper()
	resp := a.send(request{target: target, cookie: j.header(), header: header})
	require.Equal(a.t, http.StatusSeeOther, resp.status, resp.body)
	j.take(resp)
	return stateOf(a.t, resp)
}

// stateOf is the state in a redirect to AuthKit.
func stateOf(t testing.TB, resp response) string {
	t.Helper()
	location, err := resp.location()
	require.NoError(t, err)
	require.Equal(t, "/user_management/authorize", location.Path)
	return location.Query().Get("state")
}

// wayBack is the page that a pending sign-in leads to, as the page of a cancelled one links to it. The sign-in is used
// up by that.
func (a *app) wayBack(j *cookieJar, state string) string {
	a.t.Helper()
	resp := a.send(request{target: "/callback?error=access_denied&state=" + state, cookie: j.header(), header: navigation()})
	require.Equal(a.t, http.StatusForbidden, resp.status, resp.body)
	j.take(resp)
	if strings.Contains(resp.body, `href="/login"`) {
		return "/"
	}
	_, rest, found := strings.Cut(resp.body, `href="/login?return_to=`)
	require.True(a.t, found)
	link, _, _ := strings.Cut(rest, `"`)
	page, err := url.QueryUnescape(link)
	require.NoError(a.t, err)
	return page
}

// isUnderWay reports whether the browser of a jar could still finish a sign-in. It changes nothing.
func (a *app) isUnderWay(j *cookieJar, state string) bool {
	a.t.Helper()
	a.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	defer a.fake.Heal(authkittest.RouteJWKS)
	resp := a.send(request{target: "/callback?code=x&state=" + state, cookie: j.header(), header: navigation()})
	require.Contains(a.t, []int{http.StatusServiceUnavailable, http.StatusBadRequest}, resp.status)
	return resp.status == http.StatusServiceUnavailable
}

func (a *app) warned() bool {
	return strings.Contains(a.logs.String(), "level=WARN") || strings.Contains(a.logs.String(), "level=ERROR")
}

// A4. A load balancer takes an instance out that answers 5xx, and somebody is woken by a warning.
func TestNoQueryOfACallbackCausesAFailureOfTheServer(t *testing.T) {
	long := strings.Repeat("x", 4000)
	for _, query := range []string{
		"", "x=y", "error=x", "error=server_error", "error=access_denied", "error=", "error=%00", "error=" + long, "error=x&error=y",
		"error=x&state=", "error=x&state=made-up", "error=x&state=STATE", "error=server_error&state=STATE", "error=access_denied&state=STATE",
		"error=x&state=STATE&state=STATE", "error=x&error=y&state=STATE", "error=" + long + "&state=STATE",
		"code=junk&state=STATE", "code=" + long + "&state=STATE", "code=%00%FF&state=STATE", "code=a&code=b&state=STATE",
		"code=a&error=b&state=STATE", "code=a&state=STATE&state=b", "code=a&state=b&state=STATE", "code=&state=STATE", "state=STATE",
		"code=%zz&state=STATE", "code=a;state=STATE", "code=a&state=%zz", "code=a&state=" + long, "code=a&code=b", "code=a&state=&state=STATE",
		"code[]=a&state=STATE", "code=a&state[]=STATE", "code=a%26state=STATE",
	} {
		for _, known := range []bool{true, false} {
			name := fmt.Sprintf("%.60s, state cookie %t", query, known)
			t.Run(name, func(t *testing.T) {
				a := newApp(t, appOptions{})
				s := a.begin("/login")
				if !known {
					s.cookie = ""
				}
				target := "/callback?" + strings.ReplaceAll(query, "STATE", s.callback.Query().Get("state"))
				resp := a.send(request{target: target, cookie: s.cookie, header: navigation()})
				assert.Less(t, resp.status, 500)
				if resp.status != http.StatusSeeOther { // a code without a state starts a sign-in
					assert.GreaterOrEqual(t, resp.status, 400)
					assert.Contains(t, resp.body, `href="/login"`)
				}
				assert.Equal(t, "private, no-store", resp.header.Get("Cache-Control"))
				assert.False(t, a.warned(), a.logs.String())
				assert.Empty(t, a.fake.Sessions())
			})
		}
	}
}

func TestAFailedSignInIsReportedOnlyWhereThisBrowserHadOneUnderWay(t *testing.T) {
	var told []error
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithOnSignInFailure(func(_ context.Context, err error) {
		told = append(told, err)
	})}})
	used := a.begin("/login")
	a.send(request{target: used.target(), cookie: used.cookie})
	pending := a.begin("/login")
	for _, target := range []string{
		"/callback", "/callback?error=x", "/callback?error=access_denied", "/callback?error=x&state=y", "/callback?code=x&state=y",
		"/callback?code=x&state=y&state=z", pending.target() + "&code=x", used.target(), used.with("code", "") + "&error=x",
	} {
		for _, cookie := range []string{"", used.cookie, used.cookie + "; " + pending.cookie, "authkit-state-x=y"} {
			a.send(request{target: target, cookie: cookie, header: navigation()})
		}
	}
	a.send(request{target: "/callback?code=x", header: navigation()})
	assert.Empty(t, told)
	assert.False(t, a.warned())

	a.send(request{target: pending.with("code", "junk"), cookie: pending.cookie, header: navigation()})
	assert.Len(t, told, 1)
}

func TestAGarbledCallbackUsesNothingUp(t *testing.T) {
	a := newApp(t, appOptions{})
	s := a.begin("/login")
	for _, target := range []string{
		s.target() + "&code=x", s.target() + "&state=x", s.target() + "&error=x", s.target() + "&error=",
		s.with("code", ""), s.with("code", "") + "&error=x&error=y", s.with("code", "") + "&code=%zz",
	} {
		resp := a.send(request{target: target, cookie: s.cookie, header: navigation()})
		assert.Equal(t, http.StatusBadRequest, resp.status, target)
		assert.Empty(t, resp.setCookies(t), target)
	}
	assert.Zero(t, a.fake.Calls(authkittest.RouteAuthenticate))
	assert.Equal(t, http.StatusSeeOther, a.send(request{target: s.target(), cookie: s.cookie, header: navigation()}).status)
}

func TestACodeThatWorkOSRefusesIsABadRequest(t *testing.T) {
	for name, c := range map[string]struct {
		fault  authkittest.Fault
		status int
		warned bool
	}{
		"invalid_grant":                      {authkittest.Fault{Status: 400, Body: `{"error":"invalid_grant"}`}, 400, false},
		"invalid_request":                    {authkittest.Fault{Status: 400, Body: `{"error":"invalid_request"}`}, 400, false},
		"an invitation that is no good":      {authkittest.Fault{Status: 400, Body: `{"error":"invitation_invalid"}`}, 400, false},
		"a code that nobody has heard of":    {authkittest.Fault{Status: 422, Body: `{"code":"new_in_2030","message":"m"}`}, 400, false},
		"no code at all":                     {authkittest.Fault{Status: 404, Body: `{"message":"Not Found"}`}, 400, false},
		"an organization's policy":           {authkittest.Fault{Status: 403, Body: `{"error":"sso_required"}`}, 400, false},
		"the client secret":                  {authkittest.Fault{Status: 400, Body: `{"error":"invalid_client"}`}, 502, true},
		"the client":                         {authkittest.Fault{Status: 400, Body: `{"error":"unauthorized_client"}`}, 502, true},
		"the API key":                        {authkittest.Fault{Status: 401, Body: `{"message":"Unauthorized"}`}, 502, true},
		"a firewall's page":                  {authkittest.Fault{Status: 403, Body: "<html>no</html>"}, 503, true},
		"a gateway":                          {authkittest.Fault{Status: 502, Body: "<html>no</html>"}, 503, true},
		"a request that WorkOS waited for":   {authkittest.Fault{Status: 408, Body: `{"message":"m"}`}, 503, true},
		"too many requests":                  {authkittest.Fault{Status: 429, Body: `{"error":"too_many_requests"}`, Header: http.Header{"Retry-After": {"7"}}}, 429, false},
		"too many requests, and no word":     {authkittest.Fault{Status: 429, Body: `{"message":"m"}`}, 429, false},
		"too many requests, on a page":       {authkittest.Fault{Status: 429, Body: "<html>slow down</html>"}, 429, false},
		"a quota, under another status":      {authkittest.Fault{Status: 403, Body: `{"code":"daily_quota_exceeded","message":"m"}`}, 429, false},
		"invalid_grant, in an outage's word": {authkittest.Fault{Status: 500, Body: `{"error":"server_error"}`}, 503, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, appOptions{})
			s := a.begin("/login?return_to=/account")
			a.fake.Fail(authkittest.RouteCodeExchange, c.fault)
			resp := a.send(request{target: s.target(), cookie: s.cookie, header: navigation()})
			assert.Equal(t, c.status, resp.status)
			assert.Equal(t, c.status == 429 || c.status == 503, resp.header.Get("Retry-After") != "")
			if asked := c.fault.Header.Get("Retry-After"); asked != "" {
				assert.Equal(t, asked, resp.header.Get("Retry-After"))
			}
			assert.Contains(t, resp.body, `href="/login?return_to=%2Faccount"`, "the way on")
			assert.Equal(t, c.warned, a.warned(), a.logs.String())
			assert.Equal(t, 1, a.fake.Calls(authkittest.RouteCodeExchange), "a code is sent once")
		})
	}
}

func TestTheErrorsOfASignInThatIsRefusedCanBeToldApart(t *testing.T) {
	for name, c := range map[string]struct {
		fault *authkittest.Fault
		query string
		want  error
		not   []error
	}{
		"refused by WorkOS":  {fault: &authkittest.Fault{Status: 400, Body: `{"error":"invalid_grant"}`}, want: authkit.ErrSignInRefused, not: []error{authkit.ErrSignIn, authkit.ErrUnavailable}},
		"refused by AuthKit": {query: "&error=server_error", want: authkit.ErrSignInRefused, not: []error{authkit.ErrSignIn, authkit.ErrCancelled}},
		"too many":           {fault: &authkittest.Fault{Status: 429, Body: `{}`}, want: authkit.ErrSignInRateLimited, not: []error{authkit.ErrSignIn, authkit.ErrSignInUnavailable}},
		"our own fault":      {fault: &authkittest.Fault{Status: 401, Body: `{"message":"m"}`}, want: authkit.ErrSignIn, not: []error{authkit.ErrSignInRefused}},
		"an outage":          {fault: &authkittest.Fault{Status: 500}, want: authkit.ErrSignInUnavailable, not: []error{authkit.ErrSignInRateLimited}},
	} {
		t.Run(name, func(t *testing.T) {
			var told error
			a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithOnSignInFailure(func(_ context.Context, err error) { told = err })}})
			s := a.begin("/login")
			target := s.target()
			if c.fault != nil {
				a.fake.Fail(authkittest.RouteCodeExchange, *c.fault)
			} else {
				target = s.with("code", "") + c.query
			}
			a.send(request{target: target, cookie: s.cookie, header: navigation()})
			require.ErrorIs(t, told, c.want)
			for _, not := range c.not {
				assert.False(t, errors.Is(told, not), not)
			}
			assert.NotContains(t, told.Error(), s.callback.Query().Get("code"))
		})
	}
}

// The client hangs up during the exchange, as anybody can.
func TestAClientThatLeavesDuringTheExchangeIsNoWarning(t *testing.T) {
	a := newApp(t, appOptions{})
	s := a.begin("/login")
	a.fake.Fail(authkittest.RouteCodeExchange, authkittest.Fault{Hang: true})
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.target(), nil)
	require.NoError(t, err)
	r.Header = navigation()
	r.Header.Set("Cookie", s.cookie)
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.handler().ServeHTTP(discarded{http.Header{}}, r)
	}()
	a.fake.AwaitCalls(t, authkittest.RouteCodeExchange, 1)
	leave()
	<-done
	assert.Contains(t, a.logs.String(), "request refused")
	assert.False(t, a.warned(), a.logs.String())
}

// discarded is a response that nobody reads.
type discarded struct{ header http.Header }

func (d discarded) Header() http.Header { return d.header }

func (d discarded) Write(p []byte) (int, error) { return len(p), nil }

func (d discarded) WriteHeader(int) {}

// A7. Ports of one host share their cookies, and so do hosts below one Domain.
func TestNeighboursOnOneHostLeaveEachOthersSignInsAlone(t *testing.T) {
	for name, opts := range map[string][]authkit.Option{
		"another password":    {authkit.WithCookiePassword(strings.Repeat("another-", 5))},
		"another client ID":   {authkit.WithClientID("client_other")},
		"another cookie name": {authkit.WithCookieName("sid")},
		"all of those":        {authkit.WithCookiePassword(strings.Repeat("another-", 5)), authkit.WithClientID("client_other"), authkit.WithCookieName("sid")},
		"none: a replica":     nil,
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, appOptions{})
			neighbour := newInstance(t, a.fake, a.clock, appOptions{authkit: opts})
			j := newCookieJar(t)
			state := a.starts(j, "/login?return_to=/account%3Fa%3Db", navigation())
			for range 20 {
				j.take(neighbour.send(request{target: "/login?return_to=/" + strings.Repeat("n", 900), cookie: j.header(), header: from("same-site")}))
			}
			assert.Equal(t, "/account?a=b", a.wayBack(j, state))
		})
	}
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

func TestAStateCookieThatDoesNotOpenStaysWhereItIs(t *testing.T) {
	a := newApp(t, appOptions{})
	s := a.begin("/login")
	name, value, _ := strings.Cut(s.cookie, "=")
	for _, cookie := range []string{name + "=x", name + "=", name + "=" + flip(value), name + "x=" + value, name + "=" + strings.Repeat("x", 4000)} {
		assert.NotContains(t, a.send(request{target: "/login", cookie: cookie, header: navigation()}).setCookies(t), name)
		refused := a.send(request{target: s.target(), cookie: cookie, header: navigation()})
		assert.Equal(t, http.StatusBadRequest, refused.status)
		assert.Empty(t, refused.setCookies(t))
	}
	for _, cookie := range []string{name + "=x; " + s.cookie, s.cookie + "; " + name + "=x"} {
		assert.True(t, a.isUnderWay(&cookieJar{t: t, names: []string{"a"}, values: map[string]string{"a": "b; " + cookie}}, s.callback.Query().Get("state")),
			"junk beside a good cookie changes nothing")
	}
}

// A8. nginx answers 400 to a Cookie header of 8 KB, to everything and for as long as the cookies live.
func TestThePendingSignInsOfOneBrowserStayBelowFourKilobytes(t *testing.T) {
	for _, size := range []int{0, 1, 100, 400, 900, 1020} {
		t.Run(fmt.Sprint(size, " bytes of query"), func(t *testing.T) {
			a := newApp(t, appOptions{})
			j := newCookieJar(t)
			newest := ""
			for i := range 20 {
				newest = a.starts(j, "/login?return_to=/"+fmt.Sprint(i)+"?"+strings.Repeat("a", size)[:max(0, size-4)], navigation())
				assert.Less(t, len(j.header()), 4096)
				a.clock.Advance(time.Second)
			}
			assert.Greater(t, len(j.states()), 5, "they are made smaller before they are dropped")
			assert.Equal(t, "/19?"+strings.Repeat("a", size)[:max(0, size-4)], a.wayBack(j, newest), "the newest is whole")
		})
	}
}

func TestAnOlderSignInLosesItsQueryThenItsPathAndThenItself(t *testing.T) {
	a := newApp(t, appOptions{})
	j := newCookieJar(t)
	oldest := a.starts(j, "/login?return_to="+url.QueryEscape("/old/page?"+strings.Repeat("q", 200)), navigation())
	copied := func() *cookieJar { return &cookieJar{t, slices.Clone(j.names), maps.Clone(j.values)} }
	var seen []string
	for i := 0; i < 40 && a.isUnderWay(j, oldest); i++ {
		// Another process looks, so that the state is not used up in this one.
		page := newInstance(t, a.fake, a.clock, appOptions{}).wayBack(copied(), oldest)
		if len(seen) == 0 || seen[len(seen)-1] != page {
			seen = append(seen, page)
		}
		a.clock.Advance(time.Second)
		a.starts(j, "/login?return_to=/"+strings.Repeat("n", 150), navigation())
	}
	assert.Equal(t, []string{"/old/page?" + strings.Repeat("q", 200), "/old/page", "/"}, seen)
	assert.False(t, a.isUnderWay(j, oldest))
}

func TestASignInThatWasMadeSmallerStillFinishes(t *testing.T) {
	a := newApp(t, appOptions{})
	s := a.begin("/login?return_to=" + url.QueryEscape("/account?"+strings.Repeat("q", 900)))
	j := newCookieJar(t)
	name, value, _ := strings.Cut(s.cookie, "=")
	j.names, j.values[name] = []string{name}, value
	a.clock.Advance(9 * time.Minute)
	for range 2 {
		a.starts(j, "/login?return_to=/"+strings.Repeat("n", 700), navigation())
	}
	require.NotEqual(t, value, j.values[name], "it was sealed anew")
	resp := a.send(request{target: s.target(), cookie: j.header(), header: navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.status)
	assert.Equal(t, "/account", resp.header.Get("Location"))
	resp.newCookie(t)
}

func TestASealedAgainSignInLivesNoLongerThanBefore(t *testing.T) {
	a := newApp(t, appOptions{})
	first := a.send(request{target: "/login?return_to=/a%3F" + strings.Repeat("q", 1000), header: navigation()})
	j := newCookieJar(t)
	j.take(first)
	name := j.names[0]
	lives := first.setCookies(t)[name].MaxAge
	a.clock.Advance(5 * time.Minute)
	second := a.send(request{target: "/login?return_to=/" + strings.Repeat("n", 1000), cookie: j.header(), header: navigation()})
	j.take(second)
	a.clock.Advance(5 * time.Minute)
	third := a.send(request{target: "/login?return_to=/" + strings.Repeat("n", 1000), cookie: j.header(), header: navigation()})
	again := second.setCookies(t)[name]
	if again == nil {
		lives -= 5 * 60
		again = third.setCookies(t)[name]
	}
	require.NotNil(t, again)
	assert.Equal(t, lives-5*60, again.MaxAge)
}

func TestASignInWhoseOwnDataFillACookieFails(t *testing.T) {
	a := newApp(t, appOptions{routes: func(a *app, mux *http.ServeMux) {
		for _, size := range []int{1000, 1900, 2300} {
			mux.Handle(fmt.Sprint("/", size), a.Login(authkit.State(strings.Repeat("s", size))))
		}
	}})
	long := "?return_to=/account%3F" + strings.Repeat("q", 900)
	for size, want := range map[int]string{1000: "/account?" + strings.Repeat("q", 900), 1900: "/account"} {
		j := newCookieJar(t)
		state := a.starts(j, fmt.Sprint("/", size, long), navigation())
		assert.Less(t, len(j.header()), 4096)
		assert.Equal(t, want, a.wayBack(j, state), "%d bytes: the page makes room for them", size)
	}
	resp := a.send(request{target: "/2300" + long, header: navigation()})
	assert.Equal(t, http.StatusBadRequest, resp.status)
	assert.Empty(t, resp.setCookies(t))
	assert.Contains(t, a.logs.String(), "bytes of a cookie that holds 4096")
	assert.NotContains(t, a.logs.String(), "sss")
}

func TestSignInCookiesThatCameTwiceCountTwice(t *testing.T) {
	a := newApp(t, appOptions{})
	old := a.begin("/login?return_to=/" + strings.Repeat("a", 900))
	name, _, _ := strings.Cut(old.cookie, "=")
	once := a.send(request{target: "/login?return_to=/" + strings.Repeat("b", 500), cookie: old.cookie, header: navigation()})
	assert.NotContains(t, once.setCookies(t), name, "both fit")
	twice := a.send(request{target: "/login?return_to=/" + strings.Repeat("b", 500), cookie: old.cookie + "; " + old.cookie, header: navigation()})
	assert.Contains(t, twice.setCookies(t), name, "the old one was made smaller: it came twice")
}

func TestSignInCookiesThatNoResponseCanTakeAwayKeepNobodyFromSigningIn(t *testing.T) {
	a := newApp(t, appOptions{})
	resp := a.send(request{target: "/login?return_to=/" + strings.Repeat("a", 900), header: from("cross-site")})
	twice := strings.Repeat(resp.stateCookie(t)+"; ", 4) // of other domains or paths
	for _, site := range []string{"same-origin", "cross-site"} {
		assert.Equal(t, http.StatusSeeOther, a.send(request{target: "/login", cookie: twice, header: from(site)}).status, site)
	}
}

func TestACopyOfASignInUnderAnotherNameCountsForNothing(t *testing.T) {
	a := newApp(t, appOptions{})
	j := newCookieJar(t)
	state := a.starts(j, "/login?return_to=/account%3F"+strings.Repeat("q", 900), navigation())
	name := j.names[0]
	copies := j.header()
	for i := range 8 {
		copies += fmt.Sprint("; ", name, i, "=", j.values[name])
	}
	resp := a.send(request{target: "/login", cookie: copies, header: navigation()})
	assert.Len(t, resp.setCookies(t), 1, "neither the copies nor the sign-in itself")
	assert.Equal(t, "/account?"+strings.Repeat("q", 900), a.wayBack(j, state))
}

func TestASignInThatIsLongOverGoesWithTheNextOne(t *testing.T) {
	a := newApp(t, appOptions{})
	j := newCookieJar(t)
	a.starts(j, "/login", navigation())
	a.clock.Advance(25*time.Hour - time.Second)
	resp := a.send(request{target: "/login", cookie: j.header(), header: navigation()})
	assert.Len(t, resp.setCookies(t), 1)
	a.clock.Advance(time.Second) // a browser that keeps a cookie beyond its Max-Age
	resp = a.send(request{target: "/login", cookie: j.header(), header: navigation()})
	require.NotNil(t, resp.setCookies(t)[j.names[0]])
	assert.Negative(t, resp.setCookies(t)[j.names[0]].MaxAge)
}

// A9. Another site's page navigates the browser as often as it likes.
func TestAnotherSitesNavigationsPushOutNoSignInOfThisSite(t *testing.T) {
	for _, site := range []string{"cross-site", "same-site"} {
		for _, start := range []string{"/login?return_to=/", "/deep/"} {
			t.Run(site+" to "+start, func(t *testing.T) {
				a := newApp(t, appOptions{})
				j := newCookieJar(t)
				page := "/account?" + strings.Repeat("q", 700)
				own := a.starts(j, "/login?return_to="+url.QueryEscape(page), from("same-origin"))
				typed := a.starts(j, "/login?return_to=/account", from("none"))
				for i := range 30 {
					a.clock.Advance(time.Second)
					a.starts(j, start+fmt.Sprint("x", i, strings.Repeat("n", 800)), from(site))
					assert.Less(t, len(j.header()), 4096)
				}
				assert.Equal(t, page, a.wayBack(j, own), "not even its query")
				assert.Equal(t, "/account", a.wayBack(j, typed))
			})
		}
	}
}

func TestWhereOnlyThisSitesSignInsAreLeftAnotherSiteStartsNone(t *testing.T) {
	a := newApp(t, appOptions{})
	j := newCookieJar(t)
	var own []string
	for range 30 {
		own = append(own, a.starts(j, "/login", from("same-origin")))
		a.clock.Advance(time.Second)
	}
	kept := slices.DeleteFunc(own, func(state string) bool { return !a.isUnderWay(j, state) })
	require.Greater(t, len(kept), 5)
	resp := a.send(request{target: "/account?x=1", cookie: j.header(), header: from("cross-site")})
	assert.Equal(t, http.StatusForbidden, resp.status)
	assert.Contains(t, resp.body, `href="/login?return_to=%2Faccount%3Fx%3D1"`, "a click on our own page starts one")
	assert.Empty(t, resp.setCookies(t))
	for _, state := range kept {
		assert.True(t, a.isUnderWay(j, state))
	}
	a.starts(j, "/login?return_to=/account", from("same-origin"))
	assert.False(t, a.isUnderWay(j, kept[0]), "the oldest makes room for one of this site's")
}

// A9. Abandoned sign-ins that can no longer be finished, and a link in a mail.
func TestSignInsThatAreOverKeepNoNewOneOut(t *testing.T) {
	a := newApp(t, appOptions{})
	j := newCookieJar(t)
	for range 13 {
		a.starts(j, "/login", from("same-origin"))
	}
	link := request{target: "/account", cookie: j.header(), header: from("cross-site")}
	a.clock.Advance(time.Hour - time.Second)
	assert.Equal(t, http.StatusForbidden, a.send(link).status, "they could still be finished")
	for _, d := range []time.Duration{time.Second, 20 * time.Hour} {
		a.clock.Advance(d)
		resp := a.send(link)
		assert.Equal(t, http.StatusSeeOther, resp.status)
		assert.Less(t, len(resp.setCookies(t)), 5, "no more of them go than must")
	}
	resp := a.send(request{target: "/callback?code=x", cookie: j.header(), header: from("cross-site")})
	assert.Equal(t, http.StatusSeeOther, resp.status, "a code without a state")
}

func TestASignInThatIsOverGoesBeforeAPageOfOneThatIsNot(t *testing.T) {
	for _, site := range []string{"same-origin", "cross-site"} {
		t.Run(site, func(t *testing.T) {
			a := newApp(t, appOptions{})
			j := newCookieJar(t)
			for range 5 {
				a.starts(j, "/login", from("same-origin"))
			}
			over := j.states()
			a.clock.Advance(time.Minute)
			page := "/account?" + strings.Repeat("q", 500)
			living := a.starts(j, "/login?return_to="+url.QueryEscape(page), from("cross-site"))
			a.clock.Advance(time.Hour - time.Minute)
			a.starts(j, "/deep/?"+strings.Repeat("q", 700), from(site))
			assert.Less(t, len(j.header()), 4096)
			assert.Less(t, len(j.states()), len(over)+2)
			assert.Equal(t, page, a.wayBack(j, living))
		})
	}
}

// Of a cookie that a sibling domain has planted in several forms, no response takes all away.
func TestPlantedSignInsThatAreOverKeepNoNewOneOut(t *testing.T) {
	a := newApp(t, appOptions{})
	planted := a.begin("/login?return_to=/" + strings.Repeat("p", 900)).cookie
	a.clock.Advance(time.Hour - time.Second)
	own := a.begin("/login").cookie
	cookie := own + strings.Repeat("; "+planted, 4)
	resp := a.send(request{target: "/account", cookie: cookie, header: from("cross-site")})
	assert.Equal(t, http.StatusForbidden, resp.status, "they could still be finished")
	a.clock.Advance(time.Second)
	resp = a.send(request{target: "/account", cookie: cookie, header: from("cross-site")})
	assert.Equal(t, http.StatusSeeOther, resp.status)
}

func TestAFloodOfStateCookiesIsLookedAtInBoundedNumber(t *testing.T) {
	a := newApp(t, appOptions{})
	var planted []string
	for range 60 {
		planted = append(planted, a.begin("/login").cookie)
	}
	resp := a.send(request{target: "/login", cookie: strings.Join(planted, "; "), header: navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.status)
	assert.LessOrEqual(t, len(resp.setCookies(t)), 32+1)
	assert.Greater(t, len(resp.setCookies(t)), 16, "they are cleared away in steps")
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

func TestAnotherOriginsFrameStartsNoSignIn(t *testing.T) {
	framed := func(site, dest string) http.Header {
		return http.Header{"Sec-Fetch-Site": {site}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {dest}, "Accept": {"text/html"}}
	}
	a := newApp(t, appOptions{})
	for _, dest := range []string{"iframe", "frame", "object", "embed", "fencedframe"} {
		for _, target := range []string{"/login", "/login?state=x&return_to=/" + strings.Repeat("a", 900), "/callback?code=x"} {
			for _, site := range []string{"same-site", "cross-site"} {
				resp := a.send(request{target: target, header: framed(site, dest)})
				assert.Equal(t, http.StatusForbidden, resp.status, "%s %s %.20s", site, dest, target)
				assert.Empty(t, resp.header["Set-Cookie"])
				assert.Empty(t, resp.header["Location"])
			}
		}
		resp := a.send(request{target: "/login", header: framed("same-origin", dest)})
		assert.Equal(t, http.StatusSeeOther, resp.status, "a frame of this site's own page: %s", dest)
	}
	s := a.begin("/login")
	resp := a.send(request{target: s.target(), cookie: s.cookie, header: framed("cross-site", "iframe")})
	assert.Equal(t, http.StatusSeeOther, resp.status, "AuthKit leads a sign-in that this site's own frame began back")
	assert.Equal(t, http.StatusSeeOther, a.send(request{target: "/login", header: from("cross-site")}).status, "a link")
	assert.False(t, a.warned(), a.logs.String())
}

// B3. The page is loaded again, its tab is duplicated or restored, its state was pushed out.
func TestACallbackWithABadStateLeadsOnWhereSomebodyIsSignedIn(t *testing.T) {
	a := newApp(t, appOptions{})
	session := a.signedIn(kim).cookieHeader()
	s := a.begin("/login?return_to=/account%3Fa%3Db")
	require.Equal(t, http.StatusSeeOther, a.send(request{target: s.target(), cookie: s.cookie, header: navigation()}).status)
	before := a.fake.Calls(authkittest.RouteAuthenticate)
	name, value, _ := strings.Cut(s.cookie, "=")
	for what, c := range map[string]struct{ target, cookie, want string }{
		"replayed":                                 {s.target(), "", "/"},
		"replayed, and the cookie came back":       {s.target(), s.cookie, "/account?a=b"},
		"replayed with another code":               {s.with("code", "x"), s.cookie, "/account?a=b"},
		"replayed as an error":                     {s.with("code", "") + "&error=access_denied", s.cookie, "/account?a=b"},
		"made up":                                  {s.with("state", "made-up"), s.cookie, "/"},
		"unknown, and an error":                    {"/callback?error=x&state=y", "", "/"},
		"another one's cookie":                     {s.with("state", "made-up"), name + "=" + value, "/"},
		"a cookie that does not open":              {s.target(), name + "=x", "/"},
		"an attacker's own code, forced on people": {a.begin("/login?return_to=/evil").target(), "", "/"},
	} {
		t.Run(what, func(t *testing.T) {
			resp := a.send(request{target: c.target, cookie: session + "; " + c.cookie, header: from("cross-site")})
			assert.Equal(t, http.StatusSeeOther, resp.status, resp.body)
			assert.Equal(t, c.want, resp.header.Get("Location"))
			assert.Equal(t, "private, no-store", resp.header.Get("Cache-Control"))
			for set, cookie := range resp.setCookies(t) {
				assert.Equal(t, name, set)
				assert.Negative(t, cookie.MaxAge)
			}
			for who, cookie := range map[string]string{"nobody": "", "a made-up session": "authkit-session=x"} {
				resp := a.send(request{target: c.target, cookie: cookie + "; " + c.cookie, header: navigation()})
				assert.Equal(t, http.StatusBadRequest, resp.status, who)
				assert.Contains(t, resp.body, `href="/login`, who)
			}
		})
	}
	assert.Equal(t, before, a.fake.Calls(authkittest.RouteAuthenticate), "no exchange")
	assert.Contains(t, a.send(request{target: "/account", cookie: session}).body, kim, "and the session is as it was")
}

func TestOnlyASessionThatIsGoodLeadsACallbackOn(t *testing.T) {
	for name, c := range map[string]struct {
		opts   []authkit.Option
		change func(a *app, session string)
		status int
	}{
		"one whose token has expired, which is refreshed next": {change: func(a *app, _ string) { a.expireToken(time.Hour) }, status: 303},
		"one that was signed out": {change: func(a *app, session string) {
			a.send(request{method: "POST", target: "/logout", cookie: session})
		}, status: 400},
		"one beyond its limit": {
			opts: []authkit.Option{authkit.WithAbsoluteTimeout(time.Minute)}, status: 400,
			change: func(a *app, _ string) { a.clock.Advance(time.Minute) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, appOptions{authkit: c.opts})
			session := a.signedIn(kim).cookieHeader()
			c.change(a, session)
			before := a.fake.Calls(authkittest.RouteAuthenticate)
			resp := a.send(request{target: "/callback?code=x&state=y", cookie: session, header: navigation()})
			assert.Equal(t, c.status, resp.status)
			assert.Equal(t, before, a.fake.Calls(authkittest.RouteAuthenticate))
		})
	}
}

func TestAGarbledCallbackLeadsNobodyOn(t *testing.T) {
	a := newApp(t, appOptions{})
	session := a.signedIn(kim).cookieHeader()
	for _, target := range []string{"/callback", "/callback?state=a&state=b", "/callback?code=a&code=b&state=c"} {
		assert.Equal(t, http.StatusBadRequest, a.send(request{target: target, cookie: session, header: navigation()}).status, target)
	}
}

func TestAStrictSessionIsLedOnFromAPageOfThisSite(t *testing.T) {
	a := newApp(t, appOptions{authkit: []authkit.Option{authkit.WithCookieSameSite(http.SameSiteStrictMode)}})
	session := a.signedIn(kim).cookieHeader()
	resp := a.send(request{target: "/callback?code=x&state=y", cookie: session, header: from("same-origin")})
	assert.Equal(t, http.StatusOK, resp.status)
	assert.Contains(t, resp.body, `http-equiv="refresh"`)
}

// A20: the marker of a callback without a state.
func TestTheMarkerOfAFreshStartEndsWithTheSignInAndWithThePage(t *testing.T) {
	a := newApp(t, appOptions{})
	j := newCookieJar(t)
	state := a.starts(j, "/callback?code=stray", navigation())
	marker := slices.DeleteFunc(slices.Clone(j.names), func(name string) bool { return !strings.HasPrefix(name, "authkit-restart") })
	require.Len(t, marker, 1)

	refused := a.send(request{target: "/callback?code=stray", cookie: j.header(), header: navigation()})
	assert.Equal(t, http.StatusBadRequest, refused.status)
	require.NotNil(t, refused.setCookies(t)[marker[0]])
	assert.Negative(t, refused.setCookies(t)[marker[0]].MaxAge, "the next one may start again")

	s := a.begin("/login")
	finished := a.send(request{target: s.target(), cookie: j.header() + "; " + s.cookie, header: navigation()})
	require.Equal(t, http.StatusSeeOther, finished.status)
	require.NotNil(t, finished.setCookies(t)[marker[0]], "a sign-in that completes ends the marker")
	assert.Negative(t, finished.setCookies(t)[marker[0]].MaxAge)
	assert.Equal(t, "/", a.wayBack(j, state), "and no other sign-in")
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

// A callback that is loaded again leads on whoever is signed in, though the session is stale or cannot be decided on.
func TestAPersonWhoseKeyWasWithdrawnIsLedOnFromACallback(t *testing.T) {
	changed := make(keyChanges, 8)
	a := newApp(t, appOptions{authkit: []authkit.Option{changed.option()}})
	session := a.signedIn(kim).cookieHeader()
	a.clock.Advance(time.Minute)
	a.fake.RotateKeys()
	changed.await(a)
	resp := a.send(request{target: "/callback?code=x&state=y", cookie: session, header: navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.status, "the token is stale, not bad")
	page := a.send(request{target: "/account", cookie: session, header: navigation()})
	assert.Equal(t, http.StatusOK, page.status, "and the page itself takes the session")
}

func TestAPersonIsLedOnFromACallbackDuringAKeyOutage(t *testing.T) {
	a := newApp(t, appOptions{})
	session := a.signedIn(kim).cookieHeader()
	a.fake.Fail(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	fresh := newInstance(t, a.fake, a.clock, appOptions{})
	resp := fresh.send(request{target: "/callback?code=x&state=y", cookie: session, header: navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.status)
}

// A4.
func TestAnInvitationTokenOfTheQueryCausesNoFailureOfTheServer(t *testing.T) {
	a := newApp(t, appOptions{routes: func(a *app, mux *http.ServeMux) {
		mux.Handle("/invited", a.Login(authkit.PerRequest(func(r *http.Request) []authkit.LoginOption {
			return []authkit.LoginOption{authkit.InvitationToken(r.URL.Query().Get("invitation_token"))}
		})))
	}})
	resp := a.send(request{target: "/invited?invitation_token=" + strings.Repeat("i", 3000), header: from("cross-site")})
	assert.Less(t, resp.status, 500, "what a query can cause is never 5xx")
	assert.False(t, a.warned(), a.logs.String())
}
