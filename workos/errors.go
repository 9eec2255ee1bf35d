// The errors of a call: error responses, transport errors, and whether they are transient.

package workos

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Error is an error response of the API: a response with a status of 400 or more. The API uses three envelopes, {code,
// message}, {error, error_description} (RFC 6749 section 5.2) and {message}. Error holds all three in the same fields.
// If the message is a list of faults, they are in Details too.
// An error that an application can act on has a type of its own, such as [*MFAChallengeError]. [errors.As] finds the
// Error in it too.
//
// Every text in an Error is short and printable. It contains no secret of the request and nothing that looks like a
// token or a key.
type Error struct {
	// Operation is the call, such as "POST /user_management/authenticate (refresh_token)".
	Operation string
	// Code identifies the kind of error, such as [CodeInvalidGrant]. It is empty if the API sent none.
	Code string
	// Message is for the application's developer, not for its users, and may change. For a response that is not JSON it
	// is the beginning of the body.
	Message string
	// Details are the parts of an error that has several, such as the faults of a password.
	Details []ErrorDetail

	StatusCode int
	RequestID  string        // identifies the request to WorkOS support; may be empty
	RetryAfter time.Duration // the delay that the server requested, at most 60 s; 0 if none

	body       []byte // may contain a pending_authentication_token
	notFromAPI bool   // not a JSON object: a proxy in front of the API answered
}

// ErrorDetail is one part of an error. The call determines which fields are set.
type ErrorDetail struct {
	Field   string `json:"field,omitempty"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// Error returns the operation, the code, the message, the status and the request ID.
func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString("workos: " + e.Operation)
	for _, part := range []string{e.Code, e.Message} {
		if part != "" {
			text.WriteString(": " + part)
		}
	}
	if e.StatusCode == 0 {
		return text.String()
	}
	fmt.Fprintf(&text, " (status %d", e.StatusCode)
	if e.RequestID != "" {
		text.WriteString(", request " + e.RequestID)
	}
	text.WriteString(")")
	return text.String()
}

// Decode decodes the JSON of the response into v, as [json.Unmarshal] does, for members that this package does not
// know. The result may contain secrets.
func (e *Error) Decode(v any) error {
	if err := json.Unmarshal(e.body, v); err != nil {
		return fmt.Errorf("workos: decode the error response of %s: %s", e.Operation, describeDecodeError(err))
	}
	return nil
}

// Format implements [fmt.Formatter]. It omits the body of the response.
func (e Error) Format(s fmt.State, verb rune) {
	if verb == 'v' && s.Flag('#') {
		type plain Error
		e.body = nil
		format(s, verb, plain(e))
		return
	}
	format(s, verb, e.Error())
}

// TransportError reports a request without a usable response. Either the response did not arrive in full (network
// error, timeout, ended context), or it is not a response of the API: not JSON, too large, a redirect, or without a
// member that the call needs. errors.Is finds the cause: [context.DeadlineExceeded] for a timeout, and the context's
// own error if the context ended.
type TransportError struct {
	// Operation is the call, such as "POST /user_management/authenticate (refresh_token)".
	Operation string

	StatusCode int    // 0 if no response arrived
	RequestID  string // identifies the request to WorkOS support; may be empty

	reason   string // the text of the cause, sanitized
	cause    error
	unusable bool // the response arrived in full but cannot be used
	overlong bool // the response is longer than maxResponse; a list can ask for fewer objects
}

// Error returns the operation, the cause and the request ID.
func (e *TransportError) Error() string {
	text := "workos: " + e.Operation + ": " + e.reason
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	return text
}

// Unwrap returns the cause.
func (e *TransportError) Unwrap() error { return e.cause }

// IsTransient reports whether an error says nothing about the code, token or key that was sent. The same call may
// succeed later, and the error must not end a session. Transient are:
//
//   - network errors and exceeded deadlines, including the caller's deadline;
//   - the statuses 408, 429 and 5xx;
//   - responses that are not the API's: HTML, truncated or too large, a redirect, a success without its access token,
//     an error response that is not JSON.
//
// IsTransient returns false for every other error response, for nil, and after the caller's context was cancelled. An
// error with a transient status may still have a Code that is final, so check the Code first.
func IsTransient(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	var apiErr *Error
	if errors.As(err, &apiErr) {
		return apiErr.notFromAPI || isTransientStatus(apiErr.StatusCode)
	}
	var transportErr *TransportError
	return errors.As(err, &transportErr)
}

// IsNotFound reports whether the API has no object with the given ID, or no user with the given email address. The API
// sends the status 404 then, without a code.
func IsNotFound(err error) bool {
	var apiErr *Error
	return errors.As(err, &apiErr) && apiErr.StatusCode == http.StatusNotFound && !apiErr.notFromAPI
}

// ErrorCode returns the Code of the [Error] in err, such as [CodeInvalidGrant]. It returns "" if err contains no Error
// or the Error has no code, as that of a 401 for a wrong API key. Then StatusCode and Message of the Error say what is wrong.
func ErrorCode(err error) string {
	var apiErr *Error
	if errors.As(err, &apiErr) {
		return apiErr.Code
	}
	return ""
}

// RetryAfter returns the delay that the server requested with the response that err is about. It is at most 60 s, and 0
// if the server requested none.
func RetryAfter(err error) time.Duration {
	var apiErr *Error
	if errors.As(err, &apiErr) {
		return apiErr.RetryAfter
	}
	return 0
}

// isTransientStatus reports whether a status is about a temporary condition, not about the request.
func isTransientStatus(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
}

// newError reads a response of status 400 or more.
func (c *Client) newError(call call, resp *http.Response, body []byte) *Error {
	e := &Error{
		Operation:  call.operation(),
		StatusCode: resp.StatusCode,
		RequestID:  call.sanitize(resp.Header.Get("X-Request-ID")),
		RetryAfter: retryAfter(resp.Header.Get("Retry-After"), c.clock.Now()),
	}
	body = bytes.TrimSpace(body)
	if !bytes.HasPrefix(body, []byte("{")) {
		e.notFromAPI = true
		e.Message = call.sanitize(string(body))
		return e
	}
	if !json.Valid(body) {
		// Not quoted: broken JSON may contain a pending_authentication_token.
		e.notFromAPI = true
		e.Message = "the response is broken JSON"
		return e
	}
	e.body = body

	var response struct {
		Code             string            `json:"code"`
		Message          json.RawMessage   `json:"message"`
		Error            string            `json:"error"`
		ErrorDescription string            `json:"error_description"`
		Errors           []json.RawMessage `json:"errors"`
		Token            string            `json:"pending_authentication_token"`
	}
	// json.Unmarshal skips a member of an unexpected type and still decodes the others.
	_ = json.Unmarshal(body, &response)
	call.secrets = append(slices.Clip(call.secrets), response.Token)
	if response.Error == http.StatusText(resp.StatusCode) {
		response.Error = "" // the framework of the API sends the reason phrase of the status, which is no code
	}
	message, faults := readMessage(response.Message)
	e.Code = sanitizeCode(cmp.Or(response.Code, response.Error), call.secrets)
	e.Message = call.sanitize(cmp.Or(message, response.ErrorDescription))
	for _, raw := range append(response.Errors, faults...) {
		// An object or, in older responses, a string.
		var detail ErrorDetail
		if json.Unmarshal(raw, &detail.Message) != nil {
			var place struct {
				Pointer string `json:"instancePath"` // of an audit-log event
			}
			_ = json.Unmarshal(raw, &detail)
			_ = json.Unmarshal(raw, &place)
			detail.Field = cmp.Or(detail.Field, place.Pointer)
		}
		e.Details = append(e.Details, ErrorDetail{
			Field:   sanitizeCode(detail.Field, call.secrets),
			Code:    sanitizeCode(detail.Code, call.secrets),
			Message: call.sanitize(detail.Message),
		})
	}
	return e
}

// readMessage returns the message of an error response. If it is a list of faults, it returns their texts and the list.
func readMessage(raw json.RawMessage) (message string, faults []json.RawMessage) {
	if json.Unmarshal(raw, &message) == nil {
		return message, nil
	}
	if json.Unmarshal(raw, &faults) != nil {
		return "", nil
	}
	var texts []string
	for _, fault := range faults {
		var text string
		if json.Unmarshal(fault, &text) == nil && text != "" {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "; "), faults
}
