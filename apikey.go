// API keys: machine callers, validated with WorkOS and remembered briefly.

package authkit

import (
	"context"
	"crypto/sha256"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxAPIKey bounds a key, in bytes. WorkOS's keys are far shorter.
const maxAPIKey = 512

// RequireAPIKey lets programs through that bring a valid API key with all of
// the permissions: "Authorization: Bearer sk_…". No permission at all is
// allowed: any valid key passes then. The key's owner and permissions are in
// [APIKeyFromContext], and [FromContext] finds nobody, whatever cookie came
// along. A request without a valid key is answered 401 with WWW-Authenticate,
// one whose key lacks a permission 403.
//
// WorkOS validates a key
// (https://workos.com/docs/reference/authkit/api-keys/validate). Its answer is
// believed for 30 seconds, which is how long a deleted key may go on working,
// and one question serves all requests that ask it at the same time. Where
// WorkOS does not answer, the answer is 503 with Retry-After, unless
// [WithAPIKeyGrace] says otherwise. The value of a key is not kept: what is
// remembered is found by its SHA-256 hash.
//
// Made-up keys must not use up WorkOS's rate limit, which is 6,000 requests a
// minute for each API key of the application. So keys are of two kinds, and
// neither waits for the other:
//
//   - Proven keys are those that WorkOS called valid within the last seven days,
//     or within the grace if that is longer: the last 16,384 of them, in 32 MiB
//     at the most. Each is asked about whenever its answer is 30 seconds old, up
//     to 128 at a time.
//   - All other keys are unknown. They share a budget of 200 questions, which
//     grows by 10 a second (a tenth of WorkOS's limit) until it is 200 again. A
//     question that finds a valid key is given back, so that thousands of valid
//     keys can come at once after a restart. Up to 32 unknown keys are asked
//     about at a time, and 4,096 answers are remembered.
//
// An unknown key beyond the budget is answered 429 with Retry-After
// ([ErrTooManyAPIKeys]), and so is one that comes while WorkOS itself wants no
// more questions. A request waits 5 seconds at the most until its question is
// put, and then 10 for the reply. 4,096 requests of either kind may wait at a
// time; beyond that, the answer is 429 for unknown keys and 503 for proven ones.
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

// validate returns a key's description, or nil for one that is not valid. What
// it returns belongs to the caller.
func (k *apiKeys) validate(ctx context.Context, value string) (*APIKey, error) {
	if !maybeAPIKey(value) {
		return nil, nil
	}
	sum := sha256.Sum256([]byte(value))
	hash := string(sum[:])
	answer, known := k.remembered(hash)
	if !known {
		var err error
		if answer, err = k.await(ctx, hash, value); err != nil {
			return nil, err
		}
	}
	key, err := k.verdict(hash, answer)
	if err != nil || key == nil || k.expired(key) {
		return nil, err
	}
	own := *key
	own.Permissions = slices.Clone(own.Permissions)
	return &own, nil
}

// maybeAPIKey reports whether a value may be a key, so that it is worth a
// question. WorkOS's keys are ASCII letters, digits, "_" and "-". Anything else
// is never sent: a firewall before WorkOS may take it for an attack, and its
// refusal would look like a failure of WorkOS.
func maybeAPIKey(value string) bool {
	rest, isKey := strings.CutPrefix(value, "sk_")
	return isKey && rest != "" && len(value) <= maxAPIKey && !strings.ContainsFunc(rest, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	})
}

func (k *apiKeys) expired(key *APIKey) bool {
	return !key.ExpiresAt.IsZero() && !k.clock.Now().Before(key.ExpiresAt)
}

// verdict is what an answer means for a request. The grace counts only where
// WorkOS did not answer about this very key, and has not refused it since it
// was last valid.
func (k *apiKeys) verdict(hash string, answer keyAnswer) (*APIKey, error) {
	if answer.err == nil {
		return answer.key, nil
	}
	now := k.clock.Now()
	wait := max(time.Second, answer.until.Sub(now))
	known, proven := k.proven.Get(hash)
	switch {
	case proven && answer.unanswered && !known.refused && k.grace > 0 && now.Before(known.validAt.Add(k.grace)):
		return known.key, nil
	case !proven && answer.limited:
		return nil, &TooManyAPIKeysError{RetryAfter: wait, Err: answer.err}
	}
	return nil, unavailable(answer.err, wait)
}
