// Access tokens: their claims and signature.

package authkittest

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// reservedClaims are the claims that a JWT template cannot replace.
var reservedClaims = []string{"iss", "sub", "exp", "iat", "nbf", "jti"}

// SignToken signs claims with the current signing key and returns the token. Use it for tokens that the fake does not issue,
// for example an expired one. It panics if the claims cannot be encoded as JSON.
func (f *Server) SignToken(claims map[string]any) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sign(claims)
}

// sign signs claims with the current signing key.
func (f *Server) sign(claims map[string]any) string { return f.keys[len(f.keys)-1].sign(claims) }

// sign returns a compact JWS with RS256 (RFC 7515 section 3.1, RFC 7518 section 3.3).
func (k signingKey) sign(claims map[string]any) string {
	input := segment(map[string]string{"alg": "RS256", "kid": k.id}) + "." + segment(claims)
	digest := sha256.Sum256([]byte(input))
	signature, err := k.private.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		panic(fmt.Sprintf("authkittest: %v", err))
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func segment(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("authkittest: claims cannot be encoded as JSON: %v", err))
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// claims returns the claims of a new access token. Like production, it sets neither aud nor nbf.
func (f *Server) claims(s *session, user User) map[string]any {
	now := f.clock.Now()
	claims := map[string]any{
		"iss":       f.Issuer(),
		"sub":       s.userID,
		"sid":       s.id,
		"jti":       ulid(rand.Text()),
		"client_id": f.clientID,
		"auth_time": s.authTime.Unix(),
		"iat":       now.Unix(),
		"exp":       now.Add(f.settings.tokenLifetime).Unix(),
	}
	m, member := user.membership(s.organizationID)
	if member {
		m = f.withGroupRoles(m)
		claims["org_id"] = m.OrganizationID
		claims["role"] = m.role()
		claims["roles"] = m.allRoles()
		claims["permissions"] = append([]string{}, m.Permissions...) // [] instead of null
		if len(m.Entitlements) > 0 {
			claims["entitlements"] = m.Entitlements
		}
	}
	if flags := f.flagClaim(m, s.userID); len(flags) > 0 {
		claims["feature_flags"] = flags
	}
	if s.impersonator != nil {
		claims["act"] = map[string]string{"sub": s.impersonator.Email}
	}
	addClaims(claims, f.templateClaims(s.userID, s.organizationID))
	addClaims(claims, user.Claims)
	return claims
}
