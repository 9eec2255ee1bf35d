// The finding of a request, in its context.

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
// [AuthKit.RequireAPIKey] or [AuthKit.RequireAuthOrAPIKey] passed, and false for a
// request without one.
func APIKeyFromContext(ctx context.Context) (*APIKey, bool) {
	found, _ := ctx.Value(apiKeyKey{}).(*requestKey)
	if found == nil || found.key == nil {
		return nil, false
	}
	return found.key, true
}

// NewAPIKeyContext returns a context with the API key, for tests of handlers and
// for keys from another source. [AuthKit.RequireAPIKey] and
// [AuthKit.RequireAuthOrAPIKey] trust it as they trust a key that WorkOS has
// validated: they check its permissions and nothing else. [FromContext] returns
// false for the context. With a nil key, the request has no API key.
func NewAPIKeyContext(ctx context.Context, key *APIKey) context.Context {
	return context.WithValue(&requestAuth{Context: ctx}, apiKeyKey{}, &requestKey{key: key, given: true})
}

// requestKey is the API key of a request.
type requestKey struct {
	key   *APIKey
	given bool // by NewAPIKeyContext, so that no guard validates it
}

// givenAPIKey returns the key of [NewAPIKeyContext], or nil.
func givenAPIKey(ctx context.Context) *APIKey {
	if found, _ := ctx.Value(apiKeyKey{}).(*requestKey); found != nil && found.given {
		return found.key
	}
	return nil
}

// apiKeyKey is the context key of a *requestKey.
type apiKeyKey struct{}

// visit is what the middleware found out about a request. It is the request's
// context, too, so that it can be found there.
type requestAuth struct {
	context.Context
	authKit *AuthKit // nil where [NewContext] made it
	session *Session // nil where nobody is signed in
	err     error    // why it could not be decided
	// challenge is what a 401 asks for, nil where bearer tokens are not accepted.
	challenge *bearerChallenge
	// kept is the session that the response is about to set on its own account.
	pending atomic.Pointer[pendingCookie]
	// guarded says that a guard has let it through. It is set while a handler
	// runs, which may be on another goroutine (http.TimeoutHandler).
	guarded atomic.Bool
}

// visitKey is the context key of a *visit.
type requestAuthKey struct{}

func (v *requestAuth) Value(key any) any {
	if key == (requestAuthKey{}) {
		return v
	}
	return v.Context.Value(key)
}

// String keeps what is inside out of a printed context.
func (v *requestAuth) String() string { return fmt.Sprintf("%v.WithAuthKit", v.Context) }

func requestAuthFrom(ctx context.Context) *requestAuth {
	v, _ := ctx.Value(requestAuthKey{}).(*requestAuth)
	return v
}

// trustedBy tells whether a visit may be taken as a's own finding: what
// another AuthKit let in, with other keys for other people, may not.
func (v *requestAuth) trustedBy(a *AuthKit) bool { return v.authKit == nil || v.authKit == a }

// visitOf is a visit that a's middleware has let pass.
func (a *AuthKit) requestAuthOf(r *http.Request) *requestAuth {
	if v := requestAuthFrom(r.Context()); v != nil {
		return v
	}
	return a.anonymous
}

// keptSession is what a response is about to do with the session's cookie: to
// set a session, sealed, or to clear the cookie of one that WorkOS has ended.
// Without a text, a session to set is one whose refresh may come before the
// response does.
type pendingCookie struct {
	session *Session
	sealed  string

	clear       bool
	since       counts // when the request began
	clearNumber uint64 // the number of this response, once it has cleared the cookie
}

// FromContext returns the session of the request that ctx belongs to. It returns
// nil and false if the request is anonymous, or if its session could not be
// checked. In the second case [ErrorFromContext] says why.
func FromContext(ctx context.Context) (*Session, bool) {
	v := requestAuthFrom(ctx)
	if v == nil || v.session == nil {
		return nil, false
	}
	return v.session, true
}

// ErrorFromContext returns why the middleware could not check the session of the
// request, or nil. The error matches [ErrUnavailable]. A public page can ignore it;
// guards answer 503.
func ErrorFromContext(ctx context.Context) error {
	if v := requestAuthFrom(ctx); v != nil {
		return v.err
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
