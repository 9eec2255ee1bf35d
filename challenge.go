// The WWW-Authenticate challenge of a 401 or 403 where bearer tokens or API keys are accepted.

package authkit

import (
	"fmt"
	"net/http"
	"strings"
)

// bearerChallenge is a challenge of the Bearer scheme (RFC 6750, section 3).
type bearerChallenge struct {
	code, description string // RFC 6750, section 3.1; both are empty if the request had no token

	// resources are the parameters for each resource whose tokens the route accepts: scope and resource_metadata (RFC 9728,
	// section 5.1). There is one challenge for each, since they can have several authorization servers.
	resources []string
	cause     error // what the error of the 401 wraps besides ErrUnauthenticated, nil for nothing
}

// refusesToken reports whether the request had a token that was not accepted. A
// program sent it, so a sign-in page is of no use. The challenge may be nil.
func (c *bearerChallenge) refusesToken() bool { return c != nil && c.code != "" }

// forRoute returns the challenge of a request at a route that has a challenge of its own. Both may be nil.
func (c *bearerChallenge) forRoute(route *bearerChallenge) *bearerChallenge {
	switch {
	case route == nil:
		return c
	case !c.refusesToken():
		return route
	default:
		return route.refusing(c.description, nil)
	}
}

// refusing returns the challenge of the route for a token that is not accepted.
func (c *bearerChallenge) refusing(description string, cause error) *bearerChallenge {
	return &bearerChallenge{"invalid_token", description, c.resources, cause}
}

// setOn sets the WWW-Authenticate header.
func (c *bearerChallenge) setOn(h http.Header) {
	h.Set("WWW-Authenticate", c.String())
	for i, parameters := range c.resources {
		value := "Bearer "
		if c.code != "" {
			value = c.String() + ", "
		}
		if value += parameters; i == 0 {
			h.Set("WWW-Authenticate", value)
		} else {
			h.Add("WWW-Authenticate", value)
		}
	}
}

// err returns the error of the 401. The challenge may be nil.
func (c *bearerChallenge) err() error {
	switch {
	case c.refusesToken():
		return &credentialError{c.description, c.cause}
	case c != nil && c.cause != nil:
		return fmt.Errorf("%w: %w", ErrUnauthenticated, c.cause)
	default:
		return ErrUnauthenticated
	}
}

// String returns the challenge without the parameters of resources.
func (c *bearerChallenge) String() string {
	if c.code == "" {
		return "Bearer" // RFC 6750, section 3.1: no error code if the request had no credentials
	}
	return fmt.Sprintf("Bearer error=%q, error_description=%q", c.code, c.description)
}

// credentialError is why an access token or an API key is not accepted. It matches [ErrUnauthenticated] and its cause.
type credentialError struct {
	description string // a sentence for the sender
	cause       error  // nil for none
}

func (e *credentialError) Error() string {
	if e.cause == nil {
		return ErrUnauthenticated.Error() + ": " + e.description
	}
	return ErrUnauthenticated.Error() + ": " + e.cause.Error()
}

func (e *credentialError) Unwrap() []error {
	if e.cause == nil {
		return []error{ErrUnauthenticated}
	}
	return []error{ErrUnauthenticated, e.cause}
}

func (e *credentialError) explanation() string { return strings.TrimSuffix(e.description, ".") + "." }
