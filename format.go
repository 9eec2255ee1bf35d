// The formats of session cookies: the one that is written, and those that are
// accepted too.

package authkit

import (
	"errors"
	"fmt"

	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/seal"
)

// format is a format of session cookies: an encoding and a seal.
type format struct {
	sealer seal.Sealer
	encode func(*Session) []byte // nil if the format is only read
	decode func([]byte) (payload.Session, error)
}

// seal seals a session. The error matches [ErrSessionTooLarge] if the format opens no text
// of that length.
func (f *format) seal(s *Session) (string, error) {
	text, err := f.sealer.Seal(f.encode(s))
	if errors.Is(err, seal.ErrTooLong) {
		return "", tooLarge(s, err)
	}
	return text, err
}

// tooLarge returns an error that matches [ErrSessionTooLarge] and lists the size
// of each part of the session.
func tooLarge(s *Session, err error) error {
	return fmt.Errorf("%w: %w: %s", ErrSessionTooLarge, err, s.sealed.Breakdown())
}

func (f *format) open(text string) (payload.Session, error) {
	encoded, err := f.sealer.Open(text)
	if err != nil {
		return payload.Session{}, err
	}
	return f.decode(encoded)
}

// newFormats returns the format of this application's own session cookie, and the
// formats that it accepts from other libraries.
func newFormats(c *config, sessionName string) (own format, foreign []format, err error) {
	shared := format{encode: encodeShared, decode: payload.DecodeShared}
	if c.shared || c.foreignNames != nil {
		iron, err := seal.Iron(c.passwords...)
		if err != nil {
			return own, nil, err
		}
		shared.sealer = iron.WithClock(c.clock)
	}
	if c.shared {
		own = shared
	} else {
		own = format{encode: encodeSession, decode: payload.Decode}
		if c.compact {
			own.encode = encodeShortSession
		}
		if own.sealer, err = newSealer(c, "session/"+sessionName); err != nil {
			return own, nil, err
		}
	}
	if c.foreignNames != nil {
		workOSGo, err := seal.WorkOSGo(c.passwords...)
		if err != nil {
			return own, nil, err
		}
		foreign = []format{shared, {sealer: workOSGo, decode: payload.DecodeWorkOSGo}}
	}
	return own, foreign, nil
}

// newSealer returns the sealer of this application's own cookies for a purpose. It opens
// both of this module's formats, so that the option for the format can be changed.
func newSealer(c *config, purpose string) (seal.Sealer, error) {
	both, err := seal.SecureCookie(purpose, c.passwords...)
	if err != nil || !c.compact {
		return both, err
	}
	compact, err := seal.Compact(purpose, c.passwords...)
	return compactSealer{both, compact}, err
}

// compactSealer seals in the compact format, and opens both.
type compactSealer struct {
	seal.Sealer // opens
	compact     seal.Sealer
}

func (s compactSealer) Seal(plaintext []byte) (string, error) { return s.compact.Seal(plaintext) }

func encodeSession(s *Session) []byte { return payload.Encode(s.sealed) }

// encodeShortSession is for the compact seal: instances that do not read the one do not
// read the other.
func encodeShortSession(s *Session) []byte { return payload.EncodeShort(s.sealed) }

func encodeShared(s *Session) []byte { return payload.EncodeShared(s.sealed, s.OrganizationID()) }
