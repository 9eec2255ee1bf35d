// Widget tokens and links to the Admin Portal on the wire.

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
	"CreateWidgetToken of a user": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateWidgetToken(ctx, workos.CreateWidgetTokenParams{UserID: "user_01A"})
		},
		method: "POST", path: "/widgets/token", body: `{"user_id":"user_01A"}`,
		status: 201, response: `{"token":"widget-token"}`, required: []string{"token"}, want: "widget-token", errors: hostedErrors,
	},
}
