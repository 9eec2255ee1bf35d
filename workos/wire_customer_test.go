// Organizations and their domains on the wire.

package workos_test

import (
	"context"
	"slices"

	"github.com/authkit-go/authkit/workos"
)

const (
	acmeDomainJSON = `{"object":"organization_domain","id":"org_domain_01A","organization_id":"org_01A","domain":"acme.test","state":"pending",
		"verification_strategy":"dns","verification_prefix":"workos-abc","verification_token":"published",` + timesJSON + `}`
	acmeJSON = `{"object":"organization","id":"org_01A","name":"Acme","domains":[` + acmeDomainJSON + `],"metadata":{"tier":"gold"},
		"external_id":"42","stripe_customer_id":"cus_1","allow_profiles_outside_organization":false,` + timesJSON + `}`
)

var (
	acmeDomain = workos.OrganizationDomain{
		ID: "org_domain_01A", OrganizationID: "org_01A", Domain: "acme.test", State: workos.OrganizationDomainPending, VerificationStrategy: "dns",
		VerificationPrefix: "workos-abc", VerificationToken: "published", CreatedAt: created, UpdatedAt: updated,
	}
	acme = workos.Organization{
		ID: "org_01A", Name: "Acme", Domains: []workos.OrganizationDomain{acmeDomain}, ExternalID: "42", StripeCustomerID: "cus_1",
		Metadata: map[string]string{"tier": "gold"}, CreatedAt: created, UpdatedAt: updated,
	}

	organizationErrors = slices.Concat(readErrors, bare(409, 422),
		plain(400, nil, workos.CodeInvalidMetadata, workos.CodeExternalIDAlreadyUsed))
	updateOrganizationErrors = slices.Concat(organizationErrors, plain(400, nil, workos.CodeStripeCustomerIDAlreadyUsed))
)

var customerCalls = map[string]wire{
	"GetOrganization": {
		call:   func(ctx context.Context, c *workos.Client) (any, error) { return c.GetOrganization(ctx, "org_01A") },
		method: "GET", path: "/organizations/org_01A",
		status: 200, response: acmeJSON, required: []string{"id"}, want: &acme, errors: readErrors,
	},
	"GetOrganizationByExternalID": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.GetOrganizationByExternalID(ctx, "acme/../kim?x=1#é%2F ")
		},
		method: "GET", path: "/organizations/external_id/acme%2F..%2Fkim%3Fx=1%23%C3%A9%252F%20",
		status: 200, response: acmeJSON, required: []string{"id"}, want: &acme, errors: readErrors,
	},
	"ListOrganizations": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListOrganizations(ctx, workos.ListOrganizationsParams{
				Domains: []string{"acme.test", "acme.example"}, Search: "a&b", Paging: workos.Paging{PageSize: 2},
			}))
		},
		method: "GET", path: "/organizations", query: "domains=acme.test%2Cacme.example&limit=2&search=a%26b",
		status: 200, response: listOf(acmeJSON), required: listRequired, want: []workos.Organization{acme}, errors: slices.Concat(readErrors, bare(422)),
	},
	"ListOrganizations without filters": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListOrganizations(ctx, workos.ListOrganizationsParams{}))
		},
		method: "GET", path: "/organizations",
		status: 200, response: listOf(acmeJSON), required: listRequired, want: []workos.Organization{acme}, errors: readErrors,
	},
	"CreateOrganization": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateOrganization(ctx, workos.CreateOrganizationParams{
				Name: "Acme", Domains: []workos.OrganizationDomainData{{Domain: "acme.test", State: workos.OrganizationDomainPending}},
				ExternalID: "42", Metadata: map[string]string{"tier": "gold"},
			})
		},
		method: "POST", path: "/organizations",
		body:   `{"name":"Acme","domain_data":[{"domain":"acme.test","state":"pending"}],"external_id":"42","metadata":{"tier":"gold"}}`,
		status: 201, response: acmeJSON, required: []string{"id"}, want: &acme, errors: organizationErrors,
	},
	"CreateOrganization with a name only": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateOrganization(ctx, workos.CreateOrganizationParams{Name: "Acme"})
		},
		method: "POST", path: "/organizations", body: `{"name":"Acme"}`,
		status: 201, response: acmeJSON, required: []string{"id"}, want: &acme, errors: organizationErrors,
	},
	"UpdateOrganization with all fields": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.UpdateOrganization(ctx, "org_01A", workos.UpdateOrganizationParams{
				Name: "Acme", Domains: []workos.OrganizationDomainData{{Domain: "acme.test", State: workos.OrganizationDomainVerified}},
				ExternalID: workos.Value("42"), StripeCustomerID: workos.Value("cus_1"),
				Metadata: map[string]workos.Optional[string]{"tier": workos.Value("gold"), "old": workos.Null[string]()},
			})
		},
		method: "PUT", path: "/organizations/org_01A",
		body: `{"name":"Acme","domain_data":[{"domain":"acme.test","state":"verified"}],"external_id":"42","stripe_customer_id":"cus_1",
			"metadata":{"tier":"gold","old":null}}`,
		status: 200, response: acmeJSON, required: []string{"id"}, want: &acme, errors: updateOrganizationErrors,
	},
	"UpdateOrganization that clears": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.UpdateOrganization(ctx, "org_01A", workos.UpdateOrganizationParams{
				Domains: []workos.OrganizationDomainData{}, ExternalID: workos.Null[string](), Metadata: map[string]workos.Optional[string]{},
			})
		},
		method: "PUT", path: "/organizations/org_01A", body: `{"domain_data":[],"external_id":null,"metadata":{}}`,
		status: 200, response: acmeJSON, required: []string{"id"}, want: &acme, errors: updateOrganizationErrors,
	},
	"UpdateOrganization without changes": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.UpdateOrganization(ctx, "org_01A", workos.UpdateOrganizationParams{})
		},
		method: "PUT", path: "/organizations/org_01A", body: `{}`,
		status: 200, response: acmeJSON, required: []string{"id"}, want: &acme, errors: updateOrganizationErrors,
	},
	"DeleteOrganization": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.DeleteOrganization(ctx, "org_01A"))
		},
		method: "DELETE", path: "/organizations/org_01A", status: 202, errors: readErrors,
	},
	"CreateOrganizationDomain": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateOrganizationDomain(ctx, "org_01A", "acme.test")
		},
		method: "POST", path: "/organization_domains", body: `{"organization_id":"org_01A","domain":"acme.test"}`,
		status: 201, response: acmeDomainJSON, required: []string{"id"}, want: &acmeDomain,
		errors: slices.Concat(readErrors, plain(409, nil, workos.CodeDomainAlreadyExists)),
	},
	"GetOrganizationDomain": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.GetOrganizationDomain(ctx, "org_domain_01A")
		},
		method: "GET", path: "/organization_domains/org_domain_01A",
		status: 200, response: acmeDomainJSON, required: []string{"id"}, want: &acmeDomain, errors: readErrors,
	},
	"VerifyOrganizationDomain": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.VerifyOrganizationDomain(ctx, "org_domain_01A")
		},
		method: "POST", path: "/organization_domains/org_domain_01A/verify",
		status: 201, response: acmeDomainJSON, required: []string{"id"}, want: &acmeDomain,
		errors: slices.Concat(readErrors, plain(400, nil, workos.CodeDomainAlreadyVerified)),
	},
	"DeleteOrganizationDomain": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.DeleteOrganizationDomain(ctx, "org_domain_01A"))
		},
		method: "DELETE", path: "/organization_domains/org_domain_01A", status: 204, errors: readErrors,
	},
}
