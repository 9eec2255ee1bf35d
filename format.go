// The formats that a session is kept in: the one that is written, and those that are read besides.

package authkit

import "github.com/authkit-go/authkit/seal"

// format is a way to keep a session in a cookie: how it is written down, and
// how that is sealed.
type format struct {
	sealer seal.Sealer
	encode func(*Session) ([]byte, error) // nil where sessions are only read
	decode func([]byte) (sealedSession, error)
}

func (f *format) seal(s *Session) (string, error) {
	encoded, err := f.encode(s)
	if err != nil {
		return "", err
	}
	return f.sealer.Seal(encoded)
}

func (f *format) open(text string) (sealedSession, error) {
	encoded, err := f.sealer.Open(text)
	if err != nil {
		return sealedSession{}, err
	}
	return f.decode(encoded)
}

// newFormats returns the format of this application's own session cookie, and
// those of the sessions that it accepts from others.
func newFormats(c *config, sessionName string) (own format, foreign []format, err error) {
	family := format{encode: encodeFamily, decode: decodeFamily}
	if c.shared || c.foreignNames != nil {
		iron, err := seal.Iron(c.passwords...)
		if err != nil {
			return own, nil, err
		}
		family.sealer = iron.WithClock(c.clock)
	}
	if c.shared {
		own = family
	} else {
		own = format{encode: encodeSession, decode: decodeSealedSession}
		if own.sealer, err = seal.SecureCookie("session/"+sessionName, c.passwords...); err != nil {
			return own, nil, err
		}
	}
	if c.foreignNames != nil {
		workOSGo, err := seal.WorkOSGo(c.passwords...)
		if err != nil {
			return own, nil, err
		}
		foreign = []format{family, {sealer: workOSGo, decode: decodeWorkOSGo}}
	}
	return own, foreign, nil
}

func encodeSession(s *Session) ([]byte, error) { return s.sealed.encode(), nil }
