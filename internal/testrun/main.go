// The function TestMain of packages whose tests wait or allocate a lot.

package testrun

import (
	"flag"
	"os"
	"runtime/debug"
	"strconv"
	"testing"
)

// gcPercent is the heap growth between two collections. The heaps of tests are small, so with Go's 100 the collector works all the
// time: it took a sixth of the CPU time of internal/behaviour.
const gcPercent = 400

// Parallel lets n parallel tests of a package run at a time, because they wait for real time and need little of a processor. The
// flag -parallel wins. Call it in the function TestMain.
func Parallel(n int) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		_ = flag.Set("test.parallel", strconv.Itoa(n)) // the flag exists
	}
}

// Main is the function TestMain of a package, or its end. The environment variable GOGC wins.
func Main(m *testing.M) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	os.Exit(m.Run())
}
