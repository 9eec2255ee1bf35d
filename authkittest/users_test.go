// API calls for users and sessions.

package authkittest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestAUserIsCreatedFoundChangedAndDeleted(t *testing.T) {
	a := newApp(t)
	created := a.mustCall(http.StatusCreated, http.MethodPost, userManagement+"/users", object{
		"email": "kim@acme.test", "first_name": "Kim", "last_name": "Sato", "password": "long enough 1", "email_verified": true,
		"external_id": "17", "metadata": object{"plan": "pro", "team": "a"},
	})
	id := created["id"].(string)
	assert.Equal(t, object{
		"object": "user", "id": id, "email": "kim@acme.test", "email_verified": true, "first_name": "Kim", "last_name": "Sato",
		"name": "Kim Sato", "profile_picture_url": nil, "external_id": "17", "metadata": object{"plan": "pro", "team": "a"}, "locale": nil,
		"last_sign_in_at": nil, "created_at": "2026-05-04T10:00:00.000Z", "updated_at": "2026-05-04T10:00:00.000Z",
	}, created)
	for _, path := range []string{"/users/" + id, "/users/external_id/17"} {
		assert.Equal(t, created, a.mustCall(http.StatusOK, http.MethodGet, userManagement+path, nil))
	}
	token := a.grant("password", map[string]string{"email": "kim@acme.test", "password": "long enough 1"}).text("refresh_token")
	require.NotEmpty(t, token)

	changed := a.mustCall(http.StatusOK, http.MethodPut, userManagement+"/users/"+id, object{
		"external_id": nil, "locale": "en-GB", "name": "Kim S.", "metadata": object{"plan": nil, "seat": "4"}, "email": "new@acme.test",
	})
	assert.Nil(t, changed["external_id"])
	assert.Equal(t, "en-GB", changed["locale"])
	assert.Equal(t, "Kim S.", changed["name"])
	assert.Equal(t, "Kim", changed["first_name"], "an omitted member does not change")
	assert.Equal(t, object{"team": "a", "seat": "4"}, changed["metadata"])
	assert.Equal(t, false, changed["email_verified"], "the new address is not verified")
	assert.Nil(t, a.mustCall(http.StatusOK, http.MethodPut, userManagement+"/users/"+id, object{"locale": nil})["locale"])

	got, text := a.send(http.MethodDelete, userManagement+"/users/"+id, nil)
	assert.Equal(t, http.StatusOK, got.status)
	assert.Empty(t, text)
	assert.Equal(t, "invalid_grant", a.refresh(token).text("error"))
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		assertRefused(t, a.api(method, userManagement+"/users/"+id, nil), http.StatusNotFound, "")
	}
	assertRefused(t, a.api(http.MethodGet, userManagement+"/users/external_id/17", nil), http.StatusNotFound, "")
	assert.Equal(t, "kim@acme.test", a.Sessions()[0].Email)
}

func TestADeletedUserCanNoLongerSignIn(t *testing.T) {
	a := newApp(t)
	b, _ := a.authorize(nil)
	code := a.callbackQuery(a.press(b, "Ada", nil)).Get("code")
	id := a.userID(ada)
	a.magicAuth(ada)
	a.mustCall(http.StatusCreated, http.MethodPost, userManagement+"/password_reset", object{"email": ada})
	a.AddAPIKey(authkittest.APIKey{OrganizationID: a.Organizations()[0].ID, UserID: id})
	device := a.startDevice()
	a.ApproveDevice(device["user_code"].(string), ada)
	a.mustCall(http.StatusOK, http.MethodDelete, userManagement+"/users/"+id, nil)

	assert.Equal(t, "invalid_grant", a.exchange(code).text("error"))
	assert.Equal(t, "invalid_grant", a.poll(device).text("error"))
	assert.Contains(t, a.get(b, a.authorizeURL(nil)).Body, "asks you to sign in")
	reset := a.api(http.MethodPost, userManagement+"/password_reset/confirm", object{"token": a.LastMail(ada).Token, "new_password": "long enough 1"})
	assertRefused(t, reset, http.StatusBadRequest, "password_reset_error")
}

func TestInvalidUserCreationsAreRefused(t *testing.T) {
	a := newApp(t)
	a.UpdateUser(ada, func(p *authkittest.User) { p.ExternalID = "17" })
	cases := map[string]struct {
		body     object
		status   int
		code     string
		problems []string
	}{
		"an email address that is used":    {object{"email": strings.ToUpper(ada)}, 400, "user_creation_error", []string{"email_not_available"}},
		"an external ID that is used":      {object{"external_id": "17"}, 400, "user_creation_error", []string{"external_id_already_used"}},
		"no address":                       {object{"email": ""}, 422, "invalid_request_parameters", []string{"email_required"}},
		"a short password":                 {object{"password": "short"}, 400, "password_strength_error", []string{"password_too_short"}},
		"a password of one character":      {object{"password": "aaaa"}, 400, "password_strength_error", []string{"password_too_short", "password_too_weak"}},
		"a password and a hash":            {object{"password": "long enough 1", "password_hash": "x"}, 400, "password_and_password_hash_provided", nil},
		"a password with a hash type":      {object{"password": "long enough 1", "password_hash_type": "bcrypt"}, 400, "password_and_password_hash_type_provided", nil},
		"a salt position without hash":     {object{"password_salt_position": "prefix"}, 400, "password_salt_position_requires_password_hash", nil},
		"a hash without a type":            {object{"password_hash": "x"}, 400, "invalid_password_hash", nil},
		"an empty hash":                    {object{"password_hash": "", "password_hash_type": "bcrypt"}, 400, "invalid_password_hash", nil},
		"an unknown hash type":             {object{"password_hash": "x", "password_hash_type": "md5"}, 422, "invalid_request_parameters", []string{"invalid"}},
		"an unknown salt position":         {object{"password_hash": "x", "password_hash_type": "ssha", "password_salt_position": "middle"}, 422, "invalid_request_parameters", []string{"invalid"}},
		"a long external ID":               {object{"external_id": strings.Repeat("x", 129)}, 422, "invalid_request_parameters", []string{"invalid"}},
		"an external ID beyond ASCII":      {object{"external_id": "é"}, 422, "invalid_request_parameters", []string{"invalid"}},
		"a long metadata value":            {object{"metadata": object{"x": strings.Repeat("é", 601)}}, 400, "invalid_metadata", nil},
		"a metadata value of another type": {object{"metadata": object{"x": 1}}, 422, "invalid_request_parameters", []string{"invalid_type"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			body := object{"email": "kim@acme.test"}
			for field, value := range c.body {
				body[field] = value
			}
			got := a.api(http.MethodPost, userManagement+"/users", body)
			assertRefused(t, got, c.status, c.code)
			assert.Equal(t, c.problems, problems(got))
			assert.Len(t, a.Users(), 4)
		})
	}
}

func TestInvalidUserUpdatesAreRefused(t *testing.T) {
	a := newApp(t)
	a.UpdateUser("ben@harborpress.test", func(p *authkittest.User) { p.ExternalID = "17" })
	before := a.Users()[0]
	for name, c := range map[string]struct {
		body object
		code string
	}{
		"an external ID that is used":   {object{"external_id": "17", "first_name": "X"}, "external_id_already_used"},
		"an email address that is used": {object{"email": "ben@harborpress.test"}, "email_not_available"},
		"no address":                    {object{"email": "x"}, "invalid_email"},
		"an invalid locale":             {object{"locale": "english!"}, "invalid_locale"},
		"a weak password":               {object{"password": "short"}, "password_strength_error"},
	} {
		t.Run(name, func(t *testing.T) {
			assertRefused(t, a.api(http.MethodPut, userManagement+"/users/"+a.userID(ada), c.body), http.StatusBadRequest, c.code)
			assert.Equal(t, before, a.Users()[0], "nothing has changed")
		})
	}
	a.mustCall(http.StatusOK, http.MethodPut, userManagement+"/users/"+a.userID(ada), object{"email": strings.ToUpper(ada)})
}

func TestAPasswordHashDoesNotSignIn(t *testing.T) {
	a := newApp(t)
	a.mustCall(http.StatusCreated, http.MethodPost, userManagement+"/users", object{
		"email": "kim@acme.test", "password_hash": "$2a$10$x", "password_hash_type": "bcrypt", "email_verified": true,
	})
	assertRefused(t, a.grant("password", map[string]string{"email": "kim@acme.test", "password": "$2a$10$x"}), http.StatusBadRequest, "invalid_credentials")
}

func TestUsersAreFiltered(t *testing.T) {
	a := newApp(t)
	for query, want := range map[string]int{
		"email=ADA@harborpress.test": 1, "email=nobody@acme.test": 0, "organization_id=" + a.Organizations()[0].ID: 3,
		"organization=" + a.Organizations()[1].ID: 1,
	} {
		assert.Len(t, a.mustCall(http.StatusOK, http.MethodGet, userManagement+"/users?"+query, nil)["data"], want, query)
	}
}

func TestIdentitiesAreListed(t *testing.T) {
	a := newApp(t)
	a.UpdateUser(ada, func(p *authkittest.User) {
		p.Identities = []authkittest.Identity{{Provider: "GoogleOAuth", ID: "g-1"}}
	})
	_, text := a.send(http.MethodGet, userManagement+"/users/"+a.userID(ada)+"/identities", nil)
	assert.JSONEq(t, `[{"idp_id":"g-1","type":"OAuth","provider":"GoogleOAuth"}]`, text)
	_, text = a.send(http.MethodGet, userManagement+"/users/"+a.userID("dev@example.com")+"/identities", nil)
	assert.JSONEq(t, `[]`, text)
	assertRefused(t, a.api(http.MethodGet, userManagement+"/users/none/identities", nil), http.StatusNotFound, "")
}

func TestSessionsAreListedAndRevoked(t *testing.T) {
	a := newApp(t)
	token := a.token(ada)
	a.code("Ada")
	list := func() []any {
		return a.mustCall(http.StatusOK, http.MethodGet, userManagement+"/users/"+a.userID(ada)+"/sessions", nil)["data"].([]any)
	}
	id := a.Sessions()[0].ID
	require.Len(t, list(), 1)
	assert.Equal(t, object{
		"object": "session", "id": id, "user_id": a.userID(ada), "organization_id": a.Organizations()[0].ID, "auth_method": "password",
		"status": "active", "ip_address": nil, "user_agent": nil, "expires_at": "2027-05-04T10:00:00.000Z", "ended_at": nil,
		"created_at": "2026-05-04T10:00:00.000Z", "updated_at": "2026-05-04T10:00:00.000Z",
	}, list()[0])
	for _, unknown := range []object{{}, {"session_id": "session_none"}} {
		assertRefused(t, a.api(http.MethodPost, userManagement+"/sessions/revoke", unknown), http.StatusBadRequest, "")
	}
	got, text := a.send(http.MethodPost, userManagement+"/sessions/revoke", object{"session_id": id})
	assert.Equal(t, http.StatusOK, got.status)
	assert.Empty(t, text)
	assert.Empty(t, list())
	assert.Equal(t, "invalid_grant", a.refresh(token).text("error"))
	assertRefused(t, a.api(http.MethodGet, userManagement+"/users/none/sessions", nil), http.StatusNotFound, "")
}

func TestSessionObjectsHaveTheirAuthMethod(t *testing.T) {
	a := newApp(t)
	for method, want := range map[string]string{
		"GoogleOAuth": "oauth", "SSO": "sso", "Passkey": "passkey", "Passport": "unknown", "MagicAuth": "magic_code",
	} {
		a.UpdateUser(ada, func(p *authkittest.User) { p.AuthenticationMethod = method })
		a.signIn("Ada")
		list := a.mustCall(http.StatusOK, http.MethodGet, userManagement+"/users/"+a.userID(ada)+"/sessions", nil)["data"].([]any)
		assert.Equal(t, want, list[0].(object)["auth_method"])
	}
	back := a.Impersonate(ada, "ops@acme.test", "ticket 9", a.callback)
	a.grant("authorization_code", map[string]string{"code": back[strings.Index(back, "code=")+5:]})
	last := a.mustCall(http.StatusOK, http.MethodGet, userManagement+"/users/"+a.userID(ada)+"/sessions", nil)["data"].([]any)[0].(object)
	assert.Equal(t, "impersonation", last["auth_method"])
	assert.Equal(t, object{"email": "ops@acme.test", "reason": "ticket 9"}, last["impersonator"])
}

func TestAnImpersonatedSessionEndsAfterSixtyMinutes(t *testing.T) {
	a := newApp(t)
	back := a.Impersonate(ada, "ops@acme.test", "ticket 9", a.callback)
	token := a.grant("authorization_code", map[string]string{"code": back[strings.Index(back, "code=")+5:]}).text("refresh_token")
	sessions := func() []any {
		return a.mustCall(http.StatusOK, http.MethodGet, userManagement+"/users/"+a.userID(ada)+"/sessions", nil)["data"].([]any)
	}
	assert.Equal(t, "2026-05-04T11:00:00.000Z", sessions()[0].(object)["expires_at"])
	a.clock.Advance(time.Hour - time.Millisecond)
	refreshed := a.refresh(token)
	require.Equal(t, http.StatusOK, refreshed.status, "%v", refreshed.body)
	a.clock.Advance(time.Millisecond)
	assert.Equal(t, "invalid_grant", a.refresh(refreshed.text("refresh_token")).text("error"))
	assert.Empty(t, sessions())
}

func TestASessionWithoutAnOrganizationHasNoOrganizationID(t *testing.T) {
	a := newApp(t)
	for name, c := range map[string]struct {
		email  string
		wanted bool
	}{"Ada": {ada, true}, "Dev": {"dev@example.com", false}} {
		a.signIn(name)
		list := a.mustCall(http.StatusOK, http.MethodGet, userManagement+"/users/"+a.userID(c.email)+"/sessions", nil)["data"].([]any)
		_, sent := list[0].(object)["organization_id"]
		assert.Equal(t, c.wanted, sent, name)
	}
}

func TestTheMetadataOfAUserAreClearedByNullAndByAnEmptyObject(t *testing.T) {
	a := newApp(t)
	for name, c := range map[string]struct{ sent, want any }{
		"a null value removes an entry":    {object{"plan": nil}, object{"team": "a"}},
		"an empty object removes all":      {object{}, object{}},
		"null removes all":                 {nil, object{}},
		"other entries stay":               {object{"seat": "4"}, object{"plan": "pro", "team": "a", "seat": "4"}},
		"an empty text is a value as well": {object{"plan": ""}, object{"plan": "", "team": "a"}},
	} {
		a.UpdateUser(ada, func(u *authkittest.User) { u.Metadata = map[string]string{"plan": "pro", "team": "a"} })
		changed := a.mustCall(http.StatusOK, http.MethodPut, userManagement+"/users/"+a.userID(ada), object{"metadata": c.sent})
		assert.Equal(t, c.want, changed["metadata"], name)
	}
}

func TestNamesAreNullableInACreationAndClearedByAnEmptyTextInAnUpdate(t *testing.T) {
	a := newApp(t)
	created := a.mustCall(http.StatusCreated, http.MethodPost, userManagement+"/users", object{
		"email": "kim@acme.test", "first_name": nil, "last_name": nil, "name": nil, "email_verified": nil, "metadata": nil, "external_id": nil,
	})
	assert.Equal(t, object{}, created["metadata"])
	users := userManagement + "/users/" + a.userID(ada)
	changed := a.mustCall(http.StatusOK, http.MethodPut, users, object{"first_name": "", "last_name": "", "name": ""})
	for _, name := range []string{"first_name", "last_name", "name"} {
		assert.Nil(t, created[name], name)
		assert.Nil(t, changed[name], name)
		assertRefused(t, a.api(http.MethodPut, users, object{name: nil}), http.StatusUnprocessableEntity, "invalid_request_parameters")
	}
}

func TestASessionEndsAfterAYear(t *testing.T) {
	a := newApp(t)
	token := a.token(ada)
	a.clock.Advance(365 * 24 * 60 * 60 * 1e9)
	assert.Equal(t, "invalid_grant", a.refresh(token).text("error"))
	assert.Empty(t, a.mustCall(http.StatusOK, http.MethodGet, userManagement+"/users/"+a.userID(ada)+"/sessions", nil)["data"])
}

func TestAnEmptyExternalIDIsRefused(t *testing.T) {
	a := newApp(t)
	user, organization := a.userID(ada), a.Organizations()[0].ID
	for path, method := range map[string]string{
		userManagement + "/users": http.MethodPost, userManagement + "/users/" + user: http.MethodPut,
		"/organizations": http.MethodPost, "/organizations/" + organization: http.MethodPut,
	} {
		body := object{"email": "kim@acme.test", "name": "Acme", "external_id": ""}
		if method == http.MethodPut {
			body = object{"external_id": ""}
		}
		assert.Equal(t, http.StatusUnprocessableEntity, a.api(method, path, body).status, "%s %s", method, path)
	}
}
