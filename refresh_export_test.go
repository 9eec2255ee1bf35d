package authkit

import "github.com/authkit-go/authkit/internal/expiring"

// OnRefreshStep has f called between the steps of a request and of an exchange.
func OnRefreshStep(a *AuthKit, f func(step string)) { a.refreshes.step = f }

// DropOutcomes forgets what exchanges came to, as a full memory does, and with
// successors which refresh token each was exchanged for.
func DropOutcomes(a *AuthKit, successors bool) {
	f := a.refreshes
	f.renewals = expiring.New[*renewal](f.clock.Now, renewalLimit)
	if successors {
		f.successors = expiring.New[string](f.clock.Now, markLimit)
	}
}
