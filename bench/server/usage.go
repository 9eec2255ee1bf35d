// What a server process reports about itself.

package server

import (
	"runtime/metrics"
	"time"

	"github.com/authkit-go/authkit/bench/cputime"
)

// Usage is what a server process has used so far. It tells this through its standard output, so that the question is no
// request that counts.
type Usage struct {
	CPU         time.Duration `json:"cpu"`         // of the process and of the kernel on its behalf
	Collections uint64        `json:"collections"` // of garbage
	Heap        uint64        `json:"heap"`        // bytes that the last collection found in use
	GOGC        uint64        `json:"gogc"`

	application, store time.Duration // as in [Result]; a process does not report them
}

func usage() Usage {
	samples := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/gc/heap/live:bytes"}, {Name: "/gc/gogc:percent"},
	}
	metrics.Read(samples)
	return Usage{
		CPU:         cputime.Self(),
		Collections: samples[0].Value.Uint64(), Heap: samples[1].Value.Uint64(), GOGC: samples[2].Value.Uint64(),
	}
}
