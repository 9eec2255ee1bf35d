// The table of the results.

package main

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// write writes a row for each kind of request.
func write(w io.Writer, all []comparison) error {
	var text strings.Builder
	text.WriteString("| request | processors | before | after | ratio | quartiles | allocations | bytes | undisturbed bursts |\n" +
		"|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, c := range all {
		ratios := make([]float64, len(c.rounds))
		for i, r := range c.rounds {
			ratios[i] = r[1].Nanoseconds / r[0].Nanoseconds
		}
		median := func(side int, number func(cost) float64) float64 {
			return medianOf(c.rounds, func(r [2]cost) float64 { return number(r[side]) })
		}
		time := func(c cost) float64 { return c.Nanoseconds }
		// change is a number before and after, and only one if both are the same.
		change := func(number func(cost) float64) string {
			before, after := math.Round(median(0, number)), math.Round(median(1, number))
			if before == after {
				return fmt.Sprintf("%.0f", before)
			}
			return fmt.Sprintf("%.0f → %.0f", before, after)
		}
		fmt.Fprintf(&text, "| %s | %d | %s | %s | %.3fx | %.3fx – %.3fx | %s | %s | %d |\n", c.kind.Subject, c.kind.Processors,
			nanoseconds(median(0, time)), nanoseconds(median(1, time)),
			quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75),
			change(func(c cost) float64 { return c.Allocations }), change(func(c cost) float64 { return c.Bytes }), c.undisturbed)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// nanoseconds formats a time with three or four digits.
func nanoseconds(v float64) string {
	if v < 10_000 {
		return fmt.Sprintf("%.0f ns", v)
	}
	return fmt.Sprintf("%.1f µs", v/1000)
}
