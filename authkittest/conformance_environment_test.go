// Calls for the settings of the environment, tokens of widgets, links to the Admin Portal, feature flags and authorized
// applications.

package authkittest_test

import (
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

var environmentSteps = []step{
	{authkittest.RouteCreateRedirectURI, 201, func(c *conversation) error {
		return second(c.client.CreateRedirectURI(c.Context(), "https://app.acme.test/callback"))
	}},
	{authkittest.RouteCreateRedirectURI, 400, func(c *conversation) error {
		return second(c.client.CreateRedirectURI(c.Context(), "https://app.acme.test/callback"))
	}},
	{authkittest.RouteCreateRedirectURI, 422, func(c *conversation) error { return second(c.client.CreateRedirectURI(c.Context(), "/callback")) }},
	{authkittest.RouteListRedirectURIs, 200, func(c *conversation) error { return drain(c.client.ListRedirectURIs(c.Context(), workos.Paging{})) }},
	{authkittest.RouteListRedirectURIs, 422, func(c *conversation) error { return drain(c.client.ListRedirectURIs(c.Context(), wrongPage)) }},
	{authkittest.RouteDeleteRedirectURI, 204, func(c *conversation) error {
		return c.client.DeleteRedirectURI(c.Context(), must(c.client.CreateRedirectURI(c.Context(), "https://b.acme.test/callback")).ID)
	}},
	{authkittest.RouteDeleteRedirectURI, 404, func(c *conversation) error { return c.client.DeleteRedirectURI(c.Context(), "redirect_uri_none") }},
	{authkittest.RouteDeleteRedirectURI, 409, func(c *conversation) error {
		must(c.client.CreateRedirectURI(c.Context(), "https://c.acme.test/callback"))
		for uri, err := range c.client.ListRedirectURIs(c.Context(), workos.Paging{Order: workos.OrderAscending}) {
			if err != nil {
				return err
			}
			return c.client.DeleteRedirectURI(c.Context(), uri.ID) // the first is the default
		}
		return nil
	}},
	{authkittest.RouteCreateCORSOrigin, 201, func(c *conversation) error {
		return second(c.client.CreateCORSOrigin(c.Context(), "https://app.acme.test"))
	}},
	{authkittest.RouteCreateCORSOrigin, 409, func(c *conversation) error {
		return second(c.client.CreateCORSOrigin(c.Context(), "https://app.acme.test"))
	}},
	{authkittest.RouteCreateCORSOrigin, 422, func(c *conversation) error { return second(c.client.CreateCORSOrigin(c.Context(), "app.acme.test")) }},
	{authkittest.RouteListCORSOrigins, 200, func(c *conversation) error { return drain(c.client.ListCORSOrigins(c.Context(), workos.Paging{})) }},
	{authkittest.RouteListCORSOrigins, 422, func(c *conversation) error { return drain(c.client.ListCORSOrigins(c.Context(), wrongPage)) }},

	{authkittest.RouteGetJWTTemplate, 404, func(c *conversation) error { return second(c.client.GetJWTTemplate(c.Context())) }},
	{authkittest.RouteUpdateJWTTemplate, 200, func(c *conversation) error {
		return second(c.client.UpdateJWTTemplate(c.Context(), `{"email": {{ user.email }}}`))
	}},
	{authkittest.RouteUpdateJWTTemplate, 422, func(c *conversation) error {
		return second(c.client.UpdateJWTTemplate(c.Context(), `{"email": {{ user.none }}}`))
	}},
	{authkittest.RouteGetJWTTemplate, 200, func(c *conversation) error { return second(c.client.GetJWTTemplate(c.Context())) }},

	{authkittest.RouteCreateWidgetToken, 201, func(c *conversation) error {
		return second(c.client.CreateWidgetToken(c.Context(), workos.CreateWidgetTokenParams{
			UserID: c.userID(ada), OrganizationID: c.harborPress(), Scopes: []string{workos.WidgetScopeUsersTable},
		}))
	}},
	{authkittest.RouteCreateWidgetToken, 404, func(c *conversation) error {
		return second(c.client.CreateWidgetToken(c.Context(), workos.CreateWidgetTokenParams{UserID: "user_none"}))
	}},
	{authkittest.RouteCreateWidgetsAPIToken, 201, func(c *conversation) error {
		return second(c.client.CreateWidgetsAPIToken(c.Context(), workos.CreateWidgetsAPITokenParams{UserID: c.userID(ada), OrganizationID: c.harborPress()}))
	}},
	{authkittest.RouteCreateWidgetsAPIToken, 400, func(c *conversation) error {
		return second(c.client.CreateWidgetsAPIToken(c.Context(), workos.CreateWidgetsAPITokenParams{
			UserID: c.person("alone@acme.test"), OrganizationID: c.harborPress(),
		}))
	}},
	{authkittest.RouteCreateWidgetsAPIToken, 404, func(c *conversation) error {
		return second(c.client.CreateWidgetsAPIToken(c.Context(), workos.CreateWidgetsAPITokenParams{UserID: c.userID(ada), OrganizationID: "org_none"}))
	}},
	{authkittest.RouteCreatePortalLink, 201, func(c *conversation) error {
		return second(c.client.CreatePortalLink(c.Context(), workos.CreatePortalLinkParams{
			OrganizationID: c.harborPress(), Intent: workos.PortalIntentSSO, ReturnURL: "https://app.acme.test/", SuccessURL: "https://app.acme.test/done",
			ITContactEmails: []string{"it@acme.test"},
		}))
	}},
	{authkittest.RouteCreatePortalLink, 404, func(c *conversation) error {
		return second(c.client.CreatePortalLink(c.Context(), workos.CreatePortalLinkParams{OrganizationID: "org_none"}))
	}},

	{authkittest.RouteListUserAuthorizedApplications, 200, func(c *conversation) error {
		c.AuthorizeApplication(ada, authkittest.AuthorizedApplication{Name: "Reader", Scopes: []string{"openid"}})
		c.AuthorizeApplication(ada, authkittest.AuthorizedApplication{Name: "Writer", OrganizationID: c.harborPress(), OAuthResource: "https://api.acme.test"})
		return drain(c.client.ListUserAuthorizedApplications(c.Context(), c.userID(ada), workos.Paging{}))
	}},
	{authkittest.RouteListUserAuthorizedApplications, 404, func(c *conversation) error {
		return drain(c.client.ListUserAuthorizedApplications(c.Context(), "user_none", workos.Paging{}))
	}},
	{authkittest.RouteListOrganizationAuthorizedApplications, 200, func(c *conversation) error {
		return drain(c.client.ListOrganizationAuthorizedApplications(c.Context(), c.harborPress(), workos.Paging{}))
	}},
	{authkittest.RouteListOrganizationAuthorizedApplications, 404, func(c *conversation) error {
		return drain(c.client.ListOrganizationAuthorizedApplications(c.Context(), "org_none", workos.Paging{}))
	}},
	{authkittest.RouteDeleteUserAuthorizedApplication, 204, func(c *conversation) error {
		id := c.AuthorizeApplication(ada, authkittest.AuthorizedApplication{Name: "Former"}).ApplicationID
		return c.client.DeleteUserAuthorizedApplication(c.Context(), c.userID(ada), id)
	}},
	{authkittest.RouteDeleteUserAuthorizedApplication, 404, func(c *conversation) error {
		return c.client.DeleteUserAuthorizedApplication(c.Context(), c.userID(ada), "conn_app_none")
	}},
}

// flag is the slug of a feature flag.
const flag = "dark-mode"

var flagSteps = []step{
	{authkittest.RouteListFeatureFlags, 200, func(c *conversation) error {
		c.AddFeatureFlag(authkittest.FeatureFlag{Slug: flag, Name: "Dark mode", Description: "A dark page", Tags: []string{"ui"}, Default: true})
		return drain(c.client.ListFeatureFlags(c.Context(), workos.Paging{}))
	}},
	{authkittest.RouteListFeatureFlags, 422, func(c *conversation) error { return drain(c.client.ListFeatureFlags(c.Context(), wrongPage)) }},
	{authkittest.RouteGetFeatureFlag, 200, func(c *conversation) error { return second(c.client.GetFeatureFlag(c.Context(), flag)) }},
	{authkittest.RouteGetFeatureFlag, 404, func(c *conversation) error { return second(c.client.GetFeatureFlag(c.Context(), "none")) }},
	{authkittest.RouteEnableFeatureFlag, 200, func(c *conversation) error { return second(c.client.EnableFeatureFlag(c.Context(), flag)) }},
	{authkittest.RouteEnableFeatureFlag, 404, func(c *conversation) error { return second(c.client.EnableFeatureFlag(c.Context(), "none")) }},
	{authkittest.RouteAddFeatureFlagTarget, 204, func(c *conversation) error {
		return c.client.AddFeatureFlagTarget(c.Context(), flag, c.userID(ada))
	}},
	{authkittest.RouteAddFeatureFlagTarget, 404, func(c *conversation) error {
		return c.client.AddFeatureFlagTarget(c.Context(), flag, "user_none")
	}},
	{authkittest.RouteListUserFeatureFlags, 200, func(c *conversation) error {
		return drain(c.client.ListUserFeatureFlags(c.Context(), c.userID(ada), workos.Paging{}))
	}},
	{authkittest.RouteListUserFeatureFlags, 404, func(c *conversation) error {
		return drain(c.client.ListUserFeatureFlags(c.Context(), "user_none", workos.Paging{}))
	}},
	{authkittest.RouteListOrganizationFeatureFlags, 200, func(c *conversation) error {
		return drain(c.client.ListOrganizationFeatureFlags(c.Context(), c.harborPress(), workos.Paging{}))
	}},
	{authkittest.RouteListOrganizationFeatureFlags, 404, func(c *conversation) error {
		return drain(c.client.ListOrganizationFeatureFlags(c.Context(), "org_none", workos.Paging{}))
	}},
	{authkittest.RouteRemoveFeatureFlagTarget, 204, func(c *conversation) error {
		return c.client.RemoveFeatureFlagTarget(c.Context(), flag, c.userID(ada))
	}},
	{authkittest.RouteRemoveFeatureFlagTarget, 404, func(c *conversation) error {
		return c.client.RemoveFeatureFlagTarget(c.Context(), flag, "user_none")
	}},
	{authkittest.RouteListFeatureFlagRules, 200, func(c *conversation) error { // package workos does not evaluate flags
		c.request(authkittest.RouteListFeatureFlagRules, c.APIKey())
		return nil
	}},
	{authkittest.RouteDisableFeatureFlag, 200, func(c *conversation) error { return second(c.client.DisableFeatureFlag(c.Context(), flag)) }},
	{authkittest.RouteDisableFeatureFlag, 404, func(c *conversation) error { return second(c.client.DisableFeatureFlag(c.Context(), "none")) }},
}
