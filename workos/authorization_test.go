// The authorization URL and the validation of its parameters.

package workos_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

const redirectURI = "https://app.test/callback"

func seconds(n float64) *time.Duration {
	d := time.Duration(n * float64(time.Second))
	return &d
}

func TestAuthorizationURLHasEveryParameter(t *testing.T) {
	tests := map[string]struct {
		params workos.AuthorizationParams
		want   url.Values
	}{
		"the minimum": {
			params: workos.AuthorizationParams{RedirectURI: redirectURI, Provider: workos.ProviderAuthKit},
			want:   url.Values{"provider": {"authkit"}},
		},
		"all parameters for AuthKit": {
			params: workos.AuthorizationParams{
				RedirectURI: redirectURI, Provider: workos.ProviderAuthKit, OrganizationID: "org_01A",
				State: "s+/=&", CodeChallenge: "challenge", LoginHint: "kim@acme.test", DomainHint: "acme.test",
				InvitationToken: "invitation", ScreenHint: "sign-up", Prompt: "login", MaxAge: seconds(3600),
			},
			want: url.Values{
				"provider": {"authkit"}, "organization_id": {"org_01A"}, "state": {"s+/=&"},
				"code_challenge": {"challenge"}, "code_challenge_method": {"S256"},
				"login_hint": {"kim@acme.test"}, "domain_hint": {"acme.test"}, "invitation_token": {"invitation"},
				"screen_hint": {"sign-up"}, "prompt": {"login"}, "max_age": {"3600"},
			},
		},
		"a maximum age of 0": {
			params: workos.AuthorizationParams{RedirectURI: redirectURI, Provider: workos.ProviderAuthKit, MaxAge: seconds(0)},
			want:   url.Values{"provider": {"authkit"}, "max_age": {"0"}},
		},
		"a maximum age with a fraction": {
			params: workos.AuthorizationParams{RedirectURI: redirectURI, Provider: workos.ProviderAuthKit, MaxAge: seconds(1.9)},
			want:   url.Values{"provider": {"authkit"}, "max_age": {"1"}},
		},
		"all parameters for an OAuth provider": {
			params: workos.AuthorizationParams{
				RedirectURI: redirectURI, Provider: "GoogleOAuth", ProviderScopes: []string{"email", "https://scope.test/a"},
				ProviderQueryParams: map[string]string{"hd": "acme.test", "access_type": "offline"},
			},
			want: url.Values{
				"provider": {"GoogleOAuth"}, "provider_scopes": {"email,https://scope.test/a"},
				"provider_query_params[hd]": {"acme.test"}, "provider_query_params[access_type]": {"offline"},
			},
		},
		"a connection": {
			params: workos.AuthorizationParams{RedirectURI: redirectURI, ConnectionID: "conn_01A"},
			want:   url.Values{"connection_id": {"conn_01A"}},
		},
		"an organization": {
			params: workos.AuthorizationParams{RedirectURI: "http://127.0.0.1:3000/callback?a=b", OrganizationID: "org_01A"},
			want:   url.Values{"organization_id": {"org_01A"}, "redirect_uri": {"http://127.0.0.1:3000/callback?a=b"}},
		},
		"a custom scheme of a native application": {
			params: workos.AuthorizationParams{RedirectURI: "acme-app://callback", Provider: workos.ProviderAuthKit},
			want:   url.Values{"provider": {"authkit"}, "redirect_uri": {"acme-app://callback"}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			client := newClient(t, workos.WithAPIKey(apiKey))
			address, err := client.AuthorizationURL(tt.params)
			require.NoError(t, err)
			got, err := url.Parse(address)
			require.NoError(t, err)
			assert.Equal(t, "https://api.workos.com/user_management/authorize", got.Scheme+"://"+got.Host+got.Path)

			tt.want.Set("response_type", "code")
			tt.want.Set("client_id", clientID)
			if !tt.want.Has("redirect_uri") {
				tt.want.Set("redirect_uri", redirectURI)
			}
			assert.Equal(t, tt.want, got.Query())
			assert.NotContains(t, address, apiKey)

			again, err := client.AuthorizationURL(tt.params)
			require.NoError(t, err)
			assert.Equal(t, address, again)
		})
	}
}

func TestAuthorizationURLRefusesInvalidParameters(t *testing.T) {
	authKit := func(change func(*workos.AuthorizationParams)) workos.AuthorizationParams {
		p := workos.AuthorizationParams{RedirectURI: redirectURI, Provider: workos.ProviderAuthKit}
		change(&p)
		return p
	}
	tests := map[string]struct {
		params workos.AuthorizationParams
		want   string
	}{
		"no redirect URI":                   {authKit(func(p *workos.AuthorizationParams) { p.RedirectURI = "" }), "RedirectURI: "},
		"a challenge without redirect URI":  {authKit(func(p *workos.AuthorizationParams) { p.RedirectURI, p.CodeChallenge = "", "c" }), "RedirectURI: "},
		"a relative redirect URI":           {authKit(func(p *workos.AuthorizationParams) { p.RedirectURI = "/callback" }), "RedirectURI: "},
		"a redirect URI with a fragment":    {authKit(func(p *workos.AuthorizationParams) { p.RedirectURI += "#a" }), "RedirectURI: "},
		"a redirect URI that is not a URL":  {authKit(func(p *workos.AuthorizationParams) { p.RedirectURI = "https://[" }), "RedirectURI: "},
		"no selector":                       {workos.AuthorizationParams{RedirectURI: redirectURI}, "no selector: "},
		"provider and connection":           {authKit(func(p *workos.AuthorizationParams) { p.ConnectionID = "conn_01A" }), "too many selectors: "},
		"connection and organization":       {workos.AuthorizationParams{RedirectURI: redirectURI, ConnectionID: "c", OrganizationID: "o"}, "too many selectors: "},
		"another provider and organization": {workos.AuthorizationParams{RedirectURI: redirectURI, Provider: "GoogleOAuth", OrganizationID: "o"}, "too many selectors: "},
		"all three selectors":               {authKit(func(p *workos.AuthorizationParams) { p.ConnectionID, p.OrganizationID = "c", "o" }), "too many selectors: "},
		"a screen hint without AuthKit":     {workos.AuthorizationParams{RedirectURI: redirectURI, ConnectionID: "c", ScreenHint: "sign-in"}, "ScreenHint: only"},
		"an unknown screen hint":            {authKit(func(p *workos.AuthorizationParams) { p.ScreenHint = "signup" }), "ScreenHint: want"},
		"a maximum age without AuthKit":     {workos.AuthorizationParams{RedirectURI: redirectURI, OrganizationID: "o", MaxAge: seconds(0)}, "MaxAge: only"},
		"a negative maximum age":            {authKit(func(p *workos.AuthorizationParams) { p.MaxAge = seconds(-1) }), "MaxAge: want"},
		"a maximum age just below zero":     {authKit(func(p *workos.AuthorizationParams) { p.MaxAge = seconds(-0.1) }), "MaxAge: want"},
		"a scope with a comma":              {authKit(func(p *workos.AuthorizationParams) { p.ProviderScopes = []string{"a,b"} }), "ProviderScopes: "},
		"an empty scope among the scopes":   {authKit(func(p *workos.AuthorizationParams) { p.ProviderScopes = []string{"a", ""} }), "ProviderScopes: "},
		"two faults at once":                {workos.AuthorizationParams{}, "no selector: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			address, err := newClient(t).AuthorizationURL(tt.params)
			assert.ErrorContains(t, err, tt.want)
			assert.Empty(t, address)
		})
	}
}
