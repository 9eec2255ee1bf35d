// The errors a caller can tell apart. None of them ever holds a token or a part of one other than a short, quoted value
// of a claim or header parameter that is no secret.

package jwks

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

var (
	// ErrUnavailable says that the signing keys could not be had: the endpoint cannot be reached or answers nonsense, or
	// the context ended while waiting for it. It says nothing about the token. Errors that match it are
	// of type [*UnavailableError], which tells when to try again.
	ErrUnavailable = errors.New("jwks: signing keys unavailable")

	// ErrCoolDown is the [ErrUnavailable] of a key ID that is in no set seen so far, asked for so soon after the last
	// such key ID that no fetch was made for it. With [WithTokensFromIssuer] it may be that of a signature by another key
	// than the one that has the ID, too. An error that matches it matches ErrUnavailable too.
	ErrCoolDown = errors.New("unknown key during the cool-down")

	// ErrUnknownKey says that the endpoint was asked and does not publish a usable key of this ID: it was withdrawn, or
	// never existed.
	ErrUnknownKey = errors.New("jwks: unknown key ID")

	// ErrExpired says that the exp claim, leeway included, has passed and that everything else about the token holds,
	// its signature included.
	ErrExpired = errors.New("jwks: token expired")
)

// errSameKey says that the endpoint was asked and still publishes the key that did not sign the token.
var errSameKey = errors.New("jwks: no other key has this ID")

// expiredError is an ErrExpired. It is written only when it is read: a token that has expired is nothing to report.
type expiredError struct{ at time.Time }

func (e *expiredError) Error() string { return ErrExpired.Error() + ": at " + rfc3339(e.at) }

// Is reports true for [ErrExpired].
func (e *expiredError) Is(target error) bool { return target == ErrExpired }

// UnavailableError is the error that matches [ErrUnavailable].
type UnavailableError struct {
	// RetryAfter is how long no further attempt will be made; a new call before then gets the same answer at once.
	// It is zero where no such pause is known, as when the caller's own context ended.
	RetryAfter time.Duration
	// Err is the cause. It is [ErrCoolDown], or the context's error, or what went wrong with the last fetch.
	Err error
}

func (e *UnavailableError) Error() string { return ErrUnavailable.Error() + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Is reports true for [ErrUnavailable].
func (e *UnavailableError) Is(target error) bool { return target == ErrUnavailable }

// RefusedError says which part of a token was refused and why. Its texts are safe to log: Got is a description, or the
// quoted and shortened value of a parameter that is no secret (such as iss, client_id or alg), never the token.
type RefusedError struct {
	// Part is "token" (the serialization), "header", "payload", "signature", or the name of a header parameter
	// (RFC 7515 section 4.1) or claim (RFC 7519 section 4.1), such as "alg" or "iss".
	Part string
	// Want is what would have been accepted.
	Want string
	// Got is what came instead.
	Got string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("jwks: token refused: %s: want %s, got %s", e.Part, e.Want, e.Got)
}

// maxListed is how many foreign values an error text shows.
const maxListed = 4

// quoteAll makes values from outside safe to show in a log, the first few of them.
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

// maxQuoted is how many bytes of a foreign value an error text shows.
const maxQuoted = 128

// quote makes a value from outside safe to show in a log: bounded, one line, ASCII only.
func quote(s string) string {
	if len(s) > maxQuoted {
		return strconv.QuoteToASCII(s[:maxQuoted]) + "…"
	}
	return strconv.QuoteToASCII(s)
}
