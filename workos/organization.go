// Organizations: find, create, update and delete them.

package workos

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Organization is a customer of the application, with its domains. Its users are its members: see
// [OrganizationMembership]. A member that the API sends as null, or does not send, has its zero value.
//
// See https://workos.com/docs/reference/organization
type Organization struct {
	ID               string               `json:"id"` // "org_…"
	Name             string               `json:"name"`
	Domains          []OrganizationDomain `json:"domains"`
	ExternalID       string               `json:"external_id,omitempty"` // the application's ID of the organization
	StripeCustomerID string               `json:"stripe_customer_id,omitempty"`
	Metadata         map[string]string    `json:"metadata,omitempty"` // set by the application
	CreatedAt        time.Time            `json:"created_at,omitzero"`
	UpdatedAt        time.Time            `json:"updated_at,omitzero"`
}

// OrganizationDomainData is a domain in the parameters of an organization.
type OrganizationDomainData struct {
	Domain string `json:"domain"`
	// State is OrganizationDomainPending, or OrganizationDomainVerified if the application knows that the organization owns
	// the domain. WorkOS trusts that.
	State string `json:"state"`
}

// ListOrganizationsParams are the parameters of [Client.ListOrganizations]. The zero value lists all organizations.
type ListOrganizationsParams struct {
	Domains []string // only organizations with one of these domains
	Search  string   // only organizations whose name contains this text
	Paging
}

// CreateOrganizationParams are the parameters of [Client.CreateOrganization]. Name is required. A field with its zero value
// is omitted.
type CreateOrganizationParams struct {
	Name       string                   `json:"name"`
	Domains    []OrganizationDomainData `json:"domain_data,omitempty"`
	ExternalID string                   `json:"external_id,omitempty"` // the application's ID: at most 128 ASCII characters
	Metadata   map[string]string        `json:"metadata,omitempty"`    // at most 50 entries, values of at most 600 characters
}

// UpdateOrganizationParams are the parameters of [Client.UpdateOrganization]. A field with its zero value leaves the value
// of the organization unchanged.
type UpdateOrganizationParams struct {
	Name string `json:"name,omitempty"`
	// Domains are the domains that the organization should have. Nil leaves all unchanged. A slice that is empty but not nil
	// is sent as an empty list. WorkOS does not document what happens to a domain that is not in the list. To add or remove
	// one domain, use [Client.CreateOrganizationDomain] and [Client.DeleteOrganizationDomain].
	Domains          []OrganizationDomainData `json:"domain_data,omitzero"`
	ExternalID       Optional[string]         `json:"external_id,omitzero"` // Null removes it
	StripeCustomerID Optional[string]         `json:"stripe_customer_id,omitzero"`
	// Metadata are the entries to change, as in [UpdateUserParams].
	Metadata map[string]Optional[string] `json:"metadata,omitzero"`
}

const (
	organizationsPath = "/organizations"
	organizationPath  = organizationsPath + "/{organization_id}"
)

// GetOrganization returns the organization with the given ID.
//
// See https://workos.com/docs/reference/organization
func (c *Client) GetOrganization(ctx context.Context, id string) (*Organization, error) {
	return fetch[Organization](ctx, c, call{method: http.MethodGet, path: organizationPath, ids: []string{id}})
}

// GetOrganizationByExternalID returns the organization with the given ID of the application.
//
// See https://workos.com/docs/reference/organization
func (c *Client) GetOrganizationByExternalID(ctx context.Context, externalID string) (*Organization, error) {
	return fetch[Organization](ctx, c, call{
		method: http.MethodGet,
		path:   organizationsPath + "/external_id/{external_id}",
		ids:    []string{externalID},
	})
}

// ListOrganizations lists organizations.
//
// See https://workos.com/docs/reference/organization
func (c *Client) ListOrganizations(ctx context.Context, p ListOrganizationsParams) iter.Seq2[Organization, error] {
	query := url.Values{}
	set(query, "domains", strings.Join(p.Domains, ","))
	set(query, "search", p.Search)
	return list[Organization](ctx, c, call{path: organizationsPath, query: query}, p.Paging)
}

// CreateOrganization creates an organization. If another organization has the external ID, the error has the code
// [CodeExternalIDAlreadyUsed]. If another organization has one of the domains, it has the status 409 and no code.
//
// See https://workos.com/docs/reference/organization
func (c *Client) CreateOrganization(ctx context.Context, p CreateOrganizationParams) (*Organization, error) {
	return fetch[Organization](ctx, c, call{
		method:   http.MethodPost,
		path:     organizationsPath,
		body:     p,
		required: []argument{{"name", p.Name}},
	})
}

// UpdateOrganization changes an organization and returns the updated organization. The errors are those of
// [Client.CreateOrganization]. If another organization has the Stripe customer ID, the error has the code
// [CodeStripeCustomerIDAlreadyUsed].
//
// See https://workos.com/docs/reference/organization
func (c *Client) UpdateOrganization(ctx context.Context, id string, p UpdateOrganizationParams) (*Organization, error) {
	return fetch[Organization](ctx, c, call{method: http.MethodPut, path: organizationPath, ids: []string{id}, body: p})
}

// DeleteOrganization deletes an organization permanently. WorkOS may finish it after the response.
//
// See https://workos.com/docs/reference/organization
func (c *Client) DeleteOrganization(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: organizationPath, ids: []string{id}}, nil)
}

// UnmarshalJSON implements [json.Unmarshaler]. It accepts any metadata, as that of [User] does.
func (o *Organization) UnmarshalJSON(data []byte) error {
	type plain Organization
	response := struct {
		*plain
		Metadata json.RawMessage `json:"metadata"`
	}{plain: (*plain)(o)}
	if err := json.Unmarshal(data, &response); err != nil {
		return err
	}
	o.Metadata = decodeMetadata(response.Metadata)
	return nil
}

func (o *Organization) validate() error { return requireID(o.ID) }
