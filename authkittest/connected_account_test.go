// Connected accounts and their tokens, by the calls of package workos and on the page.

package authkittest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// newPipes starts an application with the providers github and zendesk.
func newPipes(t *testing.T) *app {
	a := newApp(t, authkittest.WithAppName("Acme"))
	a.AddDataProvider(authkittest.DataProvider{Slug: "github", Name: "GitHub", Description: "Repositories", Scopes: []string{"repo", "user:email"}})
	a.AddDataProvider(authkittest.DataProvider{Slug: "zendesk", ConfigFields: []string{"subdomain"}})
	return a
}

// reasonFor returns why there is no token of an account of Ada, and "" if there is one.
func reasonFor(t *testing.T, client *workos.Client, userID, slug, organizationID string) string {
	t.Helper()
	token, err := client.GetConnectedAccountToken(context.Background(), userID, slug, organizationID)
	if err == nil {
		assert.NotEmpty(t, token.AccessToken)
		return ""
	}
	var none *workos.ConnectedAccountError
	require.ErrorAs(t, err, &none)
	return none.Reason
}

func TestAUserConnectsAnAccountOnThePage(t *testing.T) {
	a := newPipes(t)
	ctx, client, id, press := context.Background(), a.workos(), a.userID(ada), a.Organizations()[0].ID
	assert.Equal(t, "not_installed", reasonFor(t, client, id, "github", press))
	authorize := func(returnTo string) string {
		return must(client.AuthorizeConnectedAccount(ctx, "github", workos.AuthorizeConnectedAccountParams{
			UserID: id, OrganizationID: press, ReturnTo: returnTo,
		}))
	}
	b := authkittest.NewBrowser()
	t.Cleanup(b.CloseIdleConnections)
	target := a.server.URL + "/callback?tab=accounts"
	page := a.get(b, authorize(target))
	assert.Equal(t, http.StatusOK, page.StatusCode)
	for _, text := range []string{"Acme", "GitHub", ada, "Harbor Press"} {
		assert.Contains(t, page.Body, text)
	}
	events, data := a.eventsOf(func() { page = a.press(b, "Connect", nil) })
	assert.Equal(t, target, page.URL.String())
	assert.Equal(t, []string{"pipes.connected_account.connected"}, events)
	account := must(client.GetConnectedAccount(ctx, id, "github", press))
	assert.Equal(t, &workos.ConnectedAccount{
		ID: account.ID, UserID: id, OrganizationID: press, Scopes: []string{"repo", "user:email"}, State: workos.ConnectedAccountConnected,
		AuthMethod: "oauth", CreatedAt: start, UpdatedAt: start,
	}, account)
	announced := *account
	announced.AuthMethod, announced.ProviderSlug = "", "github"
	announced.ProviderID = must(client.ListUserDataProviders(ctx, id, press))[0].ID
	assert.Equal(t, &announced, data[workos.EventConnectedAccountConnected])

	token := must(client.GetConnectedAccountToken(ctx, id, "github", press))
	assert.Equal(t, &workos.ConnectedAccountToken{
		AccessToken: token.AccessToken, ExpiresAt: start.Add(time.Hour), Scopes: []string{"repo", "user:email"}, MissingScopes: []string{},
	}, token)
	assert.Equal(t, token, must(client.GetConnectedAccountToken(ctx, id, "github", press)), "it is valid still")
	a.clock.Advance(time.Hour)
	refreshed := must(client.GetConnectedAccountToken(ctx, id, "github", press))
	assert.NotEqual(t, token.AccessToken, refreshed.AccessToken)
	assert.Equal(t, start.Add(2*time.Hour), refreshed.ExpiresAt)
	assert.Equal(t, "not_installed", reasonFor(t, client, id, "github", ""), "the account is that in the organization")

	again := authorize("")
	a.get(b, again)
	assert.Contains(t, a.press(b, "Connect", nil).Body, "The account is connected")
	assert.Equal(t, account.ID, must(client.GetConnectedAccount(ctx, id, "github", press)).ID)
	assert.Equal(t, http.StatusNotFound, a.get(b, again).StatusCode, "the URL works once")
	late := authorize(target)
	a.clock.Advance(time.Hour + time.Second)
	assert.Equal(t, http.StatusNotFound, a.get(b, late).StatusCode, "the URL works for an hour")
}

func TestAUserCancelsTheConnectionOfAnAccount(t *testing.T) {
	a := newPipes(t)
	ctx, client, id := context.Background(), a.workos(), a.userID(ada)
	b := authkittest.NewBrowser()
	t.Cleanup(b.CloseIdleConnections)
	target := a.server.URL + "/callback"
	a.get(b, must(client.AuthorizeConnectedAccount(ctx, "zendesk", workos.AuthorizeConnectedAccountParams{
		UserID: id, ReturnTo: target, Config: map[string]string{"subdomain": "acme"},
	})))
	var page *authkittest.Page
	events, data := a.eventsOf(func() { page = a.press(b, "Cancel", nil) })
	assert.Equal(t, []string{"pipes.connected_account.connection_failed"}, events)
	failure := data[workos.EventConnectedAccountConnectionFailed].(*workos.ConnectedAccountFailure)
	assert.Equal(t, [4]any{"zendesk", id, "access_denied", start}, [4]any{failure.ProviderSlug, failure.UserID, failure.ProviderError, failure.CreatedAt})
	assert.Equal(t, target, page.URL.String())
	assert.Equal(t, "not_installed", reasonFor(t, client, id, "zendesk", ""))
}

func TestAnAccountIsImportedChangedAndDisconnected(t *testing.T) {
	a := newPipes(t)
	ctx, client, id := context.Background(), a.workos(), a.userID(ada)
	params := workos.ConnectedAccountParams{
		AccessToken: "imported-access", RefreshToken: "imported-refresh", ExpiresAt: start.Add(time.Minute), Scopes: []string{"repo"},
	}
	var account *workos.ConnectedAccount
	events, _ := a.eventsOf(func() { account = must(client.ImportConnectedAccount(ctx, id, "github", "", params)) })
	assert.Equal(t, []string{"pipes.connected_account.connected"}, events)
	assert.Equal(t, workos.ConnectedAccountConnected, account.State)
	assert.Empty(t, account.OrganizationID)
	token := must(client.GetConnectedAccountToken(ctx, id, "github", ""))
	assert.Equal(t, &workos.ConnectedAccountToken{
		AccessToken: "imported-access", ExpiresAt: start.Add(time.Minute), Scopes: []string{"repo"}, MissingScopes: []string{"user:email"},
	}, token)
	assertCode(t, second(client.ImportConnectedAccount(ctx, id, "github", "", params)), 409, "")

	providers := must(client.ListUserDataProviders(ctx, id, ""))
	require.Len(t, providers, 2)
	assert.Equal(t, workos.DataProvider{
		ID: providers[0].ID, Name: "GitHub", Description: "Repositories", Slug: "github", IntegrationType: "github", CredentialsType: "oauth2",
		Scopes: []string{"repo", "user:email"}, AuthMethods: []string{"oauth"}, Ownership: "userland_user", Account: account, CreatedAt: start, UpdatedAt: start,
	}, providers[0])
	assert.Nil(t, providers[1].Account)
	assert.Nil(t, must(client.ListUserDataProviders(ctx, id, a.Organizations()[0].ID))[0].Account, "it is not that in an organization")

	a.clock.Advance(time.Second)
	update := func(p workos.ConnectedAccountParams) *workos.ConnectedAccount {
		return must(client.UpdateConnectedAccount(ctx, id, "github", "", p))
	}
	events, _ = a.eventsOf(func() {
		account = update(workos.ConnectedAccountParams{State: workos.ConnectedAccountNeedsReauthorization})
	})
	assert.Equal(t, []string{"pipes.connected_account.reauthorization_needed"}, events)
	assert.Equal(t, start.Add(time.Second), account.UpdatedAt)
	assert.Equal(t, workos.ConnectedAccountNeedsReauthorization, reasonFor(t, client, id, "github", ""))
	events, _ = a.eventsOf(func() { account = update(workos.ConnectedAccountParams{AccessToken: "second-access"}) })
	assert.Equal(t, []string{"pipes.connected_account.connected"}, events)
	assert.Equal(t, []string{"repo"}, account.Scopes)
	assert.Zero(t, must(client.GetConnectedAccountToken(ctx, id, "github", "")).ExpiresAt)
	events, _ = a.eventsOf(func() { update(workos.ConnectedAccountParams{Scopes: []string{"user:email"}}) })
	assert.Empty(t, events, "the state is the same")

	events, _ = a.eventsOf(func() { require.NoError(t, client.DeleteConnectedAccount(ctx, id, "github", "")) })
	assert.Equal(t, []string{"pipes.connected_account.disconnected"}, events)
	assertCode(t, second(client.GetConnectedAccount(ctx, id, "github", "")), 404, "")
	assertCode(t, second(client.UpdateConnectedAccount(ctx, id, "github", "", params)), 404, "")
	assertCode(t, client.DeleteConnectedAccount(ctx, id, "github", ""), 404, "")

	events, _ = a.eventsOf(func() {
		assert.Equal(t, workos.ConnectedAccountNeedsReauthorization, must(client.ImportConnectedAccount(ctx, id, "github", "", workos.ConnectedAccountParams{})).State)
	})
	assert.Empty(t, events, "no account without tokens was connected")
}

func TestAConnectedAccountEndsWithItsUserAndMembership(t *testing.T) {
	a := newPipes(t)
	ctx, client, id, press := context.Background(), a.workos(), a.userID(ada), a.Organizations()[0].ID
	a.ConnectAccount(ada, "github", "")
	a.ConnectAccount(ada, "github", press)
	a.ConnectAccount("ben@harborpress.test", "github", press)
	membership := a.Users()[0].Memberships[0]
	link := must(client.AuthorizeConnectedAccount(ctx, "github", workos.AuthorizeConnectedAccountParams{UserID: id, OrganizationID: press}))
	events, _ := a.eventsOf(func() { a.UpdateUser(ada, func(u *authkittest.User) { u.Memberships = nil }) })
	assert.Equal(t, []string{"pipes.connected_account.disconnected", "organization_membership.deleted"}, events)
	b := authkittest.NewBrowser()
	t.Cleanup(b.CloseIdleConnections)
	assert.Equal(t, http.StatusNotFound, a.get(b, link).StatusCode)
	assertCode(t, second(client.GetConnectedAccountToken(ctx, id, "github", press)), 404, "")
	assert.Empty(t, reasonFor(t, client, id, "github", ""))
	a.UpdateUser(ada, func(u *authkittest.User) { u.Memberships = []authkittest.Membership{membership} })
	assert.Equal(t, "not_installed", reasonFor(t, client, id, "github", press), "a new membership begins without an account")

	events, _ = a.eventsOf(func() { a.DeleteUser(ada) })
	assert.Equal(t, []string{"organization_membership.deleted", "pipes.connected_account.disconnected", "user.deleted"}, events)
	assertCode(t, second(client.GetConnectedAccount(ctx, id, "github", "")), 404, "")
	assert.Empty(t, reasonFor(t, client, a.userID("ben@harborpress.test"), "github", press), "another user keeps the account")
}

func TestAPipesCallThatIsNotPossibleIsRefused(t *testing.T) {
	a := newPipes(t)
	ctx, client, id, studio := context.Background(), a.workos(), a.userID(ada), a.Organizations()[1].ID
	authorize := func(slug string, p workos.AuthorizeConnectedAccountParams) error {
		return second(client.AuthorizeConnectedAccount(ctx, slug, p))
	}
	for _, err := range []error{
		authorize("github", workos.AuthorizeConnectedAccountParams{UserID: "user_1"}),
		authorize("slack", workos.AuthorizeConnectedAccountParams{UserID: id}),
		authorize("github", workos.AuthorizeConnectedAccountParams{UserID: id, OrganizationID: studio}),
		second(client.GetConnectedAccountToken(ctx, id, "slack", "")),
		second(client.GetConnectedAccountToken(ctx, id, "github", studio)),
		second(client.ListUserDataProviders(ctx, "user_1", "")),
		second(client.ListUserDataProviders(ctx, id, studio)),
		second(client.ImportConnectedAccount(ctx, id, "github", "org_1", workos.ConnectedAccountParams{})),
	} {
		assertCode(t, err, 404, "")
	}
	for _, p := range []workos.AuthorizeConnectedAccountParams{
		{UserID: id, ReturnTo: "/settings"}, {UserID: id, ReturnTo: "javascript:alert(1)"}, {UserID: id, Config: map[string]string{"subdomain": "acme"}},
	} {
		assertCode(t, authorize("github", p), 400, "")
	}
	for _, path := range []string{"authorize", "token"} {
		assertRefused(t, a.api("POST", "/data-integrations/github/"+path, object{}), 400, "")
	}
	at := start.Add(time.Hour)
	for _, p := range []workos.ConnectedAccountParams{
		{State: "broken"}, {State: workos.ConnectedAccountConnected}, {ExpiresAt: at}, {RefreshToken: "r"}, {AccessToken: "a", ExpiresAt: at},
	} {
		assertCode(t, second(client.ImportConnectedAccount(ctx, id, "github", "", p)), 422, "")
	}
	must(client.ImportConnectedAccount(ctx, id, "github", "", workos.ConnectedAccountParams{}))
	assertCode(t, second(client.UpdateConnectedAccount(ctx, id, "github", "", workos.ConnectedAccountParams{State: workos.ConnectedAccountConnected})), 422, "")

	assert.Panics(t, func() { a.AddDataProvider(authkittest.DataProvider{Slug: "github"}) })
	assert.Panics(t, func() { a.AddDataProvider(authkittest.DataProvider{}) })
	assert.Panics(t, func() { a.ConnectAccount("nina@example.com", "github", "") })
	assert.Panics(t, func() { a.ConnectAccount(ada, "slack", "") })
	assert.Panics(t, func() { a.ConnectAccount(ada, "github", studio) })
}

func TestNoPageAndNoEventHasTheTokenOfAConnectedAccount(t *testing.T) {
	a := newPipes(t)
	ctx, client, id := context.Background(), a.workos(), a.userID(ada)
	b := authkittest.NewBrowser()
	t.Cleanup(b.CloseIdleConnections)
	page := a.get(b, must(client.AuthorizeConnectedAccount(ctx, "github", workos.AuthorizeConnectedAccountParams{UserID: id})))
	done := a.press(b, "Connect", url.Values{})
	token := must(client.GetConnectedAccountToken(ctx, id, "github", "")).AccessToken
	events, err := json.Marshal(a.Events())
	require.NoError(t, err)
	_, account := a.send("GET", userManagement+"/users/"+id+"/connected_accounts/github", nil)
	_, providers := a.send("GET", userManagement+"/users/"+id+"/data_providers", nil)
	for _, text := range []string{page.Body, done.Body, string(events), account, providers} {
		assert.NotContains(t, text, token)
		assert.False(t, strings.Contains(text, "oauth_refresh_"))
	}
}
