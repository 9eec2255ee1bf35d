// An example of an application whose hosts belong to organizations.

package authkit_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/authkit-go/authkit"
)

// Each customer has a host. The application lists the hosts, since a client chooses the Host header. A sign-in
// uses the redirect URL and the organization of its host, and the guard passes only sessions of that organization.
func ExampleAuthKit_RequireOrganizationFunc() {
	organizations := map[string]string{"acme.example.com": "org_acme", "globex.example.com": "org_globex"}
	organization := func(r *http.Request) string { return organizations[r.Host] }
	ak := exampleAuthKit(
		authkit.WithRedirectURL("https://app.example.com/callback", "https://acme.example.com/callback", "https://globex.example.com/callback"),
		authkit.WithLoginFunc(func(r *http.Request) authkit.LoginParams {
			return authkit.LoginParams{Organization: organization(r)}
		}),
	)
	orders := ak.RequireOrganizationFunc(organization)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "the orders of ", organization(r))
	}))

	// An anonymous visitor of acme.example.com is sent to sign in there.
	r := httptest.NewRequest("GET", "https://acme.example.com/orders", nil)
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	orders.ServeHTTP(w, r)
	location, _ := url.Parse(w.Header().Get("Location"))
	fmt.Println(w.Code, location.Query().Get("redirect_uri"), location.Query().Get("organization_id"))

	// A session of Acme passes at the host of Acme alone.
	acme := authkit.NewSession(authkit.SessionParams{OrganizationID: "org_acme"})
	for _, host := range []string{"acme.example.com", "globex.example.com", "unknown.example.com"} {
		r := httptest.NewRequest("GET", "https://"+host+"/orders", nil)
		w := httptest.NewRecorder()
		orders.ServeHTTP(w, r.WithContext(authkit.NewContext(r.Context(), acme)))
		fmt.Println(host, w.Code)
	}
	// Output:
	// 303 https://acme.example.com/callback org_acme
	// acme.example.com 200
	// globex.example.com 403
	// unknown.example.com 403
}
