// The access tokens of WorkOS Connect: their claims, and tokens for the tests of an API.

package authkittest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// accessClaims returns the claims of a new access token. The aud is the resources, or the client ID of the environment.
func (f *Server) accessClaims(g *oauthGrant, scopes, resources []string) map[string]any {
	now := f.clock.Now()
	claims := map[string]any{
		"iss":       f.base,
		"aud":       f.clientID,
		"sub":       g.subject(),
		"client_id": g.clientID,
		"scope":     strings.Join(scopes, " "),
		"jti":       ulid(rand.Text()),
		"iat":       now.Unix(),
		"exp":       now.Add(f.settings.tokenLifetime).Unix(),
	}
	switch {
	case len(resources) == 1:
		claims["aud"] = resources[0]
	case len(resources) > 1:
		claims["aud"] = resources
	}
	if g.consentID != "" {
		claims["sid"] = g.consentID
	}
	if g.userID == "" {
		claims["org_id"] = g.organizationID
	} else if _, member := f.accountByID(g.userID).membership(g.organizationID); member {
		claims["org_id"] = g.organizationID
	}
	return claims
}

// oauthAccessToken signs the claims of a grant and remembers the token, for /oauth2/userinfo and /oauth2/introspection.
func (f *Server) oauthAccessToken(g *oauthGrant, scopes []string, claims map[string]any) string {
	now := f.clock.Now()
	token := f.sign(claims)
	id, _ := claims["jti"].(string) // a test can remove it
	f.oauth.accessTokens[token] = &oauthAccessToken{
		oauthGrant: g, id: id, scopes: scopes, issuedAt: now, expiresAt: now.Add(f.settings.tokenLifetime),
	}
	return token
}

// halfHash returns the at_hash of an access token (OpenID Connect Core 1.0 section 3.1.3.6).
func halfHash(accessToken string) string {
	sum := sha256.Sum256([]byte(accessToken))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// ResourceToken returns an access token of a client that acts for the user with this email address at an API, as a Server of package
// resource accepts it. resource is the address of the API, which need not be a resource indicator of the fake. With "", the token
// is for the environment, and its aud is [Server.ClientID]. The token is in the first organization of the user. Its scopes are
// openid, profile and email, and those of [WithScopes].
//
// claims replace claims of the token or add some, as those of [Server.BearerToken]:
//
//	fake.ResourceToken("ada@harborpress.test", "https://mcp.acme.test/mcp")
//	fake.ResourceToken("ada@harborpress.test", "https://mcp.acme.test/mcp", authkittest.Claims{"scope": "posts:read"})
//
// The user has then given a client named "Test client" access. A client that gets its token itself is [Server.AddMachine], or one
// that registers at POST /oauth2/register. ResourceToken panics if the user does not exist, or if a claim cannot be encoded as JSON.
func (f *Server) ResourceToken(email, resource string, claims ...Claims) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.resourceToken(f.mustAccount(email), resource, claims)
}

// resourceToken is ResourceToken for an account. f.mu is held.
func (f *Server) resourceToken(user *account, resource string, claims []Claims) string {
	c := &oauthClient{id: stableID("client", "Test client"), name: "Test client"}
	f.oauth.clients[c.id] = c
	scopes := union([]string{"openid", "profile", "email"}, f.oauth.scopes)
	var resources []string
	if resource != "" {
		resources = []string{resource}
	}
	g := &oauthGrant{clientID: c.id, userID: user.ID, consentID: f.consent(user.ID, c, scopes, resources), scopes: scopes, resources: resources}
	if memberships := user.activeMemberships(); len(memberships) > 0 {
		g.organizationID = memberships[0].OrganizationID
	}
	return f.oauthAccessToken(g, scopes, changed(f.accessClaims(g, scopes, resources), claims))
}

// MachineToken returns an access token of a machine of [Server.AddMachine], with all of its scopes, as the client_credentials grant
// does. Its aud is [Server.ClientID]. claims replace claims of the token or add some, as those of [Server.BearerToken].
// MachineToken panics if the machine does not exist, or if a claim cannot be encoded as JSON.
func (f *Server) MachineToken(clientID string, claims ...Claims) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.machine(clientID)
	if c == nil {
		panic(fmt.Sprintf("authkittest: no machine has the client ID %q", clientID))
	}
	return f.machineToken(c, claims)
}

// machine returns the machine with a client ID, or nil. f.mu is held.
func (f *Server) machine(clientID string) *oauthClient {
	if c := f.oauth.clients[clientID]; c != nil && c.organizationID != "" {
		return c
	}
	return nil
}

// machineToken is MachineToken for a machine. f.mu is held.
func (f *Server) machineToken(c *oauthClient, claims []Claims) string {
	g := &oauthGrant{clientID: c.id, organizationID: c.organizationID, scopes: c.scopes}
	return f.oauthAccessToken(g, c.scopes, changed(f.accessClaims(g, c.scopes, nil), claims))
}
