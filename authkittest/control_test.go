// The control handler of a fake for other processes.

package authkittest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// control serves the control handler and returns its URL.
func (a *app) control() string {
	server := httptest.NewServer(a.Control())
	a.Cleanup(server.Close)
	return server.URL
}

// document decodes the body of a response of the control handler.
func document[T any](t *testing.T, r *http.Response, err error) (body T) {
	t.Helper()
	require.NoError(t, err)
	defer r.Body.Close()
	require.NoError(t, json.NewDecoder(r.Body).Decode(&body))
	return body
}

func TestTheControlHandlerReturnsCounts(t *testing.T) {
	a := newApp(t)
	a.refresh(a.signIn("Ada").text("refresh_token"))
	r, err := http.Get(a.control() + "/counts")
	assert.Equal(t, map[string]any{
		"routes": map[string]any{
			"GET /user_management/authorize":                        map[string]any{"calls": 1.0, "limited": 0.0},
			"POST /user_management/authenticate":                    map[string]any{"calls": 2.0, "limited": 0.0},
			"POST /user_management/authenticate authorization_code": map[string]any{"calls": 1.0, "limited": 0.0},
			"POST /user_management/authenticate refresh_token":      map[string]any{"calls": 1.0, "limited": 0.0},
		},
		"refreshes": map[string]any{"exchanged": 1.0, "replayed": 0.0, "refused": 0.0, "limited": 0.0, "most_presented": 1.0},
	}, document[map[string]any](t, r, err))
}

func TestTheControlHandlerListsAndRevokesSessions(t *testing.T) {
	a := newApp(t)
	b, _ := a.authorize(nil)
	a.exchange(a.callbackQuery(a.press(b, "Ada", nil)).Get("code"))
	a.signIn("Ada")
	ben := a.signIn("Ben").text("refresh_token")
	control := a.control()

	r, err := http.PostForm(control+"/revoke", url.Values{"email": {ada}})
	assert.Equal(t, map[string]any{"revoked": 2.0}, document[map[string]any](t, r, err))
	assert.Contains(t, a.get(b, a.authorizeURL(nil)).Body, "Ben", "the user is signed out at the fake, and its sign-in page appears")
	r, err = http.Get(control + "/sessions")
	sessions := document[[]map[string]any](t, r, err)
	require.Len(t, sessions, 3)
	assert.Equal(t, ada, sessions[0]["email"])
	assert.NotNil(t, sessions[1]["ended_at"])
	assert.Nil(t, sessions[2]["ended_at"])
	assert.Equal(t, a.Sessions()[2].ID, sessions[2]["id"])

	for _, want := range []float64{1, 0} {
		r, err = http.PostForm(control+"/revoke", url.Values{"session_id": {a.Sessions()[2].ID}})
		assert.Equal(t, map[string]any{"revoked": want}, document[map[string]any](t, r, err))
	}
	assert.Equal(t, "Session has already ended.", a.refresh(ben).text("error_description"))
	r, err = http.PostForm(control+"/revoke", url.Values{"email": {"nina@example.com"}})
	require.NoError(t, err)
	r.Body.Close()
	assert.Equal(t, http.StatusNotFound, r.StatusCode)
}

func TestTheControlHandlerListsAndEmitsEvents(t *testing.T) {
	a := newApp(t)
	control := a.control()
	r, err := http.PostForm(control+"/emit", url.Values{"type": {"role.updated"}, "data": {`{"slug":"admin"}`}})
	id := document[map[string]any](t, r, err)["id"]
	a.token(ada)
	r, err = http.Get(control + "/events?type=session.created&type=role.updated")
	events := document[[]map[string]any](t, r, err)
	require.Len(t, events, 2)
	assert.Equal(t, map[string]any{
		"object": "event", "id": id, "event": "role.updated", "created_at": "2026-05-04T10:00:00.000Z", "data": map[string]any{"slug": "admin"},
	}, events[0])
	assert.Equal(t, "session.created", events[1]["event"])
	r, err = http.Get(control + "/events")
	assert.Len(t, document[[]map[string]any](t, r, err), 3)
	for _, form := range []url.Values{{"data": {"{}"}}, {"type": {"role.updated"}, "data": {"{"}}} {
		r, err = http.PostForm(control+"/emit", form)
		assert.NotEmpty(t, document[map[string]any](t, r, err)["message"])
		assert.Equal(t, http.StatusBadRequest, r.StatusCode)
	}
	assert.Len(t, a.Events(), 3)
}

func TestTheControlHandlerChangesMemberships(t *testing.T) {
	a := newApp(t, authkittest.WithRole("viewer", "posts:read"), authkittest.WithRole("admin"))
	token, control, press := a.token(ada), a.control(), a.Organizations()[0]
	change := func(status int, form url.Values) map[string]any {
		r, err := http.PostForm(control+"/membership", form)
		got := document[map[string]any](t, r, err)
		assert.Equal(t, status, r.StatusCode)
		return got
	}
	got := change(200, url.Values{"email": {ada}, "organization": {press.ID}, "role": {"viewer"}})
	assert.Equal(t, map[string]any{"slug": "viewer"}, got["role"])
	claims, err := a.claims(a.refresh(token).text("access_token"))
	require.NoError(t, err)
	assert.Equal(t, []any{"posts:read"}, claims["permissions"])
	change(200, url.Values{"email": {ada}, "organization": {press.Name}, "remove": {"true"}})
	change(404, url.Values{"email": {ada}, "organization": {press.Name}, "remove": {"true"}})
	change(200, url.Values{"email": {ada}, "organization": {press.Name}, "role": {"admin"}})
	for _, change := range []string{"created", "updated", "deleted"} {
		assert.Len(t, a.Events("organization_membership."+change), 1, change)
	}

	before := len(a.Events())
	change(404, url.Values{"email": {"nina@example.com"}, "organization": {press.ID}, "role": {"admin"}})
	change(404, url.Values{"email": {ada}, "organization": {"org_none"}, "role": {"admin"}})
	change(400, url.Values{"email": {ada}, "organization": {press.ID}})
	change(400, url.Values{"email": {ada}, "organization": {press.ID}, "role": {"admin"}, "remove": {"true"}})
	change(422, url.Values{"email": {ada}, "organization": {press.ID}, "role": {"unknown"}})
	assert.Len(t, a.Events(), before)
}

func TestTheControlHandlerTakesAwayThePermissionsOfARole(t *testing.T) {
	a := newApp(t)
	token, control := a.token(ada), a.control()
	for _, now := range []struct {
		role        string
		permissions []any
	}{
		{"member", []any{"posts:read"}}, // as Ben
		{"visitor", []any{}},
		{"admin", []any{"posts:read", "posts:write", "members:manage"}},
	} {
		r, err := http.PostForm(control+"/membership", url.Values{"email": {ada}, "organization": {"Harbor Press"}, "role": {now.role}})
		document[map[string]any](t, r, err)
		answer := a.refresh(token)
		token = answer.text("refresh_token")
		claims, err := a.claims(answer.text("access_token"))
		require.NoError(t, err)
		assert.Equal(t, now.role, claims["role"])
		assert.Equal(t, now.permissions, claims["permissions"], now.role)
	}
}

func TestTheControlHandlerDeletesUsersAndAPIKeys(t *testing.T) {
	a := newApp(t)
	token, control, press := a.token(ada), a.control(), a.Organizations()[0].ID
	for _, k := range []authkittest.APIKey{{ID: "api_key_1"}, {Name: "ci"}, {}} {
		k.OrganizationID = press
		a.AddAPIKey(k)
	}
	remove := func(status int, form url.Values) map[string]any {
		r, err := http.PostForm(control+"/delete", form)
		got := document[map[string]any](t, r, err)
		assert.Equal(t, status, r.StatusCode)
		return got
	}
	assert.Equal(t, map[string]any{"deleted": 1.0}, remove(200, url.Values{"email": {ada}}))
	assert.Equal(t, "Session has already ended.", a.refresh(token).text("error_description"))
	assert.Equal(t, map[string]any{"deleted": 1.0}, remove(200, url.Values{"api_key": {"api_key_1"}}))
	assert.Equal(t, map[string]any{"deleted": 1.0}, remove(200, url.Values{"api_key": {"ci"}}))
	for _, form := range []url.Values{{"email": {ada}}, {"api_key": {"ci"}}, {"api_key": {""}}, {}} {
		assert.NotEmpty(t, remove(404, form)["message"], form)
	}
	assert.Len(t, a.Events("user.deleted"), 1)
	assert.Len(t, a.Events("api_key.revoked"), 2)
}

func TestDeleteAPIKeyDeletesTheKeyWithTheValue(t *testing.T) {
	a := newApp(t)
	press := a.Organizations()[0].ID
	a.AddAPIKey(authkittest.APIKey{ID: "api_key_1", OrganizationID: press})
	value := a.AddAPIKey(authkittest.APIKey{ID: "api_key_2", OrganizationID: press})
	a.DeleteAPIKey(value)
	events := a.Events("api_key.revoked")
	require.Len(t, events, 1)
	assert.Contains(t, string(events[0].Data), "api_key_2")
	assert.PanicsWithValue(t, "authkittest: no API key has the value", func() { a.DeleteAPIKey(value) })
}

func TestTheFakeItselfDoesNotServeTheControlHandler(t *testing.T) {
	a := newApp(t)
	got := a.read(http.Get(a.URL() + "/counts"))
	assert.Equal(t, http.StatusNotFound, got.status)
}
