// The request's context: the session, the API key, or why none could be checked.

package authkit

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/authkit-go/authkit/workos"
)

// APIKey is a key that was issued to a customer of the application: its owner,
// its organization and its permissions, and never its value.
type APIKey = workos.APIKey

// APIKeyFromContext returns the API key of a request that
// [AuthKit.RequireAPIKey], [AuthKit.RequireAuthOrAPIKey] or [AuthKit.Accept] passed, and
// nil and false for a request without one.
func APIKeyFromContext(ctx context.Context) (*APIKey, bool) {
	found, _ := ctx.Value(apiKeyKey{}).(*requestKey)
	if found == nil || found.key == nil {
		return nil, false
	}
	return found.key, true
}

// NewAPIKeyContext returns a context with the API key, for tests of handlers and
// for keys from another source. [AuthKit.RequireAPIKey],
// [AuthKit.RequireAuthOrAPIKey] and [AuthKit.Accept] trust it as they trust a key that
// WorkOS has validated: they check its permissions and nothing else. [FromContext] returns
// false for the context. With a nil key, [APIKeyFromContext] returns false too.
func NewAPIKeyContext(ctx context.Context, key *APIKey) context.Context {
	return context.WithValue(&requestAuth{Context: ctx}, apiKeyKey{}, &requestKey{key: key, given: true})
}

// requestKey is the API key of a request.
type requestKey struct {
	key     *APIKey
	given   bool   // NewAPIKeyContext made it, so guards do not validate it
	changes uint64 // the number of changes of keys before it was validated
}

// givenAPIKey returns the key that [NewAPIKeyContext] put into ctx, or nil.
func givenAPIKey(ctx context.Context) *APIKey {
	if found, _ := ctx.Value(apiKeyKey{}).(*requestKey); found != nil && found.given {
		return found.key
	}
	return nil
}

// apiKeyKey is the context key of a *requestKey.
type apiKeyKey struct{}

// withoutAPIKey returns a context in which [APIKeyFromContext] finds nothing.
func withoutAPIKey(ctx context.Context) context.Context {
	if _, ok := APIKeyFromContext(ctx); ok {
		return context.WithValue(ctx, apiKeyKey{}, (*requestKey)(nil))
	}
	return ctx
}

// requestAuth is what the middleware found out about a request. It is also the
// request's context, which saves the allocation of a value context.
type requestAuth struct {
	context.Context
	authKit *AuthKit // nil if NewContext or NewAPIKeyContext made it
	session *Session // nil if the request is anonymous or err is set
	err     error    // why the session could not be checked
	// challenge is the challenge of a 401, nil if bearer tokens are not accepted.
	challenge *bearerChallenge
	// pending is what the response does with the session cookie, nil for nothing.
	pending atomic.Pointer[pendingCookie]
	// guarded is true once a guard has passed the request. It is set while the
	// handler runs, which may be on another goroutine (http.TimeoutHandler).
	guarded atomic.Bool
	// byHeader is true if the response depends on the Authorization header, also without
	// WithBearerTokens. It is set while the handler runs, as guarded is.
	byHeader atomic.Bool
	// outcome is what [AuthKit.Stats] counts the request as.
	outcome requestOutcome
	// cached is true if the session was found in the cache, whatever the outcome is.
	cached bool
	// exchanges is true if the caller exchanges the refresh token in any case, so that
	// a stale session is not refreshed before.
	exchanges bool
	// stale is true until refreshSession has refreshed the session. usable and due are what
	// it needs to know of the session.
	stale, usable, due bool
}

// requestAuthKey is the context key of a *requestAuth.
type requestAuthKey struct{}

// varyOnAuthorization adds Authorization to Vary. The writer of the middleware does so
// without an allocation, if the request has one of its own.
func (auth *requestAuth) varyOnAuthorization(h http.Header) {
	if auth.authKit != nil && auth != auth.authKit.anonymous {
		auth.byHeader.Store(true)
		return
	}
	varyOn(h, "Authorization")
}

func (auth *requestAuth) Value(key any) any {
	if key == (requestAuthKey{}) {
		return auth
	}
	return auth.Context.Value(key)
}

// String keeps the fields, which hold tokens, out of a printed context.
func (auth *requestAuth) String() string { return fmt.Sprintf("%v.WithAuthKit", auth.Context) }

func requestAuthFrom(ctx context.Context) *requestAuth {
	auth, _ := ctx.Value(requestAuthKey{}).(*requestAuth)
	return auth
}

// trustedBy reports whether a trusts this finding: a made it, or NewContext or
// NewAPIKeyContext did. Another AuthKit may have other signing keys and other
// users.
func (auth *requestAuth) trustedBy(a *AuthKit) bool { return auth.authKit == nil || auth.authKit == a }

// requestAuthOf returns the finding about a request that a's middleware has
// passed.
func (a *AuthKit) requestAuthOf(r *http.Request) *requestAuth {
	if auth := requestAuthFrom(r.Context()); auth != nil {
		return auth
	}
	return a.anonymous
}

// FromContext returns the session of the request that ctx belongs to. It returns
// nil and false if the request is anonymous, or if its session could not be
// checked. In the second case [ErrorFromContext] says why.
func FromContext(ctx context.Context) (*Session, bool) {
	auth := requestAuthFrom(ctx)
	if auth == nil || auth.session == nil {
		return nil, false
	}
	return auth.session, true
}

// ErrorFromContext returns why the middleware could not check the session of the
// request, or nil. The error matches [ErrUnavailable]. A public page can ignore it;
// guards answer 503.
func ErrorFromContext(ctx context.Context) error {
	if auth := requestAuthFrom(ctx); auth != nil {
		return auth.err
	}
	return nil
}

// NewContext returns a context with the session s, for tests of handlers and for
// sessions from another source. Guards trust s as they trust a session that the
// middleware loaded. With an anonymous s, [FromContext] returns false.
func NewContext(ctx context.Context, s *Session) context.Context {
	if s.isAnonymous() {
		s = nil
	}
	return &requestAuth{Context: ctx, session: s}
}
