// Tokens for widgets, and links to the Admin Portal.

package authkittest

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	// widgetTokenLifetime is that of WorkOS (https://workos.com/docs/widgets/tokens).
	widgetTokenLifetime = time.Hour
	// maxITContacts is the largest number of addresses in it_contact_emails.
	maxITContacts = 20
)

var (
	widgetScopes = strings.Fields(`widgets:users-table:manage widgets:domain-verification:manage widgets:sso:manage
		widgets:api-keys:manage widgets:dsync:manage widgets:audit-log-streaming:manage widgets:pipes:manage`)
	portalIntents = strings.Fields("sso dsync audit_logs log_streams domain_verification certificate_renewal bring_your_own_key")
)

// createWidgetToken answers RouteCreateWidgetToken. The token is a JWT of the signing key of the fake.
func (f *Server) createWidgetToken(c *call) (any, *apiError) {
	var in struct {
		UserID         optional[string]   `json:"user_id"`
		OrganizationID optional[string]   `json:"organization_id"`
		Scopes         optional[[]string] `json:"scopes"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	userID, organizationID := in.UserID.value, in.OrganizationID.value
	switch {
	case userID == "":
		return nil, unprocessable("The user_id is required.")
	case slices.ContainsFunc(in.Scopes.value, func(scope string) bool { return !slices.Contains(widgetScopes, scope) }):
		return nil, unprocessable("A scope is unknown.")
	case len(in.Scopes.value) > 0 && organizationID == "":
		return nil, unprocessable("The organization_id is required with scopes.")
	}
	return f.widgetToken(userID, organizationID, map[string]any{"scopes": append([]string{}, in.Scopes.value...)})
}

// createWidgetsAPIToken answers RouteCreateWidgetsAPIToken. The token is a JWT, like that of a widget, but has no scopes.
func (f *Server) createWidgetsAPIToken(c *call) (any, *apiError) {
	var in struct {
		UserID         optional[string] `json:"user_id"`
		OrganizationID optional[string] `json:"organization_id"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	if in.UserID.value == "" || in.OrganizationID.value == "" {
		return nil, unprocessable("The user_id and the organization_id are required.")
	}
	return f.widgetToken(in.UserID.value, in.OrganizationID.value, map[string]any{})
}

// widgetToken returns a token of a user with these claims. organizationID may be empty.
func (f *Server) widgetToken(userID, organizationID string, claims map[string]any) (any, *apiError) {
	user := f.accountByID(userID)
	switch {
	case user == nil:
		return nil, notFound("User", userID)
	case organizationID != "" && !f.hasOrganization(organizationID):
		return nil, notFound("Organization", organizationID)
	}
	now := f.clock.Now()
	claims["iss"], claims["sub"], claims["jti"] = f.Issuer(), userID, ulid(rand.Text())
	claims["iat"], claims["exp"] = now.Unix(), now.Add(widgetTokenLifetime).Unix()
	if organizationID != "" {
		if _, member := user.membership(organizationID); !member {
			return nil, &apiError{Message: "The user is not a member of the organization."}
		}
		claims["org_id"] = organizationID
	}
	return struct {
		Token string `json:"token"`
	}{f.keys[len(f.keys)-1].sign(claims)}, nil
}

// createPortalLink answers RouteCreatePortalLink.
func (f *Server) createPortalLink(c *call) (any, *apiError) {
	var in struct {
		OrganizationID  optional[string]   `json:"organization"`
		Intent          optional[string]   `json:"intent"`
		ReturnURL       optional[string]   `json:"return_url"`
		SuccessURL      optional[string]   `json:"success_url"`
		ITContactEmails optional[[]string] `json:"it_contact_emails"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	switch contacts := in.ITContactEmails.value; {
	case in.OrganizationID.value == "":
		return nil, unprocessable("The organization is required.")
	case in.Intent.sent && !slices.Contains(portalIntents, in.Intent.value):
		return nil, unprocessable("The intent is unknown.")
	case len(contacts) > maxITContacts || slices.ContainsFunc(contacts, func(email string) bool { return !isAddress(email) }):
		return nil, unprocessable("The it_contact_emails must be at most 20 email addresses.")
	case !f.hasOrganization(in.OrganizationID.value):
		return nil, notFound("Organization", in.OrganizationID.value)
	}
	link := f.base + "/portal?" + url.Values{"secret": {rand.Text()}}.Encode()
	return struct {
		Link string `json:"link"`
	}{link}, nil
}

// portalPage is where a link to the Admin Portal leads.
func (f *Server) portalPage(*http.Request) pageResponse {
	return notice(http.StatusOK, "Admin Portal", "Here the administrators of an organization would set it up. The fake has no portal.")
}
