// coreos/go-oidc.

package contender

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
)

// oidcUser is a verified token with its custom claims.
type oidcUser struct {
	*oidc.IDToken
	claims customClaims
}

// goOIDC verifies a bearer token like an ID token, with the verifier of a discovered provider.
func goOIDC() Contender {
	return Contender{
		Name:    "go-oidc",
		Title:   "go-oidc",
		Modules: []string{"github.com/coreos/go-oidc/v3"},
		What:    "`IDTokenVerifier.Verify` verifies the bearer token, `Claims` decodes its custom claims. The token contains no profile.",
		Refuses: Forgeries,
		setUp: func(ctx context.Context, a *authority) (*setup, error) {
			provider, err := oidc.NewProvider(ctx, a.issuer())
			if err != nil {
				return nil, fmt.Errorf("discover the provider: %w", err)
			}
			verifier := provider.Verifier(&oidc.Config{ClientID: a.clientID})
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
						verified, err := verifier.Verify(r.Context(), text)
						if err != nil {
							refuse(w)
							return
						}
						user := &oidcUser{IDToken: verified}
						if err := verified.Claims(&user.claims); err != nil {
							refuse(w)
							return
						}
						next.ServeHTTP(w, withUser(r, user))
					})
				},
				user: func(r *http.Request) string {
					user, ok := userFrom[*oidcUser](r)
					if !ok {
						return ""
					}
					return user.Subject
				},
			}, nil
		},
	}
}
