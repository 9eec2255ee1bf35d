// Fine-grained authorization: API calls that check permissions on resources, and that list who has access to what.

package authkittest

import "slices"

// The values of the parameter assignment.
const (
	assignmentDirect   = "direct"   // roles on the resource itself
	assignmentIndirect = "indirect" // also roles above it
)

// permissionsOn returns the permissions that a member has by its roles on a resource itself.
func (f *Server) permissionsOn(m membershipRow, r *Resource) []string {
	switch {
	case m.Status != MembershipActive:
		return nil
	case r.isOrganization():
		return f.withGroupRoles(*m.Membership).Permissions
	}
	var slugs []string
	for _, a := range f.furtherAssignmentsOf(m) {
		if a.resource.ID == r.ID {
			slugs = f.withPermissionsOf(slugs, m.OrganizationID, a.role)
		}
	}
	return slugs
}

// effectivePermissions returns the permissions that a member has on a resource, by its roles on the resource, above it and in the
// organization.
func (f *Server) effectivePermissions(m membershipRow, r *Resource) []string {
	var slugs []string
	for _, above := range f.lineage(r) {
		slugs = append(slugs, f.permissionsOn(m, above)...)
	}
	return slugs
}

// checkAuthorization answers RouteCheckAuthorization.
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
		return nil, permissionRequired()
	}
	r, apiErr := f.resourceIn(m.OrganizationID, in.resourceFields.name())
	if apiErr != nil {
		return nil, apiErr
	}
	return struct {
		Authorized bool `json:"authorized"`
	}{slices.Contains(f.effectivePermissions(m, r), in.Permission.value)}, nil
}

func permissionRequired() *apiError { return unprocessable("The permission_slug is required.") }

// listEffectivePermissions answers RouteListEffectivePermissions and RouteListEffectivePermissionsByExternalID.
func (f *Server) listEffectivePermissions(c *call) (any, *apiError) {
	m, apiErr := f.membershipOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	name := resourceName{c.PathValue("resource_id"), c.PathValue("external_id"), c.PathValue("type_slug")}
	r, apiErr := f.resourceIn(m.OrganizationID, name)
	if apiErr != nil {
		return nil, apiErr
	}
	slugs := f.effectivePermissions(m, r)
	found := slices.DeleteFunc(slices.Clone(f.permissions), func(p *permission) bool { return !slices.Contains(slugs, p.slug) })
	for i, slug := range slugs {
		if f.permissionWith(slug) == nil && slices.Index(slugs, slug) == i {
			found = append(found, newPermission(slug, m.created())) // a test can give a member permissions that are not defined
		}
	}
	return permissionPage(c, found)
}

// listResourceMembers answers RouteListResourceMembers and RouteListResourceMembersByExternalID. The memberships have no roles.
func (f *Server) listResourceMembers(c *call) (any, *apiError) {
	r, apiErr := f.resourceOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	q := c.URL.Query()
	permissions := f.permissionsOn
	switch q.Get("assignment") {
	case "", assignmentDirect:
	case assignmentIndirect:
		permissions = f.effectivePermissions
	default:
		return nil, unprocessable("The assignment must be direct or indirect.")
	}
	if q.Get("permission_slug") == "" {
		return nil, permissionRequired()
	}
	members := slices.DeleteFunc(f.memberships(), func(m membershipRow) bool {
		return m.OrganizationID != r.OrganizationID || !slices.Contains(permissions(m, r), q.Get("permission_slug"))
	})
	return page(c, members, func(m membershipRow) string { return m.ID }, func(m membershipRow) membershipObject {
		o := f.membershipObject(m)
		o.Role, o.Roles = nil, nil
		return o
	})
}

// listMembershipResources answers RouteListMembershipResources.
func (f *Server) listMembershipResources(c *call) (any, *apiError) {
	m, apiErr := f.membershipOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	q := c.URL.Query()
	if q.Get("permission_slug") == "" {
		return nil, permissionRequired()
	}
	parent, apiErr := f.resourceIn(m.OrganizationID, parentIn(q))
	if apiErr != nil {
		return nil, apiErr
	}
	return resourcePage(c, slices.DeleteFunc(f.childrenOf(parent), func(r *Resource) bool {
		return !slices.Contains(f.effectivePermissions(m, r), q.Get("permission_slug"))
	}))
}
