// A strict JSON parser (RFC 8259) that works in one pass. encoding/json is too lenient for signed data: it matches names
// case-insensitively, uses the last of two members with one name, and replaces invalid UTF-8.

package jwks

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

var errInvalidJSON = errors.New("invalid JSON")

// maxDepth bounds the recursion: the number of objects and arrays around a value. A claim from a JWT template has only a
// few.
const maxDepth = 512

// maxHeaderDepth is the bound for a JOSE header, which is read before the signature is checked. All parameters that this
// package uses are strings.
const maxHeaderDepth = 16

// splitObject splits a JSON object into its members, appends them to buffer and returns the result. The members share the
// memory of data. The object must be valid UTF-8, and no object in it, at any depth, may have two members with one name:
// RFC 7515 section 4 and RFC 7519 section 4 allow a parser to refuse them, and an attacker can exploit two parsers that use
// different ones.
func splitObject(data string, buffer members) (members, error) {
	s := scanner{data: data, maxDepth: maxDepth}
	return s.whole(buffer)
}

// splitHeader is splitObject for a JOSE header. It also refuses numbers outside the range of a float64, because JOSE
// libraries disagree on them.
func splitHeader(header string, buffer members) (members, error) {
	s := scanner{data: header, maxDepth: maxHeaderDepth, float64s: true}
	return s.whole(buffer)
}

// whole reads all data, which must be one object.
func (s *scanner) whole(buffer members) (members, error) {
	if !utf8.ValidString(s.data) {
		return nil, errors.New("invalid UTF-8")
	}
	s.skipSpace()
	if s.peek() != '{' {
		if s.value(0) != nil || s.hasMore() {
			return nil, errInvalidJSON
		}
		return nil, errors.New("JSON that is not an object")
	}
	m, err := s.object(buffer, 0)
	if err == nil && s.hasMore() {
		err = errInvalidJSON
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// scanner reads JSON text from front to back.
type scanner struct {
	data     string
	pos      int
	maxDepth int
	float64s bool // refuse numbers outside the range of a float64
}

// peek returns the next byte, or 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

// accept consumes the next byte if it is c.
func (s *scanner) accept(c byte) bool {
	if s.peek() != c || s.pos == len(s.data) {
		return false
	}
	s.pos++
	return true
}

// hasMore reports whether anything except white space is left.
func (s *scanner) hasMore() bool {
	s.skipSpace()
	return s.pos < len(s.data)
}

func (s *scanner) skipSpace() {
	for s.pos < len(s.data) && isSpace(s.data[s.pos]) {
		s.pos++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// linearNames is the number of names up to which a linear search for a duplicate is faster than a map.
const linearNames = 32

// object reads an object and appends its members to m.
func (s *scanner) object(m members, depth int) (members, error) {
	if depth == s.maxDepth {
		return nil, s.tooDeep()
	}
	var seen map[string]struct{} // the names, from linearNames on
	s.pos++
	if s.skipSpace(); s.accept('}') {
		return m, nil
	}
	for {
		s.skipSpace()
		quoted, ok := s.text()
		if !ok {
			return nil, errInvalidJSON
		}
		name := unquote(quoted)
		dup := false
		switch {
		case len(m) < linearNames:
			_, dup = m.get(name)
		case seen == nil:
			seen = make(map[string]struct{}, 2*linearNames)
			for _, member := range m {
				seen[member.name] = struct{}{}
			}
			fallthrough
		default:
			_, dup = seen[name]
			seen[name] = struct{}{}
		}
		if dup {
			return nil, fmt.Errorf("two members with the name %s", quote(name))
		}
		if s.skipSpace(); !s.accept(':') {
			return nil, errInvalidJSON
		}
		s.skipSpace()
		start := s.pos
		if err := s.value(depth + 1); err != nil {
			return nil, err
		}
		m = append(m, member{name, s.data[start:s.pos]})
		s.skipSpace()
		if s.accept('}') {
			return m, nil
		}
		if !s.accept(',') {
			return nil, errInvalidJSON
		}
	}
}

// array skips an array.
func (s *scanner) array(depth int) error {
	if depth == s.maxDepth {
		return s.tooDeep()
	}
	s.pos++
	if s.skipSpace(); s.accept(']') {
		return nil
	}
	for {
		s.skipSpace()
		if err := s.value(depth + 1); err != nil {
			return err
		}
		s.skipSpace()
		if s.accept(']') {
			return nil
		}
		if !s.accept(',') {
			return errInvalidJSON
		}
	}
}

// value skips a value.
func (s *scanner) value(depth int) error {
	ok := false
	switch c := s.peek(); c {
	case '{':
		_, err := s.object(nil, depth)
		return err
	case '[':
		return s.array(depth)
	case '"':
		_, ok = s.text()
	case 't':
		ok = s.literal("true")
	case 'f':
		ok = s.literal("false")
	case 'n':
		ok = s.literal("null")
	default:
		start := s.pos
		ok = s.number()
		if ok && s.float64s {
			if _, err := strconv.ParseFloat(s.data[start:s.pos], 64); err != nil {
				return errors.New("a number outside the range of a float64")
			}
		}
	}
	if !ok {
		return errInvalidJSON
	}
	return nil
}

func (s *scanner) tooDeep() error {
	return fmt.Errorf("JSON with more than %d levels of nesting", s.maxDepth)
}

func (s *scanner) literal(word string) bool {
	if !strings.HasPrefix(s.data[s.pos:], word) {
		return false
	}
	s.pos += len(word)
	return true
}

// number skips a number (RFC 8259 section 6).
func (s *scanner) number() bool {
	s.accept('-')
	if !s.accept('0') && !s.digits() {
		return false
	}
	if s.accept('.') && !s.digits() {
		return false
	}
	if s.accept('e') || s.accept('E') {
		if !s.accept('+') {
			s.accept('-')
		}
		return s.digits()
	}
	return true
}

// digits skips one or more digits.
func (s *scanner) digits() bool {
	start := s.pos
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		s.pos++
	}
	return s.pos > start
}

// text skips a string (RFC 8259 section 7) and returns it with its quotes.
func (s *scanner) text() (quoted string, ok bool) {
	start := s.pos
	if !s.accept('"') {
		return "", false
	}
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return s.data[start:s.pos], true
		case c == '\\':
			if s.pos++; !s.escape() {
				return "", false
			}
		case c < ' ':
			return "", false
		default:
			s.pos++
		}
	}
	return "", false
}

// escape skips the characters after a backslash.
func (s *scanner) escape() bool {
	c := s.peek()
	s.pos++
	if c != 'u' {
		return c != 0 && strings.IndexByte(`"\/bfnrt`, c) >= 0
	}
	for range 4 {
		if c := s.peek(); !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return false
		}
		s.pos++
	}
	return true
}

// unquote decodes a string that text returned.
func unquote(quoted string) string {
	if strings.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	var s string
	_ = json.Unmarshal([]byte(quoted), &s) // cannot fail
	return s
}
