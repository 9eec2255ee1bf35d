// Resources of fine-grained authorization: the tree of what roles can be assigned on.

package authkittest

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"time"
)

// Resource is a resource of the application, such as a project, on which members and groups can have roles.
type Resource struct {
	ID             string // "authz_resource_…"; random when empty
	OrganizationID string
	TypeSlug       string // such as "project"
	ExternalID     string // the application's ID, unique among the resources of a type in an organization
	Name           string // ExternalID when empty
	Description    string
	ParentID       string // ID of the resource above it; the resource of the organization when empty

	createdAt, updatedAt time.Time
}

type resourceObject struct {
	Object         string  `json:"object"`
	ID             string  `json:"id"`
	ExternalID     string  `json:"external_id"`
	Type           string  `json:"resource_type_slug"`
	OrganizationID string  `json:"organization_id"`
	ParentID       *string `json:"parent_resource_id"`
	Name           string  `json:"name"`
	Description    *string `json:"description"`
	CreatedAt      string  `json:"created_at"`
	UpdatedAt      string  `json:"updated_at"`
}

// resourceRef is the resource of a role assignment.
type resourceRef struct {
	ID         string `json:"id"`
	ExternalID string `json:"external_id"`
	Type       string `json:"resource_type_slug"`
}

func (r *Resource) object() resourceObject {
	return resourceObject{
		Object: "authorization_resource", ID: r.ID, ExternalID: r.ExternalID, Type: r.TypeSlug, OrganizationID: r.OrganizationID,
		ParentID: orNull(r.ParentID), Name: r.Name, Description: orNull(r.Description),
		CreatedAt: timestamp(r.createdAt), UpdatedAt: timestamp(r.updatedAt),
	}
}

func (r *Resource) ref() resourceRef { return resourceRef{r.ID, r.ExternalID, r.TypeSlug} }

// isOrganization reports whether the resource is the root of the tree of an organization.
func (r *Resource) isOrganization() bool { return r.TypeSlug == organizationResource }

// AddResource adds a resource, and returns it with its ID and other defaults. It panics if the type or the external ID is empty, if the
// organization has a resource with both already, if the ID exists, or if the organization or the parent in it does not exist.
func (f *Server) AddResource(r Resource) Resource {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mustOrganization(r.OrganizationID)
	switch {
	case r.TypeSlug == "" || r.ExternalID == "" || r.isOrganization():
		panic("authkittest: AddResource: the resource needs an external ID, and a type other than organization")
	case f.resourceWith(r.OrganizationID, r.TypeSlug, r.ExternalID) != nil:
		panic(fmt.Sprintf("authkittest: AddResource: the organization has a resource %q of the type %q already", r.ExternalID, r.TypeSlug))
	case f.resourceByID(r.ID) != nil:
		panic(fmt.Sprintf("authkittest: AddResource: there is a resource %q already", r.ID))
	case r.ParentID != "":
		if parent := f.resourceByID(r.ParentID); parent == nil || parent.OrganizationID != r.OrganizationID {
			panic(fmt.Sprintf("authkittest: AddResource: the organization has no resource %q", r.ParentID))
		}
	}
	return *f.addResource(r)
}

func (f *Server) addResource(r Resource) *Resource {
	r.ID, r.Name = cmp.Or(r.ID, newID("authz_resource")), cmp.Or(r.Name, r.ExternalID)
	r.ParentID = cmp.Or(r.ParentID, organizationResourceID(r.OrganizationID))
	r.createdAt = f.clock.Now()
	r.updatedAt = r.createdAt
	f.resources = append(f.resources, &r)
	return &r
}

func organizationResourceID(organizationID string) string {
	return stableID("authz_resource", organizationResource+" "+organizationID)
}

// resourceOfOrganization returns the root of the tree of an organization. It exists as long as the organization.
func resourceOfOrganization(o Organization) *Resource {
	return &Resource{
		ID: organizationResourceID(o.ID), OrganizationID: o.ID, TypeSlug: organizationResource, ExternalID: o.ID, Name: o.Name,
		createdAt: o.createdAt, updatedAt: o.updatedAt,
	}
}

// allResources returns the resources of all organizations, oldest first.
func (f *Server) allResources() []*Resource {
	var all []*Resource
	for _, o := range f.organizations {
		all = append(all, resourceOfOrganization(o))
	}
	all = append(all, f.resources...)
	slices.SortStableFunc(all, func(a, b *Resource) int { return a.createdAt.Compare(b.createdAt) })
	return all
}

// resourceByID returns a resource of any organization, or nil.
func (f *Server) resourceByID(id string) *Resource {
	return f.findResource(func(r *Resource) bool { return r.ID == id })
}

// resourceWith returns the resource of an organization with a type and an external ID, or nil.
func (f *Server) resourceWith(organizationID, typeSlug, externalID string) *Resource {
	return f.findResource(func(r *Resource) bool {
		return r.OrganizationID == organizationID && r.TypeSlug == typeSlug && r.ExternalID == externalID
	})
}

func (f *Server) findResource(match func(*Resource) bool) *Resource {
	if i := slices.IndexFunc(f.resources, match); i >= 0 {
		return f.resources[i]
	}
	for _, o := range f.organizations {
		if r := resourceOfOrganization(o); match(r) {
			return r
		}
	}
	return nil
}

// lineage returns a resource and the resources above it, up to the organization.
func (f *Server) lineage(r *Resource) []*Resource {
	var all []*Resource
	for ; r != nil; r = f.resourceByID(r.ParentID) {
		all = append(all, r)
	}
	return all
}

func (f *Server) childrenOf(r *Resource) []*Resource {
	return slices.DeleteFunc(slices.Clone(f.resources), func(other *Resource) bool { return other.ParentID != r.ID })
}

// removeResource deletes a resource, the resources below it and the roles on all of them.
func (f *Server) removeResource(r *Resource) {
	for _, child := range f.childrenOf(r) {
		f.removeResource(child)
	}
	f.endAssignments(func(a *roleAssignment) bool { return a.resource.ID == r.ID })
	f.endGroupRoles(func(a *groupRole) bool { return a.resource.ID == r.ID })
	f.resources = slices.DeleteFunc(f.resources, func(other *Resource) bool { return other == r })
}

// resourceName names a resource in a request: its ID, or its external ID and its type.
type resourceName struct{ id, externalID, typeSlug string }

// resourceFields are the members of a request that name a resource.
type resourceFields struct {
	ID         optional[string] `json:"resource_id"`
	ExternalID optional[string] `json:"resource_external_id"`
	Type       optional[string] `json:"resource_type_slug"`
}

func (in resourceFields) name() resourceName {
	return resourceName{in.ID.value, in.ExternalID.value, in.Type.value}
}

// parentFields are the members of a request that name the parent of a resource.
type parentFields struct {
	ID         nullable[string] `json:"parent_resource_id"` // null is the organization
	ExternalID optional[string] `json:"parent_resource_external_id"`
	Type       optional[string] `json:"parent_resource_type_slug"`
}

func (in parentFields) name() resourceName {
	return resourceName{in.ID.value, in.ExternalID.value, in.Type.value}
}

// parentIn returns the name of the parent in a query.
func parentIn(q url.Values) resourceName {
	return resourceName{q.Get("parent_resource_id"), q.Get("parent_resource_external_id"), q.Get("parent_resource_type_slug")}
}

// problem returns the error for a name of no resource, or of more than one.
func (n resourceName) problem() *apiError {
	byID, byExternalID := n.id != "", n.externalID != "" && n.typeSlug != ""
	if byID == byExternalID || byID && n != (resourceName{id: n.id}) {
		return unprocessable("Either the ID of the resource, or its external ID and its type are required.")
	}
	return nil
}

// resourceIn returns a resource of an organization.
func (f *Server) resourceIn(organizationID string, n resourceName) (*Resource, *apiError) {
	if apiErr := n.problem(); apiErr != nil {
		return nil, apiErr
	}
	r := f.resourceWith(organizationID, n.typeSlug, n.externalID)
	if n.id != "" {
		r = f.resourceByID(n.id)
	}
	if r == nil || r.OrganizationID != organizationID {
		return nil, notFound("Resource", cmp.Or(n.id, n.externalID))
	}
	return r, nil
}

// resourceOrOrganization is resourceIn, and returns the resource of the organization if none is named.
func (f *Server) resourceOrOrganization(organizationID string, n resourceName) (*Resource, *apiError) {
	if n == (resourceName{}) {
		n = resourceName{id: organizationResourceID(organizationID)}
	}
	return f.resourceIn(organizationID, n)
}

// resourceOf returns the resource in the path, which has its ID, or the organization with the type and the external ID.
func (f *Server) resourceOf(c *call) (*Resource, *apiError) {
	id, externalID := c.PathValue("resource_id"), c.PathValue("external_id")
	r := f.resourceByID(id)
	if id == "" {
		i, apiErr := f.organizationOf(c)
		if apiErr != nil {
			return nil, apiErr
		}
		r = f.resourceWith(f.organizations[i].ID, c.PathValue("type_slug"), externalID)
	}
	if r == nil {
		return nil, notFound("Resource", cmp.Or(id, externalID))
	}
	return r, nil
}
