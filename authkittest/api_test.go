// The API as an application with a key calls it.

package authkittest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

type object = map[string]any

const (
	grantMagicAuth         = "urn:workos:oauth:grant-type:magic-auth:code"
	grantEmailVerification = "urn:workos:oauth:grant-type:email-verification:code"
	grantTOTP              = "urn:workos:oauth:grant-type:mfa-totp"
	grantOrganization      = "urn:workos:oauth:grant-type:organization-selection"
	grantDevice            = "urn:ietf:params:oauth:grant-type:device_code"

	um = "/user_management"
)

// send makes a call with the key; a nil body sends none. A reply that is no object has an empty one.
func (a *app) send(method, path string, body any) (reply, string) {
	a.Helper()
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		require.NoError(a, err)
		in = bytes.NewReader(text)
	}
	r, err := http.NewRequest(method, a.URL()+path, in)
	require.NoError(a, err)
	r.Header.Set("Authorization", "Bearer "+a.APIKey())
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	require.NoError(a, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(a, err)
	got := reply{status: response.StatusCode, header: response.Header}
	_ = json.Unmarshal(text, &got.body)
	return got, string(text)
}

func (a *app) api(method, path string, body any) reply {
	a.Helper()
	got, _ := a.send(method, path, body)
	return got
}

// done is a call that must succeed.
func (a *app) done(status int, method, path string, body any) object {
	a.Helper()
	got, text := a.send(method, path, body)
	require.Equal(a, status, got.status, "%s", text)
	return got.body
}

// refused asserts a refusal in the plain, OAuth or bare form.
func refused(t *testing.T, got reply, status int, code string) {
	t.Helper()
	assert.Equal(t, status, got.status, "%v", got.body)
	switch {
	case got.body["error"] != nil:
		assert.Equal(t, code, got.text("error"))
		assert.NotEmpty(t, got.text("error_description"))
		assert.NotContains(t, got.body, "message")
	case code == "":
		assert.NotContains(t, got.body, "code")
		assert.NotEmpty(t, got.text("message"))
	default:
		assert.Equal(t, code, got.text("code"), "%v", got.body)
		assert.NotEmpty(t, got.text("message"))
	}
}

// problems are the codes of the members of errors.
func problems(got reply) []string {
	var codes []string
	list, _ := got.body["errors"].([]any)
	for _, p := range list {
		codes = append(codes, p.(object)["code"].(string))
	}
	return codes
}

// grant posts to the authenticate endpoint.
func (a *app) grant(grantType string, params map[string]string) reply {
	a.Helper()
	all := map[string]string{"grant_type": grantType}
	maps.Copy(all, params)
	return a.authenticate(all)
}

func (a *app) userID(email string) string {
	a.Helper()
	for _, p := range a.Users() {
		if p.Email == email {
			return p.ID
		}
	}
	a.Fatalf("nobody has the address %q", email)
	return ""
}

func (a *app) token(email string) string {
	a.Helper()
	got := a.grant("password", map[string]string{"email": email, "password": authkittest.DefaultPassword})
	require.Equal(a, http.StatusOK, got.status, "%v", got.body)
	return got.text("refresh_token")
}

func TestTheAPITakesNothingButItsKey(t *testing.T) {
	a := newApp(t)
	for name, header := range map[string]string{
		"no header": "", "another key": "Bearer sk_test_other", "another scheme": "Basic " + a.APIKey(),
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{um + "/users", um + "/users/user_none", "/auth/factors/none", um + "/users/external_id/sessions"} {
				r, err := http.NewRequest(http.MethodGet, a.URL()+path, nil)
				require.NoError(t, err)
				r.Header.Set("Authorization", header)
				refused(t, a.read(http.DefaultClient.Do(r)), http.StatusUnauthorized, "")
			}
		})
	}
	refused(t, a.api(http.MethodGet, "/nowhere", nil), http.StatusNotFound, "")
}

func TestBodiesOfTheWrongFormAreRefused(t *testing.T) {
	a := newApp(t)
	for name, body := range map[string]any{
		"no object":      "text",
		"a number":       object{"email": 1},
		"a null":         object{"email": "kim@acme.test", "first_name": nil},
		"no text at all": nil,
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, a.api(http.MethodPost, um+"/users", body), http.StatusUnprocessableEntity, "invalid_request_parameters")
		})
	}
	assert.Len(t, a.Users(), 4)
}

func TestEveryRouteFailsAndCounts(t *testing.T) {
	a := newApp(t)
	a.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{
		Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3"}}, Body: `{"message":"slow"}`, Times: 1,
	})
	got := a.api(http.MethodPost, "/api_keys/validations", object{"value": "sk_x"})
	assert.Equal(t, http.StatusTooManyRequests, got.status)
	assert.Equal(t, "3", got.header.Get("Retry-After"))
	assert.Equal(t, object{"api_key": nil}, a.done(http.StatusOK, http.MethodPost, "/api_keys/validations", object{"value": "sk_x"}))
	assert.Equal(t, 2, a.Calls(authkittest.RouteValidateAPIKey))
	for _, route := range []authkittest.Route{
		authkittest.RoutePassword, authkittest.RouteMagicAuth, authkittest.RouteEmailVerification, authkittest.RouteTOTP,
		authkittest.RouteOrganizationSelection, authkittest.RouteDeviceToken, authkittest.RouteAuthorizeDevice,
	} {
		assert.Zero(t, a.Calls(route))
	}
}

func TestListsGoAPageAtATime(t *testing.T) {
	a := newApp(t)
	list := func(query string) (emails []string, before, after any) {
		got := a.done(http.StatusOK, http.MethodGet, um+"/users?"+query, nil)
		assert.Equal(t, "list", got["object"])
		for _, u := range got["data"].([]any) {
			emails = append(emails, u.(object)["email"].(string)[:3])
		}
		ends := got["list_metadata"].(object)
		return emails, ends["before"], ends["after"]
	}
	ben, chiara := a.userID("ben@harborpress.test"), a.userID("chiara@example.com")
	cases := map[string]struct {
		query         string
		emails        []string
		before, after any
	}{
		"the newest first by default":         {"", []string{"dev", "chi", "ben", "ada"}, nil, nil},
		"the oldest first when asked":         {"order=asc", []string{"ada", "ben", "chi", "dev"}, nil, nil},
		"the first page":                      {"limit=2", []string{"dev", "chi"}, nil, chiara},
		"the page after":                      {"limit=2&after=" + chiara, []string{"ben", "ada"}, ben, nil},
		"the page before":                     {"limit=1&before=" + ben, []string{"chi"}, chiara, chiara},
		"the page before of an ascending one": {"order=asc&before=" + chiara, []string{"ada", "ben"}, nil, ben},
		"nothing after the last":              {"order=asc&after=" + a.userID("dev@example.com"), nil, nil, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			emails, before, after := list(c.query)
			assert.Equal(t, c.emails, emails)
			assert.Equal(t, c.before, before)
			assert.Equal(t, c.after, after)
		})
	}
	for _, query := range []string{"limit=0", "limit=101", "limit=x", "order=up", "after=user_none", "before=user_none"} {
		refused(t, a.api(http.MethodGet, um+"/users?"+query, nil), http.StatusUnprocessableEntity, "invalid_request_parameters")
	}
}
