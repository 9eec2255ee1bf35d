// The readings of a path: what upstreams may take it for.

package gate

import (
	"errors"
	"slices"
	"strings"
)

const (
	// maxReadPath bounds a path that has more than one reading, in bytes. The work of the readings grows with it.
	maxReadPath = 4 << 10
	// maxReadings bounds the readings of a path. Paths of honest clients have fewer than ten.
	maxReadings = 64
)

// The refusals of a request. Their texts are answers to clients.
var (
	errTarget    = errors.New("the request target is neither a path nor an absolute URL")
	errTooLong   = errors.New("the path is too long")
	errAmbiguous = errors.New("the path can be read in too many ways")
	errDots      = errors.New(`the path has a segment "." or ".."`)
	errBackslash = errors.New("the path has a backslash")
	errControl   = errors.New("the path has a control byte")
	errHost      = errors.New("the Host is malformed")
	errMethods   = errors.New("the request names too many methods")
	errOverlong  = errors.New("the path has an overlong UTF-8 sequence")
)

// steps are what an upstream, or a server in front of it, may do with a path before it chooses a handler. Each returns the
// path itself or a shorter one, so that a path has a limited number of readings.
var steps = []func(string) string{
	decode, stripParameters, cutParameter, mergeSlashes, trimSegments, trimTrailingSlash, cutQuery, dropAuthority,
}

// readings returns the path and all that steps make of it, in every order and number. It returns an error if one of them is
// refused.
func readings(path string) ([]string, error) {
	if isPlain(path) {
		return []string{path}, nil
	}
	if len(path) > maxReadPath {
		return nil, errTooLong
	}
	if err := check(path); err != nil {
		return nil, err
	}
	all := []string{path}
	for i := 0; i < len(all); i++ {
		for _, step := range steps {
			next := step(all[i])
			if next == all[i] || slices.Contains(all, next) {
				continue
			}
			if err := check(next); err != nil {
				return nil, err
			}
			if all = append(all, next); len(all) > maxReadings {
				return nil, errAmbiguous
			}
		}
	}
	return all, nil
}

// isPlain reports whether every step returns a path unchanged, and the path is not refused. It is for speed alone.
func isPlain(path string) bool {
	if path == "/" {
		return true
	}
	var last byte
	for i := range len(path) {
		c := path[i]
		switch {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_':
		case c == '/' && last != '/' && last != '.':
		case c == '.' && last != '/':
		default:
			return false
		}
		last = c
	}
	return last != '/' && last != '.'
}

// check returns an error for a reading that no honest client means.
func check(path string) error {
	for i := range len(path) {
		switch c := path[i]; {
		case c < 0x20, c == 0x7f:
			return errControl
		case c == '\\':
			return errBackslash
		case c == 0xc0, c == 0xc1, c == 0xe0 && follows(path, i, 0x9f), c == 0xf0 && follows(path, i, 0x8f):
			return errOverlong
		}
	}
	for segment := range strings.SplitSeq(path, "/") {
		if strings.Contains(segment, ".") && strings.Trim(segment, ". ") == "" {
			return errDots
		}
	}
	return nil
}

// follows reports whether the byte after i is a continuation byte of at most last (RFC 3629, section 3).
func follows(path string, i int, last byte) bool {
	return i+1 < len(path) && path[i+1] >= 0x80 && path[i+1] <= last
}

// decode decodes the valid escapes of a path once, and leaves all else.
func decode(path string) string {
	if !strings.Contains(path, "%") {
		return path
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] == '%' && i+2 < len(path) {
			high, low := hexDigit(path[i+1]), hexDigit(path[i+2])
			if high >= 0 && low >= 0 {
				b.WriteByte(byte(high<<4 | low))
				i += 2
				continue
			}
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// stripParameters removes the parameters of all segments, as Tomcat and Jetty do: /a;x=1/b becomes /a/b.
func stripParameters(path string) string {
	if !strings.Contains(path, ";") {
		return path
	}
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i], _, _ = strings.Cut(segment, ";")
	}
	return rooted(strings.Join(segments, "/"))
}

// cutParameter cuts a path at its first ";".
func cutParameter(path string) string {
	before, _, _ := strings.Cut(path, ";")
	return rooted(before)
}

// mergeSlashes makes one slash of several, as nginx and net/http do.
func mergeSlashes(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}

// trimSegments removes spaces around each segment and dots at its end, as Windows does.
func trimSegments(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i] = strings.TrimLeft(strings.TrimRight(segment, " ."), " ")
	}
	return strings.Join(segments, "/")
}

// trimTrailingSlash removes the slashes at the end, as routers do that take /a/ for /a.
func trimTrailingSlash(path string) string { return rooted(strings.TrimRight(path, "/")) }

// cutQuery cuts a path at a "?" or "#" that was escaped, as a program does that decodes a URL before it parses it.
func cutQuery(path string) string {
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	return rooted(path)
}

// dropAuthority takes the first segment of //a/b for a host, as a URL parser does that gets the path as a relative reference
// (RFC 3986, section 4.2).
func dropAuthority(path string) string {
	if !strings.HasPrefix(path, "//") {
		return path
	}
	rest := strings.TrimLeft(path, "/")
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return rest[i:]
	}
	return "/"
}

func rooted(path string) string {
	if path == "" {
		return "/"
	}
	return path
}
