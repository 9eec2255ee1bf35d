// Splits a JSON object into its members. encoding/json alone will not do for claims: it matches names without regard to
// case, takes the last of two members of one name, and mends broken UTF-8.

package jwks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// members are the values of a JSON object by their decoded names, each as it was written.
type members map[string]json.RawMessage

// splitObject splits a JSON object (RFC 8259) that is valid UTF-8 and in which no object, at any depth, has two members
// of one name: RFC 7515 section 5.2 and RFC 7519 section 7.2 leave it to us to refuse those, and two parsers
// that disagree on which of the two counts are an attack.
func splitObject(data []byte) (members, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("invalid UTF-8")
	}
	if !json.Valid(data) {
		return nil, errors.New("invalid JSON")
	}
	s := scanner{data: data}
	s.skipSpace()
	if s.data[s.pos] != '{' {
		return nil, errors.New("JSON that is not an object")
	}
	return s.object()
}

// str decodes the member called name if it is present and a string.
func (m members) str(name string) (value string, ok bool) {
	raw := m[name]
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	return unquoteJSON(raw), true
}

// describe tells the JSON type of the member called name, for an error text that must not show its value.
func (m members) describe(name string) string {
	raw, ok := m[name]
	if !ok {
		return "nothing"
	}
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		if len(raw) == len(`""`) {
			return "an empty string"
		}
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}

// scanner walks over JSON that json.Valid has accepted: it looks for where values end, not for whether they are right.
type scanner struct {
	data []byte
	pos  int
}

// object reads the object that starts at pos, refusing duplicate names in it and below.
func (s *scanner) object() (members, error) {
	m := make(members)
	for s.pos++; !s.closes('}'); {
		name := unquoteJSON(s.str())
		if _, dup := m[name]; dup {
			return nil, fmt.Errorf("member %s twice", quote(name))
		}
		s.skipSpace()
		s.pos++ // the colon
		s.skipSpace()
		start := s.pos
		if err := s.value(); err != nil {
			return nil, err
		}
		m[name] = s.data[start:s.pos]
	}
	return m, nil
}

// array passes over the array that starts at pos.
func (s *scanner) array() error {
	for s.pos++; !s.closes(']'); {
		if err := s.value(); err != nil {
			return err
		}
	}
	return nil
}

// value passes over the value that starts at pos.
func (s *scanner) value() error {
	switch s.data[s.pos] {
	case '{':
		_, err := s.object()
		return err
	case '[':
		return s.array()
	case '"':
		s.str()
	default: // a number, true, false or null
		for s.pos < len(s.data) && !endsLiteral(s.data[s.pos]) {
			s.pos++
		}
	}
	return nil
}

// closes passes over space and a comma, and over the closing bracket if that comes next.
func (s *scanner) closes(bracket byte) bool {
	s.skipSpace()
	if s.data[s.pos] == ',' {
		s.pos++
		s.skipSpace()
	}
	if s.data[s.pos] != bracket {
		return false
	}
	s.pos++
	return true
}

// str passes over the string that starts at pos and returns it with its quotes.
func (s *scanner) str() []byte {
	start := s.pos
	for s.pos++; s.data[s.pos] != '"'; s.pos++ {
		if s.data[s.pos] == '\\' {
			s.pos++
		}
	}
	s.pos++
	return s.data[start:s.pos]
}

func (s *scanner) skipSpace() {
	for s.pos < len(s.data) && isSpace(s.data[s.pos]) {
		s.pos++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func endsLiteral(c byte) bool { return c == ',' || c == '}' || c == ']' || isSpace(c) }

// unquoteJSON decodes a valid JSON string, quotes included.
func unquoteJSON(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	_ = json.Unmarshal(raw, &s) // cannot fail: raw is part of valid JSON
	return s
}
