// Widget tokens, links to the Admin Portal and Standalone Connect on the wire.

package workos_test

import (
	"context"
	"slices"

	"github.com/authkit-go/authkit/workos"
)

var hostedErrors = slices.Concat(readErrors, bare(400, 422))

var hostedCalls = map[string]wire{
	"CreateWidgetToken": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateWidgetToken(ctx, workos.CreateWidgetTokenParams{
				UserID: "user_01A", OrganizationID: "org_01A", Scopes: []string{workos.WidgetScopeUsersTable, workos.WidgetScopeSSO},
			})
		},
		method: "POST", path: "/widgets/token",
		body:   `{"user_id":"user_01A","organization_id":"org_01A","scopes":["widgets:users-table:manage","widgets:sso:manage"]}`,
		status: 201, response: `{"token":"widget-token"}`, required: []string{"token"}, want: "widget-token", errors: hostedErrors,
	},
	"CreateWidgetsAPIToken": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateWidgetsAPIToken(ctx, workos.CreateWidgetsAPITokenParams{UserID: "user_01A", OrganizationID: "org_01A"})
		},
		method: "POST", path: "/client/token", body: `{"user_id":"user_01A","organization_id":"org_01A"}`,
		status: 201, response: `{"token":"client-token"}`, required: []string{"token"}, want: "client-token", errors: hostedErrors,
	},
	"CreatePortalLink": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreatePortalLink(ctx, workos.CreatePortalLinkParams{
				OrganizationID: "org_01A", Intent: workos.PortalIntentSSO, ReturnURL: "https://app.acme.test/settings",
				SuccessURL: "https://app.acme.test/done", ITContactEmails: []string{"ops@acme.test"},
			})
		},
		method: "POST", path: "/portal/generate_link",
		body: `{"organization":"org_01A","intent":"sso","return_url":"https://app.acme.test/settings","success_url":"https://app.acme.test/done",
			"it_contact_emails":["ops@acme.test"]}`,
		status: 201, response: `{"link":"https://setup.workos.test/portal/launch?secret=x"}`, required: []string{"link"},
		want: "https://setup.workos.test/portal/launch?secret=x", errors: hostedErrors,
	},
	"CompleteExternalAuth": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CompleteExternalAuth(ctx, workos.CompleteExternalAuthParams{
				ExternalAuthID: "external-secret",
				User: workos.ExternalUser{
					ID: "42", Email: "kim@acme.test", FirstName: "Kim", LastName: "Lee", Name: "Kim Lee", Metadata: map[string]string{"plan": "pro"},
				},
				ConsentOptions: []workos.UserConsentOption{{
					Claim: "workspace", Type: "enum", Label: "Workspace", Choices: []workos.UserConsentOptionChoice{{Value: "w1", Label: "Press"}},
				}},
			})
		},
		method: "POST", path: "/authkit/oauth2/complete",
		body: `{"external_auth_id":"external-secret","user":{"id":"42","email":"kim@acme.test","first_name":"Kim","last_name":"Lee",
			"name":"Kim Lee","metadata":{"plan":"pro"}},"user_consent_options":[{"claim":"workspace","type":"enum","label":"Workspace",
			"choices":[{"value":"w1","label":"Press"}]}]}`,
		secrets: []string{"external-secret"}, status: 200,
		response: `{"redirect_uri":"https://auth.acme.test/oauth/authorize/complete?state=x"}`, required: []string{"redirect_uri"},
		want: "https://auth.acme.test/oauth/authorize/complete?state=x",
		errors: slices.Concat(hostedErrors, plain(400, nil, workos.CodeExternalAuthSessionAlreadyCompleted, workos.CodeUserConsentOptionsNotSupported,
			workos.CodeEmailChangeNotAllowed, workos.CodeEmailNotAvailable, workos.CodeInvalidEmail)),
	},
	"CompleteExternalAuth with the required fields": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CompleteExternalAuth(ctx, workos.CompleteExternalAuthParams{
				ExternalAuthID: "external-secret", User: workos.ExternalUser{ID: "42", Email: "kim@acme.test"},
			})
		},
		method: "POST", path: "/authkit/oauth2/complete", body: `{"external_auth_id":"external-secret","user":{"id":"42","email":"kim@acme.test"}}`,
		secrets: []string{"external-secret"}, status: 200,
		response: `{"redirect_uri":"https://auth.acme.test/oauth/authorize/complete?state=x"}`, required: []string{"redirect_uri"},
		want: "https://auth.acme.test/oauth/authorize/complete?state=x", errors: hostedErrors,
	},
	"CreateWidgetToken of a user": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateWidgetToken(ctx, workos.CreateWidgetTokenParams{UserID: "user_01A"})
		},
		method: "POST", path: "/widgets/token", body: `{"user_id":"user_01A"}`,
		status: 201, response: `{"token":"widget-token"}`, required: []string{"token"}, want: "widget-token", errors: hostedErrors,
	},
}
