// Impersonation from the WorkOS dashboard.

package authkittest

import "net/url"

// Impersonate impersonates the user with this email address, as a member of your team does from the WorkOS dashboard. It
// returns the URL that the impersonator's browser is redirected to: redirectURI with a code and without a state, because no
// application started the sign-in. The session belongs to the user's first organization, if there is one. It ends after 60
// minutes. reason can be empty. Impersonate panics if the user does not exist.
func (f *Server) Impersonate(email, impersonatorEmail, reason, redirectURI string) (callbackURL string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	user := f.mustAccount(email)
	result := signInResult{
		userID:       user.ID,
		method:       "Impersonation",
		impersonator: &Impersonator{Email: impersonatorEmail, Reason: reason},
		authTime:     f.clock.Now(),
	}
	if memberships := user.activeMemberships(); len(memberships) > 0 {
		result.organizationID = memberships[0].OrganizationID
	}
	return withQuery(redirectURI, url.Values{"code": {f.issueCode(issuedCode{signInResult: result})}})
}
