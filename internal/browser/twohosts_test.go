// An application and another host of its domain, which plants cookies (A1 and A2 of the findings).

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
)

// The hosts are on 127.0.0.1 to the browser (startChromium). They share a
// registrable domain, and with it what a cookie's Domain may be.
const (
	appHost  = "app.example.test"
	evilHost = "evil.example.test"
)

// issued are the cookies that the application has set, in the form that it
// uses.
type issued struct {
	mu      sync.Mutex
	cookies map[string]string // guarded by mu
}

// watched notes the cookies that each response sets.
func (s *issued) watched(next http.Handler) http.Handler {
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

func (s *issued) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.cookies)
}

// copied is the Cookie header of somebody who has copied the session.
func (s *issued) copied(name string) string {
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

// newEvilSite is a page of the other host that sets cookies in both ways that a
// page has.
func newEvilSite(t *testing.T, planted []string) (address string) {
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
		io.WriteString(w, "<!doctype html><link rel=icon href=data:,><h1>Elsewhere</h1><script>"+script+"</script>")
	}))
	t.Cleanup(server.Close)
	return atHost(evilHost, server.URL)
}

// atHost is the address of a server under another of its names.
func atHost(host, address string) string { return strings.Replace(address, "127.0.0.1", host, 1) + "/" }

// The test below would be worth nothing where the browser kept no such cookie.
func TestAnotherHostOfTheDomainPlantsCookiesInEitherWayThatAPageHas(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var came []string // guarded by mu
	a := newApp(t, appOptions{host: appHost, around: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			came = r.Header["Cookie"]
			mu.Unlock()
			next.ServeHTTP(w, r)
		})
	}})
	b := open(t)
	b.visit(newEvilSite(t, []string{"by-header=1; Domain=example.test; Path=/open", "by-script=2; Domain=example.test; Path=/open", "hers=3"}))
	b.sees("Elsewhere")
	b.visit(a.url + "/open")
	b.sees("Open to all")
	mu.Lock()
	defer mu.Unlock()
	assert.Equal(t, []string{"by-header=1; by-script=2"}, came)
}

func TestCookiesThatAnotherHostOfTheDomainHasPlantedKeepNobodyOutNorIn(t *testing.T) {
	t.Parallel()
	const atPath, atBoth = "; Domain=example.test; Path=/account", "; Domain=example.test; Path=/"
	var twenty []string
	for i := range 10 {
		twenty = append(twenty, fmt.Sprintf("NAME.%d=x%s", i, atBoth), fmt.Sprintf("NAME.%d=x%s", i, atPath))
	}
	forms := []struct {
		name      string
		planted   []string // NAME stands for the session cookie's, THEIRS for a session of the attacker's own
		explained bool     // whether the person may be shown what is in the way
		always    bool     // whether it is tried with the other forms of the session too
	}{
		{"a whole one", []string{"NAME=x" + atBoth}, false, false},
		{"an empty one", []string{"NAME=" + atBoth}, false, false},
		{"one of a path", []string{"NAME=x" + atPath}, false, true},
		{"two parts", []string{"NAME.0=x" + atBoth, "NAME.1=x" + atBoth}, false, false},
		{"two values", []string{"NAME=x" + atBoth, "NAME=y" + atPath}, false, false},
		{"another person's session", []string{"NAME=THEIRS" + atBoth, "NAME=THEIRS" + atPath}, true, true},
		{"twenty", append(twenty, "NAME=x"+atBoth, "NAME=x"+atPath), true, true},
	}
	for _, s := range []struct {
		name, cookie string
		opts         []authkit.Option
		large        bool
	}{
		{"a whole session", "authkit-session", nil, false},
		{"a session in parts", "authkit-session", nil, true},
		{"a session that is shared", "wos-session", []authkit.Option{authkit.WithSharedSession()}, false},
	} {
		for _, form := range forms {
			whens := []string{"before", "after"}
			if s.name != "a whole session" {
				whens = whens[1:]
				if !form.always {
					continue
				}
			}
			for _, when := range whens {
				t.Run(s.name+", "+form.name+", "+when+" the sign-in", func(t *testing.T) {
					own := &issued{cookies: map[string]string{}}
					a := newApp(t, appOptions{authkit: s.opts, host: appHost, around: own.watched})
					if s.large {
						a.fake.UpdateUser(kim, func(p *authkittest.User) {
							p.Claims = map[string]any{"template": strings.Repeat("abcdefgh", 700)}
						})
					}
					theirs := ""
					if strings.Contains(form.planted[0], "THEIRS") {
						theirs = a.sessionOfLee(t, s.cookie)
						own.forget() // what the attacker's browser was sent
					}
					var planted []string
					for _, line := range form.planted {
						planted = append(planted, strings.NewReplacer("NAME", s.cookie, "THEIRS", theirs).Replace(line))
					}
					evil := newEvilSite(t, planted)
					b := open(t)
					began := len(a.fake.Sessions())
					if when == "before" {
						b.visit(evil)
						b.sees("Elsewhere")
						// Until the person signs in, nothing tells their browser from that of the session planted.
						a.arrives(b, a.url+"/login?return_to=/account", s.cookie, form.explained)
					} else {
						a.arrives(b, a.url+"/account", s.cookie, false)
						b.visit(evil)
						b.sees("Elsewhere")
					}
					a.arrives(b, a.url+"/account", s.cookie, form.explained)

					copied := own.copied(s.cookie)
					require.NotEmpty(t, copied)
					b.visit(a.url + "/open")
					b.sees("Open to all")
					b.run(`const f = document.createElement("form"); f.method = "post"; f.action = "/logout";
						const button = document.createElement("button"); button.textContent = "Out"; f.append(button); document.body.append(f)`, nil)
					b.click("Out")
					b.sees("Home of nobody")
					a.isRefused(t, copied, "at once")
					require.Eventually(t, func() bool { return a.active(began) == 0 }, patience, 10*time.Millisecond, "WorkOS was not told")
					a.clock.Advance(6 * time.Minute)
					a.isRefused(t, copied, "after six minutes")
				})
			}
		}
	}
}

// mostNavigations is how many requests a way to the guarded page may take.
const mostNavigations = 8

// arrives goes to the guarded page, through AuthKit where it leads there, and
// holds that the person gets to it as themselves; or, where that may be, to a
// page that names the cookie in the way.
func (a *app) arrives(b *tab, address, cookie string, orExplained bool) {
	b.t.Helper()
	before := a.navigations()
	b.visit(address)
	b.find("//h1")
	require.NotContains(b.t, b.text(), "ERR_TOO_MANY_REDIRECTS", "the browser goes round and round")
	if b.origin() == a.fake.URL() {
		b.click("Kim Oduya")
		b.find("//h1")
		require.NotContains(b.t, b.text(), "ERR_TOO_MANY_REDIRECTS", "the browser goes round and round")
	}
	assert.LessOrEqual(b.t, a.navigations()-before, mostNavigations)
	require.Equal(b.t, a.url, b.origin())
	text := b.text()
	require.NotContains(b.t, text, "lee@example.com")
	if orExplained && !strings.Contains(text, "Account of ") {
		assert.Contains(b.t, text, cookie, "the page does not say which cookie is in the way")
		return
	}
	require.Contains(b.t, text, "Account of "+kim)
}

// sessionOfLee is the value of a session that the attacker has made, whom the
// application knows as lee.
func (a *app) sessionOfLee(t *testing.T, name string) (value string) {
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

// isRefused checks that a fetch with nothing but this cookie is refused.
func (a *app) isRefused(t *testing.T, copied, when string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, a.url+"/api/me", nil)
	require.NoError(t, err)
	r.Header.Set("Cookie", copied)
	resp, err := toLoopback.RoundTrip(r)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode, when)
}

// active is how many of kim's sessions could still be refreshed, of those after
// the first so many.
func (a *app) active(after int) (n int) {
	for _, s := range a.fake.Sessions()[after:] {
		if s.Email == kim && s.Active() {
			n++
		}
	}
	return n
}
