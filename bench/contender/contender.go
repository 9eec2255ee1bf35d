// Contenders: who is measured.

package contender

import (
	"context"
	"net/http"
	"slices"
)

// Contender is one way from a request to who is asking.
type Contender struct {
	Name    string    // in the names of benchmarks
	Title   string    // in tables
	Modules []string  // the paths of the modules that do the work
	What    string    // what it does to a request, as a sentence
	Refuses []Forgery // what it checks

	setUp func(context.Context, *authority) (*setup, error)
}

// setup is a contender as an application sets it up in front of an authority. What it starts ends with the context.
type setup struct {
	// wrap is the middleware.
	wrap func(http.Handler) http.Handler
	// header is the request header that carries the credential.
	header string
	// issue makes the credential of a session, the value of that header, and asks nothing about the session.
	issue func(session) (string, error)
	// user is what a handler behind the middleware learns of who is asking: the user's ID, or "" for nobody.
	user func(*http.Request) string
}

// The names of authkit's own contenders.
const (
	AuthKit         = "authkit"
	AuthKitGuarded  = "authkit-guarded"
	AuthKitUncached = "authkit-uncached"
	AuthKitSmall    = "authkit-small"
	AuthKitBearer   = "authkit-bearer"
)

// Contenders are all of them, our own first.
func Contenders() []Contender {
	return slices.Concat(ours(), []Contender{
		secureCookieWithJWX(), golangJWT(), goOIDC(), auth0(), clerk(), scsMemory(), gorillaSessions(),
	})
}

// bearer carries an access token in the Authorization header (RFC 6750, section 2.1).
func bearer(s session) (string, error) { return "Bearer " + s.token.text, nil }

// refuse answers a request that may not pass.
func refuse(w http.ResponseWriter) { http.Error(w, "Unauthorized", http.StatusUnauthorized) }

// userKey is the context key of who is asking, for the middleware that is put together here.
type userKey struct{}

// tellUser puts who is asking into the context.
func tellUser[T any](r *http.Request, who T) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), userKey{}, who))
}

// toldUser is what tellUser put there.
func toldUser[T any](r *http.Request) (T, bool) {
	who, ok := r.Context().Value(userKey{}).(T)
	return who, ok
}
