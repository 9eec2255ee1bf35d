// The chunks of a session: how a session is split into cookies and joined again.

package cookie

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// maxChunks bounds a session to 32 KB. Servers refuse a larger request header
// anyway.
const maxChunks = 8

// TooLargeError says that a sealed session does not fit into its cookies.
type TooLargeError struct {
	Size, Most int // of the sealed session, in bytes
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%d bytes sealed, at most %d fit", e.Size, e.Most)
}

// CheckSize returns a [*TooLargeError] if a sealed session does not fit into
// its cookies.
func (c *Codec) CheckSize(text string) error {
	if most := max(MaxSize-len(c.sessionName), c.chunks*c.chunkSize()); len(text) > most {
		return &TooLargeError{Size: len(text), Most: most}
	}
	return nil
}

func (c *Codec) chunkSize() int { return MaxSize - len(c.chunkName(0)) }

// SetSession sets the session cookie, or its chunks if one cookie is too small.
// It expires all other session cookies that the request brings. It returns a
// [*TooLargeError] and sets nothing if the session does not fit.
func (c *Codec) SetSession(h http.Header, r *http.Request, text string) error {
	if err := c.CheckSize(text); err != nil {
		return err
	}
	lines, _ := c.Lines(text)
	c.SetLines(h, r, lines)
	return nil
}

// Lines returns the Set-Cookie lines of a sealed session, for [Codec.SetLines], and the text
// in the memory of the lines, if that is possible. It returns nil and the text if the
// session does not fit into its cookies, and if the text is empty because it could not be
// sealed.
func (c *Codec) Lines(text string) (lines []string, shared string) {
	if text == "" || c.CheckSize(text) != nil {
		return nil, text
	}
	values := c.Chunks(text)
	for i, value := range values {
		name := c.sessionName
		if len(values) > 1 {
			name = c.chunkName(i)
		}
		lines = append(lines, c.cookie(name, value, c.maxAge, c.sameSite).String())
	}
	if rest, ok := strings.CutPrefix(lines[0], c.sessionName+"="); ok && len(lines) == 1 && strings.HasPrefix(rest, text) {
		return lines, rest[:len(text)]
	}
	return lines, text
}

// SetLines does what [Codec.SetSession] does for the session of the lines. Many responses
// can set the same lines: their text is shared, and nothing changes it.
func (c *Codec) SetLines(h http.Header, r *http.Request, lines []string) {
	c.RemoveSetCookie(h)
	var buffer [maxChunks + 1]string
	for _, name := range c.appendSessionNames(buffer[:0], r.Header) {
		if !c.partitioned && slices.ContainsFunc(lines, func(line string) bool { return lineName(line) == name }) {
			continue // its only expiry would be replaced by the line
		}
		c.expireForms(h, name)
	}
	before := h["Set-Cookie"]
	all := make([]string, 0, len(before)+len(lines))
	for _, line := range before {
		if !slices.ContainsFunc(lines, func(other string) bool { return replaces(other, line) }) {
			all = append(all, line)
		}
	}
	h["Set-Cookie"] = append(all, lines...)
}

// Chunks returns the values of the cookies that a sealed session is set in: itself, or
// its chunks if one cookie is too small.
func (c *Codec) Chunks(text string) (values []string) {
	if len(c.sessionName)+len(text) <= MaxSize {
		return []string{text}
	}
	for size := c.chunkSize(); len(text) > 0; {
		n := min(size, len(text))
		values = append(values, text[:n])
		text = text[n:]
	}
	return values
}

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

// Copy returns the sealed session in memory of its own. Text may share that of the
// request's header.
func (v *Value) Copy() string {
	if v.count == 1 {
		return strings.Clone(v.parts[0])
	}
	return strings.Join(v.parts[:v.count], "")
}

// Parts returns the sealed session in its parts, which are not joined. The slice
// must not be changed, and Parts does not allocate.
func (v *Value) Parts() []string { return v.parts[:v.count] }

// Session returns the sealed session of a request. An empty cookie value counts
// as no cookie, and equal values of one name count as one cookie.
func (c *Codec) Session(h http.Header) (v Value) {
	c.ReadSession(h, &v)
	return v
}

// ReadSession is [Codec.Session] for the zero Value v. It takes less of the stack than a result
// of 144 bytes and its copy.
func (c *Codec) ReadSession(h http.Header, v *Value) {
	var whole string
	chunked := false
	cookies := newReader(h)
	for {
		name, value, ok := cookies.next()
		if !ok {
			break
		}
		slot := &whole
		switch index := c.chunkIndex(name); index {
		case notSession:
			continue
		case wholeSession:
		default:
			slot, chunked = &v.parts[index], true
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
	for i := 0; chunked && i < maxChunks; i++ {
		switch {
		case v.parts[i] == "":
		case v.count < maxChunks && v.parts[v.count] != "":
			v.count++
		default:
			surplus = true
		}
	}
	switch {
	case whole != "" && (v.count > 0 || surplus), v.ambiguous, surplus:
		*v = Value{ambiguous: true}
	case whole != "":
		v.parts[0], v.count = whole, 1
	}
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
