// What the tests of the suite change in it.

package storetest

import (
	"testing"
	"testing/synctest"
	"time"
)

// RunInBubbles is Run with each case in a bubble of package synctest, where no time passes. The store must be in memory.
func RunInBubbles(t *testing.T, open func(t *testing.T) Harness) {
	for _, test := range allTests() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test.run(newCase(t, open(t))) })
		})
	}
}

// RunInBubble is RunInBubbles with one case. It fails if there is no such case.
func RunInBubble(t *testing.T, name string, open func(t *testing.T) Harness) {
	for _, test := range allTests() {
		if test.name == name {
			t.Run(test.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { test.run(newCase(t, open(t))) })
			})
			return
		}
	}
	t.Errorf("the suite has no case %q", name)
}

// Hasten makes the suite wait pace times less for what a store does by itself.
func Hasten(pace time.Duration) {
	times.caughtUp /= pace
	times.frozen /= pace
	times.retention /= pace
}
