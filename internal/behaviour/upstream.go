// HTTP transports between the application and the fake AuthKit.

package behaviour

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// RewritingTransport is a transport to WorkOS that changes the replies of the authenticate call. Tests use it for replies
// that the fake does not send.
type RewritingTransport struct {
	Change func(reply map[string]any) // nil changes nothing
	Sent   map[string]any             // the body of the last authenticate call
}

func (t *RewritingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/user_management/authenticate" {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		t.Sent = nil
		if err := json.NewDecoder(body).Decode(&t.Sent); err != nil {
			return nil, err
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || t.Change == nil || resp.StatusCode != http.StatusOK || r.URL.Path != "/user_management/authenticate" {
		return resp, err
	}
	defer resp.Body.Close()
	var reply map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&reply); err != nil {
		return nil, err
	}
	t.Change(reply)
	body, err := json.Marshal(reply)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = int64(len(body))
	resp.Header.Del("Content-Length")
	return resp, nil
}

// RefusingTransport is a transport to WorkOS. If Before is set, the next authenticate call clears it, calls it and is
// answered with invalid_grant. All other calls are sent to WorkOS.
type RefusingTransport struct{ Before func() }

func (t *RefusingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	before := t.Before
	if before == nil || r.URL.Path != "/user_management/authenticate" {
		return http.DefaultTransport.RoundTrip(r)
	}
	t.Before = nil
	before()
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"error":"invalid_grant"}`)),
	}, nil
}
