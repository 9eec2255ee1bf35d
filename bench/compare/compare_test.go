// The command line and the table.

package main

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/bench/compare/order"
	"github.com/authkit-go/authkit/bench/contender"
)

func TestTheSecondSideOfAComparisonIsThisCheckoutByDefault(t *testing.T) {
	s, err := parse([]string{"-rounds", "3", "-burst", "1ms", "HEAD"})
	require.NoError(t, err)
	assert.Equal(t, settings{rounds: 3, burst: time.Millisecond, sides: [2]string{"HEAD", ".."}}, s)
	s, err = parse([]string{"HEAD~1", "HEAD"})
	require.NoError(t, err)
	assert.Equal(t, [2]string{"HEAD~1", "HEAD"}, s.sides)
}

func TestAnInvalidCommandLineOfCompareIsRefused(t *testing.T) {
	for _, arguments := range [][]string{{}, {"a", "b", "c"}, {"-rounds", "0", "a"}, {"-burst", "0s", "a"}, {"-only", "authkit-unknown", "a"}} {
		_, err := parse(arguments)
		assert.Error(t, err, "%v", arguments)
	}
}

func TestAComparisonHasEachKindOfRequestOnOneProcessorAndOnTwo(t *testing.T) {
	assert.Len(t, settings{}.kinds(), len(subjects)*min(runtime.NumCPU(), 2))
	for _, kind := range (settings{only: contender.Warm}).kinds() {
		assert.Equal(t, contender.Warm, kind.Subject)
	}
}

func TestTheRatioOfAComparisonIsThatOfTheSameRound(t *testing.T) {
	at := func(nanoseconds, allocations float64) cost {
		return cost{Nanoseconds: nanoseconds, Allocations: allocations, Bytes: 64}
	}
	var text strings.Builder
	require.NoError(t, write(&text, []comparison{{
		kind:   order.Order{Subject: "some", Processors: 2},
		rounds: [][2]cost{{at(100, 1), at(101, 2)}, {at(200, 1), at(204, 2)}, {at(50_000, 1), at(51_500, 2)}}, undisturbed: 240,
	}}))
	assert.Contains(t, text.String(), "| some | 2 | 200 ns | 204 ns | 1.020x | 1.015x – 1.025x | 1 → 2 | 64 | 240 |\n")
}

func TestAQuantileIsBetweenTheNearestValues(t *testing.T) {
	values := []float64{3, 1, 5, 2}
	assert.InDelta(t, 1, quantile(values, 0), 1e-9)
	assert.InDelta(t, 1.75, quantile(values, 0.25), 1e-9)
	assert.InDelta(t, 2.5, quantile(values, 0.5), 1e-9)
	assert.InDelta(t, 5, quantile(values, 1), 1e-9)
	assert.Equal(t, []float64{3, 1, 5, 2}, values)
}
