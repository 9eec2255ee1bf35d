// Roles of members on resources and in the organization, and the API calls for them.

package authkittest

import (
	"slices"
	"time"
)

// roleAssignment is a role that a member has on a resource.
type roleAssignment struct {
	id           string
	membershipID string
	role         string
	resource     resourceRef
	groupRoleID  string // of the role of a group that the member has it by; empty for a role of its own
	createdAt    time.Time
}

type assignmentObject struct {
	Object       string           `json:"object"`
	ID           string           `json:"id"`
	MembershipID string           `json:"organization_membership_id"`
	Role         roleObject       `json:"role"`
	Resource     resourceRef      `json:"resource"`
	Source       assignmentSource `json:"source"`
	CreatedAt    string           `json:"created_at"`
	UpdatedAt    string           `json:"updated_at"`
}

type assignmentSource struct {
	Type        string  `json:"type"`
	GroupRoleID *string `json:"group_role_assignment_id"`
}

func (a *roleAssignment) object() assignmentObject {
	o := assignmentObject{
		Object: "role_assignment", ID: a.id, MembershipID: a.membershipID, Role: roleObject{a.role}, Resource: a.resource,
		Source: assignmentSource{"direct", orNull(a.groupRoleID)}, CreatedAt: timestamp(a.createdAt), UpdatedAt: timestamp(a.createdAt),
	}
	if a.groupRoleID != "" {
		o.Source.Type = "group"
	}
	return o
}

func assignmentPage(c *call, assignments []*roleAssignment) (any, *apiError) {
	return page(c, assignments, func(a *roleAssignment) string { return a.id }, (*roleAssignment).object)
}

// assignmentsOf returns the roles of a member: those in the organization, then those on resources, then those of its groups.
func (f *Server) assignmentsOf(m membershipRow) []*roleAssignment {
	var found []*roleAssignment
	for _, slug := range m.allRoles() {
		found = append(found, f.organizationAssignment(m, slug))
	}
	return append(found, f.furtherAssignmentsOf(m)...)
}

// organizationAssignment returns the assignment of a role that a member has in the organization. The membership stores the role.
func (f *Server) organizationAssignment(m membershipRow, slug string) *roleAssignment {
	return &roleAssignment{
		id: stableID("role_assignment", m.ID+" "+slug), membershipID: m.ID, role: slug, createdAt: m.created(),
		resource: resourceRef{organizationResourceID(m.OrganizationID), m.OrganizationID, organizationResource},
	}
}

// furtherAssignmentsOf returns the roles of a member that its membership does not store: those on resources, and those of its groups.
func (f *Server) furtherAssignmentsOf(m membershipRow) []*roleAssignment {
	var found []*roleAssignment
	for _, a := range f.roleAssignments {
		if a.membershipID == m.ID {
			found = append(found, a)
		}
	}
	for _, a := range f.groupRolesOf(m.ID) {
		found = append(found, &roleAssignment{
			id: stableID("role_assignment", a.id+" "+m.ID), membershipID: m.ID, role: a.role, resource: a.resource, groupRoleID: a.id,
			createdAt: a.createdAt,
		})
	}
	return found
}

// assignmentsOn returns the roles of members on a resource itself.
func (f *Server) assignmentsOn(r *Resource) []*roleAssignment {
	var found []*roleAssignment
	for _, m := range f.memberships() {
		if m.OrganizationID == r.OrganizationID {
			found = append(found, f.assignmentsOf(m)...)
		}
	}
	return slices.DeleteFunc(found, func(a *roleAssignment) bool { return a.resource.ID != r.ID })
}

// endAssignments removes the roles that match returns true for, and returns how many there were.
func (f *Server) endAssignments(match func(*roleAssignment) bool) int {
	before := len(f.roleAssignments)
	f.roleAssignments = slices.DeleteFunc(f.roleAssignments, match)
	return before - len(f.roleAssignments)
}

// roleOnResourceFields are the members of the requests that assign or remove a role.
type roleOnResourceFields struct {
	Role optional[string] `json:"role_slug"`
	resourceFields
}

// assignmentOf reads a request that assigns or removes a role.
func (f *Server) assignmentOf(c *call) (m membershipRow, slug string, r *Resource, apiErr *apiError) {
	if m, apiErr = f.membershipOf(c); apiErr != nil {
		return m, "", nil, apiErr
	}
	var in roleOnResourceFields
	if apiErr = c.read(&in); apiErr != nil {
		return m, "", nil, apiErr
	}
	slug = in.Role.value
	if slug == "" {
		return m, "", nil, unprocessable("The role_slug is required.")
	}
	if r, apiErr = f.resourceIn(m.OrganizationID, in.resourceFields.name()); apiErr == nil && !f.knowsRole(m.OrganizationID, slug) {
		apiErr = notFound("Role", slug)
	}
	return m, slug, r, apiErr
}

// assignRole answers RouteAssignRole. A role that the member has on the resource already is returned. A role on the organization
// itself becomes a role of the membership.
func (f *Server) assignRole(c *call) (any, *apiError) {
	m, slug, r, apiErr := f.assignmentOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	for _, a := range f.assignmentsOf(m) {
		if a.role == slug && a.resource.ID == r.ID && a.groupRoleID == "" {
			return a.object(), nil
		}
	}
	if r.isOrganization() {
		roles := roleFields{Slugs: optional[[]string]{sent: true, value: append(slices.Clone(m.allRoles()), slug)}}
		slugs, apiErr := f.rolesIn(m.OrganizationID, roles)
		if apiErr != nil {
			return nil, apiErr
		}
		f.setOrganizationRoles(m, slugs)
		return f.organizationAssignment(m, slug).object(), nil
	}
	a := &roleAssignment{id: newID("role_assignment"), membershipID: m.ID, role: slug, resource: r.ref(), createdAt: f.clock.Now()}
	f.roleAssignments = append(f.roleAssignments, a)
	return a.object(), nil
}

func (f *Server) setOrganizationRoles(m membershipRow, slugs []string) {
	f.assign(m.Membership, slugs)
	f.emitMembership("updated", m)
}

// removeOrganizationRole takes a role in the organization from a member. A member without another role gets the default one. It
// reports whether the member had the role.
func (f *Server) removeOrganizationRole(m membershipRow, slug string) bool {
	if !slices.Contains(m.allRoles(), slug) {
		return false
	}
	rest := slices.DeleteFunc(slices.Clone(m.allRoles()), func(other string) bool { return other == slug })
	if len(rest) == 0 {
		rest = []string{Membership{}.role()}
	}
	f.setOrganizationRoles(m, rest)
	return true
}

// removeRole answers RouteRemoveRole.
func (f *Server) removeRole(c *call) (any, *apiError) {
	m, slug, r, apiErr := f.assignmentOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	if r.isOrganization() && f.removeOrganizationRole(m, slug) {
		return nil, nil
	}
	if f.endAssignments(func(a *roleAssignment) bool {
		return a.membershipID == m.ID && a.role == slug && a.resource.ID == r.ID
	}) == 0 {
		return nil, notFound("Role assignment", slug)
	}
	return nil, nil
}

// listRoleAssignments answers RouteListRoleAssignments.
func (f *Server) listRoleAssignments(c *call) (any, *apiError) {
	m, apiErr := f.membershipOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	q := c.URL.Query()
	return assignmentPage(c, slices.DeleteFunc(f.assignmentsOf(m), func(a *roleAssignment) bool {
		return q.Has("resource_id") && q.Get("resource_id") != a.resource.ID ||
			q.Has("resource_external_id") && q.Get("resource_external_id") != a.resource.ExternalID ||
			q.Has("resource_type_slug") && q.Get("resource_type_slug") != a.resource.Type
	}))
}

// listResourceRoleAssignments answers RouteListResourceRoleAssignments and RouteListResourceRoleAssignmentsByExternalID.
func (f *Server) listResourceRoleAssignments(c *call) (any, *apiError) {
	r, apiErr := f.resourceOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	q := c.URL.Query()
	return assignmentPage(c, slices.DeleteFunc(f.assignmentsOn(r), func(a *roleAssignment) bool {
		return q.Has("role_slug") && q.Get("role_slug") != a.role
	}))
}

// removeRoleAssignment answers RouteRemoveRoleAssignment. A role that a member has by a group is removed from the group.
func (f *Server) removeRoleAssignment(c *call) (any, *apiError) {
	m, apiErr := f.membershipOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	id := c.PathValue("assignment_id")
	for _, slug := range m.allRoles() {
		if f.organizationAssignment(m, slug).id == id {
			f.removeOrganizationRole(m, slug)
			return nil, nil
		}
	}
	if f.endAssignments(func(a *roleAssignment) bool { return a.membershipID == m.ID && a.id == id }) == 0 {
		return nil, notFound("Role assignment", id)
	}
	return nil, nil
}
