// Permissions of the environment, which roles can have.

package workos

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// Permission is a permission that roles can have.
//
// See https://workos.com/docs/reference/roles
type Permission struct {
	ID               string    `json:"id"`   // "perm_…"
	Slug             string    `json:"slug"` // such as "posts:write"
	Name             string    `json:"name"`
	Description      string    `json:"description,omitempty"`
	System           bool      `json:"system,omitempty"` // made by WorkOS
	ResourceTypeSlug string    `json:"resource_type_slug,omitempty"`
	CreatedAt        time.Time `json:"created_at,omitzero"`
	UpdatedAt        time.Time `json:"updated_at,omitzero"`
}

// CreatePermissionParams are the parameters of [Client.CreatePermission]. Slug and Name are required. A field with its zero
// value is omitted.
type CreatePermissionParams struct {
	Slug             string `json:"slug"`                         // at most 48 characters
	Name             string `json:"name"`                         // at most 48 characters
	Description      string `json:"description,omitempty"`        // at most 150 characters
	ResourceTypeSlug string `json:"resource_type_slug,omitempty"` // the type of resource that it is for, such as "organization"
}

// UpdatePermissionParams are the parameters of [Client.UpdatePermission]. A field with its zero value leaves the value of the
// permission unchanged.
type UpdatePermissionParams struct {
	Name        string           `json:"name,omitempty"`
	Description Optional[string] `json:"description,omitzero"` // Null removes it
}

const (
	permissionsPath = "/authorization/permissions"
	permissionPath  = permissionsPath + "/{slug}"
)

// ListPermissions lists the permissions of the environment.
//
// See https://workos.com/docs/reference/roles
func (c *Client) ListPermissions(ctx context.Context, p Paging) iter.Seq2[Permission, error] {
	return list[Permission](ctx, c, call{path: permissionsPath}, p)
}

// GetPermission returns the permission with the given slug.
//
// See https://workos.com/docs/reference/roles
func (c *Client) GetPermission(ctx context.Context, slug string) (*Permission, error) {
	return fetch[Permission](ctx, c, call{method: http.MethodGet, path: permissionPath, ids: []string{slug}})
}

// CreatePermission creates a permission. No role has it yet: see [Client.AddRolePermission]. If a permission has the slug
// already, the error has the code [CodePermissionSlugConflict].
//
// See https://workos.com/docs/reference/roles
func (c *Client) CreatePermission(ctx context.Context, p CreatePermissionParams) (*Permission, error) {
	return fetch[Permission](ctx, c, call{
		method:   http.MethodPost,
		path:     permissionsPath,
		body:     p,
		required: []argument{{"slug", p.Slug}, {"name", p.Name}},
	})
}

// UpdatePermission changes a permission and returns the updated permission.
//
// See https://workos.com/docs/reference/roles
func (c *Client) UpdatePermission(ctx context.Context, slug string, p UpdatePermissionParams) (*Permission, error) {
	return fetch[Permission](ctx, c, call{method: http.MethodPatch, path: permissionPath, ids: []string{slug}, body: p})
}

// DeletePermission deletes a permission. The permissions of WorkOS cannot be deleted.
//
// See https://workos.com/docs/reference/roles
func (c *Client) DeletePermission(ctx context.Context, slug string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: permissionPath, ids: []string{slug}}, nil)
}

func (p *Permission) validate() error { return requireID(p.ID) }
