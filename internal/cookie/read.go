// Reading the session's cookies: how a request's chunks and doubled values may be put together.

package cookie

import (
	"net/http"
	"slices"
	"strings"
)

// Value is the sealed session that a request brings, in as many parts
// as there were cookies. It has none where there is no session, and none where
// the cookies can be read in more than one way.
type Value struct {
	parts [MaxChunks]string
	count int
	// several says that more came than one session in one form: a name with two
	// values, a whole session beside chunks, or chunks that do not follow each
	// other. See Codec.Candidates.
	several bool
}

// Text is the parts joined.
func (s *Value) Text() string {
	if s.count == 1 {
		return s.parts[0]
	}
	return strings.Join(s.parts[:s.count], "")
}

// Equals reports whether the parts joined are a text, without joining them.
func (s *Value) Equals(text string) bool {
	for _, part := range s.parts[:s.count] {
		rest, ok := strings.CutPrefix(text, part)
		if !ok {
			return false
		}
		text = rest
	}
	return text == ""
}

// NewValue returns the value that cookies of these parts form.
func NewValue(parts ...string) (v Value) {
	v.count = copy(v.parts[:], parts)
	return v
}

// IsAbsent reports whether the request brings no session cookie.
func (s *Value) IsAbsent() bool { return s.count == 0 && !s.several }

// Found reports whether the cookies form one value.
func (s *Value) Found() bool { return s.count > 0 }

// Chunked reports whether the value came in more than one cookie.
func (s *Value) Chunked() bool { return s.count > 1 }

// Ambiguous reports whether the cookies can be read in more than one way. Then
// there is no value; see [Codec.Candidates].
func (s *Value) Ambiguous() bool { return s.several }

// Last returns the value's last part.
func (s *Value) Last() string { return s.parts[s.count-1] }

// Session returns the sealed session of a request. An empty value counts as no
// cookie, and equal values of one name count as one cookie.
func (c *Codec) Session(h http.Header) (cookie Value) {
	var whole string
	for name, value := range All(h) {
		slot := &whole
		switch index := c.chunk(name); index {
		case notSession:
			continue
		case wholeSession:
		default:
			slot = &cookie.parts[index]
		}
		switch {
		case value == "", value == *slot:
		case *slot != "":
			cookie.several = true
		default:
			*slot = value
		}
	}
	surplus := false
	for _, part := range cookie.parts {
		switch {
		case part == "":
		case cookie.count < MaxChunks && cookie.parts[cookie.count] != "":
			cookie.count++
		default:
			surplus = true
		}
	}
	switch {
	case whole != "" && (cookie.count > 0 || surplus), cookie.several, surplus:
		return Value{several: true}
	case whole != "":
		cookie.parts[0], cookie.count = whole, 1
	}
	return cookie
}

const (
	// maxCandidates bounds how many values are tried where a request can be read
	// in more than one way.
	maxCandidates = 16
	// maxCandidate is longer than any session: what is longer is not tried.
	maxCandidate = MaxChunks * MaxSize
)

// Candidates are the texts that may be the sealed session of a request whose
// cookies can be read in more than one way, maxCandidates of them at most, the
// likeliest first: the chunks joined, each whole value, and the chunks with one
// of a doubled number exchanged for another of its values. So a cookie that
// somebody planted beside a good one does not hide it.
//
// Chunks of doubled numbers are read as they came first, as they came last, and
// with one number varied at a time. Never are several varied, whose number would
// be a product. Browsers send cookies of a longer path first, and of one path
// the older first (RFC 6265, section 5.4), so that what somebody planted tends to
// come all before or all behind.
//
// Where a session is to be ended, cut is given: then fewer chunks than came may
// be the session too, since a surplus one must not protect it.
func (c *Codec) Candidates(h http.Header, cut bool) []string {
	var wholes values
	var chunks [MaxChunks]values
	for name, value := range All(h) {
		switch index := c.chunk(name); index {
		case notSession:
		case wholeSession:
			wholes.add(value)
		default:
			chunks[index].add(value)
		}
	}
	count, surplus := 0, false
	for _, chunk := range chunks {
		switch {
		case len(chunk) == 0:
		case count < MaxChunks && len(chunks[count]) > 0:
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
	var first, last [MaxChunks]string
	for i := range count {
		first[i], last[i] = chunks[i][0], chunks[i][len(chunks[i])-1]
	}
	whole := cut || !surplus
	if whole {
		add(first[:count]...)
		add(last[:count]...)
	}
	// Of each kind one in turn, so that many of one kind hide none of another.
	var shorter, varied []string
	for n := count - 1; cut && n > 0; n-- {
		shorter = append(shorter, strings.Join(first[:n], ""))
	}
	for i := 0; whole && i < count; i++ {
		for _, other := range chunks[i][1:] {
			parts := first
			parts[i] = other
			varied = append(varied, strings.Join(parts[:count], ""))
		}
	}
	for i := range max(len(wholes), len(shorter), len(varied)) {
		if i < len(wholes) { // from both ends, the newest of the longest path and of the shortest
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

// values are the values of one cookie name, each once: the first and the last of
// them where they are too many.
type values []string

func (v *values) add(value string) {
	if value == "" || len(value) > maxCandidate || slices.Contains(*v, value) {
		return
	}
	if len(*v) == maxCandidates {
		*v = slices.Delete(*v, maxCandidates/2, maxCandidates/2+1)
	}
	*v = append(*v, value)
}

// Values are the values of a cookie of a name.
func Values(h http.Header, name string) (all values) {
	for cookie, value := range All(h) {
		if cookie == name {
			all.add(value)
		}
	}
	return all
}
