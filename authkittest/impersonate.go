// Impersonation from the dashboard: a callback that no sign-in preceded.

package authkittest

import "net/url"

// Impersonate does what a member of staff does who impersonates a user from the WorkOS dashboard, and returns the
// address that their browser is sent to: redirectURI with a code and without state, since no application has asked for
// it. The session belongs to the first organization of the user, if there is one. reason may be empty. It panics when
// nobody has the address email.
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
	return withQuery(redirectURI, url.Values{"code": {f.issueCode(result, "")}})
}
