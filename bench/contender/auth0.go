// auth0/go-jwt-middleware.

package contender

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v3"
	"github.com/auth0/go-jwt-middleware/v3/jwks"
	"github.com/auth0/go-jwt-middleware/v3/validator"
)

// Validate implements the interface for custom claims of Auth0's validator.
func (*customClaims) Validate(context.Context) error { return nil }

// auth0 is Auth0's middleware with its caching key provider.
func auth0() Contender {
	return Contender{
		Name:    "auth0",
		Title:   "auth0/go-jwt-middleware",
		Modules: []string{"github.com/auth0/go-jwt-middleware/v3"},
		What:    "`CheckJWT` verifies the bearer token with `jwks.NewCachingProvider` and custom claims. The token contains no profile.",
		Refuses: Forgeries,
		setUp: func(_ context.Context, a *authority) (*setup, error) {
			issuer, err := url.Parse(a.issuer())
			if err != nil {
				return nil, err
			}
			keys, err := jwks.NewCachingProvider(jwks.WithIssuerURL(issuer))
			if err != nil {
				return nil, fmt.Errorf("create the key provider: %w", err)
			}
			v, err := validator.New(
				validator.WithKeyFunc(keys.KeyFunc),
				validator.WithAlgorithm(validator.RS256),
				validator.WithIssuer(a.issuer()),
				validator.WithAudience(a.clientID),
				validator.WithCustomClaims(func() *customClaims { return &customClaims{} }),
			)
			if err != nil {
				return nil, fmt.Errorf("create the validator: %w", err)
			}
			middleware, err := jwtmiddleware.New(jwtmiddleware.WithValidator(v))
			if err != nil {
				return nil, fmt.Errorf("create the middleware: %w", err)
			}
			return &setup{
				header: "Authorization",
				issue:  bearer,
				wrap:   middleware.CheckJWT,
				user: func(r *http.Request) string {
					claims, err := jwtmiddleware.GetClaims[*validator.ValidatedClaims](r.Context())
					if err != nil {
						return ""
					}
					return claims.RegisteredClaims.Subject
				},
			}, nil
		},
	}
}
