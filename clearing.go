// Which response may still expire the cookie of a session that WorkOS has ended.

package authkit

// counts are what a response that may expire a cookie has to know of the others.
type counts struct {
	clearings uint64 // responses that expired the cookie of an ended session
	signIns   uint64
}

// soFar is what happened so far.
func (f *refreshes) soFar() counts {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.so
}

// noteSignIn counts a sign-in.
func (f *refreshes) noteSignIn() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.so.signIns++
}

// clear asks whether a response may expire the cookie of a session that WorkOS
// has ended, and notes that it does. It may not where the session was
// superseded, or where the browser may hold a new session by now: another response
// has expired the cookie since the request began, or expired it before and there
// was a sign-in since. since is what soFar was when the request began, and own the
// number that an earlier call returned to the same response, or 0. The number
// returned is 0 if the response may not.
func (f *refreshes) clear(s *Session, since counts, own uint64) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.mayClear(s, since, own) {
		return 0
	}
	if own == 0 {
		f.so.clearings++
		own = f.so.clearings
	}
	until := f.clock.Now().Add(spentMemory)
	for range longestWay {
		f.spent.put(s.sealed.refreshToken, fate{cleared: own}, until)
		next, ok := f.after(s)
		if !ok {
			break
		}
		s = next
	}
	return own
}

// mayClear is the question of clear. The caller holds mu.
func (f *refreshes) mayClear(s *Session, since counts, own uint64) bool {
	for range longestWay {
		before, _ := f.spent.get(s.sealed.refreshToken)
		byAnother := before.cleared != 0 && before.cleared != own
		if before.replaced || byAnother && (before.cleared > since.clearings || f.so.signIns > since.signIns) {
			return false
		}
		next, ok := f.after(s)
		if !ok {
			break
		}
		s = next
	}
	return true
}
