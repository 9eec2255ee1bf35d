package jwks

// WaitForFetch returns when no fetch is running that was when it was called.
func (s *KeySet) WaitForFetch() {
	s.mu.Lock()
	running := s.running
	s.mu.Unlock()
	if running != nil {
		<-running.done
	}
}
