// Authorization codes and the authorization_code grant.

package authkittest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"
)

// codeLifetime is the value of the official emulator. WorkOS does not document the value of production.
const codeLifetime = 10 * time.Minute

// issuedCode is an authorization code that has not been exchanged.
type issuedCode struct {
	signInResult
	challenge string // the S256 code_challenge of PKCE; may be empty
	// direct is true if the user signed in at a provider or a connection, and not on the hosted pages. Then the requirements
	// of the sign-in are not met yet.
	direct    bool
	expiresAt time.Time
}

func (f *Server) issueCode(code issuedCode) string {
	text := rand.Text()
	code.expiresAt = f.clock.Now().Add(codeLifetime)
	f.codes[text] = &code
	return text
}

// exchangeCode answers RouteCodeExchange. It starts a session, or returns the error for a further step of the sign-in. Both
// consume the code. Any other failed exchange does not. WorkOS does not document whether it does in production.
func (f *Server) exchangeCode(p parameters) (*authentication, *apiError) {
	_, confidential := p["client_secret"] // grant has checked its value
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
	if p["invitation_token"] != "" && !code.direct { // the hosted pages accept invitations themselves
		return nil, &apiError{
			status: http.StatusUnprocessableEntity, Code: "invalid_request_parameters",
			Message: "`invitation_token` cannot be specified for an AuthKit authorization code.",
		}
	}
	user := f.accountByID(code.userID)
	invitation, apiErr := f.invited(p["invitation_token"], user.Email)
	if apiErr != nil {
		return nil, apiErr
	}
	delete(f.codes, p["code"])
	code.signInResult = f.withInvitation(invitation, user, code.signInResult)
	if code.direct {
		return f.completeSignIn(code.signInResult, confidential)
	}
	return f.startSession(code.signInResult, confidential)
}

// challengeOf returns the S256 code challenge of a code verifier (RFC 7636 section 4.2).
func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
