// The replies that say no, in the three shapes that production uses.

package authkittest

import (
	"encoding/json"
	"net/http"
)

// refusal is an error reply. Production has three families: Code and Message (plain), OAuthError and Description
// (OAuth, RFC 6749 section 5.2), and Message alone (bare).
type refusal struct {
	Code        string `json:"code,omitempty"`
	Message     string `json:"message,omitempty"`
	OAuthError  string `json:"error,omitempty"`
	Description string `json:"error_description,omitempty"`
}

func plainRefusal(code, message string) *refusal {
	return &refusal{Code: code, Message: message}
}

func oauthRefusal(code, description string) *refusal {
	return &refusal{OAuthError: code, Description: description}
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
