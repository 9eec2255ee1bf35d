// NewSession: sessions for the tests of an application's handlers.

package authkit

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"maps"
	"time"

	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/jwks"
)

// SessionParams are the parts of a session for [NewSession]. Every field is
// optional.
type SessionParams struct {
	ID             string // session_test if empty
	User           User   // its ID is user_test if empty
	OrganizationID string
	Role           string
	Roles          []string
	Permissions    []string
	Entitlements   []string
	FeatureFlags   []string
	Impersonator   *Impersonator
	// AuthenticatedAt is the auth_time claim.
	AuthenticatedAt time.Time
	// ExpiresAt is the exp claim. It is an hour from now if zero.
	ExpiresAt            time.Time
	AuthenticationMethod string
	// AccessToken is a token with these parts and no valid signature if empty.
	AccessToken string
	// Claims are further claims for [Session.Claims], such as those of a JWT
	// template.
	Claims map[string]any
}

// NewSession returns a session with the given parts, for [NewContext]. The session
// is not verified. Unless AccessToken is set, its token has no valid signature, so
// no service accepts it.
//
// NewSession panics if Claims cannot be encoded as JSON, or if the token is larger
// than 16 KB.
func NewSession(p SessionParams) *Session {
	p.User.ID = cmp.Or(p.User.ID, "user_test")
	if p.ExpiresAt.IsZero() {
		p.ExpiresAt = time.Now().Add(time.Hour)
	}
	tokenPayload := map[string]any{}
	maps.Copy(tokenPayload, p.Claims)
	claim := func(name string, value any, given bool) {
		if given {
			tokenPayload[name] = value
		}
	}
	claim("sid", cmp.Or(p.ID, "session_test"), true)
	claim("sub", p.User.ID, true)
	claim("exp", p.ExpiresAt.Unix(), true)
	claim("auth_time", p.AuthenticatedAt.Unix(), !p.AuthenticatedAt.IsZero())
	claim("org_id", p.OrganizationID, p.OrganizationID != "")
	claim("role", p.Role, p.Role != "")
	claim("roles", p.Roles, p.Roles != nil)
	claim("permissions", p.Permissions, p.Permissions != nil)
	claim("entitlements", p.Entitlements, p.Entitlements != nil)
	claim("feature_flags", p.FeatureFlags, p.FeatureFlags != nil)
	if p.Impersonator != nil {
		impersonator := *p.Impersonator
		p.Impersonator = &impersonator
		claim("act", map[string]string{"sub": impersonator.Email}, true)
	}
	encoded, err := json.Marshal(tokenPayload)
	if err != nil {
		panic("authkit: NewSession: " + err.Error())
	}
	token := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"unsigned"}`)) + "." +
		base64.RawURLEncoding.EncodeToString(encoded) + ".AAAA"
	claims, err := jwks.UnverifiedClaims(token)
	if err != nil {
		panic("authkit: NewSession: " + err.Error())
	}
	sealed := payload.Session{
		AccessToken:          payload.NewToken(cmp.Or(p.AccessToken, token)),
		Impersonator:         p.Impersonator,
		AuthenticationMethod: p.AuthenticationMethod,
	}
	sealed.SetUser(p.User)
	return makeSession(sealed, claims)
}
