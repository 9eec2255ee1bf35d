// What strangers, neighbours and other sites can do to the sign-ins of a browser.

package authkit_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/authkittest"
)

func (a *app) warned() bool {
	return strings.Contains(a.logs.String(), "level=WARN") || strings.Contains(a.logs.String(), "level=ERROR")
}

// A9. What is fetched ahead is for nobody to see yet.
func TestWhatIsFetchedAheadSpendsNothing(t *testing.T) {
	for _, purpose := range []http.Header{
		{"Sec-Purpose": {"prefetch"}}, {"Sec-Purpose": {"prefetch;prerender"}}, {"Sec-Purpose": {"prefetch;anonymous-client-ip"}},
		{"Sec-Purpose": {"Prefetch"}}, {"Purpose": {"prefetch"}}, {"X-Moz": {"prefetch"}}, {"Purpose": {"x", "prefetch"}},
		{"Sec-Purpose": {""}, "X-Moz": {"prefetch"}},
	} {
		t.Run(fmt.Sprint(purpose), func(t *testing.T) {
			a := newApp(t, appOptions{})
			s := a.begin("/login")
			header := navigation()
			for name, values := range purpose {
				header[name] = values
			}
			for target, status := range map[string]int{
				"/login": 403, "/login?return_to=/account": 403, s.target(): 403, "/callback?code=x": 403, "/callback?error=x": 403,
				s.with("code", "") + "&error=access_denied": 403, "/account": 401, "/deep/x": 401,
			} {
				resp := a.send(request{target: target, cookie: s.cookie, header: header})
				assert.Equal(t, status, resp.status, target)
				assert.Equal(t, "private, no-store", resp.header.Get("Cache-Control"), target)
				assert.Empty(t, resp.header["Set-Cookie"], target)
				assert.Empty(t, resp.header["Location"], target)
			}
			assert.Zero(t, a.fake.Calls(authkittest.RouteAuthenticate))
			assert.False(t, a.warned())
			assert.Equal(t, http.StatusSeeOther, a.send(request{target: s.target(), cookie: s.cookie, header: navigation()}).status)
		})
	}
}

// An image of a sibling's page may set cookies here, Lax ones too.
func TestAnImageOfAnotherOriginsPageReachesNoCallback(t *testing.T) {
	a := newApp(t, appOptions{})
	s := a.begin("/login")
	for _, target := range []string{"/callback?code=x", s.target()} {
		resp := a.send(request{target: target, cookie: s.cookie, header: http.Header{
			"Sec-Fetch-Site": {"same-site"}, "Sec-Fetch-Mode": {"no-cors"}, "Sec-Fetch-Dest": {"image"},
		}})
		assert.Equal(t, http.StatusForbidden, resp.status)
		assert.Empty(t, resp.header["Set-Cookie"])
	}
	assert.Zero(t, a.fake.Calls(authkittest.RouteAuthenticate))
}
