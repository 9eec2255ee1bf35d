// What the hook of a sign-in gets and what it can change.

package behaviour

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
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

func TestTheSignInHookGetsTheTokensOfTheProvider(t *testing.T) {
	var events []authkit.SignInEvent
	a, upstream := newRewritingApp(t, authkit.WithOnSignIn(func(_ context.Context, e authkit.SignInEvent) error {
		events = append(events, e)
		return nil
	}))
	const secret = "gho_secret_of_the_provider"
	upstream.Change = func(reply map[string]any) {
		reply["oauth_tokens"] = map[string]any{
			"provider": "GitHubOAuth", "access_token": secret, "refresh_token": "", "expires_at": 1773480413, "scopes": []string{"repo"},
		}
	}
	cookie := a.SignedIn(Kim).CookieHeader()
	upstream.Change = nil
	require.Len(t, events, 1)
	tokens := events[0].OAuthTokens
	require.NotNil(t, tokens)
	assert.Equal(t, authkit.OAuthTokens{
		Provider: "GitHubOAuth", AccessToken: secret, ExpiresAt: time.Unix(1773480413, 0).UTC(), Scopes: []string{"repo"},
	}, *tokens)
	assert.NotContains(t, fmt.Sprintf("%v %+v", events[0], tokens), secret)
	assert.NotContains(t, a.Logs.String(), secret)
	assert.Equal(t, http.StatusOK, a.Status(t, cookie))

	a.SignedIn(lee)
	require.Len(t, events, 2)
	assert.Nil(t, events[1].OAuthTokens)
}

func TestProviderScopesAreRequestedAlsoWhenASignInStartsAgain(t *testing.T) {
	scopes := []string{"repo", "https://scope.example/a"}
	a := NewApp(t, AppOptions{Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/github", a.Login(authkit.LoginParams{Provider: "GitHubOAuth", ProviderScopes: scopes}))
	}})
	want := strings.Join(scopes, ",")
	scopes[0] = "admin" // a later change of the slice
	started := a.Send(Request{Target: "/github", Header: Navigation()})
	first, err := started.Location()
	require.NoError(t, err)
	assert.Equal(t, want, first.Query().Get("provider_scopes"))
	s := a.continueSignIn(started, Kim)
	a.Clock.Advance(2 * time.Hour)
	resp := a.Send(Request{Target: s.Target(), Cookie: s.Cookie, Header: Navigation()})
	again, err := resp.Location()
	require.NoError(t, err)
	assert.Equal(t, want, again.Query().Get("provider_scopes"))
	assert.Equal(t, "GitHubOAuth", again.Query().Get("provider"))
}

func TestALaterProviderDropsTheScopesOfAnEarlierOne(t *testing.T) {
	a := NewApp(t, AppOptions{
		AuthKit: []authkit.Option{authkit.WithLoginParams(authkit.LoginParams{Provider: "GitHubOAuth", ProviderScopes: []string{"repo"}})},
		Routes: func(a *App, mux *http.ServeMux) {
			mux.Handle("/same", a.Login(authkit.LoginParams{Provider: "GitHubOAuth"}))
			mux.Handle("/google", a.Login(authkit.LoginParams{Provider: "GoogleOAuth"}))
			mux.Handle("/connection", a.Login(authkit.LoginParams{Connection: "conn_1"}))
			mux.Handle("/own", a.Login(authkit.LoginParams{Provider: "GoogleOAuth", ProviderScopes: []string{"email"}}))
		},
	})
	for target, want := range map[string]string{"/login": "repo", "/same": "repo", "/google": "", "/connection": "", "/own": "email"} {
		location, err := a.Send(Request{Target: target, Header: Navigation()}).Location()
		require.NoError(t, err)
		assert.Equal(t, want, location.Query().Get("provider_scopes"), target)
	}
}

func TestAScopeWithACommaIsAFaultOfTheConfiguration(t *testing.T) {
	_, err := authkit.New(ValidOptions(authkit.WithLoginParams(authkit.LoginParams{Provider: "GitHubOAuth", ProviderScopes: []string{"a,b"}}))...)
	assert.ErrorContains(t, err, "ProviderScopes")
}

func TestTheTokensOfAProviderReachTheHookButNoLogAndNoPage(t *testing.T) {
	var events []authkit.SignInEvent
	a := NewApp(t, AppOptions{
		Fake: []authkittest.Option{authkittest.WithOAuthTokens("GitHubOAuth")},
		AuthKit: []authkit.Option{
			authkit.WithLoginParams(authkit.LoginParams{Provider: "GitHubOAuth", ProviderScopes: []string{"repo"}}),
			authkit.WithOnSignIn(func(_ context.Context, e authkit.SignInEvent) error { events = append(events, e); return nil }),
		},
	})
	b := a.SignedIn(Kim)
	require.Len(t, events, 1)
	tokens := events[0].OAuthTokens
	require.NotNil(t, tokens)
	assert.Equal(t, "GitHubOAuth", tokens.Provider)
	assert.Contains(t, tokens.Scopes, "repo")
	assert.Equal(t, Start.Add(time.Hour).UTC().Truncate(time.Second), tokens.ExpiresAt.UTC())
	require.NotEmpty(t, tokens.AccessToken)
	for _, secret := range []string{tokens.AccessToken, tokens.RefreshToken} {
		assert.NotContains(t, a.Logs.String(), secret)
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v", events[0], events[0], tokens), secret)
		assert.NotContains(t, b.get("/account").Body, secret)
	}
}
