// Cases: what Follow does when the link breaks or the engine fails.

package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
)

var outageTests = []test{
	{"a link that breaks leaves no gap", brokenLink},
	{"a Follow does not call caughtUp while the engine is frozen", frozenFollow},
	{"a Follow reports that the log was emptied", flushedLog},
	{"a restart of the engine leaves no gap", restartedEngine},
}

// needs skips the case if a field of Harness is nil.
func (c *testCase) needs(field string, has bool) {
	c.Helper()
	if !has {
		c.Skipf("left out: Harness.%s is nil", field)
	}
}

// freeze stops the engine, until thaw is called or the case ends.
func (c *testCase) freeze() (thaw func()) {
	thaw = sync.OnceFunc(c.Freeze(c.T))
	c.Cleanup(thaw)
	return thaw
}

// tenacious follows a log, and calls Follow again each time that it has returned, as an instance does.
type tenacious struct {
	c *testCase

	mu     sync.Mutex
	follow []*follower // one for each call of Follow, the last one runs
}

func (c *testCase) followAgain(store authkit.Store) *tenacious {
	t := &tenacious{c: c}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.follow = []*follower{c.follow(store)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for pause := time.NewTicker(20 * time.Millisecond); ; <-pause.C {
			<-t.last().ended
			if c.ctx.Err() != nil {
				return
			}
			t.mu.Lock()
			t.follow = append(t.follow, c.follow(store))
			t.mu.Unlock()
		}
	}()
	c.Cleanup(func() {
		select {
		case <-done:
		case <-time.After(c.Patience): // the follower reports it
		}
	})
	return t
}

// last returns the follower that runs.
func (t *tenacious) last() *follower {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.follow[len(t.follow)-1]
}

// all returns the followers, the oldest first.
func (t *tenacious) all() []*follower {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.follow)
}

// awaitNotice waits until the follower that runs has got a notice.
func (t *tenacious) awaitNotice(notice string) {
	t.c.Helper()
	t.c.poll("Follow, or a new one, passes the notice "+notice, func() bool {
		return slices.Contains(t.last().notices(), notice)
	})
}

// appendSurely appends a notice until an Append succeeds, each time with another text. It returns the last one.
func (c *testCase) appendSurely(store authkit.Store, notice string) (added string) {
	c.Helper()
	try := 0
	c.retry("Append succeeds again", func(ctx context.Context) error {
		try++
		added = fmt.Sprintf("%s, try %d", notice, try)
		return store.Append(ctx, []byte(added))
	})
	return added
}

// readAgain returns the whole log, after a fault.
func (c *testCase) readAgain(store authkit.Store) (log []string) {
	c.Helper()
	var f *follower
	c.poll("a new Follow calls caughtUp", func() bool {
		if f == nil {
			f = c.follow(store)
		}
		select {
		case <-f.ended:
			f = nil
			return false
		default:
			return len(f.ends()) > 0
		}
	})
	f.cancel()
	f.awaitEnd("Follow returns when its context ends")
	return f.beforeFirstEnd()
}

// awaitLog waits until the follower that runs has passed the whole log, which ends with a notice.
func (t *tenacious) awaitLog(store authkit.Store, last string) {
	t.c.Helper()
	t.awaitNotice(last)
	t.c.poll("the Follow that runs has passed the whole log and nothing else", func() bool {
		return slices.Equal(t.last().notices(), t.c.readAgain(store))
	})
}

// brokenLink cuts the connections while notices are appended. What each Follow has passed must be the beginning of the log,
// without a gap.
func brokenLink(c *testCase) {
	c.needs("Break", c.Break != nil)
	writer, reader := c.connect(), c.connect()
	live := c.followAgain(reader)
	live.last().awaitEnds(1)
	var added []string
	for i := range 60 {
		if i%20 == 10 {
			var cut sync.WaitGroup
			cut.Go(func() { c.Break(c.T) })
			added = append(added, c.appendSurely(writer, fmt.Sprint("during ", i)))
			cut.Wait()
		}
		added = append(added, c.appendSurely(writer, fmt.Sprint(i)))
	}
	live.awaitNotice(added[len(added)-1])

	c.Break(c.T) // and once more while nothing is appended
	quiet := c.appendSurely(writer, "quiet")
	added = append(added, quiet)
	live.awaitNotice(quiet)

	var passed [][]string
	for _, f := range live.all() {
		passed = append(passed, f.notices())
	}
	log := c.readAgain(writer)
	inLog := map[string]int{}
	for _, notice := range log {
		inLog[notice]++
		assert.Equal(c, 1, inLog[notice], "%q is in the log twice", notice)
	}
	for _, notice := range added {
		assert.Contains(c, inLog, notice, "Append succeeded")
	}
	for i, notices := range passed {
		c.same(log[:min(len(notices), len(log))], notices, "call %d of Follow, compared with the beginning of the log", i)
	}
	set := c.put(writer, "k", "one", long)
	c.has(reader, "k", "one", set.span, long)
}

// frozenFollow waits for longer than Follow may wait with a call of caughtUp. One call may be under way when the engine stops.
func frozenFollow(c *testCase) {
	c.needs("Freeze", c.Freeze != nil)
	writer, reader := c.connect(), c.connect()
	c.append(writer, "before")
	f := c.followAgain(reader)
	f.last().awaitEnds(2)

	thaw := c.freeze()
	begin := time.Now()
	frozen := func() (ends int) {
		for _, f := range f.all() {
			for _, at := range f.ends() {
				if at.After(begin) {
					ends++
				}
			}
		}
		return ends
	}
	c.poll(times.frozen.String()+" pass", func() bool {
		require.LessOrEqual(c, frozen(), 1, "calls of caughtUp while the engine does not answer")
		return time.Since(begin) > times.frozen
	})
	thaw()
	after := c.appendSurely(writer, "after")
	f.awaitLog(writer, after)
	assert.Equal(c, "before", f.last().notices()[0])
}

// flushedLog empties the engine. Follow must find that out whether the log is then shorter, as long or longer than before.
func flushedLog(c *testCase) {
	c.needs("Flush", c.Flush != nil)
	writer, reader := c.connect(), c.connect()
	for _, after := range []int{0, 1, 3, 5} {
		for i := range 3 {
			c.appendSurely(writer, fmt.Sprint("before ", i))
		}
		c.retry("Swap succeeds", func(ctx context.Context) error {
			_, _, _, err := writer.Swap(ctx, "k", nil, []byte("one"), long)
			return err
		})
		f := c.follow(reader)
		f.awaitNotices(3)
		f.awaitEnds(1)

		c.Flush(c.T)
		added := []string{}
		for i := range after {
			added = append(added, c.appendSurely(writer, fmt.Sprint("after ", i)))
		}
		f.awaitEnd(fmt.Sprintf("Follow returns an error when the log was emptied and %d notices followed", after))
		log := c.readAgain(reader)
		assert.Subset(c, log, added, "the notices since the log was emptied")
		for _, notice := range log {
			assert.Contains(c, notice, "after", "a notice from before the log was emptied")
		}
		c.retry("Get succeeds", func(ctx context.Context) error {
			_, _, found, err := reader.Get(ctx, "k")
			if err == nil {
				assert.False(c, found, "a value from before the engine was emptied")
			}
			return err
		})
		c.Flush(c.T)
	}
}

// restartedEngine does not know whether the engine keeps its log. Either the Follow that ran before has returned, or it has
// passed the whole log and nothing else.
func restartedEngine(c *testCase) {
	c.needs("Restart", c.Restart != nil)
	writer, reader := c.connect(), c.connect()
	c.append(writer, "before 0", "before 1", "before 2")
	live := c.followAgain(reader)
	live.last().awaitNotices(3)

	c.Restart(c.T)
	for i := range 3 {
		c.appendSurely(writer, fmt.Sprint("after ", i))
	}
	last := c.appendSurely(writer, "last")
	live.awaitLog(writer, last)
	c.retry("Swap succeeds again", func(ctx context.Context) error {
		_, _, _, err := writer.Swap(ctx, "k", nil, []byte("one"), long)
		return err
	})
	set := c.swap(reader, "k", nil, []byte("one"), long)
	require.True(c, set.ok)
	c.has(writer, "k", "one", set.span, long)
}
