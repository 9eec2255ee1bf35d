// The guards: who may pass, and what everybody else is told.

package authkit

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

// RequireAuth lets signed-in people through, and nobody else. A navigation of
// a browser is sent to sign in and comes back to the very page it asked for;
// anything else is answered 401 with a problem document. Where it could not be
// decided who is asking, the answer is 503 with Retry-After.
//
// It stands around a handler, a group of routes or a whole router, and works
// without [AuthKit.Middleware] too. Responses behind it are "private,
// no-store" unless the handler says otherwise.
func (a *AuthKit) RequireAuth(next http.Handler) http.Handler {
	return a.guard(next, func(*Session) error { return nil }, nil)
}

// RequireRole lets people through who have one of the roles in the
// organization that they are signed in to. Who is not signed in is answered as
// by [AuthKit.RequireAuth]; who has none of the roles is answered 403, with a
// page or a problem document that names what is missing.
//
// Like all guards of this shape it is a middleware for a route or a group, can
// be combined with others, and can be used inside a handler:
//
//	mux.Handle("DELETE /posts/{id}", ak.RequirePermission("posts:delete")(deletePost))
//	r.Use(ak.RequireRole("admin"), ak.RequireRecentAuth(10*time.Minute))
//
// It panics if no slug is given or one is empty: a guard that requires nothing
// is a mistake in the program. All guards panic if the handler is nil.
func (a *AuthKit) RequireRole(slugs ...string) func(http.Handler) http.Handler {
	return a.require("RequireRole", slugs, func(s *Session, slugs []string) error {
		return lacking(slices.ContainsFunc(slugs, s.HasRole), oneOf("role", slugs))
	})
}

// RequirePermission lets people through who have all of the permissions. See
// [AuthKit.RequireRole].
func (a *AuthKit) RequirePermission(slugs ...string) func(http.Handler) http.Handler {
	return a.require("RequirePermission", slugs, func(s *Session, slugs []string) error {
		return lackingEach("permission", slugs, s.HasPermission)
	})
}

// RequireAnyPermission lets people through who have one of the permissions.
// See [AuthKit.RequireRole].
func (a *AuthKit) RequireAnyPermission(slugs ...string) func(http.Handler) http.Handler {
	return a.require("RequireAnyPermission", slugs, func(s *Session, slugs []string) error {
		return lacking(slices.ContainsFunc(slugs, s.HasPermission), oneOf("permission", slugs))
	})
}

// RequireEntitlement lets people through whose organization has all of the
// entitlements. See [AuthKit.RequireRole].
func (a *AuthKit) RequireEntitlement(slugs ...string) func(http.Handler) http.Handler {
	return a.require("RequireEntitlement", slugs, func(s *Session, slugs []string) error {
		return lackingEach("entitlement", slugs, s.HasEntitlement)
	})
}

// RequireFeatureFlag lets people through for whom all of the flags are on. See
// [AuthKit.RequireRole].
func (a *AuthKit) RequireFeatureFlag(slugs ...string) func(http.Handler) http.Handler {
	return a.require("RequireFeatureFlag", slugs, func(s *Session, slugs []string) error {
		return lackingEach("feature flag", slugs, s.HasFeatureFlag)
	})
}

// RequireOrganization lets people through who are signed in to one of the
// organizations, org_…. [AuthKit.RequireOrganizationSession] accepts every
// organization. It panics if no ID is given or one is empty. See
// [AuthKit.RequireRole].
func (a *AuthKit) RequireOrganization(ids ...string) func(http.Handler) http.Handler {
	if len(ids) == 0 {
		panic("authkit: RequireOrganization needs an organization ID; RequireOrganizationSession accepts every organization")
	}
	return a.require("RequireOrganization", ids, func(s *Session, ids []string) error {
		// The answer does not name the organizations: a stranger must not learn whose page this is.
		return lacking(slices.Contains(ids, s.OrganizationID()), "another organization")
	})
}

// RequireOrganizationSession lets people through who are signed in to an
// organization, whichever it is. Who is signed in without one is answered 403.
// See [AuthKit.RequireRole].
func (a *AuthKit) RequireOrganizationSession() func(http.Handler) http.Handler {
	return a.guards(func(s *Session) error { return lacking(s.OrganizationID() != "", "an organization") })
}

// RefuseImpersonation lets people through who are themselves, and keeps out
// members of staff who are signed in as somebody else through the WorkOS
// dashboard: every session that has a [Session.Impersonator]. See
// [AuthKit.RequireRole].
func (a *AuthKit) RefuseImpersonation(next http.Handler) http.Handler {
	return a.guard(next, func(s *Session) error {
		_, impersonated := s.Impersonator()
		return lacking(!impersonated, "the user in person")
	}, nil)
}

// RequireRecentAuth lets people through who have proved who they are within
// maxAge, give or take a minute of clock skew. A time in the future, beyond
// that minute, is no proof. A navigation of somebody else
// who is signed in goes through AuthKit, which is asked for a new proof
// (max_age), and comes back to the page. That is on AuthKit's hosted pages, also
// where [WithLoginParams] names a Provider or a Connection, which do not know
// max_age. Anything else is answered 403 with
// the code recent_auth_required. Should AuthKit sign somebody in without a new
// proof, the callback answers 403: there is no going round in circles.
//
// Zero asks for a proof within the minute of skew. RequireRecentAuth panics if
// maxAge is negative.
func (a *AuthKit) RequireRecentAuth(maxAge time.Duration) func(http.Handler) http.Handler {
	if maxAge < 0 {
		panic("authkit: RequireRecentAuth needs an age of zero or more, not " + maxAge.String())
	}
	maxAge = min(maxAge, math.MaxInt64-clockSkew) // the skew is added to it
	return func(next http.Handler) http.Handler {
		mustHandle(next)
		return a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch s, _ := FromContext(r.Context()); {
			case a.authenticatedWithin(s, maxAge):
				next.ServeHTTP(w, r)
			case a.signsIn() && isNavigation(r) && !s.FromBearerToken():
				a.signInFrom(w, r, func(p LoginParams) LoginParams {
					return p.with(LoginParams{MaxAge: &maxAge}).throughAuthKit()
				})
			default:
				a.fail(w, r, ErrRecentAuth, requestTarget(r))
			}
		}))
	}
}

func (a *AuthKit) authenticatedWithin(s *Session, maxAge time.Duration) bool {
	at := s.AuthenticatedAt()
	age := a.clock.Now().Sub(at)
	return !at.IsZero() && age >= -clockSkew && age <= maxAge+clockSkew // a proof in the future is none
}

func lacking(has bool, what string) error {
	if has {
		return nil
	}
	return &ForbiddenError{Missing: what}
}

func lackingEach(kind string, slugs []string, has func(string) bool) error {
	for _, slug := range slugs {
		if !has(slug) {
			return &ForbiddenError{Missing: kind + " " + slug}
		}
	}
	return nil
}

func oneOf(kind string, slugs []string) string { return kind + " " + strings.Join(slugs, " or ") }

// require makes a guard of the check, which gets a copy of the names: they
// cannot change later. It panics if there are none, or if one is empty.
func (a *AuthKit) require(guard string, names []string, check func(s *Session, names []string) error) func(http.Handler) http.Handler {
	if len(names) == 0 {
		panic("authkit: " + guard + " needs to be told what it requires")
	}
	names = mustBeNamed(guard, names)
	return a.guards(func(s *Session) error { return check(s, names) })
}

// mustBeNamed returns a copy of the names that a guard requires, which the
// application cannot change later. It panics if one of them is empty.
func mustBeNamed(guard string, names []string) []string {
	for i, name := range names {
		if strings.TrimSpace(name) == "" {
			panic(fmt.Sprintf("authkit: %s: name %d of %d is empty", guard, i+1, len(names)))
		}
	}
	return slices.Clone(names)
}

// mustHandle panics if a guard would have nothing to let people through to.
func mustHandle(next http.Handler) {
	if f, ok := next.(http.HandlerFunc); next == nil || ok && f == nil {
		panic("authkit: a guard needs a handler, and this one is nil")
	}
}

func (a *AuthKit) guards(check func(*Session) error) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return a.guard(next, check, nil) }
}

// guard is what all guards are: whoever is signed in and passes the check goes
// on to next. The challenge is for a 401 where bearer tokens are not accepted.
func (a *AuthKit) guard(next http.Handler, check func(*Session) error, challenge *bearerChallenge) http.Handler {
	mustHandle(next)
	return a.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := a.visitOf(r)
		switch {
		case v.session != nil:
			if err := check(v.session); err != nil {
				a.fail(w, r, err, "")
				return
			}
			noStore(w.Header())
			v.guarded.Store(true)
			next.ServeHTTP(w, r)
		case v.err != nil:
			a.fail(w, r, v.err, "")
		case a.signsIn() && isNavigation(r) && !v.challenge.refusesToken():
			a.signInFrom(w, r, func(p LoginParams) LoginParams { return p })
		default:
			a.failSignedOut(w, r, cmp.Or(v.challenge, challenge))
		}
	}))
}

// failSignedOut answers 401, with a challenge where credentials other than a
// cookie are accepted.
func (a *AuthKit) failSignedOut(w http.ResponseWriter, r *http.Request, c *bearerChallenge) {
	if c != nil {
		w.Header().Set("WWW-Authenticate", c.String())
	}
	returnTo := ""
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		returnTo = requestTarget(r) // what was posted cannot be come back to
	}
	a.fail(w, r, ErrSignedOut, returnTo)
}

// signInFrom starts a sign-in that returns to the requested page. Its parameters
// are those of every sign-in, changed by params.
func (a *AuthKit) signInFrom(w http.ResponseWriter, r *http.Request, params func(LoginParams) LoginParams) {
	if !a.passConflict(w, r, requestTarget(r)) {
		return
	}
	if a.signInPage {
		link := a.loginLink(requestTarget(r))
		a.noteConflict(w, r, len(link))
		noStore(w.Header())
		seeOther(w, link)
		return
	}
	request := a.newAuthorizationRequest(params(a.loginParams(r)))
	request.returnTo = requestTarget(r)
	a.startSignIn(w, r, request)
}
