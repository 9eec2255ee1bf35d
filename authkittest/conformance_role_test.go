// Calls for roles and permissions.

package authkittest_test

import (
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// permission creates a permission and returns its slug.
func (c *conversation) permission(slug string) string {
	c.Helper()
	return must(c.client.CreatePermission(c.Context(), workos.CreatePermissionParams{Slug: slug, Name: slug})).Slug
}

var roleSteps = []step{
	{authkittest.RouteCreateRole, 201, func(c *conversation) error {
		return second(c.client.CreateRole(c.Context(), workos.CreateRoleParams{Slug: "editor", Name: "Editor", Description: "Edits", ResourceTypeSlug: "organization"}))
	}},
	{authkittest.RouteCreateRole, 409, func(c *conversation) error {
		return second(c.client.CreateRole(c.Context(), workos.CreateRoleParams{Slug: "editor", Name: "Editor"}))
	}},
	{authkittest.RouteListRoles, 200, func(c *conversation) error { return second(c.client.ListRoles(c.Context())) }},
	{authkittest.RouteGetRole, 200, func(c *conversation) error { return second(c.client.GetRole(c.Context(), "editor")) }},
	{authkittest.RouteGetRole, 404, func(c *conversation) error { return second(c.client.GetRole(c.Context(), "none")) }},
	{authkittest.RouteUpdateRole, 200, func(c *conversation) error {
		return second(c.client.UpdateRole(c.Context(), "editor", workos.UpdateRoleParams{Name: "Editors", Description: workos.Null[string]()}))
	}},
	{authkittest.RouteUpdateRole, 404, func(c *conversation) error {
		return second(c.client.UpdateRole(c.Context(), "none", workos.UpdateRoleParams{Name: "None"}))
	}},
	{authkittest.RouteAddRolePermission, 200, func(c *conversation) error {
		return second(c.client.AddRolePermission(c.Context(), "editor", c.permission("posts:edit")))
	}},
	{authkittest.RouteAddRolePermission, 404, func(c *conversation) error {
		return second(c.client.AddRolePermission(c.Context(), "editor", "none"))
	}},
	{authkittest.RouteSetRolePermissions, 200, func(c *conversation) error {
		return second(c.client.SetRolePermissions(c.Context(), "editor", []string{"posts:edit", c.permission("posts:delete")}))
	}},
	{authkittest.RouteSetRolePermissions, 404, func(c *conversation) error {
		return second(c.client.SetRolePermissions(c.Context(), "none", []string{}))
	}},
	{authkittest.RouteCreateOrganizationRole, 201, func(c *conversation) error {
		return second(c.client.CreateOrganizationRole(c.Context(), c.harborPress(), workos.CreateRoleParams{Slug: "org-author", Name: "Author"}))
	}},
	{authkittest.RouteCreateOrganizationRole, 404, func(c *conversation) error {
		return second(c.client.CreateOrganizationRole(c.Context(), "org_none", workos.CreateRoleParams{Name: "Author"}))
	}},
	{authkittest.RouteCreateOrganizationRole, 409, func(c *conversation) error {
		return second(c.client.CreateOrganizationRole(c.Context(), c.harborPress(), workos.CreateRoleParams{Name: "Author"}))
	}},
	{authkittest.RouteListOrganizationRoles, 200, func(c *conversation) error {
		return second(c.client.ListOrganizationRoles(c.Context(), c.harborPress()))
	}},
	{authkittest.RouteListOrganizationRoles, 404, func(c *conversation) error {
		return second(c.client.ListOrganizationRoles(c.Context(), "org_none"))
	}},
	{authkittest.RouteGetOrganizationRole, 200, func(c *conversation) error {
		return second(c.client.GetOrganizationRole(c.Context(), c.harborPress(), "org-author"))
	}},
	{authkittest.RouteGetOrganizationRole, 404, func(c *conversation) error {
		return second(c.client.GetOrganizationRole(c.Context(), c.harborPress(), "org-none"))
	}},
	{authkittest.RouteUpdateOrganizationRole, 200, func(c *conversation) error {
		return second(c.client.UpdateOrganizationRole(c.Context(), c.harborPress(), "org-author", workos.UpdateRoleParams{Description: workos.Value("Writes")}))
	}},
	{authkittest.RouteUpdateOrganizationRole, 404, func(c *conversation) error {
		return second(c.client.UpdateOrganizationRole(c.Context(), c.harborPress(), "org-none", workos.UpdateRoleParams{Name: "None"}))
	}},
	{authkittest.RouteAddOrganizationRolePermission, 200, func(c *conversation) error {
		return second(c.client.AddOrganizationRolePermission(c.Context(), c.harborPress(), "org-author", "posts:edit"))
	}},
	{authkittest.RouteAddOrganizationRolePermission, 404, func(c *conversation) error {
		return second(c.client.AddOrganizationRolePermission(c.Context(), c.harborPress(), "org-author", "none"))
	}},
	{authkittest.RouteSetOrganizationRolePermissions, 200, func(c *conversation) error {
		return second(c.client.SetOrganizationRolePermissions(c.Context(), c.harborPress(), "org-author", []string{"posts:edit"}))
	}},
	{authkittest.RouteSetOrganizationRolePermissions, 404, func(c *conversation) error {
		return second(c.client.SetOrganizationRolePermissions(c.Context(), c.harborPress(), "org-author", []string{"none"}))
	}},
	{authkittest.RouteRemoveOrganizationRolePermission, 200, func(c *conversation) error {
		return second(c.client.RemoveOrganizationRolePermission(c.Context(), c.harborPress(), "org-author", "posts:edit"))
	}},
	{authkittest.RouteRemoveOrganizationRolePermission, 404, func(c *conversation) error {
		return second(c.client.RemoveOrganizationRolePermission(c.Context(), c.harborPress(), "org-author", "none"))
	}},
	{authkittest.RouteDeleteOrganizationRole, 404, func(c *conversation) error {
		return c.client.DeleteOrganizationRole(c.Context(), c.harborPress(), "org-none")
	}},
	{authkittest.RouteDeleteOrganizationRole, 409, func(c *conversation) error {
		must(c.client.UpdateOrganizationMembership(c.Context(), c.membership(ada), workos.UpdateOrganizationMembershipParams{RoleSlug: "org-author"}))
		return c.client.DeleteOrganizationRole(c.Context(), c.harborPress(), "org-author")
	}},
	{authkittest.RouteDeleteOrganizationRole, 204, func(c *conversation) error {
		must(c.client.CreateOrganizationRole(c.Context(), c.harborPress(), workos.CreateRoleParams{Name: "Unused"}))
		return c.client.DeleteOrganizationRole(c.Context(), c.harborPress(), "org-unused")
	}},
}

var permissionSteps = []step{
	{authkittest.RouteCreatePermission, 201, func(c *conversation) error {
		return second(c.client.CreatePermission(c.Context(), workos.CreatePermissionParams{
			Slug: "files:read", Name: "Read files", Description: "All files", ResourceTypeSlug: "organization",
		}))
	}},
	{authkittest.RouteCreatePermission, 409, func(c *conversation) error {
		return second(c.client.CreatePermission(c.Context(), workos.CreatePermissionParams{Slug: "files:read", Name: "Read"}))
	}},
	{authkittest.RouteListPermissions, 200, func(c *conversation) error {
		return drain(c.client.ListPermissions(c.Context(), workos.Paging{PageSize: 1}))
	}},
	{authkittest.RouteListPermissions, 422, func(c *conversation) error { return drain(c.client.ListPermissions(c.Context(), wrongPage)) }},
	{authkittest.RouteGetPermission, 200, func(c *conversation) error { return second(c.client.GetPermission(c.Context(), "files:read")) }},
	{authkittest.RouteGetPermission, 404, func(c *conversation) error { return second(c.client.GetPermission(c.Context(), "none")) }},
	{authkittest.RouteUpdatePermission, 200, func(c *conversation) error {
		return second(c.client.UpdatePermission(c.Context(), "files:read", workos.UpdatePermissionParams{Name: "Read", Description: workos.Null[string]()}))
	}},
	{authkittest.RouteUpdatePermission, 404, func(c *conversation) error {
		return second(c.client.UpdatePermission(c.Context(), "none", workos.UpdatePermissionParams{Name: "None"}))
	}},
	{authkittest.RouteDeletePermission, 204, func(c *conversation) error { return c.client.DeletePermission(c.Context(), "files:read") }},
	{authkittest.RouteDeletePermission, 404, func(c *conversation) error { return c.client.DeletePermission(c.Context(), "none") }},
}
