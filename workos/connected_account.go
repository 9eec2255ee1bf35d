// Connected accounts: the accounts of users at providers such as GitHub, with which the application calls them (Pipes).

package workos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// ConnectedAccount is the account of a user at a provider. It has no token.
//
// See https://workos.com/docs/reference/pipes
type ConnectedAccount struct {
	ID                string    `json:"id"`                            // "data_installation_…"
	ProviderID        string    `json:"data_integration_id,omitempty"` // the ID of the [DataProvider]; only in events
	ProviderSlug      string    `json:"provider_slug,omitempty"`       // such as "github"; only in events
	UserID            string    `json:"user_id,omitempty"`
	OrganizationID    string    `json:"organization_id,omitempty"`
	Scopes            []string  `json:"scopes"`
	State             string    `json:"state"`                          // a ConnectedAccount constant
	AuthMethod        string    `json:"auth_method,omitempty"`          // "oauth", "api_key" or "client_credentials"
	APIKeyLast4       string    `json:"api_key_last_4,omitempty"`       // only with "api_key"
	ClientID          string    `json:"client_id,omitempty"`            // only with "client_credentials"
	ClientSecretLast4 string    `json:"client_secret_last_4,omitempty"` // only with "client_credentials"
	CreatedAt         time.Time `json:"created_at,omitzero"`
	UpdatedAt         time.Time `json:"updated_at,omitzero"`
}

// The states of a [ConnectedAccount].
const (
	ConnectedAccountConnected            = "connected"
	ConnectedAccountNeedsReauthorization = "needs_reauthorization" // the user must connect it again
	ConnectedAccountDisconnected         = "disconnected"
)

// DataProvider is a provider whose accounts users can connect.
//
// See https://workos.com/docs/reference/pipes
type DataProvider struct {
	ID              string            `json:"id"` // "data_integration_…"
	Name            string            `json:"name"`
	Description     string            `json:"description,omitempty"`
	Slug            string            `json:"slug"`             // names it in other calls, such as "github"
	IntegrationType string            `json:"integration_type"` // such as "github"
	CredentialsType string            `json:"credentials_type"` // such as "oauth2"
	Scopes          []string          `json:"scopes,omitempty"`
	AuthMethods     []string          `json:"auth_methods,omitempty"` // "oauth", "api_key", "client_credentials"; empty means "oauth"
	Ownership       string            `json:"ownership"`              // "userland_user" or "organization"
	Account         *ConnectedAccount `json:"connected_account"`      // nil if the user has connected none
	CreatedAt       time.Time         `json:"created_at,omitzero"`
	UpdatedAt       time.Time         `json:"updated_at,omitzero"`
}

// ConnectedAccountParams are the parameters of [Client.ImportConnectedAccount] and [Client.UpdateConnectedAccount]. All fields
// are optional. A field with its zero value is omitted. Printed, they show no token.
type ConnectedAccountParams struct {
	AccessToken  string    `json:"-"`
	RefreshToken string    `json:"-"`
	ExpiresAt    time.Time // when the access token expires
	Scopes       []string
	State        string // ConnectedAccountConnected or ConnectedAccountNeedsReauthorization; empty means what follows from the tokens
}

// AuthorizeConnectedAccountParams are the parameters of [Client.AuthorizeConnectedAccount]. UserID is required. A field with
// its zero value is omitted.
type AuthorizeConnectedAccountParams struct {
	UserID         string            `json:"user_id"`
	OrganizationID string            `json:"organization_id,omitempty"` // connects the account in this organization only
	ReturnTo       string            `json:"return_to,omitempty"`       // the whole URL to which the browser returns, with scheme and host
	Config         map[string]string `json:"config,omitempty"`          // what the provider asks for, such as the subdomain of Zendesk
}

// ConnectedAccountToken is an access token with which an application calls the provider of a user's account. Printed, logged or
// encoded as JSON, it does not show the token.
//
// See https://workos.com/docs/reference/pipes
type ConnectedAccountToken struct {
	AccessToken   string    `json:"-"`
	ExpiresAt     time.Time `json:"expires_at,omitzero"` // zero if it does not expire
	Scopes        []string  `json:"scopes"`
	MissingScopes []string  `json:"missing_scopes,omitempty"` // those of the [DataProvider] that the user has not granted
}

// ConnectedAccountError reports that a user has no account at a provider with which the application could call it. Redirect the
// browser of the user to the URL of [Client.AuthorizeConnectedAccount].
type ConnectedAccountError struct {
	Reason string // ConnectedAccountNotInstalled or ConnectedAccountNeedsReauthorization
}

// ConnectedAccountNotInstalled is the Reason of a [ConnectedAccountError] if the user has connected no account.
const ConnectedAccountNotInstalled = "not_installed"

// Error returns a text with the reason.
func (e *ConnectedAccountError) Error() string {
	return "workos: the user must connect an account at the provider: " + sanitize(e.Reason, nil)
}

const connectedAccountPath = userPath + "/connected_accounts/{slug}"

// ListUserDataProviders returns the providers whose accounts a user can connect, with the accounts that the user has
// connected. With an organization ID they are those of the user in the organization. The API returns all of them in one
// response.
//
// See https://workos.com/docs/reference/pipes
func (c *Client) ListUserDataProviders(ctx context.Context, userID, organizationID string) ([]DataProvider, error) {
	response, err := fetch[page[DataProvider]](ctx, c, call{
		method: http.MethodGet,
		path:   userPath + "/data_providers",
		ids:    []string{userID},
		query:  organizationQuery(organizationID),
	})
	if err != nil {
		return nil, err
	}
	return response.Data, nil
}

// GetConnectedAccount returns the account that a user has connected at the provider with the given slug. organizationID may
// be empty.
//
// See https://workos.com/docs/reference/pipes
func (c *Client) GetConnectedAccount(ctx context.Context, userID, slug, organizationID string) (*ConnectedAccount, error) {
	return c.connectedAccount(ctx, http.MethodGet, userID, slug, organizationID, nil)
}

// ImportConnectedAccount connects an account with tokens that the application has already. organizationID may be empty. If
// the user has an account at the provider, the error has the status 409.
//
// See https://workos.com/docs/reference/pipes
func (c *Client) ImportConnectedAccount(ctx context.Context, userID, slug, organizationID string, p ConnectedAccountParams) (*ConnectedAccount, error) {
	return c.connectedAccount(ctx, http.MethodPost, userID, slug, organizationID, &p)
}

// UpdateConnectedAccount replaces the tokens, the scopes or the state of an account. organizationID may be empty.
//
// See https://workos.com/docs/reference/pipes
func (c *Client) UpdateConnectedAccount(ctx context.Context, userID, slug, organizationID string, p ConnectedAccountParams) (*ConnectedAccount, error) {
	return c.connectedAccount(ctx, http.MethodPut, userID, slug, organizationID, &p)
}

// DeleteConnectedAccount disconnects an account and deletes its tokens. organizationID may be empty.
//
// See https://workos.com/docs/reference/pipes
func (c *Client) DeleteConnectedAccount(ctx context.Context, userID, slug, organizationID string) error {
	return c.do(ctx, call{
		method: http.MethodDelete,
		path:   connectedAccountPath,
		ids:    []string{userID, slug},
		query:  organizationQuery(organizationID),
	}, nil)
}

// AuthorizeConnectedAccount returns the URL at which a user connects an account at the provider with the given slug, or connects
// it again. Any person who opens the URL connects an account for this user: make the URL when the user asks for it, and redirect
// the browser there at once. Take both IDs from the session, not from the request.
//
// See https://workos.com/docs/pipes/securing-authorizations
func (c *Client) AuthorizeConnectedAccount(ctx context.Context, slug string, p AuthorizeConnectedAccountParams) (authorizationURL string, err error) {
	response, err := fetch[connectResponse](ctx, c, call{
		method:   http.MethodPost,
		path:     "/data-integrations/{slug}/authorize",
		ids:      []string{slug},
		body:     p,
		required: []argument{{"user_id", p.UserID}},
	})
	if err != nil {
		return "", err
	}
	return response.URL, nil
}

// GetConnectedAccountToken returns an access token of the account that a user has connected at the provider with the given slug.
// organizationID may be empty. WorkOS refreshes the token if it has to, so ask for it when you need it, and do not store it. If
// there is no usable account, the error is a [*ConnectedAccountError]. If the account has no access token but an API key or
// client credentials, the error has the code [CodeAuthMethodMismatch]. There is exactly one attempt.
//
// See https://workos.com/docs/reference/pipes
func (c *Client) GetConnectedAccountToken(ctx context.Context, userID, slug, organizationID string) (*ConnectedAccountToken, error) {
	response, err := fetch[connectedAccountTokenResponse](ctx, c, call{
		method: http.MethodPost,
		path:   "/data-integrations/{slug}/token",
		ids:    []string{slug},
		body: struct {
			UserID         string `json:"user_id"`
			OrganizationID string `json:"organization_id,omitempty"`
		}{userID, organizationID},
		required: []argument{{"user_id", userID}},
	})
	switch {
	case err != nil:
		return nil, err
	case !response.Active:
		return nil, &ConnectedAccountError{response.Error}
	}
	return &response.Token, nil
}

func (c *Client) connectedAccount(
	ctx context.Context, method, userID, slug, organizationID string, p *ConnectedAccountParams,
) (*ConnectedAccount, error) {
	call := call{method: method, path: connectedAccountPath, ids: []string{userID, slug}, query: organizationQuery(organizationID)}
	if p != nil {
		call.secrets = []string{p.AccessToken, p.RefreshToken}
		call.body = struct {
			AccessToken  string    `json:"access_token,omitempty"`
			RefreshToken string    `json:"refresh_token,omitempty"`
			ExpiresAt    time.Time `json:"expires_at,omitzero"`
			Scopes       []string  `json:"scopes,omitempty"`
			State        string    `json:"state,omitempty"`
		}{p.AccessToken, p.RefreshToken, p.ExpiresAt, p.Scopes, p.State}
	}
	return fetch[ConnectedAccount](ctx, c, call)
}

// organizationQuery returns the query parameter of an organization, or none.
func organizationQuery(organizationID string) url.Values {
	query := url.Values{}
	set(query, "organization_id", organizationID)
	return query
}

type connectResponse struct {
	URL string `json:"url"`
}

func (r *connectResponse) validate() error {
	if r.URL == "" {
		return errors.New("missing url")
	}
	return nil
}

type connectedAccountTokenResponse struct {
	Active bool                  `json:"active"`
	Token  ConnectedAccountToken `json:"access_token"`
	Error  string                `json:"error"`
}

func (r *connectedAccountTokenResponse) validate() error {
	switch {
	case r.Active && r.Token.AccessToken == "":
		return errors.New("missing access_token.access_token")
	case !r.Active && r.Error == "":
		return errors.New("missing active or error")
	}
	return nil
}

// UnmarshalJSON implements [json.Unmarshaler]. It reads the token, which encoding omits.
func (t *ConnectedAccountToken) UnmarshalJSON(data []byte) error {
	type plain ConnectedAccountToken
	response := struct {
		*plain
		AccessToken *string `json:"access_token"`
	}{(*plain)(t), &t.AccessToken}
	return json.Unmarshal(data, &response)
}

func (a *ConnectedAccount) validate() error { return requireID(a.ID) }
func (p *DataProvider) validate() error     { return requireID(p.ID) }

// Format implements [fmt.Formatter]. It masks the tokens.
func (p ConnectedAccountParams) Format(s fmt.State, verb rune) {
	type plain ConnectedAccountParams
	p.AccessToken, p.RefreshToken = mask(p.AccessToken), mask(p.RefreshToken)
	format(s, verb, plain(p))
}

// Format implements [fmt.Formatter]. It masks the token.
func (t ConnectedAccountToken) Format(s fmt.State, verb rune) {
	type plain ConnectedAccountToken
	t.AccessToken = mask(t.AccessToken)
	format(s, verb, plain(t))
}
