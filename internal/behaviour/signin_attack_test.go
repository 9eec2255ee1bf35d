// What strangers, neighbours and other sites can do to the sign-ins of a browser.

package behaviour

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

// from is the header of a navigation that a page of another origin, or of this one, has caused.
func from(site string) http.Header {
	h := Navigation()
	h.Set("Sec-Fetch-Site", site)
	return h
}

// isUnderWay reports whether the browser of a jar could still finish a sign-in. It changes nothing.
func (a *App) isUnderWay(j *CookieJar, state string) bool {
	a.T.Helper()
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	defer a.Fake.ClearFault(authkittest.RouteJWKS)
	resp := a.Send(Request{Target: "/callback?code=x&state=" + state, Cookie: j.Header(), Header: Navigation()})
	require.Contains(a.T, []int{http.StatusServiceUnavailable, http.StatusBadRequest}, resp.Status)
	return resp.Status == http.StatusServiceUnavailable
}

func (a *App) warned() bool {
	return strings.Contains(a.Logs.String(), "level=WARN") || strings.Contains(a.Logs.String(), "level=ERROR")
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
				a := NewApp(t, AppOptions{})
				s := a.Begin("/login")
				if !known {
					s.Cookie = ""
				}
				target := "/callback?" + strings.ReplaceAll(query, "STATE", s.Callback.Query().Get("state"))
				resp := a.Send(Request{Target: target, Cookie: s.Cookie, Header: Navigation()})
				assert.Less(t, resp.Status, 500)
				if resp.Status != http.StatusSeeOther { // a code without a state starts a sign-in
					assert.GreaterOrEqual(t, resp.Status, 400)
					assert.Contains(t, resp.Body, `href="/login"`)
				}
				assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
				assert.False(t, a.warned(), a.Logs.String())
				assert.Empty(t, a.Fake.Sessions())
			})
		}
	}
}

func TestAFailedSignInIsReportedOnlyWhereThisBrowserHadOneUnderWay(t *testing.T) {
	var told []error
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithOnSignInFailure(func(_ context.Context, e authkit.SignInFailureEvent) {
		told = append(told, e.Err)
	})}})
	used := a.Begin("/login")
	a.Send(Request{Target: used.Target(), Cookie: used.Cookie})
	pending := a.Begin("/login")
	for _, target := range []string{
		"/callback", "/callback?error=x", "/callback?error=access_denied", "/callback?error=x&state=y", "/callback?code=x&state=y",
		"/callback?code=x&state=y&state=z", pending.Target() + "&code=x", used.Target(), used.With("code", "") + "&error=x",
	} {
		for _, cookie := range []string{"", used.Cookie, used.Cookie + "; " + pending.Cookie, "authkit-state-x=y"} {
			a.Send(Request{Target: target, Cookie: cookie, Header: Navigation()})
		}
	}
	a.Send(Request{Target: "/callback?code=x", Header: Navigation()})
	assert.Empty(t, told)
	assert.False(t, a.warned())

	a.Send(Request{Target: pending.With("code", "junk"), Cookie: pending.Cookie, Header: Navigation()})
	assert.Len(t, told, 1)
}

func TestAGarbledCallbackUsesNothingUp(t *testing.T) {
	a := NewApp(t, AppOptions{})
	s := a.Begin("/login")
	for _, target := range []string{
		s.Target() + "&code=x", s.Target() + "&state=x", s.Target() + "&error=x", s.Target() + "&error=",
		s.With("code", ""), s.With("code", "") + "&error=x&error=y", s.With("code", "") + "&code=%zz",
	} {
		resp := a.Send(Request{Target: target, Cookie: s.Cookie, Header: Navigation()})
		assert.Equal(t, http.StatusBadRequest, resp.Status, target)
		assert.Empty(t, resp.SetCookies(t), target)
	}
	assert.Zero(t, a.Fake.Calls(authkittest.RouteAuthenticate))
	assert.Equal(t, http.StatusSeeOther, a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()}).Status)
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
			a := NewApp(t, AppOptions{})
			s := a.Begin("/login?return_to=/account")
			a.Fake.InjectFault(authkittest.RouteCodeExchange, c.fault)
			resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
			assert.Equal(t, c.status, resp.Status)
			assert.Equal(t, c.status == 429 || c.status == 503, resp.Header.Get("Retry-After") != "")
			if asked := c.fault.Header.Get("Retry-After"); asked != "" {
				assert.Equal(t, asked, resp.Header.Get("Retry-After"))
			}
			assert.Contains(t, resp.Body, `href="/login?return_to=%2Faccount"`, "the way on")
			assert.Equal(t, c.warned, a.warned(), a.Logs.String())
			assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteCodeExchange), "a code is sent once")
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
		"refused by WorkOS":  {fault: &authkittest.Fault{Status: 400, Body: `{"error":"invalid_grant"}`}, want: authkit.ErrSignInRefused, not: []error{authkit.ErrSignInFailed, authkit.ErrUnavailable}},
		"refused by AuthKit": {query: "&error=server_error", want: authkit.ErrSignInRefused, not: []error{authkit.ErrSignInFailed, authkit.ErrSignInCancelled}},
		"too many":           {fault: &authkittest.Fault{Status: 429, Body: `{}`}, want: authkit.ErrSignInRateLimited, not: []error{authkit.ErrSignInFailed, authkit.ErrSignInUnavailable}},
		"our own fault":      {fault: &authkittest.Fault{Status: 401, Body: `{"message":"m"}`}, want: authkit.ErrSignInFailed, not: []error{authkit.ErrSignInRefused}},
		"an outage":          {fault: &authkittest.Fault{Status: 500}, want: authkit.ErrSignInUnavailable, not: []error{authkit.ErrSignInRateLimited}},
	} {
		t.Run(name, func(t *testing.T) {
			var told error
			a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithOnSignInFailure(func(_ context.Context, e authkit.SignInFailureEvent) { told = e.Err })}})
			s := a.Begin("/login")
			target := s.Target()
			if c.fault != nil {
				a.Fake.InjectFault(authkittest.RouteCodeExchange, *c.fault)
			} else {
				target = s.With("code", "") + c.query
			}
			a.Send(Request{Target: target, Cookie: s.Cookie, Header: Navigation()})
			require.ErrorIs(t, told, c.want)
			for _, not := range c.not {
				assert.False(t, errors.Is(told, not), not)
			}
			assert.NotContains(t, told.Error(), s.Callback.Query().Get("code"))
		})
	}
}

// The client hangs up during the exchange, as anybody can.
func TestAClientThatLeavesDuringTheExchangeIsNoWarning(t *testing.T) {
	a := NewApp(t, AppOptions{})
	s := a.Begin("/login")
	a.Fake.InjectFault(authkittest.RouteCodeExchange, authkittest.Fault{Hang: true})
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Target(), nil)
	require.NoError(t, err)
	r.Header = Navigation()
	r.Header.Set("Cookie", s.Cookie)
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Handler().ServeHTTP(discarded{http.Header{}}, r)
	}()
	a.Fake.AwaitCalls(t, authkittest.RouteCodeExchange, 1)
	leave()
	<-done
	assert.Contains(t, a.Logs.String(), "request refused")
	assert.False(t, a.warned(), a.Logs.String())
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
			a := NewApp(t, AppOptions{})
			neighbour := NewInstance(t, a.Fake, a.Clock, AppOptions{AuthKit: opts})
			j := NewCookieJar(t)
			state := a.Starts(j, "/login?return_to=/account%3Fa%3Db", Navigation())
			for range 20 {
				j.take(neighbour.Send(Request{Target: "/login?return_to=/" + strings.Repeat("n", 900), Cookie: j.Header(), Header: from("same-site")}))
			}
			assert.Equal(t, "/account?a=b", a.WayBack(j, state))
		})
	}
}

func TestTheCookiesOfASignInAreNamedAfterTheClientAndTheSessionCookie(t *testing.T) {
	names := func(opts ...authkit.Option) (names []string) {
		a := NewApp(t, AppOptions{AuthKit: opts, Routes: func(a *App, mux *http.ServeMux) {
			mux.HandleFunc("/step", func(w http.ResponseWriter, _ *http.Request) { require.NoError(t, a.SaveStep(w, "x")) })
		}})
		for _, target := range []string{"/step", "/callback?code=x"} {
			for name := range a.Send(Request{Target: target, Header: Navigation()}).SetCookies(t) {
				if !strings.Contains(name, "authkit-state-") {
					names = append(names, name)
				}
			}
		}
		require.Len(t, names, 2)
		assert.Regexp(t, `^authkit-step-[A-Za-z0-9_-]{8}$`, names[0])
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
	a := NewApp(t, AppOptions{})
	s := a.Begin("/login")
	name, value, _ := strings.Cut(s.Cookie, "=")
	for _, cookie := range []string{name + "=x", name + "=", name + "=" + flip(value), name + "x=" + value, name + "=" + strings.Repeat("x", 4000)} {
		assert.NotContains(t, a.Send(Request{Target: "/login", Cookie: cookie, Header: Navigation()}).SetCookies(t), name)
		refused := a.Send(Request{Target: s.Target(), Cookie: cookie, Header: Navigation()})
		assert.Equal(t, http.StatusBadRequest, refused.Status)
		assert.Empty(t, refused.SetCookies(t))
	}
	for _, cookie := range []string{name + "=x; " + s.Cookie, s.Cookie + "; " + name + "=x"} {
		assert.True(t, a.isUnderWay(&CookieJar{t: t, names: []string{"a"}, values: map[string]string{"a": "b; " + cookie}}, s.Callback.Query().Get("state")),
			"junk beside a good cookie changes nothing")
	}
}

// A8. nginx answers 400 to a Cookie header of 8 KB, to everything and for as long as the cookies live.
func TestThePendingSignInsOfOneBrowserStayBelowFourKilobytes(t *testing.T) {
	for _, size := range []int{0, 1, 100, 400, 900, 1020} {
		t.Run(fmt.Sprint(size, " bytes of query"), func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			j := NewCookieJar(t)
			newest := ""
			for i := range 20 {
				newest = a.Starts(j, "/login?return_to=/"+fmt.Sprint(i)+"?"+strings.Repeat("a", size)[:max(0, size-4)], Navigation())
				assert.Less(t, len(j.Header()), 4096)
				a.Clock.Advance(time.Second)
			}
			assert.Greater(t, len(j.states()), 5, "they are made smaller before they are dropped")
			assert.Equal(t, "/19?"+strings.Repeat("a", size)[:max(0, size-4)], a.WayBack(j, newest), "the newest is whole")
		})
	}
}

func TestAnOlderSignInLosesItsQueryThenItsPathAndThenItself(t *testing.T) {
	a := NewApp(t, AppOptions{})
	j := NewCookieJar(t)
	oldest := a.Starts(j, "/login?return_to="+url.QueryEscape("/old/page?"+strings.Repeat("q", 200)), Navigation())
	copied := func() *CookieJar { return &CookieJar{t, slices.Clone(j.names), maps.Clone(j.values)} }
	var seen []string
	for i := 0; i < 40 && a.isUnderWay(j, oldest); i++ {
		// Another process looks, so that the state is not used up in this one.
		page := NewInstance(t, a.Fake, a.Clock, AppOptions{}).WayBack(copied(), oldest)
		if len(seen) == 0 || seen[len(seen)-1] != page {
			seen = append(seen, page)
		}
		a.Clock.Advance(time.Second)
		a.Starts(j, "/login?return_to=/"+strings.Repeat("n", 150), Navigation())
	}
	assert.Equal(t, []string{"/old/page?" + strings.Repeat("q", 200), "/old/page", "/"}, seen)
	assert.False(t, a.isUnderWay(j, oldest))
}

func TestASignInThatWasMadeSmallerStillFinishes(t *testing.T) {
	a := NewApp(t, AppOptions{})
	s := a.Begin("/login?return_to=" + url.QueryEscape("/account?"+strings.Repeat("q", 900)))
	j := NewCookieJar(t)
	name, value, _ := strings.Cut(s.Cookie, "=")
	j.names, j.values[name] = []string{name}, value
	a.Clock.Advance(9 * time.Minute)
	for range 2 {
		a.Starts(j, "/login?return_to=/"+strings.Repeat("n", 700), Navigation())
	}
	require.NotEqual(t, value, j.values[name], "it was sealed anew")
	resp := a.Send(Request{Target: s.Target(), Cookie: j.Header(), Header: Navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.Status)
	assert.Equal(t, "/account", resp.Header.Get("Location"))
	resp.NewCookie(t)
}

func TestASealedAgainSignInLivesNoLongerThanBefore(t *testing.T) {
	a := NewApp(t, AppOptions{})
	first := a.Send(Request{Target: "/login?return_to=/a%3F" + strings.Repeat("q", 1000), Header: Navigation()})
	j := NewCookieJar(t)
	j.take(first)
	name := j.names[0]
	lives := first.SetCookies(t)[name].MaxAge
	a.Clock.Advance(5 * time.Minute)
	second := a.Send(Request{Target: "/login?return_to=/" + strings.Repeat("n", 1000), Cookie: j.Header(), Header: Navigation()})
	j.take(second)
	a.Clock.Advance(5 * time.Minute)
	third := a.Send(Request{Target: "/login?return_to=/" + strings.Repeat("n", 1000), Cookie: j.Header(), Header: Navigation()})
	again := second.SetCookies(t)[name]
	if again == nil {
		lives -= 5 * 60
		again = third.SetCookies(t)[name]
	}
	require.NotNil(t, again)
	assert.Equal(t, lives-5*60, again.MaxAge)
}

func TestASignInWhoseOwnDataFillACookieFails(t *testing.T) {
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		for _, size := range []int{1000, 1900, 2300} {
			mux.Handle(fmt.Sprint("/", size), a.Login(authkit.LoginParams{AppState: strings.Repeat("s", size)}))
		}
	}})
	long := "?return_to=/account%3F" + strings.Repeat("q", 900)
	for size, want := range map[int]string{1000: "/account?" + strings.Repeat("q", 900), 1900: "/account"} {
		j := NewCookieJar(t)
		state := a.Starts(j, fmt.Sprint("/", size, long), Navigation())
		assert.Less(t, len(j.Header()), 4096)
		assert.Equal(t, want, a.WayBack(j, state), "%d bytes: the page makes room for them", size)
	}
	resp := a.Send(Request{Target: "/2300" + long, Header: Navigation()})
	assert.Equal(t, http.StatusBadRequest, resp.Status)
	assert.Empty(t, resp.SetCookies(t))
	assert.Contains(t, a.Logs.String(), "bytes of a cookie that holds 4096")
	assert.NotContains(t, a.Logs.String(), "sss")
}

func TestSignInCookiesThatCameTwiceCountTwice(t *testing.T) {
	a := NewApp(t, AppOptions{})
	old := a.Begin("/login?return_to=/" + strings.Repeat("a", 900))
	name, _, _ := strings.Cut(old.Cookie, "=")
	once := a.Send(Request{Target: "/login?return_to=/" + strings.Repeat("b", 500), Cookie: old.Cookie, Header: Navigation()})
	assert.NotContains(t, once.SetCookies(t), name, "both fit")
	twice := a.Send(Request{Target: "/login?return_to=/" + strings.Repeat("b", 500), Cookie: old.Cookie + "; " + old.Cookie, Header: Navigation()})
	assert.Contains(t, twice.SetCookies(t), name, "the old one was made smaller: it came twice")
}

func TestSignInCookiesThatNoResponseCanTakeAwayKeepNobodyFromSigningIn(t *testing.T) {
	a := NewApp(t, AppOptions{})
	resp := a.Send(Request{Target: "/login?return_to=/" + strings.Repeat("a", 900), Header: from("cross-site")})
	twice := strings.Repeat(resp.stateCookie(t)+"; ", 4) // of other domains or paths
	for _, site := range []string{"same-origin", "cross-site"} {
		assert.Equal(t, http.StatusSeeOther, a.Send(Request{Target: "/login", Cookie: twice, Header: from(site)}).Status, site)
	}
}

func TestACopyOfASignInUnderAnotherNameCountsForNothing(t *testing.T) {
	a := NewApp(t, AppOptions{})
	j := NewCookieJar(t)
	state := a.Starts(j, "/login?return_to=/account%3F"+strings.Repeat("q", 900), Navigation())
	name := j.names[0]
	copies := j.Header()
	for i := range 8 {
		copies += fmt.Sprint("; ", name, i, "=", j.values[name])
	}
	resp := a.Send(Request{Target: "/login", Cookie: copies, Header: Navigation()})
	assert.Len(t, resp.SetCookies(t), 1, "neither the copies nor the sign-in itself")
	assert.Equal(t, "/account?"+strings.Repeat("q", 900), a.WayBack(j, state))
}

func TestASignInThatIsLongOverGoesWithTheNextOne(t *testing.T) {
	a := NewApp(t, AppOptions{})
	j := NewCookieJar(t)
	a.Starts(j, "/login", Navigation())
	a.Clock.Advance(25*time.Hour - time.Second)
	resp := a.Send(Request{Target: "/login", Cookie: j.Header(), Header: Navigation()})
	assert.Len(t, resp.SetCookies(t), 1)
	a.Clock.Advance(time.Second) // a browser that keeps a cookie beyond its Max-Age
	resp = a.Send(Request{Target: "/login", Cookie: j.Header(), Header: Navigation()})
	require.NotNil(t, resp.SetCookies(t)[j.names[0]])
	assert.Negative(t, resp.SetCookies(t)[j.names[0]].MaxAge)
}

// A9. Another site's page navigates the browser as often as it likes.
func TestAnotherSitesNavigationsPushOutNoSignInOfThisSite(t *testing.T) {
	for _, site := range []string{"cross-site", "same-site"} {
		for _, start := range []string{"/login?return_to=/", "/deep/"} {
			t.Run(site+" to "+start, func(t *testing.T) {
				a := NewApp(t, AppOptions{})
				j := NewCookieJar(t)
				page := "/account?" + strings.Repeat("q", 700)
				own := a.Starts(j, "/login?return_to="+url.QueryEscape(page), from("same-origin"))
				typed := a.Starts(j, "/login?return_to=/account", from("none"))
				for i := range 30 {
					a.Clock.Advance(time.Second)
					a.Starts(j, start+fmt.Sprint("x", i, strings.Repeat("n", 800)), from(site))
					assert.Less(t, len(j.Header()), 4096)
				}
				assert.Equal(t, page, a.WayBack(j, own), "not even its query")
				assert.Equal(t, "/account", a.WayBack(j, typed))
			})
		}
	}
}

func TestWhereOnlyThisSitesSignInsAreLeftAnotherSiteStartsNone(t *testing.T) {
	a := NewApp(t, AppOptions{})
	j := NewCookieJar(t)
	var own []string
	for range 30 {
		own = append(own, a.Starts(j, "/login", from("same-origin")))
		a.Clock.Advance(time.Second)
	}
	kept := slices.DeleteFunc(own, func(state string) bool { return !a.isUnderWay(j, state) })
	require.Greater(t, len(kept), 5)
	resp := a.Send(Request{Target: "/account?x=1", Cookie: j.Header(), Header: from("cross-site")})
	assert.Equal(t, http.StatusForbidden, resp.Status)
	assert.Contains(t, resp.Body, `href="/login?return_to=%2Faccount%3Fx%3D1"`, "a click on our own page starts one")
	assert.Empty(t, resp.SetCookies(t))
	for _, state := range kept {
		assert.True(t, a.isUnderWay(j, state))
	}
	a.Starts(j, "/login?return_to=/account", from("same-origin"))
	assert.False(t, a.isUnderWay(j, kept[0]), "the oldest makes room for one of this site's")
}

// A9. Abandoned sign-ins that can no longer be finished, and a link in a mail.
func TestSignInsThatAreOverKeepNoNewOneOut(t *testing.T) {
	a := NewApp(t, AppOptions{})
	j := NewCookieJar(t)
	for range 13 {
		a.Starts(j, "/login", from("same-origin"))
	}
	link := Request{Target: "/account", Cookie: j.Header(), Header: from("cross-site")}
	a.Clock.Advance(time.Hour - time.Second)
	assert.Equal(t, http.StatusForbidden, a.Send(link).Status, "they could still be finished")
	for _, d := range []time.Duration{time.Second, 20 * time.Hour} {
		a.Clock.Advance(d)
		resp := a.Send(link)
		assert.Equal(t, http.StatusSeeOther, resp.Status)
		assert.Less(t, len(resp.SetCookies(t)), 5, "no more of them go than must")
	}
	resp := a.Send(Request{Target: "/callback?code=x", Cookie: j.Header(), Header: from("cross-site")})
	assert.Equal(t, http.StatusSeeOther, resp.Status, "a code without a state")
}

func TestASignInThatIsOverGoesBeforeAPageOfOneThatIsNot(t *testing.T) {
	for _, site := range []string{"same-origin", "cross-site"} {
		t.Run(site, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			j := NewCookieJar(t)
			for range 5 {
				a.Starts(j, "/login", from("same-origin"))
			}
			over := j.states()
			a.Clock.Advance(time.Minute)
			page := "/account?" + strings.Repeat("q", 500)
			living := a.Starts(j, "/login?return_to="+url.QueryEscape(page), from("cross-site"))
			a.Clock.Advance(time.Hour - time.Minute)
			a.Starts(j, "/deep/?"+strings.Repeat("q", 700), from(site))
			assert.Less(t, len(j.Header()), 4096)
			assert.Less(t, len(j.states()), len(over)+2)
			assert.Equal(t, page, a.WayBack(j, living))
		})
	}
}

// Of a cookie that a sibling domain has planted in several forms, no response takes all away.
func TestPlantedSignInsThatAreOverKeepNoNewOneOut(t *testing.T) {
	a := NewApp(t, AppOptions{})
	planted := a.Begin("/login?return_to=/" + strings.Repeat("p", 900)).Cookie
	a.Clock.Advance(time.Hour - time.Second)
	own := a.Begin("/login").Cookie
	cookie := own + strings.Repeat("; "+planted, 4)
	resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: from("cross-site")})
	assert.Equal(t, http.StatusForbidden, resp.Status, "they could still be finished")
	a.Clock.Advance(time.Second)
	resp = a.Send(Request{Target: "/account", Cookie: cookie, Header: from("cross-site")})
	assert.Equal(t, http.StatusSeeOther, resp.Status)
}

func TestAFloodOfStateCookiesIsLookedAtInBoundedNumber(t *testing.T) {
	a := NewApp(t, AppOptions{})
	var planted []string
	for range 60 {
		planted = append(planted, a.Begin("/login").Cookie)
	}
	resp := a.Send(Request{Target: "/login", Cookie: strings.Join(planted, "; "), Header: Navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.Status)
	assert.LessOrEqual(t, len(resp.SetCookies(t)), 32+1)
	assert.Greater(t, len(resp.SetCookies(t)), 16, "they are cleared away in steps")
}

// A9. What is fetched ahead is for nobody to see yet.
func TestWhatIsFetchedAheadSpendsNothing(t *testing.T) {
	for _, purpose := range []http.Header{
		{"Sec-Purpose": {"prefetch"}}, {"Sec-Purpose": {"prefetch;prerender"}}, {"Sec-Purpose": {"prefetch;anonymous-client-ip"}},
		{"Sec-Purpose": {"Prefetch"}}, {"Purpose": {"prefetch"}}, {"X-Moz": {"prefetch"}}, {"Purpose": {"x", "prefetch"}},
		{"Sec-Purpose": {""}, "X-Moz": {"prefetch"}},
	} {
		t.Run(fmt.Sprint(purpose), func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			s := a.Begin("/login")
			header := Navigation()
			for name, values := range purpose {
				header[name] = values
			}
			for target, status := range map[string]int{
				"/login": 403, "/login?return_to=/account": 403, s.Target(): 403, "/callback?code=x": 403, "/callback?error=x": 403,
				s.With("code", "") + "&error=access_denied": 403, "/account": 401, "/deep/x": 401,
			} {
				resp := a.Send(Request{Target: target, Cookie: s.Cookie, Header: header})
				assert.Equal(t, status, resp.Status, target)
				assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"), target)
				assert.Empty(t, resp.Header["Set-Cookie"], target)
				assert.Empty(t, resp.Header["Location"], target)
			}
			assert.Zero(t, a.Fake.Calls(authkittest.RouteAuthenticate))
			assert.False(t, a.warned())
			assert.Equal(t, http.StatusSeeOther, a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()}).Status)
		})
	}
}

// An image of a sibling's page may set cookies here, Lax ones too.
func TestAnImageOfAnotherOriginsPageReachesNoCallback(t *testing.T) {
	a := NewApp(t, AppOptions{})
	s := a.Begin("/login")
	for _, target := range []string{"/callback?code=x", s.Target()} {
		resp := a.Send(Request{Target: target, Cookie: s.Cookie, Header: http.Header{
			"Sec-Fetch-Site": {"same-site"}, "Sec-Fetch-Mode": {"no-cors"}, "Sec-Fetch-Dest": {"image"},
		}})
		assert.Equal(t, http.StatusForbidden, resp.Status)
		assert.Empty(t, resp.Header["Set-Cookie"])
	}
	assert.Zero(t, a.Fake.Calls(authkittest.RouteAuthenticate))
}

func TestAnotherOriginsFrameStartsNoSignIn(t *testing.T) {
	framed := func(site, dest string) http.Header {
		return http.Header{"Sec-Fetch-Site": {site}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {dest}, "Accept": {"text/html"}}
	}
	a := NewApp(t, AppOptions{})
	for _, dest := range []string{"iframe", "frame", "object", "embed", "fencedframe"} {
		for _, target := range []string{"/login", "/login?state=x&return_to=/" + strings.Repeat("a", 900), "/callback?code=x"} {
			for _, site := range []string{"same-site", "cross-site"} {
				resp := a.Send(Request{Target: target, Header: framed(site, dest)})
				assert.Equal(t, http.StatusForbidden, resp.Status, "%s %s %.20s", site, dest, target)
				assert.Empty(t, resp.Header["Set-Cookie"])
				assert.Empty(t, resp.Header["Location"])
			}
		}
		resp := a.Send(Request{Target: "/login", Header: framed("same-origin", dest)})
		assert.Equal(t, http.StatusSeeOther, resp.Status, "a frame of this site's own page: %s", dest)
	}
	s := a.Begin("/login")
	resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: framed("cross-site", "iframe")})
	assert.Equal(t, http.StatusSeeOther, resp.Status, "AuthKit leads a sign-in that this site's own frame began back")
	assert.Equal(t, http.StatusSeeOther, a.Send(Request{Target: "/login", Header: from("cross-site")}).Status, "a link")
	assert.False(t, a.warned(), a.Logs.String())
}

// B3. The page is loaded again, its tab is duplicated or restored, its state was pushed out.
func TestACallbackWithABadStateLeadsOnWhereSomebodyIsSignedIn(t *testing.T) {
	a := NewApp(t, AppOptions{})
	session := a.SignedIn(Kim).CookieHeader()
	s := a.Begin("/login?return_to=/account%3Fa%3Db")
	require.Equal(t, http.StatusSeeOther, a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()}).Status)
	before := a.Fake.Calls(authkittest.RouteAuthenticate)
	name, value, _ := strings.Cut(s.Cookie, "=")
	for what, c := range map[string]struct{ target, cookie, want string }{
		"replayed":                                 {s.Target(), "", "/"},
		"replayed, and the cookie came back":       {s.Target(), s.Cookie, "/account?a=b"},
		"replayed with another code":               {s.With("code", "x"), s.Cookie, "/account?a=b"},
		"replayed as an error":                     {s.With("code", "") + "&error=access_denied", s.Cookie, "/account?a=b"},
		"made up":                                  {s.With("state", "made-up"), s.Cookie, "/"},
		"unknown, and an error":                    {"/callback?error=x&state=y", "", "/"},
		"another one's cookie":                     {s.With("state", "made-up"), name + "=" + value, "/"},
		"a cookie that does not open":              {s.Target(), name + "=x", "/"},
		"an attacker's own code, forced on people": {a.Begin("/login?return_to=/evil").Target(), "", "/"},
	} {
		t.Run(what, func(t *testing.T) {
			resp := a.Send(Request{Target: c.target, Cookie: session + "; " + c.cookie, Header: from("cross-site")})
			assert.Equal(t, http.StatusSeeOther, resp.Status, resp.Body)
			assert.Equal(t, c.want, resp.Header.Get("Location"))
			assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
			for set, cookie := range resp.SetCookies(t) {
				assert.Equal(t, name, set)
				assert.Negative(t, cookie.MaxAge)
			}
			for who, cookie := range map[string]string{"nobody": "", "a made-up session": "authkit-session=x"} {
				resp := a.Send(Request{Target: c.target, Cookie: cookie + "; " + c.cookie, Header: Navigation()})
				assert.Equal(t, http.StatusBadRequest, resp.Status, who)
				assert.Contains(t, resp.Body, `href="/login`, who)
			}
		})
	}
	assert.Equal(t, before, a.Fake.Calls(authkittest.RouteAuthenticate), "no exchange")
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: session}).Body, Kim, "and the session is as it was")
}

func TestOnlyASessionThatIsGoodLeadsACallbackOn(t *testing.T) {
	for name, c := range map[string]struct {
		opts   []authkit.Option
		change func(a *App, session string)
		status int
	}{
		"one whose token has expired, which is refreshed next": {change: func(a *App, _ string) { a.ExpireToken(time.Hour) }, status: 303},
		"one that was signed out": {change: func(a *App, session string) {
			a.Send(Request{Method: "POST", Target: "/logout", Cookie: session})
		}, status: 400},
		"one beyond its limit": {
			opts: []authkit.Option{authkit.WithAbsoluteTimeout(time.Minute)}, status: 400,
			change: func(a *App, _ string) { a.Clock.Advance(time.Minute) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{AuthKit: c.opts})
			session := a.SignedIn(Kim).CookieHeader()
			c.change(a, session)
			before := a.Fake.Calls(authkittest.RouteAuthenticate)
			resp := a.Send(Request{Target: "/callback?code=x&state=y", Cookie: session, Header: Navigation()})
			assert.Equal(t, c.status, resp.Status)
			assert.Equal(t, before, a.Fake.Calls(authkittest.RouteAuthenticate))
		})
	}
}

func TestAGarbledCallbackLeadsNobodyOn(t *testing.T) {
	a := NewApp(t, AppOptions{})
	session := a.SignedIn(Kim).CookieHeader()
	for _, target := range []string{"/callback", "/callback?state=a&state=b", "/callback?code=a&code=b&state=c"} {
		assert.Equal(t, http.StatusBadRequest, a.Send(Request{Target: target, Cookie: session, Header: Navigation()}).Status, target)
	}
}

func TestAStrictSessionIsLedOnFromAPageOfThisSite(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithCookieSameSite(http.SameSiteStrictMode)}})
	session := a.SignedIn(Kim).CookieHeader()
	resp := a.Send(Request{Target: "/callback?code=x&state=y", Cookie: session, Header: from("same-origin")})
	assert.Equal(t, http.StatusOK, resp.Status)
	assert.Contains(t, resp.Body, `http-equiv="refresh"`)
}

// A20: the marker of a callback without a state.
func TestTheMarkerOfAFreshStartEndsWithTheSignInAndWithThePage(t *testing.T) {
	a := NewApp(t, AppOptions{})
	j := NewCookieJar(t)
	state := a.Starts(j, "/callback?code=stray", Navigation())
	marker := slices.DeleteFunc(slices.Clone(j.names), func(name string) bool { return !strings.HasPrefix(name, "authkit-restart") })
	require.Len(t, marker, 1)

	refused := a.Send(Request{Target: "/callback?code=stray", Cookie: j.Header(), Header: Navigation()})
	assert.Equal(t, http.StatusBadRequest, refused.Status)
	require.NotNil(t, refused.SetCookies(t)[marker[0]])
	assert.Negative(t, refused.SetCookies(t)[marker[0]].MaxAge, "the next one may start again")

	s := a.Begin("/login")
	finished := a.Send(Request{Target: s.Target(), Cookie: j.Header() + "; " + s.Cookie, Header: Navigation()})
	require.Equal(t, http.StatusSeeOther, finished.Status)
	require.NotNil(t, finished.SetCookies(t)[marker[0]], "a sign-in that completes ends the marker")
	assert.Negative(t, finished.SetCookies(t)[marker[0]].MaxAge)
	assert.Equal(t, "/", a.WayBack(j, state), "and no other sign-in")
}

// A20: a step that was saved by a clock ahead of this one's.
func TestAStepFromTheFutureIsLoadedWithinSkewOnly(t *testing.T) {
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.HandleFunc("POST /step", func(w http.ResponseWriter, _ *http.Request) { require.NoError(t, a.SaveStep(w, "kept")) })
		mux.HandleFunc("GET /step", func(w http.ResponseWriter, r *http.Request) {
			var v string
			require.NoError(t, json.NewEncoder(w).Encode(a.LoadStep(r, &v) == nil))
		})
	}})
	j := NewCookieJar(t)
	j.take(a.Send(Request{Method: "POST", Target: "/step"}))
	for ahead, want := range map[time.Duration]string{0: "true", time.Minute: "true", time.Minute + time.Second: "false", time.Hour: "false"} {
		a.Clock.Set(Start.Add(-ahead))
		assert.Equal(t, want+"\n", a.Send(Request{Target: "/step", Cookie: j.Header()}).Body, ahead)
		assert.Equal(t, want+"\n", a.Send(Request{Target: "/step", Cookie: j.names[0] + "=x; " + j.Header()}).Body, "junk beside it changes nothing")
	}
}

// A callback that is loaded again leads on whoever is signed in, though the session is stale or cannot be decided on.
func TestAPersonWhoseKeyWasWithdrawnIsLedOnFromACallback(t *testing.T) {
	changed := make(keyChanges, 8)
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{changed.option()}})
	session := a.SignedIn(Kim).CookieHeader()
	a.Clock.Advance(time.Minute)
	a.Fake.RotateSigningKeys()
	changed.await(a)
	resp := a.Send(Request{Target: "/callback?code=x&state=y", Cookie: session, Header: Navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.Status, "the token is stale, not bad")
	page := a.Send(Request{Target: "/account", Cookie: session, Header: Navigation()})
	assert.Equal(t, http.StatusOK, page.Status, "and the page itself takes the session")
}

func TestAPersonIsLedOnFromACallbackDuringAKeyOutage(t *testing.T) {
	a := NewApp(t, AppOptions{})
	session := a.SignedIn(Kim).CookieHeader()
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	fresh := NewInstance(t, a.Fake, a.Clock, AppOptions{})
	resp := fresh.Send(Request{Target: "/callback?code=x&state=y", Cookie: session, Header: Navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.Status)
}

// A4.
func TestAnInvitationTokenOfTheQueryCausesNoFailureOfTheServer(t *testing.T) {
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/invited", a.LoginFunc(func(r *http.Request) authkit.LoginParams {
			return authkit.LoginParams{InvitationToken: r.URL.Query().Get("invitation_token")}
		}))
	}})
	resp := a.Send(Request{Target: "/invited?invitation_token=" + strings.Repeat("i", 3000), Header: from("cross-site")})
	assert.Less(t, resp.Status, 500, "what a query can cause is never 5xx")
	assert.False(t, a.warned(), a.Logs.String())
}
