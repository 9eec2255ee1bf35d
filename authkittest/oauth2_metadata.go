// The metadata of the authorization server, its keys, and the users behind its tokens.

package authkittest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// standardScopes are the scopes that every client can request.
var standardScopes = []string{"email", "offline_access", "openid", "profile"}

// scopesSupported returns the scopes that clients can request. f.mu is held.
func (f *Server) scopesSupported() []string { return slices.Concat(standardScopes, f.oauth.scopes) }

// serverMetadata returns the members that both documents have. The fake has those that production documents
// (https://workos.com/docs/authkit/mcp).
func (f *Server) serverMetadata() map[string]any {
	f.mu.Lock()
	scopes := f.scopesSupported()
	f.mu.Unlock()
	return map[string]any{
		"issuer":                                         f.base,
		"authorization_endpoint":                         f.base + "/oauth2/authorize",
		"token_endpoint":                                 f.base + "/oauth2/token",
		"jwks_uri":                                       f.base + "/oauth2/jwks",
		"registration_endpoint":                          f.base + "/oauth2/register",
		"introspection_endpoint":                         f.base + "/oauth2/introspection",
		"scopes_supported":                               scopes,
		"response_types_supported":                       []string{"code"},
		"response_modes_supported":                       []string{"query"},
		"grant_types_supported":                          []string{"authorization_code", "refresh_token"},
		"code_challenge_methods_supported":               []string{"S256"},
		"token_endpoint_auth_methods_supported":          []string{authNone, authPost, authBasic},
		"client_id_metadata_document_supported":          true,
		"authorization_response_iss_parameter_supported": true,
	}
}

// oauthMetadata answers RouteOAuthMetadata (RFC 8414 section 3).
func (f *Server) oauthMetadata(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, f.serverMetadata())
}

// oauthDiscovery answers RouteOAuthDiscovery (OpenID Connect Discovery 1.0 section 4).
func (f *Server) oauthDiscovery(w http.ResponseWriter, _ *http.Request) {
	document := f.serverMetadata()
	document["userinfo_endpoint"] = f.base + "/oauth2/userinfo"
	document["subject_types_supported"] = []string{"public"}
	document["id_token_signing_alg_values_supported"] = []string{"RS256"}
	write(w, http.StatusOK, document)
}

// oauthJWKS answers RouteOAuthJWKS. The keys are those of the environment.
func (f *Server) oauthJWKS(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, f.keySet())
}

// introspection is the answer about a token (RFC 7662 section 2.2). A token that is not active has the first member only.
type introspection struct {
	Active         bool   `json:"active"`
	TokenType      string `json:"token_type,omitempty"` // access_token or refresh_token
	ClientID       string `json:"client_id,omitempty"`
	Issuer         string `json:"iss,omitempty"`
	Subject        string `json:"sub,omitempty"`
	IssuedAt       int64  `json:"iat,omitempty"`
	ConsentID      string `json:"sid,omitempty"`
	TokenID        string `json:"jti,omitempty"` // of the access token of a user
	OrganizationID string `json:"org_id,omitempty"`
	ExpiresAt      int64  `json:"exp,omitempty"`
}

// introspect answers RouteOAuthIntrospection. Only a client with a secret may ask.
func (f *Server) introspect(w http.ResponseWriter, r *http.Request) {
	form, apiErr := readOAuthForm(r)
	var answer introspection
	if apiErr == nil {
		answer, apiErr = f.introspectToken(r, form)
	}
	writeOAuth(w, http.StatusOK, answer, apiErr)
}

func (f *Server) introspectToken(r *http.Request, form url.Values) (introspection, *apiError) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prune()
	token := form.Get("token")
	c, apiErr := f.authenticateClient(r, form)
	switch {
	case apiErr != nil:
		return introspection{}, apiErr
	case c.secret == "":
		return introspection{}, oauthError("invalid_client", "Only a client with a secret may ask about tokens.")
	case token == "":
		return introspection{}, oauthError("invalid_request", "The token parameter is required.")
	}
	answer := introspection{Active: true, Issuer: f.base}
	var g *oauthGrant
	if access := f.oauth.accessTokens[token]; access != nil {
		g, answer.TokenType = access.oauthGrant, "access_token"
		answer.IssuedAt, answer.ExpiresAt = access.issuedAt.Unix(), access.expiresAt.Unix()
		if g.userID != "" {
			answer.TokenID = access.id
		}
	} else if refresh := f.oauth.refreshTokens[token]; refresh != nil && refresh.retiredAt.IsZero() {
		g, answer.TokenType, answer.IssuedAt = refresh.oauthGrant, "refresh_token", refresh.issuedAt.Unix()
	}
	if g == nil || !f.grantActive(g) {
		return introspection{}, nil
	}
	answer.ClientID, answer.Subject, answer.ConsentID, answer.OrganizationID = g.clientID, g.subject(), g.consentID, g.organizationID
	return answer, nil
}

// userInfo answers RouteOAuthUserInfo (OpenID Connect Core 1.0 section 5.3).
func (f *Server) userInfo(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		token = ""
	}
	claims, challenge := f.userInfoOf(token)
	w.Header().Set("Cache-Control", "no-store")
	switch challenge {
	case "":
		write(w, http.StatusOK, claims)
		return
	case "insufficient_scope":
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="openid"`)
		write(w, http.StatusForbidden, oauthError(challenge, "The access token lacks the scope openid."))
	default:
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		write(w, http.StatusUnauthorized, oauthError(challenge, "The access token is invalid or has expired."))
	}
}

// userInfoOf returns the claims about the user of an access token, or the error of RFC 6750 section 3.1.
func (f *Server) userInfoOf(token string) (claims map[string]any, challenge string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prune()
	access := f.oauth.accessTokens[token]
	switch {
	case access == nil, access.userID == "", !f.grantActive(access.oauthGrant):
		return nil, "invalid_token"
	case !slices.Contains(access.scopes, "openid"):
		return nil, "insufficient_scope"
	}
	return f.userClaims(access.userID, access.scopes), ""
}

// userClaims returns the claims about a user that the scopes permit (OpenID Connect Core 1.0 section 5.4).
func (f *Server) userClaims(userID string, scopes []string) map[string]any {
	user := f.accountByID(userID)
	claims := map[string]any{"sub": user.ID}
	if slices.Contains(scopes, "profile") {
		for name, value := range map[string]string{"name": user.fullName(), "given_name": user.FirstName, "family_name": user.LastName} {
			if value != "" {
				claims[name] = value
			}
		}
	}
	if slices.Contains(scopes, "email") {
		claims["email"], claims["email_verified"] = user.Email, !user.EmailUnverified
	}
	return claims
}

// idToken returns the ID token of a grant (OpenID Connect Core 1.0 sections 2 and 3.1.3.6).
func (f *Server) idToken(g *oauthGrant, scopes []string, accessToken string, now time.Time) string {
	claims := f.userClaims(g.userID, scopes)
	claims["iss"], claims["aud"] = f.base, g.clientID
	claims["iat"], claims["exp"], claims["auth_time"] = now.Unix(), now.Add(f.settings.tokenLifetime).Unix(), g.authTime.Unix()
	claims["at_hash"] = halfHash(accessToken)
	if g.nonce != "" {
		claims["nonce"] = g.nonce
	}
	return f.sign(claims)
}
