// The terminal: how it is detected, and which characters may be printed on it.

package main

import (
	"os"
	"strings"
	"unicode"
)

// isTerminal reports whether a line on f can be overwritten. Every character device counts as a terminal, also
// /dev/null, where it does no harm. A terminal with TERM=dumb can only append lines.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

// printable removes control characters. Users choose their own names, and a name with escape sequences could rewrite
// what is on the screen.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text)
}
