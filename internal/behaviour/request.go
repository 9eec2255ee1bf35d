// One request and its response, without a browser: nothing is followed and nothing is kept.

package behaviour

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Request is one request of no browser, sent as it is; redirects are not
// followed.
type Request struct {
	Method, Target string
	Header         http.Header
	Cookie         string
	Form           url.Values // sent as a body if there is one
}

// Navigation is the header of a browser that loads a page.
func Navigation() http.Header {
	return http.Header{"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Accept": {"text/html"}}
}

// Scripted is the header of a script's fetch.
func Scripted() http.Header {
	return http.Header{"Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"}, "Accept": {"*/*"}}
}

type Response struct {
	Status int
	Header http.Header
	Body   string
}

// Direct calls one handler, without the application around it.
func (a *App) Direct(h http.Handler, q Request) Response {
	r := httptest.NewRequest(q.Method, q.Target, strings.NewReader(q.Form.Encode()))
	for name, values := range q.Header {
		r.Header[name] = values
	}
	r.Header.Set("Cookie", q.Cookie)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return Response{w.Code, w.Header(), w.Body.String()}
}

// SetCookies are the cookies that a response sets, by name: in the form that
// the application uses, which comes after the expiry of other forms. No response
// may set one cookie twice.
func (r Response) SetCookies(t testing.TB) map[string]*http.Cookie {
	t.Helper()
	cookies := map[string]*http.Cookie{}
	forms := map[string]bool{}
	for _, line := range r.Header["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		require.NoError(t, err)
		form := c.Name + " " + c.Domain + " " + c.Path
		require.False(t, forms[form], "two Set-Cookie for %s", form)
		forms[form] = true
		if before := cookies[c.Name]; before == nil || c.Path == "/" {
			cookies[c.Name] = c
		}
	}
	return cookies
}

// cookieOf is the one cookie that a response sets whose name begins with a
// prefix, for those whose names hold a hash. It is nil where there is none.
func (r Response) cookieOf(t testing.TB, prefix string) (found *http.Cookie) {
	t.Helper()
	for name, c := range r.SetCookies(t) {
		if strings.HasPrefix(name, prefix) {
			require.Nil(t, found, "two cookies begin with %s", prefix)
			found = c
		}
	}
	return found
}

// NewCookie is the Cookie header after a response, for a session of one cookie.
func (r Response) NewCookie(t testing.TB) string {
	t.Helper()
	c := r.SetCookies(t)["authkit-session"]
	require.NotNil(t, c, "no session cookie was set")
	return c.Name + "=" + c.Value
}

func (r Response) Location() (*url.URL, error) { return url.Parse(r.Header.Get("Location")) }

func (r Response) Problem(t testing.TB) map[string]any {
	t.Helper()
	require.Equal(t, "application/problem+json", r.Header.Get("Content-Type"))
	var problem map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.Body), &problem))
	return problem
}

// expiredForms are the cookies that a response expires: name, Domain and Path.
func (r Response) expiredForms(t testing.TB) (forms []string) {
	t.Helper()
	for _, line := range r.Header["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		require.NoError(t, err)
		if c.MaxAge < 0 {
			forms = append(forms, c.Name+" "+c.Domain+" "+c.Path)
			assert.True(t, c.HttpOnly)
			assert.Empty(t, c.Value)
		}
	}
	return forms
}

// sessionCookies are the session cookies that a response gives a value.
func (r Response) sessionCookies(t *testing.T) (names []string, header string) {
	t.Helper()
	var pairs []string
	for name, c := range r.SetCookies(t) {
		if strings.HasPrefix(name, "authkit-session") && c.Value != "" {
			names = append(names, name)
			pairs = append(pairs, name+"="+c.Value)
		}
	}
	slices.Sort(names)
	return names, strings.Join(pairs, "; ")
}

func Bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// SendAside sends a request on a goroutine of its own.
func (a *App) SendAside(q Request) chan Response {
	answered := make(chan Response, 1)
	go func() {
		defer close(answered)
		if resp, err := a.Do(q); assert.NoError(a.T, err) {
			answered <- resp
		}
	}()
	return answered
}
