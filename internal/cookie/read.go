// The session of a request, read from the session cookie or its chunks.

package cookie

import (
	"net/http"
	"slices"
	"strings"
)

// Value is the sealed session that a request brings, in one part for each
// cookie. It is empty if the request brings no session cookie, and if the
// cookies are ambiguous.
type Value struct {
	parts     [maxChunks]string
	count     int
	ambiguous bool
}

// IsAbsent reports whether the request brings no session cookie at all.
func (v *Value) IsAbsent() bool { return v.count == 0 && !v.ambiguous }

// Found reports whether the cookies form one sealed session.
func (v *Value) Found() bool { return v.count > 0 }

// Chunked reports whether the sealed session came in more than one cookie.
func (v *Value) Chunked() bool { return v.count > 1 }

// Ambiguous reports whether the cookies can be read in more than one way: a
// name has two values, an undivided session came beside chunks, or a chunk is
// missing before another. See [Codec.Candidates].
func (v *Value) Ambiguous() bool { return v.ambiguous }

// Text returns the sealed session.
func (v *Value) Text() string {
	if v.count == 1 {
		return v.parts[0]
	}
	return strings.Join(v.parts[:v.count], "")
}

// Parts returns the sealed session in its parts, which are not joined. The slice
// must not be changed, and Parts does not allocate.
func (v *Value) Parts() []string { return v.parts[:v.count] }

// Session returns the sealed session of a request. An empty cookie value counts
// as no cookie, and equal values of one name count as one cookie.
func (c *Codec) Session(h http.Header) (v Value) {
	var whole string
	for name, value := range All(h) {
		slot := &whole
		switch index := c.chunkIndex(name); index {
		case notSession:
			continue
		case wholeSession:
		default:
			slot = &v.parts[index]
		}
		switch {
		case value == "", value == *slot:
		case *slot != "":
			v.ambiguous = true
		default:
			*slot = value
		}
	}
	surplus := false
	for _, part := range v.parts {
		switch {
		case part == "":
		case v.count < maxChunks && v.parts[v.count] != "":
			v.count++
		default:
			surplus = true
		}
	}
	switch {
	case whole != "" && (v.count > 0 || surplus), v.ambiguous, surplus:
		return Value{ambiguous: true}
	case whole != "":
		v.parts[0], v.count = whole, 1
	}
	return v
}

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

// leadingChunks returns how many chunks there are before the first missing one, and
// whether there is a chunk after it.
func leadingChunks(chunks [maxChunks][]string) (count int, surplus bool) {
	for _, chunk := range chunks {
		switch {
		case len(chunk) == 0:
		case count < maxChunks && len(chunks[count]) > 0:
			count++
		default:
			surplus = true
		}
	}
	return count, surplus
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
