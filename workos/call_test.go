// Call: what it refuses, what it does with responses, and what its errors show.

package workos_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

func TestCallRefusesAPathThatCouldReachSomethingElse(t *testing.T) {
	server := newServer(t, respondWith(200, `{}`))
	client := server.client(t)
	for path, want := range map[string]string{
		"":                                    "does not begin",
		"organizations":                       "does not begin",
		"https://evil.test/organizations":     "does not begin",
		"//evil.test/organizations":           "empty segment",
		"@evil.test/":                         "does not begin",
		".evil.test/":                         "does not begin",
		":80/organizations":                   "does not begin",
		"?a=b":                                "does not begin",
		" /organizations":                     "does not begin",
		`\organizations`:                      "does not begin",
		`/\evil.test/organizations`:           "characters",
		"/":                                   "empty segment",
		"/organizations/":                     "empty segment",
		"/organizations//x":                   "empty segment",
		"/organizations/../users":             "dot segment",
		"/organizations/..":                   "dot segment",
		"/./organizations":                    "dot segment",
		"/organizations/org_secret/../../x":   "dot segment",
		"/organizations/%2e%2e/users":         "characters",
		"/organizations/.%2E/users":           "characters",
		"/organizations/org%2Fsecret":         "characters",
		"/organizations/..;/users":            "characters",
		"/organizations/..\\users":            "characters",
		"/organizations?limit=1":              "query or a fragment",
		"/organizations/x?secret=1":           "query or a fragment",
		"/organizations#x":                    "query or a fragment",
		"/organizations/a b":                  "characters",
		"/organizations/a\r\nX-Secret: 1":     "characters",
		"/organizations/a\x00":                "characters",
		"/organizations/é":                    "characters",
		"/organizations/\u2215x":              "characters",
		"/organizations/{id}":                 "1 names in braces, but there are 0 IDs",
		"/organizations/{}":                   "characters",
		"/organizations/{id":                  "characters",
		"/organizations/id}":                  "characters",
		"/organizations/{a-b}":                "characters",
		"/organizations/x{id}":                "characters",
		"/organizations/{id}x":                "characters",
		"/organizations/{a}{b}":               "characters",
		"/organizations/{{id}}":               "characters",
		"/organizations/{id?}":                "query or a fragment",
		"/http://evil.test/organizations/{a}": "characters",
	} {
		t.Run(path, func(t *testing.T) {
			err := client.Call(t.Context(), http.MethodGet, path, nil, nil)
			assert.ErrorContains(t, err, want)
			assert.NotContains(t, err.Error(), "secret")
			assert.False(t, workos.IsTransient(err))
		})
	}
	for name, call := range map[string]func() error{
		"more IDs than names":  func() error { return client.Call(t.Context(), "GET", "/organizations/{id}", nil, nil, "a", "b") },
		"an ID without a name": func() error { return client.Call(t.Context(), "GET", "/organizations", nil, nil, "a") },
		"an empty ID":          func() error { return client.Call(t.Context(), "GET", "/organizations/{id}", nil, nil, "") },
		"a dot":                func() error { return client.Call(t.Context(), "GET", "/organizations/{id}", nil, nil, ".") },
		"two dots":             func() error { return client.Call(t.Context(), "GET", "/a/{id}/{b}", nil, nil, "a", "..") },
	} {
		assert.Error(t, call(), name)
	}
	assert.Empty(t, server.received())
}

func TestCallRefusesAMethodThatTheAPIDoesNotHave(t *testing.T) {
	server := newServer(t, respondWith(200, `{}`))
	for _, method := range []string{"", "get", "HEAD", "OPTIONS", "CONNECT", "TRACE", "GET /x HTTP/1.1\r\n", "GET ", "QUERY"} {
		err := server.client(t).Call(t.Context(), method, "/organizations", nil, nil)
		assert.ErrorContains(t, err, "the method is not one of GET, POST, PUT, PATCH, DELETE", "%q", method)
	}
	assert.Empty(t, server.received())
}

func TestCallRefusesAnInputThatItWouldSendWrongly(t *testing.T) {
	server := newServer(t, respondWith(200, `{}`))
	var nilMap map[string]string
	for name, tt := range map[string]struct {
		method, want string
		in           any
	}{
		"a GET with a body":                {"GET", "a GET has no body", map[string]string{"a": "b"}},
		"a text":                           {"POST", "neither a JSON object nor a list", `{"a":"b"}`},
		"bytes, which would become base64": {"POST", "neither a JSON object nor a list", []byte(`{"a":"b"}`)},
		"a number":                         {"POST", "neither a JSON object nor a list", 7},
		"a nil map":                        {"POST", "neither a JSON object nor a list", nilMap},
		"a nil pointer":                    {"POST", "neither a JSON object nor a list", (*workos.User)(nil)},
		"an empty JSON text":               {"POST", "in cannot be encoded", json.RawMessage("")},
		"a broken JSON text":               {"POST", "in cannot be encoded", json.RawMessage(`{"a":`)},
		"a JSON text with more":            {"POST", "in cannot be encoded", json.RawMessage(`{}{}`)},
		"a reader":                         {"POST", "io.Reader", strings.NewReader(`{"a":"b"}`)},
		"a buffer":                         {"POST", "io.Reader", bytes.NewBufferString(`{"a":"b"}`)},
		"a function":                       {"POST", "in cannot be encoded", func() {}},
		"infinity":                         {"POST", "in cannot be encoded", map[string]float64{"a": math.Inf(1)}},
		"a pointer to a query":             {"GET", "pass the value", &url.Values{}},
		"a pointer to a query and a body":  {"POST", "pass the value", &workos.QueryAndBody{}},
		"a query as body":                  {"POST", "the body has query parameters", workos.QueryAndBody{Body: url.Values{}}},
		"a GET with a query and a body":    {"GET", "a GET has no body", workos.QueryAndBody{Body: struct{}{}}},
	} {
		t.Run(name, func(t *testing.T) {
			err := server.client(t).Call(t.Context(), tt.method, "/organizations", tt.in, nil)
			assert.ErrorContains(t, err, tt.want)
			assert.False(t, workos.IsTransient(err))
		})
	}
	for name, out := range map[string]any{"a value": workos.User{}, "a map": map[string]any{}, "a nil pointer": (*workos.User)(nil), "a text": ""} {
		assert.ErrorContains(t, server.client(t).Call(t.Context(), "GET", "/organizations", nil, out), "out is neither nil nor a pointer", name)
	}
	assert.Empty(t, server.received())
}

func TestCallDecodesAnyJSON(t *testing.T) {
	respond := func(status int, body string) *workos.Client {
		return newServer(t, respondWith(status, body)).client(t)
	}
	get := func(client *workos.Client, out any) error { return client.Call(t.Context(), "GET", "/x", nil, out) }

	var raw json.RawMessage
	require.NoError(t, get(respond(200, ` {"a": [1, 2]} `), &raw))
	assert.JSONEq(t, `{"a":[1,2]}`, string(raw))
	var list []string
	require.NoError(t, get(respond(200, `["a"]`), &list))
	assert.Equal(t, []string{"a"}, list)
	var anything any
	require.NoError(t, get(respond(202, `7`), &anything))
	assert.Equal(t, 7.0, anything)

	kept := "before"
	require.NoError(t, get(respond(204, ""), &kept))
	assert.Equal(t, "before", kept, "a response without a body leaves out unchanged")
	for name, body := range map[string]string{"an empty body": "", "HTML": page, "truncated JSON": `{"a":`, "two JSON texts": `{}{}`} {
		var transportErr *workos.TransportError
		assert.ErrorAs(t, get(respond(200, body), &raw), &transportErr, name)
		assert.NoError(t, get(respond(200, body), nil), name)
	}
	assert.ErrorContains(t, get(respond(200, `{"email":"x"}`), new(workos.User)), "missing id", "a type of the package checks the response")
}

func TestCallShowsNoValueOfTheRequestInAnError(t *testing.T) {
	values := []string{"id-secret", "query-secret", "text-secret", "member-secret", "86753090", "list-secret", "quoted \" secret"}
	echo, err := json.Marshal(map[string]any{"code": "no", "message": "email: " + strings.Join(values, ", ")})
	require.NoError(t, err)
	server := newServer(t, respondWith(422, string(echo), "X-Request-ID", "req id-secret"))
	err = server.client(t).Call(t.Context(), http.MethodPost, "/things/{id}", workos.QueryAndBody{
		Query: url.Values{"q": {"query-secret"}},
		Body: map[string]any{
			"email": "text-secret", "number": 86753090, "quoted": "quoted \" secret",
			"object": map[string]string{"a": "member-secret"}, "list": []any{[]string{"list-secret"}, nil, true},
		},
	}, nil, "id-secret")
	apiErr := requireAPIError(t, err)
	assert.Equal(t, "POST /things/{id}", apiErr.Operation)
	assert.Equal(t, "email: "+strings.TrimSuffix(strings.Repeat("[redacted], ", len(values)), ", "), apiErr.Message, "the names of members are shown")
	assert.Equal(t, "req [redacted]", apiErr.RequestID)
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		for _, value := range values {
			assert.NotContains(t, fmt.Sprintf(verb, err), value)
		}
	}
}

func TestCallDoesNotMaskShortValues(t *testing.T) {
	server := newServer(t, respondWith(422, `{"message":"an org is not a user"}`))
	err := server.client(t).Call(t.Context(), http.MethodPost, "/things", map[string]any{"a": "a", "b": "org", "c": 1}, nil)
	assert.Equal(t, "an org is not a user", requireAPIError(t, err).Message)
}

func TestCallObeysItsContext(t *testing.T) {
	server := newServer(t, respondWith(200, `{}`))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, server.client(t).Call(ctx, http.MethodGet, "/x", nil, nil), context.Canceled)
	assert.Empty(t, server.received())
}
