// What the tests need of the inside of a KeySet and of the decoder of claims.

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

// ReusedTexts returns the texts that are in the buffer of decodeClaims which the next call is likely to use. The function decode
// is called while that buffer is at hand.
func ReusedTexts(decode func()) (texts []string) {
	buffer := memberBuffers.Get().(*[usualMembers]member)
	memberBuffers.Put(buffer)
	decode()
	for _, m := range buffer {
		texts = append(texts, m.name, m.value)
	}
	return texts
}
