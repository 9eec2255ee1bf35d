// Error responses of the API, in the three formats of production.

package authkittest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
)

// apiError is an error response. Production has three formats: Code and Message (plain), OAuthError and Description (OAuth,
// RFC 6749 section 5.2), and only Message (bare).
type apiError struct {
	status     int // 400 when zero
	retryAfter int // seconds in Retry-After; 0 for none

	Code        string         `json:"code,omitempty"`
	Message     string         `json:"message,omitempty"`
	OAuthError  string         `json:"error,omitempty"`
	Description string         `json:"error_description,omitempty"`
	Errors      []fieldProblem `json:"errors,omitempty"`

	// The data for the next step of a sign-in.
	PendingToken        string            `json:"pending_authentication_token,omitempty"`
	User                *userObject       `json:"user,omitempty"`
	Email               string            `json:"email,omitempty"`
	EmailVerificationID string            `json:"email_verification_id,omitempty"`
	RadarChallengeID    string            `json:"radar_challenge_id,omitempty"`
	Factors             []factorReference `json:"authentication_factors,omitempty"`
	Organizations       []organizationRef `json:"organizations,omitempty"`
	ConnectionIDs       []string          `json:"connection_ids,omitempty"`
	SSOConnectionIDs    *[]string         `json:"sso_connection_ids,omitempty"`
	AuthMethods         map[string]bool   `json:"auth_methods,omitempty"`
}

// fieldProblem is one of several reasons for an error. Depending on the call, production sends the field, a message or a JSON
// pointer.
type fieldProblem struct {
	Field        string `json:"field,omitempty"`
	Code         string `json:"code,omitempty"`
	Message      string `json:"message,omitempty"`
	InstancePath string `json:"instancePath,omitempty"` // only of an audit-log event, without the others
}

func plainError(code, message string) *apiError {
	return &apiError{Code: code, Message: message}
}

func oauthError(code, description string) *apiError {
	return &apiError{OAuthError: code, Description: description}
}

// notFound returns the error for an object that does not exist, in the bare format.
func notFound(what, id string) *apiError {
	return &apiError{status: http.StatusNotFound, Message: what + " not found: '" + id + "'."}
}

// invalid returns the error for a request with invalid parameters.
func invalid(problems ...fieldProblem) *apiError {
	return &apiError{
		status: http.StatusUnprocessableEntity, Code: "invalid_request_parameters", Message: "Validation failed.", Errors: problems,
	}
}

// tooManyRequests returns the error for a call that must be repeated later, in the OAuth format. retryAfter is in seconds.
func tooManyRequests(description string, retryAfter int) *apiError {
	apiErr := oauthError("too_many_requests", description)
	apiErr.status, apiErr.retryAfter = http.StatusTooManyRequests, retryAfter
	return apiErr
}

func required(field string) *apiError { return invalid(fieldProblem{Field: field, Code: "required"}) }

// write sends the error response.
func (apiErr *apiError) write(w http.ResponseWriter) {
	if apiErr.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(apiErr.retryAfter))
	}
	write(w, cmp.Or(apiErr.status, http.StatusBadRequest), apiErr)
}

// write sends a response of the API.
func write(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // not possible: every response consists of types that can be encoded
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
