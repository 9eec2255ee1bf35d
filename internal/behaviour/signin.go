// Pending sign-ins, between Login and Callback, in clients that are no browsers.

package behaviour

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// PendingSignIn is a sign-in between Login and Callback: the callback URL to which AuthKit redirected, and the Cookie header
// with its state cookie.
type PendingSignIn struct {
	Callback *url.URL
	Cookie   string
}

// Target returns the path and the query of the callback.
func (s PendingSignIn) Target() string { return s.Callback.RequestURI() }

// State returns the state in the callback.
func (s PendingSignIn) State() string { return s.Callback.Query().Get("state") }

// With returns the target of the callback with another value of one parameter. An empty value removes the parameter.
func (s PendingSignIn) With(name, value string) string {
	query := s.Callback.Query()
	query.Del(name)
	if value != "" {
		query.Set(name, value)
	}
	return "/callback?" + query.Encode()
}

// StartSignIn starts a sign-in at a target and signs kim in at AuthKit. It does not send the callback.
func (a *App) StartSignIn(target string) PendingSignIn {
	a.T.Helper()
	resp := a.Send(Request{Target: target, Header: Navigation()})
	require.Equal(a.T, http.StatusSeeOther, resp.Status, resp.Body)
	var cookies []string
	for name, c := range resp.SetCookies(a.T) {
		require.True(a.T, strings.HasPrefix(name, "authkit-state-"), name)
		cookies = append(cookies, name+"="+c.Value)
	}
	require.Len(a.T, cookies, 1)

	atAuthKit := authkittest.NewBrowser()
	defer atAuthKit.CloseIdleConnections()
	var callback *url.URL
	atAuthKit.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), a.URL) {
			callback = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}
	_, err := atAuthKit.SignIn(resp.Header.Get("Location"), Kim)
	require.NotNil(a.T, callback, "AuthKit did not send the browser back: %v", err)
	return PendingSignIn{callback, cookies[0]}
}

// stateCookie returns the Cookie header of the sign-in that a response started.
func (r Response) stateCookie(t testing.TB) string {
	t.Helper()
	c := r.cookieOf(t, "authkit-state-")
	require.NotNil(t, c)
	return c.Name + "=" + c.Value
}

// SignInStartedBy returns the sign-in that a response starts: that of a login, or that of a callback which starts again. Its
// callback carries a code that AuthKit never issued.
func (a *App) SignInStartedBy(resp Response) PendingSignIn {
	a.T.Helper()
	require.Equal(a.T, http.StatusSeeOther, resp.Status, resp.Body)
	location, err := resp.Location()
	require.NoError(a.T, err)
	require.Equal(a.T, a.Fake.URL()+"/user_management/authorize", location.Scheme+"://"+location.Host+location.Path)
	for name, c := range resp.SetCookies(a.T) {
		if c.MaxAge > 0 {
			return PendingSignIn{
				Callback: &url.URL{Path: "/callback", RawQuery: url.Values{"code": {"x"}, "state": {location.Query().Get("state")}}.Encode()},
				Cookie:   name + "=" + c.Value,
			}
		}
	}
	require.Fail(a.T, "the callback started no sign-in")
	return PendingSignIn{}
}

// CookieJar holds the application's cookies as a browser would, in the order in which their names were first set.
type CookieJar struct {
	t      testing.TB
	names  []string
	values map[string]string
}

// NewCookieJar returns an empty jar.
func NewCookieJar(t testing.TB) *CookieJar { return &CookieJar{t: t, values: map[string]string{}} }

// store stores the cookies that a response sets and deletes those that it expires.
func (j *CookieJar) store(resp Response) {
	j.t.Helper()
	for _, line := range resp.Header["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		require.NoError(j.t, err)
		if c.MaxAge < 0 {
			j.names = slices.DeleteFunc(j.names, func(name string) bool { return name == c.Name })
			delete(j.values, c.Name)
			continue
		}
		if _, known := j.values[c.Name]; !known {
			j.names = append(j.names, c.Name)
		}
		j.values[c.Name] = c.Value
	}
}

// Header returns the Cookie header of all cookies in the jar.
func (j *CookieJar) Header() string {
	var pairs []string
	for _, name := range j.names {
		pairs = append(pairs, name+"="+j.values[name])
	}
	return strings.Join(pairs, "; ")
}

// states returns the names of the state cookies.
func (j *CookieJar) states() []string {
	return slices.DeleteFunc(slices.Clone(j.names), func(name string) bool { return !strings.Contains(name, "authkit-state-") })
}

// StartSignInWithJar starts a sign-in with the cookies of a jar and returns its state.
func (a *App) StartSignInWithJar(j *CookieJar, target string, header http.Header) (state string) {
	a.T.Helper()
	resp := a.Send(Request{Target: target, Cookie: j.Header(), Header: header})
	require.Equal(a.T, http.StatusSeeOther, resp.Status, resp.Body)
	j.store(resp)
	return StateOf(a.T, resp)
}

// StateOf returns the state in a redirect to AuthKit.
func StateOf(t testing.TB, resp Response) string {
	t.Helper()
	location, err := resp.Location()
	require.NoError(t, err)
	require.Equal(t, "/user_management/authorize", location.Path)
	return location.Query().Get("state")
}

// CancelSignIn cancels a pending sign-in and returns its return path, which is in the link of the error page. This consumes
// the state.
func (a *App) CancelSignIn(j *CookieJar, state string) string {
	a.T.Helper()
	resp := a.Send(Request{Target: "/callback?error=access_denied&state=" + state, Cookie: j.Header(), Header: Navigation()})
	require.Equal(a.T, http.StatusForbidden, resp.Status, resp.Body)
	j.store(resp)
	if strings.Contains(resp.Body, `href="/login"`) {
		return "/"
	}
	_, rest, found := strings.Cut(resp.Body, `href="/login?return_to=`)
	require.True(a.T, found)
	link, _, _ := strings.Cut(rest, `"`)
	page, err := url.QueryUnescape(link)
	require.NoError(a.T, err)
	return page
}

// FailSignIn starts a sign-in whose callback carries a code that WorkOS refuses.
func (a *App) FailSignIn() {
	a.T.Helper()
	j := NewCookieJar(a.T)
	state := a.StartSignInWithJar(j, "/login", Navigation())
	resp := a.Send(Request{Target: "/callback?code=junk&state=" + state, Cookie: j.Header(), Header: Navigation()})
	require.Equal(a.T, http.StatusBadRequest, resp.Status)
}

// StatusWithoutKeys returns the status of the callback in a process without signing keys. This consumes neither the state
// nor the code.
func (a *App) StatusWithoutKeys(s PendingSignIn) int {
	fresh := NewInstance(a.T, a.Fake, a.Clock, AppOptions{})
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	defer a.Fake.ClearFault(authkittest.RouteJWKS)
	return fresh.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()}).Status
}

// SignInAgain signs kim in with a request that already carries a session. It returns the new session.
func (a *App) SignInAgain(cookie string) (next string) {
	a.T.Helper()
	s := a.StartSignIn("/login")
	return a.Send(Request{Target: s.Target(), Cookie: cookie + "; " + s.Cookie, Header: Navigation()}).NewCookie(a.T)
}
