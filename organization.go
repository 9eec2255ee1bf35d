// SwitchOrganization and SwitchTo: the handler and the call that switch a session to
// another organization.

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
// The form of a page is for example:
//
//	<form method="post" action="/organization">
//	  <input type="hidden" name="return_to" value="/account">
//	  <button name="organization_id" value="org_…">Acme</button>
//	</form>
//
// The session does not have the list of the user's organizations. ListOrganizationMemberships of [AuthKit.Client] returns
// it.
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
	_, err := a.SwitchTo(w, r, organization)
	signsIn := errors.Is(err, ErrOrganizationSignInRequired)
	switch {
	case err == nil:
		a.respondSwitched(w, r, returnTo)
	case signsIn && !a.redirectURLs.isEmpty() && loadsPage(r):
		params := a.loginParams(r).with(LoginParams{Organization: organization}).throughAuthKit()
		request := a.newAuthorizationRequest(r, params)
		request.returnTo = returnTo
		a.startSignIn(w, r, request)
	case signsIn, errors.Is(err, ErrUnauthenticated):
		a.fail(w, r, err, returnTo)
	default:
		a.fail(w, r, err, "")
	}
}

// SwitchTo switches the session of a request to another organization of its user, as the
// handler [AuthKit.SwitchOrganization] does. Call it before the response is written. The
// response then has the new cookie, and is kept out of caches. [FromContext] still
// returns the session that the request began with. SwitchTo works behind the middleware,
// and also without it. A page of another site must not be able to send the request. See
// [AuthKit.RefuseCrossOrigin].
//
// The error matches one of these, and is for [AuthKit.Fail]:
//
//   - [ErrUnauthenticated]: the request has no session, or the session has ended. A
//     request with an API key has no session.
//   - [ErrOrganizationSignInRequired]: the organization requires a sign-in of its own.
//     Start it with [AuthKit.Login] and [LoginParams].
//   - [ErrOrganizationRefused]: any other refusal. The organization ID may be malformed,
//     or the session may have no refresh token, as that of a bearer token.
//   - [ErrUnavailable]: WorkOS or its signing keys could not be reached.
//
// [AuthKit.SwitchOrganization] describes what changes after a refusal, and its limits.
func (a *AuthKit) SwitchTo(w http.ResponseWriter, r *http.Request, organizationID string) (*Session, error) {
	auth, session, err := a.requestSession(w, r)
	if err != nil {
		return nil, err
	}
	if !isOrganizationID(organizationID) || session.sealed.RefreshToken == "" {
		return nil, fmt.Errorf("%w: the value is not an organization ID, or the session cannot be refreshed", ErrOrganizationRefused)
	}
	since := a.rotations.currentCounts()
	next, err := a.exchangeWhileDue(r.Context(), session, exchangeTarget{organizationID, true})
	err = a.setExchangedSession(w, r, auth, exchangedSession{session, next, err, since}) // in any organization: the old refresh token is used up
	switch {
	case err == nil && next.session.OrganizationID() == organizationID:
		return next.session, nil
	case err == nil:
		return nil, fmt.Errorf("%w: WorkOS answered with another organization", ErrOrganizationRefused)
	case errors.Is(err, ErrUnauthenticated):
		return nil, err
	case requiresSignIn(err):
		return nil, fmt.Errorf("%w: %w", ErrOrganizationSignInRequired, err)
	case errors.Is(err, ErrUnavailable):
		return nil, err
	}
	return nil, fmt.Errorf("%w: %w", ErrOrganizationRefused, err)
}

// respondSwitched answers a switch that succeeded: it redirects a browser, and returns the
// return path to a script.
func (a *AuthKit) respondSwitched(w http.ResponseWriter, r *http.Request, returnTo string) {
	noStore(w.Header())
	a.continueTo(w, r, returnTo, "return_to")
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
