// Lists in the claims of sessions. Sessions with the same rights share their memory.

package authkit

import (
	"github.com/authkit-go/authkit/internal/sessioncache"
	"github.com/authkit-go/authkit/jwks"
)

// shareLists makes sessions with the same rights share the memory of their lists. claims
// are those of a token that was verified just now, and no request has them yet. [Session]
// returns copies of the lists.
func (a *AuthKit) shareLists(claims *jwks.Claims) {
	for _, list := range [...]*[]string{&claims.Roles, &claims.Permissions, &claims.Entitlements, &claims.FeatureFlags, &claims.Audience, &claims.Scopes} {
		*list = a.lists.Share(*list)
	}
}

// lists returns the lists of a session. Other sessions may share them.
func (s *Session) lists() sessioncache.Lists {
	c := s.claims
	return sessioncache.Lists{c.Roles, c.Permissions, c.Entitlements, c.FeatureFlags, c.Audience, c.Scopes}
}
