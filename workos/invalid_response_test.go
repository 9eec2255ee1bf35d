// Every call against replies that a server should not send.

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

	"github.com/authkit-go/authkit/workos"
)

// offline is a client whose every request gets the same reply, without a network.
func offline(t *testing.T, status int, body string, header http.Header) *workos.Client {
	t.Helper()
	return newClient(t, workos.WithAPIKey(apiKey), workos.WithHTTPClient(&http.Client{
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		}),
	}))
}

func TestEveryCallWithstandsUnusableReplies(t *testing.T) {
	replies := map[string]struct {
		status int
		body   string
		header http.Header
	}{
		"HTML":                       {status: 200, body: page, header: http.Header{"Content-Type": {"text/html"}}},
		"an empty body":              {status: 200},
		"JSON that breaks off":       {status: 200, body: `{"data":[{"id":"x"`},
		"null":                       {status: 200, body: `null`},
		"an empty object":            {status: 200, body: `{}`},
		"a number":                   {status: 200, body: `7`},
		"a list of nulls":            {status: 200, body: `{"data":[null],"list_metadata":{"after":null}}`},
		"numbers for everything":     {status: 200, body: `{"id":1,"user":2,"data":3,"api_key":4,"issuer":5,"valid":6,"authentication_factor":7,"device_code":8}`},
		"nulls for everything":       {status: 200, body: `{"id":null,"user":null,"data":null,"issuer":null,"valid":null,"authentication_factor":null}`},
		"20 MB":                      {status: 200, body: `{"id":"` + strings.Repeat("x", 20<<20) + `"}`},
		"a hundred thousand arrays":  {status: 200, body: strings.Repeat("[", 100_000)},
		"a redirect to another host": {status: 302, header: http.Header{"Location": {"https://evil.test/"}}},
		"a refusal with status 200":  {status: 200, body: `{"code":"invalid_grant","message":"No."}`},
	}
	for name, tt := range calls {
		for kind, reply := range replies {
			t.Run(name+" gets "+kind, func(t *testing.T) {
				got, err := tt.call(t.Context(), offline(t, reply.status, reply.body, reply.header))
				if tt.want == nil && reply.status == 200 {
					assert.NoError(t, err, "nobody reads the reply")
					return
				}
				var failure *workos.TransportError
				require.ErrorAs(t, err, &failure)
				assert.True(t, workos.IsTransient(err))
				assert.Equal(t, reply.status, failure.StatusCode)
				assertNothing(t, got)
				assert.Less(t, len(err.Error()), 1000)
			})
		}
		t.Run(name+" gets a refusal of an unknown code", func(t *testing.T) {
			_, err := tt.call(t.Context(), offline(t, 418, `{"code":"teapot","message":"I am one.","errors":[null,7]}`, nil))
			assert.Equal(t, "teapot", workos.ErrorCode(err))
			assert.False(t, workos.IsTransient(err))
		})
	}
}

// assertNothing asserts that a failed call has yielded nothing that could be taken for a success.
func assertNothing(t *testing.T, got any) {
	t.Helper()
	if value := reflect.ValueOf(got); value.IsValid() {
		assert.True(t, value.IsZero(), "a failed call yielded %+v", got)
	}
}

func TestEveryCallPassesOverWhatItDoesNotKnow(t *testing.T) {
	for name, tt := range calls {
		if tt.reply == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			var reply any
			require.NoError(t, json.Unmarshal([]byte(tt.reply), &reply))
			visit(reply, func(object map[string]any, path string) {
				if path != "metadata" && !strings.HasSuffix(path, ".metadata") && !strings.HasSuffix(path, "custom_attributes") {
					object["a_member_of_tomorrow"] = map[string]any{"deep": []any{1, "x", nil}}
				}
			})
			body, err := json.Marshal(reply)
			require.NoError(t, err)
			got, err := tt.call(t.Context(), offline(t, tt.status, string(body), nil))
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestEveryMemberOfAReplyMayBeNullOrAbsentUnlessTheCallIsMadeForIt(t *testing.T) {
	for name, tt := range calls {
		if tt.reply == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			var members []string
			var whole any
			require.NoError(t, json.Unmarshal([]byte(tt.reply), &whole))
			visit(whole, func(object map[string]any, path string) {
				for member := range object {
					members = append(members, strings.TrimPrefix(path+"."+member, "."))
				}
			})
			require.Subset(t, append(members, "data.0"), tt.must)
			for _, member := range members {
				for _, change := range []string{"null", "absent"} {
					if member == "api_key" && change == "null" {
						continue // means something
					}
					_, err := tt.call(t.Context(), offline(t, tt.status, without(t, tt.reply, member, change), nil))
					if slices.Contains(tt.must, member) || member == "api_key" {
						var failure *workos.TransportError
						assert.ErrorAs(t, err, &failure, "%s %s", member, change)
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

// without is a reply of which one member is null or absent.
func without(t *testing.T, reply, member, change string) string {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal([]byte(reply), &value))
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
