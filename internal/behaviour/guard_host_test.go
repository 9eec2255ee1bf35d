// The guard whose organization depends on the request.

package behaviour

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/authkittest"
)

func TestRequireOrganizationFuncPassesOnlyTheOrganizationOfTheRequest(t *testing.T) {
	organizations := map[string]string{"acme.example.com": "org_acme", "globex.example.com": "org_globex", "broken.example.com": "globex"}
	a := NewApp(t, AppOptions{
		Fake: []authkittest.Option{authkittest.WithUsers(authkittest.User{ID: "user_pat", Email: "pat@example.com", FirstName: "Pat",
			Memberships: []authkittest.Membership{{OrganizationID: "org_globex"}}})},
		Routes: func(a *App, mux *http.ServeMux) {
			guard := a.RequireOrganizationFunc(func(r *http.Request) string { return organizations[r.Host] })
			mux.Handle("/tenant", guard(http.HandlerFunc(me)))
		},
	})
	ofAcme, ofGlobex, ofNone := a.SignedIn(Kim).CookieHeader(), a.SignedIn("pat@example.com").CookieHeader(), a.SignedIn(lee).CookieHeader()
	for _, c := range []struct {
		host, session string
		want          int
	}{
		{"acme.example.com", ofAcme, http.StatusOK},
		{"globex.example.com", ofGlobex, http.StatusOK},
		{"acme.example.com", ofGlobex, http.StatusForbidden},
		{"globex.example.com", ofAcme, http.StatusForbidden},
		{"acme.example.com", ofNone, http.StatusForbidden},
		{"unknown.example.com", ofNone, http.StatusForbidden},
		{"unknown.example.com", ofAcme, http.StatusForbidden},
		{"broken.example.com", ofNone, http.StatusForbidden},
		{"broken.example.com", ofGlobex, http.StatusForbidden},
	} {
		resp := a.Send(Request{Target: "/tenant", Cookie: c.session, Header: with(Scripted(), "Host", c.host)})
		assert.Equal(t, c.want, resp.Status, c.host)
		if c.want == http.StatusForbidden {
			assert.Equal(t, "a session in another organization", resp.Problem(t)["missing"])
			resp = a.Send(Request{Target: "/tenant", Cookie: c.session, Header: with(Navigation(), "Host", c.host)})
			assert.Equal(t, http.StatusForbidden, resp.Status)
			assert.Contains(t, resp.Header.Get("Content-Type"), "text/html")
			assert.NotContains(t, resp.Body, "org_", "a user must not learn whose page it is")
		}
	}
	for host := range organizations {
		resp := a.Send(Request{Target: "/tenant", Header: with(Scripted(), "Host", host)})
		assert.Equal(t, http.StatusUnauthorized, resp.Status, host)
		resp = a.Send(Request{Target: "/tenant", Header: with(Navigation(), "Host", host)})
		assert.Equal(t, http.StatusSeeOther, resp.Status, host)
	}
}

func TestRequireOrganizationFuncWithoutAFunctionOrAHandlerPanics(t *testing.T) {
	a := NewApp(t, AppOptions{})
	assert.PanicsWithValue(t, "authkit: RequireOrganizationFunc: the function is nil", func() { a.RequireOrganizationFunc(nil) })
	assert.Panics(t, func() { a.RequireOrganizationFunc(func(*http.Request) string { return "org_acme" })(nil) })
}
