// FakeClock.

package authkittest_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/authkittest"
)

func TestFakeClockCallsFunctionsInOrderOfTime(t *testing.T) {
	clock := authkittest.NewFakeClock(start)
	var called []string
	note := func(name string) func() {
		return func() { called = append(called, name+" "+clock.Now().Sub(start).String()) }
	}
	clock.AfterFunc(3*time.Second, note("third"))
	clock.AfterFunc(time.Second, func() {
		note("first")()
		clock.AfterFunc(time.Second, note("started by the first"))
	})
	clock.AfterFunc(2*time.Second, note("second"))
	clock.AfterFunc(9*time.Second, note("never"))
	clock.Advance(5 * time.Second)
	assert.Equal(t, []string{"first 1s", "second 2s", "started by the first 2s", "third 3s"}, called)
	assert.Equal(t, start.Add(5*time.Second), clock.Now())
}

func TestFakeClockStopsAFunctionOnce(t *testing.T) {
	clock := authkittest.NewFakeClock(start)
	called := false
	stop := clock.AfterFunc(time.Second, func() { called = true })
	assert.True(t, stop())
	assert.False(t, stop())
	clock.Advance(time.Minute)
	assert.False(t, called)
}

func TestFakeClockCallsAFunctionWithoutDelayImmediately(t *testing.T) {
	clock := authkittest.NewFakeClock(start)
	called := make(chan struct{})
	stop := clock.AfterFunc(0, func() { close(called) })
	<-called
	assert.False(t, stop())
}

func TestFakeClockSetMovesForwardAndBack(t *testing.T) {
	clock := authkittest.NewFakeClock(start)
	called := 0
	clock.AfterFunc(time.Second, func() { called++ })
	clock.Set(start.Add(-time.Hour))
	assert.Equal(t, start.Add(-time.Hour), clock.Now())
	assert.Zero(t, called)
	clock.Set(start.Add(time.Second))
	assert.Equal(t, 1, called)
}

func TestFakeClockAwaitsTimersOfOtherGoroutines(t *testing.T) {
	clock := authkittest.NewFakeClock(start)
	var called sync.WaitGroup
	for range 10 {
		called.Add(1)
		go clock.AfterFunc(time.Second, called.Done)
	}
	clock.AwaitTimers(10)
	clock.Advance(time.Second)
	called.Wait()
}
