// What the tests need of a KeySet's inside.

package jwks

// WaitForFetch waits for the fetch that is running now, if any.
func (s *KeySet) WaitForFetch() {
	s.mu.Lock()
	running := s.running
	s.mu.Unlock()
	if running != nil {
		<-running.done
	}
}
