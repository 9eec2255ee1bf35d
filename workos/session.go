// Sessions: which a user has, and how one is ended at WorkOS.

package workos

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Session is a user's session at WorkOS.
//
// See https://workos.com/docs/reference/authkit/session
type Session struct {
	ID             string        `json:"id"` // "session_…", the access token's sid claim
	UserID         string        `json:"user_id"`
	OrganizationID string        `json:"organization_id,omitempty"` // empty outside any organization
	AuthMethod     string        `json:"auth_method"`               // "password", "oauth", "sso", "magic_code" and so on; the list grows
	Status         string        `json:"status"`                    // "active", "expired" or "revoked"
	IPAddress      string        `json:"ip_address,omitempty"`
	UserAgent      string        `json:"user_agent,omitempty"`
	Impersonator   *Impersonator `json:"impersonator,omitempty"` // nil unless someone else acts as the user
	ExpiresAt      time.Time     `json:"expires_at,omitzero"`
	EndedAt        time.Time     `json:"ended_at,omitzero"` // zero while it is active
	CreatedAt      time.Time     `json:"created_at,omitzero"`
	UpdatedAt      time.Time     `json:"updated_at,omitzero"`
}

// LogoutURL is the address that ends a session at WorkOS (its ID is the access token's sid claim) and then sends the
// browser on: to returnTo, which must be registered as a sign-out redirect, or to the default one if it is empty. The
// browser has to go there itself; the access token may have expired.
//
// See https://workos.com/docs/reference/authkit/logout
func (c *Client) LogoutURL(sessionID, returnTo string) string {
	query := url.Values{"session_id": {sessionID}}
	set(query, "return_to", returnTo)
	return c.url("/user_management/sessions/logout", query)
}

// ListSessions lists a user's active sessions.
//
// See https://workos.com/docs/reference/authkit/session/list
func (c *Client) ListSessions(ctx context.Context, userID string, p Paging) iter.Seq2[Session, error] {
	return list[Session](ctx, c, call{
		path: "/user_management/users/{user_id}/sessions",
		ids:  []string{userID},
	}, p)
}

// FindSession finds one of a user's active sessions, and tells whether there is such a one. The API can list sessions
// only; this goes through as much of the list as it takes, a hundred at a time. Both IDs are required.
func (c *Client) FindSession(ctx context.Context, userID, sessionID string) (session *Session, found bool, err error) {
	sessions := list[Session](ctx, c, call{
		path:     "/user_management/users/{user_id}/sessions",
		ids:      []string{userID},
		required: []argument{{"session_id", sessionID}},
	}, Paging{PageSize: 100})
	for session, err := range sessions {
		if err != nil {
			return nil, false, err
		}
		if session.ID == sessionID {
			return &session, true, nil
		}
	}
	return nil, false, nil
}

// RevokeSession ends a session: its refresh tokens get [*InvalidGrantError] from then on. Access tokens that are out
// already stay valid until they expire. The ID is required.
//
// See https://workos.com/docs/reference/authkit/session/revoke
func (c *Client) RevokeSession(ctx context.Context, id string) error {
	return c.do(ctx, call{
		method: http.MethodPost,
		path:   "/user_management/sessions/revoke",
		body: struct {
			SessionID string `json:"session_id"`
		}{id},
		required: []argument{{"session_id", id}},
	}, nil) // what a success replies is not documented
}

func (s *Session) validate() error { return requireID(s.ID) }
