// The formats of session cookies: the one that is written, and those that are
// accepted too.

package authkit

import (
	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/seal"
)

// format is a format of session cookies: an encoding and a seal.
type format struct {
	sealer seal.Sealer
	encode func(*Session) []byte // nil if the format is only read
	decode func([]byte) (payload.Session, error)
}

func (f *format) seal(s *Session) (string, error) {
	return f.sealer.Seal(f.encode(s))
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
		if own.sealer, err = seal.SecureCookie("session/"+sessionName, c.passwords...); err != nil {
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

func encodeSession(s *Session) []byte { return payload.Encode(s.sealed) }

func encodeShared(s *Session) []byte { return payload.EncodeShared(s.sealed, s.OrganizationID()) }
