// POST /oauth2/token: the grants of the clients of WorkOS Connect.

package authkittest

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// oauthGrant is what a client may do: for a user, or for itself.
type oauthGrant struct {
	clientID       string
	userID         string // empty for a machine
	organizationID string
	consentID      string // empty for a machine
	scopes         []string
	resources      []string
	nonce          string
	authTime       time.Time
	revoked        bool // a code or a refresh token was replayed
}

// subject returns the sub claim.
func (g *oauthGrant) subject() string {
	if g.userID == "" {
		return g.clientID
	}
	return g.userID
}

// oauthRefreshToken is a refresh token of a client.
type oauthRefreshToken struct {
	*oauthGrant
	issuedAt  time.Time
	retiredAt time.Time // zero before its exchange
}

// oauthAccessToken is an access token that was issued to a client.
type oauthAccessToken struct {
	*oauthGrant
	id        string // the jti
	scopes    []string
	issuedAt  time.Time
	expiresAt time.Time
}

// oauthTokenResponse is the response of a grant (RFC 6749 section 5.1).
type oauthTokenResponse struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"` // in seconds
	Scope        string `json:"scope"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
}

// oauthGrants are the supported grant types. Each runs with f.mu held.
var oauthGrants = map[string]func(*Server, *oauthClient, url.Values) (*oauthTokenResponse, *apiError){
	"authorization_code": (*Server).exchangeOAuthCode,
	"refresh_token":      (*Server).refreshOAuth,
	"client_credentials": (*Server).machineGrant,
}

// oauthToken answers RouteOAuthToken.
func (f *Server) oauthToken(w http.ResponseWriter, r *http.Request) {
	form, apiErr := readOAuthForm(r)
	var response *oauthTokenResponse
	if apiErr == nil {
		response, apiErr = f.runOAuthGrant(r, form)
	}
	writeOAuth(w, http.StatusOK, response, apiErr)
}

func (f *Server) runOAuthGrant(r *http.Request, form url.Values) (*oauthTokenResponse, *apiError) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prune()
	grantType := form.Get("grant_type")
	run, supported := oauthGrants[grantType]
	switch {
	case grantType == "":
		return nil, oauthError("invalid_request", "The grant_type parameter is required.")
	case !supported:
		return nil, oauthError("unsupported_grant_type", "The grant_type is not supported.")
	}
	c, apiErr := f.authenticateClient(r, form)
	switch {
	case apiErr != nil:
		return nil, apiErr
	case !slices.Contains(c.grantTypes, grantType):
		return nil, oauthError("unauthorized_client", "The client is not registered for this grant_type.")
	}
	return run(f, c, form)
}

// exchangeOAuthCode is the authorization_code grant. A code that is presented again revokes the tokens that were issued for it
// (RFC 6749 section 4.1.2). A failed exchange does not consume the code.
func (f *Server) exchangeOAuthCode(c *oauthClient, form url.Values) (*oauthTokenResponse, *apiError) {
	code := f.oauth.codes[form.Get("code")]
	switch {
	case form.Get("code") == "" || form.Get("redirect_uri") == "" || form.Get("code_verifier") == "":
		return nil, oauthError("invalid_request", "The parameters code, redirect_uri and code_verifier are required.")
	case code == nil || code.clientID != c.id:
		return nil, oauthError("invalid_grant", "The code is invalid.")
	case code.used:
		code.revoked = true
		return nil, oauthError("invalid_grant", "The code was exchanged already. Its tokens are revoked.")
	case !f.clock.Now().Before(code.expiresAt), !f.grantActive(code.oauthGrant):
		return nil, oauthError("invalid_grant", "The code has expired, or the user has revoked the access.")
	case code.redirectURI != form.Get("redirect_uri"):
		return nil, oauthError("invalid_grant", "The redirect_uri is not that of the authorization request.")
	case code.challenge != challengeOf(form.Get("code_verifier")):
		return nil, oauthError("invalid_grant", "The code_verifier does not match the code_challenge.")
	}
	resources, apiErr := f.narrowedResources(code.oauthGrant, form)
	if apiErr != nil {
		return nil, apiErr
	}
	code.used = true
	return f.issueOAuthTokens(c, code.oauthGrant, code.scopes, resources), nil
}

// refreshOAuth is the refresh_token grant. Every refresh token works once. If one is presented again, the client or an attacker
// has a stolen one, so the grant is revoked (RFC 9700 section 4.14.2).
func (f *Server) refreshOAuth(c *oauthClient, form url.Values) (*oauthTokenResponse, *apiError) {
	token := f.oauth.refreshTokens[form.Get("refresh_token")]
	switch {
	case form.Get("refresh_token") == "":
		return nil, oauthError("invalid_request", "The refresh_token parameter is required.")
	case token == nil || token.clientID != c.id:
		return nil, oauthError("invalid_grant", "Invalid refresh token.")
	case !token.retiredAt.IsZero():
		token.revoked = true
		return nil, oauthError("invalid_grant", "The refresh token was exchanged already. Its grant is revoked.")
	case !f.grantActive(token.oauthGrant):
		return nil, oauthError("invalid_grant", "The access has been revoked.")
	}
	scopes := token.scopes
	if requested := scopesIn(form); len(requested) > 0 {
		if !contains(token.scopes, requested...) {
			return nil, oauthError("invalid_scope", "A scope was not granted.")
		}
		scopes = requested
	}
	resources, apiErr := f.narrowedResources(token.oauthGrant, form)
	if apiErr != nil {
		return nil, apiErr
	}
	token.retiredAt = f.clock.Now()
	return f.issueOAuthTokens(c, token.oauthGrant, scopes, resources), nil
}

// machineGrant is the client_credentials grant. The tokens are for the environment, whatever resource the request names.
func (f *Server) machineGrant(c *oauthClient, form url.Values) (*oauthTokenResponse, *apiError) {
	scopes := c.scopes
	if requested := scopesIn(form); len(requested) > 0 {
		if !contains(c.scopes, requested...) {
			return nil, oauthError("invalid_scope", "The application does not have a requested scope.")
		}
		scopes = requested
	}
	g := &oauthGrant{clientID: c.id, organizationID: c.organizationID, scopes: c.scopes}
	return f.issueOAuthTokens(c, g, scopes, nil), nil
}

// narrowedResources returns the resources of a token request, which must be among those of the grant (RFC 8707 section 2.2).
// Without the parameter they are all of the grant.
func (f *Server) narrowedResources(g *oauthGrant, form url.Values) ([]string, *apiError) {
	resources, apiErr := f.resourcesIn(form, g.resources)
	if len(resources) == 0 {
		resources = g.resources
	}
	return resources, apiErr
}

// grantActive reports whether tokens may be issued for a grant. The consent of a user is an authorized application.
func (f *Server) grantActive(g *oauthGrant) bool {
	return !g.revoked && (g.userID == "" ||
		slices.ContainsFunc(f.authorizedApps, func(a AuthorizedApplication) bool { return a.consentID == g.consentID }))
}

// issueOAuthTokens issues tokens for a grant. scopes and resources may be narrower than those of the grant. The new refresh token
// has all of the grant (RFC 6749 section 6).
func (f *Server) issueOAuthTokens(c *oauthClient, g *oauthGrant, scopes, resources []string) *oauthTokenResponse {
	now := f.clock.Now()
	response := &oauthTokenResponse{
		AccessToken: f.oauthAccessToken(g, scopes, f.accessClaims(g, scopes, resources)),
		TokenType:   "bearer",
		ExpiresIn:   int(f.settings.tokenLifetime / time.Second),
		Scope:       strings.Join(scopes, " "),
	}
	if g.userID == "" {
		return response
	}
	if slices.Contains(scopes, "openid") {
		response.IDToken = f.idToken(g, scopes, response.AccessToken, now)
	}
	if slices.Contains(g.scopes, "offline_access") && slices.Contains(c.grantTypes, "refresh_token") {
		response.RefreshToken = rand.Text()
		f.oauth.refreshTokens[response.RefreshToken] = &oauthRefreshToken{oauthGrant: g, issuedAt: now}
	}
	return response
}
