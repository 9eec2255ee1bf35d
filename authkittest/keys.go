// The signing keys and the JWKS.

package authkittest

import (
	"bytes"
	"crypto"
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
	"testing"
	"time"

	"github.com/authkit-go/authkit/internal/testkey"
)

// signingKey is a signing key of one fake. Fakes share key pairs, but every signing key has a key ID of its own.
type signingKey struct {
	id string
	keyPair
}

type keyPair struct {
	private     crypto.Signer
	public      *rsa.PublicKey
	certificate []byte // DER
}

// keyPool holds the key pairs of this process. The n-th key of every fake uses the same pair. Within one fake all pairs are
// different.
var keyPool struct {
	mu    sync.Mutex
	pairs []keyPair
}

func pooledKey(n int) keyPair {
	keyPool.mu.Lock()
	defer keyPool.mu.Unlock()
	for len(keyPool.pairs) <= n {
		private, _ := newSigner(len(keyPool.pairs), testing.Testing())
		keyPool.pairs = append(keyPool.pairs, newKeyPair(private))
	}
	return keyPool.pairs[n]
}

// newSigner returns the private key of the n-th pair and reports whether it was generated, which takes up to a second. A program of
// "go test" gets public keys. Every other program, such as authkit dev, generates its keys. So its application
// accepts only tokens that its fake has signed.
func newSigner(n int, isTest bool) (private crypto.Signer, generated bool) {
	if isTest {
		return testkey.New(n), false
	}
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(fmt.Sprintf("authkittest: %v", err))
	}
	return private, true
}

func newKeyPair(private crypto.Signer) keyPair {
	public := private.Public().(*rsa.PublicKey)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(1<<33, 0)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		panic(fmt.Sprintf("authkittest: %v", err))
	}
	return keyPair{private: private, public: public, certificate: certificate}
}

// RotateSigningKeys replaces all signing keys by a new one. Tokens that were signed before no longer verify against the JWKS
// that the fake serves from now on.
func (f *Server) RotateSigningKeys() {
	f.AddSigningKey()
	f.RetireSigningKeys()
}

// AddSigningKey adds a new key, which signs all tokens from now on. The older keys stay in the JWKS.
func (f *Server) AddSigningKey() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addKey()
}

// RetireSigningKeys removes all keys from the JWKS except the one that signs.
func (f *Server) RetireSigningKeys() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = f.keys[len(f.keys)-1:]
}

func (f *Server) addKey() {
	f.keys = append(f.keys, signingKey{id: newID("sso_oidc_key_pair"), keyPair: pooledKey(f.keysMade)})
	f.keysMade++
}

// jwk is a key in the JWKS (RFC 7517, RFC 7518 section 6.3.1).
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
	exponent := binary.BigEndian.AppendUint64(nil, uint64(k.public.E))
	thumbprint := sha256.Sum256(k.certificate)
	return jwk{
		KeyType:    "RSA",
		Use:        "sig",
		Algorithm:  "RS256",
		KeyID:      k.id,
		Modulus:    base64.RawURLEncoding.EncodeToString(k.public.N.Bytes()),
		Exponent:   base64.RawURLEncoding.EncodeToString(bytes.TrimLeft(exponent, "\x00")),
		Chain:      []string{base64.StdEncoding.EncodeToString(k.certificate)}, // base64, not base64url (RFC 7517 section 4.7)
		Thumbprint: base64.RawURLEncoding.EncodeToString(thumbprint[:]),
	}
}

// jwks answers RouteJWKS.
func (f *Server) jwks(w http.ResponseWriter, r *http.Request) {
	if !f.checkClient(w, r) {
		return
	}
	write(w, http.StatusOK, f.keySet())
}

// keySet is a JWKS (RFC 7517 section 5).
type keySet struct {
	Keys []jwk `json:"keys"`
}

// keySet returns the signing keys.
func (f *Server) keySet() keySet {
	f.mu.Lock()
	defer f.mu.Unlock()
	set := keySet{}
	for _, k := range f.keys {
		set.Keys = append(set.Keys, k.jwk())
	}
	return set
}

// checkClient reports whether the client ID in the path is right. If not, it answers 404.
func (f *Server) checkClient(w http.ResponseWriter, r *http.Request) bool {
	id := r.PathValue("client_id")
	if id != f.clientID {
		write(w, http.StatusNotFound, &apiError{Message: "Could not find a client with that ID."})
	}
	return id == f.clientID
}
