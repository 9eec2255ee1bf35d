// Signer: the identity as a signed JWT, for upstreams that do not trust their network.

package gate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/authkit-go/authkit"
)

// tokenLifetime is the time between iat and exp. Each request gets a new token.
const tokenLifetime = time.Minute

// Signer signs the tokens of [JWTHeader]. It is safe for concurrent use.
//
// A token has the claims iss, aud, sub (the ID of the user, or of the API key), iat, exp (60 seconds later), and those that
// have a value of sid, org_id, role, roles, permissions, entitlements, feature_flags, email, email_verified, name, act and credential
// (session or api_key). act is {"sub": …} with the email address of an impersonator (RFC 8693, section 4.1). They are JSON, not percent-encoded.
type Signer struct {
	keys             []*SigningKey // the first one signs
	issuer, audience string
	now              func() time.Time
}

// SigningKey is a private key for a [Signer].
type SigningKey struct {
	private   crypto.Signer
	algorithm string
	id        string
	jwk       map[string]string // without the members that RFC 7638 leaves out of the thumbprint
}

// ParseSigningKey returns a key. keyPEM is a private key in PEM, of the type PRIVATE KEY (PKCS #8), EC PRIVATE KEY or RSA PRIVATE KEY. An
// RSA key of at least 2048 bits signs with RS256, an ECDSA key of P-256 with ES256, and an Ed25519 key with EdDSA. The error has no part
// of the key.
func ParseSigningKey(keyPEM []byte) (*SigningKey, error) {
	block, _ := pem.Decode(keyPEM)
	if block == nil {
		return nil, errors.New("gate: the signing key is not in PEM")
	}
	parsed, err := parseKey(block)
	if err != nil {
		return nil, err
	}
	k := new(SigningKey)
	switch key := parsed.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() < 2048 {
			return nil, fmt.Errorf("gate: the RSA signing key has %d bits, and needs 2048 or more", key.N.BitLen())
		}
		k.private, k.algorithm = key, "RS256"
		k.jwk = map[string]string{"e": encode64(big.NewInt(int64(key.E)).Bytes()), "kty": "RSA", "n": encode64(key.N.Bytes())}
	case *ecdsa.PrivateKey:
		if key.Curve != elliptic.P256() {
			return nil, errors.New("gate: the ECDSA signing key is not one of P-256")
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			return nil, fmt.Errorf("gate: the ECDSA signing key: %w", err)
		}
		k.private, k.algorithm = key, "ES256"
		k.jwk = map[string]string{"crv": "P-256", "kty": "EC", "x": encode64(point[1:33]), "y": encode64(point[33:])}
	case ed25519.PrivateKey:
		k.private, k.algorithm = key, "EdDSA"
		k.jwk = map[string]string{"crv": "Ed25519", "kty": "OKP", "x": encode64(key.Public().(ed25519.PublicKey))}
	default:
		return nil, fmt.Errorf("gate: the signing key is a %T; use an RSA, an ECDSA P-256 or an Ed25519 key", key)
	}
	canonical, err := json.Marshal(k.jwk) // sorted, as the thumbprint needs it (RFC 7638, section 3)
	if err != nil {
		return nil, fmt.Errorf("gate: encode the signing key: %w", err)
	}
	sum := sha256.Sum256(canonical)
	k.id = encode64(sum[:])
	return k, nil
}

// equal reports whether two keys are the same.
func (k *SigningKey) equal(other *SigningKey) bool { return k.id == other.id }

// ReadSigningKeys returns the keys of files, without those that have a fault. It reports each fault with the index of its file. read returns
// the content of a file. A key that stands in two files is a fault of the second one.
func ReadSigningKeys(names []string, read func(name string) ([]byte, error), report func(i int, fault string)) []*SigningKey {
	var keys []*SigningKey
	files := map[string]string{} // the names, by the IDs of the keys
	for i, name := range names {
		content, err := read(name)
		if err != nil {
			report(i, err.Error())
			continue
		}
		key, err := ParseSigningKey(content)
		if err != nil {
			report(i, strings.TrimPrefix(err.Error(), "gate: "))
			continue
		}
		if other, known := files[key.id]; known {
			report(i, "is the key of "+other+" too; give each key once")
			continue
		}
		files[key.id] = name
		keys = append(keys, key)
	}
	return keys
}

// NewSigner returns a signer. The first key signs, and [Signer.Keys] publishes all: the next key before it signs, so that verifiers know
// it, and the previous one for as long as its tokens are valid. issuer and audience are the claims iss and aud, and may not be empty. clock
// is nil for the system's clock.
func NewSigner(keys []*SigningKey, issuer, audience string, clock authkit.Clock) (*Signer, error) {
	switch {
	case len(keys) == 0:
		return nil, errors.New("gate: a signer needs a key")
	case issuer == "" || audience == "":
		return nil, errors.New("gate: a signer needs an issuer and an audience")
	}
	s := &Signer{keys: keys, issuer: issuer, audience: audience, now: time.Now}
	if clock != nil {
		s.now = clock.Now
	}
	return s, nil
}

// IsKnownFrom reports whether earlier has published the key that signs, so that verifiers which keep its keys accept the new tokens.
func (s *Signer) IsKnownFrom(earlier *Signer) bool {
	return slices.ContainsFunc(earlier.keys, s.keys[0].equal)
}

func parseKey(block *pem.Block) (any, error) {
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("gate: the signing key is a PEM block of type %q; use PRIVATE KEY, EC PRIVATE KEY or RSA PRIVATE KEY", block.Type)
	}
	if err != nil {
		return nil, errors.New("gate: the signing key cannot be parsed") // the error of x509 may show bytes of the key
	}
	return key, nil
}

// Keys returns the handler that publishes the public keys as a JWK set (RFC 7517), for caches of five minutes.
func (s *Signer) Keys() http.Handler {
	var keys []map[string]string
	for _, key := range s.keys {
		jwk := map[string]string{"alg": key.algorithm, "kid": key.id, "use": "sig"}
		maps.Copy(jwk, key.jwk)
		keys = append(keys, jwk)
	}
	document, err := json.Marshal(map[string]any{"keys": keys})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case err != nil:
			http.Error(w, "500 Internal Server Error", http.StatusInternalServerError)
			return
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "405 Method Not Allowed", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Type", "application/jwk-set+json")
		w.Header().Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write(document)
	})
}

// claims is the payload of a token.
type claims struct {
	Issuer        string   `json:"iss"`
	Audience      string   `json:"aud"`
	Subject       string   `json:"sub"`
	IssuedAt      int64    `json:"iat"`
	ExpiresAt     int64    `json:"exp"`
	SessionID     string   `json:"sid,omitempty"`
	Organization  string   `json:"org_id,omitempty"`
	Role          string   `json:"role,omitempty"`
	Roles         []string `json:"roles,omitempty"`
	Permissions   []string `json:"permissions,omitempty"`
	Entitlements  []string `json:"entitlements,omitempty"`
	FeatureFlags  []string `json:"feature_flags,omitempty"`
	Email         string   `json:"email,omitempty"`
	EmailVerified bool     `json:"email_verified,omitempty"`
	Name          string   `json:"name,omitempty"`
	Actor         *actor   `json:"act,omitempty"`
	Credential    string   `json:"credential"`
}

type actor struct {
	Subject string `json:"sub"`
}

// sign returns the token of an identity.
func (s *Signer) sign(who *identity) (string, error) {
	now := s.now()
	c := claims{Issuer: s.issuer, Audience: s.audience, IssuedAt: now.Unix(), ExpiresAt: now.Add(tokenLifetime).Unix()}
	if key := who.key; key != nil {
		c.Subject, c.Organization, c.Permissions, c.Credential = key.ID, key.OrganizationID(), key.Permissions, "api_key"
	} else {
		session := who.session
		user := session.User()
		c.Subject, c.SessionID, c.Organization, c.Credential = session.UserID(), session.ID(), session.OrganizationID(), "session"
		c.Role, c.Roles, c.Permissions = session.Role(), session.Roles(), session.Permissions()
		c.Entitlements, c.FeatureFlags = session.Entitlements(), session.FeatureFlags()
		c.Email, c.EmailVerified, c.Name = user.Email, user.EmailVerified, displayName(user)
		if email := impersonatorOf(session); email != "" {
			c.Actor = &actor{email}
		}
	}
	header, err := json.Marshal(map[string]string{"alg": s.keys[0].algorithm, "kid": s.keys[0].id, "typ": "JWT"})
	if err != nil {
		return "", fmt.Errorf("gate: encode a token: %w", err)
	}
	payload, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("gate: encode a token: %w", err)
	}
	text := encode64(header) + "." + encode64(payload)
	signature, err := s.keys[0].sign([]byte(text))
	if err != nil {
		return "", fmt.Errorf("gate: sign a token: %w", err)
	}
	return text + "." + encode64(signature), nil
}

// sign signs a text (RFC 7518, sections 3.3 and 3.4; RFC 8037, section 3.1).
func (k *SigningKey) sign(text []byte) ([]byte, error) {
	sum := sha256.Sum256(text)
	switch key := k.private.(type) {
	case *ecdsa.PrivateKey:
		r, v, err := ecdsa.Sign(rand.Reader, key, sum[:])
		if err != nil {
			return nil, err
		}
		signature := make([]byte, 64)
		r.FillBytes(signature[:32])
		v.FillBytes(signature[32:])
		return signature, nil
	case ed25519.PrivateKey:
		return ed25519.Sign(key, text), nil
	}
	return k.private.Sign(rand.Reader, sum[:], crypto.SHA256)
}

func encode64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
