// The tokens of an OAuth provider, which a sign-in returns if the provider is set to do so.

package authkittest

import (
	"crypto/rand"
	"slices"
	"time"
)

// oauthTokenLifetime is how long the access token of a provider is valid.
const oauthTokenLifetime = time.Hour

// configuredScopes are the scopes that every provider of the fake grants.
var configuredScopes = []string{"openid", "profile", "email"}

type oauthTokens struct {
	Provider     string   `json:"provider"`
	AccessToken  string   `json:"access_token"`
	RefreshToken string   `json:"refresh_token"`
	ExpiresAt    int64    `json:"expires_at"` // seconds since 1970
	Scopes       []string `json:"scopes"`
}

// oauthTokens returns new tokens of the provider that the user signed in with, or nil if it returns none.
func (f *Server) oauthTokens(result signInResult) *oauthTokens {
	if !slices.Contains(f.settings.oauthTokens, result.method) {
		return nil
	}
	scopes := slices.Clone(configuredScopes)
	for _, scope := range result.providerScopes {
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return &oauthTokens{
		Provider: result.method, AccessToken: "oauth_access_" + rand.Text(), RefreshToken: "oauth_refresh_" + rand.Text(),
		ExpiresAt: f.clock.Now().Add(oauthTokenLifetime).Unix(), Scopes: scopes,
	}
}
