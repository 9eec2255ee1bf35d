// The content of a success in the store: the session or the refresh token that
// another instance has got for a refresh token.

package authkit

import (
	"errors"

	"github.com/authkit-go/authkit/internal/payload"
)

// successor is the content of a success in the store.
type successor struct {
	organization string // that the exchange asked for
	session      payload.Session
	tokenOnly    bool // only the refresh token of session is set
}

// The first byte of an encoded successor.
const (
	wholeSuccessor = 1 // the length of the organization, the organization, a session
	tokenSuccessor = 2 // a refresh token
)

// maxSuccessor is the size of the largest session that the store keeps. A larger one does
// not fit into cookies either. Its refresh token is enough to continue.
const maxSuccessor = 48 << 10

// encodeSuccessor encodes a session that an exchange for an organization has made.
func encodeSuccessor(organization string, s *payload.Session) []byte {
	if len(organization) > 255 {
		return encodeSuccessorToken(s.RefreshToken)
	}
	encoded := append([]byte{wholeSuccessor, byte(len(organization))}, organization...)
	if encoded = append(encoded, payload.Encode(s)...); len(encoded) > maxSuccessor {
		return encodeSuccessorToken(s.RefreshToken)
	}
	return encoded
}

// encodeSuccessorToken encodes a refresh token whose session is not known.
func encodeSuccessorToken(token string) []byte { return append([]byte{tokenSuccessor}, token...) }

func decodeSuccessor(encoded []byte) (s successor, err error) {
	malformed := errors.New("the record of an exchange has an unknown form")
	switch {
	case len(encoded) > 1 && encoded[0] == tokenSuccessor:
		s.tokenOnly, s.session.RefreshToken = true, string(encoded[1:])
		return s, nil
	case len(encoded) < 2 || encoded[0] != wholeSuccessor || len(encoded) < 2+int(encoded[1]):
		return s, malformed
	}
	end := 2 + int(encoded[1])
	s.organization = string(encoded[2:end])
	s.session, err = payload.Decode(encoded[end:])
	if err == nil && s.session.RefreshToken == "" {
		err = malformed
	}
	return s, err
}

// successorToken returns the refresh token of an encoded successor. It is a
// replica.TokenOf.
func successorToken(encoded []byte) (token string, ok bool) {
	s, err := decodeSuccessor(encoded)
	return s.session.RefreshToken, err == nil
}

// mergedInto returns the content of old with what the exchange has changed. What only
// the cookie has, such as the members of other libraries, stays.
func (s *successor) mergedInto(old *Session) payload.Session {
	next := *old.sealed
	next.Unsealed = false
	next.AccessToken, next.RefreshToken, next.Origin = s.session.AccessToken, s.session.RefreshToken, s.session.Origin
	next.RefreshedAt, next.CurrentTo = s.session.RefreshedAt, s.session.CurrentTo
	next.AuthenticationMethod, next.Impersonator = s.session.AuthenticationMethod, s.session.Impersonator
	next.SetUser(s.session.Profile())
	return next
}
