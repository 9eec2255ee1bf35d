// Planted cookies: an application, and an attacker's host of the same domain that sets cookies for both.

package browser_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/chromium"
)

// The browser maps both hosts to 127.0.0.1 (startChromium). They have the same registrable domain, so each can set cookies
// with that Domain for the other.
const (
	appHost      = "app.example.test"
	attackerHost = "evil.example.test"
)

// issuedCookies are the host-only cookies that the application has set.
type issuedCookies struct {
	mu      sync.Mutex
	cookies map[string]string // guarded by mu
}

// record records the cookies of each response.
func (s *issuedCookies) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, line := range w.Header()["Set-Cookie"] {
			c, err := http.ParseSetCookie(line)
			if err != nil || c.Domain != "" || c.Path != "/" {
				continue
			}
			if c.MaxAge < 0 {
				delete(s.cookies, c.Name)
			} else {
				s.cookies[c.Name] = c.Value
			}
		}
	})
}

func (s *issuedCookies) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.cookies)
}

// header returns a Cookie header with the session, as an attacker who copied it would send.
func (s *issuedCookies) header(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var pairs []string
	for cookie, value := range s.cookies {
		if cookie == name || strings.HasPrefix(cookie, name+".") {
			pairs = append(pairs, cookie+"="+value)
		}
	}
	return strings.Join(pairs, "; ")
}

// newAttackerSite starts the attacker's host. Its page sets the cookies, by response header and by script in turn.
func newAttackerSite(t *testing.T, planted []string) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		script := ""
		for i, line := range planted {
			if i%2 == 0 {
				w.Header().Add("Set-Cookie", line)
			} else {
				script += fmt.Sprintf("document.cookie = %q; ", line)
			}
		}
		io.WriteString(w, "<!doctype html><link rel=icon href=data:,><h1>Other site</h1><script>"+script+"</script>")
	}))
	t.Cleanup(server.Close)
	return atHost(attackerHost, server.URL)
}

// atHost returns the URL of a server with another host name.
func atHost(host, address string) string { return strings.Replace(address, "127.0.0.1", host, 1) + "/" }

// This shows that the browser stores planted cookies, so that the test below can fail.
func TestTheBrowserStoresCookiesPlantedByHeaderAndByScript(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var received []string // guarded by mu
	a := newApp(t, appOptions{host: appHost, wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			received = r.Header["Cookie"]
			mu.Unlock()
			next.ServeHTTP(w, r)
		})
	}})
	b := open(t)
	b.Visit(newAttackerSite(t, []string{"by-header=1; Domain=example.test; Path=/open", "by-script=2; Domain=example.test; Path=/open", "hers=3"}))
	b.Sees("Other site")
	b.Visit(a.url + "/open")
	b.Sees("Public page")
	mu.Lock()
	defer mu.Unlock()
	assert.Equal(t, []string{"by-header=1; by-script=2"}, received)
}

func TestPlantedCookiesPreventNeitherSignInNorSignOut(t *testing.T) {
	t.Parallel()
	const atPath, atBoth = "; Domain=example.test; Path=/account", "; Domain=example.test; Path=/"
	var twenty []string
	for i := range 10 {
		twenty = append(twenty, fmt.Sprintf("NAME.%d=x%s", i, atBoth), fmt.Sprintf("NAME.%d=x%s", i, atPath))
	}
	forms := []struct {
		name      string
		planted   []string // NAME is replaced by the name of the session cookie, ATTACKER by the attacker's own session
		explained bool     // the application may show a page that names the conflicting cookie
		always    bool     // also tested with the other forms of the session
	}{
		{"a cookie", []string{"NAME=x" + atBoth}, false, false},
		{"an empty cookie", []string{"NAME=" + atBoth}, false, false},
		{"a cookie with a path", []string{"NAME=x" + atPath}, false, true},
		{"two chunks", []string{"NAME.0=x" + atBoth, "NAME.1=x" + atBoth}, false, false},
		{"two values", []string{"NAME=x" + atBoth, "NAME=y" + atPath}, false, false},
		{"the attacker's session", []string{"NAME=ATTACKER" + atBoth, "NAME=ATTACKER" + atPath}, true, true},
		{"twenty chunks", append(twenty, "NAME=x"+atBoth, "NAME=x"+atPath), true, true},
	}
	for _, s := range []struct {
		name, cookie string
		opts         []authkit.Option
		large        bool
	}{
		{"a session in one cookie", "authkit-session", nil, false},
		{"a session in chunks", "authkit-session", nil, true},
		{"a shared session", "wos-session", []authkit.Option{authkit.WithSharedSession()}, false},
	} {
		for _, form := range forms {
			whens := []string{"before", "after"}
			if s.name != "a session in one cookie" {
				whens = whens[1:]
				if !form.always {
					continue
				}
			}
			for _, when := range whens {
				t.Run(s.name+", "+form.name+", "+when+" the sign-in", func(t *testing.T) {
					own := &issuedCookies{cookies: map[string]string{}}
					a := newApp(t, appOptions{authkit: s.opts, host: appHost, wrap: own.record})
					if s.large {
						a.fake.UpdateUser(kim, func(p *authkittest.User) {
							p.Claims = map[string]any{"template": strings.Repeat("abcdefgh", 700)}
						})
					}
					attackerSession := ""
					if strings.Contains(form.planted[0], "ATTACKER") {
						attackerSession = a.attackerSession(t, s.cookie)
						own.clear() // of the cookies for the attacker's browser
					}
					var planted []string
					for _, line := range form.planted {
						planted = append(planted, strings.NewReplacer("NAME", s.cookie, "ATTACKER", attackerSession).Replace(line))
					}
					attacker := newAttackerSite(t, planted)
					b := open(t)
					began := len(a.fake.Sessions())
					if when == "before" {
						b.Visit(attacker)
						b.Sees("Other site")
						// Before the sign-in, the browser cannot be distinguished from the attacker's.
						a.arrives(b, a.url+"/login?return_to=/account", s.cookie, form.explained)
					} else {
						a.arrives(b, a.url+"/account", s.cookie, false)
						b.Visit(attacker)
						b.Sees("Other site")
					}
					a.arrives(b, a.url+"/account", s.cookie, form.explained)

					copied := own.header(s.cookie)
					require.NotEmpty(t, copied)
					b.Visit(a.url + "/open")
					b.Sees("Public page")
					b.Run(`const f = document.createElement("form"); f.method = "post"; f.action = "/logout";
						const button = document.createElement("button"); button.textContent = "Out"; f.append(button); document.body.append(f)`, nil)
					b.Click("Out")
					b.Sees("Home of an anonymous user")
					a.assertRefused(t, copied, "at once")
					require.Eventually(t, func() bool { return a.active(began) == 0 }, chromium.Timeout, 10*time.Millisecond, "the session was not revoked at WorkOS")
					a.clock.Advance(6 * time.Minute)
					a.assertRefused(t, copied, "after six minutes")
				})
			}
		}
	}
}

// maxRequests limits the requests until the guarded page is shown.
const maxRequests = 8

// arrives opens a guarded page and signs in if necessary. It asserts that the page shows Kim's account. If explained is
// true, a page that names the conflicting cookie is accepted, too.
func (a *app) arrives(b *tab, address, cookie string, explained bool) {
	b.T.Helper()
	before := a.allRequests()
	b.Visit(address)
	b.Find("//h1")
	require.NotContains(b.T, b.Text(), "ERR_TOO_MANY_REDIRECTS", "a redirect loop")
	if b.Origin() == a.fake.URL() {
		b.Click("Kim Oduya")
		b.Leaves(a.fake.URL())
		b.Find("//h1")
		require.NotContains(b.T, b.Text(), "ERR_TOO_MANY_REDIRECTS", "a redirect loop")
	}
	assert.LessOrEqual(b.T, a.allRequests()-before, maxRequests)
	require.Equal(b.T, a.url, b.Origin())
	text := b.Text()
	require.NotContains(b.T, text, "lee@example.com")
	if explained && !strings.Contains(text, "Account of ") {
		assert.Contains(b.T, text, cookie, "the page does not name the conflicting cookie")
		return
	}
	require.Contains(b.T, text, "Account of "+kim)
}

// attackerSession signs the attacker in as Lee, and returns the value of the session cookie.
func (a *app) attackerSession(t *testing.T, name string) (value string) {
	t.Helper()
	a.fake.AddUser(authkittest.User{Email: "lee@example.com", FirstName: "Lee"})
	attacker := authkittest.NewBrowser()
	defer attacker.CloseIdleConnections()
	attacker.Base = toLoopback
	_, err := attacker.SignIn(a.url+"/account", "lee@example.com")
	require.NoError(t, err)
	home, err := url.Parse(a.url)
	require.NoError(t, err)
	for _, c := range attacker.Jar.Cookies(home) {
		if c.Name == name {
			value = c.Value
		}
	}
	require.NotEmpty(t, value)
	return value
}

// assertRefused asserts that a request with this Cookie header gets 401.
func (a *app) assertRefused(t *testing.T, copied, when string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, a.url+"/api/me", nil)
	require.NoError(t, err)
	r.Header.Set("Cookie", copied)
	resp, err := toLoopback.RoundTrip(r)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode, when)
}

// active returns how many of Kim's sessions are active. It ignores the first sessions, as many as after says.
func (a *app) active(after int) (n int) {
	for _, s := range a.fake.Sessions()[after:] {
		if s.Email == kim && s.Active() {
			n++
		}
	}
	return n
}
