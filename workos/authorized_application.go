// Authorized applications: the Connect applications that users have given access to their account.

package workos

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"time"
)

// AuthorizedApplication is the access of a Connect application to the account of a user.
//
// See https://workos.com/docs/reference/workos-connect
type AuthorizedApplication struct {
	ID            string             `json:"id"`
	GrantedScopes []string           `json:"granted_scopes"`
	OAuthResource string             `json:"oauth_resource,omitempty"` // the resource indicator (RFC 8707); may be empty
	Application   ConnectApplication `json:"application"`
	// UserID is the user who has authorized the application. Only [Client.ListOrganizationAuthorizedApplications] sets it.
	UserID string `json:"user_id,omitempty"`
}

// ConnectApplication is an application that uses WorkOS Connect.
//
// See https://workos.com/docs/reference/workos-connect
type ConnectApplication struct {
	ID          string   `json:"id"`        // "conn_app_…"
	ClientID    string   `json:"client_id"` // "client_…"
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Type        string   `json:"application_type"` // "oauth" or "m2m"
	Scopes      []string `json:"scopes"`           // the scopes that it may ask for
	// OrganizationID is the organization that the application belongs to. It is empty for an application of your own, and
	// for one that registered itself.
	OrganizationID           string               `json:"organization_id,omitempty"`
	RedirectURIs             []ConnectRedirectURI `json:"redirect_uris,omitempty"`
	UsesPKCE                 bool                 `json:"uses_pkce,omitempty"`
	IsFirstParty             bool                 `json:"is_first_party,omitempty"`
	WasDynamicallyRegistered bool                 `json:"was_dynamically_registered,omitempty"` // registered itself (RFC 7591)
	CreatedAt                time.Time            `json:"created_at,omitzero"`
	UpdatedAt                time.Time            `json:"updated_at,omitzero"`
}

// ConnectRedirectURI is a redirect URI of a [ConnectApplication].
type ConnectRedirectURI struct {
	URI     string `json:"uri"`
	Default bool   `json:"default"`
}

const userAuthorizedApplicationsPath = userPath + "/authorized_applications"

// ListUserAuthorizedApplications lists the applications that a user has authorized.
//
// See https://workos.com/docs/reference/authkit/user
func (c *Client) ListUserAuthorizedApplications(ctx context.Context, userID string, p Paging) iter.Seq2[AuthorizedApplication, error] {
	return list[AuthorizedApplication](ctx, c, call{path: userAuthorizedApplicationsPath, ids: []string{userID}}, p)
}

// ListOrganizationAuthorizedApplications lists the applications that the users of an organization have authorized, with the
// user of each.
//
// See https://workos.com/docs/reference/organization
func (c *Client) ListOrganizationAuthorizedApplications(ctx context.Context, organizationID string, p Paging) iter.Seq2[AuthorizedApplication, error] {
	return list[AuthorizedApplication](ctx, c, call{
		path: "/organizations/{organization_id}/authorized_applications",
		ids:  []string{organizationID},
	}, p)
}

// DeleteUserAuthorizedApplication takes the access to a user's account from an application. applicationID is the ID or the
// client ID of the [ConnectApplication], not the ID of the [AuthorizedApplication].
//
// See https://workos.com/docs/reference/authkit/user
func (c *Client) DeleteUserAuthorizedApplication(ctx context.Context, userID, applicationID string) error {
	return c.do(ctx, call{
		method: http.MethodDelete,
		path:   userAuthorizedApplicationsPath + "/{application_id}",
		ids:    []string{userID, applicationID},
	}, nil)
}

func (a *AuthorizedApplication) validate() error {
	if err := requireID(a.ID); err != nil {
		return err
	}
	if a.Application.ID == "" {
		return errors.New("missing application.id")
	}
	return nil
}
