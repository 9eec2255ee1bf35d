// Fuzzing: arbitrary responses to every call.

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

// immediateClock ends the wait before a retry at once. The time limit of an attempt never passes.
type immediateClock struct{}

func (immediateClock) Now() time.Time { return time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC) }

func (immediateClock) AfterFunc(d time.Duration, f func()) func() bool {
	if d != 5*time.Second && d != 10*time.Second {
		go f()
	}
	return func() bool { return false }
}

// FuzzResponse feeds arbitrary responses to every call. The call returns either its result or an error of this package.
// The error text is short, printable and without the secrets of the request.
func FuzzResponse(f *testing.F) {
	names := slices.Sorted(maps.Keys(calls))
	for i, name := range names {
		call := uint8(i)
		f.Add(call, calls[name].status, []byte(calls[name].response), "req_01A", "")
		f.Add(call, 200, []byte(calls[name].response[:len(calls[name].response)/2]), "", "")
		f.Add(call, 200, []byte(`{"id":null,"user":{"metadata":{"a":1}},"data":[null],"expires_in":1e400,"api_key":{},"valid":null}`), "", "")
		for _, expected := range calls[name].errors {
			f.Add(call, expected.status, []byte(expected.body), "req_01A", "https://evil.test/"+code)
		}
	}
	for _, body := range []string{
		fullResponse, nullResponse, page, "", "null", "[]", `{"code":"a","message":"` + code + `"}`, `{"errors":["a",{"code":"b"},1]}`,
		`{"code":"mfa_challenge","user":{"created_at":1},"authentication_factors":[1],"pending_authentication_token":"x"}`,
	} {
		f.Add(uint8(0), 200, []byte(body), "", "")
		f.Add(uint8(0), 400, []byte(body), "", "")
	}
	f.Fuzz(func(t *testing.T, call uint8, status int, body []byte, requestID, location string) {
		if status < 200 || status > 599 {
			t.Skip("net/http reports no other status")
		}
		name := names[int(call)%len(names)]
		tt := calls[name]
		transport := roundTripper(func(r *http.Request) (*http.Response, error) {
			header := http.Header{"X-Request-Id": {requestID}, "Location": {location}}
			return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
		})
		client := newClient(t, workos.WithHTTPClient(&http.Client{Transport: transport}), workos.WithAPIKey(apiKey), workos.WithClock(immediateClock{}))
		got, err := tt.call(t.Context(), client)
		if err == nil {
			if auth, ok := got.(*workos.Authentication); status > 299 || ok && (auth.User.ID == "" || auth.AccessToken == "") {
				t.Fatalf("status %d gave %+v", status, got)
			}
			return
		}
		var apiErr *workos.Error
		var transportErr *workos.TransportError
		if errors.As(err, &apiErr) == errors.As(err, &transportErr) {
			t.Fatalf("want exactly one of *Error and *TransportError: %T", err)
		}
		text := err.Error()
		for _, secret := range []string{code, verifier, apiKey} {
			if strings.Contains(tt.body+apiKey, secret) && strings.Contains(text, secret) {
				t.Fatalf("the error text contains a secret: %q", text)
			}
		}
		if len(text) > 1200 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("the error text is too long or not printable: %q", text)
		}
	})
}
