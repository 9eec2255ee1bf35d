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
	var wholes []string
	var chunks [maxChunks][]string
	for name, value := range All(h) {
		switch index := c.chunkIndex(name); index {
		case notSession:
		case wholeSession:
			wholes = addValue(wholes, value)
		default:
			chunks[index] = addValue(chunks[index], value)
		}
	}
	count, surplus := 0, false
	for _, chunk := range chunks {
		switch {
		case len(chunk) == 0:
		case count < maxChunks && len(chunks[count]) > 0:
			count++
		default:
			surplus = true
		}
	}
	var texts []string
	add := func(parts ...string) {
		text := strings.Join(parts, "")
		if text != "" && len(texts) < maxCandidates && len(text) <= maxCandidate && !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	var first, last [maxChunks]string
	for i := range count {
		first[i], last[i] = chunks[i][0], chunks[i][len(chunks[i])-1]
	}
	joinAll := prefixes || !surplus
	if joinAll {
		add(first[:count]...)
		add(last[:count]...)
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
	// The three kinds take turns, so that many of one kind hide none of another.
	for i := range max(len(wholes), len(shorter), len(varied)) {
		if i < len(wholes) { // alternately from the end and from the beginning
			at := i / 2
			if i%2 == 0 {
				at = len(wholes) - 1 - at
			}
			add(wholes[at])
		}
		for _, kind := range [][]string{shorter, varied} {
			if i < len(kind) {
				add(kind[i])
			}
		}
	}
	return texts
}
