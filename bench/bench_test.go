// The benchmarks for go test.

package main

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/bench/contender"
)

var sessions = flag.Int("sessions", 100_000, "the number of sessions in the benchmarks")

// Benchmark runs every measurement of the program, except those of whole servers.
func Benchmark(b *testing.B) {
	stage, err := contender.NewStage(*sessions)
	require.NoError(b, err)
	defer stage.Close()
	for _, benchmark := range stage.Benchmarks() {
		b.Run(benchmark.Name, benchmark.F)
	}
}
