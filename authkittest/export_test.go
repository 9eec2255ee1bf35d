// What the tests see of the fake's inside.

package authkittest

import (
	"crypto/rsa"
	"maps"
	"net/http"
	"slices"
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
	return privateKey(n, isTest)
}
