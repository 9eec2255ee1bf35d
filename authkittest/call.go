// Calls of the API: checks the API key, reads the body and sends the response.

package authkittest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// maxRequest is the largest accepted request body, in octets.
const maxRequest = 1 << 20

// call is a request whose body has been read.
type call struct {
	*http.Request
	body []byte
}

// serveEndpoint returns the handler of an endpoint. e.answer runs with f.mu held. The response is written after f.mu is
// unlocked.
func (f *Server) serveEndpoint(e endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+f.apiKey {
			write(w, http.StatusUnauthorized, &apiError{Message: "Could not authorize the request. Maybe your API key is invalid?"})
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil {
			write(w, http.StatusBadRequest, &apiError{Message: "The request body could not be read."})
			return
		}
		response, apiErr := f.runEndpoint(e, &call{Request: r, body: body})
		switch {
		case apiErr != nil:
			apiErr.write(w)
		case response == nil:
			w.WriteHeader(e.status)
		default:
			write(w, e.status, response)
		}
	}
}

func (f *Server) runEndpoint(e endpoint, c *call) (any, *apiError) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prune()
	return e.answer(f, c)
}

// read decodes the body into v. An empty body counts as an empty object, null does not.
func (c *call) read(v any) *apiError {
	switch string(bytes.TrimSpace(c.body)) {
	case "":
		return nil
	case "null": // json.Unmarshal accepts it for an object
		return invalid()
	}
	err := json.Unmarshal(c.body, v)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong) && wrong.Field != "":
		return invalid(fieldProblem{Field: wrong.Field, Code: "invalid_type"})
	default:
		return invalid()
	}
}

// optional is a member that can be omitted but must not be null.
type optional[T any] struct {
	sent  bool
	value T
}

// UnmarshalJSON implements json.Unmarshaler.
func (g *optional[T]) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return errors.New("null is not allowed")
	}
	g.sent = true
	return json.Unmarshal(text, &g.value)
}

// nullable is a member that can be omitted or null. For null, sent and null are true and value is the zero value.
type nullable[T any] struct {
	sent  bool
	null  bool
	value T
}

// isEmpty reports whether the member is the empty text, which does not remove a value.
func isEmpty(n nullable[string]) bool { return n.sent && !n.null && n.value == "" }

// UnmarshalJSON implements json.Unmarshaler.
func (n *nullable[T]) UnmarshalJSON(text []byte) error {
	n.sent, n.null = true, string(text) == "null"
	return json.Unmarshal(text, &n.value)
}
