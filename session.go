// Session: what a handler reads about the signed-in user.

package authkit

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/authkit-go/authkit/internal/heapsize"
	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

// User is the profile of a user, as WorkOS returned it at the last sign-in or
// refresh.
type User = workos.User

// Impersonator is a member of your team who is signed in as a user through the
// WorkOS dashboard.
type Impersonator = workos.Impersonator

// OAuthTokens are the tokens of the identity provider that the user signed in with, for
// calls of that provider's API. Printed, logged or encoded as JSON, they show no token.
type OAuthTokens = workos.OAuthTokens

// Session is the session of a signed-in user: the user, the organization, the
// rights and the times. It has been verified, it does not change, and it is safe
// for concurrent use. Its methods return copies.
//
// A nil *Session and a zero Session are anonymous. Their methods return zero
// values and do not panic.
//
// Printing, logging or encoding a Session shows its identifiers and no token. A
// copied Session prints an address; print the pointer.
type Session struct {
	*sessionContent
}

// sessionContent is the content of a Session. Its tokens are behind a second
// pointer: if a verb does not fit a value, package fmt follows one pointer
// and prints the fields there, even in a struct field that hides the methods.
type sessionContent struct {
	sealed *payload.Session
	claims *jwks.Claims
	bearer bool // from the Authorization header

	keys atomic.Pointer[markKeys] // nil until a mark is looked for
	// checkedIssuers is the number of the list of resource issuers none of which verifies the
	// token. It is 0 before the first check.
	checkedIssuers atomic.Uint64
	steady         atomic.Pointer[jwks.Validity] // see steady.go; nil if that is not known
}

// anonymousContent is the content of a nil and of a zero Session.
var anonymousContent = &sessionContent{sealed: &payload.Session{}, claims: &jwks.Claims{}}

func makeSession(sealed payload.Session, claims *jwks.Claims) *Session {
	return &Session{&sessionContent{sealed: &sealed, claims: claims}}
}

func (s *Session) isAnonymous() bool { return s == nil || s.sessionContent == nil }

// fixedSize is the bytes of a session besides its texts, its lists and its sealed content.
// That includes the time until which it is steady, and the keys of marks. A session that is
// used once has none of them, so the keys count for three quarters: the error is then about
// the same on both sides.
var fixedSize = heapsize.Type[Session]() + heapsize.Type[sessionContent]() + heapsize.Type[jwks.Claims]() +
	heapsize.Type[markKeys]() + heapsize.Of(markKeysSize)*3/4 + heapsize.Type[jwks.Validity]()

// size returns the bytes that a session takes in memory, without its lists.
func (s *Session) size() int {
	size := fixedSize
	if s.bearer {
		// Its token is the text of its entry, and its claims do not share the memory of it.
		return size + heapsize.Type[payload.Session]() + claimsSize(s.claims)
	}
	return size + s.sealed.Size()
}

// claimsSize returns the bytes of the texts of claims that have their own memory.
func claimsSize(c *jwks.Claims) int {
	texts := []string{c.Issuer, c.Subject, c.SessionID, c.ClientID, c.ID, c.OrganizationID, c.Role, c.Actor}
	lists := slices.Concat(c.Roles, c.Permissions, c.Entitlements, c.FeatureFlags, c.Audience, c.Scopes)
	return heapsize.Texts(append(texts, lists...)...)
}

func (s *Session) content() *sessionContent {
	if s.isAnonymous() {
		return anonymousContent
	}
	return s.sessionContent
}

// ID returns the ID of the WorkOS session, session_….
func (s *Session) ID() string { return s.content().claims.SessionID }

// UserID returns the ID of the user, user_….
func (s *Session) UserID() string { return s.content().claims.Subject }

// FromBearerToken reports whether the session came as a bearer token
// ([WithBearerTokens]) and not in a cookie. Such a session has no profile.
func (s *Session) FromBearerToken() bool { return s.content().bearer }

// User returns the user's profile. For a session that came as a bearer token, or in
// a cookie without a seal ([WithSharedSession]), it has the ID alone: nothing else
// of such a session is proven. [Session.Profile] distinguishes the two. Package
// workos gets the rest of the profile by the ID.
//
// The profile is that of the last sign-in or refresh. Do not rely on its Metadata:
// WorkOS documents that it returns metadata with users, but not with authentications
// (https://workos.com/docs/authkit/metadata). Use workos.Client.GetUser, or put the
// metadata into the token with a JWT template and read them with [Session.Claims].
// A test can try it with authkittest.WithoutUserMetadata.
func (s *Session) User() User { return s.content().sealed.Profile() }

// Profile returns the user's profile, and reports whether the session has one. A
// session that came as a bearer token has none. One that came in a cookie without a
// seal ([WithSharedSession]) has none until its next refresh.
func (s *Session) Profile() (User, bool) {
	if s.isAnonymous() || s.bearer || s.sealed.Unsealed {
		return User{}, false
	}
	return s.User(), true
}

// OrganizationID returns the ID of the organization that the session is signed in
// to, org_…, or "".
func (s *Session) OrganizationID() string { return s.content().claims.OrganizationID }

// Role returns the slug of the user's role in the organization, or "". If there
// are several roles, it is the one of the highest priority.
func (s *Session) Role() string { return s.content().claims.Role }

// Roles returns the slugs of all of the user's roles in the organization.
func (s *Session) Roles() []string {
	c := s.content().claims
	if len(c.Roles) == 0 && c.Role != "" {
		return []string{c.Role}
	}
	return slices.Clone(c.Roles)
}

// Permissions returns the slugs of the permissions that the roles grant.
func (s *Session) Permissions() []string { return slices.Clone(s.content().claims.Permissions) }

// Entitlements returns the slugs of the organization's entitlements.
func (s *Session) Entitlements() []string { return slices.Clone(s.content().claims.Entitlements) }

// FeatureFlags returns the slugs of the feature flags that are on for the user.
func (s *Session) FeatureFlags() []string { return slices.Clone(s.content().claims.FeatureFlags) }

// HasRole reports whether the user has the role in the organization. It does not
// allocate.
func (s *Session) HasRole(slug string) bool {
	c := s.content().claims
	return c.Role == slug && slug != "" || slices.Contains(c.Roles, slug)
}

// HasPermission reports whether the roles grant the permission. It does not
// allocate.
func (s *Session) HasPermission(slug string) bool {
	return slices.Contains(s.content().claims.Permissions, slug)
}

// HasEntitlement reports whether the organization has the entitlement. It does
// not allocate.
func (s *Session) HasEntitlement(slug string) bool {
	return slices.Contains(s.content().claims.Entitlements, slug)
}

// HasFeatureFlag reports whether the feature flag is on for the user. It does not
// allocate.
func (s *Session) HasFeatureFlag(slug string) bool {
	return slices.Contains(s.content().claims.FeatureFlags, slug)
}

// Impersonator returns the impersonator of the session, and reports whether there
// is one. There is one if WorkOS's reply named an impersonator, or if the token has
// an act claim that is not null (RFC 8693, section 4.1). The email address is empty
// if neither contains it.
func (s *Session) Impersonator() (Impersonator, bool) {
	c := s.content()
	if c.sealed.Impersonator != nil {
		return *c.sealed.Impersonator, true
	}
	if c.claims.Impersonated {
		return Impersonator{Email: c.claims.Actor}, true
	}
	return Impersonator{}, false
}

// AuthenticationMethod returns how the user signed in, as WorkOS names it:
// Password, SSO, MagicAuth, GoogleOAuth and so on. It may be "".
func (s *Session) AuthenticationMethod() string { return s.content().sealed.AuthenticationMethod }

// AccessToken returns the session's JWT. It is a secret, for calls to services
// that verify it as this package does. It is valid until [Session.ExpiresAt]. The text is
// made on each call, so keep it if you need it several times.
func (s *Session) AccessToken() string { return s.content().sealed.AccessToken.Text() }

// SignedInAt returns when the sign-in was completed in this application.
func (s *Session) SignedInAt() time.Time { return s.content().sealed.SignedInAt }

// RefreshedAt returns when the session last got new tokens, at sign-in or
// refresh.
func (s *Session) RefreshedAt() time.Time { return s.content().sealed.RefreshedAt }

// AuthenticatedAt returns when the user last authenticated (the auth_time claim).
// A refresh does not change it. It is zero if the token does not say, or if the
// time is more than a minute (the leeway for clock skew) in the future.
func (s *Session) AuthenticatedAt() time.Time { return s.content().claims.AuthTime }

// IssuedAt returns when the access token was issued (the iat claim). It may be
// zero.
func (s *Session) IssuedAt() time.Time { return s.content().claims.IssuedAt }

// ExpiresAt returns when the access token expires (the exp claim). The session
// lasts longer, because it is refreshed before.
func (s *Session) ExpiresAt() time.Time { return s.content().claims.ExpiresAt }

// Claims decodes the payload of the access token into v, as json.Unmarshal does.
// It is for the claims that your JWT template adds. An anonymous session has no
// claims, as if the payload were {}.
func (s *Session) Claims(v any) error {
	if s.isAnonymous() {
		return json.Unmarshal([]byte("{}"), v)
	}
	return s.claims.Decode(v)
}

// sessionSummary is the JSON encoding of a Session.
type sessionSummary struct {
	ID             string    `json:"id"`
	UserID         string    `json:"user_id"`
	OrganizationID string    `json:"organization_id,omitempty"`
	Role           string    `json:"role,omitempty"`
	ExpiresAt      time.Time `json:"expires_at"`
}

// String returns the IDs of the session, the user and the organization.
func (s *Session) String() string {
	if s.isAnonymous() {
		return "authkit.Session(anonymous)"
	}
	return fmt.Sprintf("authkit.Session(%s user=%s organization=%s)", s.ID(), s.UserID(), s.OrganizationID())
}

// GoString returns the text of String, so that %#v shows no token either.
func (s *Session) GoString() string { return s.String() }

// Format writes the text of String for every verb. Some verbs would otherwise
// print the fields.
func (s *Session) Format(f fmt.State, verb rune) { io.WriteString(f, s.String()) }

// LogValue returns the IDs of the session, the user and the organization, for
// log/slog. It returns the zero Value for an anonymous session.
func (s *Session) LogValue() slog.Value {
	if s.isAnonymous() {
		return slog.Value{}
	}
	return slog.GroupValue(
		slog.String("id", s.ID()),
		slog.String("user_id", s.UserID()),
		slog.String("organization_id", s.OrganizationID()))
}

// MarshalJSON encodes the IDs, the role and the expiry. It encodes an anonymous
// session as null.
func (s *Session) MarshalJSON() ([]byte, error) {
	if s.isAnonymous() {
		return []byte("null"), nil
	}
	return json.Marshal(sessionSummary{s.ID(), s.UserID(), s.OrganizationID(), s.Role(), s.ExpiresAt()})
}

// unverifiedSession returns a session whose seal was verified, but not its access
// token. That is enough to sign it out, or to exchange its refresh token. It
// returns nil if the token cannot be decoded.
func unverifiedSession(sealed payload.Session) *Session {
	claims, err := sealed.AccessToken.UnverifiedClaims()
	if err != nil {
		return nil
	}
	return makeSession(sealed, claims)
}
