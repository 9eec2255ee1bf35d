// The decoder of a JWK Set (RFC 7517 section 5). It keeps the keys that can verify an access token.

package jwks

import (
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
)

// publicKeys maps key IDs to usable keys.
type publicKeys map[string]*rsa.PublicKey

// decodeKeySet returns the usable keys of a JWK Set, and for each other key the reason why it is ignored. A set without a
// usable key is an error.
func decodeKeySet(body []byte) (keys publicKeys, ignored []error, err error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, nil, errors.New("not a JWK Set") // the text of err could quote the body
	}
	keys = make(publicKeys)
	for i, raw := range set.Keys {
		id, key, err := decodeKey(raw)
		if err != nil {
			ignored = append(ignored, fmt.Errorf("key %d: %w", i, err))
			continue
		}
		if _, dup := keys[id]; dup {
			// Stays nil until the end, so that a third key with this ID is ignored too.
			key = nil
			ignored = append(ignored, fmt.Errorf("key %d: key ID %s is ambiguous: all keys with this ID are ignored", i, quote(id)))
		}
		keys[id] = key
	}
	for id, key := range keys {
		if key == nil {
			delete(keys, id)
		}
	}
	if len(keys) == 0 {
		return nil, ignored, fmt.Errorf("none of %d keys can be used", len(set.Keys))
	}
	return keys, ignored, nil
}

func decodeKey(jwk []byte) (id string, key *rsa.PublicKey, err error) {
	m, err := splitObject(string(jwk), nil)
	if err != nil {
		return "", nil, err
	}
	if kty, _ := m.str("kty"); kty != "RSA" {
		return "", nil, errors.New("kty is not RSA")
	}
	if id, _ = m.str("kid"); id == "" {
		return "", nil, errors.New("no kid")
	}
	if !m.absentOr("use", "sig") {
		return "", nil, errors.New("use is not sig")
	}
	if !m.absentOr("alg", "RS256") {
		return "", nil, errors.New("alg is not RS256")
	}
	n, _ := m.get("n")
	e, _ := m.get("e")
	key, err = rsaPublicKey(n, e)
	return id, key, err
}

func (m members) absentOr(name, want string) bool {
	if !m.has(name) {
		return true
	}
	value, _ := m.str(name)
	return value == want
}
