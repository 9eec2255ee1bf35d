// One process of an application over HTTP: requests, sign-ins, and whom it takes a request for.

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

// The people at AuthKit. The victim is kim; val has a token that fills several cookies.
const (
	Kim = "kim@example.com"
	lee = "lee@example.com"
	val = "val@example.com"
)

func people() authkittest.Option {
	acme := []authkittest.Membership{{OrganizationID: "org_acme", Role: "admin", Permissions: []string{"posts:write"}}}
	return authkittest.WithUsers(
		authkittest.User{ID: "user_kim", Email: Kim, FirstName: "Kim", Memberships: acme},
		authkittest.User{ID: "user_lee", Email: lee, FirstName: "Lee"},
		authkittest.User{ID: "user_val", Email: val, FirstName: "Val", Claims: map[string]any{"padding": randomText(4200)}},
	)
}

// The names of the cookies, where they cross plain http.
const (
	sessionCookie = "authkit-session"
	statePrefix   = "authkit-state-"
)

// Instance is one running process of an application, with the fake AuthKit behind it, as one test sees it.
type Instance struct {
	T        testing.TB
	URL      string // http://localhost:port, or https://127.0.0.1:port
	Password string // of its cookies
	Fake     *authkittest.Server
	Logs     *Log
	target   Target            // what it is an instance of, zero for an App
	client   http.RoundTripper // goes to it
	// atAuthKit are the browsers in which people sign in, by their address: AuthKit knows them when they come again.
	atAuthKit map[string]*authkittest.Browser
}

func newPassword() string { return rand.Text() + rand.Text() }

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

// Send sends a request, and ends the test where there is no response.
func (a *Instance) Send(q Request) Response {
	a.T.Helper()
	resp, err := a.Do(q)
	require.NoError(a.T, err)
	return resp
}

// Do is Send for goroutines that must not end the test.
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
	a.Logs.mayNotTell(r.Header, r.URL)
	resp, err := a.client.RoundTrip(r)
	if err != nil {
		return Response{}, err
	}
	return a.read(resp)
}

// raw sends a request that no client library would let out: its first line and its header.
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

func (a *Instance) read(resp *http.Response) (Response, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	location, _ := resp.Location()
	a.Logs.mayNotTell(resp.Header, location)
	return Response{resp.StatusCode, resp.Header, string(body)}, err
}

// session is the Cookie header with the session that a response sets, or "".
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

// begin goes to a page that leads into sign-in, and through AuthKit, and stops short of the callback.
func (a *Instance) BeginAs(path, email string) PendingSignIn {
	a.T.Helper()
	return a.goOn(a.Send(Request{Target: path, Header: Navigation()}), email)
}

// goOn is begin from the response that leads into sign-in.
func (a *Instance) goOn(resp Response, email string) PendingSignIn {
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
	a.Logs.mayNotTell(nil, callback)
	return PendingSignIn{callback, states[0]}
}

// finish brings a sign-in back, in the browser that began it.
func (a *Instance) finish(s PendingSignIn) Response {
	a.T.Helper()
	return a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
}

// signIn is the Cookie header of somebody who has signed in.
func (a *Instance) signIn(email string) (cookie string) {
	a.T.Helper()
	resp := a.finish(a.BeginAs("/login", email))
	require.Equal(a.T, http.StatusSeeOther, resp.Status, resp.Body)
	cookie = resp.session(a.T)
	require.Equal(a.T, email, a.visitor(cookie))
	return cookie
}

// visitor is the address of whom the application takes a request with a cookie for, "" for nobody. Nothing but those
// two is an answer: no cookie makes it fail.
func (a *Instance) visitor(cookie string) string {
	a.T.Helper()
	return a.visitorOf(a.Send(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()}))
}

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
	if me.User.Email == "" { // a bearer token has no profile
		return me.User.ID
	}
	return me.User.Email
}

// isNobody holds a Cookie header against what is promised of one that is no session: it is nobody's, no page fails over
// it, and it stays where it is.
func (a *Instance) isNobody(cookie string, why ...any) {
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
