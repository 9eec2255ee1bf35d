// Calls for groups of members, and for the roles of groups.

package authkittest_test

import (
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// group returns the ID of the group of Harbor Press with this name. It adds the group, without members, if it does not exist.
func (c *conversation) group(name string) string {
	c.Helper()
	for g, err := range c.client.ListGroups(c.Context(), c.harborPress(), workos.Paging{}) {
		if err == nil && g.Name == name {
			return g.ID
		}
	}
	return c.AddGroup(authkittest.Group{OrganizationID: c.harborPress(), Name: name}).ID
}

var groupSteps = []step{
	{authkittest.RouteCreateGroup, 201, func(c *conversation) error {
		return second(c.client.CreateGroup(c.Context(), c.harborPress(), workos.CreateGroupParams{Name: "Editors", Description: "Write"}))
	}},
	{authkittest.RouteCreateGroup, 404, func(c *conversation) error {
		return second(c.client.CreateGroup(c.Context(), "org_none", workos.CreateGroupParams{Name: "Editors"}))
	}},
	{authkittest.RouteCreateGroup, 422, func(c *conversation) error {
		return second(c.client.CreateGroup(c.Context(), c.harborPress(), workos.CreateGroupParams{Name: " "}))
	}},
	{authkittest.RouteListGroups, 200, func(c *conversation) error {
		must(c.client.CreateGroup(c.Context(), c.harborPress(), workos.CreateGroupParams{Name: "Readers"}))
		return drain(c.client.ListGroups(c.Context(), c.harborPress(), workos.Paging{PageSize: 1}))
	}},
	{authkittest.RouteListGroups, 404, func(c *conversation) error {
		return drain(c.client.ListGroups(c.Context(), "org_none", workos.Paging{}))
	}},
	{authkittest.RouteGetGroup, 200, func(c *conversation) error {
		return second(c.client.GetGroup(c.Context(), c.harborPress(), c.group("Editors")))
	}},
	{authkittest.RouteGetGroup, 404, func(c *conversation) error {
		return second(c.client.GetGroup(c.Context(), c.harborPress(), "group_none"))
	}},
	{authkittest.RouteUpdateGroup, 200, func(c *conversation) error {
		return second(c.client.UpdateGroup(c.Context(), c.harborPress(), c.group("Editors"), workos.UpdateGroupParams{
			Name: "Authors", Description: workos.Null[string](),
		}))
	}},
	{authkittest.RouteUpdateGroup, 404, func(c *conversation) error {
		return second(c.client.UpdateGroup(c.Context(), c.harborPress(), "group_none", workos.UpdateGroupParams{Name: "None"}))
	}},
	{authkittest.RouteUpdateGroup, 422, func(c *conversation) error {
		return second(c.client.UpdateGroup(c.Context(), c.harborPress(), c.group("Authors"), workos.UpdateGroupParams{Name: " "}))
	}},
	{authkittest.RouteAddGroupMember, 200, func(c *conversation) error {
		return second(c.client.AddGroupMember(c.Context(), c.harborPress(), c.group("Authors"), c.membership(ada)))
	}},
	{authkittest.RouteAddGroupMember, 404, func(c *conversation) error {
		return second(c.client.AddGroupMember(c.Context(), c.harborPress(), c.group("Authors"), "om_none"))
	}},
	{authkittest.RouteListGroupMembers, 200, func(c *conversation) error {
		return drain(c.client.ListGroupMembers(c.Context(), c.harborPress(), c.group("Authors"), workos.Paging{PageSize: 1}))
	}},
	{authkittest.RouteListGroupMembers, 404, func(c *conversation) error {
		return drain(c.client.ListGroupMembers(c.Context(), c.harborPress(), "group_none", workos.Paging{}))
	}},
	{authkittest.RouteListMembershipGroups, 200, func(c *conversation) error {
		return drain(c.client.ListOrganizationMembershipGroups(c.Context(), c.membership(ada), workos.Paging{PageSize: 1}))
	}},
	{authkittest.RouteListMembershipGroups, 404, func(c *conversation) error {
		return drain(c.client.ListOrganizationMembershipGroups(c.Context(), "om_none", workos.Paging{}))
	}},
	{authkittest.RouteRemoveGroupMember, 204, func(c *conversation) error {
		return c.client.RemoveGroupMember(c.Context(), c.harborPress(), c.group("Authors"), c.membership(ada))
	}},
	{authkittest.RouteRemoveGroupMember, 404, func(c *conversation) error {
		return c.client.RemoveGroupMember(c.Context(), c.harborPress(), c.group("Authors"), c.membership(ada))
	}},
	{authkittest.RouteDeleteGroup, 204, func(c *conversation) error {
		return c.client.DeleteGroup(c.Context(), c.harborPress(), c.group("Authors"))
	}},
	{authkittest.RouteDeleteGroup, 404, func(c *conversation) error {
		return c.client.DeleteGroup(c.Context(), c.harborPress(), "group_none")
	}},
}

// editors is the name of the group that groupRoleSteps add.
const editors = "Editors"

var groupRoleSteps = []step{
	{authkittest.RouteAssignGroupRole, 201, func(c *conversation) error {
		must(c.client.AddGroupMember(c.Context(), c.harborPress(), c.group(editors), c.membership(ada)))
		return second(c.client.AssignGroupRole(c.Context(), c.group(editors), "member", workos.Resource{}))
	}},
	{authkittest.RouteAssignGroupRole, 201, func(c *conversation) error {
		return second(c.client.AssignGroupRole(c.Context(), c.group(editors), "member", workos.Resource{ID: c.resource(project)}))
	}},
	{authkittest.RouteListRoleAssignments, 200, func(c *conversation) error { // the roles of the member's groups
		return drain(c.client.ListRoleAssignments(c.Context(), c.membership(ada), workos.ListRoleAssignmentsParams{}))
	}},
	{authkittest.RouteAssignGroupRole, 404, func(c *conversation) error {
		return second(c.client.AssignGroupRole(c.Context(), "group_none", "member", project))
	}},
	{authkittest.RouteAssignGroupRole, 404, func(c *conversation) error {
		return second(c.client.AssignGroupRole(c.Context(), c.group(editors), "member", noResource))
	}},
	{authkittest.RouteAssignGroupRole, 409, func(c *conversation) error {
		return second(c.client.AssignGroupRole(c.Context(), c.group(editors), "member", project))
	}},
	{authkittest.RouteListGroupRoleAssignments, 200, func(c *conversation) error {
		return drain(c.client.ListGroupRoleAssignments(c.Context(), c.group(editors), workos.Paging{PageSize: 1}))
	}},
	{authkittest.RouteListGroupRoleAssignments, 404, func(c *conversation) error {
		return drain(c.client.ListGroupRoleAssignments(c.Context(), "group_none", workos.Paging{}))
	}},
	{authkittest.RouteSetGroupRoles, 200, func(c *conversation) error {
		return second(c.client.SetGroupRoles(c.Context(), c.group(editors), []workos.GroupRole{{RoleSlug: "admin"}, {RoleSlug: "member", Resource: project}}))
	}},
	{authkittest.RouteSetGroupRoles, 200, func(c *conversation) error {
		return second(c.client.SetGroupRoles(c.Context(), c.group("No roles"), nil))
	}},
	{authkittest.RouteSetGroupRoles, 404, func(c *conversation) error {
		return second(c.client.SetGroupRoles(c.Context(), c.group(editors), []workos.GroupRole{{RoleSlug: "member", Resource: noResource}}))
	}},
	{authkittest.RouteGetGroupRoleAssignment, 200, func(c *conversation) error {
		assigned := must(c.client.AssignGroupRole(c.Context(), c.group(editors), "admin", project))
		return second(c.client.GetGroupRoleAssignment(c.Context(), c.group(editors), assigned.ID))
	}},
	{authkittest.RouteGetGroupRoleAssignment, 404, func(c *conversation) error {
		return second(c.client.GetGroupRoleAssignment(c.Context(), c.group(editors), "gra_none"))
	}},
	{authkittest.RouteRemoveGroupRole, 204, func(c *conversation) error {
		return c.client.RemoveGroupRole(c.Context(), c.group(editors), "admin", project)
	}},
	{authkittest.RouteRemoveGroupRole, 404, func(c *conversation) error {
		return c.client.RemoveGroupRole(c.Context(), c.group(editors), "admin", project)
	}},
	{authkittest.RouteRemoveGroupRoleAssignment, 204, func(c *conversation) error {
		assigned := must(c.client.AssignGroupRole(c.Context(), c.group(editors), "member", workos.Resource{}))
		return c.client.RemoveGroupRoleAssignment(c.Context(), c.group(editors), assigned.ID)
	}},
	{authkittest.RouteRemoveGroupRoleAssignment, 404, func(c *conversation) error {
		return c.client.RemoveGroupRoleAssignment(c.Context(), c.group(editors), "gra_none")
	}},
}
