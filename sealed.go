// What the session cookie holds.

package authkit

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/authkit-go/authkit/workos"
)

// sealedSession is what the session cookie holds.
type sealedSession struct {
	accessToken, refreshToken string
	user                      workos.User // without its metadata
	metadata                  metadata
	impersonator              *workos.Impersonator
	method                    string
	signedInAt                time.Time // our clock: the absolute limit counts from here
	renewedAt                 time.Time // our clock: the idle limit counts from here

	foreign bool // sealed by others, in a format that is not this application's own

	// family is the payload that it was read from, where that was the
	// family's: members that only others know are kept there.
	family object
}

// metadata are the keys of a user's metadata, sorted, each followed by its value:
// a fraction of what a map takes, which counts where many sessions are kept.
type metadata []string

// setUser keeps a user.
func (s *sealedSession) setUser(u workos.User) {
	s.metadata = nil
	for _, key := range slices.Sorted(maps.Keys(u.Metadata)) {
		s.metadata = append(s.metadata, key, u.Metadata[key])
	}
	u.Metadata = nil
	s.user = u
}

// profile is the user, in a copy.
func (s *sealedSession) profile() workos.User {
	u := s.user
	if s.metadata != nil {
		u.Metadata = make(map[string]string, len(s.metadata)/2)
	}
	for pair := range slices.Chunk(s.metadata, 2) {
		u.Metadata[pair[0]] = pair[1]
	}
	return u
}

func (m metadata) size() (size int) {
	for _, text := range m {
		size += len(text)
	}
	return size
}

// size is about how many bytes a session takes in memory, its claims included.
func (s *sealedSession) size() int {
	u := &s.user
	size := 2*len(s.accessToken) + len(s.refreshToken) + len(u.Email) + len(u.Name) + len(u.FirstName) + len(u.LastName) + len(u.ProfilePictureURL)
	size += s.metadata.size() + 16*len(s.metadata)
	for member, value := range s.family {
		size += len(member) + len(value) + 64
	}
	return size
}

// contents tells how many bytes of what a session holds, for an operator whose
// sessions have grown too large.
func (s *sealedSession) contents() string {
	others := 0
	for member, value := range s.family {
		switch member {
		case memberAccessToken, memberRefreshToken, memberUser, memberTimes:
		default:
			others += len(member) + len(value)
		}
	}
	u := &s.user
	profile := len(u.ID) + len(u.Email) + len(u.FirstName) + len(u.LastName) + len(u.Name) + len(u.ProfilePictureURL) + len(u.ExternalID)
	text := fmt.Sprintf("the access token has %d bytes, the refresh token %d, the profile %d, its metadata %d",
		len(s.accessToken), len(s.refreshToken), profile, s.metadata.size())
	if others > 0 {
		text += fmt.Sprintf(", members that other libraries put there %d", others)
	}
	return text
}

// The tags of a sealedSession. A number is never used again for another thing.
const (
	tagAccessToken        = 1 // a JWT, as packToken has it
	tagRefreshToken       = 2
	tagMethod             = 3
	tagSignedInAt         = 4
	tagRenewedAt          = 5
	tagImpersonatorEmail  = 6
	tagImpersonatorReason = 7
	tagPlainAccessToken   = 8 // an access token that packToken could not pack

	tagUserID            = 20
	tagEmail             = 21
	tagEmailVerified     = 22
	tagFirstName         = 23
	tagLastName          = 24
	tagName              = 25
	tagProfilePictureURL = 26
	tagExternalID        = 27
	tagLocale            = 28
	tagLastSignInAt      = 29
	tagCreatedAt         = 30
	tagUpdatedAt         = 31
	tagMetadataKey       = 32 // each followed by its value
	tagMetadataValue     = 33
)

func (s *sealedSession) encode() []byte {
	e := newEncoder()
	if packed, ok := packToken(s.accessToken); ok {
		e.bytes(tagAccessToken, packed)
	} else {
		e.text(tagPlainAccessToken, s.accessToken)
	}
	e.text(tagRefreshToken, s.refreshToken)
	e.text(tagMethod, s.method)
	e.time(tagSignedInAt, s.signedInAt)
	e.time(tagRenewedAt, s.renewedAt)
	if s.impersonator != nil {
		e.field(tagImpersonatorEmail, []byte(s.impersonator.Email))
		e.text(tagImpersonatorReason, s.impersonator.Reason)
	}
	u := &s.user
	e.text(tagUserID, u.ID)
	e.text(tagEmail, u.Email)
	e.flag(tagEmailVerified, u.EmailVerified)
	e.text(tagFirstName, u.FirstName)
	e.text(tagLastName, u.LastName)
	e.text(tagName, u.Name)
	e.text(tagProfilePictureURL, u.ProfilePictureURL)
	e.text(tagExternalID, u.ExternalID)
	e.text(tagLocale, u.Locale)
	e.time(tagLastSignInAt, u.LastSignInAt)
	e.time(tagCreatedAt, u.CreatedAt)
	e.time(tagUpdatedAt, u.UpdatedAt)
	for pair := range slices.Chunk(s.metadata, 2) {
		e.field(tagMetadataKey, []byte(pair[0]))
		e.text(tagMetadataValue, pair[1])
	}
	return e
}

func decodeSealedSession(encoded []byte) (s sealedSession, err error) {
	err = decodeFields(encoded, func(tag uint64, value []byte) (err error) {
		switch tag {
		case tagAccessToken:
			s.accessToken, err = unpackToken(value)
		case tagPlainAccessToken:
			s.accessToken = string(value)
		case tagRefreshToken:
			s.refreshToken = string(value)
		case tagMethod:
			s.method = string(value)
		case tagSignedInAt:
			s.signedInAt, err = decodeTime(value)
		case tagRenewedAt:
			s.renewedAt, err = decodeTime(value)
		case tagImpersonatorEmail:
			s.impersonated().Email = string(value)
		case tagImpersonatorReason:
			s.impersonated().Reason = string(value)
		case tagUserID:
			s.user.ID = string(value)
		case tagEmail:
			s.user.Email = string(value)
		case tagEmailVerified:
			s.user.EmailVerified = true
		case tagFirstName:
			s.user.FirstName = string(value)
		case tagLastName:
			s.user.LastName = string(value)
		case tagName:
			s.user.Name = string(value)
		case tagProfilePictureURL:
			s.user.ProfilePictureURL = string(value)
		case tagExternalID:
			s.user.ExternalID = string(value)
		case tagLocale:
			s.user.Locale = string(value)
		case tagLastSignInAt:
			s.user.LastSignInAt, err = decodeTime(value)
		case tagCreatedAt:
			s.user.CreatedAt, err = decodeTime(value)
		case tagUpdatedAt:
			s.user.UpdatedAt, err = decodeTime(value)
		case tagMetadataKey:
			s.metadata = append(s.metadata, string(value), "")
		case tagMetadataValue:
			if s.metadata == nil {
				return errSealed
			}
			s.metadata[len(s.metadata)-1] = string(value)
		}
		return err
	})
	if err == nil && (s.accessToken == "" || s.user.ID == "") {
		err = errSealed
	}
	return s, err
}

func (s *sealedSession) impersonated() *workos.Impersonator {
	if s.impersonator == nil {
		s.impersonator = &workos.Impersonator{}
	}
	return s.impersonator
}

// packToken takes the base64url off a JWT's three parts (RFC 7515, section
// 7.1), which sealing puts on again: a quarter less in the cookie. It declines
// a token that would not come back to the letter.
func packToken(token string) ([]byte, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, false
	}
	var packed []byte
	for _, part := range parts {
		octets, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil || strings.ContainsAny(part, "\r\n") {
			return nil, false
		}
		packed = binary.AppendUvarint(packed, uint64(len(octets)))
		packed = append(packed, octets...)
	}
	return packed, true
}

func unpackToken(packed []byte) (string, error) {
	token := make([]byte, 0, base64.RawURLEncoding.EncodedLen(len(packed))+3)
	for i := range 3 {
		length, n := binary.Uvarint(packed)
		if n <= 0 || length > uint64(len(packed)-n) {
			return "", fmt.Errorf("%w: access token", errSealed)
		}
		if i > 0 {
			token = append(token, '.')
		}
		token = base64.RawURLEncoding.AppendEncode(token, packed[n:n+int(length)])
		packed = packed[n+int(length):]
	}
	if len(packed) > 0 {
		return "", fmt.Errorf("%w: access token", errSealed)
	}
	return string(token), nil
}
