// Clearing: whether a response may clear the cookie of a session that WorkOS has
// ended.
//
// Two responses can be written out of order. If a response clears the cookie
// late, it can delete the session of a new sign-in. A sign-in whose request
// carries the old cookie supersedes the old session, and a superseded session is
// not cleared. But after a first response has cleared the cookie, the request of
// the sign-in does not carry it. The counters cover that case. These orders must
// hold:
//
//  1. A request reads currentCounts before its exchange. A sign-in or a clear
//     after that is then visible as a higher number.
//  2. A sign-in calls countSignIn before its response is written. A response
//     that clears the cookie later then sees the sign-in.
//  3. claimClear decides and records the clear in one step, when the header is
//     written. A second response then sees the clear of the first one.

package authkit

// currentCounts returns the number of clears and of sign-ins so far.
func (r *rotations) currentCounts() counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts
}

// countSignIn counts a sign-in.
func (r *rotations) countSignIn() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts.signIns++
}

// claimClear decides whether a response may clear the cookie of a session that
// WorkOS has ended, and records that it does. It returns the number of the
// clear, or 0 if the response must not clear the cookie.
//
// since is the result of currentCounts when the request began. own is the number
// that an earlier call returned for the same response, or 0.
func (r *rotations) claimClear(s *Session, since counts, own uint64) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.mayClear(s, since, own) {
		return 0
	}
	if own == 0 {
		r.counts.clears++
		own = r.counts.clears
	}
	until := r.clock.Now().Add(consumedLifetime)
	for next := range r.chain(s) {
		r.consumed.Put(next.sealed.RefreshToken, consumption{cleared: own}, until)
	}
	return own
}

// mayClear reports whether a response may clear the cookie. It must not in these
// cases:
//
//   - The session was superseded.
//   - Another response has cleared the cookie since the request began. The
//     browser may have signed in after that.
//   - Another response cleared the cookie before, and there was a sign-in since
//     the request began.
//
// The caller holds mu.
func (r *rotations) mayClear(s *Session, since counts, own uint64) bool {
	for next := range r.chain(s) {
		consumed, _ := r.consumed.Get(next.sealed.RefreshToken)
		byAnother := consumed.cleared != 0 && consumed.cleared != own
		if consumed.replaced || byAnother && (consumed.cleared > since.clears || r.counts.signIns > since.signIns) {
			return false
		}
	}
	return true
}
