// The parameters of a sign-in, and how several of them are combined.

package authkit

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/authkit-go/authkit/workos"
)

// LoginParams are the parameters of one sign-in. Every field is optional. They come
// from [WithLoginParams], from [WithLoginFunc], and from [AuthKit.Login] or
// [AuthKit.LoginFunc], in this order. A field that is set later overrides the same
// field of an earlier one. An empty field leaves the earlier value; it cannot be
// cleared. A later Provider also replaces an earlier Connection, and
// a later Connection an earlier Provider.
//
// Most fields are parameters of WorkOS's authorization URL
// (https://workos.com/docs/reference/authkit/authentication/get-authorization-url).
type LoginParams struct {
	// Organization is the ID of the organization to sign in to, org_…. AuthKit's
	// hosted pages preselect it. It must not be combined with Provider or
	// Connection.
	Organization string
	// Connection is the ID of an SSO connection, conn_…. The sign-in goes to it
	// directly, not through AuthKit's hosted pages.
	Connection string
	// Provider is an identity provider, such as "GoogleOAuth". The sign-in goes
	// to it directly, not through AuthKit's hosted pages.
	Provider string
	// ProviderScopes are OAuth scopes to request from the identity provider, in
	// addition to those of its configuration in WorkOS. A scope is not empty and has no
	// comma. A later Provider or Connection that differs drops earlier scopes. Sign-ins
	// that must go through AuthKit's hosted pages request none: those of
	// [AuthKit.RequireRecentAuth] and of [AuthKit.SwitchOrganization], and those that
	// continue there because WorkOS requires a further step ([AuthKit.Callback]).
	// [SignInEvent].OAuthTokens has the tokens.
	ProviderScopes []string

	// ScreenHint chooses the first page of AuthKit: "sign-in" or "sign-up".
	ScreenHint string
	// LoginHint is the email address that the sign-in form starts with.
	LoginHint string
	// DomainHint tells an identity provider which of its domains to use.
	DomainHint string
	// InvitationToken is the token of the invitation that the sign-in accepts. The session
	// is then in the organization of the invitation. The link in the mail has the token in
	// its query, as invitation_token (https://workos.com/docs/authkit/invitations).
	InvitationToken string
	// Prompt requires an interaction with the user, such as "login" (OpenID Connect
	// Core, section 3.1.2.1).
	Prompt string
	// MaxAge requires a new authentication if the last one is older, in whole
	// seconds. Zero always requires one, and nil never does. A negative age is
	// refused. [Session.AuthenticatedAt] returns the time of the authentication.
	MaxAge *time.Duration

	// ReturnTo is the path that the browser is redirected to after the sign-in, or the
	// URL of a page of [WithReturnOrigins]. A
	// return_to parameter in the URL of the request overrides it. A path that
	// [AuthKit.SanitizeReturnPath] does not accept becomes "/".
	ReturnTo string
	// AppState is a text of the application. [SignInEvent].AppState has it after the
	// sign-in. It is stored in a sealed cookie and never in a URL. It is not the
	// state parameter of OAuth.
	AppState string
}

// with returns p, overridden by the fields that are set in later.
func (p LoginParams) with(later LoginParams) LoginParams {
	scopes := p.ProviderScopes
	if later.Provider != "" && later.Provider != p.Provider || later.Connection != "" && later.Connection != p.Connection {
		scopes = nil
	}
	if len(later.ProviderScopes) > 0 {
		scopes = later.ProviderScopes
	}
	switch {
	case later.Provider != "" && later.Connection == "":
		p.Connection = ""
	case later.Connection != "" && later.Provider == "":
		p.Provider = ""
	}
	maxAge := cmp.Or(later.MaxAge, p.MaxAge)
	if maxAge != nil {
		age := *maxAge // a copy: the application may change its variable later
		maxAge = &age
	}
	return LoginParams{
		Organization:    cmp.Or(later.Organization, p.Organization),
		Connection:      cmp.Or(later.Connection, p.Connection),
		Provider:        cmp.Or(later.Provider, p.Provider),
		ProviderScopes:  slices.Clone(scopes), // the application may change its slice later
		ScreenHint:      cmp.Or(later.ScreenHint, p.ScreenHint),
		LoginHint:       cmp.Or(later.LoginHint, p.LoginHint),
		DomainHint:      cmp.Or(later.DomainHint, p.DomainHint),
		InvitationToken: cmp.Or(later.InvitationToken, p.InvitationToken),
		Prompt:          cmp.Or(later.Prompt, p.Prompt),
		MaxAge:          maxAge,
		ReturnTo:        cmp.Or(later.ReturnTo, p.ReturnTo),
		AppState:        cmp.Or(later.AppState, p.AppState),
	}
}

// throughAuthKit returns p without its provider, its scopes and its connection, for
// AuthKit's hosted pages. Only the hosted pages support max_age.
func (p LoginParams) throughAuthKit() LoginParams {
	p.Provider, p.Connection, p.ProviderScopes = workos.ProviderAuthKit, "", nil
	return p
}

// authorization returns the parameters of the authorization URL.
func (p LoginParams) authorization(redirectURL string) workos.AuthorizationParams {
	params := workos.AuthorizationParams{
		RedirectURI:    redirectURL,
		OrganizationID: p.Organization, ConnectionID: p.Connection, Provider: p.Provider,
		ProviderScopes: p.ProviderScopes,
		ScreenHint:     p.ScreenHint, LoginHint: p.LoginHint, DomainHint: p.DomainHint,
		InvitationToken: p.InvitationToken, Prompt: p.Prompt,
	}
	if p.MaxAge != nil {
		maxAge := *p.MaxAge
		if maxAge >= 0 { // a negative age must not become zero: it is refused
			maxAge = maxAge.Truncate(time.Second)
		}
		params.MaxAge = &maxAge
	}
	if params.Provider == "" && params.ConnectionID == "" {
		params.Provider = workos.ProviderAuthKit
	}
	return params
}

// fault returns why the parameters are not accepted, or the zero fault.
func (p LoginParams) fault() fault {
	client, err := workos.NewClient("client_")
	if err == nil {
		_, err = client.AuthorizationURL(p.authorization("https://localhost/"))
	}
	switch {
	case err == nil:
		return fault{}
	case p.MaxAge != nil && *p.MaxAge < 0:
		return fault{ReasonOutOfRange, err.Error()}
	case p.ScreenHint != "" && p.ScreenHint != "sign-in" && p.ScreenHint != "sign-up":
		return fault{ReasonOutOfRange, err.Error()}
	}
	return fault{ReasonConflict, err.Error()}
}

// loginParams returns the parameters of [WithLoginParams] and [WithLoginFunc] for a
// request.
func (a *AuthKit) loginParams(r *http.Request) LoginParams {
	if a.loginFunc == nil {
		return a.loginDefaults
	}
	return a.loginDefaults.with(a.loginFunc(r))
}
