//go:build linux

// Bursts: a fraction of a millisecond of requests, on all threads at the same time. Many of them pass between two switches
// of the kernel to another program, also on a busy machine.

package main

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/authkit-go/authkit/bench/compare/order"
)

// collectAfter is the number of bursts between two garbage collections.
const collectAfter = 50

// A burst is undisturbed if its thread had the processor for all but this share of the time, and if the bursts of all threads
// were under way together for all but that share.
const (
	lost  = 0.03
	apart = 0.10
)

// unused is how many clients there are for one that is used.
const unused = 64

// burst is what one thread has measured.
type burst struct {
	began, ended time.Time
	cpu          time.Duration
}

// sendBursts returns the bursts of each thread.
func sendBursts(o order.Order, newClient func() func(int) error) ([][]burst, error) {
	allowed, err := processors(o.Processors)
	if err != nil {
		return nil, err
	}
	bursts, failures := make([][]burst, o.Processors), make([]error, o.Processors)
	var begun, ended, next barrier
	var all sync.WaitGroup
	for i := range o.Processors {
		all.Go(func() {
			runtime.LockOSThread() // the thread ends with the goroutine
			failures[i] = pin(allowed[i])
			// Clients are small objects. Between two that are used there are unused ones, so that no two threads write to one
			// cache line.
			clients := make([]func(int) error, unused)
			for j := range clients {
				clients[j] = newClient()
			}
			defer runtime.KeepAlive(clients)
			send := clients[unused/2]
			for number := range o.Bursts {
				begun.arrive()
				begun.spin((number + 1) * o.Processors)
				one := burst{began: time.Now(), cpu: -threadTime()}
				failures[i] = errors.Join(failures[i], send(o.Requests))
				one.cpu += threadTime()
				one.ended = time.Now()
				bursts[i] = append(bursts[i], one)
				ended.arrive()
				ended.wait((number + 1) * o.Processors)
				if i == 0 {
					if number%collectAfter == collectAfter-1 {
						runtime.GC()
					}
					next.arrive()
				}
				next.wait(number + 1)
			}
		})
	}
	all.Wait()
	return bursts, errors.Join(failures...)
}

// barrier counts arrivals.
type barrier struct{ arrived atomic.Int64 }

func (b *barrier) arrive() { b.arrived.Add(1) }

// spin waits for that many arrivals. It keeps the processor.
func (b *barrier) spin(arrivals int) {
	for b.arrived.Load() < int64(arrivals) {
	}
}

// wait waits for that many arrivals and leaves the processor to others.
func (b *barrier) wait(arrivals int) {
	for b.arrived.Load() < int64(arrivals) {
		time.Sleep(50 * time.Microsecond)
	}
}

// undisturbed returns the CPU time of a request in each undisturbed burst.
func undisturbed(bursts [][]burst, requests int) []float64 {
	nanoseconds := []float64{}
	for number := range bursts[0] {
		lastBegan, firstEnded := bursts[0][number].began, bursts[0][number].ended
		for _, thread := range bursts {
			if thread[number].began.After(lastBegan) {
				lastBegan = thread[number].began
			}
			if thread[number].ended.Before(firstEnded) {
				firstEnded = thread[number].ended
			}
		}
		together, cpu, ok := firstEnded.Sub(lastBegan), time.Duration(0), true
		for _, thread := range bursts {
			took := thread[number].ended.Sub(thread[number].began)
			ok = ok && float64(thread[number].cpu) >= (1-lost)*float64(took) && float64(together) >= (1-apart)*float64(took)
			cpu += thread[number].cpu
		}
		if ok {
			nanoseconds = append(nanoseconds, float64(cpu)/float64(requests*len(bursts)))
		}
	}
	return nanoseconds
}

// total returns the CPU time of all bursts.
func total(bursts [][]burst) (cpu time.Duration) {
	for _, thread := range bursts {
		for _, one := range thread {
			cpu += one.cpu
		}
	}
	return cpu
}

// processors returns that many processors that this process may use.
func processors(n int) (found []int, err error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("read which processors can be used: %w", err)
	}
	for i := 0; len(found) < n; i++ {
		if i == len(set)*64 {
			return nil, fmt.Errorf("%d processors are needed and %d can be used", n, len(found))
		}
		if set.IsSet(i) {
			found = append(found, i)
		}
	}
	return found, nil
}

// pin keeps this thread on a processor.
func pin(processor int) error {
	var set unix.CPUSet
	set.Set(processor)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("pin a thread to processor %d: %w", processor, err)
	}
	return nil
}

// threadTime returns the time that this thread has used the processor. Getrusage leaves out the time since the last tick of
// the kernel, which is longer than a burst.
func threadTime() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &now); err != nil {
		panic(fmt.Sprintf("requests: read the CPU time: %v", err)) // Linux has this clock
	}
	return time.Duration(now.Nano())
}
