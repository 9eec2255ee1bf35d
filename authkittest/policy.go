// Policy: what an organization, or the application for one person, demands of a sign-in.

package authkittest

import "slices"

// policyMethods are the members of auth_methods, and the authentication methods that they stand for.
var policyMethods = map[string]string{
	"apple_oauth":     "AppleOAuth",
	"github_oauth":    "GitHubOAuth",
	"google_oauth":    "GoogleOAuth",
	"magic_auth":      "MagicAuth",
	"microsoft_oauth": "MicrosoftOAuth",
	"password":        "Password",
}

// methodRefusal tells why an organization does not admit somebody who has signed in by method.
func (f *Server) methodRefusal(user *account, organizationID, method string) *refusal {
	o, _ := f.organization(organizationID)
	switch {
	case o.RequireSSO && method != "SSO":
		no := oauthRefusal("sso_required", "The user must sign in through a connection of the organization.")
		no.Email, no.ConnectionIDs = user.Email, slices.Clone(o.Connections)
		return no
	case len(o.AllowedMethods) > 0 && !slices.Contains(o.AllowedMethods, method):
		no := oauthRefusal("organization_authentication_methods_required", "The organization does not admit this authentication method.")
		connections := append([]string{}, o.Connections...) // [], not null
		no.Email, no.SSOConnectionIDs, no.AuthMethods = user.Email, &connections, map[string]bool{}
		for name, method := range policyMethods {
			no.AuthMethods[name] = slices.Contains(o.AllowedMethods, method)
		}
		return no
	}
	return nil
}

// missingFactor tells what is missing of a second factor, as the code of a step-up, or nothing. Single sign-on needs
// none, the identity provider having its own.
func (f *Server) missingFactor(user *account, who identity) (code string) {
	o, _ := f.organization(who.organizationID)
	switch {
	case who.secondFactor, who.method == "SSO", who.impersonator != nil:
		return ""
	case len(user.Factors) > 0:
		return "mfa_challenge"
	case user.RequireMFA || o.RequireMFA:
		return "mfa_enrollment"
	}
	return ""
}

// satisfied is a sign-in on the hosted pages, which ask for whatever is demanded before they send anybody back. The
// fake's stand for all of it.
func (f *Server) satisfied(who identity) identity {
	o, _ := f.organization(who.organizationID)
	if o.RequireSSO {
		who.method = "SSO"
	} else if len(o.AllowedMethods) > 0 && !slices.Contains(o.AllowedMethods, who.method) {
		who.method = o.AllowedMethods[0]
	}
	if f.missingFactor(f.accountByID(who.personID), who) != "" {
		who.secondFactor = true
	}
	return who
}
