// Responses that a server should not send, tested for every call.

package workos_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testrun"
	"github.com/authkit-go/authkit/workos"
)

// offline returns a client that gets the same response to every request, without a network.
func offline(t *testing.T, status int, body string, header http.Header) *workos.Client {
	t.Helper()
	return newClient(t, workos.WithAPIKey(apiKey), workos.WithHTTPClient(&http.Client{
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		}),
	}))
}

func TestEveryCallReportsAnUnusableResponse(t *testing.T) {
	responses := map[string]struct {
		status int
		body   string
		header http.Header
	}{
		"HTML":                              {status: 200, body: page, header: http.Header{"Content-Type": {"text/html"}}},
		"an empty body":                     {status: 200},
		"truncated JSON":                    {status: 200, body: `{"data":[{"id":"x"`},
		"null":                              {status: 200, body: `null`},
		"an empty object":                   {status: 200, body: `{}`},
		"a number":                          {status: 200, body: `7`},
		"a list of nulls":                   {status: 200, body: `{"data":[null],"list_metadata":{"after":null}}`},
		"numbers for all members":           {status: 200, body: `{"id":1,"user":2,"data":3,"api_key":4,"issuer":5,"valid":6,"authentication_factor":7,"device_code":8}`},
		"null for all members":              {status: 200, body: `{"id":null,"user":null,"data":null,"issuer":null,"valid":null,"authentication_factor":null}`},
		"20 MB":                             {status: 200, body: `{"id":"` + strings.Repeat("x", 20<<20) + `"}`},
		"a hundred thousand arrays":         {status: 200, body: strings.Repeat("[", 100_000)},
		"a redirect to another host":        {status: 302, header: http.Header{"Location": {"https://evil.test/"}}},
		"an error response with status 200": {status: 200, body: `{"code":"invalid_grant","message":"No."}`},
	}
	for i, name := range slices.Sorted(maps.Keys(calls)) {
		tt := calls[name]
		for kind, response := range responses {
			if len(response.body) > 1000 && i%testrun.Length(20, 1) != 0 {
				continue // the limits of a body are the same for every call
			}
			t.Run(name+" gets "+kind, func(t *testing.T) {
				got, err := tt.call(t.Context(), offline(t, response.status, response.body, response.header))
				if tt.want == nil && response.status == 200 {
					assert.NoError(t, err, "the body is ignored")
					return
				}
				var transportErr *workos.TransportError
				require.ErrorAs(t, err, &transportErr)
				assert.True(t, workos.IsTransient(err))
				assert.Equal(t, response.status, transportErr.StatusCode)
				assertNothing(t, got)
				assert.Less(t, len(err.Error()), 1000)
			})
		}
		t.Run(name+" gets an error response with an unknown code", func(t *testing.T) {
			_, err := tt.call(t.Context(), offline(t, 418, `{"code":"teapot","message":"I am one.","errors":[null,7]}`, nil))
			assert.Equal(t, "teapot", workos.ErrorCode(err))
			assert.False(t, workos.IsTransient(err))
		})
	}
}

// assertNothing asserts that a failed call returned no result.
func assertNothing(t *testing.T, got any) {
	t.Helper()
	if value := reflect.ValueOf(got); value.IsValid() {
		assert.True(t, value.IsZero(), "a failed call yielded %+v", got)
	}
}

func TestEveryCallIgnoresUnknownMembers(t *testing.T) {
	for name, tt := range calls {
		if tt.response == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			var response any
			require.NoError(t, json.Unmarshal([]byte(tt.response), &response))
			visit(response, func(object map[string]any, path string) {
				if path != "metadata" && !strings.HasSuffix(path, ".metadata") && !strings.HasSuffix(path, "custom_attributes") &&
					!strings.HasSuffix(path, "additional_fields") {
					object["a_future_member"] = map[string]any{"deep": []any{1, "x", nil}}
				}
			})
			body, err := json.Marshal(response)
			require.NoError(t, err)
			got, err := tt.call(t.Context(), offline(t, tt.status, string(body), nil))
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestOnlyTheEssentialMembersOfAResponseMustBePresent(t *testing.T) {
	for name, tt := range calls {
		if tt.response == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			var members []string
			var whole any
			require.NoError(t, json.Unmarshal([]byte(tt.response), &whole))
			visit(whole, func(object map[string]any, path string) {
				for member := range object {
					members = append(members, strings.TrimPrefix(path+"."+member, "."))
				}
			})
			require.Subset(t, append(members, "data.0"), tt.required)
			slices.Sort(members)
			changes := []string{"null", "absent"}
			for i, member := range members {
				for j, change := range changes {
					if !slices.Contains(tt.required, member) && (i+j)%testrun.Length(2, 1) != 0 {
						continue // at the short length, a member that is not essential is null or absent
					}
					if member == "api_key" && change == "null" {
						continue // null means an invalid key
					}
					_, err := tt.call(t.Context(), offline(t, tt.status, without(t, tt.response, member, change), nil))
					if slices.Contains(tt.required, member) || member == "api_key" {
						var transportErr *workos.TransportError
						assert.ErrorAs(t, err, &transportErr, "%s %s", member, change)
					} else {
						assert.NoError(t, err, "%s %s", member, change)
					}
				}
			}
		})
	}
}

// visit calls f with every object in a JSON value and its dotted path.
func visit(value any, f func(object map[string]any, path string)) { visitAt(value, "", f) }

func visitAt(value any, path string, f func(map[string]any, string)) {
	below := func(name string) string { return strings.TrimPrefix(path+"."+name, ".") }
	switch value := value.(type) {
	case map[string]any:
		for name, member := range maps.Clone(value) {
			visitAt(member, below(name), f)
		}
		f(value, path)
	case []any:
		for i, element := range value {
			visitAt(element, below(strconv.Itoa(i)), f)
		}
	}
}

// without returns a response in which one member is null or absent.
func without(t *testing.T, response, member, change string) string {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal([]byte(response), &value))
	visit(value, func(object map[string]any, path string) {
		for name := range object {
			if strings.TrimPrefix(path+"."+name, ".") != member {
				continue
			}
			if change == "null" {
				object[name] = nil
			} else {
				delete(object, name)
			}
		}
	})
	body, err := json.Marshal(value)
	require.NoError(t, err)
	return string(body)
}
