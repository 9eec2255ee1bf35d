// The replies that say no, in the three shapes that production uses.

package authkittest

import (
	"cmp"
	"encoding/json"
	"net/http"
)

// refusal is an error reply. Production has three families: Code and Message (plain), OAuthError and Description
// (OAuth, RFC 6749 section 5.2), and Message alone (bare).
type apiError struct {
	status int // 400 when zero

	Code        string         `json:"code,omitempty"`
	Message     string         `json:"message,omitempty"`
	OAuthError  string         `json:"error,omitempty"`
	Description string         `json:"error_description,omitempty"`
	Errors      []fieldProblem `json:"errors,omitempty"`

	// What an application needs for its next step.
	PendingToken        string            `json:"pending_authentication_token,omitempty"`
	User                *userObject       `json:"user,omitempty"`
	Email               string            `json:"email,omitempty"`
	EmailVerificationID string            `json:"email_verification_id,omitempty"`
	Factors             []factorReference `json:"authentication_factors,omitempty"`
	Organizations       []organizationRef `json:"organizations,omitempty"`
	ConnectionIDs       []string          `json:"connection_ids,omitempty"`
	SSOConnectionIDs    *[]string         `json:"sso_connection_ids,omitempty"`
	AuthMethods         map[string]bool   `json:"auth_methods,omitempty"`
}

// fieldProblem is one of the reasons why a request was refused: production names the field or has a message.
type fieldProblem struct {
	Field   string `json:"field,omitempty"`
	Code    string `json:"code"`
	Message string `json:"message,omitempty"`
}

func plainError(code, message string) *apiError {
	return &apiError{Code: code, Message: message}
}

func oauthError(code, description string) *apiError {
	return &apiError{OAuthError: code, Description: description}
}

// notFound says that there is no such thing, in the bare form.
func notFound(what, id string) *apiError {
	return &apiError{status: http.StatusNotFound, Message: what + " not found: '" + id + "'."}
}

// invalid says that the request does not have the form that the call asks for.
func invalid(problems ...fieldProblem) *apiError {
	return &apiError{
		status: http.StatusUnprocessableEntity, Code: "invalid_request_parameters", Message: "Validation failed.", Errors: problems,
	}
}

func required(field string) *apiError { return invalid(fieldProblem{Field: field, Code: "required"}) }

// write sends the refusal.
func (apiErr *apiError) write(w http.ResponseWriter) {
	write(w, cmp.Or(apiErr.status, http.StatusBadRequest), apiErr)
}

// write sends a reply of the API.
func write(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // only a Person's Claims or Metadata could do that, and minting has refused those
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
