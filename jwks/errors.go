// The errors that a caller can distinguish. No error text contains a token or a part of one, except short, quoted values of
// claims and header parameters that are not secret.

package jwks

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

var (
	// ErrUnavailable means that the signing keys are not available: the endpoint cannot be reached or its response is
	// unusable, or the caller's context ended first. It says nothing about the token. Every error that matches it is an
	// [*UnavailableError], which says when to try again.
	ErrUnavailable = errors.New("jwks: signing keys unavailable")

	// ErrCoolDown is a special case of [ErrUnavailable]: the key ID is in no set seen so far, and no fetch was made for it
	// because of the cool-down. The cool-down lasts for 30 seconds from the start of a fetch for an unknown key ID. With
	// [WithTokensFromIssuer] or [WithTokensFromStorage], the error may also mean that the key in the set did not sign the
	// token. An error that matches ErrCoolDown also matches ErrUnavailable.
	ErrCoolDown = errors.New("unknown key, and the cool-down after the last fetch for an unknown key is not over")

	// ErrUnknownKey means that the endpoint was asked and publishes no usable key with this ID: the key was withdrawn or
	// never existed.
	ErrUnknownKey = errors.New("jwks: unknown key ID")

	// ErrExpired means that the time in the exp claim, plus the leeway, has passed. Everything else about the token is
	// good, including its signature.
	ErrExpired = errors.New("jwks: token expired")
)

// errSameKey means that the endpoint was asked and still publishes the key that did not sign the token.
var errSameKey = errors.New("jwks: no other key has this ID")

// expiredError matches ErrExpired. It builds its text only on demand, because an expired token is routine.
type expiredError struct{ at time.Time }

func (e *expiredError) Error() string { return ErrExpired.Error() + ": at " + rfc3339(e.at) }

// Is reports whether target is [ErrExpired].
func (e *expiredError) Is(target error) bool { return target == ErrExpired }

// UnavailableError is the type of every error that matches [ErrUnavailable].
type UnavailableError struct {
	// RetryAfter is the time until the next fetch is allowed; calls before then return the same error at once. It is zero
	// if there is no such pause, for example if the caller's context ended.
	RetryAfter time.Duration
	// Err is the cause: [ErrCoolDown], the error of the context, or the error of the last fetch.
	Err error
}

func (e *UnavailableError) Error() string { return ErrUnavailable.Error() + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Is reports whether target is [ErrUnavailable].
func (e *UnavailableError) Is(target error) bool { return target == ErrUnavailable }

// RefusedError says which part of a token was refused and why. Its texts are safe to log: Got is a description, or the
// quoted and shortened value of a parameter that is not secret (such as iss, client_id or alg), never the token.
type RefusedError struct {
	// Part is "token" (the serialization), "header", "payload", "signature", or the name of a header parameter
	// (RFC 7515 section 4.1) or claim (RFC 7519 section 4.1), such as "alg" or "iss".
	Part string
	// Want describes what is accepted.
	Want string
	// Got describes what the token has instead.
	Got string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("jwks: token refused: %s: want %s, got %s", e.Part, e.Want, e.Got)
}

// maxListed is the number of foreign values that an error text shows.
const maxListed = 4

// quoteAll quotes the first values of a list from outside for a log, and counts the others.
func quoteAll(values []string) string {
	var quoted []string
	for _, value := range values[:min(len(values), maxListed)] {
		quoted = append(quoted, quote(value))
	}
	if n := len(values) - len(quoted); n > 0 {
		quoted = append(quoted, fmt.Sprintf("%d more", n))
	}
	return strings.Join(quoted, " and ")
}

// maxQuoted is the number of bytes of a foreign value that an error text shows.
const maxQuoted = 128

// quote makes a value from outside safe for a log: short, one line, ASCII only.
func quote(s string) string {
	if len(s) > maxQuoted {
		return strconv.QuoteToASCII(s[:maxQuoted]) + "…"
	}
	return strconv.QuoteToASCII(s)
}
