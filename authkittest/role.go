// Roles of the environment and of organizations, and the permissions that they give to members.

package authkittest

import (
	"slices"
	"time"
)

// role is a role that memberships can have.
type role struct {
	id, slug, name, description string
	organizationID              string // empty for a role of the environment
	resourceType                string
	permissions                 []string // slugs
	createdAt, updatedAt        time.Time
}

// permission is a permission that roles can have.
type permission struct {
	id, slug, name, description string
	resourceType                string
	createdAt, updatedAt        time.Time
}

// organizationResource is the type of resource of the roles of members.
const organizationResource = "organization"

// The types of roles.
const (
	environmentRole  = "EnvironmentRole"
	organizationRole = "OrganizationRole"
)

// roleDefinition is a role in a response of the API.
type roleDefinition struct {
	Object       string   `json:"object"`
	ID           string   `json:"id"`
	Slug         string   `json:"slug"`
	Name         string   `json:"name"`
	Description  *string  `json:"description"`
	Type         string   `json:"type"`
	ResourceType string   `json:"resource_type_slug"`
	Permissions  []string `json:"permissions"`
	CreatedAt    string   `json:"created_at"`
	UpdatedAt    string   `json:"updated_at"`
}

// roleData is the data of the events of a role of the environment.
type roleData struct {
	Object       string   `json:"object"`
	Slug         string   `json:"slug"`
	ResourceType string   `json:"resource_type_slug"`
	Permissions  []string `json:"permissions"`
	CreatedAt    string   `json:"created_at"`
	UpdatedAt    string   `json:"updated_at"`
}

// organizationRoleData is the data of the events of a role of one organization.
type organizationRoleData struct {
	roleData
	OrganizationID string  `json:"organization_id"`
	Name           string  `json:"name"`
	Description    *string `json:"description"`
}

type permissionObject struct {
	Object       string  `json:"object"`
	ID           string  `json:"id"`
	Slug         string  `json:"slug"`
	Name         string  `json:"name"`
	Description  *string `json:"description"`
	System       bool    `json:"system"` // always false
	ResourceType string  `json:"resource_type_slug"`
	CreatedAt    string  `json:"created_at"`
	UpdatedAt    string  `json:"updated_at"`
}

func (r *role) object() roleDefinition {
	o := roleDefinition{
		Object: "role", ID: r.id, Slug: r.slug, Name: r.name, Description: orNull(r.description), Type: environmentRole,
		ResourceType: r.resourceType, Permissions: append([]string{}, r.permissions...), CreatedAt: timestamp(r.createdAt), UpdatedAt: timestamp(r.updatedAt),
	}
	if r.organizationID != "" {
		o.Type = organizationRole
	}
	return o
}

func (p *permission) object() permissionObject {
	return permissionObject{
		Object: "permission", ID: p.id, Slug: p.slug, Name: p.name, Description: orNull(p.description), ResourceType: p.resourceType,
		CreatedAt: timestamp(p.createdAt), UpdatedAt: timestamp(p.updatedAt),
	}
}

// newPermission returns the definition of a permission that a test names only by its slug.
func newPermission(slug string, at time.Time) *permission {
	return &permission{id: stableID("perm", slug), slug: slug, name: slug, resourceType: organizationResource, createdAt: at, updatedAt: at}
}

// emitRole adds the event of a change of a role.
func (f *Server) emitRole(change string, r *role) {
	data := roleData{"role", r.slug, r.resourceType, append([]string{}, r.permissions...), timestamp(r.createdAt), timestamp(r.updatedAt)}
	if r.organizationID == "" {
		f.emit("role."+change, "", data)
		return
	}
	data.Object = "organization_role"
	f.emit("organization_role."+change, r.organizationID, organizationRoleData{data, r.organizationID, r.name, orNull(r.description)})
}

// seedRoles defines the roles of WithRole and their permissions.
func (f *Server) seedRoles() {
	now := f.clock.Now()
	for _, defined := range f.settings.roles {
		f.roleDefinitions = append(f.roleDefinitions, &role{
			id: stableID("role", defined.slug), slug: defined.slug, name: defined.slug, resourceType: organizationResource,
			permissions: defined.permissions, createdAt: now, updatedAt: now,
		})
		for _, slug := range defined.permissions {
			if f.permissionWith(slug) == nil {
				f.permissions = append(f.permissions, newPermission(slug, now))
			}
		}
	}
}

// rolesFor returns the roles that members of an organization can have: those of the environment, then those of the organization. For
// an empty ID it returns those of the environment.
func (f *Server) rolesFor(organizationID string) []*role {
	var found []*role
	for _, r := range f.roleDefinitions {
		if r.organizationID == "" {
			found = append(found, r)
		}
	}
	for _, r := range f.roleDefinitions {
		if r.organizationID != "" && r.organizationID == organizationID {
			found = append(found, r)
		}
	}
	return found
}

// roleFor returns a role that members of an organization can have, or nil.
func (f *Server) roleFor(organizationID, slug string) *role {
	for _, r := range f.rolesFor(organizationID) {
		if r.slug == slug {
			return r
		}
	}
	return nil
}

func (f *Server) permissionWith(slug string) *permission {
	for _, p := range f.permissions {
		if p.slug == slug {
			return p
		}
	}
	return nil
}

// anyRole reports whether a membership can have every role, because the environment defines none.
func (f *Server) anyRole() bool { return len(f.rolesFor("")) == 0 }

// knowsRole reports whether a member of an organization can have a role.
func (f *Server) knowsRole(organizationID, slug string) bool {
	return slug != "" && (f.anyRole() || f.roleFor(organizationID, slug) != nil)
}

// assign sets the roles of a membership, and its permissions.
func (f *Server) assign(m *Membership, slugs []string) {
	if len(slugs) == 0 {
		return
	}
	m.Role, m.Roles, m.updatedAt = slugs[0], slices.Clone(slugs), f.clock.Now()
	f.updatePermissions(m)
}

// updatePermissions sets the permissions of a membership to those of its roles. If none of its roles is defined, and no other role
// has to be, the permissions do not change.
func (f *Server) updatePermissions(m *Membership) {
	slugs := m.allRoles()
	if f.anyRole() && !slices.ContainsFunc(slugs, func(slug string) bool { return f.roleFor(m.OrganizationID, slug) != nil }) {
		return
	}
	m.Permissions = nil
	for _, slug := range slugs {
		m.Permissions = f.withPermissionsOf(m.Permissions, m.OrganizationID, slug)
	}
}

// withPermissionsOf returns permissions and those of a role, if it is defined.
func (f *Server) withPermissionsOf(permissions []string, organizationID, slug string) []string {
	r := f.roleFor(organizationID, slug)
	if r == nil {
		return permissions
	}
	for _, permission := range r.permissions {
		if !slices.Contains(permissions, permission) {
			permissions = append(permissions, permission)
		}
	}
	return permissions
}

// setPermissions changes the permissions of a role, and of the members who have it.
func (f *Server) setPermissions(r *role, permissions []string) {
	r.permissions, r.updatedAt = permissions, f.clock.Now()
	for _, m := range f.membersWith(r) {
		f.updatePermissions(m.Membership)
	}
}

// isAssigned reports whether a member or a group has a role of an organization.
func (f *Server) isAssigned(r *role) bool {
	in := func(membershipID string) bool {
		m, apiErr := f.membershipByID(membershipID)
		return apiErr == nil && m.OrganizationID == r.organizationID
	}
	return len(f.membersWith(r)) > 0 ||
		slices.ContainsFunc(f.roleAssignments, func(a *roleAssignment) bool { return a.role == r.slug && in(a.membershipID) }) ||
		slices.ContainsFunc(f.groupRoles, func(a *groupRole) bool {
			return a.role == r.slug && f.groupByID(a.groupID).OrganizationID == r.organizationID
		})
}

// membersWith returns the memberships that have a role.
func (f *Server) membersWith(r *role) []membershipRow {
	return slices.DeleteFunc(f.memberships(), func(m membershipRow) bool {
		return r.organizationID != "" && m.OrganizationID != r.organizationID || !slices.Contains(m.allRoles(), r.slug)
	})
}
