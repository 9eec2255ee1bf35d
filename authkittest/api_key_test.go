// API keys of the application's customers.

package authkittest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func (a *app) validate(value any) any {
	a.Helper()
	got := a.mustCall(http.StatusOK, http.MethodPost, "/api_keys/validations", object{"value": value})
	require.Contains(a, got, "api_key")
	return got["api_key"]
}

func TestAnOrganizationsAPIKeyIsCreatedValidatedAndDeleted(t *testing.T) {
	a := newApp(t)
	press := a.Organizations()[0].ID
	path := "/organizations/" + press + "/api_keys"
	created := a.mustCall(http.StatusCreated, http.MethodPost, path, object{"name": "CI", "permissions": []string{"posts:read"}})
	value := created["value"].(string)
	delete(created, "value")
	assert.Regexp(t, `^sk_\w+$`, value)
	assert.Equal(t, object{
		"object": "api_key", "id": created["id"], "name": "CI", "owner": object{"type": "organization", "id": press},
		"obfuscated_value": "sk_..." + value[len(value)-4:], "permissions": []any{"posts:read"}, "last_used_at": nil, "expires_at": nil,
		"created_at": "2026-05-04T10:00:00.000Z", "updated_at": "2026-05-04T10:00:00.000Z",
	}, created)
	assert.Equal(t, []any{created}, a.mustCall(http.StatusOK, http.MethodGet, path, nil)["data"], "the value is in one response only")

	a.clock.Advance(time.Minute)
	used := a.validate(value).(object)
	assert.Equal(t, "2026-05-04T10:01:00.000Z", used["last_used_at"])
	assert.NotContains(t, used, "value")
	assert.Nil(t, a.validate("sk_unknown"))

	got, text := a.send(http.MethodDelete, "/api_keys/"+created["id"].(string), nil)
	assert.Equal(t, http.StatusNoContent, got.status)
	assert.Empty(t, text)
	assert.Nil(t, a.validate(value))
	assertRefused(t, a.api(http.MethodDelete, "/api_keys/"+created["id"].(string), nil), http.StatusNotFound, "")
}

func TestAUsersAPIKeyBelongsToOneOrganization(t *testing.T) {
	a := newApp(t)
	press, studio, chiara := a.Organizations()[0].ID, a.Organizations()[1].ID, a.userID("chiara@example.com")
	path := userManagement + "/users/" + chiara + "/api_keys"
	var values []any
	for _, organizationID := range []string{press, studio} {
		created := a.mustCall(http.StatusCreated, http.MethodPost, path, object{"name": "laptop", "organization_id": organizationID})
		values = append(values, created["value"])
		assert.Equal(t, object{"type": "user", "id": chiara, "organization_id": organizationID}, created["owner"])
		assert.Equal(t, []any{}, created["permissions"])
	}
	assert.Equal(t, studio, a.validate(values[1]).(object)["owner"].(object)["organization_id"])
	assert.Len(t, a.mustCall(http.StatusOK, http.MethodGet, path, nil)["data"], 2)
	assert.Len(t, a.mustCall(http.StatusOK, http.MethodGet, path+"?organization_id="+studio, nil)["data"], 1)
	assert.Empty(t, a.mustCall(http.StatusOK, http.MethodGet, "/organizations/"+press+"/api_keys", nil)["data"])
}

func TestAnAPIKeyExpiresAtTheTimeOfTheExpireCall(t *testing.T) {
	a := newApp(t)
	press := a.Organizations()[0].ID
	expire := func(id string, body any) apiResponse { return a.api(http.MethodPost, "/api_keys/"+id+"/expire", body) }
	for name, c := range map[string]struct {
		body any
		want any
	}{
		"now without a body":        {nil, "2026-05-04T10:00:00.000Z"},
		"now without a time":        {object{}, "2026-05-04T10:00:00.000Z"},
		"now with a time gone by":   {object{"expires_at": "2020-01-01T00:00:00.000Z"}, "2026-05-04T10:00:00.000Z"},
		"later with a time to come": {object{"expires_at": "2026-05-04T11:00:00.000Z"}, "2026-05-04T11:00:00.000Z"},
		"not at all with null":      {object{"expires_at": nil}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			value := a.AddAPIKey(authkittest.APIKey{ID: "api_key_" + name, OrganizationID: press, ExpiresAt: start.Add(time.Minute)})
			got := expire(url.PathEscape("api_key_"+name), c.body)
			require.Equal(t, http.StatusOK, got.status)
			assert.Equal(t, c.want, got.body["expires_at"])
			events := a.Events("api_key.updated")
			var data struct {
				Previous object `json:"previous_attributes"`
			}
			require.NoError(t, json.Unmarshal(events[len(events)-1].Data, &data))
			assert.Equal(t, object{"expires_at": "2026-05-04T10:01:00.000Z"}, data.Previous)
			ended := c.want == "2026-05-04T10:00:00.000Z"
			assert.Equal(t, ended, a.validate(value) == nil)
			if ended {
				assertRefused(t, expire(url.PathEscape("api_key_"+name), object{"expires_at": nil}), http.StatusConflict, "api_key_already_expired")
			}
		})
	}
	assertRefused(t, expire("none", nil), http.StatusNotFound, "")
	a.AddAPIKey(authkittest.APIKey{ID: "api_key_1", OrganizationID: press})
	assertRefused(t, expire("api_key_1", object{"expires_at": "soon"}), http.StatusUnprocessableEntity, "invalid_request_parameters")
}

func TestInvalidAPIKeyCallsAreRefused(t *testing.T) {
	a := newApp(t)
	path, ofAda := "/organizations/"+a.Organizations()[0].ID+"/api_keys", userManagement+"/users/"+a.userID(ada)+"/api_keys"
	studio := a.Organizations()[1].ID
	for name, c := range map[string]struct {
		method, path string
		body         object
		status       int
		problems     []string
	}{
		"no name":                         {"POST", path, object{}, 422, []string{"required"}},
		"a time gone by":                  {"POST", path, object{"name": "x", "expires_at": "2026-05-04T10:00:00Z"}, 422, []string{"must_be_in_the_future"}},
		"an empty permission":             {"POST", path, object{"name": "x", "permissions": []string{""}}, 422, []string{"invalid"}},
		"an unknown organization":         {"POST", "/organizations/none/api_keys", object{"name": "x"}, 404, nil},
		"the keys of no organization":     {"GET", "/organizations/none/api_keys", nil, 404, nil},
		"no organization of a user's key": {"POST", ofAda, object{"name": "x"}, 400, []string{"invalid"}},
		"an organization of others":       {"POST", ofAda, object{"organization_id": studio}, 400, []string{"required", "invalid"}},
		"an unknown user":                 {"POST", userManagement + "/users/none/api_keys", object{"name": "x"}, 404, nil},
		"the keys of an unknown user":     {"GET", userManagement + "/users/none/api_keys", nil, 404, nil},
		"no value to validate":            {"POST", "/api_keys/validations", object{}, 422, []string{"required"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := a.api(c.method, c.path, c.body)
			assert.Equal(t, c.status, got.status)
			assert.Equal(t, c.problems, problems(got))
			assert.NotEmpty(t, got.text("message"))
		})
	}
	assert.Panics(t, func() { a.AddAPIKey(authkittest.APIKey{OrganizationID: "org_none"}) })
}
