// API calls for sessions.

package authkittest

import (
	"slices"
	"strings"
	"time"
)

type sessionObject struct {
	Object         string              `json:"object"`
	ID             string              `json:"id"`
	UserID         string              `json:"user_id"`
	OrganizationID string              `json:"organization_id,omitempty"`
	AuthMethod     string              `json:"auth_method"`
	Status         string              `json:"status"`
	IPAddress      *string             `json:"ip_address"`
	UserAgent      *string             `json:"user_agent"`
	Impersonator   *impersonatorObject `json:"impersonator,omitempty"`
	ExpiresAt      string              `json:"expires_at"`
	EndedAt        *string             `json:"ended_at"`
	CreatedAt      string              `json:"created_at"`
	UpdatedAt      string              `json:"updated_at"`
}

// sessionMethods maps authentication methods to the auth_method of session objects.
var sessionMethods = map[string]string{
	"CrossAppAuth":    "cross_app_auth",
	"ExternalAuth":    "external_auth",
	"Impersonation":   "impersonation",
	"MagicAuth":       "magic_code",
	"MigratedSession": "migrated_session",
	"Passkey":         "passkey",
	"Password":        "password",
	"SSO":             "sso",
}

func sessionMethod(method string) string {
	name, listed := sessionMethods[method]
	switch {
	case listed:
		return name
	case strings.HasSuffix(method, "OAuth"):
		return "oauth"
	default:
		return "unknown"
	}
}

// object returns the object of a session. No call returns a session that has ended, but an event does.
func (s *session) object(now time.Time) sessionObject {
	status := "active"
	switch {
	case !s.endedAt.IsZero():
		status = "revoked"
	case !s.active(now):
		status = "expired"
	}
	o := sessionObject{
		Object: "session", ID: s.id, UserID: s.userID, OrganizationID: s.organizationID, AuthMethod: sessionMethod(s.method),
		Status: status, IPAddress: orNull(s.ipAddress), UserAgent: orNull(s.userAgent), ExpiresAt: timestamp(s.expiresAt()), EndedAt: timeOrNull(s.endedAt),
		CreatedAt: timestamp(s.createdAt), UpdatedAt: timestamp(firstTime(s.endedAt, firstTime(s.refreshedAt, s.createdAt))),
	}
	if s.impersonator != nil {
		o.Impersonator = &impersonatorObject{Email: s.impersonator.Email, Reason: orNull(s.impersonator.Reason)}
	}
	return o
}

// listSessions answers RouteListSessions.
func (f *Server) listSessions(c *call) (any, *apiError) {
	user, apiErr := f.userOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	now := f.clock.Now()
	sessions := slices.DeleteFunc(slices.Clone(f.sessions), func(s *session) bool { return s.userID != user.ID || !s.active(now) })
	return page(c, sessions, func(s *session) string { return s.id }, func(s *session) sessionObject { return s.object(now) })
}

// revokeSession answers RouteRevokeSession.
func (f *Server) revokeSession(c *call) (any, *apiError) {
	var in struct {
		SessionID optional[string] `json:"session_id"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	s := f.session(in.SessionID.value)
	if s == nil {
		return nil, &apiError{Message: "Session not found: '" + in.SessionID.value + "'."}
	}
	f.endSession(s)
	return nil, nil
}

// endSessionsOf ends all sessions of a user, including browser sessions at the fake.
func (f *Server) endSessionsOf(userID string) {
	for _, s := range f.sessions {
		if s.userID == userID {
			f.endSession(s)
			delete(f.browserSessions, s.browserID)
		}
	}
}
