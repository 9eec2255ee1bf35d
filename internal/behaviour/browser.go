// The browser of a test: it follows redirects and keeps cookies. A failed step ends the test.

package behaviour

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// Browser returns a browser without cookies.
func (a *App) Browser() *Browser {
	b := &Browser{Browser: authkittest.NewBrowser(), app: a}
	b.Base = a.Server.Client().Transport
	a.T.Cleanup(b.CloseIdleConnections)
	return b
}

// SignedIn returns a browser in which the user with this email address is signed in.
func (a *App) SignedIn(email string) *Browser {
	a.T.Helper()
	b := a.Browser()
	_, err := b.SignIn(a.URL+"/login", email)
	require.NoError(a.T, err)
	return b
}

// Browser is a browser for one App. Its helper methods end the test on an error.
type Browser struct {
	*authkittest.Browser
	app *App
}

func (b *Browser) get(path string) *authkittest.Page {
	b.app.T.Helper()
	page, err := b.Get(b.app.URL + path)
	require.NoError(b.app.T, err)
	return page
}

func (b *Browser) fetch(method, path string) *authkittest.Page {
	b.app.T.Helper()
	page, err := b.Fetch(method, b.app.URL+path)
	require.NoError(b.app.T, err)
	return page
}

// cookies returns the cookies that the browser would send to the application.
func (b *Browser) cookies() []*http.Cookie {
	u, _ := url.Parse(b.app.URL + "/")
	return b.Jar.Cookies(u)
}

// cookieNames returns the sorted names of the application's cookies.
func (b *Browser) cookieNames() []string {
	var names []string
	for _, c := range b.cookies() {
		if !strings.HasPrefix(c.Name, "fake-authkit-") { // over TLS, the application and AuthKit are on one host
			names = append(names, c.Name)
		}
	}
	slices.Sort(names)
	return names
}

// CookieHeader returns the Cookie header that the browser would send to the application.
func (b *Browser) CookieHeader() string {
	var pairs []string
	for _, c := range b.cookies() {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return strings.Join(pairs, "; ")
}
