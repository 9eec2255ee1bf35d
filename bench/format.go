// The format of numbers.

package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// significant formats a number with that many significant digits.
func significant(v float64, digits int) string {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', digits-1, 64), 64)
	if err != nil || rounded == 0 {
		return "0"
	}
	decimals := max(0, digits-1-int(math.Floor(math.Log10(math.Abs(rounded)))))
	return strconv.FormatFloat(rounded, 'f', decimals, 64)
}

// times formats a ratio.
func times(v float64) string {
	if v >= 0.1 {
		return strconv.FormatFloat(v, 'f', 2, 64) + "x"
	}
	return significant(v, 2) + "x"
}

// shortest removes trailing zeros after the decimal point. It is for exact numbers.
func shortest(text string) string {
	end := strings.IndexFunc(text, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end < 0 || !strings.Contains(text[:end], ".") {
		return text
	}
	return strings.TrimSuffix(strings.TrimRight(text[:end], "0"), ".") + text[end:]
}

// whole formats a number as an integer.
func whole(v float64) string { return thousands(int(math.Round(v))) }

// thousands formats an integer. With more than four digits it has a space between groups of three.
func thousands(n int) string {
	text := strconv.Itoa(n)
	if len(text) <= 4 {
		return text
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + " " + text[i:]
	}
	return text
}

// size formats a number of bytes.
func size(v float64) string {
	if v < 10_000 {
		return whole(v) + " B"
	}
	if v >= 10<<20 {
		return significant(v/(1<<20), 3) + " MB"
	}
	return significant(v/1024, 3) + " KB"
}

// percent formats a share.
func percent(v float64) string { return significant(100*v, 2) + " %" }

// megabytes formats a number of bytes.
func megabytes(v float64) string { return significant(v/(1<<20), 2) + " MB" }

// duration formats a number of nanoseconds.
func duration(v float64) string {
	switch {
	case v < 1e3:
		return significant(v, 3) + " ns"
	case v < 1e6:
		return significant(v/1e3, 3) + " µs"
	case v < 1e9:
		return significant(v/1e6, 3) + " ms"
	}
	return significant(v/1e9, 3) + " s"
}

// ranged formats the minimum and the maximum of a measurement.
func ranged(s spread, show func(float64) string) string {
	return fmt.Sprintf("%s – %s", show(s.Min), show(s.Max))
}

func nanoseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) }
