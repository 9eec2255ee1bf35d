// The address of the signing keys.

package workos

import "net/url"

// JWKSURL returns the URL of the JSON Web Key Set (RFC 7517) with the keys that sign this application's access tokens.
// Reading it needs no credentials.
func (c *Client) JWKSURL() string {
	return c.url("/sso/jwks/"+url.PathEscape(c.clientID), nil)
}
