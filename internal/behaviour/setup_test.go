// Mistakes in the set-up: each is logged once, with what to do, and a right set-up causes no warning.

package behaviour

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/misconfig"
)

// secondPort starts another application on localhost, with this password and a fake of its own, and gives both the cookies
// of one browser.
func (s *setup) secondPort(t *testing.T, password string) *App {
	return newPlainInstance(t, authkittest.New(t, testUsers(), authkittest.WithClock(s.Clock)), s.Clock, password)
}

// wrongSetups are set-ups with a mistake. Each returns after the mistake has shown twice. The text begins the warning.
var wrongSetups = map[string]struct {
	warning string
	attrs   string // in the log line
	run     func(t *testing.T) *setup
}{
	"127.0.0.1 for localhost": {"a sign-in was started at another host", `host=127.0.0.1 redirect_host=localhost`, func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{})
		at := strings.Replace(s.URL, "localhost", "127.0.0.1", 1)
		for range 2 {
			require.Equal(t, http.StatusBadRequest, s.signInAt(at+"/account").StatusCode)
		}
		return s
	}},
	"127.0.0.1 for localhost, at another port": {"a sign-in was started at another host", `host=127.0.0.1 redirect_host=localhost`, func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{})
		s.hosts["127.0.0.1:81"] = s.Server.Listener.Addr().String()
		for range 2 {
			require.Equal(t, http.StatusBadRequest, s.signInAt("http://127.0.0.1:81/account").StatusCode)
		}
		return s
	}},
	"www": {"a sign-in was started at another host", `host=www.app.example.test redirect_host=app.example.test`, func(t *testing.T) *setup {
		s := newSetupAt(t, nil)
		for range 2 {
			require.Equal(t, http.StatusBadRequest, s.signInAt("http://www."+appHost+"/account").StatusCode)
		}
		return s
	}},
	"a link on a page of www": {"a sign-in was started at another host", `host=www.app.example.test redirect_host=app.example.test`, func(t *testing.T) *setup {
		s := newSetupAt(t, nil)
		s.referer = "http://www." + appHost + "/"
		for range 2 {
			_, err := s.Get("http://www." + appHost + "/login")
			require.NoError(t, err)
		}
		return s
	}},
	"another domain": {"a sign-in was started at another host", `host=other.test redirect_host=app.example.test`, func(t *testing.T) *setup {
		s := newSetupAt(t, nil)
		for range 2 {
			require.Equal(t, http.StatusBadRequest, s.signInAt("http://other.test/account").StatusCode)
		}
		return s
	}},
	"a host that WithCookieDomain does not cover": {"the cookie of a sign-in did not come back, because WithCookieDomain", `host=other.test cookie_domain=example.test`, func(t *testing.T) *setup {
		s := newSetupAt(t, nil, authkit.WithCookieDomain("example.test"))
		for range 2 {
			require.Equal(t, http.StatusBadRequest, s.signInAt("http://other.test/account").StatusCode)
		}
		return s
	}},
	"another port": {"a sign-in was started at another port", `redirect_host=localhost:3`, func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{
			Fake:    []authkittest.Option{authkittest.WithRedirectURIs("http://localhost:3/callback")},
			AuthKit: []authkit.Option{authkit.WithRedirectURL("http://localhost:3/callback")},
		})
		s.referer = s.URL + "/"
		for range 2 {
			_, err := s.Get(s.URL + "/account")
			require.NoError(t, err)
		}
		return s
	}},
	"an https redirect URL at a listener of plain http": {"a page was opened over plain http", `host=localhost:`, func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{})
		secure := strings.Replace(s.URL, "http:", "https:", 1) + "/callback"
		s.replace(t, authkit.WithRedirectURL(secure))
		for range 2 {
			resp := s.Send(Request{Target: "/account", Header: with(Navigation(), "User-Agent", "Mozilla/5.0")})
			require.Equal(t, http.StatusSeeOther, resp.Status)
		}
		return s
	}},
	"an https redirect URL and pages of plain http": {"a page was opened over plain http", `host=app.example.test`, func(t *testing.T) *setup {
		s := newSetupAt(t, nil, authkit.WithRedirectURL("https://"+appHost+"/callback"))
		s.referer = appURL + "/"
		for range 2 {
			_, err := s.Get(appURL + "/account")
			require.NoError(t, err)
		}
		return s
	}},
	"a proxy that drops all cookies": {"a callback came without the cookie of its sign-in", ``, func(t *testing.T) *setup {
		s := newSetup(t, dropping(func(string) bool { return true }), AppOptions{})
		for range 2 {
			require.Equal(t, http.StatusBadRequest, s.signInAt(s.URL+"/account").StatusCode)
		}
		return s
	}},
	"a callback in a frame": {"a callback in a frame", ``, func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{})
		header := with(Navigation(), "User-Agent", "Mozilla/5.0")
		for range 2 {
			login := s.Send(Request{Target: "/login", Header: header})
			framed := with(with(header, "Sec-Fetch-Dest", "iframe"), "Sec-Fetch-Site", "cross-site")
			resp := s.Send(Request{Target: "/callback?code=x&state=" + StateOf(t, login), Header: framed})
			require.Equal(t, http.StatusBadRequest, resp.Status)
		}
		return s
	}},
	"instances with different passwords": {"a callback came with the cookie of its sign-in", ``, func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{})
		other := NewInstance(t, s.Fake, s.Clock, AppOptions{Password: newPassword(), AuthKit: []authkit.Option{authkit.WithRedirectURL(s.URL + "/callback")}})
		s.Server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/callback" {
				s.App.Middleware(s.Mux).ServeHTTP(w, r)
				return
			}
			other.Handler().ServeHTTP(w, r)
		})
		for range 2 {
			require.Equal(t, http.StatusBadRequest, s.signInAt(s.URL+"/account").StatusCode)
		}
		return s
	}},
	"a handler that removes the session cookie": {"a sign-in was completed, and the next page came without its session cookie", `cookie=authkit-session`, func(t *testing.T) *setup {
		s := newSetup(t, dropping(func(name string) bool { return name == sessionCookie }), AppOptions{})
		for range 2 {
			s.signInAt(s.URL + "/?page=1")
			s.signInAt(s.URL + "/login?return_to=/?page=2")
		}
		return s
	}},
	"a proxy that drops large cookies": {"a session was set in several cookies", `set="4079 `, func(t *testing.T) *setup {
		s := newSetup(t, dropping(func(name string) bool { return name == sessionCookie+".1" }), AppOptions{})
		s.Fake.UpdateUser(Kim, func(u *authkittest.User) { u.Claims = map[string]any{"padding": randomText(4200)} })
		for range 2 {
			s.signInAt(s.URL + "/account")
			_, err := s.Get(s.URL + "/")
			require.NoError(t, err)
		}
		return s
	}},
	"two applications with one cookie name": {"another session cookie has replaced that of a sign-in", `cookie=authkit-session`, func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{})
		s.alternate(s.secondPort(t, newPassword()), 4)
		return s
	}},
	"two clients with one cookie name and password": {"the session cookie of another client ID", `cookie=authkit-session`, func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{})
		s.alternate(s.secondPort(t, Password), 4)
		return s
	}},
	"CORS inside a guard": {"a guard has answered a CORS preflight 401", `origin_host=localhost:5173`, func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{})
		for range 2 {
			resp := s.Send(preflightFrom("http://localhost:5173"))
			require.Equal(t, http.StatusUnauthorized, resp.Status)
		}
		return s
	}},
	"CORS inside a guard, for a trusted origin": {"a guard has answered a CORS preflight 401", `origin_host=spa.example.org`, func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{AuthKit: []authkit.Option{authkit.WithTrustedOrigins("https://spa.example.org")}})
		for range 2 {
			require.Equal(t, http.StatusUnauthorized, s.Send(preflightFrom("https://spa.example.org")).Status)
		}
		return s
	}},
	"a return to a trusted origin that WithReturnOrigins does not name": {"a sign-in was asked to return to another origin", `origin_host=spa.example.org`, func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{AuthKit: []authkit.Option{authkit.WithTrustedOrigins("https://spa.example.org")}})
		for range 2 {
			s.signInAt(s.URL + "/login?return_to=https://spa.example.org/posts")
		}
		return s
	}},
	"no callback at the redirect URL": {"a browser came back from AuthKit to the redirect URL", `path=/auth/callback status=404`, func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{})
		s.replace(t, authkit.WithRedirectURL(s.URL+"/auth/callback"))
		for range 2 {
			require.Equal(t, http.StatusNotFound, s.signInAt(s.URL+"/login").StatusCode)
		}
		return s
	}},
	"a page for every path answers the redirect URL": {"a browser came back from AuthKit to the redirect URL", `path=/deeper status=200`, func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{})
		s.replace(t, authkit.WithRedirectURL(s.URL+"/deeper"))
		s.Mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "home") })
		for range 2 {
			require.Equal(t, http.StatusOK, s.signInAt(s.URL+"/login").StatusCode)
		}
		return s
	}},
	"a base path that no proxy removes": {"a browser came back from AuthKit to the redirect URL, and its path has arrived", `base_path=/tool`, func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{})
		s.replace(t, authkit.WithBasePath("/tool"), authkit.WithRedirectURL(s.URL+"/tool/callback"))
		for range 2 {
			require.Equal(t, http.StatusNotFound, s.signInAt(s.URL+"/login").StatusCode)
		}
		return s
	}},
	"a base path that the application removes itself": {"a browser came back from AuthKit to the redirect URL, and its path has arrived", `base_path=/tool`, func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{})
		s.replace(t, authkit.WithBasePath("/tool"), authkit.WithRedirectURL(s.URL+"/tool/callback"))
		s.Server.Config.Handler = http.StripPrefix("/tool", s.Server.Config.Handler)
		require.Equal(t, "/tool/tool/account", s.signInAt(s.URL+"/tool/account").URL.Path, "the path is there twice")
		s.signInAt(s.URL + "/tool/login")
		return s
	}},
	"no page at the login path": {"a link of authkit led to the login path", `path=/sign-in status=404`, func(t *testing.T) *setup {
		s := newSetup(t, nil, AppOptions{AuthKit: []authkit.Option{authkit.WithLoginPath("/sign-in")}})
		for range 2 {
			page, err := s.Get(s.URL + "/sign-in?return_to=%2Faccount")
			require.NoError(t, err)
			require.Equal(t, http.StatusNotFound, page.StatusCode)
		}
		return s
	}},
	"pages without a referrer": {"a form of a signed-in user was refused", ``, func(t *testing.T) *setup {
		s := newSetupAt(t, nil)
		s.signInAt(appURL + "/account")
		for range 2 {
			r, err := http.NewRequest("POST", appURL+"/logout", nil)
			require.NoError(t, err)
			r.Header.Set("Origin", "null")
			r.Header.Set("Sec-Fetch-Mode", "navigate") // sent as it is
			resp, err := s.Client.Do(r)
			require.NoError(t, err)
			resp.Body.Close()
			require.Equal(t, http.StatusForbidden, resp.StatusCode)
		}
		return s
	}},
}

// replace gives the application other options.
func (s *setup) replace(t *testing.T, opts ...authkit.Option) {
	t.Helper()
	other := NewInstance(t, s.Fake, s.Clock, AppOptions{Log: s.Logs, AuthKit: opts})
	s.Replace(other.AuthKit)
}

// alternate opens the guarded pages of both applications in turn, in one browser.
func (s *setup) alternate(other *App, times int) {
	s.T.Helper()
	for range times {
		for _, app := range []*App{s.App, other} {
			page, err := s.Get(app.URL + "/account")
			require.NoError(s.T, err)
			for range 2 {
				if strings.HasPrefix(page.URL.String(), app.Fake.URL()) {
					page, err = s.Submit("Kim", nil)
					require.NoError(s.T, err)
				}
			}
		}
	}
}

func preflightFrom(origin string) Request {
	return Request{Method: "OPTIONS", Target: "/account", Header: http.Header{
		"Origin": {origin}, "Access-Control-Request-Method": {"GET"}, "Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Dest": {"empty"},
		"User-Agent": {"Mozilla/5.0"},
	}}
}

func TestEachMistakeInTheSetUpIsLoggedOnceWithItsCure(t *testing.T) {
	shown := map[string]bool{}
	for name, c := range wrongSetups {
		t.Run(name, func(t *testing.T) {
			s := c.run(t)
			warnings := slices.DeleteFunc(s.warnings(), func(text string) bool { return strings.HasPrefix(text, "authkit: access token refused") })
			require.Len(t, warnings, 1, "%s", s.Logs)
			assert.True(t, strings.HasPrefix(warnings[0], "authkit: "+c.warning), warnings[0])
			assert.Contains(t, misconfig.Messages(), warnings[0])
			assert.Contains(t, s.Logs.String(), c.attrs)
			shown[warnings[0]] = true
		})
	}
	for _, message := range misconfig.Messages() {
		assert.True(t, shown[message], "no set-up shows %q", message)
	}
}
