// Access to the rotations of an AuthKit, for tests outside this package.

package authkit

import "github.com/authkit-go/authkit/internal/expiring"

// OnRefreshStep sets the function that is called at each step of a request and of
// an exchange.
func OnRefreshStep(a *AuthKit, f func(step string)) { a.rotations.step = f }

// DropOutcomes forgets all outcomes, as if they were evicted. With successors, it
// also forgets which refresh token each one was exchanged for.
func DropOutcomes(a *AuthKit, successors bool) {
	r := a.rotations
	r.outcomes = expiring.New[*outcome](r.clock.Now, outcomeLimit)
	if successors {
		r.successors = expiring.New[string](r.clock.Now, tokenLimit)
	}
}
