// Tokens for the widgets of WorkOS in pages of the application, and for pages that call the API of the widgets.

package workos

import (
	"context"
	"errors"
	"net/http"
)

// The scopes of a widget token. Each lets a user manage one thing of an organization.
//
// See https://workos.com/docs/reference/widgets
const (
	WidgetScopeUsersTable         = "widgets:users-table:manage"
	WidgetScopeDomainVerification = "widgets:domain-verification:manage"
	WidgetScopeSSO                = "widgets:sso:manage"
	WidgetScopeAPIKeys            = "widgets:api-keys:manage"
	WidgetScopeDirectorySync      = "widgets:dsync:manage"
	WidgetScopeAuditLogStreaming  = "widgets:audit-log-streaming:manage"
	WidgetScopePipes              = "widgets:pipes:manage"
)

// CreateWidgetTokenParams are the parameters of [Client.CreateWidgetToken]. UserID is required, and so is OrganizationID if there
// are Scopes. Without an organization, the token is for the widgets of the user only.
type CreateWidgetTokenParams struct {
	UserID         string   `json:"user_id"`
	OrganizationID string   `json:"organization_id,omitempty"`
	Scopes         []string `json:"scopes,omitempty"` // WidgetScope constants
}

// CreateWidgetToken returns a token with which the widgets in a page act for a user. The token is a secret: it permits what its
// scopes say. Send it only to the page of that user. Take both IDs from the session, not from the request.
//
// See https://workos.com/docs/reference/widgets
func (c *Client) CreateWidgetToken(ctx context.Context, p CreateWidgetTokenParams) (token string, err error) {
	required := []argument{{"user_id", p.UserID}}
	if len(p.Scopes) > 0 {
		required = append(required, argument{"organization_id", p.OrganizationID})
	}
	response, err := fetch[widgetResponse](ctx, c, call{method: http.MethodPost, path: "/widgets/token", body: p, required: required})
	if err != nil {
		return "", err
	}
	return response.Token, nil
}

// CreateWidgetsAPITokenParams are the parameters of [Client.CreateWidgetsAPIToken]. Both are required.
type CreateWidgetsAPITokenParams struct {
	UserID         string `json:"user_id"`
	OrganizationID string `json:"organization_id"`
}

// CreateWidgetsAPIToken returns a token with which a page of the application calls the Widgets API for a user in an organization: the
// GraphQL API that the widgets use. The description of the API calls it the Client API. The token lives for a short time and is a
// secret. Send it only to the page of that user. Take both IDs from the session, not from the request.
//
// See https://workos.com/docs/reference/widgets-api
func (c *Client) CreateWidgetsAPIToken(ctx context.Context, p CreateWidgetsAPITokenParams) (token string, err error) {
	response, err := fetch[widgetResponse](ctx, c, call{
		method:   http.MethodPost,
		path:     "/client/token",
		body:     p,
		required: []argument{{"user_id", p.UserID}, {"organization_id", p.OrganizationID}},
	})
	if err != nil {
		return "", err
	}
	return response.Token, nil
}

type widgetResponse struct {
	Token string `json:"token"`
}

func (r *widgetResponse) validate() error {
	if r.Token == "" {
		return errors.New("missing token")
	}
	return nil
}
