// Access of the external tests to what makes a request cheap.

package authkit

// IsSteady reports whether a request with a cached session compares the clock only.
func IsSteady(a *AuthKit, s *Session) bool { return a.isSteady(s) }
