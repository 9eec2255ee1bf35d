// The readings of ambiguous session cookies.

package cookie

import (
	"net/http"
	"slices"
	"strings"
)

const (
	// maxCandidates bounds how many readings of ambiguous cookies are tried.
	maxCandidates = 16
	// maxCandidate is the most bytes of a reading. No session is longer.
	maxCandidate = maxChunks * MaxSize
)

// Candidates returns the possible readings of ambiguous session cookies, the
// likeliest first and at most 16: the chunks joined, each undivided session, and
// the chunks with one of several values of one number. A planted cookie
// therefore does not hide a good one.
//
// If chunk numbers have several values, Candidates joins the first values, joins
// the last values, and then varies one number at a time. It never varies two
// numbers together: that would be the product of their values. Browsers send
// cookies of longer paths first, and older ones first among those of one path
// (RFC 6265, section 5.4). Planted cookies are therefore likely to be all before
// or all after the good ones.
//
// With prefixes, the first chunks without the later ones are candidates too. It
// is for a request that ends sessions: an additional planted chunk must not
// protect a session from its end.
func (c *Codec) Candidates(h http.Header, prefixes bool) []string {
	wholes, chunks := c.sessionValues(h)
	count, surplus := leadingChunks(chunks)
	joinAll := prefixes || !surplus
	var first, last [maxChunks]string
	for i := range count {
		first[i], last[i] = chunks[i][0], chunks[i][len(chunks[i])-1]
	}
	var all candidates
	if joinAll {
		all.add(first[:count]...)
		all.add(last[:count]...)
	}
	var shorter, varied []string
	for n := count - 1; prefixes && n > 0; n-- {
		shorter = append(shorter, strings.Join(first[:n], ""))
	}
	for i := 0; joinAll && i < count; i++ {
		for _, other := range chunks[i][1:] {
			parts := first
			parts[i] = other
			varied = append(varied, strings.Join(parts[:count], ""))
		}
	}
	all.addInTurn(outermostFirst(wholes), shorter, varied)
	return all
}

// sessionValues returns the different values of the undivided session cookie and of
// each chunk.
func (c *Codec) sessionValues(h http.Header) (wholes []string, chunks [maxChunks][]string) {
	for name, value := range All(h) {
		switch index := c.chunkIndex(name); index {
		case notSession:
		case wholeSession:
			wholes = addValue(wholes, value)
		default:
			chunks[index] = addValue(chunks[index], value)
		}
	}
	return wholes, chunks
}

// outermostFirst returns values alternately from the end and from the beginning.
func outermostFirst(values []string) []string {
	ordered := make([]string, 0, len(values))
	for i := range values {
		at := i / 2
		if i%2 == 0 {
			at = len(values) - 1 - at
		}
		ordered = append(ordered, values[at])
	}
	return ordered
}

// candidates is a list of at most maxCandidates different readings.
type candidates []string

// add adds the joined parts, unless the list is full or has them already, or they
// are empty or too long for a session.
func (c *candidates) add(parts ...string) {
	text := strings.Join(parts, "")
	if text != "" && len(*c) < maxCandidates && len(text) <= maxCandidate && !slices.Contains(*c, text) {
		*c = append(*c, text)
	}
}

// addInTurn adds one candidate of each kind in turn, so that many of one kind hide
// none of another.
func (c *candidates) addInTurn(kinds ...[]string) {
	longest := 0
	for _, kind := range kinds {
		longest = max(longest, len(kind))
	}
	for i := range longest {
		for _, kind := range kinds {
			if i < len(kind) {
				c.add(kind[i])
			}
		}
	}
}
