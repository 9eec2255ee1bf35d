// Access to the steps of Follow and Webhook, for tests outside this package.

package authkit

import "time"

// OnEventStep sets the function that is called at each step of Follow and Webhook.
func OnEventStep(a *AuthKit, f func(step string)) { a.events.step = f }

// EventPause returns how long Follow waits until it reads the list of events again.
var EventPause = eventPause

// SawLifetime records the lifetime of an access token, as if one was verified.
func SawLifetime(a *AuthKit, lifetime time.Duration) {
	a.lifetimes.longestSeen.Store(int64(lifetime))
}
