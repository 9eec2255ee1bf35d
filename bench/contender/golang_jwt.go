// golang-jwt/jwt with MicahParks/keyfunc.

package contender

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

// golangClaims are what is decoded of a token.
type golangClaims struct {
	jwt.RegisteredClaims
	rights
}

// golangJWT is a bearer token, parsed with the key function that keyfunc makes of a key set.
func golangJWT() Contender {
	return Contender{
		Name:    "golang-jwt",
		Title:   "golang-jwt + keyfunc",
		Modules: []string{"github.com/golang-jwt/jwt/v5", "github.com/MicahParks/keyfunc/v3"},
		What:    "`jwt.ParseWithClaims` verifies the bearer token with `keyfunc.NewDefaultCtx`. There is no profile in it.",
		Refuses: Forgeries,
		setUp: func(ctx context.Context, a *authority) (*setup, error) {
			keys, err := keyfunc.NewDefaultCtx(ctx, []string{a.jwksURL()})
			if err != nil {
				return nil, fmt.Errorf("fetch the key set: %w", err)
			}
			parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(a.issuer()),
				jwt.WithAudience(a.clientID), jwt.WithExpirationRequired())
			return &setup{
				header: "Authorization",
				issue:  bearer,
				wrap: func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
						if !ok {
							refuse(w)
							return
						}
						var claims golangClaims
						if _, err := parser.ParseWithClaims(text, &claims, keys.Keyfunc); err != nil {
							refuse(w)
							return
						}
						next.ServeHTTP(w, tellUser(r, &claims))
					})
				},
				user: func(r *http.Request) string {
					claims, ok := toldUser[*golangClaims](r)
					if !ok {
						return ""
					}
					return claims.Subject
				},
			}, nil
		},
	}
}
