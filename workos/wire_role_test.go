// Roles on the wire.

package workos_test

import (
	"context"
	"slices"

	"github.com/authkit-go/authkit/workos"
)

const (
	roleJSON = `{"object":"role","id":"role_01A","slug":"org-editor","name":"Editor","description":"Edits","type":"OrganizationRole",
		"resource_type_slug":"organization","permissions":["posts:read","posts:write"],` + timesJSON + `}`
	rolesJSON = `{"object":"list","data":[` + roleJSON + `]}`
)

var (
	editor = workos.RoleDefinition{
		ID: "role_01A", Slug: "org-editor", Name: "Editor", Description: "Edits", Type: workos.RoleTypeOrganization,
		ResourceTypeSlug: "organization", Permissions: []string{"posts:read", "posts:write"}, CreatedAt: created, UpdatedAt: updated,
	}
	changeRoleErrors = slices.Concat(readErrors, bare(422), plain(400, nil, workos.CodeBadRequest))
	newRole          = workos.CreateRoleParams{
		Slug: "org-editor", Name: "Editor", Description: "Edits", ResourceTypeSlug: "organization",
	}
)

const newRoleJSON = `{"slug":"org-editor","name":"Editor","description":"Edits","resource_type_slug":"organization"}`

// roleCall returns a case of a call that returns a role.
func roleCall(method, path, body string, status int, errors []errorResponse, call func(context.Context, *workos.Client) (*workos.RoleDefinition, error)) wire {
	return wire{
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			role, err := call(ctx, c)
			if err != nil {
				return nil, err
			}
			return role, nil
		},
		method: method, path: path, body: body,
		status: status, response: roleJSON, required: []string{"slug"}, want: &editor, errors: errors,
	}
}

var roleCalls = map[string]wire{
	"ListRoles": {
		call:   func(ctx context.Context, c *workos.Client) (any, error) { return c.ListRoles(ctx) },
		method: "GET", path: "/authorization/roles",
		status: 200, response: rolesJSON, required: []string{"data", "data.0", "data.0.slug"},
		want: []workos.RoleDefinition{editor}, errors: readErrors,
	},
	"ListOrganizationRoles": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.ListOrganizationRoles(ctx, "org_01A")
		},
		method: "GET", path: "/authorization/organizations/org_01A/roles",
		status: 200, response: rolesJSON, required: []string{"data", "data.0", "data.0.slug"},
		want: []workos.RoleDefinition{editor}, errors: readErrors,
	},
	"GetRole": roleCall("GET", "/authorization/roles/org-editor", "", 200, readErrors,
		func(ctx context.Context, c *workos.Client) (*workos.RoleDefinition, error) {
			return c.GetRole(ctx, "org-editor")
		}),
	"CreateRole": roleCall("POST", "/authorization/roles", newRoleJSON, 201,
		slices.Concat(changeRoleErrors, plain(409, nil, workos.CodeRoleSlugConflict)),
		func(ctx context.Context, c *workos.Client) (*workos.RoleDefinition, error) {
			return c.CreateRole(ctx, newRole)
		}),
	"UpdateRole": roleCall("PATCH", "/authorization/roles/org-editor", `{"name":"Editor","description":null}`, 200, changeRoleErrors,
		func(ctx context.Context, c *workos.Client) (*workos.RoleDefinition, error) {
			return c.UpdateRole(ctx, "org-editor", workos.UpdateRoleParams{Name: "Editor", Description: workos.Null[string]()})
		}),
	"AddRolePermission": roleCall("POST", "/authorization/roles/org-editor/permissions", `{"slug":"posts:write"}`, 200, changeRoleErrors,
		func(ctx context.Context, c *workos.Client) (*workos.RoleDefinition, error) {
			return c.AddRolePermission(ctx, "org-editor", "posts:write")
		}),
	"SetRolePermissions": roleCall("PUT", "/authorization/roles/org-editor/permissions", `{"permissions":["posts:read","posts:write"]}`, 200, changeRoleErrors,
		func(ctx context.Context, c *workos.Client) (*workos.RoleDefinition, error) {
			return c.SetRolePermissions(ctx, "org-editor", []string{"posts:read", "posts:write"})
		}),
	"SetRolePermissions to none": roleCall("PUT", "/authorization/roles/org-editor/permissions", `{"permissions":[]}`, 200, changeRoleErrors,
		func(ctx context.Context, c *workos.Client) (*workos.RoleDefinition, error) {
			return c.SetRolePermissions(ctx, "org-editor", nil)
		}),
	"GetOrganizationRole": roleCall("GET", "/authorization/organizations/org_01A/roles/org-editor", "", 200, readErrors,
		func(ctx context.Context, c *workos.Client) (*workos.RoleDefinition, error) {
			return c.GetOrganizationRole(ctx, "org_01A", "org-editor")
		}),
	"CreateOrganizationRole": roleCall("POST", "/authorization/organizations/org_01A/roles", newRoleJSON, 201,
		slices.Concat(changeRoleErrors, plain(409, nil, workos.CodeOrganizationRoleSlugConflict)),
		func(ctx context.Context, c *workos.Client) (*workos.RoleDefinition, error) {
			return c.CreateOrganizationRole(ctx, "org_01A", newRole)
		}),
	"CreateOrganizationRole without a slug": roleCall("POST", "/authorization/organizations/org_01A/roles", `{"name":"Editor"}`, 201, changeRoleErrors,
		func(ctx context.Context, c *workos.Client) (*workos.RoleDefinition, error) {
			return c.CreateOrganizationRole(ctx, "org_01A", workos.CreateRoleParams{Name: "Editor"})
		}),
	"UpdateOrganizationRole": roleCall("PATCH", "/authorization/organizations/org_01A/roles/org-editor", `{"description":"Edits"}`, 200, changeRoleErrors,
		func(ctx context.Context, c *workos.Client) (*workos.RoleDefinition, error) {
			return c.UpdateOrganizationRole(ctx, "org_01A", "org-editor", workos.UpdateRoleParams{Description: workos.Value("Edits")})
		}),
	"DeleteOrganizationRole": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.DeleteOrganizationRole(ctx, "org_01A", "org-editor"))
		},
		method: "DELETE", path: "/authorization/organizations/org_01A/roles/org-editor", status: 204,
		errors: slices.Concat(readErrors, bare(409), plain(400, nil, workos.CodeBadRequest),
			plain(409, nil, workos.CodeRoleHasAssignments, workos.CodeRoleHasGroupRoleMappings)),
	},
	"AddOrganizationRolePermission": roleCall("POST", "/authorization/organizations/org_01A/roles/org-editor/permissions", `{"slug":"posts:write"}`, 200, changeRoleErrors,
		func(ctx context.Context, c *workos.Client) (*workos.RoleDefinition, error) {
			return c.AddOrganizationRolePermission(ctx, "org_01A", "org-editor", "posts:write")
		}),
	"RemoveOrganizationRolePermission": roleCall("DELETE", "/authorization/organizations/org_01A/roles/org-editor/permissions/posts:write", "", 200, readErrors,
		func(ctx context.Context, c *workos.Client) (*workos.RoleDefinition, error) {
			return c.RemoveOrganizationRolePermission(ctx, "org_01A", "org-editor", "posts:write")
		}),
	"SetOrganizationRolePermissions": roleCall("PUT", "/authorization/organizations/org_01A/roles/org-editor/permissions", `{"permissions":["posts:read"]}`, 200, changeRoleErrors,
		func(ctx context.Context, c *workos.Client) (*workos.RoleDefinition, error) {
			return c.SetOrganizationRolePermissions(ctx, "org_01A", "org-editor", []string{"posts:read"})
		}),
}
