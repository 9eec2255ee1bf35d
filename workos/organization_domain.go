// Domains of organizations, and their verification.

package workos

import (
	"context"
	"net/http"
	"time"
)

// OrganizationDomain is a domain of an organization, such as "example.com".
//
// See https://workos.com/docs/reference/organization-domain
type OrganizationDomain struct {
	ID             string `json:"id"` // "org_domain_…"
	OrganizationID string `json:"organization_id"`
	Domain         string `json:"domain"`
	State          string `json:"state,omitempty"` // one of the OrganizationDomain constants
	// VerificationStrategy is "dns" or "manual". With "dns", WorkOS looks for a TXT record of the domain. Its value is a name, an
	// equals sign and the token. The name is the prefix, as in superapp-domain-verification-z3kjny=m5Oztg3jdK4NJLgs8uIlIprMw, or
	// verification_token if WorkOS has sent no prefix. WorkOS documents the second form (https://workos.com/docs/domain-verification/api), and of the prefix only that it is used in
	// the record. The Admin Portal shows the customer the record that WorkOS expects ([Client.CreatePortalLink]).
	VerificationStrategy string    `json:"verification_strategy,omitempty"`
	VerificationPrefix   string    `json:"verification_prefix,omitempty"`
	VerificationToken    string    `json:"verification_token,omitempty"` // published in the DNS, so not a secret
	CreatedAt            time.Time `json:"created_at,omitzero"`
	UpdatedAt            time.Time `json:"updated_at,omitzero"`
}

// The states of an [OrganizationDomain].
const (
	OrganizationDomainPending        = "pending" // the verification is under way
	OrganizationDomainVerified       = "verified"
	OrganizationDomainFailed         = "failed" // the verification has failed
	OrganizationDomainUnverified     = "unverified"
	OrganizationDomainLegacyVerified = "legacy_verified"
)

const organizationDomainPath = "/organization_domains/{organization_domain_id}"

// CreateOrganizationDomain adds a domain to an organization. Both arguments are required. If the organization has the domain
// already, or another organization has it, the error has the code [CodeDomainAlreadyExists].
//
// See https://workos.com/docs/reference/organization-domain
func (c *Client) CreateOrganizationDomain(ctx context.Context, organizationID, domain string) (*OrganizationDomain, error) {
	return fetch[OrganizationDomain](ctx, c, call{
		method: http.MethodPost,
		path:   "/organization_domains",
		body: struct {
			OrganizationID string `json:"organization_id"`
			Domain         string `json:"domain"`
		}{organizationID, domain},
		required: []argument{{"organization_id", organizationID}, {"domain", domain}},
	})
}

// GetOrganizationDomain returns a domain. [Client.GetOrganization] returns the domains of an organization.
//
// See https://workos.com/docs/reference/organization-domain
func (c *Client) GetOrganizationDomain(ctx context.Context, id string) (*OrganizationDomain, error) {
	return fetch[OrganizationDomain](ctx, c, call{method: http.MethodGet, path: organizationDomainPath, ids: []string{id}})
}

// VerifyOrganizationDomain starts the verification of a domain and returns the domain, with the values of the TXT record
// that the organization must publish. The outcome comes later: as an event, [EventOrganizationDomainVerified] or
// [EventOrganizationDomainVerificationFailed], and as the State of the domain. If the domain is verified already, the error
// has the code [CodeDomainAlreadyVerified].
//
// See https://workos.com/docs/reference/organization-domain
func (c *Client) VerifyOrganizationDomain(ctx context.Context, id string) (*OrganizationDomain, error) {
	return fetch[OrganizationDomain](ctx, c, call{method: http.MethodPost, path: organizationDomainPath + "/verify", ids: []string{id}})
}

// DeleteOrganizationDomain removes a domain from its organization.
//
// See https://workos.com/docs/reference/organization-domain
func (c *Client) DeleteOrganizationDomain(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: organizationDomainPath, ids: []string{id}}, nil)
}

func (d *OrganizationDomain) validate() error { return requireID(d.ID) }
