// The guards: middleware that passes only requests with a session that has the required rights.

package authkit

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

// RequireAuth returns a handler that passes requests with a session to next.
// An anonymous navigation of a browser is redirected to sign-in and returns to
// the requested page afterwards. Any other anonymous request is answered 401
// ([ErrUnauthenticated]), with a page if it accepts HTML and no JSON, and with a
// problem document otherwise. A request of htmx gets HX-Redirect too, which leads to
// the login path and back to the page that it is a part of, or to the page of a boosted
// link. A request whose session cannot
// be checked is answered 503 with Retry-After ([ErrUnavailable]).
//
// It can wrap a handler, a group of routes or a whole router, with or without
// [AuthKit.Middleware]. Around a whole router, a sign-in and a sign-out still work: the
// guard answers a callback as [AuthKit.Callback] does, and passes a POST of the logout
// path ([WithLogoutPath]) and, with [WithSignInPage], the login path to next. A callback
// is a GET of exactly the redirect URL's path, with a state, a code or an error in its
// query. Responses behind it are "private, no-store" unless the
// handler sets another Cache-Control. It panics if next is nil.
func (a *AuthKit) RequireAuth(next http.Handler) http.Handler {
	return a.guard(next, func(*Session) error { return nil }, nil)
}

// RequireRole returns a middleware that passes requests whose session has the
// role in its organization. An anonymous request is answered as by
// [AuthKit.RequireAuth]. A session without the role is answered 403, with a page
// or a problem document that names what is missing ([ForbiddenError]).
//
// All guards of this form can wrap a route or a group of routes, can be
// combined, and can be used inside a handler:
//
//	mux.Handle("DELETE /posts/{id}", ak.RequirePermission("posts:delete")(deletePost))
//	router.Use(ak.RequireRole("admin"), ak.RequireRecentAuth(10*time.Minute))
//
// They panic at construction if a slug is empty, or if a list of slugs is empty.
// The middleware panics if its handler is nil.
func (a *AuthKit) RequireRole(slug string) func(http.Handler) http.Handler {
	return a.requireAll("RequireRole", byRole, slug)
}

// RequireAnyRole returns a middleware that passes requests whose session has
// one of the roles or more. See [AuthKit.RequireRole].
func (a *AuthKit) RequireAnyRole(slugs ...string) func(http.Handler) http.Handler {
	return a.requireAny("RequireAnyRole", byRole, slugs)
}

// RequirePermission returns a middleware that passes requests whose session has
// the permission. See [AuthKit.RequireRole].
func (a *AuthKit) RequirePermission(slug string) func(http.Handler) http.Handler {
	return a.requireAll("RequirePermission", byPermission, slug)
}

// RequireAllPermissions returns a middleware that passes requests whose session
// has all of the permissions. See [AuthKit.RequireRole].
func (a *AuthKit) RequireAllPermissions(slugs ...string) func(http.Handler) http.Handler {
	return a.requireAll("RequireAllPermissions", byPermission, slugs...)
}

// RequireAnyPermission returns a middleware that passes requests whose session
// has one of the permissions or more. See [AuthKit.RequireRole].
func (a *AuthKit) RequireAnyPermission(slugs ...string) func(http.Handler) http.Handler {
	return a.requireAny("RequireAnyPermission", byPermission, slugs)
}

// RequireEntitlement returns a middleware that passes requests whose session's
// organization has the entitlement. See [AuthKit.RequireRole].
func (a *AuthKit) RequireEntitlement(slug string) func(http.Handler) http.Handler {
	return a.requireAll("RequireEntitlement", byEntitlement, slug)
}

// RequireAllEntitlements returns a middleware that passes requests whose
// session's organization has all of the entitlements. See [AuthKit.RequireRole].
func (a *AuthKit) RequireAllEntitlements(slugs ...string) func(http.Handler) http.Handler {
	return a.requireAll("RequireAllEntitlements", byEntitlement, slugs...)
}

// RequireAnyEntitlement returns a middleware that passes requests whose
// session's organization has one of the entitlements or more. See
// [AuthKit.RequireRole].
func (a *AuthKit) RequireAnyEntitlement(slugs ...string) func(http.Handler) http.Handler {
	return a.requireAny("RequireAnyEntitlement", byEntitlement, slugs)
}

// RequireFeatureFlag returns a middleware that passes requests of users for whom
// the feature flag is on. See [AuthKit.RequireRole].
func (a *AuthKit) RequireFeatureFlag(slug string) func(http.Handler) http.Handler {
	return a.requireAll("RequireFeatureFlag", byFeatureFlag, slug)
}

// RequireAllFeatureFlags returns a middleware that passes requests of users for
// whom all of the feature flags are on. See [AuthKit.RequireRole].
func (a *AuthKit) RequireAllFeatureFlags(slugs ...string) func(http.Handler) http.Handler {
	return a.requireAll("RequireAllFeatureFlags", byFeatureFlag, slugs...)
}

// RequireAnyFeatureFlag returns a middleware that passes requests of users for
// whom one of the feature flags or more is on. See [AuthKit.RequireRole].
func (a *AuthKit) RequireAnyFeatureFlag(slugs ...string) func(http.Handler) http.Handler {
	return a.requireAny("RequireAnyFeatureFlag", byFeatureFlag, slugs)
}

// RequireOrganization returns a middleware that passes requests whose session is
// signed in to the organization. It panics if the ID does not have the form
// org_…. See [AuthKit.RequireRole].
func (a *AuthKit) RequireOrganization(id string) func(http.Handler) http.Handler {
	return a.requireOrganization("RequireOrganization", id)
}

// RequireAnyOrganization returns a middleware that passes requests whose session
// is signed in to one of the organizations. It panics if no ID is given, or if
// one does not have the form org_…. [AuthKit.RequireOrganizationSession] accepts
// every organization. See [AuthKit.RequireRole].
func (a *AuthKit) RequireAnyOrganization(ids ...string) func(http.Handler) http.Handler {
	if len(ids) == 0 {
		panic("authkit: RequireAnyOrganization needs at least one organization ID; RequireOrganizationSession accepts every organization")
	}
	return a.requireOrganization("RequireAnyOrganization", ids...)
}

// RequireOrganizationFunc returns a middleware that passes requests whose session is
// signed in to the organization that id returns for the request. It is for an
// application whose hosts belong to organizations. The function must look up the host in
// a list of the application. A client chooses the Host header, so the function must not
// build an ID from it:
//
//	organizations := map[string]string{"acme.example.com": "org_…", "globex.example.com": "org_…"}
//	guard := ak.RequireOrganizationFunc(func(r *http.Request) string { return organizations[r.Host] })
//
// If id returns "" or another text that is not an organization ID, no session passes. Any
// other organization's session is answered 403, as by [AuthKit.RequireOrganization]. A
// user of several organizations switches with [AuthKit.SwitchOrganization], or signs
// in again. [WithLoginFunc] chooses the organization of a sign-in. It panics if id is nil. See
// [AuthKit.RequireRole].
func (a *AuthKit) RequireOrganizationFunc(id func(*http.Request) string) func(http.Handler) http.Handler {
	if id == nil {
		panic("authkit: RequireOrganizationFunc: the function is nil")
	}
	return func(next http.Handler) http.Handler {
		mustHaveHandler(next)
		return a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, _ := FromContext(r.Context())
			organization := id(r)
			passes := isOrganizationID(organization) && s.OrganizationID() == organization || a.isOpenPath(r)
			if err := missingUnless(passes, "a session in another organization"); err != nil {
				a.fail(w, r, err, "")
				return
			}
			next.ServeHTTP(w, r)
		}))
	}
}

// RequireOrganizationSession returns a middleware that passes requests whose
// session is signed in to an organization, no matter which. See
// [AuthKit.RequireRole].
func (a *AuthKit) RequireOrganizationSession() func(http.Handler) http.Handler {
	return a.guards(func(s *Session) error { return missingUnless(s.OrganizationID() != "", "a session in an organization") })
}

// RefuseImpersonation returns a handler that passes requests with a session to
// next unless the session has a [Session.Impersonator]: a member of your team who is
// signed in as the user through the WorkOS dashboard. See [AuthKit.RequireRole].
func (a *AuthKit) RefuseImpersonation(next http.Handler) http.Handler {
	return a.guard(next, func(s *Session) error {
		_, impersonated := s.Impersonator()
		return missingUnless(!impersonated, "a session without impersonation")
	}, nil)
}

// RequireRecentAuth returns a middleware that passes requests whose user has
// authenticated within maxAge ([Session.AuthenticatedAt]), with a leeway of a
// minute for clock skew. A time that is more than that minute in the future does
// not count.
//
// A navigation with an older session is redirected to AuthKit, which asks for a
// new authentication (max_age), and returns to the page. This always uses
// AuthKit's hosted pages, even if [WithLoginParams] names a Provider or a
// Connection, because those do not know max_age. Any other request is answered
// 403 ([ErrRecentAuthRequired]). If AuthKit signs the user in without a new
// authentication, the callback answers 403 too, so that there is no redirect
// loop.
//
// With a maxAge of zero only the leeway remains. RequireRecentAuth panics if
// maxAge is negative.
func (a *AuthKit) RequireRecentAuth(maxAge time.Duration) func(http.Handler) http.Handler {
	if maxAge < 0 {
		panic("authkit: RequireRecentAuth needs an age of zero or more, not " + maxAge.String())
	}
	maxAge = min(maxAge, math.MaxInt64-clockSkew) // authenticatedWithin adds the skew
	return func(next http.Handler) http.Handler {
		mustHaveHandler(next)
		return a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch s, _ := FromContext(r.Context()); {
			case a.isOpenPath(r), a.authenticatedWithin(s, maxAge):
				next.ServeHTTP(w, r)
			case a.signsIn() && isNavigation(r) && !s.FromBearerToken():
				a.signInFrom(w, r, func(p LoginParams) LoginParams {
					return p.with(LoginParams{MaxAge: &maxAge}).throughAuthKit()
				})
			default:
				a.fail(w, r, ErrRecentAuthRequired, a.requestTarget(r))
			}
		}))
	}
}

func (a *AuthKit) authenticatedWithin(s *Session, maxAge time.Duration) bool {
	at := s.AuthenticatedAt()
	age := a.clock.Now().Sub(at)
	return !at.IsZero() && age >= -clockSkew && age <= maxAge+clockSkew
}

// right is a kind of right that a session can have, by slug.
type right struct {
	kind string // how panics and answers name it
	has  func(s *Session, slug string) bool
}

var (
	byRole        = right{"role", (*Session).HasRole}
	byPermission  = right{"permission", (*Session).HasPermission}
	byEntitlement = right{"entitlement", (*Session).HasEntitlement}
	byFeatureFlag = right{"feature flag", (*Session).HasFeatureFlag}
)

// checkAll returns a [ForbiddenError] that names the first missing right.
func (r right) checkAll(s *Session, slugs []string) error {
	for _, slug := range slugs {
		if !r.has(s, slug) {
			return &ForbiddenError{Missing: r.kind + " " + slug}
		}
	}
	return nil
}

func (a *AuthKit) requireAll(guard string, r right, slugs ...string) func(http.Handler) http.Handler {
	slugs = mustHaveSlugs(guard, r.kind, slugs)
	return a.guards(func(s *Session) error { return r.checkAll(s, slugs) })
}

func (a *AuthKit) requireAny(guard string, r right, slugs []string) func(http.Handler) http.Handler {
	slugs = mustHaveSlugs(guard, r.kind, slugs)
	missing := r.kind + " " + strings.Join(slugs, " or ")
	return a.guards(func(s *Session) error {
		return missingUnless(slices.ContainsFunc(slugs, func(slug string) bool { return r.has(s, slug) }), missing)
	})
}

func (a *AuthKit) requireOrganization(guard string, ids ...string) func(http.Handler) http.Handler {
	for _, id := range ids {
		if !isOrganizationID(id) {
			panic(fmt.Sprintf("authkit: %s: %q is not an organization ID, which starts with org_", guard, id))
		}
	}
	ids = slices.Clone(ids)
	return a.guards(func(s *Session) error {
		// The answer does not name the organizations: a user of another organization must not learn which customer the page belongs to.
		return missingUnless(slices.Contains(ids, s.OrganizationID()), "a session in another organization")
	})
}

// missingUnless returns a [ForbiddenError] that names what is missing, or nil if
// has is true.
func missingUnless(has bool, what string) error {
	if has {
		return nil
	}
	return &ForbiddenError{Missing: what}
}

// mustHaveSlugs returns a copy of the slugs, so that a later change of the
// caller's slice does not change the guard. It panics if there are none, or if
// one is empty.
func mustHaveSlugs(guard, kind string, slugs []string) []string {
	if len(slugs) == 0 {
		panic("authkit: " + guard + " needs at least one " + kind)
	}
	return noEmptySlugs(guard, kind, slugs)
}

// noEmptySlugs is mustHaveSlugs for a list that may be empty.
func noEmptySlugs(guard, kind string, slugs []string) []string {
	for i, slug := range slugs {
		if strings.TrimSpace(slug) == "" {
			panic(fmt.Sprintf("authkit: %s: %s %d of %d is empty", guard, kind, i+1, len(slugs)))
		}
	}
	return slices.Clone(slugs)
}

func (a *AuthKit) guards(check func(*Session) error) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return a.guard(next, check, nil) }
}

// guard returns a handler that passes a request with a session to next if check
// returns nil. The challenge is that of a route that also accepts other credentials in
// the Authorization header, nil for a route that does not.
func (a *AuthKit) guard(next http.Handler, check func(*Session) error, challenge *bearerChallenge) http.Handler {
	mustHaveHandler(next)
	return a.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		auth := a.requestAuthOf(r)
		if challenge != nil {
			auth.varyOnAuthorization(w.Header())
		}
		switch {
		case a.isCallback(r), a.isCallbackWithBasePath(r):
			a.callback(w, r)
		case a.isOpenPath(r):
			noStore(w.Header())
			if auth != a.anonymous { // which all anonymous requests share
				auth.guarded.Store(true)
			}
			next.ServeHTTP(w, r)
		case auth.session != nil:
			if err := check(auth.session); err != nil {
				a.fail(w, r, err, "")
				return
			}
			noStore(w.Header())
			auth.guarded.Store(true)
			next.ServeHTTP(w, r)
		case auth.err != nil:
			a.fail(w, r, auth.err, "")
		case a.signsIn() && isNavigation(r) && !auth.challenge.refusesToken():
			a.signInFrom(w, r, func(p LoginParams) LoginParams { return p })
		default:
			a.failUnauthenticated(w, r, auth.challenge.forRoute(challenge))
		}
	}))
}

// failUnauthenticated answers 401. The challenge is nil if only cookies are accepted.
func (a *AuthKit) failUnauthenticated(w http.ResponseWriter, r *http.Request, c *bearerChallenge) {
	a.mistakes.Preflight(r)
	if c != nil {
		c.setOn(w.Header())
	}
	returnTo := ""
	switch {
	case isHTMX(r):
		returnTo = a.htmxPage(r) // the request may be for a part of that page
		if a.signsIn() && !c.refusesToken() {
			// Not a redirect to AuthKit, which would set a cookie for each element that polls.
			setHTMXRedirect(w.Header(), a.loginLink(returnTo))
		}
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		returnTo = a.requestTarget(r) // a redirect cannot repeat a POST
	}
	a.fail(w, r, c.err(), returnTo)
}

// signInFrom starts a sign-in that returns to the requested page. Its parameters
// are those of every sign-in, changed by params.
func (a *AuthKit) signInFrom(w http.ResponseWriter, r *http.Request, params func(LoginParams) LoginParams) {
	if !a.failCookieConflict(w, r, a.requestTarget(r)) {
		return
	}
	if path := targetPath(r); a.signInPage && (path == a.loginPath || path == a.basePath+a.loginPath) {
		a.fail(w, r, ErrUnauthenticated, "") // a redirect would lead here again
		return
	}
	if a.signInPage {
		link := a.loginLink(a.requestTarget(r))
		a.noteConflict(w, r, len(link))
		noStore(w.Header())
		seeOther(w, link)
		return
	}
	request := a.newAuthorizationRequest(r, params(a.loginParams(r)))
	if targetPath(r) != a.loginPath {
		request.returnTo = a.requestTarget(r)
	} else if target := r.URL.Query().Get("return_to"); target != "" { // Login would start a second sign-in
		request.returnTo = a.SanitizeReturnPath(target)
	}
	a.startSignIn(w, r, request)
}

// maxOrganizationID bounds an organization ID. WorkOS's have 30 bytes.
const maxOrganizationID = 128

// isOrganizationID reports whether a text has the form of an organization ID.
func isOrganizationID(text string) bool {
	name, ok := strings.CutPrefix(text, "org_")
	if !ok || name == "" || len(text) > maxOrganizationID {
		return false
	}
	for _, c := range []byte(name) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return true
}
