// The errors of a call and the functions that classify them.

package workos_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

// exchange makes a call with a code, which is never retried, and returns its error.
func exchange(t *testing.T, server *server, opts ...workos.Option) error {
	t.Helper()
	got, err := server.client(t, opts...).AuthenticateWithCode(t.Context(), workos.AuthenticateWithCodeParams{Code: code, CodeVerifier: verifier})
	assert.Nil(t, got)
	require.Error(t, err)
	return err
}

func requireAPIError(t *testing.T, err error) *workos.Error {
	t.Helper()
	var apiErr *workos.Error
	require.ErrorAs(t, err, &apiErr)
	return apiErr
}

func TestAnErrorResponseIsReadFromEachEnvelope(t *testing.T) {
	const doing = "workos: POST /user_management/authenticate (authorization_code)"
	tests := map[string]struct {
		status      int
		body        string
		wantCode    string
		wantMessage string
		wantDetails []workos.ErrorDetail
		wantText    string
		transient   bool
	}{
		"plain": {
			status: 403, body: `{"code":"organization_selection_required","message":"Choose one.","organizations":[]}`,
			wantCode: "organization_selection_required", wantMessage: "Choose one.",
			wantText: doing + ": organization_selection_required: Choose one. (status 403, request req_01A)",
		},
		"OAuth": {
			status: 400, body: `{"error":"invalid_grant","error_description":"The code has expired."}`,
			wantCode: "invalid_grant", wantMessage: "The code has expired.",
			wantText: doing + ": invalid_grant: The code has expired. (status 400, request req_01A)",
		},
		"OAuth without a description": {
			status: 400, body: `{"error":"invalid_grant","error_description":null}`,
			wantCode: "invalid_grant",
			wantText: doing + ": invalid_grant (status 400, request req_01A)",
		},
		"bare": {
			status: 401, body: `{"message":"Unauthorized"}`,
			wantMessage: "Unauthorized",
			wantText:    doing + ": Unauthorized (status 401, request req_01A)",
		},
		"plain and OAuth in one response": {
			status: 400, body: `{"code":"a","error":"b","message":"c","error_description":"d"}`,
			wantCode: "a", wantMessage: "c",
			wantText: doing + ": a: c (status 400, request req_01A)",
		},
		"an empty object": {
			status: 400, body: `{}`,
			wantText: doing + " (status 400, request req_01A)",
		},
		"an unknown code": {
			status: 418, body: `{"code":"teapot"}`,
			wantCode: "teapot",
			wantText: doing + ": teapot (status 418, request req_01A)",
		},
		"errors by field": {
			status: 422, body: `{"code":"invalid_request_parameters","errors":[{"field":"email","code":"email_required"}]}`,
			wantCode: "invalid_request_parameters", wantDetails: []workos.ErrorDetail{{Field: "email", Code: "email_required"}},
			wantText: doing + ": invalid_request_parameters (status 422, request req_01A)",
		},
		"errors by place": {
			status: 400, body: `{"code":"invalid_audit_log_event","message":"No.","errors":[{"instancePath":"/targets/0"}]}`,
			wantCode: "invalid_audit_log_event", wantMessage: "No.", wantDetails: []workos.ErrorDetail{{Field: "/targets/0"}},
			wantText: doing + ": invalid_audit_log_event: No. (status 400, request req_01A)",
		},
		"errors by code": {
			status: 400, body: `{"code":"password_strength_error","errors":[{"code":"too_short","message":"Too short."},{"code":"leaked"}]}`,
			wantCode: "password_strength_error", wantDetails: []workos.ErrorDetail{{Code: "too_short", Message: "Too short."}, {Code: "leaked"}},
			wantText: doing + ": password_strength_error (status 400, request req_01A)",
		},
		"errors as strings": {
			status: 422, body: `{"message":"Validation failed","errors":["email must be an email"]}`,
			wantMessage: "Validation failed", wantDetails: []workos.ErrorDetail{{Message: "email must be an email"}},
			wantText: doing + ": Validation failed (status 422, request req_01A)",
		},
		"errors of mixed and unknown kinds": {
			status: 422, body: `{"code":"x","errors":["a",{"code":"b","field":7},null,3]}`,
			wantCode: "x", wantDetails: []workos.ErrorDetail{{Message: "a"}, {Code: "b"}, {}, {}},
			wantText: doing + ": x (status 422, request req_01A)",
		},
		"errors that are not a list": {
			status: 422, body: `{"errors":{"email":"bad"},"code":"x"}`,
			wantCode: "x",
			wantText: doing + ": x (status 422, request req_01A)",
		},
		"a message that is neither a string nor a list": {
			status: 400, body: `{"message":{"a":"b"},"code":"x"}`,
			wantCode: "x",
			wantText: doing + ": x (status 400, request req_01A)",
		},
		"a message that is a list": {
			status: 400, body: `{"message":["a","b"],"code":"x"}`,
			wantCode: "x", wantMessage: "a; b", wantDetails: []workos.ErrorDetail{{Message: "a"}, {Message: "b"}},
			wantText: doing + ": x: a; b (status 400, request req_01A)",
		},
		"a message that is a list of mixed and unknown kinds": {
			status: 422, body: `{"message":["a",{"code":"b"},null,3],"errors":["c"]}`,
			wantMessage: "a", wantDetails: []workos.ErrorDetail{{Message: "c"}, {Message: "a"}, {Code: "b"}, {}, {}},
			wantText: doing + ": a (status 422, request req_01A)",
		},
		"a reason phrase instead of a code": {
			status: 400, body: `{"statusCode":400,"message":["code must be a string"],"error":"Bad Request"}`,
			wantMessage: "code must be a string", wantDetails: []workos.ErrorDetail{{Message: "code must be a string"}},
			wantText: doing + ": code must be a string (status 400, request req_01A)",
		},
		"the reason phrase of another status": {
			status: 401, body: `{"message":"No.","error":"Bad Request"}`,
			wantCode: "Bad Request", wantMessage: "No.",
			wantText: doing + ": Bad Request: No. (status 401, request req_01A)",
		},
		"rate limit": {
			status: 429, body: `{"error":"too_many_requests","error_description":"Slow down."}`,
			wantCode: "too_many_requests", wantMessage: "Slow down.", transient: true,
			wantText: doing + ": too_many_requests: Slow down. (status 429, request req_01A)",
		},
		"request timeout": {
			status: 408, body: `{"message":"Timeout"}`,
			wantMessage: "Timeout", transient: true,
			wantText: doing + ": Timeout (status 408, request req_01A)",
		},
		"server error": {
			status: 500, body: `{"message":"Internal Server Error"}`,
			wantMessage: "Internal Server Error", transient: true,
			wantText: doing + ": Internal Server Error (status 500, request req_01A)",
		},
		"an HTML page of a proxy": {
			status: 502, body: "<html>\r\n<h1>Bad\tgateway</h1>\r\n\r\n</html>\n",
			wantMessage: "<html> <h1>Bad gateway</h1> </html>", transient: true,
			wantText: doing + ": <html> <h1>Bad gateway</h1> </html> (status 502, request req_01A)",
		},
		"an HTML page of a firewall": {
			status: 403, body: "<html>Blocked</html>",
			wantMessage: "<html>Blocked</html>", transient: true,
			wantText: doing + ": <html>Blocked</html> (status 403, request req_01A)",
		},
		"nothing": {
			status: 503, body: "", transient: true,
			wantText: doing + " (status 503, request req_01A)",
		},
		"broken JSON": {
			status: 403, body: `{"code":"mfa_challenge","pending_authentication_token":"pending-sec`,
			wantMessage: "the response is broken JSON", transient: true,
			wantText: doing + ": the response is broken JSON (status 403, request req_01A)",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := exchange(t, newServer(t, respondWith(tt.status, tt.body, "X-Request-ID", "req_01A")))
			apiErr := requireAPIError(t, err)
			assert.Equal(t, tt.wantCode, apiErr.Code)
			assert.Equal(t, tt.wantMessage, apiErr.Message)
			assert.Equal(t, tt.wantDetails, apiErr.Details)
			assert.Equal(t, tt.status, apiErr.StatusCode)
			assert.Equal(t, "req_01A", apiErr.RequestID)
			assert.Equal(t, tt.wantText, err.Error())
			assert.Equal(t, tt.transient, workos.IsTransient(err))
			assert.Equal(t, tt.transient, workos.IsTransient(fmt.Errorf("wrapped: %w", err)))
		})
	}
}

func TestAnErrorTextOmitsAMissingRequestID(t *testing.T) {
	err := exchange(t, newServer(t, respondWith(400, `{"error":"invalid_grant"}`)))
	assert.EqualError(t, err, "workos: POST /user_management/authenticate (authorization_code): invalid_grant (status 400)")
}

func TestDecodeReadsOtherMembersOfAnErrorResponse(t *testing.T) {
	err := exchange(t, newServer(t, respondWith(400,
		`{"error":"sso_required","email":"kim@acme.test","connection_ids":["conn_1"],"pending_authentication_token":"pending-secret"}`)))
	apiErr := requireAPIError(t, err)
	var members struct {
		ConnectionIDs []string `json:"connection_ids"`
		Token         string   `json:"pending_authentication_token"`
	}
	require.NoError(t, apiErr.Decode(&members))
	assert.Equal(t, []string{"conn_1"}, members.ConnectionIDs)
	assert.Equal(t, "pending-secret", members.Token)

	var mistyped struct {
		Token int `json:"pending_authentication_token"`
	}
	assert.ErrorContains(t, apiErr.Decode(&mistyped), `member "pending_authentication_token" has the unexpected type string`)

	err = exchange(t, newServer(t, respondWith(502, page)))
	assert.ErrorContains(t, requireAPIError(t, err).Decode(&members), "not JSON")
}

func TestRetryAfterIsReadAndCapped(t *testing.T) {
	clock := newFakeClock()
	at := func(d time.Duration) string { return clock.Now().Add(d).Format(http.TimeFormat) }
	tests := map[string]struct {
		header string
		want   time.Duration
	}{
		"seconds":                  {"7", 7 * time.Second},
		"seconds with spaces":      {" 7 ", 7 * time.Second},
		"none":                     {"0", 0},
		"negative seconds":         {"-7", 0},
		"a minute":                 {"60", time.Minute},
		"more than a minute":       {"61", time.Minute},
		"more than an integer":     {"99999999999999999999999", time.Minute},
		"less than an integer":     {"-99999999999999999999999", 0},
		"a fraction":               {"1.5", 0},
		"nonsense":                 {"soon", 0},
		"nothing":                  {"", 0},
		"a date":                   {at(7 * time.Second), 7 * time.Second},
		"a date in the past":       {at(-time.Hour), 0},
		"a date in the far future": {at(time.Hour), time.Minute},
		"a date in the year 9999":  {"Mon, 01 Jan 9999 00:00:00 GMT", time.Minute},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := exchange(t, newServer(t, respondWith(429, `{}`, "Retry-After", tt.header)), workos.WithClock(clock))
			assert.Equal(t, tt.want, workos.RetryAfter(err))
			assert.Equal(t, tt.want, workos.RetryAfter(fmt.Errorf("wrapped: %w", err)))
		})
	}
	assert.Zero(t, workos.RetryAfter(nil))
	assert.Zero(t, workos.RetryAfter(errors.New("another error")))
}

func TestErrorsOfOtherPackagesAreNotTransient(t *testing.T) {
	assert.False(t, workos.IsTransient(nil))
	assert.False(t, workos.IsTransient(errors.New("another error")))
	assert.False(t, workos.IsTransient(context.DeadlineExceeded))
}

func TestANetworkErrorNamesTheCallButNotItsQuery(t *testing.T) {
	down := newServer(t, respondWith(200, `{}`))
	down.URL = "http://127.0.0.1:1" // nothing listens there

	err := exchange(t, down)
	var transportErr *workos.TransportError
	require.ErrorAs(t, err, &transportErr)
	assert.Equal(t, "POST /user_management/authenticate (authorization_code)", transportErr.Operation)
	assert.Zero(t, transportErr.StatusCode)
	assert.ErrorContains(t, err, "workos: POST /user_management/authenticate (authorization_code): dial tcp 127.0.0.1:1")
	assert.True(t, workos.IsTransient(err))

	clock := newFakeClock()
	done := start(func() error {
		_, err := collect(down.client(t, workos.WithClock(clock)).ListUsers(t.Context(), workos.ListUsersParams{Email: "kim@acme.test"}))
		return err
	})
	for range 4 {
		clock.next()
		clock.advance(clock.next())
	}
	err = <-done
	assert.ErrorContains(t, err, "workos: GET /user_management/users: dial tcp")
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), "kim")
}
