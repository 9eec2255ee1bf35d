// The challenge of a 401 where bearer tokens or API keys are accepted.

package authkit

import "fmt"

// bearerChallenge is what a program that came without a good token is told.
type bearerChallenge struct {
	code, description string // RFC 6750, section 3.1; empty where no token came
}

// refusesToken tells that a token came and was not accepted. That is a
// program's doing: no sign-in page is of use to it.
func (c *bearerChallenge) refusesToken() bool { return c != nil && c.code != "" }

func (c *bearerChallenge) String() string {
	if c.code == "" {
		return "Bearer" // section 3.1: no code where no credentials came
	}
	return fmt.Sprintf("Bearer error=%q, error_description=%q", c.code, c.description)
}
