// Signing in by steps: what is still missing after a password or a code, and the tokens that lead on.

package authkittest

import (
	"crypto/rand"
	"net/http"
	"slices"
	"time"
)

// pendingLifetime is how long a pending authentication token works; production does not publish its own.
const pendingLifetime = 10 * time.Minute

// step is what a pending authentication token is good for, and nothing else.
type step int

const (
	stepEmailVerification step = iota
	stepOrganization
	stepMFA
)

// pendingAuthentication is a sign-in on its way. Its token is spent by the step that succeeds, not by a wrong code.
type pendingAuthentication struct {
	identity
	step      step
	expiresAt time.Time
}

type organizationRef struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// conclude opens a session for somebody who has proved who they are, or asks for what is missing: first a verified
// address, then a choice of organization, then what that organization demands, then a second factor.
func (f *Server) conclude(who identity) (*authentication, *refusal) {
	user := f.accountByID(who.personID)
	if user.EmailUnverified {
		sent := f.sendCode(MailEmailVerification, user)
		no := f.stepUp(who, stepEmailVerification, "email_verification_required", "Email ownership must be verified before authentication.")
		no.Email, no.EmailVerificationID = user.Email, sent.id
		return nil, no
	}
	if who.organizationID == "" {
		switch memberships := user.activeMemberships(); {
		case len(memberships) == 1:
			who.organizationID = memberships[0].OrganizationID
		case len(memberships) > 1:
			no := f.stepUp(who, stepOrganization, "organization_selection_required", "The user must choose an organization to finish their authentication.")
			shown := user.object()
			no.User = &shown
			for _, m := range memberships {
				o, _ := f.organization(m.OrganizationID)
				no.Organizations = append(no.Organizations, organizationRef{o.ID, o.Name})
			}
			return nil, no
		}
	}
	if no := f.methodRefusal(user, who.organizationID, who.method); no != nil {
		return nil, no
	}
	if code := f.missingFactor(user, who); code != "" {
		return nil, f.factorRefusal(user, who, code)
	}
	return f.mint(f.openSession(who, true)), nil
}

// factorRefusal asks for a second factor: to prove it, or to enroll one first.
func (f *Server) factorRefusal(user *account, who identity, code string) *refusal {
	no := f.stepUp(who, stepMFA, code, "The user must prove a second factor to finish their authentication.")
	shown := user.object()
	no.User = &shown
	for _, enrolled := range user.Factors {
		no.Factors = append(no.Factors, factorReference{enrolled.ID, enrolled.kind})
	}
	return no
}

// stepUp keeps a sign-in for its next step.
func (f *Server) stepUp(who identity, next step, code, message string) *refusal {
	token := rand.Text()
	f.pending[token] = &pendingAuthentication{identity: who, step: next, expiresAt: f.clock.Now().Add(pendingLifetime)}
	return &refusal{status: http.StatusForbidden, Code: code, Message: message, PendingToken: token}
}

// pendingFor looks up the sign-in that a request goes on with.
func (f *Server) pendingFor(p parameters, want step) (*pendingAuthentication, *refusal) {
	pending := f.pending[p["pending_authentication_token"]]
	if pending == nil || pending.step != want || !f.clock.Now().Before(pending.expiresAt) {
		return nil, plainRefusal("invalid_pending_authentication_token", "The pending authentication token is invalid or has expired.")
	}
	return pending, nil
}

// resume goes on with a sign-in whose step has succeeded.
func (f *Server) resume(p parameters) (*authentication, *refusal) {
	token := p["pending_authentication_token"]
	who := f.pending[token].identity
	delete(f.pending, token)
	return f.conclude(who)
}

// organizationGrant answers RouteOrganizationSelection, the step after organization_selection_required.
func (f *Server) organizationGrant(p parameters) (*authentication, *refusal) {
	if no := p.require("pending_authentication_token", "organization_id"); no != nil {
		return nil, no
	}
	pending, no := f.pendingFor(p, stepOrganization)
	if no != nil {
		return nil, no
	}
	user := f.accountByID(pending.personID)
	if !slices.ContainsFunc(user.activeMemberships(), func(m Membership) bool { return m.OrganizationID == p["organization_id"] }) {
		return nil, plainRefusal("invalid_organization_id", "The user is not a member of the organization.")
	}
	pending.organizationID = p["organization_id"]
	return f.resume(p)
}
