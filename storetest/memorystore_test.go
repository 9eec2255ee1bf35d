// The suite against the store in memory.

package storetest_test

import (
	"testing"
	"time"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
	"github.com/authkit-go/authkit/storetest"
)

// pace is how much faster the stores of these tests are, and the suite with them.
var pace = testrun.Length[time.Duration](4, 1)

// TestMain runs up to 64 tests at a time, because they wait for real time, and need little of a processor.
func TestMain(m *testing.M) {
	storetest.Hasten(pace)
	testrun.Parallel(64)
	testrun.Main(m)
}

// realTime is the clock of this machine. Its timers, after which a store calls caughtUp, are faster by pace.
type realTime struct{}

func (realTime) Now() time.Time { return time.Now() }

func (realTime) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return time.AfterFunc(d/pace, f).Stop
}

// inMemory returns a harness of a store in memory, as clients see it that wrap returns.
func inMemory(wrap func(*authkittest.MemoryStore) authkit.Store) storetest.Harness {
	memory := authkittest.NewMemoryStore(realTime{})
	return storetest.Harness{
		Connect: func(*testing.T) authkit.Store { return wrap(memory) },
		ShortLog: func(_ *testing.T, retention time.Duration) authkit.Store {
			return wrap(authkittest.NewMemoryStore(realTime{}, authkittest.WithNoticeRetention(retention)))
		},
		Break: func(*testing.T) {
			memory.SetDown(true)
			memory.SetDown(false)
		},
		Freeze: func(*testing.T) (thaw func()) {
			memory.SetFrozen(true)
			return func() { memory.SetFrozen(false) }
		},
		Flush: func(*testing.T) { memory.Flush() },
		Restart: func(*testing.T) {
			memory.SetDown(true)
			memory.Flush()
			memory.SetDown(false)
		},
	}
}

func TestTheMemoryStorePassesTheSuite(t *testing.T) {
	t.Parallel()
	storetest.RunInBubbles(t, func(*testing.T) storetest.Harness {
		return inMemory(func(m *authkittest.MemoryStore) authkit.Store { return m })
	})
}
