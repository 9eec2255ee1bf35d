// API calls for roles.

package authkittest

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// The limits of roles and permissions, in characters.
const (
	maxRoleName        = 48 // also of a slug
	maxRoleDescription = 150
)

// organizationRolePrefix begins the slug of a role of one organization.
const organizationRolePrefix = "org-"

var slugPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9:._-]*$`)

// definitionFields are the members of the requests that create and update a role or a permission.
type definitionFields struct {
	Slug         optional[string] `json:"slug"`
	Name         optional[string] `json:"name"`
	Description  nullable[string] `json:"description"`
	ResourceType optional[string] `json:"resource_type_slug"`
}

// problem returns the error for the first invalid member, or nil. The slug is empty in an update.
func (in definitionFields) problem() *apiError {
	switch {
	case in.Name.sent && strings.TrimSpace(in.Name.value) == "", utf8.RuneCountInString(in.Name.value) > maxRoleName:
		return unprocessable("The name must have 1 to 48 characters.")
	case utf8.RuneCountInString(in.Description.value) > maxRoleDescription:
		return unprocessable("The description must have at most 150 characters.")
	case in.Slug.sent && (len(in.Slug.value) > maxRoleName || !slugPattern.MatchString(in.Slug.value)):
		return unprocessable("The slug must have 1 to 48 characters: a-z, 0-9 and : . _ -")
	}
	return nil
}

func badRequest(message string) *apiError { return plainError("bad_request", message) }

func conflict(code, message string) *apiError {
	return &apiError{status: http.StatusConflict, Code: code, Message: message}
}

// organizationOfPath returns the ID of the organization in the path, or "" for a path of the environment.
func (f *Server) organizationOfPath(c *call) (string, *apiError) {
	if c.PathValue("id") == "" {
		return "", nil
	}
	i, apiErr := f.organizationOf(c)
	if apiErr != nil {
		return "", apiErr
	}
	return f.organizations[i].ID, nil
}

// roleOf returns the role in the path. own requires a role of the organization itself, if the path has one.
func (f *Server) roleOf(c *call, own bool) (*role, *apiError) {
	organizationID, apiErr := f.organizationOfPath(c)
	if apiErr != nil {
		return nil, apiErr
	}
	r := f.roleFor(organizationID, c.PathValue("slug"))
	if r == nil || own && r.organizationID != organizationID {
		return nil, notFound("Role", c.PathValue("slug"))
	}
	return r, nil
}

// roleListObject is a list without pages.
type roleListObject struct {
	Object string           `json:"object"`
	Data   []roleDefinition `json:"data"`
}

// listRoles answers RouteListRoles and RouteListOrganizationRoles.
func (f *Server) listRoles(c *call) (any, *apiError) {
	organizationID, apiErr := f.organizationOfPath(c)
	if apiErr != nil {
		return nil, apiErr
	}
	list := roleListObject{"list", []roleDefinition{}}
	for _, r := range f.rolesFor(organizationID) {
		list.Data = append(list.Data, r.object())
	}
	return list, nil
}

// getRole answers RouteGetRole and RouteGetOrganizationRole.
func (f *Server) getRole(c *call) (any, *apiError) {
	r, apiErr := f.roleOf(c, false)
	if apiErr != nil {
		return nil, apiErr
	}
	return r.object(), nil
}

// createRole answers RouteCreateRole and RouteCreateOrganizationRole.
func (f *Server) createRole(c *call) (any, *apiError) {
	organizationID, apiErr := f.organizationOfPath(c)
	if apiErr != nil {
		return nil, apiErr
	}
	var in definitionFields
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	slug := in.Slug.value
	if organizationID != "" && !in.Slug.sent {
		slug = organizationRolePrefix + strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(in.Name.value), "-"), "-")
	}
	switch apiErr := in.problem(); {
	case apiErr != nil:
		return nil, apiErr
	case !in.Name.sent:
		return nil, unprocessable("The name is required.")
	case slug == "":
		return nil, unprocessable("The slug is required.")
	case strings.HasPrefix(slug, organizationRolePrefix) != (organizationID != ""):
		return nil, badRequest("The slugs of the roles of organizations begin with org-, and no others.")
	case f.roleFor(organizationID, slug) != nil && organizationID == "":
		return nil, conflict("role_slug_conflict", "There is a role with this slug already.")
	case f.roleFor(organizationID, slug) != nil:
		return nil, conflict("organization_role_slug_conflict", "The organization has a role with this slug already.")
	}
	now := f.clock.Now()
	r := &role{
		id: newID("role"), slug: slug, name: in.Name.value, description: in.Description.value, organizationID: organizationID,
		resourceType: organizationResource, createdAt: now, updatedAt: now,
	}
	set(&r.resourceType, in.ResourceType)
	f.roleDefinitions = append(f.roleDefinitions, r)
	f.emitRole("created", r)
	return r.object(), nil
}

// updateRole answers RouteUpdateRole and RouteUpdateOrganizationRole.
func (f *Server) updateRole(c *call) (any, *apiError) {
	r, apiErr := f.roleOf(c, true)
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
	set(&r.name, in.Name)
	setNullable(&r.description, in.Description)
	r.updatedAt = f.clock.Now()
	f.emitRole("updated", r)
	return r.object(), nil
}

// deleteOrganizationRole answers RouteDeleteOrganizationRole.
func (f *Server) deleteOrganizationRole(c *call) (any, *apiError) {
	r, apiErr := f.roleOf(c, true)
	if apiErr != nil {
		return nil, apiErr
	}
	if f.isAssigned(r) {
		return nil, conflict("role_has_assignments", "Members or groups of the organization have the role.")
	}
	f.roleDefinitions = slices.DeleteFunc(f.roleDefinitions, func(other *role) bool { return other == r })
	f.emitRole("deleted", r)
	return nil, nil
}

// setRolePermissions answers RouteSetRolePermissions and RouteSetOrganizationRolePermissions.
func (f *Server) setRolePermissions(c *call) (any, *apiError) {
	var in struct {
		Permissions optional[[]string] `json:"permissions"`
	}
	return f.changePermissions(c, &in, func(*role) ([]string, *apiError) {
		if !in.Permissions.sent {
			return nil, unprocessable("The permissions are required.")
		}
		return in.Permissions.value, nil
	})
}

// addRolePermission answers RouteAddRolePermission and RouteAddOrganizationRolePermission.
func (f *Server) addRolePermission(c *call) (any, *apiError) {
	var in struct {
		Slug optional[string] `json:"slug"`
	}
	return f.changePermissions(c, &in, func(r *role) ([]string, *apiError) {
		if in.Slug.value == "" {
			return nil, unprocessable("The slug is required.")
		}
		return append(slices.Clone(r.permissions), in.Slug.value), nil
	})
}

// removeRolePermission answers RouteRemoveOrganizationRolePermission.
func (f *Server) removeRolePermission(c *call) (any, *apiError) {
	return f.changePermissions(c, &struct{}{}, func(r *role) ([]string, *apiError) {
		slug := c.PathValue("permission_slug")
		if !slices.Contains(r.permissions, slug) {
			return nil, notFound("Permission", slug)
		}
		return slices.DeleteFunc(slices.Clone(r.permissions), func(other string) bool { return other == slug }), nil
	})
}

// changePermissions reads a request into in, and sets the permissions of the role in the path to those that change returns.
func (f *Server) changePermissions(c *call, in any, change func(*role) ([]string, *apiError)) (any, *apiError) {
	r, apiErr := f.roleOf(c, true)
	if apiErr != nil {
		return nil, apiErr
	}
	if apiErr := c.read(in); apiErr != nil {
		return nil, apiErr
	}
	slugs, apiErr := change(r)
	if apiErr != nil {
		return nil, apiErr
	}
	var permissions []string
	for _, slug := range slugs {
		if f.permissionWith(slug) == nil {
			return nil, notFound("Permission", slug)
		}
		if !slices.Contains(permissions, slug) {
			permissions = append(permissions, slug)
		}
	}
	if !slices.Equal(permissions, r.permissions) {
		f.setPermissions(r, permissions)
		f.emitRole("updated", r)
	}
	return r.object(), nil
}
