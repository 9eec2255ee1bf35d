// The errors of a call: what the API refused, what never arrived, and how to tell which of them will pass.

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

// Error is a refusal: a reply with a status of 400 or more. The API words refusals in three ways, as {code, message},
// as {error, error_description} (RFC 6749 section 5.2) and as {message} alone; here they are one. What an application
// can act on comes as a type of its own, such as [*MFAChallengeError], in which [errors.As] finds the Error too.
//
// Every text in it is bounded, printable and free of the secrets that were sent and of what looks like a token or a key.
type Error struct {
	// Operation is what was being done, such as "POST /user_management/authenticate (refresh_token)".
	Operation string
	// Code is what to tell refusals apart by, such as [CodeInvalidGrant]. It is empty where the API gave none.
	Code string
	// Message is for the application's developer, not for its users. It is not stable. For a reply that was not JSON
	// it is the beginning of that.
	Message string
	// Details are the parts of a refusal that has several, such as the faults of a password.
	Details []ErrorDetail

	StatusCode int
	RequestID  string        // what WorkOS support asks for; may be empty
	RetryAfter time.Duration // how long the server asked to be left alone, 60 s at most, 0 if it did not

	body       []byte // may hold a pending_authentication_token
	notFromAPI bool   // not a JSON object: something in front of the API answered
}

// ErrorDetail is one part of a refusal. Which of its fields are set depends on the call.
type ErrorDetail struct {
	Field   string `json:"field,omitempty"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// Error tells what was being done and what came back.
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

// Decode reads the reply's JSON into v as [json.Unmarshal] does, for members that this package does not know. What it
// yields may be secret.
func (e *Error) Decode(v any) error {
	if err := json.Unmarshal(e.body, v); err != nil {
		return fmt.Errorf("workos: decode the error response of %s: %s", e.Operation, describeDecodeError(err))
	}
	return nil
}

// Format implements [fmt.Formatter]. It leaves the reply out.
func (e Error) Format(s fmt.State, verb rune) {
	if verb == 'v' && s.Flag('#') {
		type plain Error
		e.body = nil
		format(s, verb, plain(e))
		return
	}
	format(s, verb, e.Error())
}

// TransportError is a request without a usable reply. Either none arrived in full (the network failed, time ran out,
// the caller gave up) or what arrived is not the API's: not JSON, too large, without a member that the call is made
// for, or a redirect. errors.Is finds the cause: [context.DeadlineExceeded] when time ran out, and the context's own
// error when that ended.
type TransportError struct {
	// Operation is what was being done, such as "POST /user_management/authenticate (refresh_token)".
	Operation string

	StatusCode int    // 0 if no response began to arrive
	RequestID  string // what WorkOS support asks for; may be empty

	reason   string // the cause's text, cleaned
	cause    error
	unusable bool // a whole response, but not one that the call can use
}

// Error tells what was being done and why nothing came of it.
func (e *TransportError) Error() string {
	text := "workos: " + e.Operation + ": " + e.reason
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	return text
}

// Unwrap is the cause.
func (e *TransportError) Unwrap() error { return e.cause }

// IsTransient tells whether a failure says nothing about the code, token or key that was sent, so that the same call
// may well succeed later and a session must not end over it:
//
//   - network errors and exceeded deadlines, the caller's own included;
//   - the statuses 408, 429 and 5xx;
//   - replies that are not the API's: HTML, truncated or too large, a redirect, a success without its access token,
//     a refusal that is not JSON.
//
// It is false for every other refusal, for nil, and when the caller's context was cancelled. A refusal that is transient
// by its status may still have a Code that is final: look at that first.
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

// IsNotFound tells whether an error is the API's word that there is no object with the ID, or no user with the address,
// that was asked for. Such a refusal has no code, only the status 404.
func IsNotFound(err error) bool {
	var apiErr *Error
	return errors.As(err, &apiErr) && apiErr.StatusCode == http.StatusNotFound && !apiErr.notFromAPI
}

// ErrorCode is the code of the refusal that err is about, such as [CodeInvalidGrant], and empty if it is about none or
// about one without a code.
func ErrorCode(err error) string {
	var apiErr *Error
	if errors.As(err, &apiErr) {
		return apiErr.Code
	}
	return ""
}

// RetryAfter is how long the server asked to be left alone with the reply that err is about: 60 s at most, and 0 if it
// did not ask.
func RetryAfter(err error) time.Duration {
	var apiErr *Error
	if errors.As(err, &apiErr) {
		return apiErr.RetryAfter
	}
	return 0
}

// passing tells whether a status is about the moment rather than about the request.
func isTransientStatus(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
}

// refusal reads a reply of status 400 or more.
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
		// Not quoted: broken JSON may hold a pending_authentication_token.
		e.notFromAPI = true
		e.Message = "the response is broken JSON"
		return e
	}
	e.body = body

	var response struct {
		Code             string            `json:"code"`
		Message          string            `json:"message"`
		Error            string            `json:"error"`
		ErrorDescription string            `json:"error_description"`
		Errors           []json.RawMessage `json:"errors"`
		Token            string            `json:"pending_authentication_token"`
	}
	// A member of an unexpected type is passed over by json.Unmarshal, and what the others say is still worth having.
	_ = json.Unmarshal(body, &response)
	call.secrets = append(slices.Clip(call.secrets), response.Token)
	e.Code = sanitizeCode(cmp.Or(response.Code, response.Error), call.secrets)
	e.Message = call.sanitize(cmp.Or(response.Message, response.ErrorDescription))
	for _, raw := range response.Errors {
		// Either an object or, in older replies, a string.
		var detail ErrorDetail
		if json.Unmarshal(raw, &detail.Message) != nil {
			_ = json.Unmarshal(raw, &detail)
		}
		e.Details = append(e.Details, ErrorDetail{
			Field:   sanitizeCode(detail.Field, call.secrets),
			Code:    sanitizeCode(detail.Code, call.secrets),
			Message: call.sanitize(detail.Message),
		})
	}
	return e
}
