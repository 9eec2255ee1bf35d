// Any reply whatever.

package workos_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/authkit-go/authkit/workos"
)

// FuzzReply feeds any reply to the code grant: it yields either a complete authentication or an error that is one of
// ours, short, printable and without our secrets.
func FuzzReply(f *testing.F) {
	for _, status := range []int{200, 204, 302, 400, 403, 429, 500} {
		for _, body := range []string{
			fullReply, nullReply, minimalReply, page, "", "null", "[]", `{"user":{"metadata":{"a":1}}}`, fullReply[:300],
			`{"code":"a","message":"` + code + `"}`, `{"error":"invalid_grant","error_description":"x"}`,
			`{"errors":["a",{"code":"b"},1]}`,
		} {
			f.Add(status, []byte(body), "req_01A", "https://evil.test/"+code)
		}
	}
	f.Fuzz(func(t *testing.T, status int, body []byte, requestID, location string) {
		if status < 200 || status > 599 {
			t.Skip("net/http passes on no other")
		}
		transport := roundTripper(func(r *http.Request) (*http.Response, error) {
			header := http.Header{"X-Request-Id": {requestID}, "Location": {location}}
			return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
		})
		client := newClient(t, workos.WithHTTPClient(&http.Client{Transport: transport}), workos.WithAPIKey(apiKey))
		got, err := client.AuthenticateWithCode(t.Context(), workos.CodeParams{Code: code, CodeVerifier: verifier})
		if err == nil {
			if status > 299 || got.User.ID == "" || got.AccessToken == "" || got.RefreshToken == "" {
				t.Fatalf("status %d gave an incomplete authentication", status)
			}
			return
		}
		var refusal *workos.Error
		var failure *workos.TransportError
		if got != nil || errors.As(err, &refusal) == errors.As(err, &failure) {
			t.Fatalf("neither a refusal nor a failure: %T", err)
		}
		text := err.Error()
		for _, secret := range []string{code, verifier, apiKey} {
			if strings.Contains(text, secret) {
				t.Fatalf("a secret is in %q", text)
			}
		}
		if len(text) > 1200 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("unfit to be logged: %q", text)
		}
	})
}
