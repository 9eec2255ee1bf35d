// The contenders: the libraries that are measured.

package contender

import (
	"context"
	"net/http"
	"slices"
)

// Contender is one way to authenticate a request.
type Contender struct {
	Name    string    // in the names of benchmarks
	Title   string    // in tables
	Modules []string  // the paths of the modules that do the work, besides the standard library
	What    string    // what it does with a request, in sentences
	Refuses []Forgery // the forgeries that it detects

	setUp func(context.Context, *authority) (*setup, error)
}

// setup is a contender that is ready for requests. Its goroutines end with the context.
type setup struct {
	// wrap is the middleware.
	wrap func(http.Handler) http.Handler
	// header is the request header for the credential.
	header string
	// issue returns the credential of a session, the value of that header. It does not check the session.
	issue func(session) (string, error)
	// user returns the user ID that a handler behind the middleware sees, or "" for an anonymous request.
	user func(*http.Request) string
}

// The names of authkit's contenders.
const (
	AuthKit         = "authkit"
	AuthKitGuarded  = "authkit-guarded"
	AuthKitUncached = "authkit-uncached"
	AuthKitSmall    = "authkit-small"
	AuthKitCompact  = "authkit-compact"
	AuthKitBearer   = "authkit-bearer"
	AuthKitProfile  = "authkit-profile"
	AuthKitMetadata = "authkit-metadata"
	Resource        = "authkit-resource"
	ResourceScope   = "authkit-resource-scope"
)

// Contenders returns all contenders, authkit's first.
func Contenders() []Contender {
	return slices.Concat(ours(), []Contender{
		workosGo(), byHand(), byHandWithLRU(lruSessions), secureCookieWithJWX(), gothSessions(), golangJWT(), goOIDC(), auth0(), clerk(),
		scsMemory(), gorillaSessions(),
	})
}

// bearer returns the Authorization header with the access token (RFC 6750, section 2.1).
func bearer(s session) (string, error) { return "Bearer " + s.token.text, nil }

// refuse responds with 401.
func refuse(w http.ResponseWriter) { http.Error(w, "Unauthorized", http.StatusUnauthorized) }

// userKey is the context key of the user, for the contenders whose middleware is written in this package.
type userKey struct{}

// withUser returns the request with the user in its context.
func withUser[T any](r *http.Request, user T) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), userKey{}, user))
}

// userFrom returns the user that withUser put into the context.
func userFrom[T any](r *http.Request) (T, bool) {
	user, ok := r.Context().Value(userKey{}).(T)
	return user, ok
}
