// The browser of an application: it follows redirects and keeps cookies, and a step that fails ends the test.

package behaviour

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// Browser returns a browser that knows nothing of the application yet.
func (a *App) Browser() *Browser {
	b := &Browser{Browser: authkittest.NewBrowser(), app: a}
	b.Base = a.Server.Client().Transport
	a.T.Cleanup(b.CloseIdleConnections)
	return b
}

// SignedIn returns a browser in which somebody is signed in.
func (a *App) SignedIn(email string) *Browser {
	a.T.Helper()
	b := a.Browser()
	_, err := b.SignIn(a.URL+"/login", email)
	require.NoError(a.T, err)
	return b
}

// Browser fails the test where a step cannot be made.
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

// cookies are those that the browser would send to the application.
func (b *Browser) cookies() []*http.Cookie {
	u, _ := url.Parse(b.app.URL + "/")
	return b.Jar.Cookies(u)
}

func (b *Browser) cookieNames() []string {
	var names []string
	for _, c := range b.cookies() {
		if !strings.HasPrefix(c.Name, "fake-authkit-") { // over TLS, both are on one host
			names = append(names, c.Name)
		}
	}
	slices.Sort(names)
	return names
}

func (b *Browser) CookieHeader() string {
	var pairs []string
	for _, c := range b.cookies() {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return strings.Join(pairs, "; ")
}
