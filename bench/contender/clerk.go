// clerk/clerk-sdk-go.

package contender

import (
	"context"
	"net/http"

	clerksdk "github.com/clerk/clerk-sdk-go/v2"
	clerkhttp "github.com/clerk/clerk-sdk-go/v2/http"
	clerkjwks "github.com/clerk/clerk-sdk-go/v2/jwks"
)

// clerk is Clerk's middleware, with the authority as Clerk's API. Only with the option for a proxy does it accept an
// issuer other than Clerk.
func clerk() Contender {
	return Contender{
		Name:    "clerk",
		Title:   "clerk-sdk-go",
		Modules: []string{"github.com/clerk/clerk-sdk-go/v2"},
		What:    "`RequireHeaderAuthorization` verifies the bearer token with its cached keys. Its sessions have no audience and no profile.",
		Refuses: []Forgery{Signature, Expiry, Issuer, Integrity},
		setUp: func(_ context.Context, a *authority) (*setup, error) {
			config := &clerksdk.ClientConfig{}
			config.URL = clerksdk.String(a.url())
			config.Key = clerksdk.String("sk_test_benchmark")
			return &setup{
				header: "Authorization",
				issue:  bearer,
				wrap: clerkhttp.RequireHeaderAuthorization(
					clerkhttp.JWKSClient(clerkjwks.NewClient(config)), clerkhttp.ProxyURL(a.issuer())),
				user: func(r *http.Request) string {
					claims, ok := clerksdk.SessionClaimsFromContext(r.Context())
					if !ok {
						return ""
					}
					return claims.Subject
				},
			}, nil
		},
	}
}
