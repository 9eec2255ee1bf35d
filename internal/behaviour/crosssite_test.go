// Forms on other sites' pages: line 5 of the list.

package behaviour

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestAFormOnAnotherSitesPageSwitchesNobodysOrganization(t *testing.T) {
	m := newPlainApp(t)
	m.Fake.UpdateUser(Kim, func(p *authkittest.User) {
		p.Memberships = append(p.Memberships, authkittest.Membership{OrganizationID: "org_beta", Role: "viewer"})
	})
	cookie := m.signIn(Kim)
	organization := func() string {
		_, rest, _ := strings.Cut(m.Send(Request{Target: "/api/me", Cookie: cookie, Header: Scripted()}).Body, `"organization_id":"`)
		id, _, _ := strings.Cut(rest, `"`)
		return id
	}
	was := organization()
	other := map[string]string{"org_acme": "org_beta", "org_beta": "org_acme"}[was]
	require.NotEmpty(t, other)
	for name, header := range fromElsewhere {
		t.Run(name, func(t *testing.T) {
			header := maps.Clone(header)
			maps.Copy(header, Navigation())
			resp := m.Send(Request{Method: "POST", Target: "/organization", Cookie: cookie, Header: header, Form: url.Values{"organization_id": {other}}})
			assert.Equal(t, http.StatusForbidden, resp.Status)
			assert.Empty(t, resp.Header["Set-Cookie"])
			assert.Equal(t, was, organization())
		})
	}
	for _, method := range []string{"GET", "HEAD", "PUT"} {
		assert.Equal(t, http.StatusMethodNotAllowed, m.Send(Request{Method: method, Target: "/organization?organization_id=" + other, Cookie: cookie}).Status)
	}
	assert.Zero(t, m.Fake.Calls(authkittest.RouteRefresh))

	own := with(with(Navigation(), "Origin", m.URL), "Sec-Fetch-Site", "same-origin")
	for hostile, want := range map[string]string{"//evil.example": "/", `/\evil.example`: "/", "/account": "/account"} {
		resp := m.Send(Request{Method: "POST", Target: "/organization", Cookie: cookie, Header: own, Form: url.Values{
			"organization_id": {other}, "return_to": {hostile},
		}})
		require.Equal(t, http.StatusSeeOther, resp.Status)
		assert.Equal(t, want, resp.Header.Get("Location"))
		cookie = resp.session(t)
		assert.Equal(t, other, organization(), "the application's own form does")
		was, other = other, was
	}
}
