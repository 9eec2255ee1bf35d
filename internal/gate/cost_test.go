// The cost of reading a path, which a client chooses.

package gate

import (
	"strings"
	"testing"
)

// hostilePaths have many readings, or are expensive to read.
func hostilePaths() map[string]string {
	fill := func(unit string) string { return "/" + strings.Repeat(unit, (maxReadPath-1)/len(unit)) }
	return map[string]string{
		"escapes":       fill("%2525a"),
		"all at once":   fill("a;b//c%20/%25253B%252F%253F. /"),
		"nested":        "/" + strings.Repeat("a%20;/", 100) + "%" + strings.Repeat("25", 60) + "2Fx;y//. ",
		"slashes":       fill("//"),
		"hosts":         "/" + strings.Repeat("/", 60) + fill("a;//b/"),
		"one parameter": fill(";"),
	}
}

func BenchmarkReadingsOfAHostilePath(b *testing.B) {
	for name, path := range hostilePaths() {
		b.Run(name, func(b *testing.B) {
			path := path[:min(len(path), maxReadPath)]
			n := 0
			for b.Loop() {
				all, _ := readings(path)
				n = len(all)
			}
			b.ReportMetric(float64(n), "readings")
		})
	}
}

func TestAHostilePathIsReadInBoundedWork(t *testing.T) {
	for name, path := range hostilePaths() {
		all, err := readings(path[:min(len(path), maxReadPath)])
		if err == nil && len(all) > maxReadings || err != nil && len(all) > 0 {
			t.Errorf("%s: %d readings, %v", name, len(all), err)
		}
		if _, err := readings("/ " + strings.Repeat("a", maxReadPath)); err != errTooLong {
			t.Errorf("a path that is too long: %v", err)
		}
	}
}
