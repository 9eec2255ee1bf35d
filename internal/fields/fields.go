// Package fields encodes what is sealed into cookies as a list of fields,
// without reflection.
//
// An encoding starts with a version byte. Each field is a tag, a length and
// that many bytes. Tags and lengths are unsigned varints. A reader skips tags
// that it does not know, so that two releases of an application can run at the
// same time. An absent field has the zero value.
package fields

import (
	"encoding/binary"
	"errors"
	"time"
)

// Version is the first byte of every encoding.
const Version = 1

// ErrEncoding is returned for bytes that are not in this encoding. Only bytes
// that this application's password sealed are decoded, so they come from another
// version and not from an attacker.
var ErrEncoding = errors.New("authkit: the sealed bytes are not in a known encoding")

// Encoder is an encoding to which fields are appended. All methods except Field
// leave out empty values.
type Encoder []byte

// NewEncoder returns an encoding without fields.
func NewEncoder() Encoder { return append(make(Encoder, 0, 2048), Version) }

// Bytes appends a field, unless value is empty. Inlined into the encoders of sessions and sign-ins, it would make each
// program larger by more than all of this package.
//
//go:noinline
func (e *Encoder) Bytes(tag uint64, value []byte) {
	if len(value) > 0 {
		e.Field(tag, value)
	}
}

// Field appends a field, even if value is empty.
func (e *Encoder) Field(tag uint64, value []byte) {
	*e = binary.AppendUvarint(*e, tag)
	*e = binary.AppendUvarint(*e, uint64(len(value)))
	*e = append(*e, value...)
}

// Text appends a text, unless it is empty.
func (e *Encoder) Text(tag uint64, value string) { e.Bytes(tag, []byte(value)) }

// Flag appends a field if value is true.
func (e *Encoder) Flag(tag uint64, value bool) {
	if value {
		e.Bytes(tag, []byte{1})
	}
}

// Time appends a time in milliseconds, unless it is zero. WorkOS's timestamps
// have the same precision.
func (e *Encoder) Time(tag uint64, value time.Time) {
	if !value.IsZero() {
		e.Bytes(tag, binary.AppendVarint(nil, value.UnixMilli()))
	}
}

// Decode calls field for each field of an encoding, in order. It stops at the
// first error of field and returns it. It returns [ErrEncoding] if the bytes are
// not in this encoding.
func Decode(encoded []byte, field func(tag uint64, value []byte) error) error {
	return DecodeAt(encoded, func(tag uint64, start, end int) error { return field(tag, encoded[start:end]) })
}

// DecodeAt is [Decode] for a function that gets the place of each value in the encoding.
func DecodeAt(encoded []byte, field func(tag uint64, start, end int) error) error {
	if len(encoded) == 0 || encoded[0] != Version {
		return ErrEncoding
	}
	for at := 1; at < len(encoded); {
		tag, n := binary.Uvarint(encoded[at:])
		if n <= 0 {
			return ErrEncoding
		}
		at += n
		length, n := binary.Uvarint(encoded[at:])
		if n <= 0 || length > uint64(len(encoded)-at-n) {
			return ErrEncoding
		}
		start := at + n
		at = start + int(length)
		if err := field(tag, start, at); err != nil {
			return err
		}
	}
	return nil
}

// DecodeTime decodes the value that [Encoder.Time] appends.
func DecodeTime(value []byte) (time.Time, error) {
	ms, n := binary.Varint(value)
	if n <= 0 || n != len(value) {
		return time.Time{}, ErrEncoding
	}
	return time.UnixMilli(ms).UTC(), nil
}
