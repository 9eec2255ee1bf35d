// Reads JSON (RFC 8259) strictly and in one pass. encoding/json alone will not do for what a signature covers: it matches
// names without regard to case, takes the last of two members of one name, and mends broken UTF-8.

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

// maxDepth bounds the recursion: how many objects and arrays a value may have around it. A claim that a JWT template makes
// has a few.
const maxDepth = 512

// maxHeaderDepth is the same for a JOSE header, which is read before the signature is checked. The parameters that we
// accept are strings.
const maxHeaderDepth = 16

// splitObject splits a JSON object that is valid UTF-8 and in which no object, at any depth, has two members of one name:
// RFC 7515 section 5.2 and RFC 7519 section 7.2 leave it to us to refuse those, and two parsers that disagree
// on which of the two counts are an attack. The members are appended to room, and share the memory of data.
func splitObject(data string, room members) (members, error) {
	s := scanner{data: data, maxDepth: maxDepth}
	return s.whole(room)
}

// splitHeader does the same for a JOSE header. It refuses numbers that no float64 holds too, since JOSE libraries
// disagree on them.
func splitHeader(header string, room members) (members, error) {
	s := scanner{data: header, maxDepth: maxHeaderDepth, float64s: true}
	return s.whole(room)
}

// whole reads all of the data, which has to be one object.
func (s *scanner) whole(room members) (members, error) {
	if !utf8.ValidString(s.data) {
		return nil, errors.New("invalid UTF-8")
	}
	s.skipSpace()
	if s.peek() != '{' {
		if s.value(0) != nil || s.rest() {
			return nil, errInvalidJSON
		}
		return nil, errors.New("JSON that is not an object")
	}
	m, err := s.object(room, 0)
	if err == nil && s.rest() {
		err = errInvalidJSON
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// scanner walks over JSON.
type scanner struct {
	data     string
	pos      int
	maxDepth int
	float64s bool // every number has to be one that a float64 holds
}

// peek is the next character, or 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

// next takes the next character if it is c.
func (s *scanner) next(c byte) bool {
	if s.peek() != c || s.pos == len(s.data) {
		return false
	}
	s.pos++
	return true
}

// rest tells whether anything but space is left.
func (s *scanner) rest() bool {
	s.skipSpace()
	return s.pos < len(s.data)
}

func (s *scanner) skipSpace() {
	for s.pos < len(s.data) && isSpace(s.data[s.pos]) {
		s.pos++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// linearNames is up to how many names a comparison with each is faster than a table of them.
const linearNames = 32

// object reads the object that starts here and appends its members to m.
func (s *scanner) object(m members, depth int) (members, error) {
	if depth == s.maxDepth {
		return nil, s.tooDeep()
	}
	var seen map[string]struct{} // of names, once there are many
	s.pos++
	if s.skipSpace(); s.next('}') {
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
			return nil, fmt.Errorf("member %s twice", quote(name))
		}
		if s.skipSpace(); !s.next(':') {
			return nil, errInvalidJSON
		}
		s.skipSpace()
		start := s.pos
		if err := s.value(depth + 1); err != nil {
			return nil, err
		}
		m = append(m, member{name, s.data[start:s.pos]})
		s.skipSpace()
		if s.next('}') {
			return m, nil
		}
		if !s.next(',') {
			return nil, errInvalidJSON
		}
	}
}

// array passes over the array that starts here.
func (s *scanner) array(depth int) error {
	if depth == s.maxDepth {
		return s.tooDeep()
	}
	s.pos++
	if s.skipSpace(); s.next(']') {
		return nil
	}
	for {
		s.skipSpace()
		if err := s.value(depth + 1); err != nil {
			return err
		}
		s.skipSpace()
		if s.next(']') {
			return nil
		}
		if !s.next(',') {
			return errInvalidJSON
		}
	}
}

// value passes over the value that starts here.
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
				return errors.New("a number out of range")
			}
		}
	}
	if !ok {
		return errInvalidJSON
	}
	return nil
}

func (s *scanner) tooDeep() error {
	return fmt.Errorf("JSON that is more than %d levels deep", s.maxDepth)
}

func (s *scanner) literal(word string) bool {
	if !strings.HasPrefix(s.data[s.pos:], word) {
		return false
	}
	s.pos += len(word)
	return true
}

// number passes over a number (RFC 8259 section 6).
func (s *scanner) number() bool {
	s.next('-')
	if !s.next('0') && !s.digits() {
		return false
	}
	if s.next('.') && !s.digits() {
		return false
	}
	if s.next('e') || s.next('E') {
		if !s.next('+') {
			s.next('-')
		}
		return s.digits()
	}
	return true
}

// digits passes over one or more.
func (s *scanner) digits() bool {
	start := s.pos
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		s.pos++
	}
	return s.pos > start
}

// text passes over a string (RFC 8259 section 7) and returns it with its quotes.
func (s *scanner) text() (quoted string, ok bool) {
	start := s.pos
	if !s.next('"') {
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

// escape passes over what follows a backslash.
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

// unquote decodes a string that the scanner has passed over, quotes included.
func unquote(quoted string) string {
	if strings.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	var s string
	_ = json.Unmarshal([]byte(quoted), &s) // cannot fail
	return s
}
