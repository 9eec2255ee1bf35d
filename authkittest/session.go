// Sessions.

package authkittest

import (
	"fmt"
	"time"
)

// Impersonator is a member of your team who is signed in as a user through the WorkOS dashboard.
type Impersonator struct {
	Email  string
	Reason string
}

// SessionInfo describes a session of the fake.
type SessionInfo struct {
	ID                   string
	UserID               string
	Email                string // the user's email address when the session started
	OrganizationID       string // empty for a session without an organization
	AuthenticationMethod string
	Impersonator         *Impersonator // nil for a session without impersonation
	CreatedAt            time.Time
	AuthenticatedAt      time.Time // the auth_time claim
	RefreshedAt          time.Time // zero before the first refresh
	EndedAt              time.Time // zero while the session is active
}

// Active reports whether EndedAt is zero.
func (s SessionInfo) Active() bool { return s.EndedAt.IsZero() }

// signInResult is the result of a sign-in. The authorization passes it to the code, and the code to the session.
type signInResult struct {
	userID         string
	organizationID string
	method         string
	secondFactor   bool // a second factor was verified in this sign-in
	radarPassed    bool // a challenge of Radar was passed in this sign-in
	ipAddress      string
	userAgent      string
	impersonator   *Impersonator
	authTime       time.Time
	providerScopes []string // the provider_scopes of the authorization request
	browserID      string   // ID of the browser's session at the fake; may be empty
	unasked        *asker   // set until the application has allowed the sign-in; see Actions

	// invitation is the one that the session accepts. It is nil for none, and once the hosted pages have accepted it.
	invitation *invitation
}

const (
	// sessionLifetime is the maximum length of a session. In production it is set in the WorkOS dashboard.
	sessionLifetime = 365 * 24 * time.Hour
	// impersonationLifetime is the maximum length of an impersonated session (https://workos.com/docs/authkit/impersonation).
	impersonationLifetime = time.Hour
)

type session struct {
	signInResult
	id           string
	email        string // at the start of the session, since the user may be deleted later
	confidential bool   // started with a client secret, so every refresh needs it
	createdAt    time.Time
	refreshedAt  time.Time
	endedAt      time.Time
	locks        int // refreshes in progress, for WithSessionLock
}

// Sessions returns all sessions, oldest first, including those that have ended.
func (f *Server) Sessions() []SessionInfo {
	f.mu.Lock()
	defer f.mu.Unlock()
	infos := make([]SessionInfo, len(f.sessions))
	for i, s := range f.sessions {
		infos[i] = f.info(s)
	}
	return infos
}

// Session returns the session with this ID, which is the sid claim, and whether it exists.
func (f *Server) Session(id string) (SessionInfo, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.session(id); s != nil {
		return f.info(s), true
	}
	return SessionInfo{}, false
}

// RevokeSession ends a session, as the WorkOS dashboard does. The next refresh answers invalid_grant. Access tokens stay valid
// until they expire. RevokeSession panics if the session does not exist.
func (f *Server) RevokeSession(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.session(id)
	if s == nil {
		panic(fmt.Sprintf("authkittest: no session %q", id))
	}
	f.endSession(s)
}

// startSession starts a session after a sign-in and returns the response with its tokens. It returns an error if the access
// token would be too big.
func (f *Server) startSession(result signInResult, confidential bool) (*authentication, *apiError) {
	if apiErr := f.tokenError(result.userID, result.organizationID); apiErr != nil {
		return nil, apiErr
	}
	response := f.mint(f.openSession(result, confidential))
	response.OAuthTokens = f.oauthTokens(result)
	return response, nil
}

// openSession starts a session after a sign-in.
func (f *Server) openSession(result signInResult, confidential bool) *session {
	now := f.clock.Now()
	user := f.accountByID(result.userID)
	if _, member := user.membership(result.organizationID); !member {
		result.organizationID = "" // the membership has ended during the sign-in
	}
	s := &session{signInResult: result, id: newID("session"), email: user.Email, confidential: confidential, createdAt: now}
	f.sessions = append(f.sessions, s)
	if result.impersonator == nil {
		user.lastSignInAt = now
	}
	f.emit("session.created", s.organizationID, s.object(now))
	return s
}

func (f *Server) session(id string) *session {
	for _, s := range f.sessions {
		if s.id == id {
			return s
		}
	}
	return nil
}

func (f *Server) info(s *session) SessionInfo {
	info := SessionInfo{
		ID:                   s.id,
		UserID:               s.userID,
		Email:                s.email,
		OrganizationID:       s.organizationID,
		AuthenticationMethod: s.method,
		CreatedAt:            s.createdAt,
		AuthenticatedAt:      s.authTime,
		RefreshedAt:          s.refreshedAt,
		EndedAt:              s.endedAt,
	}
	if s.impersonator != nil {
		copied := *s.impersonator
		info.Impersonator = &copied
	}
	return info
}

func (s *session) expiresAt() time.Time {
	if s.impersonator != nil {
		return s.createdAt.Add(impersonationLifetime)
	}
	return s.createdAt.Add(sessionLifetime)
}

// active reports whether the session can be refreshed.
func (s *session) active(now time.Time) bool { return s.endedAt.IsZero() && now.Before(s.expiresAt()) }

// endSession ends a session. If it was active, that is an event.
func (f *Server) endSession(s *session) {
	now := f.clock.Now()
	active := s.active(now)
	if s.endedAt.IsZero() {
		s.endedAt = now
	}
	if active {
		f.emit("session.revoked", s.organizationID, s.object(now))
	}
}
