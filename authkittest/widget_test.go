// Widget tokens and links to the Admin Portal, by the calls of package workos.

package authkittest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

func TestAWidgetTokenIsForAUserAndAnOrganization(t *testing.T) {
	a := newApp(t)
	ctx, client, press, id := context.Background(), a.workos(), a.Organizations()[0].ID, a.userID(ada)
	create := func(userID, organizationID string, scopes ...string) (string, error) {
		return client.CreateWidgetToken(ctx, workos.CreateWidgetTokenParams{UserID: userID, OrganizationID: organizationID, Scopes: scopes})
	}
	token, err := create(id, press, workos.WidgetScopeUsersTable)
	require.NoError(t, err)
	claims, err := a.claims(token)
	require.NoError(t, err)
	assert.Equal(t, id, claims["sub"])
	assert.Equal(t, press, claims["org_id"])
	assert.Equal(t, []any{workos.WidgetScopeUsersTable}, claims["scopes"])
	assert.EqualValues(t, start.Unix()+3600, claims["exp"])
	claims, err = a.claims(must(create(id, "")))
	require.NoError(t, err)
	assert.NotContains(t, claims, "org_id")

	assertCode(t, second(create("user_1", press)), 404, "")
	assertCode(t, second(create(id, "org_1")), 404, "")
	assertCode(t, second(create(id, press, "widgets:all")), 422, "")
	assertCode(t, second(create(a.userID("dev@example.com"), press)), 400, "")
	assertRefused(t, a.api("POST", "/widgets/token", object{"user_id": id, "scopes": []string{workos.WidgetScopeSSO}}), 422, "")
	assertRefused(t, a.api("POST", "/widgets/token", object{}), 422, "")
}

func TestAWidgetsAPITokenIsForAUserInAnOrganization(t *testing.T) {
	a := newApp(t)
	ctx, client, press, id := context.Background(), a.workos(), a.Organizations()[0].ID, a.userID(ada)
	create := func(userID, organizationID string) (string, error) {
		return client.CreateWidgetsAPIToken(ctx, workos.CreateWidgetsAPITokenParams{UserID: userID, OrganizationID: organizationID})
	}
	token, err := create(id, press)
	require.NoError(t, err)
	claims, err := a.claims(token)
	require.NoError(t, err)
	assert.Equal(t, [2]any{id, press}, [2]any{claims["sub"], claims["org_id"]})
	assert.NotContains(t, claims, "scopes")

	assertCode(t, second(create("user_1", press)), 404, "")
	assertCode(t, second(create(id, "org_1")), 404, "")
	assertCode(t, second(create(id, a.Organizations()[1].ID)), 400, "")
	assertRefused(t, a.api("POST", "/client/token", object{"user_id": id}), 422, "")
}

func TestAPortalLinkOpensAPage(t *testing.T) {
	a := newApp(t)
	ctx, client, press := context.Background(), a.workos(), a.Organizations()[0].ID
	create := func(p workos.CreatePortalLinkParams) (string, error) { return client.CreatePortalLink(ctx, p) }
	link := must(create(workos.CreatePortalLinkParams{OrganizationID: press, Intent: workos.PortalIntentSSO, ITContactEmails: []string{ada}}))
	assert.Contains(t, a.get(authkittest.NewBrowser(), link).Body, "Admin Portal")
	assert.NotEqual(t, link, must(create(workos.CreatePortalLinkParams{OrganizationID: press})))

	assertCode(t, second(create(workos.CreatePortalLinkParams{OrganizationID: "org_1"})), 404, "")
	assertCode(t, second(create(workos.CreatePortalLinkParams{OrganizationID: press, Intent: "all"})), 422, "")
	assertCode(t, second(create(workos.CreatePortalLinkParams{OrganizationID: press, ITContactEmails: []string{"ada"}})), 422, "")
	assertRefused(t, a.api("POST", "/portal/generate_link", object{}), 422, "")
}
