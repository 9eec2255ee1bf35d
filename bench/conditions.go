// The conditions of a round: what other programs used, the load of the machine, and the heap.

package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strconv"
	"strings"
)

// mostOthers is the share of the processors that other programs may use in an undisturbed run.
const mostOthers = 0.05

// procFolder is where Linux describes its processes.
const procFolder = "/proc"

// conditions are the conditions of one round.
type conditions struct {
	// Measured reports whether the system tells what other programs use. Without it, Others and Stolen are 0.
	Measured bool
	Others   float64 // the share of the processors that other programs used
	Stolen   float64 // the share that the hypervisor gave to other machines
	// LoadBefore and LoadAfter are the load averages of one minute, or "" if the system has none.
	LoadBefore, LoadAfter string
	Heap                  heapSize // after the round
}

// snapshot is what the system has counted until one moment.
type snapshot struct {
	measured bool
	busy     float64 // the CPU time of all programs, in ticks of the kernel
	ours     float64 // that of this process and its children, in the same ticks
	stolen   float64
	all      float64 // the time of all processors, in the same ticks
	load     string
}

// takeSnapshot reads the counters of Linux from a folder, for a process and its children.
func takeSnapshot(proc string, pid int) snapshot {
	var s snapshot
	if text, err := os.ReadFile(filepath.Join(proc, "loadavg")); err == nil {
		s.load, _, _ = strings.Cut(string(text), " ")
	}
	text, err := os.ReadFile(filepath.Join(proc, "stat"))
	if err != nil {
		return s
	}
	line, _, _ := strings.Cut(string(text), "\n")
	// cpu user nice system idle iowait irq softirq steal. What follows is part of user and nice.
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return s
	}
	var ticks [8]float64
	for i := range ticks {
		if ticks[i], err = strconv.ParseFloat(fields[i+1], 64); err != nil {
			return s
		}
		s.all += ticks[i]
	}
	s.busy, s.stolen = ticks[0]+ticks[1]+ticks[2], ticks[7]
	s.ours, s.measured = ticksOf(proc, pid)
	return s
}

// ticksOf returns the CPU time of a process and of all processes below it, also of those that have ended.
func ticksOf(proc string, pid int) (float64, bool) {
	files, err := filepath.Glob(filepath.Join(proc, "[0-9]*", "stat"))
	if err != nil {
		return 0, false
	}
	used, children := map[string]float64{}, map[string][]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the process has ended, and its parent has its time
		}
		// The name of the program is in parentheses and may contain any character.
		_, rest, _ := strings.Cut(string(text), " ")
		fields := strings.Fields(rest[strings.LastIndexByte(rest, ')')+1:])
		if len(fields) < 15 {
			continue
		}
		id := filepath.Base(filepath.Dir(file))
		children[fields[1]] = append(children[fields[1]], id)
		for _, field := range fields[11:15] { // utime stime cutime cstime: the last two are of children that have ended
			ticks, err := strconv.ParseFloat(field, 64)
			if err != nil {
				return 0, false
			}
			used[id] += ticks
		}
	}
	own := strconv.Itoa(pid)
	if _, ok := used[own]; !ok {
		return 0, false
	}
	total := 0.0
	for ids := []string{own}; len(ids) > 0; ids = ids[1:] {
		total += used[ids[0]]
		ids = append(ids, children[ids[0]]...)
	}
	return total, true
}

// between returns the conditions of a round from the snapshots before and after it.
func between(before, after snapshot) conditions {
	c := conditions{LoadBefore: before.load, LoadAfter: after.load, Heap: thisHeap()}
	all := after.all - before.all
	if !before.measured || !after.measured || all <= 0 {
		return c
	}
	c.Measured = true
	c.Others = max(0, (after.busy-before.busy)-(after.ours-before.ours)) / all
	c.Stolen = (after.stolen - before.stolen) / all
	return c
}

// othersText returns the share of other programs for a reader.
func (c conditions) othersText() string {
	if !c.Measured {
		return "an unknown part"
	}
	return percent(c.Others)
}

// measured reports whether every round knows what other programs used.
func (rs results) measured() bool {
	for _, r := range rs {
		if !r.conditions.Measured {
			return false
		}
	}
	return true
}

// others returns the share of the processors that other programs used.
func (rs results) others() spread {
	return rs.ofEach(func(r round) float64 { return r.conditions.Others })
}

// checkUndisturbed returns an error if other programs used too much for a page. It cannot tell where nothing was measured.
func (rs results) checkUndisturbed() error {
	if others := rs.others(); rs.measured() && others.Median > mostOthers {
		return fmt.Errorf("other programs used %s of the processors (median of the rounds, at most %s), which is more than %s; "+
			"stop them and measure again, or write the page with -force",
			percent(others.Median), percent(others.Max), shortest(percent(mostOthers)))
	}
	return nil
}

// heapSize describes the heap of this process.
type heapSize struct{ Live, Goal float64 } // in bytes, after the last collection and at the start of the next one

func thisHeap() heapSize {
	return heapSize{Live: metric("/gc/heap/live:bytes"), Goal: metric("/gc/heap/goal:bytes")}
}

// gogc returns the setting of the garbage collector.
func gogc() string {
	if value := metric("/gc/gogc:percent"); value < math.MaxInt32 {
		return whole(value)
	}
	return "off"
}

// memoryLimit returns the memory limit of the runtime.
func memoryLimit() string {
	if value := metric("/gc/gomemlimit:bytes"); value < math.MaxInt64 {
		return size(value)
	}
	return "not set"
}

// metric returns a number of package runtime/metrics.
func metric(name string) float64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return float64(sample[0].Value.Uint64())
}
