// Steady sessions: cached sessions about which time alone changes nothing for a while.
//
// At most requests with a cached session, no check can have another result than at the
// request before: the token has not reached its expiry, the session no limit and no time of
// its refresh, and the signing keys are the same and fresh. Each of these checks compares
// the time with a time that is known in advance. So the earliest of them is computed once, and
// a request compares the clock with it. Past that time, before the token was issued (the
// clock was set back), and with other keys, all checks are made again.
//
// Marks of sign-outs and changes have no time in advance. The epoch tells about them
// (signedout.go), and it is compared at every request. So is the age of the log of the store.

package authkit

import (
	"time"

	"github.com/authkit-go/authkit/jwks"
)

// refreshAhead is how long before its expiry an access token is refreshed. A
// token with a short lifetime is refreshed a fifth of its lifetime before.
const refreshAhead = time.Minute

// isSteady reports whether the checks of limits, expiry and signing key would pass now for a
// cached session, and whether needsRefresh would be false.
func (a *AuthKit) isSteady(s *Session) bool {
	steady := s.steady.Load()
	return steady != nil && steady.Covers(a.clock.Now())
}

// noteSteady records for how long a session is steady, if it is steady now.
func (a *AuthKit) noteSteady(s *Session, validity jwks.Validity) {
	if validity.Covers(a.clock.Now()) {
		kept := validity // the parameter would be allocated at each call
		s.steady.Store(&kept)
	}
}

// steadyUntil returns when the age of a session matters next: at its refresh (needsRefresh),
// or at a limit of this application (checkLimits).
func (a *AuthKit) steadyUntil(s *Session) time.Time {
	ahead := refreshedAhead(s)
	until := later(s.RefreshedAt().Add(ahead), s.ExpiresAt().Add(-ahead))
	if a.idleTimeout > 0 {
		until = earliest(until, s.RefreshedAt().Add(a.idleTimeout/2))
	}
	if a.absoluteTimeout > 0 {
		until = earliest(until, s.SignedInAt().Add(a.absoluteTimeout))
	}
	return until
}

// refreshedAhead returns how long before its expiry the access token of a session is
// refreshed.
func refreshedAhead(s *Session) time.Duration {
	issuedAt := s.IssuedAt()
	if issuedAt.IsZero() {
		issuedAt = s.RefreshedAt()
	}
	return max(0, min(refreshAhead, s.ExpiresAt().Sub(issuedAt)/5))
}
