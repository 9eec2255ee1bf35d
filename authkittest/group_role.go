// Roles of groups, which the members of a group have on resources and in the organization, and the API calls for them.

package authkittest

import (
	"slices"
	"strconv"
	"time"
)

// maxGroupRoles is the largest number of roles in one request.
const maxGroupRoles = 100

// groupRole is a role that a group has on a resource. On the resource of the organization, it is a role in the organization.
type groupRole struct {
	id        string
	groupID   string
	role      string
	resource  resourceRef
	createdAt time.Time
}

type groupRoleObject struct {
	Object    string      `json:"object"`
	ID        string      `json:"id"`
	GroupID   string      `json:"group_id"`
	Role      roleObject  `json:"role"`
	Resource  resourceRef `json:"resource"`
	CreatedAt string      `json:"created_at"`
	UpdatedAt string      `json:"updated_at"`
}

func (a *groupRole) object() groupRoleObject {
	return groupRoleObject{
		Object: "group_role_assignment", ID: a.id, GroupID: a.groupID, Role: roleObject{a.role}, Resource: a.resource,
		CreatedAt: timestamp(a.createdAt), UpdatedAt: timestamp(a.createdAt),
	}
}

// is reports whether a is the role of a group on a resource.
func (a *groupRole) is(g *Group, slug string, resource resourceRef) bool {
	return a.groupID == g.ID && a.role == slug && a.resource == resource
}

// groupRolesOf returns the roles that a member has by its groups.
func (f *Server) groupRolesOf(membershipID string) []*groupRole {
	groups := f.groupsOf(membershipID)
	return slices.DeleteFunc(slices.Clone(f.groupRoles), func(a *groupRole) bool {
		return !slices.ContainsFunc(groups, func(g *Group) bool { return g.ID == a.groupID })
	})
}

// groupRolesOn returns the roles of groups on a resource itself.
func (f *Server) groupRolesOn(r *Resource) []*groupRole {
	return slices.DeleteFunc(slices.Clone(f.groupRoles), func(a *groupRole) bool { return a.resource.ID != r.ID })
}

// endGroupRoles removes the roles of groups that match returns true for, and returns how many there were.
func (f *Server) endGroupRoles(match func(*groupRole) bool) int {
	before := len(f.groupRoles)
	f.groupRoles = slices.DeleteFunc(f.groupRoles, match)
	return before - len(f.groupRoles)
}

// organizationRolesOf returns the roles in the organization among those of groups.
func organizationRolesOf(all []*groupRole) []string {
	var slugs []string
	for _, a := range all {
		if a.resource.Type == organizationResource {
			slugs = append(slugs, a.role)
		}
	}
	return slugs
}

func (f *Server) hasOrganizationRoles(g *Group) bool {
	return len(organizationRolesOf(f.rolesOfGroup(g))) > 0
}

// withGroupRoles returns a membership with the roles in the organization that it has by its groups, and with their permissions. If
// the environment allows one role only, it is the one with the highest priority.
func (f *Server) withGroupRoles(m Membership) Membership {
	byGroups := organizationRolesOf(f.groupRolesOf(m.ID))
	if len(byGroups) == 0 {
		return m
	}
	if f.settings.singleRole {
		for _, r := range f.rolesFor(m.OrganizationID) {
			switch {
			case r.slug == m.role():
				return m
			case slices.Contains(byGroups, r.slug):
				m.Role, m.Roles, m.Permissions = r.slug, nil, slices.Clone(r.permissions)
				return m
			}
		}
		return m
	}
	roles, permissions := slices.Clone(m.allRoles()), slices.Clone(m.Permissions)
	for _, slug := range byGroups {
		if !slices.Contains(roles, slug) {
			roles = append(roles, slug)
		}
		permissions = f.withPermissionsOf(permissions, m.OrganizationID, slug)
	}
	m.Role, m.Roles, m.Permissions = m.role(), roles, permissions
	return m
}

// changeGroupRoles calls change, and adds organization_membership.updated for the members if roles in the organization have changed.
func (f *Server) changeGroupRoles(g *Group, change func()) {
	before := organizationRolesOf(f.rolesOfGroup(g))
	change()
	if !slices.Equal(before, organizationRolesOf(f.rolesOfGroup(g))) {
		f.emitNewRoles(g.Members...)
	}
}

// emitNewRoles adds organization_membership.updated for members whose groups gave or took roles in the organization.
func (f *Server) emitNewRoles(membershipIDs ...string) {
	for _, m := range f.memberships() {
		if slices.Contains(membershipIDs, m.ID) {
			m.updatedAt = f.clock.Now()
			f.emitMembership("updated", m)
		}
	}
}

// groupWithRoles returns the group in the path. The path has no organization.
func (f *Server) groupWithRoles(c *call) (*Group, *apiError) {
	id := c.PathValue("group_id")
	if g := f.groupByID(id); g != nil {
		return g, nil
	}
	return nil, notFound("Group", id)
}

// roleIn returns the role and the resource in a request for a group.
func (f *Server) roleIn(g *Group, in roleOnResourceFields) (slug string, resource resourceRef, apiErr *apiError) {
	slug = in.Role.value
	if slug == "" {
		return "", resource, unprocessable("The role_slug is required.")
	}
	r, apiErr := f.resourceOrOrganization(g.OrganizationID, in.resourceFields.name())
	switch {
	case apiErr != nil:
		return "", resource, apiErr
	case !f.knowsRole(g.OrganizationID, slug):
		return "", resource, notFound("Role", slug)
	}
	return slug, r.ref(), nil
}

// groupRoleOf reads a request that assigns or removes a role of a group.
func (f *Server) groupRoleOf(c *call) (g *Group, slug string, resource resourceRef, apiErr *apiError) {
	if g, apiErr = f.groupWithRoles(c); apiErr != nil {
		return nil, "", resource, apiErr
	}
	var in roleOnResourceFields
	if apiErr = c.read(&in); apiErr != nil {
		return nil, "", resource, apiErr
	}
	slug, resource, apiErr = f.roleIn(g, in)
	return g, slug, resource, apiErr
}

func (f *Server) hasGroupRole(g *Group, slug string, resource resourceRef) bool {
	return slices.ContainsFunc(f.groupRoles, func(a *groupRole) bool { return a.is(g, slug, resource) })
}

func (f *Server) addGroupRole(g *Group, slug string, resource resourceRef) *groupRole {
	a := &groupRole{id: newID("gra"), groupID: g.ID, role: slug, resource: resource, createdAt: f.clock.Now()}
	f.groupRoles = append(f.groupRoles, a)
	return a
}

// listGroupRoles answers RouteListGroupRoleAssignments.
func (f *Server) listGroupRoles(c *call) (any, *apiError) {
	g, apiErr := f.groupWithRoles(c)
	if apiErr != nil {
		return nil, apiErr
	}
	return page(c, f.rolesOfGroup(g), func(a *groupRole) string { return a.id }, (*groupRole).object)
}

func (f *Server) rolesOfGroup(g *Group) []*groupRole {
	return slices.DeleteFunc(slices.Clone(f.groupRoles), func(a *groupRole) bool { return a.groupID != g.ID })
}

// getGroupRole answers RouteGetGroupRoleAssignment.
func (f *Server) getGroupRole(c *call) (any, *apiError) {
	g, apiErr := f.groupWithRoles(c)
	if apiErr != nil {
		return nil, apiErr
	}
	id := c.PathValue("assignment_id")
	for _, a := range f.rolesOfGroup(g) {
		if a.id == id {
			return a.object(), nil
		}
	}
	return nil, notFound("Group role assignment", id)
}

// assignGroupRole answers RouteAssignGroupRole.
func (f *Server) assignGroupRole(c *call) (any, *apiError) {
	g, slug, resource, apiErr := f.groupRoleOf(c)
	switch {
	case apiErr != nil:
		return nil, apiErr
	case f.hasGroupRole(g, slug, resource):
		return nil, conflict("duplicate_group_role_assignment", "The group has the role on the resource already.")
	}
	var added *groupRole
	f.changeGroupRoles(g, func() { added = f.addGroupRole(g, slug, resource) })
	return added.object(), nil
}

// setGroupRoles answers RouteSetGroupRoles. An assignment that is in the request too stays as it is.
func (f *Server) setGroupRoles(c *call) (any, *apiError) {
	g, apiErr := f.groupWithRoles(c)
	if apiErr != nil {
		return nil, apiErr
	}
	var in struct {
		Assignments optional[[]roleOnResourceFields] `json:"role_assignments"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	if !in.Assignments.sent || len(in.Assignments.value) > maxGroupRoles {
		return nil, unprocessable("The role_assignments are required: at most " + strconv.Itoa(maxGroupRoles) + ".")
	}
	type wanted struct {
		slug     string
		resource resourceRef
	}
	var all []wanted
	for _, entry := range in.Assignments.value {
		slug, resource, apiErr := f.roleIn(g, entry)
		if apiErr != nil {
			return nil, apiErr
		}
		all = append(all, wanted{slug, resource})
	}
	f.changeGroupRoles(g, func() {
		f.endGroupRoles(func(a *groupRole) bool {
			return a.groupID == g.ID && !slices.ContainsFunc(all, func(w wanted) bool { return a.is(g, w.slug, w.resource) })
		})
		for _, w := range all {
			if !f.hasGroupRole(g, w.slug, w.resource) {
				f.addGroupRole(g, w.slug, w.resource)
			}
		}
	})
	list := listObject[groupRoleObject]{Object: "list", Data: []groupRoleObject{}}
	for _, a := range f.rolesOfGroup(g) {
		list.Data = append(list.Data, a.object())
	}
	return list, nil
}

// removeGroupRole answers RouteRemoveGroupRole.
func (f *Server) removeGroupRole(c *call) (any, *apiError) {
	g, slug, resource, apiErr := f.groupRoleOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	return f.takeGroupRole(g, slug, func(a *groupRole) bool { return a.is(g, slug, resource) })
}

// removeGroupRoleAssignment answers RouteRemoveGroupRoleAssignment.
func (f *Server) removeGroupRoleAssignment(c *call) (any, *apiError) {
	g, apiErr := f.groupWithRoles(c)
	if apiErr != nil {
		return nil, apiErr
	}
	id := c.PathValue("assignment_id")
	return f.takeGroupRole(g, id, func(a *groupRole) bool { return a.groupID == g.ID && a.id == id })
}

// takeGroupRole answers the calls that remove a role from a group. name is what the request calls the role.
func (f *Server) takeGroupRole(g *Group, name string, match func(*groupRole) bool) (any, *apiError) {
	removed := 0
	f.changeGroupRoles(g, func() { removed = f.endGroupRoles(match) })
	if removed == 0 {
		return nil, notFound("Group role assignment", name)
	}
	return nil, nil
}
