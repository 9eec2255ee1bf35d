// An application with several hosts, of which one belongs to an organization.

package browser_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func TestASignInReturnsToTheHostOnWhichItStarted(t *testing.T) {
	t.Parallel()
	var a *app
	organization := func(r *http.Request) string {
		host, _, _ := strings.Cut(r.Host, ":")
		return map[string]string{"acme.localhost": "org_acme"}[host]
	}
	a = newApp(t, appOptions{
		host: "app.localhost", others: []string{"acme.localhost"},
		authkit: []authkit.Option{authkit.WithLoginFunc(func(r *http.Request) authkit.LoginParams {
			return authkit.LoginParams{Organization: organization(r)}
		})},
		wrap: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/tenant" {
					next.ServeHTTP(w, r)
					return
				}
				a.RequireOrganizationFunc(organization)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					s, _ := authkit.FromContext(r.Context())
					page(w, s.User().Email+" in "+s.OrganizationID(), `<form method="post" action="/logout"><button>Sign out</button></form>`)
				})).ServeHTTP(w, r)
			})
		},
	})
	acme := a.at("acme.localhost")
	b := open(t)
	b.Visit(acme + "/tenant?tab=1")
	b.Sees("Sign in")
	b.Click("Kim Oduya")
	b.Sees(kim + " in org_acme")
	assert.Equal(t, acme+"/tenant?tab=1", b.URL())
	ofAcme := a.newest()

	// The other host has a session of its own, and no organization.
	b.Visit(a.url + "/")
	b.Sees("Home of an anonymous user")
	assert.Empty(t, b.Cookies())
	b.Visit(a.url + "/account")
	b.Sees("Account of " + kim) // AuthKit knows the user
	assert.Equal(t, a.url+"/account", b.URL())
	ofApp := a.newest()
	require.NotEqual(t, ofAcme.ID, ofApp.ID)
	b.Visit(a.url + "/tenant")
	b.Sees("You can't do this")

	// An expired token is refreshed at each host, in the organization of its session.
	a.clock.Advance(6 * time.Minute)
	b.Visit(acme + "/tenant")
	b.Sees(kim + " in org_acme")
	b.Visit(a.url + "/account")
	b.Sees("Account of " + kim)
	assert.Equal(t, 2, a.fake.Calls(authkittest.RouteRefresh))

	// A sign-out returns to its host, and ends the session of that host.
	b.Visit(acme + "/tenant")
	b.Sees(kim + " in org_acme")
	b.Click("Sign out")
	b.Sees("Home of an anonymous user")
	assert.Equal(t, acme+"/", b.URL())
	b.Visit(a.url + "/account")
	b.Sees("Account of " + kim)
	active := map[string]bool{}
	for _, s := range a.fake.Sessions() {
		active[s.ID] = s.Active()
	}
	assert.Equal(t, map[string]bool{ofAcme.ID: false, ofApp.ID: true}, active)
	b.NothingBlocked()
}
