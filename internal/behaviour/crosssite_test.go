// Requests that pages of other origins cause, and prefetches. These tests need an application in this process.

package behaviour

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestACrossSiteFormCannotSwitchTheOrganization(t *testing.T) {
	a := newPlainApp(t)
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) {
		p.Memberships = append(p.Memberships, authkittest.Membership{OrganizationID: "org_beta", Role: "viewer"})
	})
	cookie := a.signIn(Kim)
	currentOrganization := func() string {
		_, rest, _ := strings.Cut(a.Send(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()}).Body, `"organization_id":"`)
		id, _, _ := strings.Cut(rest, `"`)
		return id
	}
	current := currentOrganization()
	other := map[string]string{"org_acme": "org_beta", "org_beta": "org_acme"}[current]
	require.NotEmpty(t, other)
	for name, header := range crossSitePosts {
		t.Run(name, func(t *testing.T) {
			header := maps.Clone(header)
			maps.Copy(header, Navigation())
			resp := a.Send(Request{Method: "POST", Target: "/organization", Cookie: cookie, Header: header, Form: url.Values{"organization_id": {other}}})
			assert.Equal(t, http.StatusForbidden, resp.Status)
			assert.Empty(t, resp.Header["Set-Cookie"])
			assert.Equal(t, current, currentOrganization())
		})
	}
	for _, method := range []string{"GET", "HEAD", "PUT"} {
		assert.Equal(t, http.StatusMethodNotAllowed, a.Send(Request{Method: method, Target: "/organization?organization_id=" + other, Cookie: cookie}).Status)
	}
	assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))

	own := with(with(Navigation(), "Origin", a.URL), "Sec-Fetch-Site", "same-origin")
	for returnTo, want := range map[string]string{"//evil.example": "/", `/\evil.example`: "/", "/account": "/account"} {
		resp := a.Send(Request{Method: "POST", Target: "/organization", Cookie: cookie, Header: own, Form: url.Values{
			"organization_id": {other}, "return_to": {returnTo},
		}})
		require.Equal(t, http.StatusSeeOther, resp.Status)
		assert.Equal(t, want, resp.Header.Get("Location"))
		cookie = resp.session(t)
		assert.Equal(t, other, currentOrganization(), "the application's own form switches it")
		current, other = other, current
	}
}

// navigationFrom returns the header of a navigation with this value of Sec-Fetch-Site.
func navigationFrom(site string) http.Header {
	h := Navigation()
	h.Set("Sec-Fetch-Site", site)
	return h
}

// The user may never open a page that the browser prefetches or prerenders.
func TestAPrefetchStartsNoSignInAndConsumesNoState(t *testing.T) {
	for _, purpose := range []http.Header{
		{"Sec-Purpose": {"prefetch"}}, {"Sec-Purpose": {"prefetch;prerender"}}, {"Sec-Purpose": {"prefetch;anonymous-client-ip"}},
		{"Sec-Purpose": {"Prefetch"}}, {"Purpose": {"prefetch"}}, {"X-Moz": {"prefetch"}}, {"Purpose": {"x", "prefetch"}},
		{"Sec-Purpose": {""}, "X-Moz": {"prefetch"}},
	} {
		t.Run(fmt.Sprint(purpose), func(t *testing.T) {
			a := NewApp(t, AppOptions{})
			s := a.StartSignIn("/login")
			header := Navigation()
			for name, values := range purpose {
				header[name] = values
			}
			for target, status := range map[string]int{
				"/login": 403, "/login?return_to=/account": 403, s.Target(): 403, "/callback?code=x": 403, "/callback?error=x": 403,
				s.With("code", "") + "&error=access_denied": 403, "/account": 401, "/deep/x": 401,
			} {
				resp := a.Send(Request{Target: target, Cookie: s.Cookie, Header: header})
				assert.Equal(t, status, resp.Status, target)
				assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"), target)
				assert.Empty(t, resp.Header["Set-Cookie"], target)
				assert.Empty(t, resp.Header["Location"], target)
			}
			assert.Zero(t, a.Fake.Calls(authkittest.RouteAuthenticate))
			assert.False(t, a.hasWarning())
			assert.Equal(t, http.StatusSeeOther, a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()}).Status)
		})
	}
}

// A page of a sibling domain may load an image from here. Such a same-site request carries Lax cookies, and its response can
// set cookies.
func TestACrossOriginImageRequestIsRefusedAtTheCallback(t *testing.T) {
	a := NewApp(t, AppOptions{})
	s := a.StartSignIn("/login")
	for _, target := range []string{"/callback?code=x", s.Target()} {
		resp := a.Send(Request{Target: target, Cookie: s.Cookie, Header: http.Header{
			"Sec-Fetch-Site": {"same-site"}, "Sec-Fetch-Mode": {"no-cors"}, "Sec-Fetch-Dest": {"image"},
		}})
		assert.Equal(t, http.StatusForbidden, resp.Status)
		assert.Empty(t, resp.Header["Set-Cookie"])
	}
	assert.Zero(t, a.Fake.Calls(authkittest.RouteAuthenticate))
}

func TestACrossOriginFrameStartsNoSignIn(t *testing.T) {
	framed := func(site, dest string) http.Header {
		return http.Header{"Sec-Fetch-Site": {site}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {dest}, "Accept": {"text/html"}}
	}
	a := NewApp(t, AppOptions{})
	for _, dest := range []string{"iframe", "frame", "object", "embed", "fencedframe"} {
		for _, target := range []string{"/login", "/login?state=x&return_to=/" + strings.Repeat("a", 900), "/callback?code=x"} {
			for _, site := range []string{"same-site", "cross-site"} {
				resp := a.Send(Request{Target: target, Header: framed(site, dest)})
				assert.Equal(t, http.StatusForbidden, resp.Status, "%s %s %.20s", site, dest, target)
				assert.Empty(t, resp.Header["Set-Cookie"])
				assert.Empty(t, resp.Header["Location"])
			}
		}
		resp := a.Send(Request{Target: "/login", Header: framed("same-origin", dest)})
		assert.Equal(t, http.StatusSeeOther, resp.Status, "a frame in a page of this origin: %s", dest)
	}
	s := a.StartSignIn("/login")
	resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: framed("cross-site", "iframe")})
	assert.Equal(t, http.StatusSeeOther, resp.Status, "AuthKit redirects the frame in which this site started the sign-in")
	assert.Equal(t, http.StatusSeeOther, a.Send(Request{Target: "/login", Header: navigationFrom("cross-site")}).Status, "a link")
	assert.False(t, a.hasWarning(), a.Logs.String())
}
