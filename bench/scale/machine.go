//go:build linux

// The machine: its free memory and its load.

package main

import (
	"fmt"
	"os"
	"strings"
)

// peakPerSession is the memory for each session, with room for a heap that grows to twice its live size and for what is allocated
// during a collection, which is long on a busy machine.
const peakPerSession = 16 << 10

// fitting returns how many sessions fit into that much memory, at most wanted and at least 1000.
func fitting(wanted, available int) int {
	if fit := available / peakPerSession; fit < wanted {
		return max(1000, fit/1000*1000)
	}
	return wanted
}

// availableMemory returns the bytes of memory that new programs can use.
func availableMemory() int {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var kilobytes int
		if n, _ := fmt.Sscanf(line, "MemAvailable: %d kB", &kilobytes); n == 1 {
			return kilobytes << 10
		}
	}
	return 0
}

// load returns the load of the last minute.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(text), " ")
	return one
}
