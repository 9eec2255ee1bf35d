// One process of an application: requests to it over HTTP, sign-ins, and the user that it sees in a request.

package behaviour

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// The email addresses of the users at the fake AuthKit. Kim is the victim of the attacks. The session of val fills several
// cookies.
const (
	Kim = "kim@example.com"
	lee = "lee@example.com"
	val = "val@example.com"
)

// testUsers returns the users kim, lee and val. Kim is an admin of org_acme.
func testUsers() authkittest.Option {
	acme := []authkittest.Membership{{OrganizationID: "org_acme", Role: "admin", Permissions: []string{"posts:write"}}}
	return authkittest.WithUsers(
		authkittest.User{ID: "user_kim", Email: Kim, FirstName: "Kim", Memberships: acme},
		authkittest.User{ID: "user_lee", Email: lee, FirstName: "Lee"},
		authkittest.User{ID: "user_val", Email: val, FirstName: "Val", Claims: map[string]any{"padding": randomText(6000)}},
	)
}

// The cookie names of an application over plain HTTP.
const (
	sessionCookie = "authkit-session"
	statePrefix   = "authkit-state-"
)

// Instance is one running process of an application and its fake AuthKit.
type Instance struct {
	T        testing.TB
	URL      string // http://localhost:port, or https://127.0.0.1:port
	Password string // the cookie password
	Fake     *authkittest.Server
	Logs     *Log
	target   Target            // the zero value for an App
	client   http.RoundTripper // sends requests to the application
	// atAuthKit holds the browser of each user at AuthKit, by email address. It keeps the user's AuthKit session between
	// sign-ins.
	atAuthKit map[string]*authkittest.Browser
}

// newPassword returns a random cookie password.
func newPassword() string { return rand.Text() + rand.Text() }

// with returns a copy of a header in which one field has this value.
func with(h http.Header, name, value string) http.Header {
	h = maps.Clone(h)
	h[http.CanonicalHeaderKey(name)] = []string{value}
	return h
}

// direct is a transport that ignores the proxy settings of the environment.
var direct = func() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil
	return t
}()

// CloseIdleConnections closes the connections to the targets of Run that no request uses, so that a target that ends does not
// wait for them.
func CloseIdleConnections() { direct.CloseIdleConnections() }

// Send sends a request and returns the response. It ends the test on an error.
func (a *Instance) Send(q Request) Response {
	a.T.Helper()
	resp, err := a.Do(q)
	require.NoError(a.T, err)
	return resp
}

// Do sends a request and returns the response. Goroutines use it, because only the goroutine of a test may end it.
func (a *Instance) Do(q Request) (Response, error) {
	if q.Method == "" {
		q.Method = http.MethodGet
	}
	var body io.Reader
	if q.Form != nil {
		body = strings.NewReader(q.Form.Encode())
	}
	r, err := http.NewRequest(q.Method, a.URL+q.Target, body)
	if err != nil {
		return Response{}, err
	}
	maps.Copy(r.Header, q.Header)
	r.Host = q.Header.Get("Host")
	if q.Form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if q.Cookie != "" {
		r.Header.Set("Cookie", q.Cookie)
	}
	a.Logs.addSecrets(r.Header, r.URL)
	resp, err := a.client.RoundTrip(r)
	if err != nil {
		return Response{}, err
	}
	return a.read(resp)
}

// raw sends a request line and header lines as they are. It is for requests that net/http does not send.
func (a *Instance) raw(lines ...string) Response {
	a.T.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.URL, "http://"))
	require.NoError(a.T, err)
	defer conn.Close()
	lines = append(lines, "Connection: close", "", "")
	_, err = io.WriteString(conn, strings.Join(lines, "\r\n"))
	require.NoError(a.T, err)
	method, _, _ := strings.Cut(lines[0], " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	require.NoError(a.T, err)
	read, err := a.read(resp)
	require.NoError(a.T, err)
	return read
}

// read reads and closes a response. Its secrets must not be in the log from now on.
func (a *Instance) read(resp *http.Response) (Response, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	location, _ := resp.Location()
	a.Logs.addSecrets(resp.Header, location)
	return Response{resp.StatusCode, resp.Header, string(body)}, err
}

// session returns the Cookie header of the session that a response sets, or "".
func (r Response) session(t testing.TB) string {
	t.Helper()
	var pairs []string
	for name, c := range r.SetCookies(t) {
		if strings.HasPrefix(name, sessionCookie) && c.MaxAge >= 0 {
			pairs = append(pairs, name+"="+c.Value)
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "; ")
}

// StartSignInAs requests a page that redirects to sign-in and signs in at AuthKit. It returns before the callback is
// requested.
func (a *Instance) StartSignInAs(path, email string) PendingSignIn {
	a.T.Helper()
	return a.continueSignIn(a.Send(Request{Target: path, Header: Navigation()}), email)
}

// continueSignIn is StartSignInAs for a response that redirects to sign-in.
func (a *Instance) continueSignIn(resp Response, email string) PendingSignIn {
	a.T.Helper()
	require.Equal(a.T, http.StatusSeeOther, resp.Status, resp.Body)
	location := resp.Header.Get("Location")
	require.True(a.T, strings.HasPrefix(location, a.Fake.URL()+"/user_management/authorize?"), location)
	var states []string
	for name, c := range resp.SetCookies(a.T) {
		if strings.HasPrefix(name, statePrefix) && c.MaxAge > 0 {
			states = append(states, name+"="+c.Value)
		}
	}
	require.Len(a.T, states, 1)
	b := a.atAuthKit[email]
	if b == nil {
		b = authkittest.NewBrowser()
		a.atAuthKit[email] = b
	}
	var callback *url.URL
	b.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), a.URL+"/") {
			callback = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}
	_, err := b.SignIn(location, email)
	require.NotNil(a.T, callback, "AuthKit did not send the browser back: %v", err)
	require.Equal(a.T, "/callback", callback.Path)
	a.Logs.addSecrets(nil, callback)
	return PendingSignIn{callback, states[0]}
}

// finishSignIn requests the callback of a sign-in with its state cookie.
func (a *Instance) finishSignIn(s PendingSignIn) Response {
	a.T.Helper()
	return a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
}

// signIn signs a user in and returns the Cookie header of the session.
func (a *Instance) signIn(email string) (cookie string) {
	a.T.Helper()
	resp := a.finishSignIn(a.StartSignInAs("/login", email))
	require.Equal(a.T, http.StatusSeeOther, resp.Status, resp.Body)
	cookie = resp.session(a.T)
	require.Equal(a.T, email, a.visitor(cookie))
	return cookie
}

// visitor returns the email address of the user that the application sees in a request with this Cookie header, or "" for an
// anonymous request. Any response other than 200 and 401 ends the test.
func (a *Instance) visitor(cookie string) string {
	a.T.Helper()
	return a.visitorOf(a.Send(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()}))
}

// visitorOf is visitor for a response of /api/me. For a bearer token, which has no profile, it returns the user ID.
func (a *Instance) visitorOf(resp Response) string {
	a.T.Helper()
	if resp.Status == http.StatusUnauthorized {
		assert.Equal(a.T, "application/problem+json", resp.Header.Get("Content-Type"))
		return ""
	}
	require.Equal(a.T, http.StatusOK, resp.Status, resp.Body)
	var me struct{ User struct{ ID, Email string } }
	require.NoError(a.T, json.Unmarshal([]byte(resp.Body), &me))
	require.NotEmpty(a.T, me.User.ID)
	if me.User.Email == "" {
		return me.User.ID
	}
	return me.User.Email
}

// checkAnonymous checks that a request with this Cookie header is anonymous: no page fails, no page shows a user, and no
// cookie is set or expired.
func (a *Instance) checkAnonymous(cookie string, why ...any) {
	a.T.Helper()
	for _, path := range []string{"/api/me", "/"} {
		resp := a.Send(Request{Target: path, Cookie: cookie, Header: Scripted()})
		if path == "/" {
			assert.Equal(a.T, http.StatusOK, resp.Status, why...)
		} else {
			assert.Equal(a.T, http.StatusUnauthorized, resp.Status, why...)
		}
		assert.NotContains(a.T, resp.Body, "@example.com", why...)
		assert.Empty(a.T, resp.Header["Set-Cookie"], why...)
	}
}
