// The discovery document of the application's authorization server.

package workos

import (
	"context"
	"errors"
	"net/http"
)

// OpenIDConfiguration is the discovery document of an application (OpenID Connect Discovery 1.0 section 3). WorkOS
// publishes only a part of the standard's members.
type OpenIDConfiguration struct {
	// Issuer is the iss claim of access tokens in environments created in 2025 or later. Older environments use another
	// issuer.
	Issuer                 string   `json:"issuer"`
	AuthorizationEndpoint  string   `json:"authorization_endpoint"`
	TokenEndpoint          string   `json:"token_endpoint"`
	JWKSURI                string   `json:"jwks_uri"`
	ResponseTypesSupported []string `json:"response_types_supported"`
}

// GetOpenIDConfiguration reads the discovery document. It needs no API key and sends none.
func (c *Client) GetOpenIDConfiguration(ctx context.Context) (*OpenIDConfiguration, error) {
	return fetch[OpenIDConfiguration](ctx, c, call{
		method: http.MethodGet,
		path:   "/user_management/{client_id}/.well-known/openid-configuration",
		ids:    []string{c.clientID},
		key:    keyOmitted,
	})
}

func (o *OpenIDConfiguration) validate() error {
	if o.Issuer == "" {
		return errors.New("missing issuer")
	}
	return nil
}
