// What the hook of a sign-in gets and what it can change.

package behaviour

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
)

func TestTheSignInHookChangesWhereTheBrowserGoes(t *testing.T) {
	for name, c := range map[string]struct{ path, want string }{
		"another page":                {"/welcome?step=1#top", "/welcome?step=1#top"},
		"a page of another origin":    {"https://evil.example/", "/"},
		"a path with two slashes":     {"//evil.example", "/"},
		"a path with a control octet": {"/a\nb", "/"},
		"an empty path":               {"", "/"},
	} {
		for site, option := range map[string]authkit.Option{
			"lax":    authkit.WithCookieSameSite(http.SameSiteLaxMode),
			"strict": authkit.WithCookieSameSite(http.SameSiteStrictMode),
		} {
			t.Run(name+", "+site, func(t *testing.T) {
				a := NewApp(t, AppOptions{AuthKit: []authkit.Option{option,
					authkit.WithOnSignIn(func(_ context.Context, e authkit.SignInEvent) error {
						assert.Equal(t, "/account", e.ReturnTo)
						e.SetReturnTo("/first")
						e.SetReturnTo(c.path)
						return nil
					})}})
				s := a.StartSignIn("/login?return_to=/account")
				resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
				if site == "lax" {
					assert.Equal(t, http.StatusSeeOther, resp.Status)
					assert.Equal(t, c.want, resp.Header.Get("Location"))
					return
				}
				require.Equal(t, http.StatusOK, resp.Status)
				assert.Contains(t, resp.Body, `href="`+c.want+`"`)
			})
		}
	}
}

func TestAnEventThatATestMadeIgnoresAReturnPath(t *testing.T) {
	assert.NotPanics(t, func() { authkit.SignInEvent{}.SetReturnTo("/welcome") })
}

func TestARefusedSignInLinksToTheOriginalPage(t *testing.T) {
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithOnSignIn(func(_ context.Context, e authkit.SignInEvent) error {
		e.SetReturnTo("/welcome")
		return http.ErrAbortHandler
	})}})
	s := a.StartSignIn("/login?return_to=/account")
	resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
	assert.Equal(t, http.StatusInternalServerError, resp.Status)
	assert.Contains(t, resp.Body, "return_to=%2Faccount")
	assert.NotContains(t, resp.Body, "welcome")
}
