// Sessions: what a sign-in opens, tokens are minted for and a logout ends.

package authkittest

import (
	"fmt"
	"time"
)

// Impersonator is a member of the application's own staff who acts as a user from the WorkOS dashboard.
type Impersonator struct {
	Email  string
	Reason string
}

// SessionInfo is what the fake knows about a session.
type SessionInfo struct {
	ID                   string
	UserID               string
	Email                string // of the user when the session began
	OrganizationID       string // empty without an organization
	AuthenticationMethod string
	Impersonator         *Impersonator // nil for the user's own
	CreatedAt            time.Time
	AuthenticatedAt      time.Time // the auth_time claim
	RefreshedAt          time.Time // zero before the first refresh
	EndedAt              time.Time // zero while the session is active
}

// Active tells whether the session can still be refreshed.
func (s SessionInfo) Active() bool { return s.EndedAt.IsZero() }

// identity is the outcome of a sign-in: it travels from the authorization through the code into the session.
type signInResult struct {
	userID         string
	organizationID string
	method         string
	secondFactor   bool // proved in this sign-in
	ipAddress      string
	userAgent      string
	impersonator   *Impersonator
	authTime       time.Time
	browserID      string // the browser session at the fake, if any
}

// sessionLifetime ends even a session that is refreshed all the time; production's is set in the dashboard.
const sessionLifetime = 365 * 24 * time.Hour

type session struct {
	signInResult
	id           string
	email        string // when it began: the user may be deleted later
	confidential bool   // began with a client secret, and so must prove it at every refresh
	createdAt    time.Time
	refreshedAt  time.Time
	endedAt      time.Time
}

// Sessions returns every session since the start, ended ones included, oldest first.
func (f *Server) Sessions() []SessionInfo {
	f.mu.Lock()
	defer f.mu.Unlock()
	infos := make([]SessionInfo, len(f.sessions))
	for i, s := range f.sessions {
		infos[i] = f.info(s)
	}
	return infos
}

// Session looks up one session by its ID, the sid claim.
func (f *Server) Session(id string) (SessionInfo, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.session(id); s != nil {
		return f.info(s), true
	}
	return SessionInfo{}, false
}

// RevokeSession ends a session as the dashboard does: its next refresh answers invalid_grant, while its access tokens
// keep verifying until they expire. It panics when there is no such session.
func (f *Server) RevokeSession(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.session(id)
	if s == nil {
		panic(fmt.Sprintf("authkittest: no session %q", id))
	}
	s.end(f.clock.Now())
}

// openSession starts a session for somebody who has signed in.
func (f *Server) openSession(result signInResult, confidential bool) *session {
	now := f.clock.Now()
	user := f.accountByID(result.userID)
	s := &session{signInResult: result, id: newID("session"), email: user.Email, confidential: confidential, createdAt: now}
	f.sessions = append(f.sessions, s)
	if result.impersonator == nil {
		user.lastSignInAt = now
	}
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

func (s *session) expiresAt() time.Time { return s.createdAt.Add(sessionLifetime) }

// active tells whether the session can still be refreshed.
func (s *session) active(now time.Time) bool { return s.endedAt.IsZero() && now.Before(s.expiresAt()) }

func (s *session) end(now time.Time) {
	if s.endedAt.IsZero() {
		s.endedAt = now
	}
}
