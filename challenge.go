// The WWW-Authenticate challenge of a 401 or 403 where bearer tokens or API keys are accepted.

package authkit

import "fmt"

// bearerChallenge is a challenge of the Bearer scheme (RFC 6750, section 3).
type bearerChallenge struct {
	code, description string // RFC 6750, section 3.1; both are empty if the request had no token
}

// refusesToken reports whether the request had a token that was not accepted. A
// program sent it, so a sign-in page is of no use. The challenge may be nil.
func (c *bearerChallenge) refusesToken() bool { return c != nil && c.code != "" }

// String returns the value of the WWW-Authenticate header.
func (c *bearerChallenge) String() string {
	if c.code == "" {
		return "Bearer" // RFC 6750, section 3.1: no error code if the request had no credentials
	}
	return fmt.Sprintf("Bearer error=%q, error_description=%q", c.code, c.description)
}
