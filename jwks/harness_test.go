// The test harness: signing keys, tokens, a JWKS endpoint and a clock.

package jwks_test

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testkey"
	"github.com/authkit-go/authkit/jwks"
)

const (
	issuer   = "https://api.workos.com/user_management/client_01A"
	clientID = "client_01A"
)

// The keys are made once per test binary.
var (
	keyA = sync.OnceValue(func() *testkey.Key { return testkey.New(0) })
	keyB = sync.OnceValue(func() *testkey.Key { return testkey.New(1) })
)

// object is a JSON object.
type object map[string]any

func (o object) with(name string, value any) object {
	changed := maps.Clone(o)
	changed[name] = value
	return changed
}

func (o object) without(name string) object {
	changed := maps.Clone(o)
	delete(changed, name)
	return changed
}

func (o object) json() string {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// publicJWK returns a key in the form that WorkOS publishes.
func publicJWK(kid string, n *big.Int, e int64) object {
	return object{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid,
		"n": b64(n.Bytes()), "e": b64(big.NewInt(e).Bytes()),
	}
}

func jwkA() object { return publicJWK("kid_a", keyA().N, 65537) }
func jwkB() object { return publicJWK("kid_b", keyB().N, 65537) }

// sign returns an RS256 token. The header and the payload can be any text, even invalid JSON.
func sign(key *testkey.Key, header, payload string) string {
	input := b64([]byte(header)) + "." + b64([]byte(payload))
	digest := sha256.Sum256([]byte(input))
	signature, err := key.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		panic(err)
	}
	return input + "." + b64(signature)
}

func goodHeader() object { return object{"alg": "RS256", "kid": "kid_a"} }

// goodClaims returns the claims of a token that is issued now for five minutes.
func goodClaims(now time.Time) object {
	return object{
		"iss": issuer, "sub": "user_01A", "sid": "session_01A", "client_id": clientID,
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
}

// clock is a clock that the test sets.
type clock struct{ nanoseconds atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.nanoseconds.Store(time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) Now() time.Time          { return time.Unix(0, c.nanoseconds.Load()) }
func (c *clock) advance(d time.Duration) { c.nanoseconds.Add(int64(d)) }

// AfterFunc uses the system's clock: no test that uses it needs the timeout of a fetch.
func (c *clock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return time.AfterFunc(d, f).Stop
}

// endpoint is a JWKS endpoint. A test sets its response with answer.
type endpoint struct {
	*httptest.Server
	requests atomic.Int64
	handler  atomic.Value // of http.HandlerFunc
}

func newEndpoint(t testing.TB, handler http.HandlerFunc) *endpoint {
	t.Helper()
	e := new(endpoint)
	e.answer(handler)
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.requests.Add(1)
		e.handler.Load().(http.HandlerFunc)(w, r)
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) answer(handler http.HandlerFunc) { e.handler.Store(handler) }

func publish(keys ...object) http.HandlerFunc {
	return sendBody(object{"keys": keys}.json())
}

func sendBody(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
}

func sendStatus(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

// gate holds requests from entered until open.
type gate struct {
	entered chan struct{} // receives once for each request
	open    chan struct{} // closed by the test
}

func newGate() *gate {
	return &gate{entered: make(chan struct{}, 16), open: make(chan struct{})}
}

func (g *gate) before(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g.entered <- struct{}{}
		<-g.open
		handler(w, r)
	}
}

// quiet discards the log.
var quiet = jwks.WithLogger(slog.New(slog.DiscardHandler))

// newKeySet returns a KeySet for the endpoint, and its clock.
func newKeySet(e *endpoint, opts ...jwks.KeySetOption) (*jwks.KeySet, *clock) {
	c := newClock()
	return jwks.NewKeySet(e.URL, append([]jwks.KeySetOption{jwks.WithClock(c), quiet}, opts...)...), c
}

// newVerifier returns a Verifier that trusts keyA as kid_a, and its clock.
func newVerifier(t testing.TB, opts ...jwks.VerifierOption) (*jwks.Verifier, *clock) {
	t.Helper()
	keys, c := newKeySet(newEndpoint(t, publish(jwkA())))
	defaults := []jwks.VerifierOption{jwks.WithIssuers(issuer), jwks.WithClientIDs(clientID)}
	return jwks.NewVerifier(keys, append(defaults, opts...)...), c
}

// requireRefused requires a RefusedError for the given part.
func requireRefused(t testing.TB, err error, part string) *jwks.RefusedError {
	t.Helper()
	var refused *jwks.RefusedError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, part, refused.Part, err.Error())
	return refused
}

// transport responds in memory. Tests in a bubble of package synctest need it, because a bubble cannot use the network.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func inMemory(handler http.HandlerFunc) jwks.KeySetOption {
	return jwks.WithHTTPClient(&http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
		recorder := httptest.NewRecorder()
		handler(recorder, r)
		return recorder.Result(), nil
	})})
}
