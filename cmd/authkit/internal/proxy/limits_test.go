// What a test can measure of this process.

package proxy_test

import "runtime"

// heap returns the bytes of the heap and of the stacks that are in use.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc + stats.StackInuse)
}
