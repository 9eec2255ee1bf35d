// Authorization codes: the grant authorization_code.

package authkittest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"time"
)

// codeLifetime is that of the official emulator; production does not publish its own.
const codeLifetime = 10 * time.Minute

// issuedCode is a code on its way through the browser.
type issuedCode struct {
	signInResult
	challenge string // PKCE code_challenge, S256; empty without
	expiresAt time.Time
}

func (f *Server) issueCode(result signInResult, challenge string) string {
	code := rand.Text()
	f.codes[code] = &issuedCode{signInResult: result, challenge: challenge, expiresAt: f.clock.Now().Add(codeLifetime)}
	return code
}

// exchangeCode opens a session for a code. Only success spends the code: production says nothing of the other cases.
func (f *Server) exchangeCode(p parameters) (*authentication, *apiError) {
	_, confidential := p["client_secret"] // grant has compared it
	verifier := p["code_verifier"]
	switch {
	case p["code"] == "":
		return nil, p.require("code")
	case !confidential && verifier == "":
		return nil, oauthError("invalid_request", "Either client_secret or code_verifier is required.")
	}
	code := f.codes[p["code"]]
	switch {
	case code == nil || !f.clock.Now().Before(code.expiresAt):
		return nil, oauthError("invalid_grant", "The code is invalid, has expired or has already been exchanged.")
	case verifier != "" && code.challenge == "":
		return nil, plainError("code_challenge_not_found", "The authorization request had no code challenge.")
	case code.challenge != "" && challengeOf(verifier) != code.challenge:
		return nil, oauthError("invalid_grant", "The code verifier does not match the code challenge.")
	}
	delete(f.codes, p["code"])
	return f.mint(f.openSession(code.signInResult, confidential)), nil
}

// challengeOf is the S256 transformation of RFC 7636 section 4.2.
func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
