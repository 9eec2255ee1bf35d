// Notices that the log has lost: how an instance puts them back.

package replica

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

const (
	// putBackTime is the time within which instances begin to put notices back, so that
	// they skip what others have put back.
	putBackTime = time.Second
	// putBackParallel is how many notices an instance puts back at the same time. With
	// all at once, the store would be too slow for claims and for sign-outs.
	putBackParallel = 4
)

// putBackAll puts notices back until the log has all of them, or until the reading of
// the log ends, which is when ctx ends. Instances put back in different orders, so they
// share the work.
func (l *Log) putBackAll(ctx context.Context, names []string) {
	rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	queue := make(chan string, len(names))
	for _, name := range names {
		queue <- name
	}
	var left atomic.Int64
	left.Store(int64(len(names)))
	for range min(putBackParallel, len(names)) {
		go func() {
			for name := range queue {
				if ctx.Err() == nil && !l.putBack(ctx, name) {
					queue <- name // there is room: it was taken from there
					l.p.wait(ctx, retryEvery)
				} else if left.Add(-1) == 0 {
					close(queue)
				}
			}
		}()
	}
}

// putBack appends a notice, unless the log has it since. It reports false if the store
// has not confirmed it.
func (l *Log) putBack(ctx context.Context, name string) bool {
	l.mu.Lock()
	known, ok := l.known.Get(name)
	lacks := ok && known.seen != l.reading && l.complete
	l.mu.Unlock()
	if !lacks {
		return true
	}
	ctx, cancel := within(ctx, l.p.budgets.Background)
	defer cancel()
	return l.p.link.append(ctx, known.signed) == nil
}
