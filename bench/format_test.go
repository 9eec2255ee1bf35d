// The formats of numbers.

package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNumbersAreFormattedWithSignificantDigits(t *testing.T) {
	for want, got := range map[string]string{
		"0.00051x":  times(0.000512),
		"0.010x":    times(0.00998),
		"0.050x":    times(0.05),
		"1.90x":     times(1.9),
		"12.35x":    times(12.346),
		"0":         whole(0),
		"9999":      whole(9999),
		"28 808":    whole(28808),
		"1 234 567": whole(1234567),
		"512 B":     size(512),
		"28.1 KB":   size(28808),
		"1180 MB":   size(1.18 * (1 << 30) * 1000 / 1024),
		"3.1 %":     percent(0.0314),
		"25.6 ns":   duration(25.6),
		"50.7 µs":   duration(50_660),
		"191 µs":    duration(191_000),
		"2.43 ms":   duration(2_430_000),
		"1.91 s":    duration(1_910_000_000),
	} {
		assert.Equal(t, want, got)
	}
	assert.Equal(t, "0.05x", shortest("0.050x"))
	assert.Equal(t, "20 µs", shortest("20.0 µs"))
	assert.Equal(t, "100", shortest("100"))
	assert.Equal(t, "6144 B", shortest("6144 B"))
}

func TestAMedianIsTheMiddle(t *testing.T) {
	assert.EqualValues(t, 2, median([]float64{9, 1, 2}))
	assert.EqualValues(t, 1.5, median([]float64{2, 1}))
	assert.Zero(t, median(nil))
}
