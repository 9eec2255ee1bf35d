// A page of another site than its API: which cookies a browser sends.

package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/internal/chromium"
)

// The cookie is set while the API itself is open in the tab, so a partitioned cookie is in the partition of the API's site. The
// page's requests have the partition of the page's site.
func TestAPageOfAnotherSiteIsSignedInOnlyWithThirdPartyCookies(t *testing.T) {
	none := authkit.WithCookieSameSite(http.SameSiteNoneMode)
	for name, c := range map[string]struct {
		options  []authkit.Option
		open     func(*testing.T) *chromium.Tab
		signedIn bool
	}{
		"SameSite=Lax":  {nil, chromium.OpenWithThirdPartyCookies, false},
		"SameSite=None": {[]authkit.Option{none}, chromium.OpenWithThirdPartyCookies, true},
		"SameSite=None, without third-party cookies":                 {[]authkit.Option{none}, chromium.OpenWithoutThirdPartyCookies, false},
		"SameSite=None and Partitioned":                              {[]authkit.Option{none, authkit.WithCookiePartitioned()}, chromium.OpenWithThirdPartyCookies, false},
		"SameSite=None and Partitioned, without third-party cookies": {[]authkit.Option{none, authkit.WithCookiePartitioned()}, chromium.OpenWithoutThirdPartyCookies, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, crossSite, c.options...)
			b := c.open(t)
			b.Visit(s.page + deepLink)
			b.Sees("Please sign in")
			b.Click("Sign in")
			b.Click(admin)
			if c.signedIn {
				b.Sees("Posts")
			} else {
				b.Sees("Please sign in")
			}
			assert.Equal(t, s.page+deepLink, b.URL(), "the sign-in returns")
			assert.Len(t, s.fake.Sessions(), 1, "the sign-in itself works")
			b.Visit(s.api + "/me")
			assert.Contains(t, b.Text(), "ada@harborpress.test", "the API's own site has the cookie")
		})
	}
}

func TestAPageOfTheSameSiteNeedsNoThirdPartyCookies(t *testing.T) {
	s := newSite(t, apiHost)
	b := chromium.OpenWithoutThirdPartyCookies(t)
	s.signIn(b, deepLink, admin)
	assert.Equal(t, admin, text(b, "user"))
}
