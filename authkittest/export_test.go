// What the tests see of the fake's inside.

package authkittest

import (
	"crypto/rsa"
	"maps"
	"net/http"
	"slices"

	"github.com/authkit-go/authkit/internal/testkey"
)

// HasFault reports whether a route has a fault.
func (f *Server) HasFault() bool {
	f.traffic.mu.Lock()
	defer f.traffic.mu.Unlock()
	for _, route := range f.traffic.routes {
		if route.fault != nil {
			return true
		}
	}
	return false
}

// Wrap replaces the handler of all requests. It must be called before the first request.
func (f *Server) Wrap(wrap func(http.Handler) http.Handler) {
	f.server.Handler = wrap(f.server.Handler)
}

// EventTypes returns all types of events that the list of events accepts.
func EventTypes() []string { return slices.Sorted(maps.Keys(eventTypes)) }

// PrivateKey returns the private key of the n-th key pair of a program, and whether it was generated.
func PrivateKey(n int, isTest bool) (private *rsa.PrivateKey, generated bool) {
	signer, generated := newSigner(n, isTest)
	if k, ofTests := signer.(*testkey.Key); ofTests {
		return k.PrivateKey, generated
	}
	return signer.(*rsa.PrivateKey), generated
}

// FindTag returns where the first tag or comment of a document begins, where the name of the tag ends, and where the tag ends.
func FindTag(document string) (from, name, to int) { return findTag(document) }

// WithoutTags returns a document without its tags and comments.
func WithoutTags(document string) string { return withoutTags(document) }

// TagPattern matches a comment or a tag.
var TagPattern = tagPattern

// IsStill reports whether the clock of AdvanceWhile moves after all sleeps without a change. If long is true, they took as long
// as the clock waits for goroutines that run.
func IsStill(long bool) bool {
	if long {
		return isStill(stillTurns, busyTime, false)
	}
	return isStill(stillTurns, 0, false)
}
