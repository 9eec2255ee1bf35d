// How numbers are written.

package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// significant writes a number with so many digits that count.
func significant(v float64, digits int) string {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', digits-1, 64), 64)
	if err != nil || rounded == 0 {
		return "0"
	}
	decimals := max(0, digits-1-int(math.Floor(math.Log10(math.Abs(rounded)))))
	return strconv.FormatFloat(rounded, 'f', decimals, 64)
}

// times is a ratio.
func times(v float64) string {
	if v >= 0.1 {
		return strconv.FormatFloat(v, 'f', 2, 64) + "x"
	}
	return significant(v, 2) + "x"
}

// shortest drops the zeros at the end of a decimal fraction, of a number that is exact.
func shortest(text string) string {
	end := strings.IndexFunc(text, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end < 0 || !strings.Contains(text[:end], ".") {
		return text
	}
	return strings.TrimSuffix(strings.TrimRight(text[:end], "0"), ".") + text[end:]
}

// whole is a count.
func whole(v float64) string { return thousands(int(math.Round(v))) }

// thousands is a count with a space between groups of three digits, if there are more than four.
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

// size is a number of bytes.
func size(v float64) string {
	if v < 10_000 {
		return whole(v) + " B"
	}
	return significant(v/1024, 3) + " KB"
}

// duration is a time that is given in nanoseconds.
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

// ranged is the least and the most of a measurement.
func ranged(s spread, show func(float64) string) string {
	return fmt.Sprintf("%s – %s", show(s.Least), show(s.Most))
}

func nanoseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) }
