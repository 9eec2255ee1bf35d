// Responses that the API does not send: neither JSON, nor complete, nor of the expected shape.

package workos_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

// bothGrants makes both authenticate calls. Neither may retry an unusable response.
func bothGrants(t *testing.T, client *workos.Client) map[string]error {
	t.Helper()
	byCode, codeErr := client.AuthenticateWithCode(t.Context(), workos.AuthenticateWithCodeParams{Code: code})
	byToken, tokenErr := client.AuthenticateWithRefreshToken(t.Context(), workos.AuthenticateWithRefreshTokenParams{RefreshToken: refreshToken})
	assert.Nil(t, byCode)
	assert.Nil(t, byToken)
	return map[string]error{"code": codeErr, "refresh token": tokenErr}
}

func TestAnUnusableResponseIsAClearAndTransientError(t *testing.T) {
	tests := map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"HTML with status 200":              {respondWith(200, page, "Content-Type", "text/html"), `unusable response (status 200, content type "text/html"): not JSON: invalid character '<'`},
		"an empty body":                     {respondWith(200, ""), "not JSON: unexpected end"},
		"no content":                        {respondWith(204, ""), "not JSON: unexpected end"},
		"white space":                       {respondWith(200, " \n"), "not JSON: unexpected end"},
		"truncated JSON":                    {respondWith(200, fullResponse[:300]), "not JSON: unexpected end"},
		"JSON with trailing data":           {respondWith(200, minimalResponse+"garbage"), "not JSON: invalid character 'g' after top-level value"},
		"two JSON texts":                    {respondWith(200, minimalResponse+minimalResponse), "not JSON: invalid character '{' after top-level value"},
		"a form":                            {respondWith(200, "access_token=a&refresh_token=b"), "not JSON"},
		"null":                              {respondWith(200, "null"), "missing user.id"},
		"an empty object":                   {respondWith(200, "{}"), "missing user.id"},
		"an array":                          {respondWith(200, "["+minimalResponse+"]"), `member "" has the unexpected type array`},
		"an error response with status 200": {respondWith(200, `{"error":"invalid_grant"}`), "missing user.id"},
		"no user":                           {respondWith(200, `{"access_token":"a","refresh_token":"b"}`), "missing user.id"},
		"a user without ID":                 {respondWith(200, `{"user":{"email":"kim@acme.test"},"access_token":"a","refresh_token":"b"}`), "missing user.id"},
		"no access token":                   {respondWith(200, `{"user":{"id":"user_01A"},"refresh_token":"b"}`), "missing access_token"},
		"an access token that is a number":  {respondWith(200, `{"user":{"id":"user_01A"},"access_token":123456,"refresh_token":"b"}`), "unexpected type number"},
		"an invalid time":                   {respondWith(200, `{"user":{"id":"user_01A","created_at":"yesterday"},"access_token":"a","refresh_token":"b"}`), "a member cannot be decoded"},
		"20 MB of JSON":                     {respondWith(200, `{"user":{"id":"`+strings.Repeat("x", 20<<20)+`"}}`), "longer than 1048576 bytes"},
		"a redirect without a Location":     {respondWith(302, ""), "redirect without a usable Location"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := newServer(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Request-ID", "req_01A")
				tt.handler(w, r)
			})
			for grant, err := range bothGrants(t, server.client(t)) {
				assert.ErrorContains(t, err, tt.want, grant)
				assert.True(t, workos.IsTransient(err), grant)
				var transportErr *workos.TransportError
				if assert.ErrorAs(t, err, &transportErr, grant) {
					assert.NotZero(t, transportErr.StatusCode)
					assert.Equal(t, "req_01A", transportErr.RequestID)
				}
				for _, secret := range []string{"access-secret", "next-refresh-secret", "123456", "yesterday"} {
					assert.NotContains(t, fmt.Sprintf("%v %#v %#v", err, err, errors.Unwrap(err)), secret)
				}
			}
			assert.Len(t, server.received(), 2, "one request for each grant")
		})
	}
}

func TestAnEndlessBodyIsReadOnlyUpToTheLimit(t *testing.T) {
	for _, status := range []int{200, 500} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			server := newServer(t, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(status)
				chunk := []byte(strings.Repeat(" ", 64<<10))
				for {
					if _, err := w.Write(chunk); err != nil {
						return
					}
				}
			})
			assert.True(t, workos.IsTransient(exchange(t, server)))
			assert.Len(t, server.received(), 1)
		})
	}
}

// countingBody is an endless body of spaces that counts the bytes read.
type countingBody struct{ read int }

func (b *countingBody) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	b.read += len(p)
	return len(p), nil
}

func (b *countingBody) Close() error { return nil }

func TestABodyIsReadOnlyUpToTheLimit(t *testing.T) {
	body := &countingBody{}
	client := newClient(t, workos.WithAPIKey(apiKey), workos.WithHTTPClient(&http.Client{
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: body, Request: r}, nil
		}),
	}))
	_, err := client.AuthenticateWithCode(t.Context(), workos.AuthenticateWithCodeParams{Code: code})
	assert.ErrorContains(t, err, "longer than 1048576 bytes")
	assert.LessOrEqual(t, body.read, 1<<20+1)
}

func TestABodyShorterThanItsContentLengthIsANetworkError(t *testing.T) {
	err := exchange(t, newServer(t, respondWith(200, minimalResponse, "Content-Length", "1000")))
	assert.ErrorContains(t, err, "unexpected EOF")
	assert.True(t, workos.IsTransient(err))
}

func TestNoRedirectIsFollowedAndNoSecretLeaks(t *testing.T) {
	reached := make(chan string, 100)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		reached <- r.Method + " " + r.Header.Get("Authorization")
	}))
	t.Cleanup(elsewhere.Close)

	for _, status := range []int{301, 302, 303, 307, 308} {
		for name, location := range map[string]string{
			"to another host":  elsewhere.URL + "/user_management/authenticate",
			"on the same host": "/elsewhere",
		} {
			t.Run(fmt.Sprint(status, " ", name), func(t *testing.T) {
				server := newServer(t, respondWith(status, "", "Location", location))
				own := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
				client := server.client(t, workos.WithHTTPClient(own))

				failures := bothGrants(t, client)
				_, failures["read"] = client.GetUser(t.Context(), "user_01A")
				for call, err := range failures {
					assert.ErrorContains(t, err, "redirect to http://", call)
					assert.NotContains(t, err.Error(), "elsewhere", call)
					assert.True(t, workos.IsTransient(err), call)
				}
				assert.Len(t, server.received(), 3, "one request for each call")
				require.NotNil(t, own.CheckRedirect)
			})
		}
	}
	assert.Empty(t, reached)
}
