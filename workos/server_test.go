// An HTTP server that replaces the API and records its requests.

package workos_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

const (
	clientID     = "client_01A"
	apiKey       = "sk_test_4Secret"
	code         = "01CODE-secret"
	verifier     = "verifier-secret"
	refreshToken = "refresh-secret"
)

// received is a recorded request.
type received struct {
	method, path, query string
	header              http.Header
	body                []byte
}

type server struct {
	*httptest.Server
	mu       sync.Mutex
	handlers []http.HandlerFunc
	requests []received
}

// newServer responds to the nth request with the nth handler, and to all further requests with the last one.
func newServer(t *testing.T, handlers ...http.HandlerFunc) *server {
	t.Helper()
	s := &server{handlers: handlers}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.requests = append(s.requests, received{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header, body})
		handler := s.handlers[min(len(s.requests), len(s.handlers))-1]
		s.mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// restart forgets the requests, and responds to further ones as newServer does.
func (s *server) restart(handlers ...http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers, s.requests = handlers, nil
}

func (s *server) received() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// client returns a confidential client for the server, unless the options change that.
func (s *server) client(t *testing.T, opts ...workos.Option) *workos.Client {
	t.Helper()
	return newClient(t, append([]workos.Option{workos.WithBaseURL(s.URL), workos.WithAPIKey(apiKey)}, opts...)...)
}

func newClient(t *testing.T, opts ...workos.Option) *workos.Client {
	t.Helper()
	client, err := workos.NewClient(clientID, opts...)
	require.NoError(t, err)
	return client
}

// respondWith responds with a status, a body and headers, given as alternating names and values.
func respondWith(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// hang sends on entered when a request arrives, and does not respond until the client ends the request.
func hang(entered chan<- struct{}) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		<-r.Context().Done()
	}
}

// dropConnection closes the connection without a response.
func dropConnection(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// start runs a call in a goroutine, so that a test can move the clock.
func start(call func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- call() }()
	return done
}

const minimalResponse = `{"user":{"id":"user_01A"},"access_token":"access-secret","refresh_token":"next-refresh-secret"}`

const fullResponse = `{"user":{"object":"user","id":"user_01A","email":"kim@acme.test","email_verified":true,
  "first_name":"Kim","last_name":"Lee","name":"Kim Lee","profile_picture_url":"https://img.test/kim","external_id":"42",
  "metadata":{"plan":"pro"},"locale":"en-GB","last_sign_in_at":"2026-05-04T10:00:00.000Z",
  "created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-05-04T10:00:00.500Z"},
 "organization_id":"org_01A","access_token":"access-secret","refresh_token":"next-refresh-secret",
 "authentication_method":"GoogleOAuth",
 "impersonator":{"email":"ops@acme.test","reason":"ticket 9"},
 "oauth_tokens":{"provider":"GoogleOAuth","access_token":"oauth-access-secret","refresh_token":"oauth-refresh-secret",
   "expires_at":1767225600,"scopes":["email"]},
 "authkit_authorization_code":"authkit-code-secret","sealed_session":null,"a_future_member":{"deep":[1]}}`

const nullResponse = `{"user":{"id":"user_01A","email":"kim@acme.test","email_verified":false,"first_name":null,"last_name":null,
  "name":null,"profile_picture_url":null,"external_id":null,"metadata":null,"locale":null,"last_sign_in_at":null,
  "created_at":null,"updated_at":null},
 "organization_id":null,"access_token":"access-secret","refresh_token":"next-refresh-secret","authentication_method":null,
 "impersonator":null,"oauth_tokens":null}`

var page = string(bytes.Repeat([]byte("<html><body>Bad gateway</body></html>\n"), 20))
