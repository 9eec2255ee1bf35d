// How what is sealed is written: fields, without reflection.

package authkit

import (
	"encoding/binary"
	"errors"
	"time"
)

// What goes into a cookie, before it is sealed: a version, then fields, each a
// tag, a length and so many bytes. Tags and lengths are unsigned varints. A
// reader passes over tags that it does not know, so that two releases of an
// application can run side by side, and an absent field is a zero value.

const sealedVersion = 1

// errSealed says that opened bytes are not in this encoding. They were sealed
// with our password, so this is another version's, not an attacker's.
var errSealed = errors.New("authkit: the sealed bytes are not in a known encoding")

// encoder appends fields. Those whose absence says the same are left out when
// they are empty.
type encoder []byte

func newEncoder() encoder { return append(make(encoder, 0, 2048), sealedVersion) }

func (e *encoder) bytes(tag uint64, value []byte) {
	if len(value) > 0 {
		e.field(tag, value)
	}
}

// field appends a field even if it is empty.
func (e *encoder) field(tag uint64, value []byte) {
	*e = binary.AppendUvarint(*e, tag)
	*e = binary.AppendUvarint(*e, uint64(len(value)))
	*e = append(*e, value...)
}

func (e *encoder) text(tag uint64, value string) { e.bytes(tag, []byte(value)) }

func (e *encoder) flag(tag uint64, value bool) {
	if value {
		e.bytes(tag, []byte{1})
	}
}

// time keeps milliseconds, the precision of WorkOS's own timestamps.
func (e *encoder) time(tag uint64, value time.Time) {
	if !value.IsZero() {
		e.bytes(tag, binary.AppendVarint(nil, value.UnixMilli()))
	}
}

// decodeFields calls field for each field of an encoding.
func decodeFields(encoded []byte, field func(tag uint64, value []byte) error) error {
	if len(encoded) == 0 || encoded[0] != sealedVersion {
		return errSealed
	}
	rest := encoded[1:]
	for len(rest) > 0 {
		tag, n := binary.Uvarint(rest)
		if n <= 0 {
			return errSealed
		}
		rest = rest[n:]
		length, n := binary.Uvarint(rest)
		if n <= 0 || length > uint64(len(rest)-n) {
			return errSealed
		}
		value := rest[n : n+int(length)]
		rest = rest[n+int(length):]
		if err := field(tag, value); err != nil {
			return err
		}
	}
	return nil
}

func decodeTime(value []byte) (time.Time, error) {
	ms, n := binary.Varint(value)
	if n <= 0 || n != len(value) {
		return time.Time{}, errSealed
	}
	return time.UnixMilli(ms).UTC(), nil
}
