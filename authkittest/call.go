// A call of the API: who may make it, how it is read, and how it is answered.

package authkittest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// maxRequest bounds the body of a request.
const maxRequest = 1 << 20

// call is a request with its body at hand.
type call struct {
	*http.Request
	body []byte
}

// serve makes a handler of an endpoint, which runs with the fake's lock held. The reply goes out without it.
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
		reply, apiErr := f.runEndpoint(e, &call{Request: r, body: body})
		switch {
		case apiErr != nil:
			apiErr.write(w)
		case reply == nil:
			w.WriteHeader(e.status)
		default:
			write(w, e.status, reply)
		}
	}
}

func (f *Server) runEndpoint(e endpoint, c *call) (any, *apiError) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prune()
	return e.answer(f, c)
}

// read decodes the body into v. No body at all is an object without members.
func (c *call) read(v any) *apiError {
	if len(bytes.TrimSpace(c.body)) == 0 {
		return nil
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

// given is a member that may be left out but, when it is there, must not be null.
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

// nullable is a member that null clears; it then is sent with its zero value.
type nullable[T any] struct {
	sent  bool
	value T
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *nullable[T]) UnmarshalJSON(text []byte) error {
	n.sent = true
	return json.Unmarshal(text, &n.value)
}
