// A follower of the log that records what Follow calls.

package storetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
)

// follower records the calls of one Follow.
type follower struct {
	c      *testCase
	cancel context.CancelFunc
	ended  chan struct{} // closed when Follow has returned
	err    error         // what it returned; valid after ended
	inCall atomic.Bool

	mu     sync.Mutex
	calls  []call
	slices [][]byte // the notices as Follow passed them
	faults []string
	over   bool // Follow has returned
}

// call is a call of f, or of caughtUp.
type call struct {
	caughtUp bool
	notice   string
	at       time.Time
}

// follow starts a follower, which ends with the case at the latest.
func (c *testCase) follow(store authkit.Store) *follower {
	f := &follower{c: c, ended: make(chan struct{})}
	ctx, cancel := context.WithCancel(c.ctx)
	f.cancel = cancel
	go func() {
		defer close(f.ended)
		f.err = store.Follow(ctx, f.notice, f.caughtUp)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.over = true
	}()
	c.Cleanup(f.finish)
	return f
}

// finish ends Follow and reports what it did wrong.
func (f *follower) finish() {
	f.c.Helper()
	f.cancel()
	select {
	case <-f.ended:
		assert.Error(f.c, f.err, "Follow returned nil")
	case <-time.After(f.c.Patience):
		assert.Fail(f.c, "Follow does not return after its context has ended")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	assert.Empty(f.c, f.faults)
	for i, notice := range f.passed() {
		assert.True(f.c, notice == string(f.slices[i]), "Follow changed a notice after it had passed it")
	}
}

func (f *follower) notice(notice []byte) {
	f.record(call{notice: string(notice)}, notice)
}

func (f *follower) caughtUp() {
	f.record(call{caughtUp: true}, nil)
}

func (f *follower) record(made call, notice []byte) {
	alone := f.inCall.CompareAndSwap(false, true)
	defer f.inCall.Store(false)
	made.at = time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !alone {
		f.faults = append(f.faults, "Follow calls f or caughtUp on two goroutines at a time")
	}
	if f.over {
		f.faults = append(f.faults, "Follow calls f or caughtUp after it has returned")
	}
	f.calls = append(f.calls, made)
	if !made.caughtUp {
		f.slices = append(f.slices, notice)
	}
}

// recorded returns the calls so far.
func (f *follower) recorded() []call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]call(nil), f.calls...)
}

// notices returns the notices so far.
func (f *follower) notices() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.passed()
}

// passed returns the notices so far. The caller has the lock.
func (f *follower) passed() []string {
	notices := []string{}
	for _, made := range f.calls {
		if !made.caughtUp {
			notices = append(notices, made.notice)
		}
	}
	return notices
}

// ends returns the times at which caughtUp was called.
func (f *follower) ends() []time.Time {
	var ends []time.Time
	for _, made := range f.recorded() {
		if made.caughtUp {
			ends = append(ends, made.at)
		}
	}
	return ends
}

// runs fails the case if Follow has returned.
func (f *follower) runs() {
	f.c.Helper()
	select {
	case <-f.ended:
		require.NoError(f.c, f.err, "Follow has returned without a reason")
		require.FailNow(f.c, "Follow has returned without a reason")
	default:
	}
}

// awaitNotices waits until Follow has passed n notices.
func (f *follower) awaitNotices(n int) {
	f.c.Helper()
	f.c.poll("Follow passes each notice", func() bool {
		f.runs()
		return len(f.notices()) >= n
	})
}

// awaitEnds waits until caughtUp was called n times in all.
func (f *follower) awaitEnds(n int) {
	f.c.Helper()
	f.c.poll("Follow calls caughtUp", func() bool {
		f.runs()
		return len(f.ends()) >= n
	})
}

// awaitRead waits until each follower has begun to read the log after now and has read it to its end. The next call of caughtUp
// may belong to a read that has begun before. The one after it does not.
func awaitRead(followers ...*follower) {
	ends := make([]int, len(followers))
	for i, f := range followers {
		ends[i] = len(f.ends())
	}
	for i, f := range followers {
		f.c.Helper()
		f.awaitEnds(ends[i] + 2)
	}
}

// awaitEnd waits until Follow has returned.
func (f *follower) awaitEnd(why string) {
	f.c.Helper()
	f.c.poll(why, func() bool {
		select {
		case <-f.ended:
			return true
		default:
			return false
		}
	})
}

// backlog returns the notices that a new Follow passes before it calls caughtUp.
func (c *testCase) backlog(store authkit.Store) []string {
	c.Helper()
	f := c.follow(store)
	f.awaitEnds(1)
	f.cancel()
	f.awaitEnd("Follow returns when its context ends")
	return f.beforeFirstEnd()
}

// beforeFirstEnd returns the notices before the first call of caughtUp.
func (f *follower) beforeFirstEnd() []string {
	notices := []string{}
	for _, made := range f.recorded() {
		if made.caughtUp {
			break
		}
		notices = append(notices, made.notice)
	}
	return notices
}

// append appends notices, one after the other.
func (c *testCase) append(store authkit.Store, notices ...string) {
	c.Helper()
	for _, notice := range notices {
		require.NoError(c, store.Append(c.ctx, []byte(notice)), "Append")
	}
}

// same fails the case if the notices are not those that are wanted. It prints the first difference only.
func (c *testCase) same(want, notices []string, about ...any) {
	c.Helper()
	for i := range min(len(want), len(notices)) {
		if want[i] != notices[i] {
			require.FailNow(c, fmt.Sprintf("notice %d is %.80q, not %.80q", i, notices[i], want[i]), about...)
		}
	}
	if len(want) != len(notices) {
		require.FailNow(c, fmt.Sprintf("there are %d notices, not %d", len(notices), len(want)), about...)
	}
}
