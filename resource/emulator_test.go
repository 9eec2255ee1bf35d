// The client-credentials tokens of WorkOS's official emulator (https://github.com/workos/emulate). The emulator is not in this
// repository. To run this test, start version 0.7 of the emulator and name its base URL and its API key:
//
//	workos-emulate --port 4100 --json
//	AUTHKIT_EMULATOR=http://localhost:4100 AUTHKIT_EMULATOR_KEY=sk_test_default go test ./resource -run Emulator -v
//
// Its tokens differ from those of production: they have no client_id, the aud is the client ID of the application unless the
// application has an audience, and they live for an hour.

package resource_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/resource"
)

// emulator is a running emulator.
type emulator struct {
	*testing.T
	url, key string
}

// post sends a body to the API of the emulator and returns the answer, which must be a success.
func (e *emulator) post(path string, body object) object {
	e.Helper()
	text, err := json.Marshal(body)
	require.NoError(e, err)
	r, err := http.NewRequestWithContext(e.Context(), http.MethodPost, e.url+path, strings.NewReader(string(text)))
	require.NoError(e, err)
	r.Header.Set("Authorization", "Bearer "+e.key)
	r.Header.Set("Content-Type", "application/json")
	status, answer := e.do(r)
	require.Equal(e, http.StatusCreated, status, path)
	return answer
}

func (e *emulator) do(r *http.Request) (status int, answer object) {
	e.Helper()
	response, err := http.DefaultClient.Do(r)
	require.NoError(e, err)
	defer response.Body.Close()
	require.NoError(e, json.NewDecoder(response.Body).Decode(&answer))
	return response.StatusCode, answer
}

// machine is an application of the emulator for client credentials.
type machine struct{ id, secret, organization string }

// addMachine adds a machine with an audience, or with the audience that the emulator chooses.
func (e *emulator) addMachine(audience string, scopes ...string) machine {
	e.Helper()
	organization := e.post("/organizations", object{"name": "Acme"})["id"].(string)
	application := object{"name": "Robot", "application_type": "m2m", "organization_id": organization, "scopes": scopes}
	if audience != "" {
		application["audience"] = audience
	}
	created := e.post("/connect/applications", application)
	secret := e.post("/connect/applications/"+created["id"].(string)+"/client_secrets", object{})["value"].(string)
	return machine{created["client_id"].(string), secret, organization}
}

// token requests a token with client credentials (RFC 6749 section 4.4).
func (e *emulator) token(m machine, scope string) (status int, answer object) {
	e.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {m.id}, "client_secret": {m.secret}, "scope": {scope}}
	r, err := http.NewRequestWithContext(e.Context(), http.MethodPost, e.url+"/oauth2/token", strings.NewReader(form.Encode()))
	require.NoError(e, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return e.do(r)
}

func TestTheTokensOfMachinesOfTheOfficialEmulatorPassByTheirScopes(t *testing.T) {
	e := &emulator{t, strings.TrimSuffix(os.Getenv("AUTHKIT_EMULATOR"), "/"), os.Getenv("AUTHKIT_EMULATOR_KEY")}
	if e.url == "" || e.key == "" {
		t.Skip("the emulator is not in this repository; AUTHKIT_EMULATOR and AUTHKIT_EMULATOR_KEY name one, see the first comment of this file")
	}
	reader, writer := e.addMachine(environment, "posts:read"), e.addMachine(resourceURL, "posts:read", "posts:write")
	own := e.addMachine("", "posts:read")

	api, err := resource.New(e.url, resourceURL, resource.WithAudiences(environment)) // its keys are at /oauth2/jwks, as in production
	require.NoError(t, err)
	var seen *resource.Token
	pass := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen, _ = resource.FromContext(r.Context()) })
	mux := http.NewServeMux()
	mux.Handle("/posts", api.Require("posts:read")(pass))
	mux.Handle("/drafts", api.Require("posts:write")(pass))
	server := httptest.NewServer(mux)
	defer server.Close()

	for _, row := range []struct {
		name          string
		machine       machine
		scope         string // of the request for a token; "" for all
		posts, drafts int    // the statuses
	}{
		{"a machine that may read", reader, "", 200, 403},
		{"a machine that may write", writer, "", 200, 200},
		{"a machine that asks for one scope", writer, "posts:read", 200, 403},
		{"a machine that asks for the other scope", writer, "posts:write", 403, 200},
		{"a machine for another audience", own, "", 401, 401},
	} {
		t.Run(row.name, func(t *testing.T) {
			status, issued := e.token(row.machine, row.scope)
			require.Equal(t, http.StatusOK, status)
			for path, want := range map[string]int{"/posts": row.posts, "/drafts": row.drafts} {
				seen = nil
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
				require.NoError(t, err)
				r.Header.Set("Authorization", "Bearer "+issued["access_token"].(string))
				response, err := http.DefaultClient.Do(r)
				require.NoError(t, err)
				require.NoError(t, response.Body.Close())
				assert.Equal(t, want, response.StatusCode, path)
				challenge := response.Header.Get("WWW-Authenticate")
				switch want {
				case http.StatusOK:
					assert.Equal(t, [4]any{true, row.machine.id, row.machine.organization, ""},
						[4]any{seen.IsMachine(), seen.ClientID(), seen.OrganizationID(), seen.UserID()})
				case http.StatusForbidden:
					assert.Equal(t, "insufficient_scope", attribute(challenge, "error"))
				default:
					assert.Equal(t, "invalid_token", attribute(challenge, "error"))
				}
			}
		})
	}
	status, refused := e.token(reader, "posts:write")
	assert.Equal(t, [2]any{http.StatusBadRequest, "invalid_scope"}, [2]any{status, refused["error"]})
}
