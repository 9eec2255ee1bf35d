// The only signature algorithm: RS256.

package jwks

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
)

// signedBy reports whether the key verifies the token's signature: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3).
func (c *compact) signedBy(key *rsa.PublicKey) bool {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	b := c.appendSigned((*buffer)[:0])
	digest := sha256.Sum256(b)
	b = append(b[:0], c.Signature...)
	*buffer = b
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], b) == nil
}

func (c *compact) signedByAny(keys []*rsa.PublicKey) bool {
	for _, key := range keys {
		if c.signedBy(key) {
			return true
		}
	}
	return false
}
