// An application whose domain has another host on it, which is the attacker's.

package behaviour

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

const (
	appHost, evilHost = "app.example.test", "evil.example.test"
	appURL, evilURL   = "http://" + appHost, "http://" + evilHost
)

// twoHosts is an application at http://app.example.test, which runs as two instances with one cookie password, and a
// page at http://evil.example.test.
type twoHosts struct {
	*App
	other  *App // the second instance
	dialer *http.Transport

	mu     sync.Mutex
	plants []string // the Set-Cookie lines of the page at evil.example.test, guarded by mu
}

func newTwoHosts(t *testing.T, opts ...authkit.Option) *twoHosts {
	t.Helper()
	clock := authkittest.NewFakeClock(Start)
	fake := authkittest.New(t, people(), authkittest.WithClock(clock),
		authkittest.WithRedirectURIs(appURL+"/callback"), authkittest.WithSignOutRedirects(appURL+"/"))
	opts = append([]authkit.Option{
		authkit.WithRedirectURL(appURL + "/callback"), authkit.WithPostLogoutRedirectURL(appURL + "/"), authkit.WithInsecureHTTP(),
	}, opts...)
	password := newPassword()
	h := &twoHosts{App: newPlainInstance(t, fake, clock, password, opts...), other: newPlainInstance(t, fake, clock, password, opts...)}
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		w.Header()["Set-Cookie"] = h.plants
	}))
	t.Cleanup(evil.Close)
	addresses := map[string]string{
		appHost + ":80":  h.Server.Listener.Addr().String(),
		evilHost + ":80": evil.Listener.Addr().String(),
	}
	h.dialer = direct.Clone()
	h.dialer.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if instead := addresses[address]; instead != "" {
			address = instead
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	t.Cleanup(h.dialer.CloseIdleConnections)
	return h
}

// person is somebody with a browser, and what can be seen of it from outside.
type person struct {
	*authkittest.Browser
	t     *testing.T
	hosts *twoHosts
	name  string // of the session cookie
	email string

	mu     sync.Mutex
	toApp  int               // requests to the application since the last walk began, guarded by mu
	toAuth int               // those to AuthKit, guarded by mu
	setNow map[string]string // the session's cookies that the application has set and not taken away, guarded by mu
	last   string            // the Cookie header with them when it last set any, guarded by mu
	since  int               // how many sessions WorkOS had when this browser lost the one that it had, guarded by mu
	others []string          // pages of the application that showed somebody else, guarded by mu
}

// mostRequests is how many requests to the application a walk may take, and how many to AuthKit.
const mostRequests = 8

var errTooMany = errors.New("the browser goes round and round")

func (h *twoHosts) person(t *testing.T, name, email string) *person {
	p := &person{
		Browser: authkittest.NewBrowser(), t: t, hosts: h, name: name, email: email,
		setNow: map[string]string{}, since: len(h.Fake.Sessions()),
	}
	p.Base = p
	p.CheckRedirect = func(*http.Request, []*http.Request) error { return nil } // RoundTrip counts
	t.Cleanup(p.CloseIdleConnections)
	return p
}

// RoundTrip counts the requests, and looks at what the application answers.
func (p *person) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := p.count(r.URL.Host); err != nil {
		return nil, err
	}
	p.hosts.Logs.mayNotTell(r.Header, r.URL)
	resp, err := p.hosts.dialer.RoundTrip(r)
	if err != nil || r.URL.Host != appHost {
		return resp, err
	}
	location, _ := resp.Location()
	p.hosts.Logs.mayNotTell(resp.Header, location)
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	p.look(r.URL.Path, resp.Header["Set-Cookie"], string(body))
	return resp, err
}

func (p *person) count(host string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch host {
	case appHost:
		p.toApp++
	case evilHost:
	default:
		p.toAuth++
	}
	if p.toApp > mostRequests || p.toAuth > mostRequests {
		return errTooMany
	}
	return nil
}

func (p *person) look(path string, lines []string, body string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	set := false
	for _, line := range lines {
		// Only the form in use is the application's session: one with a Domain or another path takes a planted one away.
		if c, err := http.ParseSetCookie(line); err == nil && p.isSession(c.Name) && c.Domain == "" && c.Path == "/" {
			if c.MaxAge < 0 {
				delete(p.setNow, c.Name)
			} else {
				p.setNow[c.Name] = c.Value
				set = true
			}
		}
	}
	if set {
		p.last = p.header()
	}
	for _, email := range []string{Kim, lee, val} {
		if email != p.email && strings.Contains(body, email) {
			p.others = append(p.others, path)
		}
	}
}

// isSession reports whether a cookie is the session, or a part of it.
func (p *person) isSession(name string) bool {
	return name == p.name || strings.HasPrefix(name, p.name+".")
}

// header is the Cookie header of the session. It must be called with the lock held.
func (p *person) header() string {
	var pairs []string
	for name, value := range p.setNow {
		pairs = append(pairs, name+"="+value)
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "; ")
}

// session are the cookies by which the application knows this browser.
func (p *person) session() (cookies []planted) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, value := range p.setNow {
		cookies = append(cookies, planted{name: name, value: value})
	}
	slices.SortFunc(cookies, func(a, b planted) int { return strings.Compare(a.name, b.name) })
	return cookies
}

// copied is the Cookie header of somebody who copied the session when the application last set it.
func (p *person) copied() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// walk goes to an address of the application, follows redirects and AuthKit's forms, and returns where that ends.
func (p *person) walk(address string) *authkittest.Page {
	p.t.Helper()
	p.mu.Lock()
	p.toApp, p.toAuth = 0, 0
	p.mu.Unlock()
	page, err := p.Get(address)
	for err == nil && page.URL.Host != appHost {
		page, err = p.Submit(strings.ToUpper(p.email[:1])+p.email[1:3], nil) // the button with the person's name
	}
	require.NoError(p.t, err)
	return page
}

// arrives walks to the guarded page and holds that the person gets there as themselves; or, where that may be, to a page
// that names the cookie in the way.
func (p *person) arrives(address string, orExplained bool) {
	p.t.Helper()
	page := p.walk(address)
	assert.Empty(p.t, p.others, "a page shows another person")
	if orExplained && page.StatusCode >= 400 && page.StatusCode < 500 {
		assert.Contains(p.t, page.Body, p.name, "the page does not say which cookie is in the way")
		return
	}
	require.Equal(p.t, http.StatusOK, page.StatusCode)
	require.Equal(p.t, appURL+"/account", page.URL.String())
	require.Contains(p.t, page.Body, "page of "+p.email)
}

// plant puts cookies into the browser, each as its own host may: evil.example.test by a page, and app.example.test as
// somebody on the way does who answers in the place of it, which plain http allows.
func (p *person) plant(cookies ...planted) {
	p.t.Helper()
	home, err := url.Parse(appURL + "/")
	require.NoError(p.t, err)
	var lines []string
	for _, c := range cookies {
		cookie := &http.Cookie{Name: c.name, Value: c.value, Domain: c.domain, Path: c.path}
		if c.domain == "example.test" {
			lines = append(lines, cookie.String())
			continue
		}
		p.Jar.SetCookies(home, []*http.Cookie{cookie})
		p.lose(cookie)
	}
	p.hosts.mu.Lock()
	p.hosts.plants = lines
	p.hosts.mu.Unlock()
	_, err = p.Get(evilURL + "/")
	require.NoError(p.t, err)
}

// lose notes that a cookie has taken the place of the session, or of a part of it. The application cannot know of that
// session any more, and WorkOS is not told.
func (p *person) lose(c *http.Cookie) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if was := p.setNow[c.Name]; c.Path == "/" && was != "" && was != c.Value {
		delete(p.setNow, c.Name)
		p.since = len(p.hosts.Fake.Sessions())
	}
}

// signOut posts the sign-out form, and goes through AuthKit's logout.
func (p *person) signOut() {
	p.t.Helper()
	p.mu.Lock()
	p.toApp, p.toAuth = 0, 0
	p.mu.Unlock()
	resp, err := p.Post(appURL+"/logout", "application/x-www-form-urlencoded", nil)
	require.NoError(p.t, err)
	defer resp.Body.Close()
	assert.Equal(p.t, http.StatusOK, resp.StatusCode)
	assert.Equal(p.t, appURL+"/", resp.Request.URL.String())
}
