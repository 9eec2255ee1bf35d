package main

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/bench/contender"
)

var sessions = flag.Int("sessions", 100_000, "how many people have a session in the benchmarks")

// Benchmark is everything that the program measures, but for the whole servers.
func Benchmark(b *testing.B) {
	stage, err := contender.NewStage(*sessions)
	require.NoError(b, err)
	defer stage.Close()
	for _, benchmark := range stage.Benchmarks() {
		b.Run(benchmark.Name, benchmark.F)
	}
}
