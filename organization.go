// SwitchOrganization: the handler that switches a session to another organization.

package authkit

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/authkit-go/authkit/workos"
)

// maxForm limits the size of the forms that this package reads.
const maxForm = 64 << 10

// SwitchOrganization returns the handler that switches the session of a signed-in user to
// another organization of that user. Mount it as POST. It reads a form with the field
// organization_id and, for a return path other than "/", the field return_to:
//
//	mux.Handle("POST /organization", ak.SwitchOrganization())
//
//	<form method="post" action="/organization">
//	  <input type="hidden" name="return_to" value="/account">
//	  <button name="organization_id" value="org_…">Acme</button>
//	</form>
//
// The session has the role and the permissions of the new organization at once. A
// browser is redirected to the return path. A script that calls fetch gets 200 and
// {"return_to":"…"}. A POST from another site's page is answered 403.
//
// The organization may require its own sign-in, through single sign-on or with a second
// factor. Then a browser is redirected to that sign-in and returns afterwards,
// and a script is answered 403 with the code organization_sign_in_required
// ([ErrOrganizationSignInRequired]).
//
// Any other refusal is answered 403 ([ErrOrganizationRefused]). The session is unchanged,
// with two exceptions: invalid_grant ends it, and if WorkOS answers with another
// organization, the session is in that organization. A refusal is remembered for a minute. A session
// that was refused 20 organizations within a minute is refused all others until the
// minute is over. WorkOS is not called for a value that is not an organization ID: org_
// and at most 128 letters, digits, "_" and "-".
func (a *AuthKit) SwitchOrganization() http.Handler {
	return a.post(a.RequireAuth(http.HandlerFunc(a.switchOrganization)).ServeHTTP)
}

func (a *AuthKit) switchOrganization(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	organization := r.PostFormValue("organization_id")
	returnTo := a.SanitizeReturnPath(r.PostFormValue("return_to"))
	auth := requestAuthFrom(r.Context())
	session := auth.session
	if !isOrganizationID(organization) || session.sealed.RefreshToken == "" {
		a.fail(w, r, fmt.Errorf("%w: organization_id is not an organization ID, or the session cannot be refreshed", ErrOrganizationRefused), "")
		return
	}
	since := a.rotations.currentCounts()
	next, err := a.rotations.exchange(r.Context(), session, exchangeTarget{organization, true}, a.exchangeToken)
	if a.isSignedOut(session) {
		a.fail(w, r, ErrUnauthenticated, returnTo)
		return
	}
	if err != nil {
		a.setUnrefreshedSession(w, r, auth, session)
		if errors.Is(err, errSessionEnded) {
			a.clearEndedSession(w, r, auth, session, since)
		}
		a.failSwitch(w, r, organization, returnTo, err)
		return
	}
	a.setRefreshedSession(w, r, auth, next) // in any organization: the old refresh token is used up
	if next.session.OrganizationID() != organization {
		a.fail(w, r, fmt.Errorf("%w: WorkOS answered with another organization", ErrOrganizationRefused), "")
		return
	}
	a.respondSwitched(w, r, returnTo)
}

// failSwitch answers a switch that failed. If the organization requires a sign-in, it
// starts that sign-in for a browser.
func (a *AuthKit) failSwitch(w http.ResponseWriter, r *http.Request, organization, returnTo string, err error) {
	switch {
	case errors.Is(err, errSessionEnded), errors.Is(err, errSuperseded):
		a.fail(w, r, fmt.Errorf("%w: %w", ErrUnauthenticated, err), returnTo)
	case requiresSignIn(err) && a.redirectURL != "" && wantsPage(r):
		params := a.loginParams(r).with(LoginParams{Organization: organization}).throughAuthKit()
		request := a.newAuthorizationRequest(params)
		request.returnTo = returnTo
		a.startSignIn(w, r, request)
	case requiresSignIn(err):
		a.fail(w, r, fmt.Errorf("%w: %w", ErrOrganizationSignInRequired, err), returnTo)
	case errors.Is(err, ErrUnavailable):
		a.fail(w, r, err, "")
	default:
		a.fail(w, r, fmt.Errorf("%w: %w", ErrOrganizationRefused, err), "")
	}
}

// respondSwitched answers a switch that succeeded: it redirects a browser, and returns the
// return path to a script.
func (a *AuthKit) respondSwitched(w http.ResponseWriter, r *http.Request, returnTo string) {
	noStore(w.Header())
	if wantsPage(r) {
		seeOther(w, returnTo)
		return
	}
	writeJSON(w, "application/json", http.StatusOK, map[string]string{"return_to": returnTo})
}

// requiresSignIn reports whether WorkOS refused a switch because the organization requires
// its own sign-in.
func requiresSignIn(err error) bool {
	switch workos.ErrorCode(err) {
	case workos.CodeSSORequired, workos.CodeMFAEnrollment, workos.CodeMFAChallenge, workos.CodeOrganizationAuthenticationMethodsRequired, workos.CodeEmailVerificationRequired:
		return true
	}
	return false
}
