// Sessions: how one is ended at WorkOS.

package workos

import "net/url"

// LogoutURL is the address that ends a session at WorkOS (its ID is the access token's sid claim) and then sends the
// browser on: to returnTo, which must be registered as a sign-out redirect, or to the default one if it is empty. The
// browser has to go there itself; the access token may have expired.
//
// See https://workos.com/docs/reference/authkit/logout
func (c *Client) LogoutURL(sessionID, returnTo string) string {
	query := url.Values{"session_id": {sessionID}}
	if returnTo != "" {
		query.Set("return_to", returnTo)
	}
	return c.url("/user_management/sessions/logout", query)
}
