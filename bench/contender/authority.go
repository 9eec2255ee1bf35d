// The authority: a server that issues the access tokens and publishes the signing key.

package contender

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"
)

// tokenLifetime is longer than AuthKit's five minutes, so that no token expires or is refreshed during a measurement.
const tokenLifetime = 24 * time.Hour

// authority replaces WorkOS in benchmarks without a token exchange. It publishes the signing key on 127.0.0.1, at the
// paths where the contenders look for it.
type authority struct {
	clientID string
	key      *key
	started  time.Time // the iat of the tokens
	server   *httptest.Server
	fetches  atomic.Int64 // of the signing keys
}

// newAuthority starts an authority with a signing key.
func newAuthority(k *key) (*authority, error) {
	jwks, err := k.jwks()
	if err != nil {
		return nil, err
	}
	a := &authority{clientID: "client_01K2V7QYB4M8RZTN6D3HXW9C5E", key: k, started: time.Now()}
	mux := http.NewServeMux()
	keys := func(w http.ResponseWriter, _ *http.Request) {
		a.fetches.Add(1)
		w.Header().Set("Content-Type", "application/json")
		w.Write(jwks)
	}
	mux.HandleFunc("GET "+a.jwksPath(), keys)
	mux.HandleFunc("GET /jwks", keys) // the path of Clerk's API
	mux.HandleFunc("GET "+a.issuerPath()+"/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer":                                a.issuer(),
			"jwks_uri":                              a.jwksURL(),
			"authorization_endpoint":                a.url() + "/user_management/authorize",
			"token_endpoint":                        a.url() + "/user_management/authenticate",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	a.server = httptest.NewServer(mux)
	return a, nil
}

func (a *authority) close() { a.server.Close() }

// url returns the base URL of the API.
func (a *authority) url() string { return a.server.URL }

func (a *authority) jwksPath() string   { return "/sso/jwks/" + a.clientID }
func (a *authority) issuerPath() string { return "/user_management/" + a.clientID }
func (a *authority) jwksURL() string    { return a.url() + a.jwksPath() }
func (a *authority) issuer() string     { return a.url() + a.issuerPath() }

// unknownKey returns a copy of a token whose header names a key that the authority does not have. It keeps the signature
// of the original token, since no contender can verify it without the key.
func unknownKey(t token, id string) (string, error) {
	header, err := segment(map[string]string{"alg": "RS256", "kid": id, "typ": "JWT"})
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(t.text, ".")
	return header + "." + rest, nil
}
