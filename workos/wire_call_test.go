// Call on the wire, with types of the package and of the caller.

package workos_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/authkit-go/authkit/workos"
)

// callUser makes a Call whose result is a user.
func callUser(method, path string, in any, ids ...string) func(context.Context, *workos.Client) (any, error) {
	return func(ctx context.Context, c *workos.Client) (any, error) {
		var user workos.User
		if err := c.Call(ctx, method, path, in, &user, ids...); err != nil {
			return nil, err
		}
		return &user, nil
	}
}

var callCalls = map[string]wire{
	"Call that reads": {
		call:   callUser(http.MethodGet, "/user_management/users/{user_id}", nil, "user_01A"),
		method: "GET", path: "/user_management/users/user_01A",
		status: 200, response: userJSON, required: userRequired, want: &kim, errors: readErrors,
	},
	"Call that reads with a query": {
		call: callUser(http.MethodGet, "/v1/user-of.the_day~/{slug}/x/{id}",
			url.Values{"q": {"a b&c=d", "e/../f"}, "order": {"desc"}}, "acme/../kim?x=1#é%2F ", "user_01A"),
		method: "GET", path: "/v1/user-of.the_day~/acme%2F..%2Fkim%3Fx=1%23%C3%A9%252F%20/x/user_01A",
		query:  "order=desc&q=a+b%26c%3Dd&q=e%2F..%2Ff",
		status: 200, response: userJSON, required: userRequired, want: &kim, errors: readErrors,
	},
	"Call that posts a struct": {
		call: callUser(http.MethodPost, "/user_management/users", struct {
			Email    string `json:"email"`
			Password string `json:"password"`
		}{"kim@acme.test", "hunter2-secret"}),
		method: "POST", path: "/user_management/users", body: `{"email":"kim@acme.test","password":"hunter2-secret"}`,
		secrets: []string{"hunter2-secret"}, status: 201, response: userJSON, required: userRequired, want: &kim, errors: newUserErrors,
	},
	"Call that puts JSON text": {
		call:   callUser(http.MethodPut, "/user_management/users/{id}", json.RawMessage(`{"first_name":"Kim","a":[{"b":"deep-secret"}]}`), "user_01A"),
		method: "PUT", path: "/user_management/users/user_01A", body: `{"first_name":"Kim","a":[{"b":"deep-secret"}]}`,
		secrets: []string{"deep-secret"}, status: 200, response: userJSON, required: userRequired, want: &kim, errors: readErrors,
	},
	"Call that posts without a body": {
		call:   callUser(http.MethodPost, "/things/{id}/accept", nil, "thing_01A"),
		method: "POST", path: "/things/thing_01A/accept",
		status: 200, response: userJSON, required: userRequired, want: &kim, errors: readErrors,
	},
	"Call that patches with a query": {
		call: callUser(http.MethodPatch, "/things/{id}", workos.QueryAndBody{
			Query: url.Values{"organization_id": {"org_01A"}}, Body: map[string]any{"name": "x"},
		}, "thing_01A"),
		method: "PATCH", path: "/things/thing_01A", query: "organization_id=org_01A", body: `{"name":"x"}`,
		status: 200, response: userJSON, required: userRequired, want: &kim, errors: readErrors,
	},
	"Call that deletes": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.Call(ctx, http.MethodDelete, "/things/{id}", url.Values{"cascade_delete": {"true"}}, nil, "thing_01A"))
		},
		method: "DELETE", path: "/things/thing_01A", query: "cascade_delete=true", status: 204, errors: readErrors,
	},
	"Call that deletes with a body": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.Call(ctx, http.MethodDelete, "/lists/{type}/{action}", map[string]string{"entry": "entry-secret"}, nil, "ip_address", "block"))
		},
		method: "DELETE", path: "/lists/ip_address/block", body: `{"entry":"entry-secret"}`, secrets: []string{"entry-secret"}, status: 204, errors: readErrors,
	},
}
