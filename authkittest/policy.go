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
func (f *Server) methodError(user *account, organizationID, method string) *apiError {
	o, _ := f.organization(organizationID)
	switch {
	case o.RequireSSO && method != "SSO":
		apiErr := oauthError("sso_required", "The user must sign in through a connection of the organization.")
		apiErr.Email, apiErr.ConnectionIDs = user.Email, slices.Clone(o.Connections)
		return apiErr
	case len(o.AllowedMethods) > 0 && !slices.Contains(o.AllowedMethods, method):
		apiErr := oauthError("organization_authentication_methods_required", "The organization does not admit this authentication method.")
		connections := append([]string{}, o.Connections...) // [], not null
		apiErr.Email, apiErr.SSOConnectionIDs, apiErr.AuthMethods = user.Email, &connections, map[string]bool{}
		for name, method := range policyMethods {
			apiErr.AuthMethods[name] = slices.Contains(o.AllowedMethods, method)
		}
		return apiErr
	}
	return nil
}

// missingFactor tells what is missing of a second factor, as the code of a step-up, or nothing. Single sign-on needs
// none, the identity provider having its own.
func (f *Server) missingFactor(user *account, result signInResult) (code string) {
	o, _ := f.organization(result.organizationID)
	switch {
	case result.secondFactor, result.method == "SSO", result.impersonator != nil:
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
func (f *Server) withRequirementsMet(result signInResult) signInResult {
	o, _ := f.organization(result.organizationID)
	if o.RequireSSO {
		result.method = "SSO"
	} else if len(o.AllowedMethods) > 0 && !slices.Contains(o.AllowedMethods, result.method) {
		result.method = o.AllowedMethods[0]
	}
	if f.missingFactor(f.accountByID(result.userID), result) != "" {
		result.secondFactor = true
	}
	return result
}
