// Calls for organizations, their domains and their members.

package authkittest_test

import (
	"fmt"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

var organizationSteps = []step{
	{authkittest.RouteCreateOrganization, 201, func(c *conversation) error {
		return second(c.client.CreateOrganization(c.Context(), workos.CreateOrganizationParams{
			Name: "Acme", ExternalID: "42", Metadata: map[string]string{"plan": "pro"},
			Domains: []workos.OrganizationDomainData{{Domain: "acme.test", State: workos.OrganizationDomainVerified}},
		}))
	}},
	{authkittest.RouteCreateOrganization, 400, func(c *conversation) error {
		return second(c.client.CreateOrganization(c.Context(), workos.CreateOrganizationParams{Name: "Acme", ExternalID: "42"}))
	}},
	{authkittest.RouteCreateOrganization, 409, func(c *conversation) error {
		return second(c.client.CreateOrganization(c.Context(), workos.CreateOrganizationParams{
			Name: "Acme", Domains: []workos.OrganizationDomainData{{Domain: "acme.test", State: workos.OrganizationDomainPending}},
		}))
	}},
	{authkittest.RouteGetOrganization, 200, func(c *conversation) error {
		return second(c.client.GetOrganization(c.Context(), c.organization("Acme")))
	}},
	{authkittest.RouteGetOrganization, 404, func(c *conversation) error { return second(c.client.GetOrganization(c.Context(), "org_none")) }},
	{authkittest.RouteGetOrganizationByExternalID, 200, func(c *conversation) error {
		return second(c.client.GetOrganizationByExternalID(c.Context(), "42"))
	}},
	{authkittest.RouteGetOrganizationByExternalID, 404, func(c *conversation) error {
		return second(c.client.GetOrganizationByExternalID(c.Context(), "43"))
	}},
	{authkittest.RouteListOrganizations, 200, func(c *conversation) error {
		return drain(c.client.ListOrganizations(c.Context(), workos.ListOrganizationsParams{Domains: []string{"acme.test", "b.test"}, Search: "Ac"}))
	}},
	{authkittest.RouteListOrganizations, 200, func(c *conversation) error {
		return drain(c.client.ListOrganizations(c.Context(), workos.ListOrganizationsParams{Paging: workos.Paging{PageSize: 1}}))
	}},
	{authkittest.RouteListOrganizations, 422, func(c *conversation) error {
		return drain(c.client.ListOrganizations(c.Context(), workos.ListOrganizationsParams{Paging: wrongPage}))
	}},
	{authkittest.RouteUpdateOrganization, 200, func(c *conversation) error {
		return second(c.client.UpdateOrganization(c.Context(), c.organization("Acme"), workos.UpdateOrganizationParams{
			Name: "Acme", ExternalID: workos.Null[string](), StripeCustomerID: workos.Value("cus_1"),
			Metadata: map[string]workos.Optional[string]{"plan": workos.Null[string](), "seats": workos.Value("5")},
		}))
	}},
	{authkittest.RouteUpdateOrganization, 400, func(c *conversation) error {
		return second(c.client.UpdateOrganization(c.Context(), c.harborPress(), workos.UpdateOrganizationParams{
			StripeCustomerID: workos.Value("cus_1"),
		}))
	}},
	{authkittest.RouteUpdateOrganization, 404, func(c *conversation) error {
		return second(c.client.UpdateOrganization(c.Context(), "org_none", workos.UpdateOrganizationParams{Name: "None"}))
	}},
	{authkittest.RouteCreateOrganizationDomain, 201, func(c *conversation) error {
		return second(c.client.CreateOrganizationDomain(c.Context(), c.organization("Acme"), "new.test"))
	}},
	{authkittest.RouteCreateOrganizationDomain, 404, func(c *conversation) error {
		return second(c.client.CreateOrganizationDomain(c.Context(), "org_none", "none.test"))
	}},
	{authkittest.RouteCreateOrganizationDomain, 409, func(c *conversation) error {
		return second(c.client.CreateOrganizationDomain(c.Context(), c.organization("Acme"), "new.test"))
	}},
	{authkittest.RouteCreateOrganizationDomain, 422, func(c *conversation) error {
		return second(c.client.CreateOrganizationDomain(c.Context(), c.organization("Acme"), "not a domain"))
	}},
	{authkittest.RouteGetOrganizationDomain, 200, func(c *conversation) error {
		return second(c.client.GetOrganizationDomain(c.Context(), c.domain("new.test")))
	}},
	{authkittest.RouteGetOrganizationDomain, 404, func(c *conversation) error {
		return second(c.client.GetOrganizationDomain(c.Context(), "org_domain_none"))
	}},
	{authkittest.RouteVerifyOrganizationDomain, 201, func(c *conversation) error {
		return second(c.client.VerifyOrganizationDomain(c.Context(), c.domain("new.test")))
	}},
	{authkittest.RouteVerifyOrganizationDomain, 400, func(c *conversation) error {
		return second(c.client.VerifyOrganizationDomain(c.Context(), c.domain("acme.test")))
	}},
	{authkittest.RouteVerifyOrganizationDomain, 404, func(c *conversation) error {
		return second(c.client.VerifyOrganizationDomain(c.Context(), "org_domain_none"))
	}},
	{authkittest.RouteDeleteOrganizationDomain, 204, func(c *conversation) error {
		return c.client.DeleteOrganizationDomain(c.Context(), c.domain("new.test"))
	}},
	{authkittest.RouteDeleteOrganizationDomain, 404, func(c *conversation) error {
		return c.client.DeleteOrganizationDomain(c.Context(), "org_domain_none")
	}},
	{authkittest.RouteDeleteOrganization, 202, func(c *conversation) error {
		return c.client.DeleteOrganization(c.Context(), c.organization("Acme"))
	}},
	{authkittest.RouteDeleteOrganization, 404, func(c *conversation) error { return c.client.DeleteOrganization(c.Context(), "org_none") }},
}

// domain returns the ID of a domain.
func (c *conversation) domain(name string) string {
	c.Helper()
	for _, o := range c.Organizations() {
		for _, d := range o.Domains {
			if d.Name == name {
				return d.ID
			}
		}
	}
	return must("", fmt.Errorf("no organization has the domain %q", name))
}

var membershipSteps = []step{
	{authkittest.RouteCreateMembership, 201, func(c *conversation) error {
		return second(c.client.CreateOrganizationMembership(c.Context(), workos.CreateOrganizationMembershipParams{
			UserID: c.person("kim@acme.test"), OrganizationID: c.harborPress(), RoleSlugs: []string{"member", "admin"},
		}))
	}},
	{authkittest.RouteCreateMembership, 404, func(c *conversation) error {
		return second(c.client.CreateOrganizationMembership(c.Context(), workos.CreateOrganizationMembershipParams{
			UserID: c.userID(ada), OrganizationID: "org_none", RoleSlug: "member",
		}))
	}},
	{authkittest.RouteCreateMembership, 409, func(c *conversation) error {
		return second(c.client.CreateOrganizationMembership(c.Context(), workos.CreateOrganizationMembershipParams{
			UserID: c.userID(ada), OrganizationID: c.harborPress(),
		}))
	}},
	{authkittest.RouteGetMembership, 200, func(c *conversation) error {
		return second(c.client.GetOrganizationMembership(c.Context(), c.membership(ada)))
	}},
	{authkittest.RouteGetMembership, 404, func(c *conversation) error {
		return second(c.client.GetOrganizationMembership(c.Context(), "om_none"))
	}},
	{authkittest.RouteListMemberships, 200, func(c *conversation) error {
		return drain(c.client.ListOrganizationMemberships(c.Context(), workos.ListOrganizationMembershipsParams{
			OrganizationID: c.harborPress(), Statuses: []string{workos.MembershipStatusActive, workos.MembershipStatusPending},
			Paging: workos.Paging{PageSize: 2},
		}))
	}},
	{authkittest.RouteListMemberships, 422, func(c *conversation) error {
		return drain(c.client.ListOrganizationMemberships(c.Context(), workos.ListOrganizationMembershipsParams{UserID: c.userID(ada), Paging: wrongPage}))
	}},
	{authkittest.RouteUpdateMembership, 200, func(c *conversation) error {
		return second(c.client.UpdateOrganizationMembership(c.Context(), c.membership(ada), workos.UpdateOrganizationMembershipParams{RoleSlug: "member"}))
	}},
	{authkittest.RouteUpdateMembership, 404, func(c *conversation) error {
		return second(c.client.UpdateOrganizationMembership(c.Context(), "om_none", workos.UpdateOrganizationMembershipParams{RoleSlug: "member"}))
	}},
	{authkittest.RouteDeactivateMembership, 200, func(c *conversation) error {
		return second(c.client.DeactivateOrganizationMembership(c.Context(), c.membership(ada)))
	}},
	{authkittest.RouteDeactivateMembership, 404, func(c *conversation) error {
		return second(c.client.DeactivateOrganizationMembership(c.Context(), "om_none"))
	}},
	{authkittest.RouteReactivateMembership, 200, func(c *conversation) error {
		return second(c.client.ReactivateOrganizationMembership(c.Context(), c.membership(ada)))
	}},
	{authkittest.RouteReactivateMembership, 404, func(c *conversation) error {
		return second(c.client.ReactivateOrganizationMembership(c.Context(), "om_none"))
	}},
	{authkittest.RouteDeleteMembership, 200, func(c *conversation) error {
		return c.client.DeleteOrganizationMembership(c.Context(), c.membership(ada))
	}},
	{authkittest.RouteDeleteMembership, 404, func(c *conversation) error {
		return c.client.DeleteOrganizationMembership(c.Context(), "om_none")
	}},
}
