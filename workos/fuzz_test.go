// Any reply whatever, to any call.

package workos_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/authkit-go/authkit/workos"
)

// hastyClock lets the pauses between attempts pass at once, and the time for an attempt never.
type hastyClock struct{}

func (hastyClock) Now() time.Time { return time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC) }

func (hastyClock) AfterFunc(d time.Duration, f func()) func() bool {
	if d != 5*time.Second && d != 10*time.Second {
		go f()
	}
	return func() bool { return false }
}

// FuzzReply feeds any reply to any call: it yields either what the call is made for or an error that is one of ours,
// short, printable and without our secrets.
func FuzzReply(f *testing.F) {
	names := slices.Sorted(maps.Keys(calls))
	for i, name := range names {
		call := uint8(i)
		f.Add(call, calls[name].status, []byte(calls[name].reply), "req_01A", "")
		f.Add(call, 200, []byte(calls[name].reply[:len(calls[name].reply)/2]), "", "")
		f.Add(call, 200, []byte(`{"id":null,"user":{"metadata":{"a":1}},"data":[null],"expires_in":1e400,"api_key":{},"valid":null}`), "", "")
		for _, refused := range calls[name].refusals {
			f.Add(call, refused.status, []byte(refused.body), "req_01A", "https://evil.test/"+code)
		}
	}
	for _, body := range []string{
		fullReply, nullReply, page, "", "null", "[]", `{"code":"a","message":"` + code + `"}`, `{"errors":["a",{"code":"b"},1]}`,
		`{"code":"mfa_challenge","user":{"created_at":1},"authentication_factors":[1],"pending_authentication_token":"x"}`,
	} {
		f.Add(uint8(0), 200, []byte(body), "", "")
		f.Add(uint8(0), 400, []byte(body), "", "")
	}
	f.Fuzz(func(t *testing.T, call uint8, status int, body []byte, requestID, location string) {
		if status < 200 || status > 599 {
			t.Skip("net/http passes on no other")
		}
		name := names[int(call)%len(names)]
		tt := calls[name]
		transport := roundTripper(func(r *http.Request) (*http.Response, error) {
			header := http.Header{"X-Request-Id": {requestID}, "Location": {location}}
			return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
		})
		client := newClient(t, workos.WithHTTPClient(&http.Client{Transport: transport}), workos.WithAPIKey(apiKey), workos.WithClock(hastyClock{}))
		got, err := tt.call(t.Context(), client)
		if err == nil {
			if auth, ok := got.(*workos.Authentication); status > 299 || ok && (auth.User.ID == "" || auth.AccessToken == "") {
				t.Fatalf("status %d gave %+v", status, got)
			}
			return
		}
		var refusal *workos.Error
		var failure *workos.TransportError
		if errors.As(err, &refusal) == errors.As(err, &failure) {
			t.Fatalf("neither a refusal nor a failure: %T", err)
		}
		text := err.Error()
		for _, secret := range []string{code, verifier, apiKey} {
			if strings.Contains(tt.body+apiKey, secret) && strings.Contains(text, secret) {
				t.Fatalf("a secret is in %q", text)
			}
		}
		if len(text) > 1200 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("unfit to be logged: %q", text)
		}
	})
}
