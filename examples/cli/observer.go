// What PollDevice sees to by itself (a server that asks for patience, or does not answer) and a person may want to know.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/authkit-go/authkit/workos"
)

// maxRefusal bounds what is read of a refusal. Those of the device flow are a line.
const maxRefusal = 64 << 10

// observer listens in on the polls of a device. Each of them comes after the one before has been answered.
type observer struct {
	next    http.RoundTripper
	waiting context.Context // of whoever waits; a poll has one of its own, with a deadline
	tell    func(string)

	silent bool // the poll before was not answered
}

// RoundTrip implements [http.RoundTripper].
func (o *observer) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := o.next.RoundTrip(r)
	switch {
	case o.waiting.Err() != nil:
	case err != nil || resp.StatusCode >= 500:
		if !o.silent {
			o.tell("WorkOS does not answer. Trying again, less often.")
		}
		o.silent = true
	default:
		if o.silent {
			o.tell("WorkOS answers again.")
		}
		o.silent = false
		if resp.StatusCode == http.StatusTooManyRequests || refusalCode(resp) == workos.CodeSlowDown {
			o.tell("WorkOS asks for patience. Asking less often.")
		}
	}
	return resp, err
}

// refusalCode reads the code of a refusal (RFC 6749 section 5.2) and leaves the body as it was. A success holds tokens
// and is not looked at.
func refusalCode(resp *http.Response) string {
	if resp.StatusCode != http.StatusBadRequest {
		return ""
	}
	head, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal)) // who reads the rest runs into the same error
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), resp.Body), resp.Body}
	var refusal struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(head, &refusal) // what cannot be read has no code
	return refusal.Error
}
