// Single requests and their responses, without a browser: redirects are not followed and cookies are not stored.

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

// Request is a single HTTP request. It is sent unchanged, and redirects are not followed.
type Request struct {
	Method, Target string
	Header         http.Header
	Cookie         string
	Form           url.Values // the body of the request, if not nil
}

// Navigation returns the header with which a browser loads a page.
func Navigation() http.Header {
	return http.Header{"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Accept": {"text/html"}}
}

// Scripted returns the header of a fetch by a script.
func Scripted() http.Header {
	return http.Header{"Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"}, "Accept": {"*/*"}}
}

// Response is the response to a Request.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

// ServeDirectly calls a single handler, without the application around it.
func (a *App) ServeDirectly(h http.Handler, q Request) Response {
	r := httptest.NewRequest(q.Method, q.Target, strings.NewReader(q.Form.Encode()))
	for name, values := range q.Header {
		r.Header[name] = values
	}
	r.Header.Set("Cookie", q.Cookie)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return Response{w.Code, w.Header(), w.Body.String()}
}

// SetCookies returns the cookies that a response sets, by name. A response may also expire other forms of a cookie, with
// another Domain or Path. Then the result has the form that the application uses. The test fails if a response sets the
// same cookie twice.
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

// cookieOf returns the only cookie that a response sets whose name begins with prefix, or nil. It is meant for cookies
// whose names contain a hash.
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

// NewCookie returns the Cookie header after a response that sets the session as a single cookie.
func (r Response) NewCookie(t testing.TB) string {
	t.Helper()
	c := r.SetCookies(t)["authkit-session"]
	require.NotNil(t, c, "no session cookie was set")
	return c.Name + "=" + c.Value
}

// Location returns the parsed Location header.
func (r Response) Location() (*url.URL, error) { return url.Parse(r.Header.Get("Location")) }

// Problem returns the problem document of a response (RFC 9457).
func (r Response) Problem(t testing.TB) map[string]any {
	t.Helper()
	require.Equal(t, "application/problem+json", r.Header.Get("Content-Type"))
	var problem map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.Body), &problem))
	return problem
}

// expiredForms returns the name, Domain and Path of each cookie that a response expires.
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

// sessionCookies returns the session cookies to which a response gives a value: their names, and the Cookie header with
// them.
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

// Bearer returns the header of a request with a bearer token.
func Bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// SendAsync sends a request in a new goroutine. The response is sent to the channel that it returns.
func (a *App) SendAsync(q Request) chan Response {
	responses := make(chan Response, 1)
	go func() {
		defer close(responses)
		if resp, err := a.Do(q); assert.NoError(a.T, err) {
			responses <- resp
		}
	}()
	return responses
}
