// The names and attributes of cookies, as the configuration decides them.

package behaviour

import (
	"maps"
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

func TestCookieNamesAndAttributesFollowTheConfiguration(t *testing.T) {
	const https, plain = "https://app.example.com/callback", "http://localhost:3000/callback"
	type attributes struct {
		name, state string
		secure      bool
		domain      string
		sameSite    http.SameSite // of the session cookie
		stateSite   http.SameSite // of the state cookie
	}
	lax, strict, none := http.SameSiteLaxMode, http.SameSiteStrictMode, http.SameSiteNoneMode
	for name, c := range map[string]struct {
		redirect string
		opts     []authkit.Option
		want     attributes
	}{
		"https":                    {https, nil, attributes{"__Host-authkit-session", "__Host-authkit-state-", true, "", lax, lax}},
		"https in capitals":        {"HTTPS://app.example.com/callback", nil, attributes{"__Host-authkit-session", "__Host-authkit-state-", true, "", lax, lax}},
		"https with a domain":      {https, []authkit.Option{authkit.WithCookieDomain("example.com")}, attributes{"authkit-session", "authkit-state-", true, "example.com", lax, lax}},
		"https with a name":        {https, []authkit.Option{authkit.WithCookieName("sid")}, attributes{"sid", "__Host-authkit-state-", true, "", lax, lax}},
		"https, name and domain":   {https, []authkit.Option{authkit.WithCookieName("sid"), authkit.WithCookieDomain("example.com")}, attributes{"sid", "authkit-state-", true, "example.com", lax, lax}},
		"https and strict":         {https, []authkit.Option{authkit.WithCookieSameSite(strict)}, attributes{"__Host-authkit-session", "__Host-authkit-state-", true, "", strict, lax}},
		"https and none":           {https, []authkit.Option{authkit.WithCookieSameSite(none)}, attributes{"__Host-authkit-session", "__Host-authkit-state-", true, "", none, none}},
		"http on loopback":         {plain, nil, attributes{"authkit-session", "authkit-state-", false, "", lax, lax}},
		"http in capitals":         {"HTTP://localhost:3000/callback", nil, attributes{"authkit-session", "authkit-state-", false, "", lax, lax}},
		"http on a closed network": {"http://app.test/callback", []authkit.Option{authkit.WithInsecureHTTP()}, attributes{"authkit-session", "authkit-state-", false, "", lax, lax}},
		"http with a name":         {plain, []authkit.Option{authkit.WithCookieName("sid")}, attributes{"sid", "authkit-state-", false, "", lax, lax}},
		"__Host- in the name":      {https, []authkit.Option{authkit.WithCookieName("__Host-sid")}, attributes{"__Host-sid", "__Host-authkit-state-", true, "", lax, lax}},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{AuthKit: append([]authkit.Option{authkit.WithRedirectURL(c.redirect)}, c.opts...)})
			session := a.Send(Request{Method: "POST", Target: "/logout"}).SetCookies(t)[c.want.name]
			require.NotNil(t, session)
			assert.Equal(t, c.want.sameSite, session.SameSite)
			assert.Negative(t, session.MaxAge)

			started := a.Send(Request{Target: "/login"}).SetCookies(t)
			require.Len(t, started, 1)
			for name, state := range started {
				assert.True(t, strings.HasPrefix(name, c.want.state), name)
				assert.Equal(t, c.want.stateSite, state.SameSite)
				assert.Equal(t, 25*60*60, state.MaxAge, "the sign-in timeout of an hour, and a day in which a late callback gets a page")
				for _, cookie := range []*http.Cookie{session, state} {
					assert.Equal(t, c.want.secure, cookie.Secure)
					assert.Equal(t, c.want.domain, cookie.Domain)
					assert.Equal(t, "/", cookie.Path)
					assert.True(t, cookie.HttpOnly)
				}
			}
		})
	}
}

func TestWithoutARedirectURLCookiesAreSecure(t *testing.T) {
	a := NewApp(t, AppOptions{})
	ak, err := authkit.New(ValidOptions(authkit.WithRedirectURL(""))...)
	require.NoError(t, err)
	a.Server.Config.Handler = ak.Logout()
	session := a.Send(Request{Method: "POST", Target: "/"}).SetCookies(t)["__Host-authkit-session"]
	require.NotNil(t, session)
	assert.True(t, session.Secure)
}

func TestABrowserKeepsTheCookiesOfAnApplicationOverTLS(t *testing.T) {
	for name, c := range map[string]struct {
		opts   []authkit.Option
		maxAge time.Duration
	}{
		"400 days by default":                 {nil, 400 * 24 * time.Hour},
		"as long as it is set":                {[]authkit.Option{authkit.WithCookieMaxAge(90 * time.Minute)}, 90 * time.Minute},
		"not limited by the absolute timeout": {[]authkit.Option{authkit.WithAbsoluteTimeout(time.Hour)}, 400 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{TLS: true, AuthKit: c.opts})
			b := a.Browser()
			seen := &setCookieLog{next: a.Server.Client().Transport}
			b.Base = seen
			page, err := b.SignIn(a.URL+"/account", Kim)
			require.NoError(t, err)
			assert.Contains(t, page.Body, "page of "+Kim)
			assert.Equal(t, []string{"__Host-authkit-session"}, b.cookieNames())

			session := seen.last("__Host-authkit-session")
			require.NotNil(t, session)
			assert.Equal(t, int(c.maxAge/time.Second), session.MaxAge)
			assert.True(t, session.Secure)
			assert.True(t, session.HttpOnly)
			assert.Empty(t, session.Domain)
		})
	}
}

func TestAllCookiesArePartitionedIfConfigured(t *testing.T) {
	for _, partitioned := range []bool{false, true} {
		opts := []authkit.Option{authkit.WithCookieSameSite(http.SameSiteNoneMode)}
		if partitioned {
			opts = append(opts, authkit.WithCookiePartitioned())
		}
		a := NewApp(t, AppOptions{TLS: true, AuthKit: opts})
		b := a.Browser()
		seen := &setCookieLog{next: a.Server.Client().Transport}
		b.Base = seen
		_, err := b.SignIn(a.URL+"/account", Kim)
		require.NoError(t, err)
		b.get("/")
		_, err = b.Submit("Sign out", nil)
		require.NoError(t, err)
		assert.Empty(t, b.cookieNames())
		set := map[string]int{}
		for _, c := range seen.cookies {
			if strings.HasPrefix(c.Name, "__Host-authkit-") && (c.Value != "" || !partitioned) {
				assert.Equal(t, partitioned, c.Partitioned, c.Raw)
				assert.True(t, c.Secure)
				set[c.Name]++
			}
		}
		assert.Len(t, set, 2, "the state and the session")
	}
}

// A browser sends a cookie without the attribute beside a partitioned one of the same name.
func TestASessionFromBeforeItsCookieWasPartitionedStays(t *testing.T) {
	none := authkit.WithCookieSameSite(http.SameSiteNoneMode)
	before := NewApp(t, AppOptions{TLS: true, AuthKit: []authkit.Option{none}})
	cookie := before.SignedIn(Kim).CookieHeader()
	a := NewInstance(t, before.Fake, before.Clock, AppOptions{TLS: true, AuthKit: []authkit.Option{none, authkit.WithCookiePartitioned()}})
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: cookie}).Body, "page of "+Kim)
	a.ExpireToken(2 * time.Minute)
	resp := a.Send(Request{Target: "/account", Cookie: cookie})
	assert.Contains(t, resp.Body, "page of "+Kim)
	require.Len(t, resp.Header["Set-Cookie"], 2)
	assert.Contains(t, resp.Header["Set-Cookie"][0], "__Host-authkit-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=None")
	assert.NotContains(t, resp.Header["Set-Cookie"][0], "Partitioned")
	assert.Contains(t, resp.Header["Set-Cookie"][1], "; Partitioned")
}

func TestASessionCookieWithoutMaxAgeEndsWithTheBrowser(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithoutCookieMaxAge(), authkit.WithCookieMaxAge(time.Hour)}})
	b := a.Browser()
	seen := &setCookieLog{next: a.Server.Client().Transport}
	b.Base = seen
	_, err := b.SignIn(a.URL+"/account", Kim)
	require.NoError(t, err)
	cookie := b.CookieHeader()
	a.ExpireToken(time.Minute)
	b.get("/account")
	require.NotEqual(t, cookie, b.CookieHeader(), "the session was refreshed")
	set := 0
	for _, c := range seen.cookies {
		switch {
		case c.Name == "authkit-session":
			set++
			assert.Zero(t, c.MaxAge)
			assert.NotContains(t, c.Raw, "Max-Age")
			assert.Empty(t, c.RawExpires)
		case strings.HasPrefix(c.Name, "authkit-state-") && c.Value != "":
			assert.Positive(t, c.MaxAge, "the cookie of a pending sign-in ends earlier")
		}
	}
	assert.Equal(t, 2, set)

	cookie = b.CookieHeader()
	a.Clock.Advance(2 * time.Hour)
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/account", Cookie: cookie}).Status, "the sealed limit stays")
	resp := a.Send(Request{Method: "POST", Target: "/logout", Cookie: cookie})
	assert.Negative(t, resp.SetCookies(t)["authkit-session"].MaxAge)
}

// setCookieLog is a transport that records the cookies that all responses set.
type setCookieLog struct {
	next http.RoundTripper

	mu      sync.Mutex
	cookies []*http.Cookie // guarded by mu
}

func (l *setCookieLog) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(r)
	if err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.cookies = append(l.cookies, resp.Cookies()...)
	}
	return resp, err
}

// last returns the cookie that was set last under a name, or nil.
func (l *setCookieLog) last(name string) (last *http.Cookie) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.cookies {
		if c.Name == name {
			last = c
		}
	}
	return last
}

func TestForwardedHeadersDoNotMakeCookiesInsecure(t *testing.T) {
	a := newPlainApp(t, authkit.WithRedirectURL("https://app.example.com/callback"))
	for name, forged := range forgeries() {
		header := Navigation()
		maps.Copy(header, forged)
		header.Set("X-Forwarded-Proto", "http")
		resp := a.Send(Request{Target: "/login", Header: header})
		location, err := url.Parse(resp.Header.Get("Location"))
		require.NoError(t, err)
		assert.Equal(t, "https://app.example.com/callback", location.Query().Get("redirect_uri"), name)
		require.Len(t, resp.SetCookies(t), 1)
		for cookie, c := range resp.SetCookies(t) {
			assert.True(t, strings.HasPrefix(cookie, "__Host-"+statePrefix), name)
			assert.True(t, c.Secure && c.HttpOnly, name)
		}
	}
}

// Over HTTPS, a sibling domain or a page over plain HTTP cannot plant a state cookie or a session cookie: browsers reject
// their cookies with the __Host- prefix (RFC 6265bis, section 4.1.3.2), and the library ignores the name without prefix.
func TestACookieWithoutTheHostPrefixIsIgnored(t *testing.T) {
	a := newPlainApp(t, authkit.WithRedirectURL("https://app.example.com/callback"))
	login := a.Send(Request{Target: "/login", Header: Navigation()})
	require.Len(t, login.SetCookies(t), 1)
	location, err := url.Parse(login.Header.Get("Location"))
	require.NoError(t, err)
	query := url.Values{"code": {"x"}, "state": {location.Query().Get("state")}}
	for name, c := range login.SetCookies(t) {
		require.True(t, strings.HasPrefix(name, "__Host-"))
		plain := strings.TrimPrefix(name, "__Host-") + "=" + c.Value
		checkErrorPage(t, a.Send(Request{Target: "/callback?" + query.Encode(), Cookie: plain, Header: Navigation()}), http.StatusBadRequest)
	}
	assert.Zero(t, a.Fake.Calls(authkittest.RouteAuthenticate))
	plain := newPlainInstance(t, a.Fake, a.Clock, a.Password)
	a.checkAnonymous(plain.signIn(Kim), "a session cookie without the prefix is ignored")
}
