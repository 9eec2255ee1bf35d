// HTTP transports between the application and the fake AuthKit.

package behaviour

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// Rewriting is a transport to WorkOS that changes the replies of the authenticate call. Tests use it for replies that the
// fake does not send.
type Rewriting struct {
	Change func(reply map[string]any) // nil changes nothing
	Sent   map[string]any             // the body of the last authenticate call
}

func (t *Rewriting) RoundTrip(r *http.Request) (*http.Response, error) {
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

// Interrupted is a transport to WorkOS. It answers the next authenticate call with invalid_grant, after a call of By. It
// passes all other calls on.
type Interrupted struct{ By func() }

func (i *Interrupted) RoundTrip(r *http.Request) (*http.Response, error) {
	by := i.By
	if by == nil || r.URL.Path != "/user_management/authenticate" {
		return http.DefaultTransport.RoundTrip(r)
	}
	i.By = nil
	by()
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"error":"invalid_grant"}`)),
	}, nil
}
