package authkit

import "github.com/authkit-go/authkit/internal/expiring"

// OnRefreshStep has f called between the steps of a request and of an exchange.
func OnRefreshStep(a *AuthKit, f func(step string)) { a.rotations.step = f }

// DropOutcomes forgets what exchanges came to, as a full memory does, and with
// successors which refresh token each was exchanged for.
func DropOutcomes(a *AuthKit, successors bool) {
	f := a.rotations
	f.outcomes = expiring.New[*outcome](f.clock.Now, outcomeLimit)
	if successors {
		f.successors = expiring.New[string](f.clock.Now, tokenLimit)
	}
}
