// Switching to another organization within a session.

package authkit

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/authkit-go/authkit/workos"
)

// maxForm bounds the forms that this package reads.
const maxForm = 64 << 10

// SwitchOrganization returns the handler that takes a signed-in person to
// another of their organizations. It is mounted as POST and reads a form with
// the fields organization_id and, if the way back is not "/", return_to:
//
//	mux.Handle("POST /organization", ak.SwitchOrganization())
//
//	<form method="post" action="/organization">
//	  <input type="hidden" name="return_to" value="/account">
//	  <button name="organization_id" value="org_…">Acme</button>
//	</form>
//
// The session goes on with the new organization's role and permissions, at
// once. Where WorkOS wants the person to sign in for that organization first,
// through its single sign-on or with a second factor, a browser goes through
// that and comes back; a script is answered 403 with the code
// organization_sign_in_required. Any other refusal is answered 403 and leaves the
// session as it was, except invalid_grant, which ends it. A refusal is remembered
// for a minute, and so is what is no organization ID (org_ and at most 128
// letters, digits, "_" and "-") refused without asking WorkOS. A session that was
// refused 20 organizations within a minute is refused every other until that is
// over.
//
// A script that calls fetch gets 200 and {"return_to":"…"}. A POST from another
// site's page is answered 403.
func (a *AuthKit) SwitchOrganization() http.Handler {
	return a.post(a.RequireAuth(http.HandlerFunc(a.switchOrganization)).ServeHTTP)
}

func (a *AuthKit) switchOrganization(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	organization := r.PostFormValue("organization_id")
	returnTo := a.SanitizeReturnPath(r.PostFormValue("return_to"))
	v := requestAuthFrom(r.Context())
	session := v.session
	if !isOrganizationID(organization) || session.sealed.RefreshToken == "" {
		a.fail(w, r, fmt.Errorf("%w: organization_id is none, or the session cannot be refreshed", ErrOrganizationRefused), "")
		return
	}
	since := a.rotations.currentCounts()
	next, err := a.rotations.exchange(r.Context(), session, exchangeTarget{organization, true}, a.exchangeRefreshToken)
	if a.isSignedOut(session) {
		a.fail(w, r, ErrUnauthenticated, returnTo)
		return
	}
	if err != nil {
		a.setUnrefreshedSession(w, r, v, session)
	}
	switch {
	case err == nil && next.session.OrganizationID() != organization:
		a.setRefreshedSession(w, r, v, next) // the old refresh token is spent all the same
		a.fail(w, r, fmt.Errorf("%w: WorkOS answered with another organization", ErrOrganizationRefused), "")
	case err == nil:
		a.setRefreshedSession(w, r, v, next)
		a.respondSwitched(w, r, returnTo)
	case errors.Is(err, errSessionEnded):
		a.clearEndedSession(w, r, v, session, since)
		a.fail(w, r, fmt.Errorf("%w: %w", ErrUnauthenticated, err), returnTo)
	case wantsSignIn(err) && a.redirectURL != "" && wantsPage(r):
		params := a.loginParams(r).with(LoginParams{Organization: organization}).throughAuthKit()
		request := a.newAuthorizationRequest(params)
		request.returnTo = returnTo
		a.startSignIn(w, r, request)
	case wantsSignIn(err):
		a.fail(w, r, fmt.Errorf("%w: %w", ErrOrganizationSignInRequired, err), returnTo)
	case errors.Is(err, ErrUnavailable):
		a.fail(w, r, err, "")
	default:
		a.fail(w, r, fmt.Errorf("%w: %w", ErrOrganizationRefused, err), "")
	}
}

// wentThrough answers a form of this application's own: a browser goes on, a
// script is told where to.
func (a *AuthKit) respondSwitched(w http.ResponseWriter, r *http.Request, returnTo string) {
	noStore(w.Header())
	if wantsPage(r) {
		seeOther(w, returnTo)
		return
	}
	writeJSON(w, "application/json", http.StatusOK, map[string]string{"return_to": returnTo})
}

// wantsSignIn tells whether WorkOS refused to switch because the organization
// has demands of its own on how its people sign in.
func wantsSignIn(err error) bool {
	switch workos.ErrorCode(err) {
	case workos.CodeSSORequired, workos.CodeMFAEnrollment, workos.CodeMFAChallenge, workos.CodeOrganizationAuthenticationMethodsRequired, workos.CodeEmailVerificationRequired:
		return true
	}
	return false
}
