// AdvanceWhile, and how a FakeClock finds out that everything waits for it.
//
// Go cannot tell whether another goroutine waits for a timer or works. So the clock observes what happens: timers that are
// started or stopped, calls that the fake answers, requests that begin or end. If nothing happens during some short sleeps,
// everything waits. The number of sleeps counts and not their length: on a busy machine, a sleep takes longer, and the
// goroutines that can run do so before it ends. A virtual machine can lose one of its processors for a while. The goroutine on
// it then stands still, and the one of the clock goes on. So the clock also waits until no other goroutine runs. Go tells that
// since 1.26.

package authkittest

import (
	"runtime/metrics"
	"time"
)

const (
	stillSleep = time.Millisecond       // of real time
	stillTurns = 50                     // sleeps without a change after which everything waits, if no other goroutine runs
	busyTime   = 500 * time.Millisecond // without a change, after which the goroutines that run have nothing to do with the clock
	// longestTurn is how much of a sleep counts as busyTime. On a busy processor, a sleep takes 20 ms. If the whole machine has
	// paused, it takes much longer, and the other goroutines did not run either.
	longestTurn = 10 * time.Millisecond

	// dripTurns replaces stillTurns between two bytes of a response that drips, which can be thousands.
	dripTurns = 2

	// advanceLimit is how far AdvanceWhile moves the clock, so that a timer that starts itself again does not move it for ever.
	advanceLimit = 24 * time.Hour
)

// stillness is what a FakeClock observes. FakeClock.mu guards it.
type stillness struct {
	changes uint64 // counts everything that happens
	busy    int    // calls that the fake answers and that do not wait for the clock
}

// AdvanceWhile calls f and returns when f has returned. Until then, it moves the clock to the next timer each time that nothing
// has happened for some milliseconds of real time. So f can send a request that meets a fault, and waits for no real time
// limit:
//
//	fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
//	clock.AdvanceWhile(func() { response, err = client.Get(app + "/account") })
//
// The clock stops when f returns, at latest after a day of its time. If f does other things that take real time, the
// clock moves meanwhile. An application that [Run] starts needs AdvanceWhile only for calls that the test itself makes, for
// example of authkit.AuthKit.EndUser.
func (c *FakeClock) AdvanceWhile(f func()) {
	done, stopped := make(chan struct{}), make(chan struct{})
	end := c.Now().Add(advanceLimit)
	go func() {
		defer close(stopped)
		for c.step(func() bool { return !isClosed(done) && c.now.Before(end) }) {
		}
	}()
	defer func() {
		close(done)
		<-stopped
	}()
	f()
}

func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// step moves the clock to its next timer when everything waits, and calls the timer's function. It returns false when wanted
// does. wanted is called with c.mu held.
func (c *FakeClock) step(wanted func() bool) bool {
	var seen uint64
	var passed time.Duration // since the last change
	for turns := 0; ; turns++ {
		c.mu.Lock()
		if !wanted() {
			c.mu.Unlock()
			return false
		}
		if c.stillness.changes != seen || c.stillness.busy > 0 {
			seen, turns, passed = c.stillness.changes, 0, 0
		}
		if next := c.earliest(); next != nil && isStill(turns, passed, next.drip) && c.moving.TryLock() {
			c.remove(next)
			c.stillness.changes++
			if next.at.After(c.now) {
				c.waits.moved(next.at.Sub(c.now))
				c.now = next.at
			}
			c.mu.Unlock()
			next.f()
			c.moving.Unlock()
			return true
		}
		c.mu.Unlock()
		slept := time.Now()
		time.Sleep(stillSleep)
		passed += min(time.Since(slept), longestTurn)
	}
}

// isStill reports whether everything waits after some sleeps without a change, which took the given time.
func isStill(turns int, passed time.Duration, drip bool) bool {
	if drip && turns >= dripTurns {
		return true
	}
	return turns >= stillTurns && (passed >= busyTime || !othersRun())
}

// othersRun reports whether other goroutines of the process run, or could.
func othersRun() bool {
	const own = 1
	samples := []metrics.Sample{{Name: "/sched/goroutines/running:goroutines"}, {Name: "/sched/goroutines/runnable:goroutines"}}
	metrics.Read(samples)
	active := uint64(0)
	for _, sample := range samples {
		if sample.Value.Kind() == metrics.KindUint64 { // Go 1.25 does not have these metrics
			active += sample.Value.Uint64()
		}
	}
	return active > own
}

// fakeCalls is what a fake tells its clock. A FakeClock implements it, and so does a Clock in which one is embedded.
type fakeCalls interface {
	begin()            // the fake starts to answer a call, or a call no longer waits
	end()              // a call is answered, or starts to wait
	noteFault()        // a call has met a fault, and its caller may wait for the clock
	startWait() func() // a browser waits for the fake; it calls the result when it has its answer
	afterDrip(d time.Duration, f func()) (stop func() bool)
}

func (c *FakeClock) begin() { c.busy(1) }

func (c *FakeClock) end() { c.busy(-1) }

func (c *FakeClock) busy(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stillness.changes++
	c.stillness.busy += n
}

func (c *FakeClock) afterDrip(d time.Duration, f func()) (stop func() bool) {
	return c.afterFunc(d, f, true)
}

// noFakeCalls is told what happens if the clock of a fake is not a FakeClock.
type noFakeCalls struct{ Clock }

func (noFakeCalls) begin()     {}
func (noFakeCalls) end()       {}
func (noFakeCalls) noteFault() {}

func (noFakeCalls) startWait() func() { return func() {} }

func (n noFakeCalls) afterDrip(d time.Duration, f func()) (stop func() bool) {
	return n.AfterFunc(d, f)
}

func fakeCallsOf(clock Clock) fakeCalls {
	if calls, ok := clock.(fakeCalls); ok {
		return calls
	}
	return noFakeCalls{clock}
}
