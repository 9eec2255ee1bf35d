// Fine-grained authorization: API calls that check permissions on resources, and that assign roles on them.

package authkittest

import (
	"slices"
	"time"
)

// resourceFields names a resource in a request: its ID, or its external ID and its type.
type resourceFields struct {
	ID         optional[string] `json:"resource_id"`
	ExternalID optional[string] `json:"resource_external_id"`
	Type       optional[string] `json:"resource_type_slug"`
}

type resourceObject struct {
	ID         string `json:"id"`
	ExternalID string `json:"external_id"`
	Type       string `json:"resource_type_slug"`
}

// resource returns the resource of a request. A resource that is named by its external ID has an ID that is derived from it.
func (in resourceFields) resource() (resourceObject, *apiError) {
	id, externalID, kind := in.ID.value, in.ExternalID.value, in.Type.value
	switch {
	case id != "" && externalID+kind == "":
		return resourceObject{ID: id}, nil
	case id == "" && externalID != "" && kind != "":
		return resourceObject{stableID("authz_resource", kind+" "+externalID), externalID, kind}, nil
	default:
		return resourceObject{}, unprocessable("Either resource_id, or resource_external_id and resource_type_slug are required.")
	}
}

// roleAssignment is a role that a member has on a resource.
type roleAssignment struct {
	id           string
	membershipID string
	role         string
	resource     resourceObject
	createdAt    time.Time
}

type assignmentObject struct {
	Object       string           `json:"object"`
	ID           string           `json:"id"`
	MembershipID string           `json:"organization_membership_id"`
	Role         roleObject       `json:"role"`
	Resource     resourceObject   `json:"resource"`
	Source       assignmentSource `json:"source"`
	CreatedAt    string           `json:"created_at"`
	UpdatedAt    string           `json:"updated_at"`
}

type assignmentSource struct {
	Type  string  `json:"type"`
	Group *string `json:"group_role_assignment_id"` // always null
}

func (a *roleAssignment) object() assignmentObject {
	return assignmentObject{
		Object: "role_assignment", ID: a.id, MembershipID: a.membershipID, Role: roleObject{a.role}, Resource: a.resource,
		Source: assignmentSource{Type: "direct"}, CreatedAt: timestamp(a.createdAt), UpdatedAt: timestamp(a.createdAt),
	}
}

// assignmentsOf returns the roles of a member: those in the organization, then those on resources.
func (f *Server) assignmentsOf(m membershipRow) []*roleAssignment {
	var found []*roleAssignment
	for _, slug := range m.allRoles() {
		found = append(found, &roleAssignment{
			id: stableID("role_assignment", m.ID+" "+slug), membershipID: m.ID, role: slug, createdAt: m.created(),
			resource: resourceObject{m.OrganizationID, m.OrganizationID, organizationResource},
		})
	}
	for _, a := range f.roleAssignments {
		if a.membershipID == m.ID {
			found = append(found, a)
		}
	}
	return found
}

// endAssignments removes the roles that match returns true for, and returns how many there were.
func (f *Server) endAssignments(match func(*roleAssignment) bool) int {
	before := len(f.roleAssignments)
	f.roleAssignments = slices.DeleteFunc(f.roleAssignments, match)
	return before - len(f.roleAssignments)
}

// checkAuthorization answers RouteCheckAuthorization. A member has a permission on a resource by its roles in the organization, and
// by those on the resource.
func (f *Server) checkAuthorization(c *call) (any, *apiError) {
	m, apiErr := f.membershipOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	var in struct {
		Permission optional[string] `json:"permission_slug"`
		resourceFields
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	if in.Permission.value == "" {
		return nil, unprocessable("The permission_slug is required.")
	}
	resource, apiErr := in.resource()
	if apiErr != nil {
		return nil, apiErr
	}
	allowed := slices.Contains(m.Permissions, in.Permission.value)
	for _, a := range f.roleAssignments {
		if a.membershipID == m.ID && a.resource.ID == resource.ID {
			r := f.roleFor(m.OrganizationID, a.role)
			allowed = allowed || r != nil && slices.Contains(r.permissions, in.Permission.value)
		}
	}
	return struct {
		Authorized bool `json:"authorized"`
	}{allowed && m.Status == MembershipActive}, nil
}

// assignmentOf reads a request that assigns or removes a role.
func (f *Server) assignmentOf(c *call) (m membershipRow, slug string, resource resourceObject, apiErr *apiError) {
	if m, apiErr = f.membershipOf(c); apiErr != nil {
		return m, "", resource, apiErr
	}
	var in struct {
		Role optional[string] `json:"role_slug"`
		resourceFields
	}
	if apiErr = c.read(&in); apiErr != nil {
		return m, "", resource, apiErr
	}
	slug = in.Role.value
	if slug == "" {
		return m, "", resource, unprocessable("The role_slug is required.")
	}
	if resource, apiErr = in.resource(); apiErr == nil && !f.knowsRole(m.OrganizationID, slug) {
		apiErr = notFound("Role", slug)
	}
	return m, slug, resource, apiErr
}

// assignRole answers RouteAssignRole. A role that the member has on the resource already is returned.
func (f *Server) assignRole(c *call) (any, *apiError) {
	m, slug, resource, apiErr := f.assignmentOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	for _, a := range f.roleAssignments {
		if a.membershipID == m.ID && a.role == slug && a.resource.ID == resource.ID {
			return a.object(), nil
		}
	}
	a := &roleAssignment{id: newID("role_assignment"), membershipID: m.ID, role: slug, resource: resource, createdAt: f.clock.Now()}
	f.roleAssignments = append(f.roleAssignments, a)
	return a.object(), nil
}

// removeRole answers RouteRemoveRole.
func (f *Server) removeRole(c *call) (any, *apiError) {
	m, slug, resource, apiErr := f.assignmentOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	if f.endAssignments(func(a *roleAssignment) bool {
		return a.membershipID == m.ID && a.role == slug && a.resource.ID == resource.ID
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
	found := slices.DeleteFunc(f.assignmentsOf(m), func(a *roleAssignment) bool {
		return q.Has("resource_id") && q.Get("resource_id") != a.resource.ID ||
			q.Has("resource_external_id") && q.Get("resource_external_id") != a.resource.ExternalID ||
			q.Has("resource_type_slug") && q.Get("resource_type_slug") != a.resource.Type
	})
	return page(c, found, func(a *roleAssignment) string { return a.id }, (*roleAssignment).object)
}

// removeRoleAssignment answers RouteRemoveRoleAssignment. A role in the organization is changed with the membership.
func (f *Server) removeRoleAssignment(c *call) (any, *apiError) {
	m, apiErr := f.membershipOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	id := c.PathValue("assignment_id")
	if f.endAssignments(func(a *roleAssignment) bool { return a.membershipID == m.ID && a.id == id }) == 0 {
		return nil, notFound("Role assignment", id)
	}
	return nil, nil
}
