// Right set-ups: none of them causes a warning about the set-up.

package behaviour

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
)

// everyScan is with which of the methods a scanner requests a page: with all, or with one, and the next page with another one.
var everyScan = testrun.Length(3, 1)

// rightSetups are set-ups without a mistake, and requests that look like one.
var rightSetups = map[string]func(t *testing.T) *setup{
	"the default": func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{})
		require.Equal(t, s.URL+"/account", s.signInAt(s.URL+"/account").URL.String())
		s.signInAt(s.URL + "/login")
		return s
	},
	"a base path that a proxy removes": func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{})
		s.replace(t, authkit.WithBasePath("/tool"), authkit.WithRedirectURL(s.URL+"/tool/callback"))
		s.Server.Config.Handler = removingPath("/tool", s.Server.Config.Handler)
		require.Equal(t, s.URL+"/tool/account", s.signInAt(s.URL+"/tool/account").URL.String())
		_, err := s.Get(s.URL + "/tool/tool/callback?code=x&state=unknown") // arrives as /tool/callback
		require.NoError(t, err)
		return s
	},
	"several hosts with a redirect URL of each": func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{
			Fake:    []authkittest.Option{authkittest.WithRedirectURIs(appURL+"/callback", "http://other.test/callback")},
			AuthKit: []authkit.Option{authkit.WithInsecureHTTP(), authkit.WithRedirectURL(appURL+"/callback", "http://other.test/callback")},
		})
		for _, host := range []string{appHost, "other.test"} {
			s.hosts[host+":80"] = s.Server.Listener.Addr().String()
			s.referer = "http://" + host + "/"
			require.Equal(t, "http://"+host+"/account", s.signInAt("http://"+host+"/account").URL.String())
		}
		return s
	},
	"a proxy that rewrites Host": func(t *testing.T) *setup {
		s := newSetupAt(t, rewritingHost("127.0.0.1:8080"))
		s.referer = appURL + "/"
		require.Equal(t, appURL+"/account", s.signInAt(appURL+"/account").URL.String())
		return s
	},
	"a development server with another port in front": func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{
			Fake:    []authkittest.Option{authkittest.WithRedirectURIs("http://localhost:5173/callback")},
			AuthKit: []authkit.Option{authkit.WithRedirectURL("http://localhost:5173/callback")},
		})
		s.hosts["localhost:5173"] = s.Server.Listener.Addr().String()
		s.Server.Config.Handler = rewritingHost(strings.TrimPrefix(s.URL, "http://"))(s.Server.Config.Handler)
		s.referer = "http://localhost:5173/"
		require.Equal(t, "http://localhost:5173/account", s.signInAt("http://localhost:5173/account").URL.String())
		return s
	},
	"TLS that ends in front, with proxy headers":    func(t *testing.T) *setup { return behindTLS(t, true) },
	"TLS that ends in front, without proxy headers": func(t *testing.T) *setup { return behindTLS(t, false) },
	"two hosts with one cookie domain": func(t *testing.T) *setup {
		s := newSetupAt(t, nil, authkit.WithCookieDomain("example.test"))
		s.referer = "http://www." + appHost + "/"
		require.Equal(t, appURL+"/account", s.signInAt("http://www."+appHost+"/account").URL.String())
		return s
	},
	"two hosts with a redirect URL each": func(t *testing.T) *setup {
		www := "http://www." + appHost
		s := newSetupAt(t, nil, authkit.WithRedirectURL(appURL+"/callback", www+"/callback"), authkit.WithPostLogoutRedirectURL(appURL+"/", www+"/"))
		s.referer = www + "/"
		require.Equal(t, www+"/account", s.signInAt(www+"/account").URL.String())
		return s
	},
	"a session of several cookies": func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{})
		s.Fake.UpdateUser(Kim, func(u *authkittest.User) { u.Claims = map[string]any{"padding": randomText(9000)} })
		require.Equal(t, s.URL+"/account", s.signInAt(s.URL+"/account").URL.String())
		s.ExpireToken(0)
		_, err := s.Get(s.URL + "/account")
		require.NoError(t, err)
		return s
	},
	"a callback that is loaded again": func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{})
		header := with(with(Navigation(), "User-Agent", "Mozilla/5.0"), "Sec-Fetch-Site", "cross-site")
		login := s.Send(Request{Target: "/login", Header: header})
		target := "/callback?error=access_denied&state=" + StateOf(t, login)
		for _, cookie := range []string{login.stateCookie(t), "", ""} {
			s.Send(Request{Target: target, Cookie: cookie, Header: header})
		}
		return s
	},
	"a sign-in that another browser finishes": func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{})
		_, err := s.Get(s.URL + "/account")
		require.NoError(t, err)
		callback := s.callbackOf(t)
		s.userAgent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15"
		s.Browser = s.newBrowser()
		page, err := s.Get(callback)
		require.NoError(t, err)
		require.Equal(t, http.StatusBadRequest, page.StatusCode)
		return s
	},
	"one browser that keeps no cookies": func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{})
		s.signInAt(s.URL + "/account")
		s.Browser = s.newBrowser()
		_, err := s.Get(s.URL + "/account")
		require.NoError(t, err)
		s.Jar = &forgetfulJar{}
		page, err := s.Submit("Kim", nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusBadRequest, page.StatusCode)
		return s
	},
	"scanners without cookies": func(t *testing.T) *setup {
		s := newSetupAt(t, nil)
		for i, agent := range []string{"", "curl/8.5.0", "Mozilla/5.0 (compatible; scanner/1.0)"} {
			for j, host := range []string{appHost, "203.0.113.7", "evil.example", "localhost", ""} {
				for k, target := range []string{"/login", "/account", "/callback?code=x&state=y", "/callback", "/sign-in", "/wp-login.php", "/login?return_to=//evil.example"} {
					for l, method := range []string{"GET", "POST", "OPTIONS"} {
						if (i+j+k+l)%everyScan != 0 {
							continue
						}
						header := http.Header{"User-Agent": {agent}, "Host": {host}, "Accept": {"text/html"}, "Cookie": {"authkit-session=x; authkit-session.1=y"}}
						s.Send(Request{Method: method, Target: target, Header: header})
					}
				}
			}
		}
		return s
	},
	"returns to an unknown site, to a page that an option names, and to a path": func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{AuthKit: []authkit.Option{authkit.WithReturnOrigins("https://spa.example.org")}})
		for _, target := range []string{"https://evil.example/x", "https://spa.example.org/x", "https://spa.example.org/\\x", "/x", "//evil.example", "javascript:alert(1)"} {
			s.Send(Request{Target: "/login?return_to=" + url.QueryEscape(target), Header: with(Navigation(), "User-Agent", "Mozilla/5.0")})
		}
		assert.Contains(t, s.Logs.String(), `msg="authkit: a sign-in was asked to return to an unknown origin, and returns to the root" origin_host=evil.example`)
		return s
	},
	"a preflight of an unknown site": func(t *testing.T) *setup {
		s := newSetupAt(t, nil)
		require.Equal(t, http.StatusUnauthorized, s.Send(preflightFrom("https://evil.example")).Status)
		assert.Contains(t, s.Logs.String(), "level=DEBUG msg=\"authkit: a guard refused a CORS preflight of an unknown origin\"")
		return s
	},
	"an anonymous POST that hides its origin": func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{})
		require.Equal(t, http.StatusForbidden, s.Send(Request{Method: "POST", Target: "/logout", Header: http.Header{
			"User-Agent": {"Mozilla/5.0"}, "Origin": {"null"}, "Sec-Fetch-Site": {"cross-site"}}}).Status)
		return s
	},
	"two browsers of one kind that each have an old cookie": func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{})
		for range 3 {
			s.Browser = s.newBrowser()
			u, err := url.Parse(s.URL)
			require.NoError(t, err)
			s.Jar.SetCookies(u, []*http.Cookie{{Name: "authkit-session", Value: "old", Path: "/"}})
			s.signInAt(s.URL + "/account")
		}
		return s
	},
	"a limit of the rate in front of the callback": func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{})
		inner := s.Mux
		s.Server.Config.Handler = s.App.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/callback" {
				http.Error(w, "slow down", http.StatusTooManyRequests)
				return
			}
			inner.ServeHTTP(w, r)
		}))
		require.Equal(t, http.StatusTooManyRequests, s.signInAt(s.URL+"/account").StatusCode)
		return s
	},
	"two applications with names of their own": func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{AuthKit: []authkit.Option{authkit.WithCookieName("one")}})
		s.alternate(s.secondPort(t, newPassword()), 4)
		return s
	},
	"an application that is started again with another password": func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{})
		for range 4 {
			s.signInAt(s.URL + "/account")
			other := NewInstance(t, s.Fake, s.Clock, AppOptions{Log: s.Logs, Password: newPassword(), AuthKit: []authkit.Option{authkit.WithRedirectURL(s.URL + "/callback")}})
			s.Replace(other.AuthKit)
		}
		return s
	},
	"a front end that signs users in": func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{AuthKit: []authkit.Option{authkit.WithSharedSession(), authkit.WithRedirectURL("http://localhost:3000/callback")}})
		s.Server.Config.Handler = s.App.Middleware(http.NotFoundHandler())
		for _, path := range []string{"/login", "/callback?code=x&state=y", "/api/me", "/"} {
			_, err := s.Get(s.URL + path)
			require.NoError(t, err)
		}
		return s
	},
}

// callbackOf signs kim in at AuthKit and returns the address of the callback, which is not loaded.
func (s *setup) callbackOf(t *testing.T) string {
	t.Helper()
	var callback string
	s.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/callback" {
			callback = r.URL.String()
			return http.ErrUseLastResponse
		}
		return nil
	}
	_, _ = s.Submit("Kim", nil)
	require.NotEmpty(t, callback)
	return callback
}

// forgetfulJar stores no cookies.
type forgetfulJar struct{}

func (*forgetfulJar) SetCookies(*url.URL, []*http.Cookie) {}
func (*forgetfulJar) Cookies(*url.URL) []*http.Cookie     { return nil }

// behindTLS signs a user in at an application behind a proxy that ends TLS.
func behindTLS(t *testing.T, forward bool) *setup {
	s := newSetup(t, nil, AppOptions{})
	proxy := tlsProxy(t, s.Server.URL, forward)
	s.replace(t, authkit.WithRedirectURL(proxy.URL+"/callback"))
	s.Browser = authkittest.NewBrowser()
	s.Base = s.transport(proxy.Client().Transport)
	t.Cleanup(s.CloseIdleConnections)
	s.referer = proxy.URL + "/"
	require.Equal(t, proxy.URL+"/account", s.signInAt(proxy.URL+"/account").URL.String())
	return s
}

func TestARightSetUpCausesNoWarning(t *testing.T) {
	for name, run := range rightSetups {
		t.Run(name, func(t *testing.T) {
			s := run(t)
			assert.Empty(t, s.warnings(), "%s", s.Logs)
		})
	}
}

func TestAForgedWarningHidesNoWarningAboutTheHostsOfTheApplication(t *testing.T) {
	s := newSetupAt(t, nil)
	forged := http.Header{"User-Agent": {"Mozilla/5.0"}, "Host": {"evil.example\x7f" + strings.Repeat("x", 500)}, "Referer": {"http://evil.example/"}, "Accept": {"text/html"}}
	for _, host := range []string{"evil.example", "evil2.example", strings.Repeat("x", 200) + ".example"} {
		header := with(with(forged, "Host", host), "Referer", "https://"+host+"/")
		require.Equal(t, http.StatusSeeOther, s.Send(Request{Target: "/login", Header: header}).Status)
	}
	require.Len(t, s.warnings(), 1)
	assert.NotContains(t, s.Logs.String(), strings.Repeat("x", 80))

	require.Equal(t, http.StatusBadRequest, s.signInAt("http://www."+appHost+"/account").StatusCode)
	assert.Len(t, s.warnings(), 2)
	assert.Contains(t, s.Logs.String(), "host=www."+appHost)
}
