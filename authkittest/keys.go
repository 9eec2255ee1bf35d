// The signing keys, and the JWKS that publishes them.

package authkittest

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/big"
	"net/http"
	"sync"
	"time"
)

// signingKey is a key of one fake. Its ID is its own even where fakes share the key pair.
type signingKey struct {
	id string
	keyPair
}

type keyPair struct {
	private     *rsa.PrivateKey
	certificate []byte // DER
}

// keyPool holds the key pairs of this process. Making one takes up to a second, so the n-th key of every fake is the
// same pair; within a fake no pair comes twice.
var keyPool struct {
	mu    sync.Mutex
	pairs []keyPair
}

func pooledKey(n int) keyPair {
	keyPool.mu.Lock()
	defer keyPool.mu.Unlock()
	for len(keyPool.pairs) <= n {
		keyPool.pairs = append(keyPool.pairs, newKeyPair())
	}
	return keyPool.pairs[n]
}

func newKeyPair() keyPair {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(fmt.Sprintf("authkittest: %v", err))
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(1<<33, 0)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		panic(fmt.Sprintf("authkittest: %v", err))
	}
	return keyPair{private: private, certificate: certificate}
}

// RotateSigningKeys replaces every key: tokens are signed with a new one, and those signed before no longer verify for whoever
// fetches the JWKS afresh.
func (f *Server) RotateSigningKeys() {
	f.AddSigningKey()
	f.RetireSigningKeys()
}

// AddSigningKey makes a new key that signs from now on; the older ones stay published.
func (f *Server) AddSigningKey() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addKey()
}

// RetireSigningKeys withdraws every key but the one that signs.
func (f *Server) RetireSigningKeys() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = f.keys[len(f.keys)-1:]
}

func (f *Server) addKey() {
	f.keys = append(f.keys, signingKey{id: newID("sso_oidc_key_pair"), keyPair: pooledKey(f.keysMade)})
	f.keysMade++
}

// jwk is a published key (RFC 7517, RFC 7518 section 6.3.1).
type jwk struct {
	KeyType    string   `json:"kty"`
	Use        string   `json:"use"`
	Algorithm  string   `json:"alg"`
	KeyID      string   `json:"kid"`
	Modulus    string   `json:"n"`
	Exponent   string   `json:"e"`
	Chain      []string `json:"x5c"`
	Thumbprint string   `json:"x5t#S256"`
}

func (k signingKey) jwk() jwk {
	exponent := binary.BigEndian.AppendUint64(nil, uint64(k.private.E))
	thumbprint := sha256.Sum256(k.certificate)
	return jwk{
		KeyType:    "RSA",
		Use:        "sig",
		Algorithm:  "RS256",
		KeyID:      k.id,
		Modulus:    base64.RawURLEncoding.EncodeToString(k.private.N.Bytes()),
		Exponent:   base64.RawURLEncoding.EncodeToString(bytes.TrimLeft(exponent, "\x00")),
		Chain:      []string{base64.StdEncoding.EncodeToString(k.certificate)}, // section 4.7: not base64url
		Thumbprint: base64.RawURLEncoding.EncodeToString(thumbprint[:]),
	}
}

// jwks answers RouteJWKS.
func (f *Server) jwks(w http.ResponseWriter, r *http.Request) {
	if !f.checkClient(w, r) {
		return
	}
	f.mu.Lock()
	set := struct {
		Keys []jwk `json:"keys"`
	}{}
	for _, k := range f.keys {
		set.Keys = append(set.Keys, k.jwk())
	}
	f.mu.Unlock()
	write(w, http.StatusOK, set)
}

// knowsClient answers 404 when the path names another client.
func (f *Server) checkClient(w http.ResponseWriter, r *http.Request) bool {
	id := r.PathValue("client_id")
	if id != f.clientID {
		write(w, http.StatusNotFound, &apiError{Message: "Could not find a client with that ID."})
	}
	return id == f.clientID
}
