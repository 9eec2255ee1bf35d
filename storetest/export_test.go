// What the tests of the suite change in it.

package storetest

import "time"

// Hasten makes the suite wait pace times less for what a store does by itself.
func Hasten(pace time.Duration) {
	times.caughtUp /= pace
	times.frozen /= pace
	times.retention /= pace
}
