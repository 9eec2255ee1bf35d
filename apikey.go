// API keys: the guards that accept them.

package authkit

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxAPIKey bounds a key, in bytes. WorkOS's keys are far shorter.
const maxAPIKey = 512

// RequireAPIKey returns a middleware that passes requests with a valid API key
// that has all of the permissions: "Authorization: Bearer sk_…". Without a
// permission, every valid key passes. The handler gets the key's owner and
// permissions from [APIKeyFromContext]. [FromContext] returns false there, even if
// the request has a session cookie too. A request without a valid key is answered
// 401 with WWW-Authenticate. A key that lacks a permission is answered 403.
//
// WorkOS validates the keys
// (https://workos.com/docs/reference/authkit/api-keys/validate). A result is
// cached for 30 seconds, so a deleted key may work for 30 seconds more, unless
// [AuthKit.Follow] or [AuthKit.Webhook] learns of the deletion before. Requests
// that need the same result at the same time share one call. If WorkOS does not
// answer, the answer is 503 with Retry-After, unless [WithAPIKeyGrace] is set. The
// cache holds the SHA-256 hash of a key, never its value.
//
// WorkOS allows 6,000 calls a minute for each API key of the application.
// Invented keys must not use that up. So keys are of two kinds, which do not wait
// for each other:
//
//   - Proven keys are those that WorkOS called valid within the last seven days,
//     or within the grace if that is longer. The last 16,384 of them are kept, in
//     32 MiB at most. Each is validated again when its result is 30 seconds old,
//     up to 128 at a time.
//   - All other keys are unknown. They share a budget of 200 calls, which grows by
//     10 a second (a tenth of WorkOS's limit) up to 200. A call that finds a valid
//     key is given back to the budget, so that thousands of valid keys can arrive
//     at once after a restart. Up to 32 unknown keys are validated at a time, and
//     4,096 results are cached.
//
// An unknown key beyond the budget is answered 429 with Retry-After
// ([ErrTooManyAPIKeys]). So is an unknown key while WorkOS itself answers 429. A
// request waits at most 5 seconds until its call starts, and then at most 10
// seconds for the reply. At most 4,096 requests of each kind wait at a time;
// beyond that the answer is 429 for unknown keys and 503 for proven ones.
//
// RequireAPIKey panics for a public client, which has no API key to call WorkOS
// with, and if a permission is empty.
func (a *AuthKit) RequireAPIKey(permissions ...string) func(http.Handler) http.Handler {
	a.mustValidateKeys("RequireAPIKey")
	permissions = noEmptySlugs("RequireAPIKey", byPermission.kind, permissions)
	return func(next http.Handler) http.Handler {
		mustHaveHandler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			value, ok := bearerToken(r)
			if !ok {
				value = ""
			}
			a.serveAPIKey(w, r, next, value, permissions, &bearerChallenge{})
		})
	}
}

// mustValidateKeys panics if the guard's AuthKit has no API key to call WorkOS with.
func (a *AuthKit) mustValidateKeys(guard string) {
	if !a.ValidatesAPIKeys() {
		panic("authkit: " + guard + " needs WithAPIKey: a public client cannot validate API keys")
	}
}

// serveAPIKey passes a request to next if its API key is valid and has the
// permissions. The value is "" if the request has no key. The challenge is that of the route.
func (a *AuthKit) serveAPIKey(w http.ResponseWriter, r *http.Request, next http.Handler, value string, permissions []string, route *bearerChallenge) {
	varyOn(w.Header(), "Authorization")
	key, changes := givenAPIKey(r.Context()), a.apiKeys.changed.count.Load()
	given := key != nil
	if !given {
		var err error
		key, err = a.validateKey(r.Context(), value)
		switch {
		case err != nil:
			a.fail(w, r, err, "")
			return
		case value == "":
			a.failUnauthenticated(w, r, route)
			return
		case key == nil:
			a.failUnauthenticated(w, r, route.refusing("The API key is not valid", nil))
			return
		}
	}
	for _, slug := range permissions {
		if !slices.Contains(key.Permissions, slug) {
			w.Header().Set("WWW-Authenticate", (&bearerChallenge{code: "insufficient_scope", description: "The API key lacks a permission"}).String())
			a.fail(w, r, &keyForbiddenError{&ForbiddenError{Missing: byPermission.kind + " " + slug}}, "")
			return
		}
	}
	noStore(w.Header())
	// A session cookie of the same request is ignored: the rights of a key and of
	// a user must not mix.
	ctx := &requestAuth{Context: withoutResourceToken(r.Context()), authKit: a}
	next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, apiKeyKey{}, &requestKey{key, given, changes})))
}

// keyForbiddenError is a [ForbiddenError] of an API key, which has no account.
type keyForbiddenError struct{ *ForbiddenError }

func (e *keyForbiddenError) Unwrap() error { return e.ForbiddenError }

func (e *keyForbiddenError) explanation() string { return "The API key lacks: " + e.Missing + "." }

// ValidateAPIKey returns the API key with the value, as [AuthKit.RequireAPIKey] does
// for a request: from the cache, or from WorkOS, within the same budget. It is for what
// is not net/http, such as gRPC. [NewAPIKeyContext] puts the key into a context.
// [AuthKit.UntilEnd] then ends with the key, if its change becomes known later. So
// validate the key again after the call of UntilEnd. That costs no call of WorkOS, unless
// the key was changed in between or its result is 30 seconds old.
//
// The error matches [ErrUnauthenticated] if the key is not valid, [ErrUnavailable] if
// WorkOS does not answer, and [ErrTooManyAPIKeys] if an unknown key was not checked.
// None contains the value. Every key is refused by a public client, which has no API key
// to call WorkOS with.
func (a *AuthKit) ValidateAPIKey(ctx context.Context, value string) (*APIKey, error) {
	if !a.ValidatesAPIKeys() {
		return nil, fmt.Errorf("%w: a public client cannot validate API keys", ErrUnauthenticated)
	}
	key, err := a.validateKey(ctx, value)
	if err == nil && key == nil {
		err = fmt.Errorf("%w: the API key is not valid", ErrUnauthenticated)
	}
	return key, err
}

// ValidatesAPIKeys reports whether a is no public client ([WithPublicClient]). A public
// client has no API key to call WorkOS with, and [AuthKit.ValidateAPIKey] refuses every
// key, so an adapter can report the fault at start-up.
func (a *AuthKit) ValidatesAPIKeys() bool { return !a.public }

// validateKey returns a copy of the key, or nil if the value is not that of a valid key.
func (a *AuthKit) validateKey(ctx context.Context, value string) (*APIKey, error) {
	a.followLog()
	key, err := a.apiKeys.validate(ctx, value)
	var limited *TooManyAPIKeysError
	switch {
	case value == "", hasLeft(ctx, err): // the request has no key, or no client that waits for the answer
	case errors.As(err, &limited):
		a.apiKeys.counters.add(OutcomeLimited)
	case err != nil:
		a.apiKeys.counters.add(OutcomeFailed)
	case key == nil:
		a.apiKeys.counters.add(OutcomeDenied)
	default:
		a.apiKeys.counters.add(OutcomeOK)
	}
	return key, err
}

// validate returns a copy of the key, or nil if the value is not that of a valid
// key.
func (k *apiKeys) validate(ctx context.Context, value string) (*APIKey, error) {
	if !couldBeAPIKey(value) {
		return nil, nil
	}
	sum := sha256.Sum256([]byte(value))
	hash := string(sum[:])
	result, ok := k.cache.get(hash)
	if ok && !k.changed.outdates(result.key, result.askedAt) {
		k.counters.cached.Add(1)
	}
	// If the key is changed during a validation, a second one begins after the change.
	for attempts := 0; attempts < 2 && (!ok || k.changed.outdates(result.key, result.askedAt)); attempts++ {
		ok = true
		var err error
		if result, err = k.await(ctx, hash, value); err != nil {
			return nil, err
		}
	}
	key, err := k.verdict(hash, result)
	if err != nil || key == nil || k.expired(key) {
		return nil, err
	}
	own := *key
	own.Permissions = slices.Clone(own.Permissions)
	return &own, nil
}

// couldBeAPIKey reports whether a value has the form of a key. WorkOS's keys are
// ASCII letters, digits, "_" and "-". Other values are never sent: a firewall
// in front of WorkOS may take them for an attack, and its refusal would look like
// a failure of WorkOS.
func couldBeAPIKey(value string) bool {
	rest, isKey := strings.CutPrefix(value, "sk_")
	return isKey && rest != "" && len(value) <= maxAPIKey && !strings.ContainsFunc(rest, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	})
}

// expired reports whether a key has passed its own expiry.
func (k *apiKeys) expired(key *APIKey) bool {
	return !key.ExpiresAt.IsZero() && !k.clock.Now().Before(key.ExpiresAt)
}

// verdict returns the key that a result lets pass, nil if the key is not valid, or
// the error for the request. The grace applies only if WorkOS did not reply about
// this key, and has not refused it since it was last valid.
func (k *apiKeys) verdict(hash string, result keyResult) (*APIKey, error) {
	if result.err == nil {
		return result.key, nil
	}
	wait := max(time.Second, result.until.Sub(k.clock.Now()))
	if result.unanswered {
		if key := k.cache.graceKey(hash); key != nil {
			return key, nil
		}
	}
	if result.limited && !k.cache.isProven(hash) {
		return nil, &TooManyAPIKeysError{RetryAfter: wait, Err: result.err}
	}
	return nil, unavailable(result.err, wait)
}
