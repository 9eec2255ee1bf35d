// Widget tokens on the wire.

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
	"CreateWidgetToken of a user": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateWidgetToken(ctx, workos.CreateWidgetTokenParams{UserID: "user_01A"})
		},
		method: "POST", path: "/widgets/token", body: `{"user_id":"user_01A"}`,
		status: 201, response: `{"token":"widget-token"}`, required: []string{"token"}, want: "widget-token", errors: hostedErrors,
	},
}
