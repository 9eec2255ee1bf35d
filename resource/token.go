// Token, a verified access token, and the context that carries it.

package resource

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/authkit-go/authkit/internal/heapsize"
	"github.com/authkit-go/authkit/jwks"
)

// Token is a verified access token: which client acts, for which user, and what the scopes permit. It is shared between
// requests and never changes. Every method of a nil or zero Token returns its zero value. Printed or logged, a Token shows its IDs and
// scopes and not the token itself.
type Token struct {
	server *Server
	claims *jwks.Claims
}

// size returns the bytes that the token takes in memory, besides its text.
func (t *Token) size() int {
	c := t.claims
	texts := []string{c.Issuer, c.Subject, c.SessionID, c.ClientID, c.ID, c.OrganizationID, c.Role, c.Actor}
	lists := slices.Concat(c.Roles, c.Permissions, c.Entitlements, c.FeatureFlags, c.Audience, c.Scopes)
	return heapsize.Type[Token]() + heapsize.Type[jwks.Claims]() + heapsize.Array(lists) + heapsize.Texts(append(texts, lists...)...)
}

// isVerified reports whether t is neither nil nor zero.
func (t *Token) isVerified() bool { return t != nil && t.claims != nil }

// UserID returns the ID of the user ("user_…") that the client acts for, or "" for a machine. It is the sub claim.
func (t *Token) UserID() string {
	if !t.isVerified() || t.IsMachine() {
		return ""
	}
	return t.claims.Subject
}

// ClientID returns the client that requested the token: the ID of an application at WorkOS, of a client that registered itself,
// or the address of a client's metadata document. It is the client_id claim.
func (t *Token) ClientID() string {
	if !t.isVerified() {
		return ""
	}
	return t.claims.ClientID
}

// IsMachine reports whether the client acts for itself (client credentials, RFC 6749 section 4.4). Its sub is its client ID.
func (t *Token) IsMachine() bool { return t.isVerified() && t.claims.Subject == t.claims.ClientID }

// OrganizationID returns the organization ("org_…") of the machine or of the user's consent, or "".
func (t *Token) OrganizationID() string {
	if !t.isVerified() {
		return ""
	}
	return t.claims.OrganizationID
}

// Scopes returns a copy of the scopes.
func (t *Token) Scopes() []string {
	if !t.isVerified() {
		return nil
	}
	return slices.Clone(t.claims.Scopes)
}

// HasScope reports whether the token has the scope. It does not allocate.
func (t *Token) HasScope(scope string) bool {
	return t.isVerified() && slices.Contains(t.claims.Scopes, scope)
}

// CheckScopes returns nil if the token has all of the scopes, and a [*ScopeError] that names the missing ones if not. It returns
// [ErrNoToken] for a nil or zero Token. It is for a check inside of a handler. [Server.Require] is for a route: it also answers with a
// challenge.
func (t *Token) CheckScopes(scopes ...string) error {
	if !t.isVerified() {
		return ErrNoToken
	}
	var missing []string
	for _, scope := range scopes {
		if !t.HasScope(scope) {
			missing = append(missing, scope)
		}
	}
	if missing == nil {
		return nil
	}
	return &ScopeError{slices.Clone(scopes), missing}
}

// ExpiresAt returns when the token expires. [Server.Verify] accepts it for 60 s more.
func (t *Token) ExpiresAt() time.Time {
	if !t.isVerified() {
		return time.Time{}
	}
	return t.claims.ExpiresAt
}

// IssuedAt returns when the token was issued, or the zero time if it does not say so.
func (t *Token) IssuedAt() time.Time {
	if !t.isVerified() {
		return time.Time{}
	}
	return t.claims.IssuedAt
}

// Audience returns a copy of the values of aud. One of them is accepted by the [Server].
func (t *Token) Audience() []string {
	if !t.isVerified() {
		return nil
	}
	return slices.Clone(t.claims.Audience)
}

// Claims unmarshals all claims into v, as [encoding/json.Unmarshal] does. For a nil or zero Token it leaves v unchanged.
func (t *Token) Claims(v any) error {
	if !t.isVerified() {
		return nil
	}
	return t.claims.Decode(v)
}

// String returns the IDs and the scopes, without the token.
func (t *Token) String() string {
	if !t.isVerified() {
		return "resource.Token(none)"
	}
	return fmt.Sprintf("resource.Token(user=%q client=%q organization=%q scopes=%q)", t.UserID(), t.ClientID(), t.OrganizationID(), t.claims.Scopes)
}

// Format implements [fmt.Formatter]. Every verb writes what String returns.
func (t *Token) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, t.String()) }

// LogValue implements [slog.LogValuer].
func (t *Token) LogValue() slog.Value {
	if !t.isVerified() {
		return slog.StringValue("none")
	}
	return slog.GroupValue(slog.String("user", t.UserID()), slog.String("client", t.ClientID()),
		slog.String("organization", t.OrganizationID()), slog.Any("scopes", t.Scopes()))
}

// MarshalJSON implements [json.Marshaler]. It writes an empty object, so that a token never reaches a response by mistake.
func (t *Token) MarshalJSON() ([]byte, error) { return []byte("{}"), nil }

type contextKey struct{}

// FromContext returns the token that [Server.Require] verified for a request, and whether there is one.
func FromContext(ctx context.Context) (*Token, bool) {
	if t, _ := ctx.Value(contextKey{}).(*Token); t.isVerified() {
		return t, true
	}
	return nil, false
}

// NewContext returns a context with the token, for what is not net/http. Only [Server.Verify] makes a token.
func NewContext(ctx context.Context, t *Token) context.Context {
	return context.WithValue(ctx, contextKey{}, t)
}
