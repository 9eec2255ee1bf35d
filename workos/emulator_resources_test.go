// The calls about resources that WorkOS's official emulator has a route for.

package workos_test

import (
	"github.com/authkit-go/authkit/workos"
)

func (e *emulator) tryResources(organization *workos.Organization, membership *workos.OrganizationMembership) {
	const typeSlug, externalID, permission = "project", "roadmap", "posts:read"
	resource := &workos.AuthorizationResource{ID: unknownID}
	e.try("CreateResource", func() error {
		created, err := e.CreateResource(e.ctx(), workos.CreateResourceParams{
			OrganizationID: organization.ID, TypeSlug: typeSlug, ExternalID: externalID, Name: "Roadmap",
		})
		return store(&resource, created, err)
	})
	e.try("GetResource", func() error {
		got, err := e.GetResource(e.ctx(), resource.ID)
		return want(err, externalID, deref(got).ExternalID)
	})
	e.try("GetResourceByExternalID", func() error {
		got, err := e.GetResourceByExternalID(e.ctx(), organization.ID, typeSlug, externalID)
		return want(err, resource.ID, deref(got).ID)
	})
	tryList[workos.AuthorizationResource](e, "ListResources", func() (any, error) {
		return collect(e.ListResources(e.ctx(), workos.ListResourcesParams{OrganizationID: organization.ID, TypeSlug: typeSlug}))
	})
	members := workos.ListResourceMembersParams{PermissionSlug: permission}
	tryList[workos.OrganizationMembership](e, "ListResourceMembers", func() (any, error) {
		return collect(e.ListResourceMembers(e.ctx(), resource.ID, members))
	})
	tryList[workos.OrganizationMembership](e, "ListResourceMembersByExternalID", func() (any, error) {
		return collect(e.ListResourceMembersByExternalID(e.ctx(), organization.ID, typeSlug, externalID, members))
	})
	tryList[workos.AuthorizationResource](e, "ListOrganizationMembershipResources", func() (any, error) {
		return collect(e.ListOrganizationMembershipResources(e.ctx(), membership.ID, workos.ListOrganizationMembershipResourcesParams{
			PermissionSlug: permission, Parent: workos.Resource{ID: organization.ID},
		}))
	})
	e.try("DeleteResource", func() error { return e.DeleteResource(e.ctx(), resource.ID, workos.DeleteResourceParams{}) })
}
