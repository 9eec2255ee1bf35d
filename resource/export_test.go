// What the tests see of the Server.

package resource

// Warnings are the lines about mistakes in the set-up.
var Warnings = []string{warnIssuer, warnIndicator, warnAudience, warnHost}

// CachedTokens returns the number of tokens that s remembers.
func (s *Server) CachedTokens() int { return s.verified.Len() }
