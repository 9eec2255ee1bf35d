// Resources of fine-grained authorization: what WorkOS stores of the application's projects, documents and the like.

package workos

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// AuthorizationResource is a resource of the application, such as a project, as WorkOS stores it. Every resource has one parent, so
// that the resources of an organization are a tree. Its root is the organization itself. A role on a resource also counts on the
// resources below it.
//
// See https://workos.com/docs/reference/fga/resource
type AuthorizationResource struct {
	ID               string    `json:"id"`                 // "authz_resource_…"
	ExternalID       string    `json:"external_id"`        // the application's ID of the resource
	TypeSlug         string    `json:"resource_type_slug"` // such as "project"
	OrganizationID   string    `json:"organization_id"`
	ParentResourceID string    `json:"parent_resource_id,omitempty"` // empty if there is no parent
	Name             string    `json:"name"`
	Description      string    `json:"description,omitempty"`
	CreatedAt        time.Time `json:"created_at,omitzero"`
	UpdatedAt        time.Time `json:"updated_at,omitzero"`
}

// CreateResourceParams are the parameters of [Client.CreateResource]. OrganizationID, TypeSlug, ExternalID and Name are required.
// A field with its zero value is omitted.
type CreateResourceParams struct {
	OrganizationID string   `json:"organization_id"`
	TypeSlug       string   `json:"resource_type_slug"`    // a resource type of the dashboard, such as "project"
	ExternalID     string   `json:"external_id"`           // at most 128 ASCII characters; it cannot change
	Name           string   `json:"name"`                  // at most 48 characters
	Description    string   `json:"description,omitempty"` // at most 150 characters
	Parent         Resource `json:"-"`                     // the zero value is the organization
}

// UpdateResourceParams are the parameters of [Client.UpdateResource] and [Client.UpdateResourceByExternalID]. A field with its zero
// value leaves the value of the resource unchanged.
type UpdateResourceParams struct {
	Name        string           `json:"name,omitempty"`
	Description Optional[string] `json:"description,omitzero"` // Null removes it
	Parent      Resource         `json:"-"`                    // moves the resource, with what is below it
}

// DeleteResourceParams are the parameters of [Client.DeleteResource] and [Client.DeleteResourceByExternalID].
type DeleteResourceParams struct {
	// Cascade also deletes the resources below the resource, and the roles on all of them. Without it, a resource that has any of
	// them is not deleted.
	Cascade bool
}

// ListResourcesParams are the parameters of [Client.ListResources]. OrganizationID, TypeSlug or both are required: otherwise the
// error has the code [CodeMissingOrganizationIDOrResourceTypeSlug].
type ListResourcesParams struct {
	OrganizationID string
	TypeSlug       string
	ExternalID     string
	Parent         Resource // only resources whose parent it is
	Paging
}

const (
	resourcesPath        = "/authorization/resources"
	resourcePath         = resourcesPath + "/{resource_id}"
	externalResourcePath = "/authorization/organizations/{organization_id}/resources/{resource_type_slug}/{external_id}"
)

// ListResources lists resources.
//
// See https://workos.com/docs/reference/fga/resource
func (c *Client) ListResources(ctx context.Context, p ListResourcesParams) iter.Seq2[AuthorizationResource, error] {
	call := call{method: http.MethodGet, path: resourcesPath, query: url.Values{}}
	set(call.query, "organization_id", p.OrganizationID)
	set(call.query, "resource_type_slug", p.TypeSlug)
	set(call.query, "resource_external_id", p.ExternalID)
	set(call.query, "parent_resource_id", p.Parent.ID)
	set(call.query, "parent_external_id", p.Parent.ExternalID)
	set(call.query, "parent_resource_type_slug", p.Parent.TypeSlug)
	call.invalid = p.Parent.checkOptional(call, "parent")
	return list[AuthorizationResource](ctx, c, call, p.Paging)
}

// GetResource returns a resource.
//
// See https://workos.com/docs/reference/fga/resource
func (c *Client) GetResource(ctx context.Context, id string) (*AuthorizationResource, error) {
	return fetch[AuthorizationResource](ctx, c, call{method: http.MethodGet, path: resourcePath, ids: []string{id}})
}

// GetResourceByExternalID returns the resource of an organization with the application's own ID. An external ID is unique among the
// resources of one type in one organization.
//
// See https://workos.com/docs/reference/fga/resource
func (c *Client) GetResourceByExternalID(ctx context.Context, organizationID, typeSlug, externalID string) (*AuthorizationResource, error) {
	return fetch[AuthorizationResource](ctx, c, call{
		method: http.MethodGet, path: externalResourcePath, ids: []string{organizationID, typeSlug, externalID},
	})
}

// CreateResource creates a resource. A role can be assigned on it only then: see [Client.AssignRole]. If the organization has a
// resource with the type and the external ID already, the error has the code [CodeAuthorizationResourceExternalIDConflict]. While
// the resource types change in the dashboard, it has the code [CodeResourceTypeUpdateInProgress].
//
// See https://workos.com/docs/reference/fga/resource
func (c *Client) CreateResource(ctx context.Context, p CreateResourceParams) (*AuthorizationResource, error) {
	call := call{
		method: http.MethodPost,
		path:   resourcesPath,
		body: struct {
			CreateResourceParams
			parentBody
		}{p, parentBody(p.Parent)},
		required: []argument{
			{"organization_id", p.OrganizationID}, {"resource_type_slug", p.TypeSlug}, {"external_id", p.ExternalID}, {"name", p.Name},
		},
	}
	call.invalid = p.Parent.checkOptional(call, "parent")
	return fetch[AuthorizationResource](ctx, c, call)
}

// UpdateResource changes a resource and returns the updated resource. While the resource types change in the dashboard, the error
// has the code [CodeResourceTypeUpdateInProgress].
//
// See https://workos.com/docs/reference/fga/resource
func (c *Client) UpdateResource(ctx context.Context, id string, p UpdateResourceParams) (*AuthorizationResource, error) {
	return c.updateResource(ctx, call{path: resourcePath, ids: []string{id}}, p)
}

// UpdateResourceByExternalID changes the resource with the application's own ID, as UpdateResource does.
//
// See https://workos.com/docs/reference/fga/resource
func (c *Client) UpdateResourceByExternalID(
	ctx context.Context, organizationID, typeSlug, externalID string, p UpdateResourceParams,
) (*AuthorizationResource, error) {
	return c.updateResource(ctx, call{path: externalResourcePath, ids: []string{organizationID, typeSlug, externalID}}, p)
}

// DeleteResource deletes a resource. If there are resources below it, or roles on it, and Cascade is not set, the error has the code
// [CodeResourceHasDependents]. The resource of an organization cannot be deleted.
//
// See https://workos.com/docs/reference/fga/resource
func (c *Client) DeleteResource(ctx context.Context, id string, p DeleteResourceParams) error {
	return c.deleteResource(ctx, call{path: resourcePath, ids: []string{id}}, p)
}

// DeleteResourceByExternalID deletes the resource with the application's own ID, as DeleteResource does.
//
// See https://workos.com/docs/reference/fga/resource
func (c *Client) DeleteResourceByExternalID(ctx context.Context, organizationID, typeSlug, externalID string, p DeleteResourceParams) error {
	return c.deleteResource(ctx, call{path: externalResourcePath, ids: []string{organizationID, typeSlug, externalID}}, p)
}

// updateResource changes the resource of the call.
func (c *Client) updateResource(ctx context.Context, call call, p UpdateResourceParams) (*AuthorizationResource, error) {
	call.method = http.MethodPatch
	call.body = struct {
		UpdateResourceParams
		parentBody
	}{p, parentBody(p.Parent)}
	call.invalid = p.Parent.checkOptional(call, "parent")
	return fetch[AuthorizationResource](ctx, c, call)
}

// deleteResource deletes the resource of the call.
func (c *Client) deleteResource(ctx context.Context, call call, p DeleteResourceParams) error {
	call.method = http.MethodDelete
	if p.Cascade {
		call.query = url.Values{"cascade_delete": {"true"}}
	}
	return c.do(ctx, call, nil)
}

// parentBody is the parent of a resource in the parameters of a call.
type parentBody struct {
	ID         string `json:"parent_resource_id,omitempty"`
	ExternalID string `json:"parent_resource_external_id,omitempty"`
	TypeSlug   string `json:"parent_resource_type_slug,omitempty"`
}

// checkOptional is check for a resource that may be the zero value.
func (r Resource) checkOptional(call call, name string) error {
	if r == (Resource{}) {
		return nil
	}
	return r.check(call, name)
}

func (r *AuthorizationResource) validate() error { return requireID(r.ID) }
