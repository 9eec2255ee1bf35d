// This module's own format: a list of fields.

package payload

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/authkit-go/authkit/internal/fields"
	"github.com/authkit-go/authkit/workos"
)

// The tags of the fields. The number of a removed field must not be reused.
const (
	tagAccessToken        = 1 // a JWT, packed by packToken
	tagRefreshToken       = 2
	tagMethod             = 3
	tagSignedInAt         = 4
	tagRefreshedAt        = 5
	tagImpersonatorEmail  = 6
	tagImpersonatorReason = 7
	tagPlainAccessToken   = 8 // a token that packToken cannot pack
	tagOrigin             = 9
	tagCurrentTo          = 10

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
	tagMetadataKey       = 32 // a tagMetadataValue field follows each
	tagMetadataValue     = 33
)

// Encode encodes a session in this module's own format.
func Encode(s *Session) []byte {
	e := fields.NewEncoder()
	if packed, ok := packToken(s.AccessToken); ok {
		e.Bytes(tagAccessToken, packed)
	} else {
		e.Text(tagPlainAccessToken, s.AccessToken)
	}
	e.Text(tagRefreshToken, s.RefreshToken)
	e.Text(tagMethod, s.AuthenticationMethod)
	e.Time(tagSignedInAt, s.SignedInAt)
	e.Time(tagRefreshedAt, s.RefreshedAt)
	e.Text(tagOrigin, s.Origin)
	e.Time(tagCurrentTo, s.CurrentTo)
	if s.Impersonator != nil {
		e.Field(tagImpersonatorEmail, []byte(s.Impersonator.Email))
		e.Text(tagImpersonatorReason, s.Impersonator.Reason)
	}
	u := &s.User
	e.Text(tagUserID, u.ID)
	e.Text(tagEmail, u.Email)
	e.Flag(tagEmailVerified, u.EmailVerified)
	e.Text(tagFirstName, u.FirstName)
	e.Text(tagLastName, u.LastName)
	e.Text(tagName, u.Name)
	e.Text(tagProfilePictureURL, u.ProfilePictureURL)
	e.Text(tagExternalID, u.ExternalID)
	e.Text(tagLocale, u.Locale)
	e.Time(tagLastSignInAt, u.LastSignInAt)
	e.Time(tagCreatedAt, u.CreatedAt)
	e.Time(tagUpdatedAt, u.UpdatedAt)
	for pair := range slices.Chunk(s.metadata, 2) {
		e.Field(tagMetadataKey, []byte(pair[0]))
		e.Text(tagMetadataValue, pair[1])
	}
	return e
}

// Decode decodes a session in this module's own format. The error is
// [fields.ErrEncoding] if the bytes are not in this format, or if the access
// token or the user ID is missing.
func Decode(encoded []byte) (s Session, err error) {
	err = fields.Decode(encoded, func(tag uint64, value []byte) (err error) {
		switch tag {
		case tagAccessToken:
			s.AccessToken, err = unpackToken(value)
		case tagPlainAccessToken:
			s.AccessToken = string(value)
		case tagRefreshToken:
			s.RefreshToken = string(value)
		case tagMethod:
			s.AuthenticationMethod = string(value)
		case tagSignedInAt:
			s.SignedInAt, err = fields.DecodeTime(value)
		case tagRefreshedAt:
			s.RefreshedAt, err = fields.DecodeTime(value)
		case tagOrigin:
			s.Origin = string(value)
		case tagCurrentTo:
			s.CurrentTo, err = fields.DecodeTime(value)
		case tagImpersonatorEmail:
			s.impersonated().Email = string(value)
		case tagImpersonatorReason:
			s.impersonated().Reason = string(value)
		case tagUserID:
			s.User.ID = string(value)
		case tagEmail:
			s.User.Email = string(value)
		case tagEmailVerified:
			s.User.EmailVerified = true
		case tagFirstName:
			s.User.FirstName = string(value)
		case tagLastName:
			s.User.LastName = string(value)
		case tagName:
			s.User.Name = string(value)
		case tagProfilePictureURL:
			s.User.ProfilePictureURL = string(value)
		case tagExternalID:
			s.User.ExternalID = string(value)
		case tagLocale:
			s.User.Locale = string(value)
		case tagLastSignInAt:
			s.User.LastSignInAt, err = fields.DecodeTime(value)
		case tagCreatedAt:
			s.User.CreatedAt, err = fields.DecodeTime(value)
		case tagUpdatedAt:
			s.User.UpdatedAt, err = fields.DecodeTime(value)
		case tagMetadataKey:
			s.metadata = append(s.metadata, string(value), "")
		case tagMetadataValue:
			if s.metadata == nil {
				return fields.ErrEncoding
			}
			s.metadata[len(s.metadata)-1] = string(value)
		}
		return err
	})
	if err == nil && (s.AccessToken == "" || s.User.ID == "") {
		err = fields.ErrEncoding
	}
	return s, err
}

// impersonated returns the impersonator, which it creates if there is none.
func (s *Session) impersonated() *workos.Impersonator {
	if s.Impersonator == nil {
		s.Impersonator = &workos.Impersonator{}
	}
	return s.Impersonator
}

// packToken decodes the base64url encoding of the three parts of a JWT (RFC
// 7515, section 7.1). Sealing encodes all bytes in base64 again, so the cookie
// becomes a quarter smaller. packToken reports false for a token that unpackToken
// would not restore exactly.
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
			return "", fmt.Errorf("%w: access token", fields.ErrEncoding)
		}
		if i > 0 {
			token = append(token, '.')
		}
		token = base64.RawURLEncoding.AppendEncode(token, packed[n:n+int(length)])
		packed = packed[n+int(length):]
	}
	if len(packed) > 0 {
		return "", fmt.Errorf("%w: access token", fields.ErrEncoding)
	}
	return string(token), nil
}
