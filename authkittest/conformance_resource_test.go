// Calls for the resources of fine-grained authorization.

package authkittest_test

import (
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// harborPressResourceID returns the ID of the resource of the organization Harbor Press.
func (c *conversation) harborPressResourceID() string {
	c.Helper()
	return c.resource(c.harborPressResource())
}

// createProject creates a project in Harbor Press.
func (c *conversation) createProject(externalID string, parent workos.Resource) (*workos.AuthorizationResource, error) {
	return c.client.CreateResource(c.Context(), workos.CreateResourceParams{
		OrganizationID: c.harborPress(), TypeSlug: "project", ExternalID: externalID, Name: "Project", Parent: parent,
	})
}

var resourceSteps = []step{
	{authkittest.RouteCreateResource, 201, func(c *conversation) error {
		return second(c.client.CreateResource(c.Context(), workos.CreateResourceParams{
			OrganizationID: c.harborPress(), TypeSlug: "project", ExternalID: "7", Name: "Website", Description: "All pages",
		}))
	}},
	{authkittest.RouteCreateResource, 201, func(c *conversation) error { return second(c.createProject("8", project)) }},
	{authkittest.RouteCreateResource, 201, func(c *conversation) error {
		return second(c.createProject("9", workos.Resource{ID: c.resource(project)}))
	}},
	{authkittest.RouteCreateResource, 400, func(c *conversation) error {
		return second(c.client.CreateResource(c.Context(), workos.CreateResourceParams{
			OrganizationID: c.harborPress(), TypeSlug: "organization", ExternalID: "other", Name: "Other",
		}))
	}},
	{authkittest.RouteCreateResource, 404, func(c *conversation) error {
		return second(c.client.CreateResource(c.Context(), workos.CreateResourceParams{
			OrganizationID: "org_none", TypeSlug: "project", ExternalID: "7", Name: "Website",
		}))
	}},
	{authkittest.RouteCreateResource, 404, func(c *conversation) error { return second(c.createProject("10", noResource)) }},
	{authkittest.RouteCreateResource, 409, func(c *conversation) error { return second(c.createProject("7", workos.Resource{})) }},
	{authkittest.RouteCreateResource, 422, func(c *conversation) error {
		return second(c.client.CreateResource(c.Context(), workos.CreateResourceParams{
			OrganizationID: c.harborPress(), TypeSlug: "project", ExternalID: "10", Name: " ",
		}))
	}},

	{authkittest.RouteListResources, 200, func(c *conversation) error {
		return drain(c.client.ListResources(c.Context(), workos.ListResourcesParams{
			OrganizationID: c.harborPress(), Paging: workos.Paging{PageSize: 1},
		}))
	}},
	{authkittest.RouteListResources, 200, func(c *conversation) error {
		return drain(c.client.ListResources(c.Context(), workos.ListResourcesParams{TypeSlug: "project", ExternalID: "8", Parent: project}))
	}},
	{authkittest.RouteListResources, 200, func(c *conversation) error {
		return drain(c.client.ListResources(c.Context(), workos.ListResourcesParams{
			OrganizationID: c.harborPress(), Parent: workos.Resource{ID: c.resource(project)},
		}))
	}},
	{authkittest.RouteListResources, 400, func(c *conversation) error {
		return drain(c.client.ListResources(c.Context(), workos.ListResourcesParams{}))
	}},
	{authkittest.RouteListResources, 422, func(c *conversation) error {
		return drain(c.client.ListResources(c.Context(), workos.ListResourcesParams{TypeSlug: "project", Paging: wrongPage}))
	}},
	{authkittest.RouteGetResource, 200, func(c *conversation) error {
		return second(c.client.GetResource(c.Context(), c.resource(project)))
	}},
	{authkittest.RouteGetResource, 200, func(c *conversation) error {
		return second(c.client.GetResource(c.Context(), c.harborPressResourceID()))
	}},
	{authkittest.RouteGetResource, 404, func(c *conversation) error {
		return second(c.client.GetResource(c.Context(), "authz_resource_none"))
	}},
	{authkittest.RouteGetResourceByExternalID, 200, func(c *conversation) error {
		return second(c.client.GetResourceByExternalID(c.Context(), c.harborPress(), "project", "7"))
	}},
	{authkittest.RouteGetResourceByExternalID, 404, func(c *conversation) error {
		return second(c.client.GetResourceByExternalID(c.Context(), c.harborPress(), "project", "none"))
	}},

	{authkittest.RouteUpdateResource, 200, func(c *conversation) error {
		return second(c.client.UpdateResource(c.Context(), c.resource(project), workos.UpdateResourceParams{
			Name: "Site", Description: workos.Null[string](), Parent: c.harborPressResource(),
		}))
	}},
	{authkittest.RouteUpdateResource, 403, func(c *conversation) error {
		return second(c.client.UpdateResource(c.Context(), c.harborPressResourceID(), workos.UpdateResourceParams{Name: "Other"}))
	}},
	{authkittest.RouteUpdateResource, 404, func(c *conversation) error {
		return second(c.client.UpdateResource(c.Context(), "authz_resource_none", workos.UpdateResourceParams{Name: "None"}))
	}},
	{authkittest.RouteUpdateResource, 422, func(c *conversation) error {
		return second(c.client.UpdateResource(c.Context(), c.resource(project), workos.UpdateResourceParams{Parent: project}))
	}},
	{authkittest.RouteUpdateResourceByExternalID, 200, func(c *conversation) error {
		return second(c.client.UpdateResourceByExternalID(c.Context(), c.harborPress(), "project", "9", workos.UpdateResourceParams{
			Description: workos.Value("Moved"), Parent: workos.Resource{ExternalID: "8", TypeSlug: "project"},
		}))
	}},
	{authkittest.RouteUpdateResourceByExternalID, 404, func(c *conversation) error {
		return second(c.client.UpdateResourceByExternalID(c.Context(), c.harborPress(), "project", "9", workos.UpdateResourceParams{Parent: noResource}))
	}},
	{authkittest.RouteUpdateResourceByExternalID, 422, func(c *conversation) error {
		return second(c.client.UpdateResourceByExternalID(c.Context(), c.harborPress(), "project", "9", workos.UpdateResourceParams{
			Parent: workos.Resource{ExternalID: "9", TypeSlug: "project"},
		}))
	}},

	{authkittest.RouteDeleteResource, 403, func(c *conversation) error {
		return c.client.DeleteResource(c.Context(), c.harborPressResourceID(), workos.DeleteResourceParams{})
	}},
	{authkittest.RouteDeleteResource, 404, func(c *conversation) error {
		return c.client.DeleteResource(c.Context(), "authz_resource_none", workos.DeleteResourceParams{})
	}},
	{authkittest.RouteDeleteResource, 409, func(c *conversation) error {
		return c.client.DeleteResource(c.Context(), c.resource(project), workos.DeleteResourceParams{})
	}},
	{authkittest.RouteDeleteResourceByExternalID, 404, func(c *conversation) error {
		return c.client.DeleteResourceByExternalID(c.Context(), "org_none", "project", "9", workos.DeleteResourceParams{})
	}},
	{authkittest.RouteDeleteResourceByExternalID, 204, func(c *conversation) error {
		return c.client.DeleteResourceByExternalID(c.Context(), c.harborPress(), "project", "9", workos.DeleteResourceParams{})
	}},
	{authkittest.RouteDeleteResource, 204, func(c *conversation) error {
		return c.client.DeleteResource(c.Context(), c.resource(project), workos.DeleteResourceParams{Cascade: true})
	}},
}
