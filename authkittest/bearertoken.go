// BearerToken: access tokens for tests of an API.

package authkittest

import (
	"cmp"
	"maps"
	"time"
)

// Claims are claims of an access token. A nil value removes a claim. A time.Time is sent as seconds since 1970, as exp and iat
// need it.
type Claims map[string]any

// BearerToken signs a user in and returns the access token, which an application with authkit.WithBearerTokens accepts. The
// token is in the user's first organization, with the role and the permissions there. The token of a user without
// an organization has no organization.
//
// claims replace claims of the token or add some. With org_id, the token is in that organization of the user. Examples:
//
//	fake.BearerToken("ada@harborpress.test")
//	fake.BearerToken("ada@harborpress.test", authkittest.Claims{"role": "viewer", "permissions": []string{"posts:read"}})
//	fake.BearerToken("ada@harborpress.test", authkittest.Claims{"exp": time.Now().Add(-time.Hour)}) // expired
//
// A token expires after the lifetime of [WithAccessTokenLifetime], five minutes by default, and is accepted for one minute
// more. With a [FakeClock], a test can also move the clock past it. BearerToken panics if the user does not
// exist, or if a claim cannot be encoded as JSON.
func (f *Server) BearerToken(email string, claims ...Claims) string {
	changes := Claims{}
	for _, c := range claims {
		maps.Copy(changes, c)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	user := f.mustAccount(email)
	organizationID, _ := changes["org_id"].(string)
	if _, asked := changes["org_id"]; !asked {
		for _, m := range user.activeMemberships() {
			organizationID = cmp.Or(organizationID, m.OrganizationID)
		}
	}
	s := f.openSession(signInResult{
		userID: user.ID, organizationID: organizationID, method: user.AuthenticationMethod, authTime: f.clock.Now(),
	}, false)
	return f.sign(changed(f.claims(s, user.User), claims))
}

// changed makes changes to the claims of a token and returns the claims.
func changed(claims map[string]any, changes []Claims) map[string]any {
	for _, change := range changes {
		for name, value := range change {
			if at, isTime := value.(time.Time); isTime {
				value = at.Unix()
			}
			if claims[name] = value; value == nil {
				delete(claims, name)
			}
		}
	}
	return claims
}
