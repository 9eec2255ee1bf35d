// Package pkce makes the two values that bind an authorization code to the
// client that asked for it: Proof Key for Code Exchange, RFC 7636.
//
// The client keeps a random verifier, sends only its challenge along with the
// authorization request, and shows the verifier when it redeems the code. A
// code that was intercepted on the way is worthless without it:
//
//	verifier := pkce.NewVerifier()           // stays with the client
//	challenge := pkce.Challenge(verifier)    // code_challenge=…&code_challenge_method=S256
//
// Only the S256 method is here. The other one that the RFC knows, "plain",
// sends the verifier itself, and AuthKit does not accept it.
package pkce

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// Method is the value of code_challenge_method that goes with [Challenge]
// (RFC 7636, section 4.3).
const Method = "S256"

// verifierOctets is the length that RFC 7636, section 4.1, recommends: 256
// bits of entropy, 43 characters once encoded.
const verifierOctets = 32

// NewVerifier returns a fresh code_verifier: 32 octets of the system's random
// number generator in base64url without padding, 43 characters in all
// (RFC 7636, section 4.1). It is a secret until the code is redeemed.
func NewVerifier() string {
	octets := make([]byte, verifierOctets)
	rand.Read(octets) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(octets)
}

// Challenge returns the S256 code_challenge of a verifier: the SHA-256 hash of
// its ASCII text in base64url without padding (RFC 7636, section 4.2). It may
// be seen by anyone.
func Challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
