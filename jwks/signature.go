// The only signature algorithm: RS256.

package jwks

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
)

// signedBy reports whether the key verifies the token's signature: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3).
func (c *compact) signedBy(key *rsa.PublicKey) bool {
	digest := sha256.Sum256([]byte(c.signed))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], c.signature) == nil
}
