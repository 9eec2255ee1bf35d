// Notices about the polling. PollDevice handles errors and slow_down by itself; the user wants to know why it takes long.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/authkit-go/authkit/workos"
)

// maxErrorBody limits how much of an error response is read. Those of the device flow are one line.
const maxErrorBody = 64 << 10

// pollObserver watches the responses to the polls and notifies the user. Polls do not overlap.
type pollObserver struct {
	next   http.RoundTripper
	ctx    context.Context // of the login; the context of a poll ends with that poll
	notify func(string)

	failing bool // WorkOS did not answer the previous poll
}

// RoundTrip implements [http.RoundTripper].
func (o *pollObserver) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := o.next.RoundTrip(r)
	switch {
	case o.ctx.Err() != nil: // interrupted: err says nothing about WorkOS
	case err != nil || resp.StatusCode >= 500:
		if !o.failing {
			o.notify("WorkOS does not answer. Trying again less often.")
		}
		o.failing = true
	default:
		if o.failing {
			o.notify("WorkOS answers again.")
		}
		o.failing = false
		if resp.StatusCode == http.StatusTooManyRequests || errorCode(resp) == workos.CodeSlowDown {
			o.notify("WorkOS asks to slow down. Trying less often.")
		}
	}
	return resp, err
}

// errorCode returns the code of an error response (RFC 6749 section 5.2). The body can still be read afterwards. The
// body of a success contains tokens and is not read here.
func errorCode(resp *http.Response) string {
	if resp.StatusCode != http.StatusBadRequest {
		return ""
	}
	head, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // the caller, who reads on, gets the same error
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), resp.Body), resp.Body}
	var document struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(head, &document) // a body that is not JSON has no code
	return document.Error
}
