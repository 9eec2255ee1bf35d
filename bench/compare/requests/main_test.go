//go:build linux

// The protocol with command compare.

package main

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/bench/compare/order"
)

func TestEachOrderGetsWhatARequestHasCost(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var out strings.Builder
	require.NoError(t, serve(strings.NewReader(`
		{"Subject":"authkit-anonymous","Processors":1,"Requests":500,"Bursts":60}
		{"Subject":"authkit-warm","Processors":1,"Requests":500,"Bursts":60}`), &out))
	results := json.NewDecoder(strings.NewReader(out.String()))
	for _, allocations := range []float64{1, 1} {
		var r order.Result
		require.NoError(t, results.Decode(&r))
		assert.InDelta(t, allocations, r.Allocations, 0.2)
		assert.Greater(t, r.Bytes, 50.0)
		assert.Positive(t, r.Mean)
		for _, n := range r.Nanoseconds {
			assert.Positive(t, n)
		}
	}
	assert.False(t, results.More())
}

func TestABurstIsUndisturbedIfEachThreadHadItsProcessor(t *testing.T) {
	at := func(began, took, cpu time.Duration) burst {
		start := time.Unix(0, 0).Add(began)
		return burst{start, start.Add(took), cpu}
	}
	const us = time.Microsecond
	assert.Equal(t, []float64{1000, 980}, undisturbed([][]burst{
		{at(0, 100*us, 100*us), at(0, 100*us, 98*us), at(0, 100*us, 90*us)},
	}, 100), "one thread, which has lost the processor in the last burst")
	assert.Equal(t, []float64{1000}, undisturbed([][]burst{
		{at(0, 100*us, 100*us), at(0, 100*us, 100*us), at(0, 100*us, 100*us)},
		{at(5*us, 100*us, 100*us), at(20*us, 100*us, 100*us), at(0, 100*us, 50*us)},
	}, 100), "two threads, whose bursts are apart in the second, and disturbed in the third")
}

func TestAnOrderOfAnUnknownSubjectIsRefused(t *testing.T) {
	assert.ErrorContains(t, serve(strings.NewReader(`{"Subject":"authkit-unknown","Processors":1,"Requests":1,"Bursts":1}`), &strings.Builder{}), "authkit-unknown")
	assert.Error(t, serve(strings.NewReader(`{"Subject":`), &strings.Builder{}))
}
