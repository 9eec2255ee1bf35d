// The formats that a session is kept in: the one that is written, and those that are read besides.

package authkit

import (
	"errors"
	"net/http"

	"github.com/authkit-go/authkit/seal"
)

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
		family.sealer = iron.WithClock(c.clock.Now)
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

// errNoSession says that a request brings no session at all.
var errNoSession = errors.New("authkit: no session cookie")

// errSeveral says that session cookies came of which no reading opens.
var errSeveral = errors.New("authkit: session cookies came more than once or in parts, and no reading of them opens")

// openSession opens the session that a request brings: in this application's
// own cookie, which the caller has found, or else in one that it accepts from
// others. Nothing of it is verified but the seal.
func (a *AuthKit) openSession(h http.Header, own *sessionCookie) (sealedSession, error) {
	var refusals []error
	if own.count > 0 {
		sealed, err := a.format.open(own.text())
		if err == nil {
			return sealed, nil
		}
		refusals = append(refusals, err)
	}
	if own.several {
		if opened := a.openCandidates(a.cookies.candidates(h, false)); len(opened) > 0 {
			return a.chooseSession(opened)
		}
		refusals = append(refusals, errSeveral)
	}
	for _, name := range a.cookies.foreignNames {
		opened, refused := a.openForeign(h, name)
		if len(opened) > 0 {
			return a.chooseSession(opened)
		}
		refusals = append(refusals, refused...)
	}
	if refusals == nil {
		return sealedSession{}, errNoSession
	}
	return sealedSession{}, errors.Join(refusals...)
}

// openCandidates opens what can be opened of the candidates for our own cookie.
func (a *AuthKit) openCandidates(texts []string) (opened []sealedSession) {
	for _, text := range texts {
		if sealed, err := a.format.open(text); err == nil {
			opened = append(opened, sealed)
		}
	}
	return opened
}

// openForeign opens what can be opened of the cookies of one name that is
// accepted from others. It tells why the rest was refused.
func (a *AuthKit) openForeign(h http.Header, name string) (opened []sealedSession, refused []error) {
	for _, text := range valuesOf(h, name) {
		for i := range a.foreign {
			sealed, err := a.foreign[i].open(text)
			if err == nil {
				sealed.foreign = true
				opened = append(opened, sealed)
				break
			}
			refused = append(refused, err)
		}
	}
	return opened, refused
}
