// Session: what a handler reads.

package authkit

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

// User is the profile of a signed-in person, as it was at the last sign-in or
// refresh.
type User = workos.User

// Impersonator is the member of your own team who is signed in as a user
// through the WorkOS dashboard.
type Impersonator = workos.Impersonator

// Session is a signed-in person: who, in which organization, with which
// rights, until when. It has been verified, it does not change, and it is safe
// to share between goroutines; what its methods hand out is a copy.
//
// Printing, logging or encoding a Session shows its identifiers and no token.
type Session struct {
	*sessionContent
}

// sessionContent is what a Session stands for. It is two pointers away from a
// copy of a Session, because package fmt walks through one when it is given a
// verb that makes no sense, in a field that hides its methods.
type sessionContent struct {
	sealed *sealedSession
	claims *jwks.Claims
	bearer bool // came in the Authorization header
}

func makeSession(sealed sealedSession, claims *jwks.Claims) *Session {
	return &Session{&sessionContent{sealed: &sealed, claims: claims}}
}

// ID is the ID of the WorkOS session, session_….
func (s *Session) ID() string { return s.claims.SessionID }

// UserID is the ID of the user, user_….
func (s *Session) UserID() string { return s.claims.Subject }

// FromBearerToken tells that the session came as a bearer token
// ([WithBearerTokens]) and not in a cookie: it has no profile.
func (s *Session) FromBearerToken() bool { return s.bearer }

// User is the user's profile. Of a session that came as a bearer token it has
// the ID and nothing else, since nothing else is in the token; package workos
// gets the rest by that ID.
func (s *Session) User() User {
	return s.sealed.profile()
}

// OrganizationID is the organization that the session is signed in to, org_…,
// or "" for none.
func (s *Session) OrganizationID() string { return s.claims.OrganizationID }

// Role is the slug of the user's role in the organization, the one of highest
// priority where there are several, or "".
func (s *Session) Role() string { return s.claims.Role }

// Roles are the slugs of all the user's roles in the organization.
func (s *Session) Roles() []string {
	if len(s.claims.Roles) == 0 && s.claims.Role != "" {
		return []string{s.claims.Role}
	}
	return slices.Clone(s.claims.Roles)
}

// Permissions are the slugs of what the roles allow.
func (s *Session) Permissions() []string { return slices.Clone(s.claims.Permissions) }

// Entitlements are what the organization has subscribed to.
func (s *Session) Entitlements() []string { return slices.Clone(s.claims.Entitlements) }

// FeatureFlags are the flags that are on for the user.
func (s *Session) FeatureFlags() []string { return slices.Clone(s.claims.FeatureFlags) }

// HasRole tells whether the role is one of the user's, without allocating.
func (s *Session) HasRole(slug string) bool {
	return s.claims.Role == slug && slug != "" || slices.Contains(s.claims.Roles, slug)
}

// HasPermission tells whether a permission is granted, without allocating.
func (s *Session) HasPermission(slug string) bool {
	return slices.Contains(s.claims.Permissions, slug)
}

// HasEntitlement tells whether the organization has an entitlement, without
// allocating.
func (s *Session) HasEntitlement(slug string) bool {
	return slices.Contains(s.claims.Entitlements, slug)
}

// HasFeatureFlag tells whether a flag is on, without allocating.
func (s *Session) HasFeatureFlag(slug string) bool {
	return slices.Contains(s.claims.FeatureFlags, slug)
}

// Impersonator returns who is signed in as this user, and reports whether it is
// somebody else than the user. That is so where WorkOS's reply named an
// impersonator, and where the token has any act claim that is not null (RFC
// 8693, section 4.1). The email address is empty where neither tells it.
func (s *Session) Impersonator() (Impersonator, bool) {
	if s.sealed.impersonator != nil {
		return *s.sealed.impersonator, true
	}
	if s.claims.Impersonated {
		return Impersonator{Email: s.claims.Actor}, true
	}
	return Impersonator{}, false
}

// AuthenticationMethod is how the user signed in, in WorkOS's words: Password,
// SSO, MagicAuth, GoogleOAuth, …. It may be "".
func (s *Session) AuthenticationMethod() string { return s.sealed.method }

// AccessToken is the JWT of the session, a secret: it is for calls to services
// that verify it as this package does, until [Session.ExpiresAt].
func (s *Session) AccessToken() string { return s.sealed.accessToken }

// SignedInAt is when the session's sign-in was finished here.
func (s *Session) SignedInAt() time.Time { return s.sealed.signedInAt }

// RenewedAt is when the session last got new tokens: at sign-in or refresh.
func (s *Session) RenewedAt() time.Time { return s.sealed.renewedAt }

// AuthenticatedAt is when the user last proved who they are (the auth_time
// claim). A refresh does not change it. It may be zero: where the token does not
// tell, or tells of a time in the future, beyond a minute of clock skew.
func (s *Session) AuthenticatedAt() time.Time { return s.claims.AuthTime }

// IssuedAt is when the access token was issued (iat). It may be zero.
func (s *Session) IssuedAt() time.Time { return s.claims.IssuedAt }

// ExpiresAt is when the access token expires (exp). The session goes on: it is
// refreshed before then.
func (s *Session) ExpiresAt() time.Time { return s.claims.ExpiresAt }

// Claims decodes the payload of the access token into v, as json.Unmarshal
// does, for the claims that a JWT template of your own adds.
func (s *Session) Claims(v any) error { return s.claims.Decode(v) }

// sessionSummary is all that a Session shows of itself.
type sessionSummary struct {
	ID             string    `json:"id"`
	UserID         string    `json:"user_id"`
	OrganizationID string    `json:"organization_id,omitempty"`
	Role           string    `json:"role,omitempty"`
	ExpiresAt      time.Time `json:"expires_at"`
}

func (s *Session) summary() sessionSummary {
	return sessionSummary{s.ID(), s.UserID(), s.OrganizationID(), s.Role(), s.ExpiresAt()}
}

// String names the session, its user and its organization.
func (s *Session) String() string {
	if s == nil {
		return "authkit.Session(nil)"
	}
	return fmt.Sprintf("authkit.Session(%s user=%s organization=%s)", s.ID(), s.UserID(), s.OrganizationID())
}

// GoString is String: %#v shows no token either.
func (s *Session) GoString() string { return s.String() }

// Format is String for every verb, since some of them would otherwise walk
// through the fields, and for a copy too.
func (s Session) Format(f fmt.State, verb rune) { io.WriteString(f, s.String()) }

// LogValue shows the identifiers, for log/slog.
func (s *Session) LogValue() slog.Value {
	if s == nil {
		return slog.Value{}
	}
	return slog.GroupValue(
		slog.String("id", s.ID()),
		slog.String("user_id", s.UserID()),
		slog.String("organization_id", s.OrganizationID()))
}

// MarshalJSON shows the identifiers, the role and the expiry.
func (s *Session) MarshalJSON() ([]byte, error) { return json.Marshal(s.summary()) }

// unverifiedSession is a session that nothing but its seal vouches for, however
// old: enough to end it, or to exchange it for another. It is nil where the
// token is none.
func unverifiedSession(sealed sealedSession) *Session {
	claims, err := jwks.UnverifiedClaims(sealed.accessToken)
	if err != nil {
		return nil
	}
	return makeSession(sealed, claims)
}
