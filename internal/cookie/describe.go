// A description of a request's session cookies, for the log.

package cookie

import (
	"fmt"
	"net/http"
	"strings"
)

// maxDescribed bounds how many cookies are described.
const maxDescribed = 16

// Describe returns the names and the sizes of the session cookies that a request
// brings, with those of accepted names, and the names of the chunks that are missing
// before another one. It contains no value. Example:
//
//	sid.0 (4081 bytes), sid.2 (120 bytes), sid.1 is missing
func (c *Codec) Describe(h http.Header) string {
	var all []string
	var came [maxChunks]bool
	last, left := -1, 0
	for name, value := range All(h) {
		if !c.isSessionName(name) {
			continue
		}
		if index := c.chunkIndex(name); index >= 0 {
			came[index] = true
			last = max(last, index)
		}
		if len(all) == maxDescribed {
			left++
			continue
		}
		all = append(all, fmt.Sprintf("%s (%d bytes)", name, len(value)))
	}
	if left > 0 {
		all = append(all, fmt.Sprintf("%d more", left))
	}
	for index := range last {
		if !came[index] {
			all = append(all, c.chunkName(index)+" is missing")
		}
	}
	return strings.Join(all, ", ")
}

// SessionValues returns the values of the session cookies and chunks of this application
// that a request brings, at most 16 of them.
func (c *Codec) SessionValues(h http.Header) (values []string) {
	for name, value := range All(h) {
		if c.chunkIndex(name) != notSession && len(values) < maxDescribed {
			values = append(values, value)
		}
	}
	return values
}
