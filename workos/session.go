// Sessions at WorkOS: list, find and revoke them, and the logout URL.

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
	ID             string        `json:"id"` // "session_…", the sid claim of the access token
	UserID         string        `json:"user_id"`
	OrganizationID string        `json:"organization_id,omitempty"` // empty outside an organization
	AuthMethod     string        `json:"auth_method"`               // such as "password", "oauth", "sso", "magic_code"
	Status         string        `json:"status"`                    // "active", "expired" or "revoked"
	IPAddress      string        `json:"ip_address,omitempty"`
	UserAgent      string        `json:"user_agent,omitempty"`
	Impersonator   *Impersonator `json:"impersonator,omitempty"` // nil unless the session is an impersonation
	ExpiresAt      time.Time     `json:"expires_at,omitzero"`
	EndedAt        time.Time     `json:"ended_at,omitzero"` // zero while the session is active
	CreatedAt      time.Time     `json:"created_at,omitzero"`
	UpdatedAt      time.Time     `json:"updated_at,omitzero"`
}

// LogoutURL returns the URL that ends a session at WorkOS and then redirects the browser to returnTo. The session ID is
// the sid claim of the access token, which may have expired. returnTo must be registered as a sign-out redirect. If it
// is empty, WorkOS uses the default sign-out redirect. The browser itself must open the URL.
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

// FindSession returns one of a user's active sessions and reports whether it exists. The API can only list sessions, so
// FindSession reads the list in pages of 100 until it finds the session. Both IDs are required.
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

// RevokeSession ends a session. From then on its refresh tokens get an [*InvalidGrantError]. Access tokens that were
// already issued stay valid until they expire. The ID is required.
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
	}, nil) // the success response is not documented
}

func (s *Session) validate() error { return requireID(s.ID) }
