// Calls for the providers of Pipes and the connected accounts of users.

package authkittest_test

import (
	"errors"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// ben is a member of Harbor Press.
const ben = "ben@harborpress.test"

// tokens are what an application imports.
var tokens = workos.ConnectedAccountParams{
	AccessToken: "imported-access", RefreshToken: "imported-refresh", ExpiresAt: start.AddDate(0, 0, 1), Scopes: []string{"repo"},
}

// withoutAccount requires that a user has no account with which the application could call the provider, for the given reason.
func (c *conversation) withoutAccount(email, reason string) error {
	_, err := c.client.GetConnectedAccountToken(c.Context(), c.userID(email), "github", "")
	var none *workos.ConnectedAccountError
	if !errors.As(err, &none) {
		return errors.Join(errors.New("the user has a token"), err)
	}
	assert.Equal(c, reason, none.Reason)
	return nil
}

var pipesSteps = []step{
	{authkittest.RouteListDataProviders, 200, func(c *conversation) error {
		c.AddDataProvider(authkittest.DataProvider{Slug: "github", Name: "GitHub", Description: "Repositories", Scopes: []string{"repo", "user:email"}})
		c.AddDataProvider(authkittest.DataProvider{Slug: "zendesk", ConfigFields: []string{"subdomain"}})
		c.ConnectAccount(ben, "github", c.harborPress())
		return second(c.client.ListUserDataProviders(c.Context(), c.userID(ben), c.harborPress()))
	}},
	{authkittest.RouteListDataProviders, 404, func(c *conversation) error {
		return second(c.client.ListUserDataProviders(c.Context(), "user_none", ""))
	}},

	{authkittest.RouteAuthorizeConnectedAccount, 200, func(c *conversation) error {
		return second(c.client.AuthorizeConnectedAccount(c.Context(), "zendesk", workos.AuthorizeConnectedAccountParams{
			UserID: c.userID(ben), OrganizationID: c.harborPress(), ReturnTo: "https://app.acme.test/accounts", Config: map[string]string{"subdomain": "acme"},
		}))
	}},
	{authkittest.RouteAuthorizeConnectedAccount, 400, func(c *conversation) error {
		return second(c.client.AuthorizeConnectedAccount(c.Context(), "github", workos.AuthorizeConnectedAccountParams{
			UserID: c.userID(ben), Config: map[string]string{"subdomain": "acme"},
		}))
	}},
	{authkittest.RouteAuthorizeConnectedAccount, 404, func(c *conversation) error {
		return second(c.client.AuthorizeConnectedAccount(c.Context(), "none", workos.AuthorizeConnectedAccountParams{UserID: c.userID(ben)}))
	}},

	{authkittest.RouteImportConnectedAccount, 201, func(c *conversation) error {
		return second(c.client.ImportConnectedAccount(c.Context(), c.userID(ada), "github", "", tokens))
	}},
	{authkittest.RouteImportConnectedAccount, 404, func(c *conversation) error {
		return second(c.client.ImportConnectedAccount(c.Context(), c.userID(ada), "none", "", tokens))
	}},
	{authkittest.RouteImportConnectedAccount, 409, func(c *conversation) error {
		return second(c.client.ImportConnectedAccount(c.Context(), c.userID(ada), "github", "", tokens))
	}},
	{authkittest.RouteImportConnectedAccount, 422, func(c *conversation) error {
		return second(c.client.ImportConnectedAccount(c.Context(), c.userID(ada), "zendesk", "", workos.ConnectedAccountParams{
			State: workos.ConnectedAccountConnected,
		}))
	}},
	{authkittest.RouteGetConnectedAccount, 200, func(c *conversation) error {
		return second(c.client.GetConnectedAccount(c.Context(), c.userID(ben), "github", c.harborPress()))
	}},
	{authkittest.RouteGetConnectedAccount, 404, func(c *conversation) error {
		return second(c.client.GetConnectedAccount(c.Context(), c.userID(ben), "github", ""))
	}},

	{authkittest.RouteGetConnectedAccountToken, 200, func(c *conversation) error {
		return second(c.client.GetConnectedAccountToken(c.Context(), c.userID(ada), "github", ""))
	}},
	{authkittest.RouteGetConnectedAccountToken, 200, func(c *conversation) error {
		return c.withoutAccount(ben, workos.ConnectedAccountNotInstalled)
	}},
	{authkittest.RouteGetConnectedAccountToken, 404, func(c *conversation) error {
		return second(c.client.GetConnectedAccountToken(c.Context(), c.userID(ada), "none", ""))
	}},
	{authkittest.RouteUpdateConnectedAccount, 200, func(c *conversation) error { // a token that does not expire
		if err := second(c.client.UpdateConnectedAccount(c.Context(), c.userID(ada), "github", "", workos.ConnectedAccountParams{AccessToken: "other"})); err != nil {
			return err
		}
		return second(c.client.GetConnectedAccountToken(c.Context(), c.userID(ada), "github", ""))
	}},
	{authkittest.RouteUpdateConnectedAccount, 200, func(c *conversation) error {
		return second(c.client.UpdateConnectedAccount(c.Context(), c.userID(ada), "github", "", workos.ConnectedAccountParams{
			State: workos.ConnectedAccountNeedsReauthorization,
		}))
	}},
	{authkittest.RouteGetConnectedAccountToken, 200, func(c *conversation) error {
		return c.withoutAccount(ada, workos.ConnectedAccountNeedsReauthorization)
	}},
	{authkittest.RouteUpdateConnectedAccount, 404, func(c *conversation) error {
		return second(c.client.UpdateConnectedAccount(c.Context(), c.userID(ben), "zendesk", "", tokens))
	}},
	{authkittest.RouteUpdateConnectedAccount, 422, func(c *conversation) error {
		return second(c.client.UpdateConnectedAccount(c.Context(), c.userID(ada), "github", "", workos.ConnectedAccountParams{
			AccessToken: "other", ExpiresAt: tokens.ExpiresAt, // without a refresh token
		}))
	}},
	{authkittest.RouteDeleteConnectedAccount, 204, func(c *conversation) error {
		return c.client.DeleteConnectedAccount(c.Context(), c.userID(ada), "github", "")
	}},
	{authkittest.RouteDeleteConnectedAccount, 404, func(c *conversation) error {
		return c.client.DeleteConnectedAccount(c.Context(), c.userID(ada), "github", "")
	}},
}
