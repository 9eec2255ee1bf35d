// Calls for the permissions and the roles of members on resources.

package authkittest_test

import (
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// project and page are resources that accessSteps add, the page below the project. The permission readPosts is that of a member.
var (
	project    = workos.Resource{ExternalID: "7", TypeSlug: "project"}
	page       = workos.Resource{ExternalID: "home", TypeSlug: "page"}
	noResource = workos.Resource{ExternalID: "none", TypeSlug: "project"}
)

const readPosts = "posts:read"

// resource returns the ID of a resource of Harbor Press. It adds the resource, without a parent, if it does not exist.
func (c *conversation) resource(r workos.Resource) string {
	c.Helper()
	found, err := c.client.GetResourceByExternalID(c.Context(), c.harborPress(), r.TypeSlug, r.ExternalID)
	if err == nil {
		return found.ID
	}
	return c.AddResource(authkittest.Resource{OrganizationID: c.harborPress(), TypeSlug: r.TypeSlug, ExternalID: r.ExternalID}).ID
}

// harborPressResource is the resource of the organization Harbor Press.
func (c *conversation) harborPressResource() workos.Resource {
	c.Helper()
	return workos.Resource{ExternalID: c.harborPress(), TypeSlug: "organization"}
}

var accessSteps = []step{
	{authkittest.RouteCheckAuthorization, 200, func(c *conversation) error {
		id := c.resource(project)
		c.AddResource(authkittest.Resource{OrganizationID: c.harborPress(), TypeSlug: page.TypeSlug, ExternalID: page.ExternalID, ParentID: id})
		return second(c.client.CheckAuthorization(c.Context(), c.membership(ada), readPosts, workos.Resource{ID: id}))
	}},
	{authkittest.RouteCheckAuthorization, 200, func(c *conversation) error {
		return second(c.client.CheckAuthorization(c.Context(), c.membership(ada), readPosts, page))
	}},
	{authkittest.RouteCheckAuthorization, 404, func(c *conversation) error {
		return second(c.client.CheckAuthorization(c.Context(), "om_none", readPosts, project))
	}},
	{authkittest.RouteCheckAuthorization, 404, func(c *conversation) error {
		return second(c.client.CheckAuthorization(c.Context(), c.membership(ada), readPosts, noResource))
	}},

	{authkittest.RouteAssignRole, 201, func(c *conversation) error {
		return second(c.client.AssignRole(c.Context(), c.membership(ada), "member", project))
	}},
	{authkittest.RouteAssignRole, 201, func(c *conversation) error {
		return second(c.client.AssignRole(c.Context(), c.membership(ada), "member", c.harborPressResource()))
	}},
	{authkittest.RouteAssignRole, 404, func(c *conversation) error {
		return second(c.client.AssignRole(c.Context(), "om_none", "member", project))
	}},
	{authkittest.RouteAssignRole, 404, func(c *conversation) error {
		return second(c.client.AssignRole(c.Context(), c.membership(ada), "member", noResource))
	}},
	{authkittest.RouteListRoleAssignments, 200, func(c *conversation) error {
		return drain(c.client.ListRoleAssignments(c.Context(), c.membership(ada), workos.ListRoleAssignmentsParams{Resource: project}))
	}},
	{authkittest.RouteListRoleAssignments, 200, func(c *conversation) error {
		return drain(c.client.ListRoleAssignments(c.Context(), c.membership(ada), workos.ListRoleAssignmentsParams{
			Resource: workos.Resource{ID: c.resource(project)}, Paging: workos.Paging{PageSize: 1},
		}))
	}},
	{authkittest.RouteListRoleAssignments, 404, func(c *conversation) error {
		return drain(c.client.ListRoleAssignments(c.Context(), "om_none", workos.ListRoleAssignmentsParams{}))
	}},
	{authkittest.RouteListResourceRoleAssignments, 200, func(c *conversation) error {
		return drain(c.client.ListResourceRoleAssignments(c.Context(), c.resource(project), workos.ListResourceRoleAssignmentsParams{
			RoleSlug: "member", Paging: workos.Paging{PageSize: 1},
		}))
	}},
	{authkittest.RouteListResourceRoleAssignments, 404, func(c *conversation) error {
		return drain(c.client.ListResourceRoleAssignments(c.Context(), "authz_resource_none", workos.ListResourceRoleAssignmentsParams{}))
	}},
	{authkittest.RouteListResourceRoleAssignmentsByExternalID, 200, func(c *conversation) error {
		return drain(c.client.ListResourceRoleAssignmentsByExternalID(
			c.Context(), c.harborPress(), "organization", c.harborPress(), workos.ListResourceRoleAssignmentsParams{},
		))
	}},
	{authkittest.RouteListResourceRoleAssignmentsByExternalID, 404, func(c *conversation) error {
		return drain(c.client.ListResourceRoleAssignmentsByExternalID(
			c.Context(), c.harborPress(), "project", "none", workos.ListResourceRoleAssignmentsParams{},
		))
	}},

	{authkittest.RouteListEffectivePermissions, 200, func(c *conversation) error {
		return drain(c.client.ListEffectivePermissions(
			c.Context(), c.membership(ada), workos.Resource{ID: c.resource(page)}, workos.Paging{PageSize: 1},
		))
	}},
	{authkittest.RouteListEffectivePermissions, 404, func(c *conversation) error {
		return drain(c.client.ListEffectivePermissions(
			c.Context(), c.membership(ada), workos.Resource{ID: "authz_resource_none"}, workos.Paging{},
		))
	}},
	{authkittest.RouteListEffectivePermissions, 422, func(c *conversation) error {
		return drain(c.client.ListEffectivePermissions(c.Context(), c.membership(ada), workos.Resource{ID: c.resource(page)}, wrongPage))
	}},
	{authkittest.RouteListEffectivePermissionsByExternalID, 200, func(c *conversation) error {
		return drain(c.client.ListEffectivePermissions(c.Context(), c.membership(ada), project, workos.Paging{}))
	}},
	{authkittest.RouteListEffectivePermissionsByExternalID, 404, func(c *conversation) error {
		return drain(c.client.ListEffectivePermissions(c.Context(), "om_none", project, workos.Paging{}))
	}},
	{authkittest.RouteListEffectivePermissionsByExternalID, 422, func(c *conversation) error {
		return drain(c.client.ListEffectivePermissions(c.Context(), c.membership(ada), project, wrongPage))
	}},

	{authkittest.RouteListMembershipResources, 200, func(c *conversation) error {
		return drain(c.client.ListOrganizationMembershipResources(c.Context(), c.membership(ada), workos.ListOrganizationMembershipResourcesParams{
			PermissionSlug: readPosts, Parent: c.harborPressResource(), Paging: workos.Paging{PageSize: 1},
		}))
	}},
	{authkittest.RouteListMembershipResources, 200, func(c *conversation) error {
		return drain(c.client.ListOrganizationMembershipResources(c.Context(), c.membership(ada), workos.ListOrganizationMembershipResourcesParams{
			PermissionSlug: readPosts, Parent: workos.Resource{ID: c.resource(project)},
		}))
	}},
	{authkittest.RouteListMembershipResources, 404, func(c *conversation) error {
		return drain(c.client.ListOrganizationMembershipResources(c.Context(), c.membership(ada), workos.ListOrganizationMembershipResourcesParams{
			PermissionSlug: readPosts, Parent: noResource,
		}))
	}},
	{authkittest.RouteListMembershipResources, 422, func(c *conversation) error {
		return drain(c.client.ListOrganizationMembershipResources(c.Context(), c.membership(ada), workos.ListOrganizationMembershipResourcesParams{
			PermissionSlug: readPosts, Parent: project, Paging: wrongPage,
		}))
	}},

	{authkittest.RouteListResourceMembers, 200, func(c *conversation) error {
		return drain(c.client.ListResourceMembers(c.Context(), c.resource(project), workos.ListResourceMembersParams{
			PermissionSlug: readPosts, Assignment: workos.AssignmentIndirect, Paging: workos.Paging{PageSize: 1},
		}))
	}},
	{authkittest.RouteListResourceMembers, 404, func(c *conversation) error {
		return drain(c.client.ListResourceMembers(c.Context(), "authz_resource_none", workos.ListResourceMembersParams{PermissionSlug: readPosts}))
	}},
	{authkittest.RouteListResourceMembers, 422, func(c *conversation) error {
		return drain(c.client.ListResourceMembers(c.Context(), c.resource(project), workos.ListResourceMembersParams{
			PermissionSlug: readPosts, Paging: wrongPage,
		}))
	}},
	{authkittest.RouteListResourceMembersByExternalID, 200, func(c *conversation) error {
		return drain(c.client.ListResourceMembersByExternalID(
			c.Context(), c.harborPress(), "organization", c.harborPress(),
			workos.ListResourceMembersParams{PermissionSlug: readPosts, Assignment: workos.AssignmentDirect},
		))
	}},
	{authkittest.RouteListResourceMembersByExternalID, 404, func(c *conversation) error {
		return drain(c.client.ListResourceMembersByExternalID(
			c.Context(), "org_none", "project", "7", workos.ListResourceMembersParams{PermissionSlug: readPosts},
		))
	}},

	{authkittest.RouteRemoveRole, 204, func(c *conversation) error {
		return c.client.RemoveRole(c.Context(), c.membership(ada), "member", project)
	}},
	{authkittest.RouteRemoveRole, 204, func(c *conversation) error {
		return c.client.RemoveRole(c.Context(), c.membership(ada), "member", c.harborPressResource())
	}},
	{authkittest.RouteRemoveRole, 404, func(c *conversation) error {
		return c.client.RemoveRole(c.Context(), c.membership(ada), "member", project)
	}},
	{authkittest.RouteRemoveRoleAssignment, 204, func(c *conversation) error {
		assigned := must(c.client.AssignRole(c.Context(), c.membership(ada), "member", project))
		return c.client.RemoveRoleAssignment(c.Context(), c.membership(ada), assigned.ID)
	}},
	{authkittest.RouteRemoveRoleAssignment, 404, func(c *conversation) error {
		return c.client.RemoveRoleAssignment(c.Context(), c.membership(ada), "role_assignment_none")
	}},
}
