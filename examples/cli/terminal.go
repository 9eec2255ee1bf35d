// The terminal: whether there is one, and what may be shown on it.

package main

import (
	"os"
	"strings"
	"unicode"
)

// isTerminal tells whether a line on f can be replaced. It takes every character device for a terminal, /dev/null too,
// which does not mind; a terminal that can do nothing but add lines calls itself dumb.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

// printable takes out what a terminal would obey rather than show. People choose their own names, and one with escapes
// in it could rewrite what is on the screen.
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
