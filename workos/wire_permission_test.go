// Permissions on the wire.

package workos_test

import (
	"context"
	"slices"

	"github.com/authkit-go/authkit/workos"
)

const permissionJSON = `{"object":"permission","id":"perm_01A","slug":"posts:write","name":"Write","description":"Writes posts","system":true,
	"resource_type_slug":"organization",` + timesJSON + `}`

var (
	permission = workos.Permission{
		ID: "perm_01A", Slug: "posts:write", Name: "Write", Description: "Writes posts", System: true, ResourceTypeSlug: "organization",
		CreatedAt: created, UpdatedAt: updated,
	}
	changePermissionErrors = slices.Concat(readErrors, bare(422))
)

var permissionCalls = map[string]wire{
	"ListPermissions": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListPermissions(ctx, workos.Paging{PageSize: 100}))
		},
		method: "GET", path: "/authorization/permissions", query: "limit=100",
		status: 200, response: listOf(permissionJSON), required: listRequired, want: []workos.Permission{permission}, errors: readErrors,
	},
	"GetPermission": {
		call:   func(ctx context.Context, c *workos.Client) (any, error) { return c.GetPermission(ctx, "posts:write") },
		method: "GET", path: "/authorization/permissions/posts:write",
		status: 200, response: permissionJSON, required: []string{"id"}, want: &permission, errors: readErrors,
	},
	"CreatePermission": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreatePermission(ctx, workos.CreatePermissionParams{
				Slug: "posts:write", Name: "Write", Description: "Writes posts", ResourceTypeSlug: "organization",
			})
		},
		method: "POST", path: "/authorization/permissions",
		body:   `{"slug":"posts:write","name":"Write","description":"Writes posts","resource_type_slug":"organization"}`,
		status: 201, response: permissionJSON, required: []string{"id"}, want: &permission,
		errors: slices.Concat(changePermissionErrors, plain(400, nil, workos.CodeBadRequest), plain(409, nil, workos.CodePermissionSlugConflict)),
	},
	"CreatePermission with the required fields": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreatePermission(ctx, workos.CreatePermissionParams{Slug: "posts:write", Name: "Write"})
		},
		method: "POST", path: "/authorization/permissions", body: `{"slug":"posts:write","name":"Write"}`,
		status: 201, response: permissionJSON, required: []string{"id"}, want: &permission, errors: changePermissionErrors,
	},
	"UpdatePermission": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.UpdatePermission(ctx, "posts:write", workos.UpdatePermissionParams{Name: "Write", Description: workos.Null[string]()})
		},
		method: "PATCH", path: "/authorization/permissions/posts:write", body: `{"name":"Write","description":null}`,
		status: 200, response: permissionJSON, required: []string{"id"}, want: &permission, errors: changePermissionErrors,
	},
	"DeletePermission": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.DeletePermission(ctx, "posts:write"))
		},
		method: "DELETE", path: "/authorization/permissions/posts:write", status: 204, errors: readErrors,
	},
}
