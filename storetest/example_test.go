// How the author of a store runs the suite.

package storetest_test

import (
	"testing"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/storetest"
)

// A store on a real engine calls Run in a test of its own. Here the engine is a store in memory. Each case of the suite gets
// empty keys and an empty log: a new MemoryStore here, a new prefix or a new table on a real engine.
func ExampleRun() {
	var t *testing.T // the argument of func TestStore(t *testing.T)

	storetest.Run(t, func(t *testing.T) storetest.Harness {
		engine := authkittest.NewMemoryStore(realTime{})
		return storetest.Harness{
			Connect: func(t *testing.T) authkit.Store {
				return engine // an adapter connects here, and disconnects in t.Cleanup
			},
			Flush: func(t *testing.T) {
				engine.Flush() // an adapter sends FLUSHDB or TRUNCATE
			},
		}
	})
}
