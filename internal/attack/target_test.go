// The application under attack: what comes to it, what it answers, and what its log may not tell.

package attack_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// The people at AuthKit. The victim is kim; val has a token that fills several cookies.
const (
	kim = "kim@example.com"
	lee = "lee@example.com"
	val = "val@example.com"
)

func people() authkittest.Option {
	acme := []authkittest.Membership{{OrganizationID: "org_acme", Role: "admin", Permissions: []string{"posts:write"}}}
	return authkittest.WithUsers(
		authkittest.User{ID: "user_kim", Email: kim, FirstName: "Kim", Memberships: acme},
		authkittest.User{ID: "user_lee", Email: lee, FirstName: "Lee"},
		authkittest.User{ID: "user_val", Email: val, FirstName: "Val", Claims: map[string]any{"padding": incompressible(4200)}},
	)
}

// The names of the cookies, where they cross plain http.
const (
	sessionCookie = "authkit-session"
	statePrefix   = "authkit-state-"
)

// target is an application under attack, and the fake AuthKit that stands behind it.
type target struct {
	t        *testing.T
	name     string
	url      string // http://localhost:port
	password string // of its cookies
	fake     *authkittest.Server
	logs     *log
	// atAuthKit are the browsers in which people sign in, by their address: AuthKit knows them when they come again.
	atAuthKit map[string]*authkittest.Browser
}

func newPassword() string { return rand.Text() + rand.Text() }

// everywhere runs an attack against both examples as programs and against the minimal application.
func everywhere(t *testing.T, attack func(*testing.T, *target)) {
	t.Helper()
	for _, example := range []string{"stdlib", "chi"} {
		t.Run(example, func(t *testing.T) { attack(t, running(t, example)) })
	}
	t.Run("minimal", func(t *testing.T) { attack(t, newMinimal(t).target) })
}

// request is sent as it is; redirects are not followed.
type request struct {
	method, path string // GET, if there is no method
	header       http.Header
	cookie       string
	form         url.Values // sent as a body, if there is one
}

type response struct {
	status int
	header http.Header
	body   string
}

// navigation is the header of a browser that loads a page.
func navigation() http.Header {
	return http.Header{"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Accept": {"text/html"}}
}

// scripted is the header of a script's fetch.
func scripted() http.Header {
	return http.Header{"Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"}, "Accept": {"*/*"}}
}

func bearer(token string) http.Header { return with(scripted(), "Authorization", "Bearer "+token) }

// with is a header with one more field.
func with(h http.Header, name, value string) http.Header {
	h = maps.Clone(h)
	h[http.CanonicalHeaderKey(name)] = []string{value}
	return h
}

// direct is a transport that goes to nobody but whom it is told to, whatever the environment says of proxies.
var direct = func() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil
	return t
}()

func (a *target) send(q request) response {
	a.t.Helper()
	resp, err := a.do(q)
	require.NoError(a.t, err)
	return resp
}

// do is send for goroutines that cannot end the test.
func (a *target) do(q request) (response, error) {
	if q.method == "" {
		q.method = http.MethodGet
	}
	var body io.Reader
	if q.form != nil {
		body = strings.NewReader(q.form.Encode())
	}
	r, err := http.NewRequest(q.method, a.url+q.path, body)
	if err != nil {
		return response{}, err
	}
	maps.Copy(r.Header, q.header)
	r.Host = q.header.Get("Host")
	if q.form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if q.cookie != "" {
		r.Header.Set("Cookie", q.cookie)
	}
	a.logs.mayNotTell(r.Header, r.URL)
	resp, err := direct.RoundTrip(r)
	if err != nil {
		return response{}, err
	}
	return a.read(resp)
}

// raw sends a request that no client library would let out: its first line and its header.
func (a *target) raw(lines ...string) response {
	a.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.url, "http://"))
	require.NoError(a.t, err)
	defer conn.Close()
	lines = append(lines, "Connection: close", "", "")
	_, err = io.WriteString(conn, strings.Join(lines, "\r\n"))
	require.NoError(a.t, err)
	method, _, _ := strings.Cut(lines[0], " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	require.NoError(a.t, err)
	read, err := a.read(resp)
	require.NoError(a.t, err)
	return read
}

func (a *target) read(resp *http.Response) (response, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	location, _ := resp.Location()
	a.logs.mayNotTell(resp.Header, location)
	return response{resp.StatusCode, resp.Header, string(body)}, err
}

// setCookies are the cookies that a response sets, by name: in the form that the
// application uses, which comes after the expiry of other forms.
func (r response) setCookies(t testing.TB) map[string]*http.Cookie {
	t.Helper()
	cookies := map[string]*http.Cookie{}
	forms := map[string]bool{}
	for _, line := range r.header["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		require.NoError(t, err)
		form := c.Name + " " + c.Domain + " " + c.Path
		require.False(t, forms[form], "two Set-Cookie for %s", form)
		forms[form] = true
		if cookies[c.Name] == nil || c.Path == "/" {
			cookies[c.Name] = c
		}
	}
	return cookies
}

// session is the Cookie header with the session that a response sets, or "".
func (r response) session(t testing.TB) string {
	t.Helper()
	var pairs []string
	for name, c := range r.setCookies(t) {
		if strings.HasPrefix(name, sessionCookie) && c.MaxAge >= 0 {
			pairs = append(pairs, name+"="+c.Value)
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "; ")
}

// underWay is a sign-in between the application and its callback: what came back from AuthKit, and the cookie.
type underWay struct {
	callback url.Values
	cookie   string
}

func (s underWay) path() string { return "/callback?" + s.callback.Encode() }

func (s underWay) state() string { return s.callback.Get("state") }

// with is the callback with one parameter changed, or taken out.
func (s underWay) with(name, value string) string {
	query := maps.Clone(s.callback)
	query.Set(name, value)
	if value == "" {
		query.Del(name)
	}
	return "/callback?" + query.Encode()
}

// begin goes to a page that leads into sign-in, and through AuthKit, and stops short of the callback.
func (a *target) begin(path, email string) underWay {
	a.t.Helper()
	return a.goOn(a.send(request{path: path, header: navigation()}), email)
}

// goOn is begin from the response that leads into sign-in.
func (a *target) goOn(resp response, email string) underWay {
	a.t.Helper()
	require.Equal(a.t, http.StatusSeeOther, resp.status, resp.body)
	location := resp.header.Get("Location")
	require.True(a.t, strings.HasPrefix(location, a.fake.URL()+"/user_management/authorize?"), location)
	var states []string
	for name, c := range resp.setCookies(a.t) {
		if strings.HasPrefix(name, statePrefix) && c.MaxAge > 0 {
			states = append(states, name+"="+c.Value)
		}
	}
	require.Len(a.t, states, 1)
	b := a.atAuthKit[email]
	if b == nil {
		b = authkittest.NewBrowser()
		a.atAuthKit[email] = b
	}
	var callback *url.URL
	b.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if "http://"+r.URL.Host == a.url {
			callback = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}
	_, err := b.SignIn(location, email)
	require.NotNil(a.t, callback, "AuthKit did not send the browser back: %v", err)
	require.Equal(a.t, "/callback", callback.Path)
	a.logs.mayNotTell(nil, callback)
	return underWay{callback.Query(), states[0]}
}

// finish brings a sign-in back, in the browser that began it.
func (a *target) finish(s underWay) response {
	a.t.Helper()
	return a.send(request{path: s.path(), cookie: s.cookie, header: navigation()})
}

// signIn is the Cookie header of somebody who has signed in.
func (a *target) signIn(email string) (cookie string) {
	a.t.Helper()
	resp := a.finish(a.begin("/login", email))
	require.Equal(a.t, http.StatusSeeOther, resp.status, resp.body)
	cookie = resp.session(a.t)
	require.Equal(a.t, email, a.visitor(cookie))
	return cookie
}

// visitor is the address of whom the application takes a request with a cookie for, "" for nobody. Nothing but those
// two is an answer: no cookie makes it fail.
func (a *target) visitor(cookie string) string {
	a.t.Helper()
	return a.visitorOf(a.send(request{path: "/api/me", cookie: cookie, header: scripted()}))
}

func (a *target) visitorOf(resp response) string {
	a.t.Helper()
	if resp.status == http.StatusUnauthorized {
		assert.Equal(a.t, "application/problem+json", resp.header.Get("Content-Type"))
		return ""
	}
	require.Equal(a.t, http.StatusOK, resp.status, resp.body)
	var me struct{ User struct{ ID, Email string } }
	require.NoError(a.t, json.Unmarshal([]byte(resp.body), &me))
	require.NotEmpty(a.t, me.User.ID)
	if me.User.Email == "" { // a bearer token has no profile
		return me.User.ID
	}
	return me.User.Email
}

// isNobody holds a Cookie header against what is promised of one that is no session: it is nobody's, no page fails over
// it, and it stays where it is.
func (a *target) isNobody(cookie string, why ...any) {
	a.t.Helper()
	for _, path := range []string{"/api/me", "/"} {
		resp := a.send(request{path: path, cookie: cookie, header: scripted()})
		if path == "/" {
			assert.Equal(a.t, http.StatusOK, resp.status, why...)
		} else {
			assert.Equal(a.t, http.StatusUnauthorized, resp.status, why...)
		}
		assert.NotContains(a.t, resp.body, "@example.com", why...)
		assert.Empty(a.t, resp.header["Set-Cookie"], why...)
	}
}

// log is what the application under attack writes, and what must not be in it.
type log struct {
	mu      sync.Mutex // guards what follows
	text    bytes.Buffer
	secrets map[string]bool // how they begin
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// has reports whether the log has a text since it was last asked for its faults.
func (l *log) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Contains(l.text.Bytes(), []byte(text))
}

// shortestSecret keeps words such as "x" and "none", which a test plays a secret with, from being looked for.
const shortestSecret = 20

// mayNotTell remembers the secrets of a message: its cookies, its credentials, its code and its state.
func (l *log) mayNotTell(h http.Header, u *url.URL) {
	var secrets []string
	for _, line := range slices.Concat(h["Cookie"], h["Set-Cookie"]) {
		for pair := range strings.SplitSeq(line, ";") {
			_, value, _ := strings.Cut(pair, "=")
			secrets = append(secrets, value)
		}
	}
	for _, line := range h["Authorization"] {
		_, token, _ := strings.Cut(line, " ")
		secrets = append(secrets, token)
	}
	if u != nil {
		secrets = append(secrets, u.Query().Get("code"), u.Query().Get("state"))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, secret := range secrets {
		l.keep(secret)
	}
}

// keep remembers the beginning of a secret: an error may quote so much and cut the rest.
func (l *log) keep(secret string) {
	if len(secret) >= shortestSecret {
		l.secrets[secret[:shortestSecret]] = true
	}
}

// faults are what is wrong with the log since it was last asked.
func (l *log) faults() (faults []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text.String()
	l.text.Reset()
	if strings.Contains(text, "panic") {
		faults = append(faults, "the application panicked: "+text)
	}
	for secret := range l.secrets {
		if strings.Contains(text, secret) {
			faults = append(faults, "the log tells a secret that begins with "+secret[:8])
		}
	}
	return faults
}

func newLog(secrets ...string) *log {
	l := &log{secrets: map[string]bool{}}
	for _, secret := range secrets {
		l.keep(secret)
	}
	return l
}
