// The errors, and the answer to a request that is refused.

package resource

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

var (
	// ErrNoToken means that the request has no access token.
	ErrNoToken = errors.New("resource: no access token")
	// ErrInvalidRequest means that the Authorization header cannot be read: there are two, or the token is missing.
	ErrInvalidRequest = errors.New("resource: malformed Authorization header")
	// ErrInvalidToken means that the token is not accepted. The error wraps the reason, for a log: [jwks.ErrExpired],
	// [jwks.ErrUnknownKey] or a [*jwks.RefusedError].
	ErrInvalidToken = errors.New("resource: access token not accepted")
	// ErrInsufficientScope means that the token is good and lacks a scope. Every such error is a [*ScopeError].
	ErrInsufficientScope = errors.New("resource: insufficient scope")
	// ErrUnavailable means that the keys of the issuer are not available. It says nothing about the token. Every such error
	// is an [*UnavailableError].
	ErrUnavailable = errors.New("resource: signing keys unavailable")
)

// ScopeError names the scopes that a token lacks. It matches [ErrInsufficientScope].
type ScopeError struct {
	Required []string // all scopes that are required
	Missing  []string // those that the token lacks
}

func (e *ScopeError) Error() string {
	return ErrInsufficientScope.Error() + ": the token lacks " + strings.Join(e.Missing, " ")
}

// Is reports whether target is [ErrInsufficientScope].
func (e *ScopeError) Is(target error) bool { return target == ErrInsufficientScope }

// UnavailableError says when to try again. It matches [ErrUnavailable].
type UnavailableError struct {
	RetryAfter time.Duration // at least a second
	Err        error         // why the keys are not available
}

func (e *UnavailableError) Error() string {
	if e.Err == nil {
		return ErrUnavailable.Error()
	}
	return ErrUnavailable.Error() + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Is reports whether target is [ErrUnavailable].
func (e *UnavailableError) Is(target error) bool { return target == ErrUnavailable }

// Refusal is the answer to a request that [Server.Require] refuses. Its fields are the members of a problem document
// (RFC 9457).
type Refusal struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Code   string `json:"code"` // the error of the challenge (RFC 6750 section 3.1), "unauthenticated" or "unavailable"

	// Err matches one of the errors of this package. It is for the log. Do not show its text to a client.
	Err error `json:"-"`
}

// ServeHTTP writes the problem document.
func (f Refusal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := json.Marshal(f) // texts and a number cannot fail
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(f.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(append(body, '\n'))
	}
}

// RefusalOf returns the answer of [Server.Require] to an error of [Server.Verify] or [Token.CheckScopes]. It is for a guard of your
// own, with [Server.Challenge]. An error of another package is answered as [ErrInvalidToken].
func RefusalOf(err error) Refusal {
	refusal := func(status int, name, code, title, detail string) Refusal {
		return Refusal{"https://pkg.go.dev/github.com/authkit-go/authkit/resource#" + name, title, status, detail, code, err}
	}
	var scope *ScopeError
	switch {
	case errors.As(err, &scope):
		return refusal(http.StatusForbidden, "ErrInsufficientScope", "insufficient_scope", "Insufficient scope",
			"The access token lacks the scope "+strings.Join(scope.Missing, " ")+".")
	case errors.Is(err, ErrUnavailable):
		return refusal(http.StatusServiceUnavailable, "ErrUnavailable", "unavailable", "Temporarily unavailable",
			"The access token cannot be checked at the moment. Try again later.")
	case errors.Is(err, ErrInvalidRequest):
		return refusal(http.StatusBadRequest, "ErrInvalidRequest", "invalid_request", "Malformed request",
			"The Authorization header must be there once, as Bearer and a token.")
	case errors.Is(err, ErrNoToken):
		return refusal(http.StatusUnauthorized, "ErrNoToken", "unauthenticated", "Access token required",
			"This resource needs an access token. The challenge says where to get one.")
	default:
		return refusal(http.StatusUnauthorized, "ErrInvalidToken", "invalid_token", "Access token not accepted",
			describeInvalid(err))
	}
}

// invalid returns an error that matches ErrInvalidToken.
func invalid(err error) error { return fmt.Errorf("%w: %w", ErrInvalidToken, err) }
