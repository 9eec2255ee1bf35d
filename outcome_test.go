// The memory of an outcome.

package authkit

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// In one cookie, the text is a part of its line. In chunks, the lines have a copy of it.
func TestTheSizeOfAnOutcomeHasTheMemoryOfItsLines(t *testing.T) {
	text := strings.Repeat("x", 1000)
	line := "sid=" + text + "; Path=/"
	empty := (&outcome{}).size()
	for want, lines := range map[int][]string{
		len(text):     nil,
		len(line):     {line},
		2 * len(text): {"sid.0=" + text[:500], "sid.1=" + text[500:]},
	} {
		next := &outcome{cookie: pendingCookie{sealed: text, lines: lines}}
		assert.Equal(t, want, next.size()-empty, "%d lines", len(lines))
	}
}
