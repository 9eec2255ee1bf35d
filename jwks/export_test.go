// What the tests need of a KeySet's inside.

package jwks

// WaitForFetch waits until the last fetch that was started has ended and has logged its result.
func (s *KeySet) WaitForFetch() {
	s.mu.Lock()
	latest := s.latest
	s.mu.Unlock()
	if latest != nil {
		<-latest.done
	}
}
