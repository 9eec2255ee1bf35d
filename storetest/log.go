// Cases: the log of notices and its followers.

package storetest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
)

var logTests = []test{
	{"a Follow of an empty log calls caughtUp", emptyLog},
	{"a Follow passes the backlog, calls caughtUp and passes new notices", backlogFirst},
	{"a Follow calls caughtUp every two seconds", caughtUpAgain},
	{"a call of caughtUp comes after all notices up to then", caughtUpAfterNotices},
	{"a notice may contain every byte and have 1 KiB", everyNotice},
	{"equal notices are different entries", equalNotices},
	{"a notice is not changed after it was passed", ownNotices},
	{"no notice is lost or doubled while eight goroutines append", manyAppenders},
	{"one client may follow twice", followTwice},
	{"a notice leaves the log after the retention", retention},
}

func emptyLog(c *testCase) {
	f := c.follow(c.connect())
	f.awaitEnds(1)
	assert.Empty(c, f.notices())
}

func backlogFirst(c *testCase) {
	one, two := c.connect(), c.connect()
	var want []string
	add := func(n int) {
		for range n {
			notice := fmt.Sprint("notice ", len(want))
			want = append(want, notice)
			c.append(one, notice)
			one, two = two, one // each Append has returned before the other client begins the next one
		}
	}
	add(25)
	f := c.follow(c.connect())
	f.awaitEnds(1)
	assert.Equal(c, want, f.beforeFirstEnd(), "the backlog, before the first call of caughtUp")
	add(25)
	f.awaitNotices(len(want))
	awaitRead(f)
	assert.Equal(c, want, f.notices())
	assert.Equal(c, want, c.backlog(one), "the backlog of a later Follow")
	for i, made := range f.recorded() {
		if i == len(want) {
			break
		}
		assert.False(c, made.caughtUp && i < 25, "caughtUp before the end of the backlog")
	}
}

// caughtUpAgain accepts the shortest of three pauses: a slow machine makes a pause longer, and never shorter.
func caughtUpAgain(c *testCase) {
	f := c.follow(c.connect())
	f.awaitEnds(4)
	shortest := time.Hour
	ends := f.ends()
	for i := 1; i < 4; i++ {
		shortest = min(shortest, ends[i].Sub(ends[i-1]))
	}
	assert.LessOrEqual(c, shortest, times.caughtUp+accuracy, "the pause between two calls of caughtUp")
}

func caughtUpAfterNotices(c *testCase) {
	writer := c.connect()
	f := c.follow(c.connect())
	for i := range 2 {
		c.append(writer, fmt.Sprint(i))
		before := len(f.ends())
		f.awaitEnds(before + 2)
		// The second call belongs to a read of the log that began after Append had returned.
		seen, ends := 0, 0
		for _, made := range f.recorded() {
			if ends == before+2 {
				break
			}
			if made.caughtUp {
				ends++
			} else {
				seen++
			}
		}
		assert.Equal(c, i+1, seen, "the notices that were passed before caughtUp")
	}
}

func everyNotice(c *testCase) {
	store := c.connect()
	live := c.follow(c.connect())
	var want []string
	for b := range 256 {
		want = append(want, string([]byte{byte(b)}), string([]byte{'a', byte(b), 'b'}))
	}
	want = append(want, string(randomBytes(1<<10)), strings.Repeat("\x00", 1<<10), "NULL", `\x00`, "%s", "'")
	c.append(store, want...)
	c.same(want, c.backlog(store))
	live.awaitNotices(len(want))
	c.same(want, live.notices())
}

func equalNotices(c *testCase) {
	store := c.connect()
	live := c.follow(c.connect())
	c.append(store, "same", "same", "other", "same")
	want := []string{"same", "same", "other", "same"}
	c.same(want, c.backlog(store))
	live.awaitNotices(len(want))
	c.same(want, live.notices())
}

// ownNotices writes into the notice that it appends and into those that it gets. Every follower also compares what it got
// with its slices when the case ends.
func ownNotices(c *testCase) {
	store := c.connect()
	notice := []byte("one")
	require.NoError(c, store.Append(c.ctx, notice))
	copy(notice, "xxx")
	assert.Equal(c, []string{"one"}, c.backlog(store))

	first := make(chan struct{})
	var once sync.Once
	go func() {
		_ = store.Follow(c.ctx, func(notice []byte) { copy(notice, "xxx") }, func() { once.Do(func() { close(first) }) })
	}()
	c.poll("Follow calls caughtUp", func() bool {
		select {
		case <-first:
			return true
		default:
			return false
		}
	})
	later := c.follow(store)
	c.append(store, "two", "three")
	later.awaitNotices(3)
	assert.Equal(c, []string{"one", "two", "three"}, later.notices())
	assert.Equal(c, []string{"one", "two", "three"}, c.backlog(store))
}

// manyAppenders has followers that start when a random number of notices is in the log.
func manyAppenders(c *testCase) {
	const appenders, each = 8, 40
	stores := []authkit.Store{c.connect(), c.connect(), c.connect(), c.connect()}
	var appended atomic.Int32
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range appenders {
		all.Go(func() {
			<-start
			for n := range each {
				if !assert.NoError(c, stores[i%len(stores)].Append(c.ctx, fmt.Appendf(nil, "%d:%d", i, n))) {
					return
				}
				appended.Add(1)
			}
		})
	}
	followers := []*follower{c.follow(stores[0])}
	close(start)
	for i := range 2 {
		from := rand.Int32N(appenders * each)
		c.poll("the goroutines append", func() bool { return appended.Load() >= from })
		followers = append(followers, c.follow(stores[i+1]))
	}
	all.Wait()
	awaitRead(followers...) // now each must have passed all
	want := c.backlog(stores[3])
	require.Len(c, want, appenders*each, "the notices in the log")
	next := map[string]int{}
	for _, notice := range want {
		from, number, _ := strings.Cut(notice, ":")
		require.Equal(c, fmt.Sprint(next[from]), number, "the next notice of goroutine %s", from)
		next[from]++
	}
	for i, f := range followers {
		c.same(want, f.notices(), "follower %d, compared with a later one", i)
	}
}

func followTwice(c *testCase) {
	store := c.connect()
	one, two := c.follow(store), c.follow(store)
	one.awaitEnds(1)
	two.awaitEnds(1)
	c.append(store, "a", "b")
	one.awaitNotices(2)
	two.awaitNotices(2)
	one.cancel()
	one.awaitEnd("Follow returns when its context ends")
	c.append(store, "c")
	two.awaitNotices(3)
	assert.Equal(c, []string{"a", "b", "c"}, two.notices())
	assert.Equal(c, []string{"a", "b"}, one.notices())
}

// retention appends a notice and then others until the first one has left the log. The newest one must still be there.
func retention(c *testCase) {
	kept := times.retention
	c.needs("ShortLog", c.ShortLog != nil)
	store := c.ShortLog(c.T, kept)
	live := c.followAgain(store)
	begin := time.Now()
	c.append(store, "first")
	for i := 0; ; i++ {
		newest := fmt.Sprint("notice ", i)
		sent := time.Now()
		c.append(store, newest)
		log := c.backlog(store)
		if time.Since(sent) < kept {
			require.Contains(c, log, newest, "a notice that is younger than the retention")
		}
		if len(log) == 0 || log[0] != "first" {
			assert.GreaterOrEqual(c, time.Since(begin), kept-accuracy, "the notice left the log too early")
			break
		}
		require.Less(c, time.Since(begin), kept+c.Patience, "the notice is still in the log after its retention")
	}
	c.append(store, "last")
	live.awaitNotice("last")
}
