// API calls for the resources of fine-grained authorization.

package authkittest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits of resources, in characters.
const (
	maxResourceName        = 48
	maxResourceDescription = 150
)

// resourceDefinition are the members of the requests that create and update a resource.
type resourceDefinition struct {
	Name        optional[string] `json:"name"`
	Description nullable[string] `json:"description"`
	parentFields
}

// problem returns the error for the first invalid member, or nil.
func (in resourceDefinition) problem() *apiError {
	switch {
	case in.Name.sent && strings.TrimSpace(in.Name.value) == "", utf8.RuneCountInString(in.Name.value) > maxResourceName:
		return unprocessable("The name must have 1 to 48 characters.")
	case utf8.RuneCountInString(in.Description.value) > maxResourceDescription:
		return unprocessable("The description must have at most 150 characters.")
	}
	return nil
}

// unchangeable returns the error for a change of the resource of an organization.
func unchangeable() *apiError {
	return &apiError{status: http.StatusForbidden, Message: "The resource of an organization cannot be changed or deleted."}
}

// listResources answers RouteListResources.
func (f *Server) listResources(c *call) (any, *apiError) {
	q := c.URL.Query()
	parent := parentIn(q)
	parent.externalID = q.Get("parent_external_id") // not parent_resource_external_id, as in the other calls
	if q.Get("organization_id") == "" && q.Get("resource_type_slug") == "" {
		return nil, plainError("missing_organization_id_or_resource_type_slug", "Either organization_id or resource_type_slug is required.")
	}
	if parent != (resourceName{}) {
		if apiErr := parent.problem(); apiErr != nil {
			return nil, apiErr
		}
	}
	differs := func(name, value string) bool { return q.Get(name) != "" && q.Get(name) != value }
	found := slices.DeleteFunc(f.allResources(), func(r *Resource) bool {
		above := f.resourceByID(r.ParentID)
		switch {
		case differs("organization_id", r.OrganizationID), differs("resource_type_slug", r.TypeSlug), differs("resource_external_id", r.ExternalID):
			return true
		case parent == (resourceName{}):
			return false
		case above == nil:
			return true
		case parent.id != "":
			return above.ID != parent.id
		default:
			return above.TypeSlug != parent.typeSlug || above.ExternalID != parent.externalID
		}
	})
	return resourcePage(c, found)
}

func resourcePage(c *call, resources []*Resource) (any, *apiError) {
	return page(c, resources, func(r *Resource) string { return r.ID }, (*Resource).object)
}

// getResource answers RouteGetResource and RouteGetResourceByExternalID.
func (f *Server) getResource(c *call) (any, *apiError) {
	r, apiErr := f.resourceOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	return r.object(), nil
}

// createResource answers RouteCreateResource.
func (f *Server) createResource(c *call) (any, *apiError) {
	var in struct {
		OrganizationID optional[string] `json:"organization_id"`
		Type           optional[string] `json:"resource_type_slug"`
		ExternalID     optional[string] `json:"external_id"`
		resourceDefinition
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	notASCII := func(r rune) bool { return r > unicode.MaxASCII }
	organizationID, typeSlug, externalID := in.OrganizationID.value, in.Type.value, in.ExternalID.value
	switch {
	case organizationID == "":
		return nil, unprocessable("The organization_id is required.")
	case typeSlug == "":
		return nil, unprocessable("The resource_type_slug is required.")
	case externalID == "", len(externalID) > maxExternalID, strings.ContainsFunc(externalID, notASCII):
		return nil, unprocessable("The external_id must have 1 to 128 ASCII characters.")
	case !in.Name.sent:
		return nil, unprocessable("The name is required.")
	}
	if apiErr := in.problem(); apiErr != nil {
		return nil, apiErr
	}
	switch {
	case typeSlug == organizationResource:
		return nil, badRequest("The resource of an organization exists as long as the organization.")
	case !f.hasOrganization(organizationID):
		return nil, notFound("Organization", organizationID)
	}
	parent, apiErr := f.resourceOrOrganization(organizationID, in.parentFields.name())
	if apiErr != nil {
		return nil, apiErr
	}
	if f.resourceWith(organizationID, typeSlug, externalID) != nil {
		return nil, conflict("authorization_resource_external_id_conflict", "The organization has a resource of the type with this external ID.")
	}
	return f.addResource(Resource{
		OrganizationID: organizationID, TypeSlug: typeSlug, ExternalID: externalID, Name: in.Name.value, Description: in.Description.value,
		ParentID: parent.ID,
	}).object(), nil
}

// updateResource answers RouteUpdateResource and RouteUpdateResourceByExternalID.
func (f *Server) updateResource(c *call) (any, *apiError) {
	r, apiErr := f.resourceOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	var in resourceDefinition
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	parent := f.resourceByID(r.ParentID)
	switch apiErr := in.problem(); {
	case apiErr != nil:
		return nil, apiErr
	case r.isOrganization():
		return nil, unchangeable()
	case in.parentFields.ID.null:
		return nil, unprocessable("The parent_resource_id must not be null.")
	case in.parentFields.name() != resourceName{}:
		if parent, apiErr = f.resourceIn(r.OrganizationID, in.parentFields.name()); apiErr != nil {
			return nil, apiErr
		}
		if slices.Contains(f.lineage(parent), r) {
			return nil, unprocessable("The parent must not be the resource itself, or below it.")
		}
	}
	set(&r.Name, in.Name)
	setNullable(&r.Description, in.Description)
	r.ParentID, r.updatedAt = parent.ID, f.clock.Now()
	return r.object(), nil
}

// deleteResource answers RouteDeleteResource and RouteDeleteResourceByExternalID.
func (f *Server) deleteResource(c *call) (any, *apiError) {
	r, apiErr := f.resourceOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	cascade := false
	if asked := c.URL.Query().Get("cascade_delete"); asked != "" {
		var err error
		if cascade, err = strconv.ParseBool(asked); err != nil {
			return nil, badRequest("The cascade_delete must be true or false.")
		}
	}
	switch {
	case r.isOrganization():
		return nil, unchangeable()
	case !cascade && (len(f.childrenOf(r)) > 0 || len(f.assignmentsOn(r)) > 0 || len(f.groupRolesOn(r)) > 0):
		return nil, conflict("resource_has_dependents", "There are resources below the resource, or roles on it.")
	}
	f.removeResource(r)
	return nil, nil
}
