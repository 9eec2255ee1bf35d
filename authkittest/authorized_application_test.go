// Authorized applications, by the calls of package workos.

package authkittest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

func TestAuthorizedApplicationsAreListedAndDeleted(t *testing.T) {
	a := newApp(t)
	ctx, client, press, id := context.Background(), a.workos(), a.Organizations()[0].ID, a.userID(ada)
	notes := a.AuthorizeApplication(ada, authkittest.AuthorizedApplication{Name: "Notes", Scopes: []string{"openid"}, OAuthResource: "https://mcp.acme.test"})
	reports := a.AuthorizeApplication(ada, authkittest.AuthorizedApplication{Name: "Reports", OrganizationID: press})
	a.AuthorizeApplication("dev@example.com", authkittest.AuthorizedApplication{Name: "Notes"})

	want := workos.AuthorizedApplication{
		ID: notes.ID, GrantedScopes: []string{"openid"}, OAuthResource: "https://mcp.acme.test",
		Application: workos.ConnectApplication{
			ID: notes.ApplicationID, ClientID: notes.ClientID, Name: "Notes", Type: "oauth", Scopes: []string{"openid"},
			RedirectURIs: []workos.ConnectRedirectURI{}, UsesPKCE: true, IsFirstParty: true, CreatedAt: start, UpdatedAt: start,
		},
	}
	got := collect(t, client.ListUserAuthorizedApplications(ctx, id, workos.Paging{PageSize: 1}))
	require.Len(t, got, 2)
	assert.Equal(t, want, got[1])
	assert.Equal(t, press, got[0].Application.OrganizationID)
	assert.False(t, got[0].Application.IsFirstParty)
	want.UserID = id
	got = collect(t, client.ListOrganizationAuthorizedApplications(ctx, press, workos.Paging{Order: workos.OrderAscending}))
	require.Len(t, got, 2, "only those of its members")
	assert.Equal(t, want, got[0])

	require.NoError(t, client.DeleteUserAuthorizedApplication(ctx, id, notes.ApplicationID))
	assertCode(t, client.DeleteUserAuthorizedApplication(ctx, id, notes.ApplicationID), 404, "")
	require.NoError(t, client.DeleteUserAuthorizedApplication(ctx, id, reports.ClientID))
	assert.Empty(t, collect(t, client.ListUserAuthorizedApplications(ctx, id, workos.Paging{})))
	assertCode(t, client.DeleteUserAuthorizedApplication(ctx, "user_1", notes.ApplicationID), 404, "")
	a.DeleteUser("dev@example.com")
	assert.Empty(t, collect(t, client.ListOrganizationAuthorizedApplications(ctx, press, workos.Paging{})), "a deleted user has none")
	for _, err := range client.ListUserAuthorizedApplications(ctx, "user_1", workos.Paging{}) {
		assertCode(t, err, 404, "")
	}
	for _, err := range client.ListOrganizationAuthorizedApplications(ctx, "org_1", workos.Paging{}) {
		assertCode(t, err, 404, "")
	}
}
