//go:build linux

// Costs: time, CPU time, and waiting for mutexes.

package main

import (
	"math"
	"runtime"
	"runtime/metrics"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// cost is what one piece of work costs.
type cost struct {
	Time time.Duration // of all, divided by their number
	CPU  time.Duration // of the process, with its garbage collections
	Wait time.Duration // of goroutines for mutexes
}

// work calls a function n times, on that many goroutines. Each goroutine gets a function of its own.
func work(goroutines, n int, client func() func(i int) error) (cost, error) {
	var group errgroup.Group
	begin := make(chan struct{})
	for g := range goroutines {
		do := client()
		group.Go(func() error {
			<-begin
			for i := g; i < n; i += goroutines {
				if err := do(i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	runtime.GC()
	began, cpu, wait := time.Now(), cpuTime(), seconds(mutexWait)
	close(begin)
	err := group.Wait()
	took := time.Since(began)
	return cost{
		Time: took / time.Duration(n),
		CPU:  (cpuTime() - cpu) / time.Duration(n),
		Wait: (seconds(mutexWait) - wait) / time.Duration(n),
	}, err
}

// cpuTime returns the CPU time of the process.
func cpuTime() time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		panic(err) // the arguments are wrong
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// The metrics of the runtime. Its CPU seconds include the time for which another program had the processor, so only their ratios
// are used.
const (
	mutexWait = "/sync/mutex/wait/total:seconds"
	gcCPU     = "/cpu/classes/gc/total:cpu-seconds"
	idleCPU   = "/cpu/classes/idle:cpu-seconds"
	totalCPU  = "/cpu/classes/total:cpu-seconds"
	gcPauses  = "/sched/pauses/total/gc:seconds"
)

// seconds returns a metric that is a number of seconds.
func seconds(name string) time.Duration {
	return time.Duration(read(name).Float64() * float64(time.Second))
}

func read(name string) metrics.Value {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value
}

// collection is what a full garbage collection costs.
type collection struct {
	Time    time.Duration // median
	CPU     time.Duration // median
	Pause   time.Duration // median of the longest pause of each collection
	Longest time.Duration // the longest pause of all collections
}

// collect forces that many collections.
func collect(n int) collection {
	runtime.GC() // of what came before
	var times, cpus, pauses []time.Duration
	for range n {
		before, cpu, began := pauseCounts(), cpuTime(), time.Now() // nothing else runs in this process
		runtime.GC()
		times = append(times, time.Since(began))
		cpus = append(cpus, cpuTime()-cpu)
		pauses = append(pauses, longest(before, read(gcPauses).Float64Histogram()))
	}
	return collection{median(times), median(cpus), median(pauses), slices.Max(pauses)}
}

// pauseCounts returns the numbers of pauses in the buckets of the histogram.
func pauseCounts() []uint64 { return slices.Clone(read(gcPauses).Float64Histogram().Counts) }

// longest returns the upper bound of the longest pause since the counts.
func longest(before []uint64, after *metrics.Float64Histogram) time.Duration {
	for i, count := range slices.Backward(after.Counts) {
		if count == before[i] {
			continue
		}
		bound := after.Buckets[i+1]
		if math.IsInf(bound, 1) {
			bound = after.Buckets[i]
		}
		return time.Duration(bound * float64(time.Second))
	}
	return 0
}

// shareOfCollections calls functions on all processors until that many collections have ended, and returns the share of the
// CPU time that the collections took.
func shareOfCollections(cycles int, client func() func(i int) error) (float64, error) {
	const batch = 1000
	var group errgroup.Group
	runtime.GC()
	end := completed() + uint64(cycles)
	gc, busy := seconds(gcCPU), seconds(totalCPU)-seconds(idleCPU)
	for g := range runtime.GOMAXPROCS(0) {
		do := client()
		group.Go(func() error {
			for i := g * batch; completed() < end; i += batch {
				for j := range batch {
					if err := do(i + j); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	gc, busy = seconds(gcCPU)-gc, seconds(totalCPU)-seconds(idleCPU)-busy
	return gc.Seconds() / busy.Seconds(), nil
}

// completed returns the number of completed collections.
func completed() uint64 { return read("/gc/cycles/total:gc-cycles").Uint64() }

// liveHeap returns the statistics of the heap when all garbage is collected.
func liveHeap() (m runtime.MemStats) {
	runtime.GC()
	runtime.GC() // frees what finalizers and pools still held during the first run
	runtime.ReadMemStats(&m)
	return m
}

func median(values []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}
