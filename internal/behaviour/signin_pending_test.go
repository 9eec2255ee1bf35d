// The pending sign-ins of one browser: their state cookies, the size limit, and which of them is evicted first.

package behaviour

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math/rand/v2"
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
	"github.com/authkit-go/authkit/internal/testrun"
)

// isPending reports whether a browser with the cookies of a jar could still finish a sign-in. It consumes nothing, because
// the callback cannot fetch signing keys.
func (a *App) isPending(j *CookieJar, state string) bool {
	a.T.Helper()
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	defer a.Fake.ClearFault(authkittest.RouteJWKS)
	resp := a.Send(Request{Target: "/callback?code=x&state=" + state, Cookie: j.Header(), Header: Navigation()})
	require.Contains(a.T, []int{http.StatusServiceUnavailable, http.StatusBadRequest}, resp.Status)
	return resp.Status == http.StatusServiceUnavailable
}

// The ports of one host share their cookies, and so do the hosts below one Domain. Applications on them must not
// expire or evict each other's state cookies.
func TestApplicationsOnOneHostKeepEachOthersPendingSignIns(t *testing.T) {
	for name, opts := range map[string][]authkit.Option{
		"another password":         {authkit.WithCookiePassword(strings.Repeat("another-", 5))},
		"another client ID":        {authkit.WithClientID("client_other")},
		"another cookie name":      {authkit.WithCookieName("sid")},
		"all three":                {authkit.WithCookiePassword(strings.Repeat("another-", 5)), authkit.WithClientID("client_other"), authkit.WithCookieName("sid")},
		"no difference: a replica": nil,
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			neighbour := NewInstance(t, a.Fake, a.Clock, AppOptions{AuthKit: opts})
			j := NewCookieJar(t)
			state := a.StartSignInWithJar(j, "/login?return_to=/account%3Fa%3Db", Navigation())
			for range testrun.Length(8, 20) {
				j.store(neighbour.Send(Request{Target: "/login?return_to=/" + filler(900), Cookie: j.Header(), Header: navigationFrom("same-site")}))
			}
			assert.Equal(t, "/account?a=b", a.CancelSignIn(j, state))
		})
	}
}

func TestSignInCookieNamesDependOnTheClientIDAndTheSessionCookieName(t *testing.T) {
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
	before := names(authkit.WithClientID("client_a"))
	assert.Equal(t, before, names(authkit.WithClientID("client_a"), authkit.WithCookiePassword(strings.Repeat("rotated-", 5))), "a new cookie password keeps the names")
	for _, other := range [][]string{
		names(authkit.WithClientID("client_b")),
		names(authkit.WithClientID("client_a"), authkit.WithCookieName("sid")),
		names(authkit.WithClientID("client_a"), authkit.WithSharedSession()),
	} {
		assert.NotEqual(t, before[0], other[0])
		assert.NotEqual(t, before[1], other[1])
	}
}

func TestAStateCookieThatDoesNotOpenIsNotExpired(t *testing.T) {
	a := NewApp(t, AppOptions{})
	s := a.StartSignIn("/login")
	name, value, _ := strings.Cut(s.Cookie, "=")
	for _, cookie := range []string{name + "=x", name + "=", name + "=" + flip(value), name + "x=" + value, name + "=" + strings.Repeat("x", 4000)} {
		assert.NotContains(t, a.Send(Request{Target: "/login", Cookie: cookie, Header: Navigation()}).SetCookies(t), name)
		refused := a.Send(Request{Target: s.Target(), Cookie: cookie, Header: Navigation()})
		assert.Equal(t, http.StatusBadRequest, refused.Status)
		assert.Empty(t, refused.SetCookies(t))
	}
	for _, cookie := range []string{name + "=x; " + s.Cookie, s.Cookie + "; " + name + "=x"} {
		assert.True(t, a.isPending(&CookieJar{t: t, names: []string{"a"}, values: map[string]string{"a": "b; " + cookie}}, s.Callback.Query().Get("state")),
			"junk beside a valid cookie changes nothing")
	}
}

// filler returns n bytes that do not get much shorter by compression.
func filler(n int) string {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(b)
	return base64.RawURLEncoding.EncodeToString(b)[:n]
}

// nginx answers 400 to every request with a Cookie header of more than 8 KB, until the cookies expire.
func TestThePendingSignInsOfOneBrowserTakeLessThan4KB(t *testing.T) {
	for _, size := range []int{0, 1, 100, 400, 900, 1020} {
		t.Run(fmt.Sprint(size, " bytes of query"), func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			j := NewCookieJar(t)
			newest := ""
			for i := range 20 {
				newest = a.StartSignInWithJar(j, "/login?return_to=/"+fmt.Sprint(i)+"?"+filler(max(0, size-4)), Navigation())
				assert.Less(t, len(j.Header()), 4096)
				a.Clock.Advance(time.Second)
			}
			assert.Greater(t, len(j.states()), 5, "return paths are shortened before a sign-in is evicted")
			assert.Equal(t, "/19?"+filler(max(0, size-4)), a.CancelSignIn(j, newest), "the newest return path is complete")
		})
	}
}

// nginx answers 502 to a response whose header takes more than 4 KB (proxy_buffer_size).
func TestTheCookiesOfALongReturnPathFitIntoTheBufferOfAProxy(t *testing.T) {
	a := NewApp(t, AppOptions{})
	for _, path := range []string{"/" + filler(2047), "/account?" + filler(2039), "/account?" + strings.Repeat("utm_source=mail&", 120)} {
		j := NewCookieJar(t)
		for i := range 20 {
			resp := a.Send(Request{Target: "/login?return_to=" + url.QueryEscape(path), Cookie: j.Header(), Header: Navigation()})
			require.Equal(t, http.StatusSeeOther, resp.Status)
			assert.LessOrEqual(t, len(strings.Join(resp.Header["Set-Cookie"], "")), 3300)
			j.store(resp)
			assert.Less(t, len(j.Header()), 4096)
			if i == 0 {
				location, err := resp.Location()
				require.NoError(t, err)
				assert.Equal(t, path, NewInstance(t, a.Fake, a.Clock, AppOptions{}).CancelSignIn(&CookieJar{t, slices.Clone(j.names), maps.Clone(j.values)},
					location.Query().Get("state")), "the path of the only pending sign-in is complete")
			}
			a.Clock.Advance(time.Second)
		}
	}
}

// The response expires cookies of older sign-ins beside a path that cannot be compressed.
func TestALongReturnPathIsShortenedIfTheResponseWouldNotFitIntoTheBufferOfAProxy(t *testing.T) {
	random := make([]byte, 2000)
	_, _ = rand.NewChaCha8([32]byte{}).Read(random) // it always returns nil
	for i := range random {
		random[i] |= 0x80
	}
	for path, want := range map[string]string{"/account?" + string(random): "/account", "/" + string(random): "/"} {
		a := NewApp(t, AppOptions{})
		j := NewCookieJar(t)
		for i := range 9 {
			j.store(a.Send(Request{Target: fmt.Sprintf("/login?return_to=/%d", i), Cookie: j.Header(), Header: Navigation()}))
			a.Clock.Advance(time.Second)
		}
		resp := a.Send(Request{Target: "/login?return_to=" + url.QueryEscape(path), Cookie: j.Header(), Header: Navigation()})
		require.Equal(t, http.StatusSeeOther, resp.Status)
		assert.LessOrEqual(t, len(strings.Join(resp.Header["Set-Cookie"], "")), 3300)
		j.store(resp)
		location, err := resp.Location()
		require.NoError(t, err)
		assert.Equal(t, want, a.CancelSignIn(j, location.Query().Get("state")))
	}
}

func TestAnOldPendingSignInLosesItsQueryThenItsPathThenItsCookie(t *testing.T) {
	a := NewApp(t, AppOptions{})
	j := NewCookieJar(t)
	old := "/old/" + filler(80)
	oldest := a.StartSignInWithJar(j, "/login?return_to="+url.QueryEscape(old+"?"+filler(200)), Navigation())
	cloned := func() *CookieJar { return &CookieJar{t, slices.Clone(j.names), maps.Clone(j.values)} }
	var returnPaths []string
	for i := 0; i < 40 && a.isPending(j, oldest); i++ {
		// Another process receives the callback, so that this one does not consume the state.
		page := NewInstance(t, a.Fake, a.Clock, AppOptions{}).CancelSignIn(cloned(), oldest)
		if len(returnPaths) == 0 || returnPaths[len(returnPaths)-1] != page {
			returnPaths = append(returnPaths, page)
		}
		a.Clock.Advance(time.Second)
		a.StartSignInWithJar(j, "/login?return_to=/"+filler(150), Navigation())
	}
	assert.Equal(t, []string{old + "?" + filler(200), old, "/"}, returnPaths)
	assert.False(t, a.isPending(j, oldest))
}

func TestAPendingSignInWithoutItsQueryCanStillFinish(t *testing.T) {
	a := NewApp(t, AppOptions{})
	s := a.StartSignIn("/login?return_to=" + url.QueryEscape("/account?"+filler(900)))
	j := NewCookieJar(t)
	name, value, _ := strings.Cut(s.Cookie, "=")
	j.names, j.values[name] = []string{name}, value
	a.Clock.Advance(9 * time.Minute)
	for range 3 {
		a.StartSignInWithJar(j, "/login?return_to=/"+filler(750), Navigation())
	}
	require.NotEqual(t, value, j.values[name], "the state cookie was sealed again")
	resp := a.Send(Request{Target: s.Target(), Cookie: j.Header(), Header: Navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.Status)
	assert.Equal(t, "/account", resp.Header.Get("Location"))
	resp.NewCookie(t)
}

func TestShorteningAPendingSignInDoesNotExtendItsLifetime(t *testing.T) {
	a := NewApp(t, AppOptions{})
	first := a.Send(Request{Target: "/login?return_to=/a%3F" + filler(1200), Header: Navigation()})
	j := NewCookieJar(t)
	j.store(first)
	name := j.names[0]
	maxAge := first.SetCookies(t)[name].MaxAge
	a.Clock.Advance(5 * time.Minute)
	second := a.Send(Request{Target: "/login?return_to=/" + filler(1200), Cookie: j.Header(), Header: Navigation()})
	j.store(second)
	a.Clock.Advance(5 * time.Minute)
	third := a.Send(Request{Target: "/login?return_to=/" + filler(1200), Cookie: j.Header(), Header: Navigation()})
	resealed := second.SetCookies(t)[name]
	if resealed == nil {
		maxAge -= 5 * 60
		resealed = third.SetCookies(t)[name]
	}
	require.NotNil(t, resealed)
	assert.Equal(t, maxAge-5*60, resealed.MaxAge)
}

func TestASignInWhoseAppStateFillsTheCookieFails(t *testing.T) {
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		for _, size := range []int{1000, 2500, 3000} {
			mux.Handle(fmt.Sprint("/", size), a.Login(authkit.LoginParams{AppState: filler(size)}))
		}
	}})
	long := "?return_to=/account%3F" + filler(700)
	for size, want := range map[int]string{1000: "/account?" + filler(700), 2500: "/account"} {
		j := NewCookieJar(t)
		state := a.StartSignInWithJar(j, fmt.Sprint("/", size, long), Navigation())
		assert.Less(t, len(j.Header()), 4096)
		assert.Equal(t, want, a.CancelSignIn(j, state), "%d bytes of AppState: the return path is shortened", size)
	}
	resp := a.Send(Request{Target: "/3000" + long, Header: Navigation()})
	assert.Equal(t, http.StatusBadRequest, resp.Status)
	assert.Empty(t, resp.SetCookies(t))
	assert.Contains(t, a.Logs.String(), "bytes; a cookie holds 4096")
	assert.NotContains(t, a.Logs.String(), filler(3000)[:12])
}

func TestDuplicateStateCookiesCountTwiceTowardsTheLimit(t *testing.T) {
	a := NewApp(t, AppOptions{})
	old := a.StartSignIn("/login?return_to=/" + filler(1200))
	name, _, _ := strings.Cut(old.Cookie, "=")
	once := a.Send(Request{Target: "/login?return_to=/" + filler(1200), Cookie: old.Cookie, Header: Navigation()})
	assert.NotContains(t, once.SetCookies(t), name, "both sign-ins fit")
	twice := a.Send(Request{Target: "/login?return_to=/" + filler(1200), Cookie: old.Cookie + "; " + old.Cookie, Header: Navigation()})
	assert.Contains(t, twice.SetCookies(t), name, "the old sign-in is shortened, because its cookie came twice")
}

func TestStateCookiesThatCannotBeExpiredDoNotPreventASignIn(t *testing.T) {
	a := NewApp(t, AppOptions{})
	resp := a.Send(Request{Target: "/login?return_to=/" + filler(900), Header: navigationFrom("cross-site")})
	copies := strings.Repeat(resp.stateCookie(t)+"; ", 4) // with other Domain or Path attributes
	for _, site := range []string{"same-origin", "cross-site"} {
		assert.Equal(t, http.StatusSeeOther, a.Send(Request{Target: "/login", Cookie: copies, Header: navigationFrom(site)}).Status, site)
	}
}

func TestACopyOfAStateCookieUnderAnotherNameIsIgnored(t *testing.T) {
	a := NewApp(t, AppOptions{})
	j := NewCookieJar(t)
	state := a.StartSignInWithJar(j, "/login?return_to=/account%3F"+filler(900), Navigation())
	name := j.names[0]
	copies := j.Header()
	for i := range 8 {
		copies += fmt.Sprint("; ", name, i, "=", j.values[name])
	}
	resp := a.Send(Request{Target: "/login", Cookie: copies, Header: Navigation()})
	assert.Len(t, resp.SetCookies(t), 1, "neither the copies nor the pending sign-in are touched")
	assert.Equal(t, "/account?"+filler(900), a.CancelSignIn(j, state))
}

func TestTheNextSignInExpiresAStateCookieOlderThan25Hours(t *testing.T) {
	a := NewApp(t, AppOptions{})
	j := NewCookieJar(t)
	a.StartSignInWithJar(j, "/login", Navigation())
	a.Clock.Advance(25*time.Hour - time.Second)
	resp := a.Send(Request{Target: "/login", Cookie: j.Header(), Header: Navigation()})
	assert.Len(t, resp.SetCookies(t), 1)
	a.Clock.Advance(time.Second) // some browsers keep a cookie beyond its Max-Age
	resp = a.Send(Request{Target: "/login", Cookie: j.Header(), Header: Navigation()})
	require.NotNil(t, resp.SetCookies(t)[j.names[0]])
	assert.Negative(t, resp.SetCookies(t)[j.names[0]].MaxAge)
}

// A page of another site can navigate the browser any number of times.
func TestACrossSiteNavigationEvictsNoPendingSignInOfThisSite(t *testing.T) {
	for _, site := range []string{"cross-site", "same-site"} {
		for _, start := range []string{"/login?return_to=/", "/deep/"} {
			t.Run(site+" to "+start, func(t *testing.T) {
				a := NewApp(t, AppOptions{})
				j := NewCookieJar(t)
				page := "/account?" + filler(700)
				ours := a.StartSignInWithJar(j, "/login?return_to="+url.QueryEscape(page), navigationFrom("same-origin"))
				typed := a.StartSignInWithJar(j, "/login?return_to=/account", navigationFrom("none"))
				for i := range testrun.Length(12, 30) {
					a.Clock.Advance(time.Second)
					a.StartSignInWithJar(j, start+fmt.Sprint("x", i, filler(800)), navigationFrom(site))
					assert.Less(t, len(j.Header()), 4096)
				}
				assert.Equal(t, page, a.CancelSignIn(j, ours), "the query is kept")
				assert.Equal(t, "/account", a.CancelSignIn(j, typed))
			})
		}
	}
}

func TestACrossSiteNavigationIsRefusedIfItWouldEvictASignInOfThisSite(t *testing.T) {
	a := NewApp(t, AppOptions{})
	j := NewCookieJar(t)
	var started []string
	for range 30 {
		started = append(started, a.StartSignInWithJar(j, "/login", navigationFrom("same-origin")))
		a.Clock.Advance(time.Second)
	}
	pending := slices.DeleteFunc(started, func(state string) bool { return !a.isPending(j, state) })
	require.Greater(t, len(pending), 5)
	resp := a.Send(Request{Target: "/account?x=1", Cookie: j.Header(), Header: navigationFrom("cross-site")})
	assert.Equal(t, http.StatusForbidden, resp.Status)
	assert.Contains(t, resp.Body, `href="/login?return_to=%2Faccount%3Fx%3D1"`, "a click on this page of the application starts a sign-in")
	assert.Empty(t, resp.SetCookies(t))
	for _, state := range pending {
		assert.True(t, a.isPending(j, state))
	}
	a.StartSignInWithJar(j, "/login?return_to=/account", navigationFrom("same-origin"))
	assert.False(t, a.isPending(j, pending[0]), "a sign-in of this site evicts the oldest")
}

// A user who follows a link in a mail must be able to sign in although the browser has many expired sign-ins.
func TestExpiredPendingSignInsDoNotPreventANewOne(t *testing.T) {
	a := NewApp(t, AppOptions{})
	j := NewCookieJar(t)
	for range 16 {
		a.StartSignInWithJar(j, "/login", navigationFrom("same-origin"))
	}
	link := Request{Target: "/account", Cookie: j.Header(), Header: navigationFrom("cross-site")}
	a.Clock.Advance(time.Hour - time.Second)
	assert.Equal(t, http.StatusForbidden, a.Send(link).Status, "the pending sign-ins can still be finished")
	for _, d := range []time.Duration{time.Second, 20 * time.Hour} {
		a.Clock.Advance(d)
		resp := a.Send(link)
		assert.Equal(t, http.StatusSeeOther, resp.Status)
		assert.Less(t, len(resp.SetCookies(t)), 5, "only as many as necessary are evicted")
	}
	resp := a.Send(Request{Target: "/callback?code=x", Cookie: j.Header(), Header: navigationFrom("cross-site")})
	assert.Equal(t, http.StatusSeeOther, resp.Status, "a callback without a state restarts the sign-in")
}

func TestExpiredPendingSignInsAreEvictedBeforePagesOfOthers(t *testing.T) {
	for _, site := range []string{"same-origin", "cross-site"} {
		t.Run(site, func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			j := NewCookieJar(t)
			for range 9 {
				a.StartSignInWithJar(j, "/login", navigationFrom("same-origin"))
			}
			expired := j.states()
			a.Clock.Advance(time.Minute)
			page := "/account?" + filler(500)
			current := a.StartSignInWithJar(j, "/login?return_to="+url.QueryEscape(page), navigationFrom("cross-site"))
			a.Clock.Advance(time.Hour - time.Minute)
			a.StartSignInWithJar(j, "/deep/?"+filler(700), navigationFrom(site))
			assert.Less(t, len(j.Header()), 4096)
			assert.Less(t, len(j.states()), len(expired)+2)
			assert.Equal(t, page, a.CancelSignIn(j, current))
		})
	}
}

// A sibling domain can plant one cookie name with several Domain and Path attributes. No response can expire all of them.
func TestPlantedExpiredStateCookiesDoNotPreventASignIn(t *testing.T) {
	a := NewApp(t, AppOptions{})
	planted := a.StartSignIn("/login?return_to=/" + filler(900)).Cookie
	a.Clock.Advance(time.Hour - time.Second)
	ours := a.StartSignIn("/login").Cookie
	cookie := ours + strings.Repeat("; "+planted, 4)
	resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: navigationFrom("cross-site")})
	assert.Equal(t, http.StatusForbidden, resp.Status, "the planted sign-ins can still be finished")
	a.Clock.Advance(time.Second)
	resp = a.Send(Request{Target: "/account", Cookie: cookie, Header: navigationFrom("cross-site")})
	assert.Equal(t, http.StatusSeeOther, resp.Status)
}

func TestTheNumberOfStateCookiesExpiredPerResponseIsBounded(t *testing.T) {
	a := NewApp(t, AppOptions{})
	var planted []string
	for range 60 {
		planted = append(planted, a.Send(Request{Target: "/login", Header: Navigation()}).stateCookie(t))
	}
	resp := a.Send(Request{Target: "/login", Cookie: strings.Join(planted, "; "), Header: Navigation()})
	assert.Equal(t, http.StatusSeeOther, resp.Status)
	assert.LessOrEqual(t, len(resp.SetCookies(t)), 32+1)
	assert.Greater(t, len(resp.SetCookies(t)), 16, "several are expired at a time")
}
