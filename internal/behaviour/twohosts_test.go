// An application whose domain has a second host, which an attacker controls.

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

// twoHosts is an application at http://app.example.test, which runs as two instances with one cookie password, and the
// attacker's page at http://evil.example.test.
type twoHosts struct {
	*App
	other  *App // the second instance
	dialer *http.Transport

	mu     sync.Mutex
	plants []string // the Set-Cookie lines of the attacker's page, guarded by mu
}

func newTwoHosts(t *testing.T, opts ...authkit.Option) *twoHosts {
	t.Helper()
	clock := authkittest.NewFakeClock(Start)
	fake := authkittest.New(t, testUsers(), authkittest.WithClock(clock),
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
		if actual := addresses[address]; actual != "" {
			address = actual
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	t.Cleanup(h.dialer.CloseIdleConnections)
	return h
}

// hostUser is a user with a browser, and what the test observes of that browser.
type hostUser struct {
	*authkittest.Browser
	t     *testing.T
	hosts *twoHosts
	name  string // of the session cookie, without a chunk number
	email string

	mu      sync.Mutex
	toApp   int               // requests to the application since the last call of open, guarded by mu
	toAuth  int               // requests to AuthKit since the last call of open, guarded by mu
	current map[string]string // the session cookies that the application has set and not expired, guarded by mu
	last    string            // the Cookie header of the session when the application last set it, guarded by mu
	since   int               // the number of sessions at WorkOS when this browser last lost its session, guarded by mu
	others  []string          // paths of pages that showed another user, guarded by mu
}

// maxRequests is the limit of one call of open: as many requests to the application, and as many to AuthKit.
const maxRequests = 8

var errTooMany = errors.New("the browser is in a redirect loop")

// newUser returns a user with a new browser. The name is that of the session cookie.
func (h *twoHosts) newUser(t *testing.T, name, email string) *hostUser {
	p := &hostUser{
		Browser: authkittest.NewBrowser(), t: t, hosts: h, name: name, email: email,
		current: map[string]string{}, since: len(h.Fake.Sessions()),
	}
	p.Base = p
	p.CheckRedirect = func(*http.Request, []*http.Request) error { return nil } // RoundTrip limits the requests
	t.Cleanup(p.CloseIdleConnections)
	return p
}

// RoundTrip counts the requests and inspects the responses of the application.
func (p *hostUser) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := p.count(r.URL.Host); err != nil {
		return nil, err
	}
	p.hosts.Logs.addSecrets(r.Header, r.URL)
	resp, err := p.hosts.dialer.RoundTrip(r)
	if err != nil || r.URL.Host != appHost {
		return resp, err
	}
	location, _ := resp.Location()
	p.hosts.Logs.addSecrets(resp.Header, location)
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	p.inspect(r.URL.Path, resp.Header["Set-Cookie"], string(body))
	return resp, err
}

// count counts a request. It returns an error if there are too many.
func (p *hostUser) count(host string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch host {
	case appHost:
		p.toApp++
	case evilHost:
	default:
		p.toAuth++
	}
	if p.toApp > maxRequests || p.toAuth > maxRequests {
		return errTooMany
	}
	return nil
}

// inspect records the session cookies that a response sets or expires, and whether its page shows another user.
func (p *hostUser) inspect(path string, lines []string, body string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	set := false
	for _, line := range lines {
		// The application sets its session without a Domain and with the path "/". Other forms only expire planted cookies.
		if c, err := http.ParseSetCookie(line); err == nil && p.isSession(c.Name) && c.Domain == "" && c.Path == "/" {
			if c.MaxAge < 0 {
				delete(p.current, c.Name)
			} else {
				p.current[c.Name] = c.Value
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

// isSession reports whether a name is that of the session cookie or of one of its chunks.
func (p *hostUser) isSession(name string) bool {
	return name == p.name || strings.HasPrefix(name, p.name+".")
}

// header returns the Cookie header of the session. The caller must hold the lock.
func (p *hostUser) header() string {
	var pairs []string
	for name, value := range p.current {
		pairs = append(pairs, name+"="+value)
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "; ")
}

// session returns the session cookies of this browser.
func (p *hostUser) session() (cookies []plantedCookie) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, value := range p.current {
		cookies = append(cookies, plantedCookie{name: name, value: value})
	}
	slices.SortFunc(cookies, func(a, b plantedCookie) int { return strings.Compare(a.name, b.name) })
	return cookies
}

// copiedCookies returns the Cookie header of the session as the application last set it. An attacker may have copied it
// then.
func (p *hostUser) copiedCookies() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// open opens a URL of the application, follows redirects, submits the forms of AuthKit, and returns the last page.
func (p *hostUser) open(address string) *authkittest.Page {
	p.t.Helper()
	p.mu.Lock()
	p.toApp, p.toAuth = 0, 0
	p.mu.Unlock()
	page, err := p.Get(address)
	for err == nil && page.URL.Host != appHost {
		page, err = p.Submit(strings.ToUpper(p.email[:1])+p.email[1:3], nil) // the button with the name of the user
	}
	require.NoError(p.t, err)
	return page
}

// checkAccount opens the guarded page and checks that it shows this user. If orExplained is set, an error page that names
// the session cookie is accepted as well.
func (p *hostUser) checkAccount(address string, orExplained bool) {
	p.t.Helper()
	page := p.open(address)
	assert.Empty(p.t, p.others, "a page shows another user")
	if orExplained && page.StatusCode >= 400 && page.StatusCode < 500 {
		assert.Contains(p.t, page.Body, p.name, "the error page does not name the cookie")
		return
	}
	require.Equal(p.t, http.StatusOK, page.StatusCode)
	require.Equal(p.t, appURL+"/account", page.URL.String())
	require.Contains(p.t, page.Body, "page of "+p.email)
}

// plant sets cookies in the browser. The attacker's page sets those for the Domain example.test. Those for the host
// app.example.test are set as a network attacker can, who answers in its place over plain http.
func (p *hostUser) plant(cookies ...plantedCookie) {
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
		p.recordLoss(cookie)
	}
	p.hosts.mu.Lock()
	p.hosts.plants = lines
	p.hosts.mu.Unlock()
	_, err = p.Get(evilURL + "/")
	require.NoError(p.t, err)
}

// recordLoss records that a planted cookie has replaced the session or one of its chunks. The application no longer receives
// that session, so it cannot end it at WorkOS.
func (p *hostUser) recordLoss(c *http.Cookie) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if old := p.current[c.Name]; c.Path == "/" && old != "" && old != c.Value {
		delete(p.current, c.Name)
		p.since = len(p.hosts.Fake.Sessions())
	}
}

// signOut posts the sign-out form and follows the redirects through the logout page of AuthKit.
func (p *hostUser) signOut() {
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
