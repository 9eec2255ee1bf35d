// The settings of the environment on the wire.

package workos_test

import (
	"context"
	"slices"

	"github.com/authkit-go/authkit/workos"
)

const (
	redirectURIJSON = `{"object":"redirect_uri","id":"redirect_uri_01A","uri":"https://app.acme.test/callback","default":true,` + timesJSON + `}`
	corsOriginJSON  = `{"object":"cors_origin","id":"cors_origin_01A","origin":"https://app.acme.test",` + timesJSON + `}`
	jwtTemplateJSON = `{"object":"jwt_template","content":"{\"plan\": {{user.metadata.plan}}}",` + timesJSON + `}`
)

var (
	registeredURI = workos.RedirectURI{
		ID: "redirect_uri_01A", URI: "https://app.acme.test/callback", Default: true, CreatedAt: created, UpdatedAt: updated,
	}
	corsOrigin  = workos.CORSOrigin{ID: "cors_origin_01A", Origin: "https://app.acme.test", CreatedAt: created, UpdatedAt: updated}
	jwtTemplate = workos.JWTTemplate{Content: `{"plan": {{user.metadata.plan}}}`, CreatedAt: created, UpdatedAt: updated}
)

var environmentCalls = map[string]wire{
	"CreateRedirectURI": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateRedirectURI(ctx, "https://app.acme.test/callback")
		},
		method: "POST", path: "/user_management/redirect_uris", body: `{"uri":"https://app.acme.test/callback"}`,
		status: 201, response: redirectURIJSON, required: []string{"id"}, want: &registeredURI, errors: slices.Concat(readErrors, bare(400, 422)),
	},
	"ListRedirectURIs": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListRedirectURIs(ctx, workos.Paging{PageSize: 100}))
		},
		method: "GET", path: "/user_management/redirect_uris", query: "limit=100",
		status: 200, response: listOf(redirectURIJSON), required: listRequired, want: []workos.RedirectURI{registeredURI}, errors: readErrors,
	},
	"DeleteRedirectURI": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.DeleteRedirectURI(ctx, "redirect_uri_01A"))
		},
		method: "DELETE", path: "/user_management/redirect_uris/redirect_uri_01A", status: 204, errors: slices.Concat(readErrors, bare(409)),
	},
	"CreateCORSOrigin": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateCORSOrigin(ctx, "https://app.acme.test")
		},
		method: "POST", path: "/user_management/cors_origins", body: `{"origin":"https://app.acme.test"}`,
		status: 201, response: corsOriginJSON, required: []string{"id"}, want: &corsOrigin,
		errors: slices.Concat(readErrors, plain(409, nil, "duplicate_cors_origin"), []errorResponse{{status: 422, body: `{"message":"No.","errors":["No."]}`}}),
	},
	"ListCORSOrigins": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListCORSOrigins(ctx, workos.Paging{}))
		},
		method: "GET", path: "/user_management/cors_origins",
		status: 200, response: listOf(corsOriginJSON), required: listRequired, want: []workos.CORSOrigin{corsOrigin}, errors: readErrors,
	},
	"GetJWTTemplate": {
		call:   func(ctx context.Context, c *workos.Client) (any, error) { return c.GetJWTTemplate(ctx) },
		method: "GET", path: "/user_management/jwt_template",
		status: 200, response: jwtTemplateJSON, required: []string{"content"}, want: &jwtTemplate, errors: readErrors,
	},
	"UpdateJWTTemplate": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.UpdateJWTTemplate(ctx, `{"plan": {{user.metadata.plan}}}`)
		},
		method: "PUT", path: "/user_management/jwt_template", body: `{"content":"{\"plan\": {{user.metadata.plan}}}"}`,
		status: 200, response: jwtTemplateJSON, required: []string{"content"}, want: &jwtTemplate, errors: readErrors,
	},
}
