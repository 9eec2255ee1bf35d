// coreos/go-oidc.

package contender

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
)

// oidcUser is what is kept of a token.
type oidcUser struct {
	*oidc.IDToken
	rights rights
}

// goOIDC is a bearer token, verified as an ID token is by the verifier of a discovered provider.
func goOIDC() Contender {
	return Contender{
		Name:    "go-oidc",
		Title:   "go-oidc",
		Modules: []string{"github.com/coreos/go-oidc/v3"},
		What:    "`IDTokenVerifier.Verify` verifies the bearer token, `Claims` decodes the rights in it. There is no profile in it.",
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
						who := &oidcUser{IDToken: verified}
						if err := verified.Claims(&who.rights); err != nil {
							refuse(w)
							return
						}
						next.ServeHTTP(w, tellUser(r, who))
					})
				},
				user: func(r *http.Request) string {
					who, ok := toldUser[*oidcUser](r)
					if !ok {
						return ""
					}
					return who.Subject
				},
			}, nil
		},
	}
}
