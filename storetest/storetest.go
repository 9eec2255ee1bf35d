// Package storetest is the suite of tests that every [authkit.Store] must pass. Call [Run] in a test of the implementation,
// against a real engine:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) storetest.Harness {
//			prefix := rand.Text() // so that tests share no keys and no log
//			return storetest.Harness{Connect: func(t *testing.T) authkit.Store {
//				client := dial(t) // a client with connections of its own
//				t.Cleanup(client.Close)
//				return mystore.New(client, prefix)
//			}}
//		})
//	}
//
// The suite runs in real time, because an engine has a clock of its own. It never requires that something is fast: it
// compares what an engine answers with the times just before and just after the call. A store that passes needs about
// 25 seconds.
package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/authkit-go/authkit"
)

// Harness is the store under test. Connect is required. The other fields are optional: if one is nil, the cases that need it
// are skipped, and say so.
type Harness struct {
	// Connect returns a new client of the store, with connections of its own. All clients of a Harness share their keys
	// and their log. At first both are empty. The suite calls Connect up to four times in a case. It uses each client
	// from up to 20 goroutines, of which three may be in Follow. t.Cleanup closes a client.
	Connect func(t *testing.T) authkit.Store

	// ShortLog returns a client whose log keeps notices for retention, which is a second. The log is empty, and the clients
	// of Connect need not share it.
	ShortLog func(t *testing.T, retention time.Duration) authkit.Store

	// Break cuts all connections of all clients, as a fault of the network does. It may take time until a client has new
	// ones. The engine keeps its data.
	Break func(t *testing.T)

	// Freeze makes the engine stop answering, while connections stay open, as SIGSTOP does. thaw makes it continue. The
	// suite calls thaw once, before the case ends.
	Freeze func(t *testing.T) (thaw func())

	// Flush empties the engine: all values and notices are gone.
	Flush func(t *testing.T)

	// Restart stops the engine and starts it again, at the same address. It may keep the data or lose them.
	Restart func(t *testing.T)

	// Patience is how long the suite waits for what must happen before it fails. The default is 30 seconds. Follow has
	// 15 seconds to report a broken link, so a shorter one needs a reason.
	Patience time.Duration
}

// Run runs the suite against the store that open returns. It calls open once for each case. The cases run one after the
// other. A call that fails without a reason fails its case.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for _, test := range allTests() {
		t.Run(test.name, func(t *testing.T) { test.run(newCase(t, open(t))) })
	}
}

func allTests() []test {
	return slices.Concat(valueTests, expiryTests, raceTests, contextTests, logTests, outageTests)
}

type test struct {
	name string
	run  func(*testCase)
}
