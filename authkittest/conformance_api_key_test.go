// Calls for API keys, events and webhook endpoints.

package authkittest_test

import (
	"time"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// apiKey creates an API key of the organization Harbor Press.
func (c *conversation) apiKey(name string) *workos.APIKey {
	c.Helper()
	return must(c.client.CreateOrganizationAPIKey(c.Context(), c.harborPress(), workos.CreateAPIKeyParams{
		Name: name, Permissions: []string{"posts:read"}, ExpiresAt: c.clock.Now().Add(time.Hour),
	}))
}

var apiKeySteps = []step{
	{authkittest.RouteCreateOrganizationAPIKey, 201, func(c *conversation) error {
		c.apiKey("Deployment")
		return nil
	}},
	{authkittest.RouteCreateOrganizationAPIKey, 404, func(c *conversation) error {
		return second(c.client.CreateOrganizationAPIKey(c.Context(), "org_none", workos.CreateAPIKeyParams{Name: "None"}))
	}},
	{authkittest.RouteListOrganizationAPIKeys, 200, func(c *conversation) error {
		return drain(c.client.ListOrganizationAPIKeys(c.Context(), c.harborPress(), workos.Paging{}))
	}},
	{authkittest.RouteListOrganizationAPIKeys, 404, func(c *conversation) error {
		return drain(c.client.ListOrganizationAPIKeys(c.Context(), "org_none", workos.Paging{}))
	}},
	{authkittest.RouteCreateUserAPIKey, 201, func(c *conversation) error {
		return second(c.client.CreateUserAPIKey(c.Context(), c.userID(ada), c.harborPress(), workos.CreateAPIKeyParams{Name: "Ada's key"}))
	}},
	{authkittest.RouteCreateUserAPIKey, 404, func(c *conversation) error {
		return second(c.client.CreateUserAPIKey(c.Context(), "user_none", c.harborPress(), workos.CreateAPIKeyParams{Name: "None"}))
	}},
	{authkittest.RouteListUserAPIKeys, 200, func(c *conversation) error {
		return drain(c.client.ListUserAPIKeys(c.Context(), c.userID(ada), workos.ListUserAPIKeysParams{OrganizationID: c.harborPress()}))
	}},
	{authkittest.RouteListUserAPIKeys, 404, func(c *conversation) error {
		return drain(c.client.ListUserAPIKeys(c.Context(), "user_none", workos.ListUserAPIKeysParams{}))
	}},
	{authkittest.RouteValidateAPIKey, 200, func(c *conversation) error {
		_, _, err := c.client.ValidateAPIKey(c.Context(), c.apiKey("Valid").Value)
		return err
	}},
	{authkittest.RouteValidateAPIKey, 200, func(c *conversation) error {
		_, _, err := c.client.ValidateAPIKey(c.Context(), "sk_unknown")
		return err
	}},
	{authkittest.RouteExpireAPIKey, 200, func(c *conversation) error {
		return second(c.client.ExpireAPIKey(c.Context(), c.apiKey("Expiring").ID, workos.ExpireAPIKeyParams{ExpiresAt: workos.Value(c.clock.Now().Add(time.Minute))}))
	}},
	{authkittest.RouteExpireAPIKey, 404, func(c *conversation) error {
		return second(c.client.ExpireAPIKey(c.Context(), "api_key_none", workos.ExpireAPIKeyParams{}))
	}},
	{authkittest.RouteExpireAPIKey, 409, func(c *conversation) error {
		id := c.apiKey("Expired").ID
		must(c.client.ExpireAPIKey(c.Context(), id, workos.ExpireAPIKeyParams{}))
		return second(c.client.ExpireAPIKey(c.Context(), id, workos.ExpireAPIKeyParams{}))
	}},
	{authkittest.RouteDeleteAPIKey, 204, func(c *conversation) error { return c.client.DeleteAPIKey(c.Context(), c.apiKey("Deleted").ID) }},
	{authkittest.RouteDeleteAPIKey, 404, func(c *conversation) error { return c.client.DeleteAPIKey(c.Context(), "api_key_none") }},
}

// endpoint creates a webhook endpoint.
func (c *conversation) endpoint(address string) *workos.WebhookEndpoint {
	c.Helper()
	return must(c.client.CreateWebhookEndpoint(c.Context(), workos.CreateWebhookEndpointParams{URL: address, Events: []string{workos.EventUserUpdated}}))
}

var eventSteps = []step{
	{authkittest.RouteListEvents, 200, func(c *conversation) error {
		c.token(ada)
		return drain(c.client.ListEvents(c.Context(), workos.ListEventsParams{
			Types: []string{workos.EventSessionCreated, workos.EventUserUpdated}, OrganizationID: c.harborPress(), PageSize: 1,
			RangeStart: c.clock.Now().Add(-time.Hour), RangeEnd: c.clock.Now().Add(time.Hour),
		}))
	}},
	{authkittest.RouteListEvents, 400, func(c *conversation) error {
		return drain(c.client.ListEvents(c.Context(), workos.ListEventsParams{Types: []string{workos.EventUserUpdated}, OrganizationID: "org_none"}))
	}},
	{authkittest.RouteListEvents, 422, func(c *conversation) error {
		return drain(c.client.ListEvents(c.Context(), workos.ListEventsParams{Types: []string{"user.renamed"}}))
	}},
	{authkittest.RouteCreateWebhookEndpoint, 201, func(c *conversation) error {
		c.endpoint("https://app.acme.test/webhooks")
		return nil
	}},
	{authkittest.RouteCreateWebhookEndpoint, 409, func(c *conversation) error {
		return second(c.client.CreateWebhookEndpoint(c.Context(), workos.CreateWebhookEndpointParams{
			URL: "https://app.acme.test/webhooks", Events: []string{workos.EventUserUpdated},
		}))
	}},
	{authkittest.RouteCreateWebhookEndpoint, 422, func(c *conversation) error {
		return second(c.client.CreateWebhookEndpoint(c.Context(), workos.CreateWebhookEndpointParams{URL: "/webhooks", Events: []string{workos.EventUserUpdated}}))
	}},
	{authkittest.RouteListWebhookEndpoints, 200, func(c *conversation) error {
		return drain(c.client.ListWebhookEndpoints(c.Context(), workos.Paging{}))
	}},
	{authkittest.RouteListWebhookEndpoints, 422, func(c *conversation) error { return drain(c.client.ListWebhookEndpoints(c.Context(), wrongPage)) }},
	{authkittest.RouteUpdateWebhookEndpoint, 200, func(c *conversation) error {
		return second(c.client.UpdateWebhookEndpoint(c.Context(), c.endpoint("https://b.acme.test/").ID, workos.UpdateWebhookEndpointParams{
			URL: "https://c.acme.test/", Status: workos.WebhookEndpointDisabled, Events: []string{workos.EventUserCreated},
		}))
	}},
	{authkittest.RouteUpdateWebhookEndpoint, 404, func(c *conversation) error {
		return second(c.client.UpdateWebhookEndpoint(c.Context(), "we_none", workos.UpdateWebhookEndpointParams{Status: workos.WebhookEndpointEnabled}))
	}},
	{authkittest.RouteDeleteWebhookEndpoint, 204, func(c *conversation) error {
		return c.client.DeleteWebhookEndpoint(c.Context(), c.endpoint("https://d.acme.test/").ID)
	}},
	{authkittest.RouteDeleteWebhookEndpoint, 404, func(c *conversation) error { return c.client.DeleteWebhookEndpoint(c.Context(), "we_none") }},
}
