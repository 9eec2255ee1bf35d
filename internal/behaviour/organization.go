// An application whose signed-in user switches between organizations.

package behaviour

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// NewSwitchingApp returns an application in which kim is a member of org_acme, org_beta and org_gamma. A sign-in selects
// org_acme.
func NewSwitchingApp(t *testing.T, opts ...authkit.Option) *App {
	return newSwitchingAppWithClock(t, nil, opts...)
}

// newSwitchingAppWithClock is NewSwitchingApp with an observed clock. nil stands for a FakeClock.
func newSwitchingAppWithClock(t *testing.T, clock *observedClock, opts ...authkit.Option) *App {
	a := NewApp(t, AppOptions{Clock: clock, AuthKit: opts, Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("POST /organization", a.SwitchOrganization())
		mux.HandleFunc("/me", func(w http.ResponseWriter, r *http.Request) { json.NewEncoder(w).Encode(meOf(r)) })
		mux.HandleFunc("/switcher", func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte(`<form method="post" action="/organization"><input type="hidden" name="return_to" value="/account?x=1">` +
				`<button name="organization_id" value="org_beta">Beta</button></form>`))
		})
	}})
	a.Fake.UpdateUser(Kim, func(p *authkittest.User) {
		p.Memberships = append(p.Memberships,
			authkittest.Membership{OrganizationID: "org_beta", Role: "viewer", Permissions: []string{"posts:read"}},
			authkittest.Membership{OrganizationID: "org_gamma", Role: "editor"})
	})
	return a
}

// meOf returns what the handler of /me sees of the session; an empty map for an anonymous request.
func meOf(r *http.Request) map[string]any {
	s, ok := sessionOf(r)
	if !ok {
		return map[string]any{}
	}
	return map[string]any{"organization": s.OrganizationID(), "role": s.Role(), "permissions": s.Permissions(), "session": s.ID()}
}

// Me returns what /me answers to a request with this Cookie header.
func (a *App) Me(cookie string) map[string]any {
	var me map[string]any
	require.NoError(a.T, json.Unmarshal([]byte(a.Send(Request{Target: "/me", Cookie: cookie}).Body), &me))
	return me
}

// SwitchTo posts the form that switches the organization, with this header.
func (a *App) SwitchTo(organization, cookie string, header http.Header) Response {
	a.T.Helper()
	return a.Send(Request{
		Method: "POST", Target: "/organization", Cookie: cookie, Header: header,
		Form: url.Values{"organization_id": {organization}, "return_to": {"/account"}},
	})
}

// AcmeCookie signs kim in to org_acme and returns the Cookie header of the session.
func (a *App) AcmeCookie() string {
	a.T.Helper()
	b := a.Browser()
	_, err := b.SignIn(a.URL+"/login", Kim)
	require.NoError(a.T, err)
	cookie := b.CookieHeader()
	require.Equal(a.T, "org_acme", a.Me(cookie)["organization"])
	return cookie
}
