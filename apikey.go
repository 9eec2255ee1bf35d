// API keys: machine callers, validated with WorkOS and remembered briefly.

package authkit

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/authkit-go/authkit/workos"
)

// APIKey is a key that was issued to a customer of the application: its owner,
// its organization and its permissions, and never its value.
type APIKey = workos.APIKey

const (
	// keyMemory is how long an answer of WorkOS about a key is believed, and
	// so how long a deleted key may go on working.
	keyMemory = 30 * time.Second
	// keyLimit bounds how many keys are remembered.
	keyLimit = 1 << 14
	// maxAPIKey is more than any key is long.
	maxAPIKey = 512
)

// APIKeyFromContext returns the API key of a request that
// [AuthKit.RequireAPIKey] let through, and false for one that came in another
// way.
func APIKeyFromContext(ctx context.Context) (*APIKey, bool) {
	key, ok := ctx.Value(apiKeyKey{}).(*APIKey)
	return key, ok
}

// apiKeyKey is the context key of an *APIKey.
type apiKeyKey struct{}

// RequireAPIKey lets programs through that bring a valid API key with all of
// the permissions: "Authorization: Bearer sk_…". No permission at all is
// allowed: any valid key passes then. The key's owner and permissions are in
// [APIKeyFromContext], and [FromContext] finds nobody, whatever cookie came
// along. A request without a valid key is answered 401 with WWW-Authenticate,
// one whose key lacks a permission 403.
//
// WorkOS validates a key; its answer is believed for 30 seconds, which is how
// long a deleted key may go on working, and one question serves all requests
// that ask it at the same time. Where WorkOS cannot be asked, the answer is 503
// with Retry-After, unless [WithAPIKeyGrace] says otherwise. The value of a key
// is not kept: what is remembered is found by its SHA-256 hash.
//
// RequireAPIKey panics for a public client, which has no key of its own to ask
// WorkOS with, and if a permission is empty.
func (a *AuthKit) RequireAPIKey(permissions ...string) func(http.Handler) http.Handler {
	a.mustHaveKey("RequireAPIKey")
	permissions = mustBeNamed("RequireAPIKey", permissions)
	return func(next http.Handler) http.Handler {
		mustHandle(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			value, ok := bearerToken(r)
			if !ok {
				value = ""
			}
			a.serveAPIKey(w, r, next, value, permissions)
		})
	}
}

// RequireAuthOrAPIKey lets through who has all of the permissions, people as
// [AuthKit.RequirePermission] does, and programs with an API key as
// [AuthKit.RequireAPIKey] does. A request that brings a key is a program's,
// whatever cookie it has. Without any permission it lets through everybody who
// is signed in and every valid key, and nobody else. It panics as
// [AuthKit.RequireAPIKey] does.
func (a *AuthKit) RequireAuthOrAPIKey(permissions ...string) func(http.Handler) http.Handler {
	a.mustHaveKey("RequireAuthOrAPIKey")
	permissions = mustBeNamed("RequireAuthOrAPIKey", permissions)
	return func(next http.Handler) http.Handler {
		forPeople := a.guard(next, func(s *Session) error { return lackingEach("permission", permissions, s.HasPermission) }, &bearerChallenge{})
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if value, ok := bearerToken(r); ok && isAPIKey(value) {
				a.serveAPIKey(w, r, next, value, permissions)
				return
			}
			varyOn(w.Header(), "Authorization")
			forPeople.ServeHTTP(w, r)
		})
	}
}

func (a *AuthKit) mustHaveKey(guard string) {
	if a.public {
		panic("authkit: " + guard + " needs WithAPIKey: a public client cannot validate keys")
	}
}

func (a *AuthKit) serveAPIKey(w http.ResponseWriter, r *http.Request, next http.Handler, value string, permissions []string) {
	varyOn(w.Header(), "Authorization")
	key, err := a.apiKeys.validate(r.Context(), value)
	switch {
	case err != nil:
		a.fail(w, r, err, "")
		return
	case value == "":
		a.failSignedOut(w, r, &bearerChallenge{})
		return
	case key == nil:
		a.failSignedOut(w, r, &bearerChallenge{code: "invalid_token", description: "The API key is not valid"})
		return
	}
	if err := lackingEach("permission", permissions, func(slug string) bool { return slices.Contains(key.Permissions, slug) }); err != nil {
		w.Header().Set("WWW-Authenticate", (&bearerChallenge{code: "insufficient_scope", description: "The API key lacks a permission"}).String())
		a.fail(w, r, err, "")
		return
	}
	noStore(w.Header())
	// Whoever has a cookie in the same request is not asked for: rights of two
	// must not mix.
	ctx := &visit{Context: r.Context(), owner: a}
	next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, apiKeyKey{}, key)))
}

// rateLimited is where the answer to every unknown key is while WorkOS wants no
// more questions: somebody who tries keys must not use up what sign-ins and
// refreshes need. It is no key's hash.
const rateLimited = ""

// apiKeys asks WorkOS about keys, and remembers what it said.
type apiKeys struct {
	client *workos.Client
	clock  Clock
	log    *slog.Logger
	grace  time.Duration

	flights singleflight.Group
	answers *memory[keyAnswer] // by the hash of a key
	proven  *memory[*APIKey]   // good keys, for as long as the grace lasts
}

// keyAnswer is a key, none for one that is not valid, or why it is not known.
type keyAnswer struct {
	key *APIKey
	err error
}

// validate returns a key's description, or nil for one that is not valid. What
// it returns belongs to the caller.
func (k *apiKeys) validate(ctx context.Context, value string) (*APIKey, error) {
	if !isAPIKey(value) || len(value) > maxAPIKey {
		return nil, nil
	}
	sum := sha256.Sum256([]byte(value))
	hash := string(sum[:])
	answer, known := k.answers.get(hash)
	if !known {
		answer, known = k.answers.get(rateLimited)
	}
	if !known {
		// The question belongs to nobody in particular: it goes on when the
		// request that asked it first is cancelled.
		flight := k.flights.DoChan(hash, func() (any, error) {
			return k.ask(context.WithoutCancel(ctx), hash, value), nil
		})
		select {
		case result := <-flight:
			answer = result.Val.(keyAnswer)
		case <-ctx.Done():
			return nil, unavailable(ctx.Err(), 0)
		}
	}
	if answer.err != nil {
		proven, ok := k.proven.get(hash)
		if !ok {
			return nil, answer.err
		}
		answer.key = proven
	}
	if answer.key == nil || k.expired(answer.key) {
		return nil, nil
	}
	own := *answer.key
	own.Permissions = slices.Clone(own.Permissions)
	return &own, nil
}

func (k *apiKeys) expired(key *APIKey) bool {
	return !key.ExpiresAt.IsZero() && !k.clock.Now().Before(key.ExpiresAt)
}

// ask puts the question. A panic, of the application's own transport say, would
// end the program here, where no request's recovery stands above it.
func (k *apiKeys) ask(ctx context.Context, hash, value string) (answer keyAnswer) {
	defer func() {
		if p := recover(); p != nil {
			answer = keyAnswer{err: unavailable(fmt.Errorf("the question panicked: %v", p), 0)}
		}
	}()
	if answer, known := k.answers.get(hash); known {
		return answer
	}
	key, _, err := k.client.ValidateAPIKey(ctx, value)
	answer, lasts := keyAnswer{key: key}, keyMemory
	switch {
	case err != nil:
		level := slog.LevelWarn
		var reply *workos.Error
		if errors.As(err, &reply) && reply.StatusCode == http.StatusUnauthorized {
			level = slog.LevelError // our own key is not accepted
		}
		k.log.LogAttrs(ctx, level, "authkit: API key not validated", slog.Any("error", err))
		lasts = max(retryPause, workos.RetryAfter(err))
		answer.err = unavailable(fmt.Errorf("validate an API key: %w", err), lasts)
	case key == nil:
		k.proven.forget(hash)
	case k.grace > 0:
		k.proven.put(hash, key, k.clock.Now().Add(k.grace))
	}
	k.answers.put(hash, answer, k.clock.Now().Add(lasts))
	var limit *workos.RateLimitError
	if errors.As(err, &limit) {
		k.answers.put(rateLimited, answer, k.clock.Now().Add(lasts))
	}
	return answer
}
