// The Cookie header of a request.

package cookie

import (
	"iter"
	"net/http"
	"slices"
	"strings"
)

const (
	// maxCookieHeader bounds how many bytes of a request's cookies are read. Servers
	// and proxies refuse much less; net/http alone accepts a megabyte.
	maxCookieHeader = 128 << 10
	// maxSameName bounds how many cookies of one name are tried.
	maxSameName = 16
)

// reader reads the cookies of a request one after the other, unchanged and in the order of
// the header. Unlike http.Request.Cookies it allocates nothing: the strings share the
// header's memory.
type reader struct {
	lines []string // of the header, which are not read yet
	line  string   // the rest of the current one
	room  int      // how many bytes may still be read
}

func newReader(h http.Header) reader { return reader{lines: h["Cookie"], room: maxCookieHeader} }

// next returns the next cookie, and false after the last one.
func (r *reader) next() (name, value string, ok bool) {
	for {
		for r.line == "" {
			if len(r.lines) == 0 {
				return "", "", false
			}
			r.line, r.lines = r.lines[0], r.lines[1:]
			if len(r.line) > r.room {
				r.line = r.line[:strings.LastIndexByte(r.line[:r.room], ';')+1]
			}
			r.room -= len(r.line)
		}
		pair := r.line
		if end := strings.IndexByte(pair, ';'); end >= 0 {
			pair, r.line = pair[:end], pair[end+1:]
		} else {
			r.line = ""
		}
		pair = trimBlanks(pair)
		if equals := strings.IndexByte(pair, '='); equals >= 0 {
			return pair[:equals], pair[equals+1:], true
		}
	}
}

// trimBlanks returns a text without the spaces and tabs at its ends.
func trimBlanks(text string) string {
	for text != "" && (text[0] == ' ' || text[0] == '\t') {
		text = text[1:]
	}
	for text != "" && (text[len(text)-1] == ' ' || text[len(text)-1] == '\t') {
		text = text[:len(text)-1]
	}
	return text
}

// All yields the name and value of each cookie of a request, as reader reads them.
func All(h http.Header) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		cookies := newReader(h)
		for {
			if name, value, ok := cookies.next(); !ok || !yield(name, value) {
				return
			}
		}
	}
}

// Has reports whether a request brings a cookie of this name.
func Has(h http.Header, name string) bool {
	for cookie := range All(h) {
		if cookie == name {
			return true
		}
	}
	return false
}

// First yields the values of the first 16 cookies of this name.
func First(h http.Header, name string) iter.Seq[string] {
	return func(yield func(value string) bool) {
		tries := 0
		for cookie, value := range All(h) {
			if cookie != name {
				continue
			}
			if tries++; tries > maxSameName || !yield(value) {
				return
			}
		}
	}
}

// Values returns the different values of the cookies of this name: all of them,
// or the first eight and the last eight.
func Values(h http.Header, name string) (all []string) {
	for cookie, value := range All(h) {
		if cookie == name {
			all = addValue(all, value)
		}
	}
	return all
}

// addValue appends a value of one cookie name, unless it is empty, too long for
// a session, or there already. Of more than maxCandidates values the ones in the
// middle are dropped.
func addValue(values []string, value string) []string {
	if value == "" || len(value) > maxCandidate || slices.Contains(values, value) {
		return values
	}
	if len(values) == maxCandidates {
		values = slices.Delete(values, maxCandidates/2, maxCandidates/2+1)
	}
	return append(values, value)
}
