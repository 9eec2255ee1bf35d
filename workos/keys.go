// Where the keys are that sign access tokens.

package workos

import "net/url"

// JWKSURL is the address of the JSON Web Key Set (RFC 7517) whose keys sign this application's access tokens. It is
// read without credentials.
func (c *Client) JWKSURL() string {
	return c.url("/sso/jwks/"+url.PathEscape(c.clientID), nil)
}
