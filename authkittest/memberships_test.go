// API calls for organization memberships.

package authkittest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

const memberships = userManagement + "/organization_memberships"

func TestAMembershipIsCreatedChangedAndDeleted(t *testing.T) {
	a := newApp(t, authkittest.WithRole("admin", "posts:read", "posts:write"), authkittest.WithRole("billing", "invoices:read", "posts:read"))
	dev, press := a.userID("dev@example.com"), a.Organizations()[0]
	created := a.mustCall(http.StatusCreated, http.MethodPost, memberships, object{"user_id": dev, "organization_id": press.ID, "role_slug": "admin"})
	id := created["id"].(string)
	user := created["user"].(object)
	delete(created, "user")
	assert.Equal(t, dev, user["id"])
	assert.Equal(t, object{
		"object": "organization_membership", "id": id, "user_id": dev, "organization_id": press.ID, "organization_name": press.Name,
		"status": "active", "directory_managed": false, "role": object{"slug": "admin"}, "roles": []any{object{"slug": "admin"}},
		"custom_attributes": object{}, "created_at": "2026-05-04T10:00:00.000Z", "updated_at": "2026-05-04T10:00:00.000Z",
	}, created)

	changed := a.mustCall(http.StatusOK, http.MethodPut, memberships+"/"+id, object{"role_slugs": []string{"billing", "admin"}})
	assert.Equal(t, object{"slug": "billing"}, changed["role"])
	assert.Equal(t, []any{object{"slug": "billing"}, object{"slug": "admin"}}, changed["roles"])
	claims, err := a.claims(a.signIn("Dev Patel").text("access_token"))
	require.NoError(t, err)
	assert.Equal(t, []any{"invoices:read", "posts:read", "posts:write"}, claims["permissions"], "the permissions of the roles")
	read := a.mustCall(http.StatusOK, http.MethodGet, memberships+"/"+id, nil)
	delete(read, "user") // last_sign_in_at has changed
	delete(changed, "user")
	assert.Equal(t, changed, read)

	a.mustCall(http.StatusOK, http.MethodDelete, memberships+"/"+id, nil)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		assertRefused(t, a.api(method, memberships+"/"+id, nil), http.StatusNotFound, "")
	}
}

func TestAMembershipIsDeactivatedAndReactivated(t *testing.T) {
	a := newApp(t)
	id := a.Users()[0].Memberships[0].ID
	token := a.token(ada)
	put := func(action string) object {
		return a.mustCall(http.StatusOK, http.MethodPut, memberships+"/"+id+"/"+action, nil)
	}
	for range 2 {
		assert.Equal(t, "inactive", put("deactivate")["status"], "the second call changes nothing")
	}
	assertRefused(t, a.refresh(token), http.StatusBadRequest, "organization_membership_not_found")
	for range 2 {
		assert.Equal(t, "active", put("reactivate")["status"])
	}
	put("deactivate")
	again := a.mustCall(http.StatusCreated, http.MethodPost, memberships, object{"user_id": a.userID(ada), "organization_id": a.Organizations()[0].ID})
	assert.Equal(t, id, again["id"], "creating an inactive membership reactivates it")
	assert.Equal(t, object{"slug": "admin"}, again["role"])

	a.UpdateUser(ada, func(p *authkittest.User) { p.Memberships[0].Status = authkittest.MembershipPending })
	assertRefused(t, a.api(http.MethodPut, memberships+"/"+id+"/deactivate", nil), http.StatusBadRequest, "cannot_deactivate_pending_organization_membership")
	assertRefused(t, a.api(http.MethodPut, memberships+"/"+id+"/reactivate", nil), http.StatusBadRequest, "cannot_reactivate_pending_organization_membership")
	assertRefused(t, a.api(http.MethodPut, memberships+"/none/reactivate", nil), http.StatusNotFound, "")
	assertRefused(t, a.api(http.MethodPost, memberships, object{"user_id": a.userID(ada), "organization_id": a.Organizations()[0].ID}),
		http.StatusBadRequest, "cannot_reactivate_pending_organization_membership")
}

func TestInvalidMembershipCallsAreRefused(t *testing.T) {
	a := newApp(t, authkittest.WithRole("admin"), authkittest.WithRole("editor"), authkittest.WithoutMultipleRoles())
	dev, press := a.userID("dev@example.com"), a.Organizations()[0].ID
	for name, c := range map[string]struct {
		body   object
		status int
		code   string
	}{
		"a user who is a member":      {object{"user_id": a.userID(ada)}, http.StatusConflict, "organization_membership_already_exists"},
		"an unknown user":             {object{"user_id": "user_none"}, http.StatusNotFound, ""},
		"an unknown organization":     {object{"organization_id": "org_none"}, http.StatusNotFound, ""},
		"no user":                     {object{"user_id": ""}, 422, "invalid_request_parameters"},
		"no organization":             {object{"organization_id": ""}, 422, "invalid_request_parameters"},
		"an unknown role":             {object{"role_slug": "king"}, 422, "invalid_role"},
		"a role in both members":      {object{"role_slug": "admin", "role_slugs": []string{"admin"}}, 422, "invalid_request_parameters"},
		"no roles at all":             {object{"role_slugs": []string{}}, 422, "invalid_request_parameters"},
		"more roles than are enabled": {object{"role_slugs": []string{"admin", "editor"}}, 422, "multiple_roles_not_enabled"},
	} {
		t.Run(name, func(t *testing.T) {
			body := object{"user_id": dev, "organization_id": press}
			for field, value := range c.body {
				body[field] = value
			}
			assertRefused(t, a.api(http.MethodPost, memberships, body), c.status, c.code)
		})
	}
	id := a.Users()[0].Memberships[0].ID
	assertRefused(t, a.api(http.MethodPut, memberships+"/"+id, object{"role_slug": "king"}), 422, "invalid_role")
	assertRefused(t, a.api(http.MethodPut, memberships+"/"+id, object{"role_slug": 1}), 422, "invalid_request_parameters")
}

func TestMembershipsAreFiltered(t *testing.T) {
	a := newApp(t)
	press, chiara := a.Organizations()[0].ID, a.userID("chiara@example.com")
	a.UpdateUser("chiara@example.com", func(p *authkittest.User) { p.Memberships[0].Status = authkittest.MembershipInactive })
	a.UpdateUser("ben@harborpress.test", func(p *authkittest.User) { p.Memberships[0].Status = authkittest.MembershipPending })
	for query, want := range map[string]int{
		"organization_id=" + press:                                               1,
		"organization_id=" + press + "&statuses=inactive,pending":                2,
		"organization_id=" + press + "&statuses=inactive&statuses=active":        2,
		"organization_id=" + press + "&statuses[]=pending":                       1,
		"user_id=" + chiara:                                                      1,
		"user_id=" + chiara + "&statuses=active,inactive":                        2,
		"user_id=" + chiara + "&organization_id=" + press:                        0,
		"user_id=" + chiara + "&organization_id=" + press + "&statuses=inactive": 1,
	} {
		assert.Len(t, a.mustCall(http.StatusOK, http.MethodGet, memberships+"?"+query, nil)["data"], want, query)
	}
	assertRefused(t, a.api(http.MethodGet, memberships, nil), http.StatusBadRequest, "missing_user_id_or_organization_id")
	assertRefused(t, a.api(http.MethodGet, memberships+"?user_id="+chiara+"&statuses=gone", nil), 422, "invalid_request_parameters")
}
