// Authorized applications on the wire.

package workos_test

import (
	"context"

	"github.com/authkit-go/authkit/workos"
)

const authorizedApplicationJSON = `{"object":"authorized_connect_application","id":"authorized_connect_app_01A",
	"granted_scopes":["openid","email"],"oauth_resource":"https://mcp.acme.test","user_id":"user_01A","application":{
		"object":"connect_application","id":"conn_app_01A","client_id":"client_01B","name":"Notes","description":"Takes notes",
		"scopes":["openid","email","profile"],"application_type":"oauth","redirect_uris":[{"uri":"https://notes.test/callback","default":true}],
		"uses_pkce":true,"is_first_party":true,"was_dynamically_registered":true,"organization_id":"org_01A",` + timesJSON + `}}`

var (
	authorizedApplication = workos.AuthorizedApplication{
		ID: "authorized_connect_app_01A", GrantedScopes: []string{"openid", "email"}, OAuthResource: "https://mcp.acme.test", UserID: "user_01A",
		Application: workos.ConnectApplication{
			ID: "conn_app_01A", ClientID: "client_01B", Name: "Notes", Description: "Takes notes", Type: "oauth",
			Scopes: []string{"openid", "email", "profile"}, OrganizationID: "org_01A",
			RedirectURIs: []workos.ConnectRedirectURI{{URI: "https://notes.test/callback", Default: true}},
			UsesPKCE:     true, IsFirstParty: true, WasDynamicallyRegistered: true, CreatedAt: created, UpdatedAt: updated,
		},
	}
	authorizedApplicationRequired = append(listRequired[:len(listRequired):len(listRequired)], "data.0.application", "data.0.application.id")
)

var authorizedApplicationCalls = map[string]wire{
	"ListUserAuthorizedApplications": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListUserAuthorizedApplications(ctx, "user_01A", workos.Paging{PageSize: 50}))
		},
		method: "GET", path: "/user_management/users/user_01A/authorized_applications", query: "limit=50",
		status: 200, response: listOf(authorizedApplicationJSON), required: authorizedApplicationRequired,
		want: []workos.AuthorizedApplication{authorizedApplication}, errors: readErrors,
	},
	"ListOrganizationAuthorizedApplications": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListOrganizationAuthorizedApplications(ctx, "org_01A", workos.Paging{}))
		},
		method: "GET", path: "/organizations/org_01A/authorized_applications",
		status: 200, response: listOf(authorizedApplicationJSON), required: authorizedApplicationRequired,
		want: []workos.AuthorizedApplication{authorizedApplication}, errors: readErrors,
	},
	"DeleteUserAuthorizedApplication": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.DeleteUserAuthorizedApplication(ctx, "user_01A", "conn_app_01A"))
		},
		method: "DELETE", path: "/user_management/users/user_01A/authorized_applications/conn_app_01A", status: 204, errors: readErrors,
	},
}
