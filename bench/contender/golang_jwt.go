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

// golangClaims are the decoded claims of a token.
type golangClaims struct {
	jwt.RegisteredClaims
	customClaims
}

// golangJWT parses a bearer token with keyfunc's key function.
func golangJWT() Contender {
	return Contender{
		Name:    "golang-jwt",
		Title:   "golang-jwt + keyfunc",
		Modules: []string{"github.com/golang-jwt/jwt/v5", "github.com/MicahParks/keyfunc/v3"},
		What:    "`jwt.ParseWithClaims` verifies the bearer token with `keyfunc.NewDefaultCtx`. The token contains no profile.",
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
						next.ServeHTTP(w, withUser(r, &claims))
					})
				},
				user: func(r *http.Request) string {
					claims, ok := userFrom[*golangClaims](r)
					if !ok {
						return ""
					}
					return claims.Subject
				},
			}, nil
		},
	}
}
