// Package pkce creates the code verifier and the code challenge of Proof Key for Code Exchange (PKCE, RFC 7636). They
// bind an authorization code to the client that started the sign-in.
//
// The client keeps a random code verifier and sends its challenge in the authorization request. It sends the verifier
// when it exchanges the code. An attacker who intercepts the code cannot use it without the verifier:
//
//	verifier := pkce.NewVerifier()        // stays with the client
//	challenge := pkce.Challenge(verifier) // code_challenge=…&code_challenge_method=S256
//
// The package supports only the method S256. The other method of the RFC, "plain", sends the verifier itself, and
// AuthKit does not accept it.
package pkce

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// Method is the code_challenge_method of [Challenge] (RFC 7636, section 4.3).
const Method = "S256"

// verifierOctets is the length that RFC 7636, section 4.1, recommends: 256 bits of entropy, encoded as 43 characters.
const verifierOctets = 32

// NewVerifier returns a new code_verifier (RFC 7636, section 4.1): 32 octets from the system's random number generator
// in base64url without padding, which is 43 characters. It is a secret until the code is exchanged.
func NewVerifier() string {
	octets := make([]byte, verifierOctets)
	rand.Read(octets) // never returns an error: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(octets)
}

// Challenge returns the S256 code_challenge of a code verifier (RFC 7636, section 4.2): the SHA-256 hash of its ASCII
// text in base64url without padding. It is not a secret.
func Challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
