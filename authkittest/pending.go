// Sign-in in steps: checks what is missing after the first grant, and issues pending authentication tokens.

package authkittest

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"slices"
	"time"
)

// pendingLifetime is how long a pending authentication token works. WorkOS does not document the value of production.
const pendingLifetime = 10 * time.Minute

// step is the one step of a sign-in that a pending authentication token is valid for.
type step int

const (
	stepEmailVerification step = iota
	stepOrganization
	stepMFA
	stepRadarEmail
	stepRadarSMS
)

// pendingAuthentication is a sign-in that needs another step. Its token is consumed when the step succeeds. A wrong code does
// not consume it.
type pendingAuthentication struct {
	signInResult
	step      step
	radar     *radarCheck // of stepRadarEmail and stepRadarSMS
	expiresAt time.Time
}

type organizationRef struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// completeSignIn starts a session, or returns an error for the first thing that is missing. It checks, in this order: a
// challenge of Radar, a verified email address, the organization, the requirements of the organization, a second factor. An
// invitation is accepted when nothing is missing. confidential says whether the request has the client secret.
func (f *Server) completeSignIn(result signInResult, confidential bool) (*authentication, *apiError) {
	user := f.accountByID(result.userID)
	if user.RadarChallenge != "" && !result.radarPassed {
		return nil, f.radarError(result, user)
	}
	if user.EmailUnverified {
		sent := f.sendCode(MailEmailVerification, user)
		apiErr := f.requireStep(result, stepEmailVerification, "email_verification_required", "Email ownership must be verified before authentication.")
		apiErr.Email, apiErr.EmailVerificationID = user.Email, sent.id
		return nil, apiErr
	}
	if result.organizationID == "" {
		switch memberships := user.activeMemberships(); {
		case len(memberships) == 1:
			result.organizationID = memberships[0].OrganizationID
		case len(memberships) > 1:
			apiErr := f.requireStep(result, stepOrganization, "organization_selection_required", "The user must choose an organization to finish their authentication.")
			shown := f.authenticatedObject(user)
			apiErr.User = &shown
			for _, m := range memberships {
				o, _ := f.organization(m.OrganizationID)
				apiErr.Organizations = append(apiErr.Organizations, organizationRef{o.ID, o.Name})
			}
			return nil, apiErr
		}
	}
	if apiErr := f.methodError(user, result.organizationID, result.method); apiErr != nil {
		return nil, apiErr
	}
	if code := f.missingFactor(user, result); code != "" {
		return nil, f.secondFactorError(user, result, code)
	}
	if apiErr := f.acceptAtSignIn(&result); apiErr != nil {
		return nil, apiErr
	}
	return f.startSession(result, confidential)
}

// secondFactorError returns the error that requires the user to verify or to enroll a second factor.
func (f *Server) secondFactorError(user *account, result signInResult, code string) *apiError {
	apiErr := f.requireStep(result, stepMFA, code, "The user must prove a second factor to finish their authentication.")
	shown := f.authenticatedObject(user)
	apiErr.User = &shown
	for _, enrolled := range user.Factors {
		apiErr.Factors = append(apiErr.Factors, factorReference{enrolled.ID, enrolled.kind})
	}
	return apiErr
}

// requireStep stores a sign-in and returns the error with the pending authentication token for its next step.
func (f *Server) requireStep(result signInResult, next step, code, message string) *apiError {
	token := rand.Text()
	f.pending[token] = &pendingAuthentication{signInResult: result, step: next, expiresAt: f.clock.Now().Add(pendingLifetime)}
	return &apiError{status: http.StatusForbidden, Code: code, Message: message, PendingToken: token}
}

// pendingFor returns the pending sign-in of a request. It returns an error unless that sign-in waits for the step want.
func (f *Server) pendingFor(p parameters, want step) (*pendingAuthentication, *apiError) {
	pending := f.pending[p["pending_authentication_token"]]
	if pending == nil || pending.step != want || !f.clock.Now().Before(pending.expiresAt) {
		return nil, plainError("invalid_pending_authentication_token", "The pending authentication token is invalid or has expired.")
	}
	return pending, nil
}

// resume continues a sign-in whose step has succeeded. The session has the address and the browser of the last request that names
// them.
func (f *Server) resume(p parameters) (*authentication, *apiError) {
	token := p["pending_authentication_token"]
	result := f.pending[token].signInResult
	delete(f.pending, token)
	result.ipAddress, result.userAgent = cmp.Or(p["ip_address"], result.ipAddress), cmp.Or(p["user_agent"], result.userAgent)
	return f.completeSignIn(result, true) // every grant for a step needs the client secret
}

// organizationGrant answers RouteOrganizationSelection, which continues a sign-in after organization_selection_required.
func (f *Server) organizationGrant(p parameters) (*authentication, *apiError) {
	if apiErr := p.require("pending_authentication_token", "organization_id"); apiErr != nil {
		return nil, apiErr
	}
	pending, apiErr := f.pendingFor(p, stepOrganization)
	if apiErr != nil {
		return nil, apiErr
	}
	user := f.accountByID(pending.userID)
	if !slices.ContainsFunc(user.activeMemberships(), func(m Membership) bool { return m.OrganizationID == p["organization_id"] }) {
		return nil, plainError("invalid_organization_id", "The user is not a member of the organization.")
	}
	pending.organizationID = p["organization_id"]
	return f.resume(p)
}
