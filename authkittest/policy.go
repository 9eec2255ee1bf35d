// The requirements of an organization or a user at sign-in.

package authkittest

import "slices"

// policyMethods maps the members of auth_methods to authentication methods.
var policyMethods = map[string]string{
	"apple_oauth":     "AppleOAuth",
	"github_oauth":    "GitHubOAuth",
	"google_oauth":    "GoogleOAuth",
	"magic_auth":      "MagicAuth",
	"microsoft_oauth": "MicrosoftOAuth",
	"password":        "Password",
}

// methodError returns the error if an organization does not allow an authentication method, else nil.
func (f *Server) methodError(user *account, organizationID, method string) *apiError {
	o, _ := f.organization(organizationID)
	switch {
	case o.RequireSSO && method != "SSO":
		apiErr := oauthError("sso_required", "The user must sign in through a connection of the organization.")
		apiErr.Email, apiErr.ConnectionIDs = user.Email, slices.Clone(o.Connections)
		return apiErr
	case len(o.AllowedMethods) > 0 && !slices.Contains(o.AllowedMethods, method):
		apiErr := oauthError("organization_authentication_methods_required", "The organization does not allow this authentication method.")
		connections := append([]string{}, o.Connections...) // [] instead of null
		apiErr.Email, apiErr.SSOConnectionIDs, apiErr.AuthMethods = user.Email, &connections, map[string]bool{}
		for name, method := range policyMethods {
			apiErr.AuthMethods[name] = slices.Contains(o.AllowedMethods, method)
		}
		return apiErr
	}
	return nil
}

// missingFactor returns the error code for a required second factor that is missing, or "". Single sign-on needs no second
// factor, because the identity provider has its own.
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

// withRequirementsMet returns result as if the user had met all requirements of the organization. It is for sign-ins on the
// hosted pages (provider authkit). The pages of production ask for everything that is required, and those of the fake do not.
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
