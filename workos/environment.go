// Settings of the environment: redirect URIs, CORS origins and the JWT template.

package workos

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"time"
)

// RedirectURI is an address that a sign-in may return to.
//
// See https://workos.com/docs/reference/authkit/redirect-uri
type RedirectURI struct {
	ID        string    `json:"id"`
	URI       string    `json:"uri"`
	Default   bool      `json:"default"` // the default redirect URI of the application
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// CORSOrigin is an origin from which a browser may call the API of WorkOS.
//
// See https://workos.com/docs/reference/authkit/cors-origin
type CORSOrigin struct {
	ID        string    `json:"id"`
	Origin    string    `json:"origin"` // such as "https://app.example.com"
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// JWTTemplate is the template that adds claims to the access tokens of the environment.
//
// See https://workos.com/docs/authkit/jwt-templates
type JWTTemplate struct {
	Content   string    `json:"content"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

const (
	redirectURIsPath = "/user_management/redirect_uris"
	corsOriginsPath  = "/user_management/cors_origins"
	jwtTemplatePath  = "/user_management/jwt_template"
)

// CreateRedirectURI registers an address that a sign-in may return to.
//
// See https://workos.com/docs/reference/authkit/redirect-uri
func (c *Client) CreateRedirectURI(ctx context.Context, uri string) (*RedirectURI, error) {
	return fetch[RedirectURI](ctx, c, call{
		method: http.MethodPost,
		path:   redirectURIsPath,
		body: struct {
			URI string `json:"uri"`
		}{uri},
		required: []argument{{"uri", uri}},
	})
}

// ListRedirectURIs lists the registered redirect URIs.
//
// See https://workos.com/docs/reference/authkit/redirect-uri
func (c *Client) ListRedirectURIs(ctx context.Context, p Paging) iter.Seq2[RedirectURI, error] {
	return list[RedirectURI](ctx, c, call{path: redirectURIsPath}, p)
}

// DeleteRedirectURI removes a redirect URI. Sign-ins that are under way to it fail. If WorkOS refuses it, the error has the
// status 409 and no code.
//
// See https://workos.com/docs/reference/authkit/redirect-uri
func (c *Client) DeleteRedirectURI(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: redirectURIsPath + "/{redirect_uri_id}", ids: []string{id}}, nil)
}

// CreateCORSOrigin lets browsers call the API of WorkOS from an origin. If the origin is registered already, the error has the
// status 409.
//
// See https://workos.com/docs/reference/authkit/cors-origin
func (c *Client) CreateCORSOrigin(ctx context.Context, origin string) (*CORSOrigin, error) {
	return fetch[CORSOrigin](ctx, c, call{
		method: http.MethodPost,
		path:   corsOriginsPath,
		body: struct {
			Origin string `json:"origin"`
		}{origin},
		required: []argument{{"origin", origin}},
	})
}

// ListCORSOrigins lists the registered origins. The API has no call that removes one.
//
// See https://workos.com/docs/reference/authkit/cors-origin
func (c *Client) ListCORSOrigins(ctx context.Context, p Paging) iter.Seq2[CORSOrigin, error] {
	return list[CORSOrigin](ctx, c, call{path: corsOriginsPath}, p)
}

// GetJWTTemplate returns the JWT template of the environment. If the environment has no template, [IsNotFound] reports true for the error.
//
// See https://workos.com/docs/authkit/jwt-templates
func (c *Client) GetJWTTemplate(ctx context.Context) (*JWTTemplate, error) {
	return fetch[JWTTemplate](ctx, c, call{method: http.MethodGet, path: jwtTemplatePath})
}

// UpdateJWTTemplate replaces the JWT template of the environment. Tokens that were issued before keep their claims. The template
// without claims is "{}".
//
// See https://workos.com/docs/authkit/jwt-templates
func (c *Client) UpdateJWTTemplate(ctx context.Context, content string) (*JWTTemplate, error) {
	return fetch[JWTTemplate](ctx, c, call{
		method: http.MethodPut,
		path:   jwtTemplatePath,
		body: struct {
			Content string `json:"content"`
		}{content},
		required: []argument{{"content", content}},
	})
}

func (r *RedirectURI) validate() error { return requireID(r.ID) }
func (o *CORSOrigin) validate() error  { return requireID(o.ID) }

func (t *JWTTemplate) validate() error {
	if t.Content == "" {
		return errors.New("missing content")
	}
	return nil
}
