// The API that an application calls with its API key.

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

	userManagement = "/user_management"
)

// send makes a call with the API key. A nil body sends no body. If the response is not a JSON object, body is nil.
func (a *app) send(method, path string, body any) (apiResponse, string) {
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
	got := apiResponse{status: response.StatusCode, header: response.Header}
	_ = json.Unmarshal(text, &got.body)
	return got, string(text)
}

func (a *app) api(method, path string, body any) apiResponse {
	a.Helper()
	got, _ := a.send(method, path, body)
	return got
}

// mustCall makes a call, requires this status and returns the body of the response.
func (a *app) mustCall(status int, method, path string, body any) object {
	a.Helper()
	got, text := a.send(method, path, body)
	require.Equal(a, status, got.status, "%s", text)
	return got.body
}

// assertRefused asserts an error response in the plain, OAuth or bare format.
func assertRefused(t *testing.T, got apiResponse, status int, code string) {
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

// problems returns the codes in the member errors of a response.
func problems(got apiResponse) []string {
	var codes []string
	list, _ := got.body["errors"].([]any)
	for _, p := range list {
		codes = append(codes, p.(object)["code"].(string))
	}
	return codes
}

// grant calls the authenticate endpoint.
func (a *app) grant(grantType string, params map[string]string) apiResponse {
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
	a.Fatalf("no user has the email address %q", email)
	return ""
}

func (a *app) token(email string) string {
	a.Helper()
	got := a.grant("password", map[string]string{"email": email, "password": authkittest.DefaultPassword})
	require.Equal(a, http.StatusOK, got.status, "%v", got.body)
	return got.text("refresh_token")
}

func TestTheAPIAcceptsOnlyItsOwnKey(t *testing.T) {
	a := newApp(t)
	for name, header := range map[string]string{
		"no header": "", "wrong key": "Bearer sk_test_other", "wrong scheme": "Basic " + a.APIKey(),
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{userManagement + "/users", userManagement + "/users/user_none", "/auth/factors/none", userManagement + "/users/external_id/sessions"} {
				r, err := http.NewRequest(http.MethodGet, a.URL()+path, nil)
				require.NoError(t, err)
				r.Header.Set("Authorization", header)
				assertRefused(t, a.read(http.DefaultClient.Do(r)), http.StatusUnauthorized, "")
			}
		})
	}
	assertRefused(t, a.api(http.MethodGet, "/nowhere", nil), http.StatusNotFound, "")
}

func TestABodyOfTheWrongTypeIsRefused(t *testing.T) {
	a := newApp(t)
	for name, body := range map[string]any{
		"a string": "text",
		"a number": object{"email": 1},
		"a null":   object{"email": "kim@acme.test", "password": nil},
		"no body":  nil,
	} {
		t.Run(name, func(t *testing.T) {
			assertRefused(t, a.api(http.MethodPost, userManagement+"/users", body), http.StatusUnprocessableEntity, "invalid_request_parameters")
		})
	}
	assert.Len(t, a.Users(), 4)
	got := a.api(http.MethodPut, userManagement+"/users/"+a.userID(ada), json.RawMessage("null"))
	assertRefused(t, got, http.StatusUnprocessableEntity, "invalid_request_parameters")
}

func TestAPIRoutesHaveFaultsAndCallCounts(t *testing.T) {
	a := newApp(t)
	a.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{
		Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3"}}, Body: `{"message":"slow"}`, Times: 1,
	})
	got := a.api(http.MethodPost, "/api_keys/validations", object{"value": "sk_x"})
	assert.Equal(t, http.StatusTooManyRequests, got.status)
	assert.Equal(t, "3", got.header.Get("Retry-After"))
	assert.Equal(t, object{"api_key": nil}, a.mustCall(http.StatusOK, http.MethodPost, "/api_keys/validations", object{"value": "sk_x"}))
	assert.Equal(t, 2, a.Calls(authkittest.RouteValidateAPIKey))
	for _, route := range []authkittest.Route{
		authkittest.RoutePassword, authkittest.RouteMagicAuth, authkittest.RouteEmailVerification, authkittest.RouteTOTP,
		authkittest.RouteOrganizationSelection, authkittest.RouteDeviceToken, authkittest.RouteAuthorizeDevice,
	} {
		assert.Zero(t, a.Calls(route))
	}
}

func TestListsArePaginated(t *testing.T) {
	a := newApp(t)
	list := func(query string) (emails []string, before, after any) {
		got := a.mustCall(http.StatusOK, http.MethodGet, userManagement+"/users?"+query, nil)
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
		"the oldest first in ascending order": {"order=asc", []string{"ada", "ben", "chi", "dev"}, nil, nil},
		"the first page":                      {"limit=2", []string{"dev", "chi"}, nil, chiara},
		"the page after":                      {"limit=2&after=" + chiara, []string{"ben", "ada"}, ben, nil},
		"the page before":                     {"limit=1&before=" + ben, []string{"chi"}, chiara, chiara},
		"the page before in ascending order":  {"order=asc&before=" + chiara, []string{"ada", "ben"}, nil, ben},
		"the newest first in normal order":    {"limit=2&order=normal", []string{"dev", "chi"}, chiara, nil},
		"before leads to older objects":       {"limit=1&order=normal&before=" + chiara, []string{"ben"}, ben, ben},
		"after leads to newer objects":        {"limit=1&order=normal&after=" + ben, []string{"chi"}, chiara, chiara},
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
		assertRefused(t, a.api(http.MethodGet, userManagement+"/users?"+query, nil), http.StatusUnprocessableEntity, "invalid_request_parameters")
	}
}
