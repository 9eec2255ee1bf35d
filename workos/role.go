// Roles of the environment and of organizations, and the permissions that they have.

package workos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// RoleDefinition is a role of the environment, or of one organization. [Role] is the role that a member has.
//
// See https://workos.com/docs/reference/roles
type RoleDefinition struct {
	ID               string    `json:"id,omitempty"`                 // "role_…"; empty in events
	Slug             string    `json:"slug"`                         // such as "admin"
	Type             string    `json:"type,omitempty"`               // RoleTypeEnvironment or RoleTypeOrganization; empty in events
	OrganizationID   string    `json:"organization_id,omitempty"`    // only in events of a role of one organization
	Name             string    `json:"name,omitempty"`               // empty in events of a role of the environment
	Description      string    `json:"description,omitempty"`        // empty in events of a role of the environment
	ResourceTypeSlug string    `json:"resource_type_slug,omitempty"` // "organization" for the roles of members
	Permissions      []string  `json:"permissions,omitempty"`        // slugs
	CreatedAt        time.Time `json:"created_at,omitzero"`
	UpdatedAt        time.Time `json:"updated_at,omitzero"`
}

// The types of a [RoleDefinition].
const (
	RoleTypeEnvironment  = "EnvironmentRole"  // every organization has the role
	RoleTypeOrganization = "OrganizationRole" // one organization has the role
)

// CreateRoleParams are the parameters of [Client.CreateRole] and [Client.CreateOrganizationRole]. Name is required, and so is
// Slug for a role of the environment. A field with its zero value is omitted.
type CreateRoleParams struct {
	// Slug is the name of the role in calls and access tokens, such as "admin". It has at most 48 characters. The slug of a
	// role of an organization begins with "org-", and WorkOS chooses one if it is empty.
	Slug             string `json:"slug,omitempty"`
	Name             string `json:"name"`                         // at most 48 characters
	Description      string `json:"description,omitempty"`        // at most 150 characters
	ResourceTypeSlug string `json:"resource_type_slug,omitempty"` // the type of resource that the role is for, such as "organization"
}

// UpdateRoleParams are the parameters of [Client.UpdateRole] and [Client.UpdateOrganizationRole]. A field with its zero value
// leaves the value of the role unchanged.
type UpdateRoleParams struct {
	Name        string           `json:"name,omitempty"`
	Description Optional[string] `json:"description,omitzero"` // Null removes it
}

const (
	rolesPath             = "/authorization/roles"
	rolePath              = rolesPath + "/{slug}"
	organizationRolesPath = "/authorization/organizations/{organization_id}/roles"
	organizationRolePath  = organizationRolesPath + "/{slug}"
)

// ListRoles returns the roles of the environment, the one with the highest priority first. The API returns all of them in
// one response.
//
// See https://workos.com/docs/reference/roles
func (c *Client) ListRoles(ctx context.Context) ([]RoleDefinition, error) {
	return c.listRoles(ctx, rolesPath)
}

// GetRole returns the role of the environment with the given slug.
//
// See https://workos.com/docs/reference/roles
func (c *Client) GetRole(ctx context.Context, slug string) (*RoleDefinition, error) {
	return c.role(ctx, http.MethodGet, rolePath, nil, slug)
}

// CreateRole creates a role of the environment. [Client.SetRolePermissions] gives it permissions. If a role has the slug already, the error has the code
// [CodeRoleSlugConflict].
//
// See https://workos.com/docs/reference/roles
func (c *Client) CreateRole(ctx context.Context, p CreateRoleParams) (*RoleDefinition, error) {
	return fetch[RoleDefinition](ctx, c, call{
		method:   http.MethodPost,
		path:     rolesPath,
		body:     p,
		required: []argument{{"slug", p.Slug}, {"name", p.Name}},
	})
}

// UpdateRole changes a role of the environment and returns the updated role.
//
// See https://workos.com/docs/reference/roles
func (c *Client) UpdateRole(ctx context.Context, slug string, p UpdateRoleParams) (*RoleDefinition, error) {
	return c.role(ctx, http.MethodPatch, rolePath, p, slug)
}

// AddRolePermission adds a permission to a role of the environment. It has no effect if the role has the permission.
//
// See https://workos.com/docs/reference/roles
func (c *Client) AddRolePermission(ctx context.Context, slug, permissionSlug string) (*RoleDefinition, error) {
	return c.addPermission(ctx, rolePath, permissionSlug, slug)
}

// SetRolePermissions replaces all permissions of a role of the environment. Without a slug, the role has none.
//
// See https://workos.com/docs/reference/roles
func (c *Client) SetRolePermissions(ctx context.Context, slug string, permissionSlugs []string) (*RoleDefinition, error) {
	return c.setPermissions(ctx, rolePath, permissionSlugs, slug)
}

// ListOrganizationRoles returns the roles that members of an organization can have, the one with the highest priority first:
// those of the environment and those of the organization. The API returns all of them in one response.
//
// See https://workos.com/docs/reference/roles
func (c *Client) ListOrganizationRoles(ctx context.Context, organizationID string) ([]RoleDefinition, error) {
	return c.listRoles(ctx, organizationRolesPath, organizationID)
}

// GetOrganizationRole returns a role that members of an organization can have: one of the environment or of the organization.
//
// See https://workos.com/docs/reference/roles
func (c *Client) GetOrganizationRole(ctx context.Context, organizationID, slug string) (*RoleDefinition, error) {
	return c.role(ctx, http.MethodGet, organizationRolePath, nil, organizationID, slug)
}

// CreateOrganizationRole creates a role of one organization. [Client.SetOrganizationRolePermissions] gives it permissions. If
// a role has the slug already, the error has the code [CodeOrganizationRoleSlugConflict].
//
// See https://workos.com/docs/reference/roles
func (c *Client) CreateOrganizationRole(ctx context.Context, organizationID string, p CreateRoleParams) (*RoleDefinition, error) {
	return fetch[RoleDefinition](ctx, c, call{
		method:   http.MethodPost,
		path:     organizationRolesPath,
		ids:      []string{organizationID},
		body:     p,
		required: []argument{{"name", p.Name}},
	})
}

// UpdateOrganizationRole changes a role of one organization and returns the updated role.
//
// See https://workos.com/docs/reference/roles
func (c *Client) UpdateOrganizationRole(ctx context.Context, organizationID, slug string, p UpdateRoleParams) (*RoleDefinition, error) {
	return c.role(ctx, http.MethodPatch, organizationRolePath, p, organizationID, slug)
}

// DeleteOrganizationRole deletes a role of one organization. If a member has the role, the error has the code
// [CodeRoleHasAssignments]. If a group of a directory gives the role, it has the code [CodeRoleHasGroupRoleMappings].
//
// See https://workos.com/docs/reference/roles
func (c *Client) DeleteOrganizationRole(ctx context.Context, organizationID, slug string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: organizationRolePath, ids: []string{organizationID, slug}}, nil)
}

// AddOrganizationRolePermission adds a permission to a role of one organization. It has no effect if the role has the
// permission.
//
// See https://workos.com/docs/reference/roles
func (c *Client) AddOrganizationRolePermission(ctx context.Context, organizationID, slug, permissionSlug string) (*RoleDefinition, error) {
	return c.addPermission(ctx, organizationRolePath, permissionSlug, organizationID, slug)
}

// RemoveOrganizationRolePermission removes a permission from a role of one organization.
//
// See https://workos.com/docs/reference/roles
func (c *Client) RemoveOrganizationRolePermission(ctx context.Context, organizationID, slug, permissionSlug string) (*RoleDefinition, error) {
	return c.role(ctx, http.MethodDelete, organizationRolePath+"/permissions/{permission_slug}", nil, organizationID, slug, permissionSlug)
}

// SetOrganizationRolePermissions replaces all permissions of a role of one organization. Without a slug, the role has none.
//
// See https://workos.com/docs/reference/roles
func (c *Client) SetOrganizationRolePermissions(ctx context.Context, organizationID, slug string, permissionSlugs []string) (*RoleDefinition, error) {
	return c.setPermissions(ctx, organizationRolePath, permissionSlugs, organizationID, slug)
}

// role makes a call whose response is a role.
func (c *Client) role(ctx context.Context, method, path string, body any, ids ...string) (*RoleDefinition, error) {
	return fetch[RoleDefinition](ctx, c, call{method: method, path: path, ids: ids, body: body})
}

func (c *Client) addPermission(ctx context.Context, path, permissionSlug string, ids ...string) (*RoleDefinition, error) {
	return fetch[RoleDefinition](ctx, c, call{
		method: http.MethodPost,
		path:   path + "/permissions",
		ids:    ids,
		body: struct {
			Slug string `json:"slug"`
		}{permissionSlug},
		required: []argument{{"permission_slug", permissionSlug}},
	})
}

func (c *Client) setPermissions(ctx context.Context, path string, permissionSlugs []string, ids ...string) (*RoleDefinition, error) {
	return c.role(ctx, http.MethodPut, path+"/permissions", struct {
		Permissions []string `json:"permissions"`
	}{append([]string{}, permissionSlugs...)}, ids...) // a nil slice would be sent as null
}

func (c *Client) listRoles(ctx context.Context, path string, ids ...string) ([]RoleDefinition, error) {
	response, err := fetch[roleList](ctx, c, call{method: http.MethodGet, path: path, ids: ids})
	if err != nil {
		return nil, err
	}
	return response.Data, nil
}

// roleList is a list without pages.
type roleList struct {
	Data []RoleDefinition `json:"data"`
}

func (l *roleList) validate() error {
	if l.Data == nil {
		return errors.New("missing data")
	}
	for i := range l.Data {
		if err := l.Data[i].validate(); err != nil {
			return fmt.Errorf("data[%d]: %w", i, err)
		}
	}
	return nil
}

func (r *RoleDefinition) validate() error {
	if r.Slug == "" {
		return errors.New("missing slug")
	}
	return nil
}
