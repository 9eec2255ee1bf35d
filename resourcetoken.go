// Access tokens of WorkOS Connect beside session tokens, and their errors.

package authkit

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/authkit-go/authkit/internal/sessioncache"
	"github.com/authkit-go/authkit/resource"
)

// resourceIssuers are the issuers that the guards of an AuthKit accept tokens of Connect
// from. The middleware, which sees a request before its guard, verifies no such token: it
// would fetch keys of WorkOS for it and log a refusal.
type resourceIssuers struct {
	current atomic.Pointer[issuerList] // never nil
}

// issuerList does not change.
type issuerList struct {
	number uint64             // of the list, 0 for the first one, which is empty
	apis   []*resource.Server // one for each issuer
}

func newResourceIssuers() *resourceIssuers {
	i := &resourceIssuers{}
	i.current.Store(&issuerList{})
	return i
}

// add adds the issuer of a Server, once: a guard can be built in a handler, for each
// request.
func (i *resourceIssuers) add(api *resource.Server) {
	for {
		before := i.current.Load()
		if slices.ContainsFunc(before.apis, func(other *resource.Server) bool { return other.Issuer() == api.Issuer() }) {
			return
		}
		if i.current.CompareAndSwap(before, &issuerList{before.number + 1, append(slices.Clip(before.apis), api)}) {
			return
		}
	}
}

// isForResource reports whether an access token says that it is one of Connect, for a
// guard of this AuthKit. cached is the entry of the token in the cache of verified tokens, or
// nil. Such a token is read once for each list of issuers.
func (a *AuthKit) isForResource(token string, cached *sessioncache.Entry[*Session]) bool {
	list := a.resourceIssuers.current.Load()
	if cached != nil && cached.Value.checkedIssuers.Load() == list.number {
		return false
	}
	if slices.ContainsFunc(list.apis, func(api *resource.Server) bool { return api.MayVerify(token) }) {
		return true
	}
	if cached != nil {
		cached.Value.checkedIssuers.Store(list.number)
	}
	return false
}

// isKnownSession reports whether an access token was verified as that of a session before,
// and was found to be for no resource of a guard of this AuthKit.
func (a *AuthKit) isKnownSession(token string) bool {
	text := [1]string{token}
	cached := a.cache.Get(sessioncache.Token, text[:])
	return cached != nil && cached.Value.checkedIssuers.Load() == a.resourceIssuers.current.Load().number
}

// challengeParameters returns the parameters of a challenge that lead to the
// authorization server of a resource.
func challengeParameters(api *resource.Server, scopes []string) string {
	return strings.TrimPrefix(api.Challenge(resource.ErrNoToken, nil, scopes...), "Bearer ")
}

// withoutResourceToken returns a context in which [resource.FromContext] finds nothing.
func withoutResourceToken(ctx context.Context) context.Context {
	if _, ok := resource.FromContext(ctx); ok {
		return resource.NewContext(ctx, nil)
	}
	return ctx
}

// scopeError is why a token of Connect lacks a right. It matches [ErrForbidden] and
// [resource.ErrInsufficientScope].
type scopeError struct {
	forbidden *ForbiddenError
	cause     *resource.ScopeError
}

func (e *scopeError) Error() string { return e.forbidden.Error() }

func (e *scopeError) Unwrap() []error { return []error{e.forbidden, e.cause} }

func (e *scopeError) explanation() string { return resource.RefusalOf(e.cause).Detail }

// tokenError returns the error of this package for an error of package resource. It
// matches both.
func tokenError(err error) error {
	var scope *resource.ScopeError
	var later *resource.UnavailableError
	switch {
	case errors.As(err, &scope):
		return &scopeError{&ForbiddenError{Missing: "scope " + strings.Join(scope.Missing, " ")}, scope}
	case errors.As(err, &later):
		return unavailable(err, later.RetryAfter)
	default:
		return &credentialError{resource.RefusalOf(err).Detail, err}
	}
}
