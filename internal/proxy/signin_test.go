// Sign-in, refresh and sign-out of a user, with nginx's default buffers.

package proxy_test

import (
	"encoding/base64"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestSignInRefreshAndSignOutWorkWithDefaultProxyBuffers(t *testing.T) {
	checkSignInRefreshSignOut(t, newSite(t), kim)
}

func TestASessionOfSeveralCookiesWorksWithLargerProxyBuffers(t *testing.T) {
	checkSignInRefreshSignOut(t, newSiteWithBuffer(t, "32k"), val)
}

// checkSignInRefreshSignOut signs in, loads pages, refreshes the session and signs out.
func checkSignInRefreshSignOut(t *testing.T, s *site, email string) {
	t.Helper()
	b := s.browser()
	page, err := b.SignIn(s.url+"/account?tab=1", email)
	require.NoError(t, err)
	assert.Equal(t, s.url+"/account?tab=1", page.URL.String())
	for round := range 3 {
		for range 2 { // one for each instance
			page, err = b.Get(s.url + "/account")
			require.NoError(t, err)
			require.Contains(t, page.Body, "account of "+email)
		}
		assert.Equal(t, round, s.fake.Calls(authkittest.RouteRefresh))
		s.clock.Advance(5*time.Minute + time.Second)
	}
	copied := s.cookiesOf(b)
	page, err = b.Submit("Sign out", nil)
	require.NoError(t, err)
	assert.Equal(t, s.url+"/", page.URL.String())
	assert.Contains(t, page.Body, "home of anonymous")
	assert.Empty(t, s.cookiesOf(b))
	s.clock.Advance(6 * time.Minute)
	for _, i := range s.instances {
		resp, err := doTo(i.server.URL, request{target: "/account", header: scripted(), cookie: copied})
		require.NoError(t, err)
		assert.Equal(t, http.StatusUnauthorized, resp.status)
	}
	s.checkBothServe()
}

// cookiesOf returns the Cookie header that a browser sends to the application.
func (s *site) cookiesOf(b *authkittest.Browser) string {
	home, err := url.Parse(s.url + "/")
	require.NoError(s.t, err)
	var pairs []string
	for _, c := range b.Jar.Cookies(home) {
		if !strings.HasPrefix(c.Name, "fake-authkit-") {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	return strings.Join(pairs, "; ")
}

// Another host of the domain has planted cookies. They are expired over several
// responses, so that each response header fits into the buffer.
func TestASignInWithPlantedCookiesWorksWithDefaultProxyBuffers(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	home, err := url.Parse(s.url + "/")
	require.NoError(t, err)
	var planted []*http.Cookie
	for _, path := range []string{"/", "/account", "/callback"} {
		for _, name := range []string{
			"authkit-session", "authkit-session.0", "authkit-session.1", "authkit-session.2", "authkit-session.3",
			"authkit-session.4", "authkit-session.5", "authkit-session.6", "authkit-session.7", "wos-session",
		} {
			planted = append(planted, &http.Cookie{Name: name, Value: "x", Path: path})
		}
	}
	b.Jar.SetCookies(home, planted)
	page, err := b.SignIn(s.url+"/account", kim)
	require.NoError(t, err)
	assert.Contains(t, page.Body, "account of "+kim)
	page, err = b.Submit("Sign out", nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, page.StatusCode)
	s.checkBothServe()
}

// By default, nginx accepts a Cookie header of at most 8 KB.
func TestLongReturnPathsKeepTheCookieHeaderWithinTheProxyLimit(t *testing.T) {
	random := make([]byte, 1000)
	rand.NewChaCha8([32]byte{}).Read(random)
	long := base64.RawURLEncoding.EncodeToString(random)[:1000] // compression does not make it much shorter
	shared := newSite(t)
	for _, c := range []struct {
		name  string
		links []string
	}{
		{"a path of 1 KB", slices.Repeat([]string{"/login?return_to=/" + long}, 6)},
		{"a query of 1 KB", slices.Repeat([]string{"/login?return_to=" + url.QueryEscape("/account?"+long)}, 6)},
		{"a path of 2 KB", slices.Repeat([]string{"/login?return_to=/" + long + long}, 6)},
		{"a guarded page with a query of 2 KB", slices.Repeat([]string{"/account?" + long + long}, 6)},
		{"a guarded page with a query of 1 KB", slices.Repeat([]string{"/account?" + long}, 6)},
		{"many different links", slices.Repeat([]string{"/login?return_to=/" + long, "/account?" + long, "/login"}, 10)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := shared.forTest(t)
			b := s.browser()
			for i, link := range c.links {
				page, err := b.Get(s.url + link)
				require.NoError(t, err)
				require.Equal(t, http.StatusOK, page.StatusCode, "link %d does not lead to AuthKit", i)
			}
			assert.LessOrEqual(t, len(s.cookiesOf(b)), 4<<10)
			page, err := b.SignIn(s.url+"/account?tab=1", kim)
			require.NoError(t, err)
			assert.Contains(t, page.Body, "account of "+kim)
			s.checkBothServe()
		})
	}
}
