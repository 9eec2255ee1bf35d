// The test harness: an issuer with a signing key, its tokens, and a server with a protected resource.

package resource_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testkey"
	"github.com/authkit-go/authkit/resource"
)

const (
	resourceURL = "https://mcp.acme.test/mcp"
	environment = "client_01ENVIRONMENT"
)

// The keys are made once per test binary.
var (
	signingKey = sync.OnceValue(func() *testkey.Key { return testkey.New(0) })
	otherKey   = sync.OnceValue(func() *testkey.Key { return testkey.New(1) })
)

// issuer is an authorization server that only publishes keys.
type issuer struct {
	*httptest.Server
	clock   *authkittest.FakeClock
	fetches atomic.Int64
	down    atomic.Bool
	keys    atomic.Pointer[map[string]*testkey.Key]
}

func newIssuer(t *testing.T) *issuer {
	is := &issuer{clock: authkittest.NewFakeClock(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC))}
	is.keys.Store(&map[string]*testkey.Key{"kid_1": signingKey()})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /oauth2/jwks", func(w http.ResponseWriter, _ *http.Request) {
		is.fetches.Add(1)
		if is.down.Load() {
			http.Error(w, "down", http.StatusInternalServerError)
			return
		}
		var set struct {
			Keys []map[string]string `json:"keys"`
		}
		for kid, key := range *is.keys.Load() {
			set.Keys = append(set.Keys, map[string]string{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid,
				"n": b64(key.N.Bytes()), "e": b64(big.NewInt(int64(key.E)).Bytes())})
		}
		_ = json.NewEncoder(w).Encode(set)
	})
	is.Server = httptest.NewServer(mux)
	t.Cleanup(is.Close)
	return is
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

type object map[string]any

// with returns the claims with other values. A nil value removes a claim.
func (o object) with(changes object) object {
	changed := maps.Clone(o)
	for name, value := range changes {
		if changed[name] = value; value == nil {
			delete(changed, name)
		}
	}
	return changed
}

// user returns the claims of a user's token.
func (is *issuer) user() object {
	now := is.clock.Now()
	return object{"iss": is.URL, "aud": resourceURL, "sub": "user_01KIM", "client_id": "https://assistant.test/client.json", "sid": "consent_01",
		"org_id": "org_01ACME", "scope": "openid posts:read", "jti": "jti_1", "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix()}
}

// machine returns the claims of a machine's token.
func (is *issuer) machine() object {
	return is.user().with(object{"sub": "client_01ROBOT", "client_id": "client_01ROBOT", "sid": nil, "scope": "posts:read", "aud": environment})
}

func sign(kid string, key *testkey.Key, claims object) string {
	return signWith(object{"alg": "RS256", "typ": "JWT", "kid": kid}, key, claims)
}

func signWith(header object, key *testkey.Key, claims object) string {
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return b64(text)
	}
	input := part(header) + "." + part(claims)
	digest := sha256.Sum256([]byte(input))
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		panic(err)
	}
	return input + "." + b64(signature)
}

func (is *issuer) token(claims object) string { return sign("kid_1", signingKey(), claims) }

// protected is a resource behind a Server.
type protected struct {
	*testing.T
	*issuer
	api    *resource.Server
	server *httptest.Server
	log    lockedBuffer
}

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// protect starts a server with a resource. Its routes answer with the token that they find.
func protect(t *testing.T, opts ...resource.Option) *protected {
	p := &protected{T: t, issuer: newIssuer(t)}
	logger := slog.New(slog.NewTextHandler(&p.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	api, err := resource.New(p.URL, resourceURL, append([]resource.Option{resource.WithClock(p.clock), resource.WithLogger(logger)}, opts...)...)
	require.NoError(t, err)
	p.api = api
	show := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := resource.FromContext(r.Context())
		_ = json.NewEncoder(w).Encode(object{"user": token.UserID(), "client": token.ClientID(), "organization": token.OrganizationID(),
			"scopes": token.Scopes(), "machine": token.IsMachine()})
	})
	mux := http.NewServeMux()
	mux.Handle(api.MetadataPath(), api.Metadata())
	mux.Handle("/.well-known/oauth-authorization-server", api.ServerMetadata())
	mux.Handle("/mcp", api.Require()(show))
	mux.Handle("/read", api.Require("posts:read")(show))
	mux.Handle("/write", api.Require("posts:read", "posts:write")(show))
	mux.Handle("/nested", api.Require()(api.Require("posts:read")(show)))
	p.server = httptest.NewServer(mux)
	t.Cleanup(p.server.Close)
	return p
}

// answer is what a request got.
type answer struct {
	status    int
	header    http.Header
	body      string
	challenge string
}

// get requests a path with the values of the Authorization header.
func (p *protected) get(path string, authorization ...string) answer {
	p.Helper()
	return p.send(http.MethodGet, path, authorization...)
}

func (p *protected) send(method, path string, authorization ...string) answer {
	p.Helper()
	r, err := http.NewRequestWithContext(p.Context(), method, p.server.URL+path, nil)
	require.NoError(p, err)
	r.Header["Authorization"] = authorization
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	require.NoError(p, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(p, err)
	return answer{response.StatusCode, response.Header, strings.TrimSpace(string(body)), response.Header.Get("WWW-Authenticate")}
}
