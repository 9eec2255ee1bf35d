// API calls for permissions.

package authkittest

import "slices"

// permissionOf returns the permission in the path.
func (f *Server) permissionOf(c *call) (*permission, *apiError) {
	p := f.permissionWith(c.PathValue("slug"))
	if p == nil {
		return nil, notFound("Permission", c.PathValue("slug"))
	}
	return p, nil
}

// listPermissions answers RouteListPermissions.
func (f *Server) listPermissions(c *call) (any, *apiError) {
	return permissionPage(c, f.permissions)
}

func permissionPage(c *call, permissions []*permission) (any, *apiError) {
	return page(c, permissions, func(p *permission) string { return p.id }, (*permission).object)
}

// getPermission answers RouteGetPermission.
func (f *Server) getPermission(c *call) (any, *apiError) {
	p, apiErr := f.permissionOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	return p.object(), nil
}

// createPermission answers RouteCreatePermission.
func (f *Server) createPermission(c *call) (any, *apiError) {
	var in definitionFields
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	switch apiErr := in.problem(); {
	case apiErr != nil:
		return nil, apiErr
	case !in.Slug.sent || !in.Name.sent:
		return nil, unprocessable("The slug and the name are required.")
	case f.permissionWith(in.Slug.value) != nil:
		return nil, conflict("permission_slug_conflict", "There is a permission with this slug already.")
	}
	now := f.clock.Now()
	p := &permission{
		id: newID("perm"), slug: in.Slug.value, name: in.Name.value, description: in.Description.value, resourceType: organizationResource,
		createdAt: now, updatedAt: now,
	}
	set(&p.resourceType, in.ResourceType)
	f.permissions = append(f.permissions, p)
	f.emit("permission.created", "", p.object())
	return p.object(), nil
}

// updatePermission answers RouteUpdatePermission.
func (f *Server) updatePermission(c *call) (any, *apiError) {
	p, apiErr := f.permissionOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	var in definitionFields
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	if apiErr := in.problem(); apiErr != nil {
		return nil, apiErr
	}
	set(&p.name, in.Name)
	setNullable(&p.description, in.Description)
	p.updatedAt = f.clock.Now()
	f.emit("permission.updated", "", p.object())
	return p.object(), nil
}

// deletePermission answers RouteDeletePermission. Roles that have the permission lose it.
func (f *Server) deletePermission(c *call) (any, *apiError) {
	p, apiErr := f.permissionOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	f.permissions = slices.DeleteFunc(f.permissions, func(other *permission) bool { return other == p })
	f.emit("permission.deleted", "", p.object())
	for _, r := range f.roleDefinitions {
		if slices.Contains(r.permissions, p.slug) {
			f.setPermissions(r, slices.DeleteFunc(slices.Clone(r.permissions), func(slug string) bool { return slug == p.slug }))
			f.emitRole("updated", r)
		}
	}
	return nil, nil
}
