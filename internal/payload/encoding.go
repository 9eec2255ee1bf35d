// This module's own format: a list of fields.

package payload

import (
	"slices"

	"github.com/authkit-go/authkit/internal/fields"
	"github.com/authkit-go/authkit/workos"
)

// The tags of the fields. The number of a removed field must not be reused.
const (
	tagAccessToken        = 1 // a JWT, packed
	tagRefreshToken       = 2
	tagMethod             = 3
	tagSignedInAt         = 4
	tagRefreshedAt        = 5
	tagImpersonatorEmail  = 6
	tagImpersonatorReason = 7
	tagPlainAccessToken   = 8 // a token that cannot be packed
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
	// These are in the short encoding only.
	tagUserIDInToken = 34 // where the payload of the token contains the user ID: its position and its length
	tagNameOfBoth    = 35 // the name is the first name, a space and the last name
)

// Encode encodes a session in this module's own format.
func Encode(s *Session) []byte { return encode(s, false) }

// EncodeShort is Encode without what the session contains twice: the user ID, which is in
// the token too, and a name that consists of the first and the last name. Versions before
// the compact seal do not read it. So it is for what they do not open anyway.
func EncodeShort(s *Session) []byte { return encode(s, true) }

func encode(s *Session, short bool) []byte {
	e := fields.NewEncoder()
	if packed, ok := s.AccessToken.pack(); ok {
		e.Bytes(tagAccessToken, packed)
	} else {
		e.Text(tagPlainAccessToken, s.AccessToken.text)
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
	if place, ok := s.AccessToken.place(u.ID); ok && short {
		e.Field(tagUserIDInToken, place)
	} else {
		e.Text(tagUserID, u.ID)
	}
	e.Text(tagEmail, u.Email)
	e.Flag(tagEmailVerified, u.EmailVerified)
	e.Text(tagFirstName, u.FirstName)
	e.Text(tagLastName, u.LastName)
	if short && u.Name == u.FirstName+" "+u.LastName {
		e.Flag(tagNameOfBoth, true)
	} else {
		e.Text(tagName, u.Name)
	}
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

// Decode decodes a session in this module's own format, encoded by Encode or EncodeShort. The error is
// [fields.ErrEncoding] if the bytes are not in this format, or if the access
// token or the user ID is missing.
func Decode(encoded []byte) (s Session, err error) {
	// The texts of the profile share one string, which is one allocation instead of one for
	// each. They come last. Refresh tokens are kept for longer than their session, so they
	// have a string of their own.
	profile, begin := "", 0
	err = fields.DecodeAt(encoded, func(tag uint64, start, end int) (err error) {
		value := encoded[start:end]
		if tag >= tagUserID && profile == "" {
			profile, begin = string(encoded[start:]), start
		}
		switch tag {
		case tagAccessToken:
			s.AccessToken, err = unpackToken(value)
		case tagPlainAccessToken:
			s.AccessToken = UnsplitToken(string(value))
		case tagRefreshToken:
			s.RefreshToken = string(value)
		case tagMethod:
			s.AuthenticationMethod = repeatedText(value)
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
			s.User.ID = profile[start-begin : end-begin]
		case tagUserIDInToken:
			s.User.ID, err = s.AccessToken.at(value)
		case tagNameOfBoth:
			s.User.Name = s.User.FirstName + " " + s.User.LastName
		case tagEmail:
			s.User.Email = profile[start-begin : end-begin]
		case tagEmailVerified:
			s.User.EmailVerified = true
		case tagFirstName:
			s.User.FirstName = profile[start-begin : end-begin]
		case tagLastName:
			s.User.LastName = profile[start-begin : end-begin]
		case tagName:
			s.User.Name = profile[start-begin : end-begin]
		case tagProfilePictureURL:
			s.User.ProfilePictureURL = profile[start-begin : end-begin]
		case tagExternalID:
			s.User.ExternalID = profile[start-begin : end-begin]
		case tagLocale:
			s.User.Locale = profile[start-begin : end-begin]
		case tagLastSignInAt:
			s.User.LastSignInAt, err = fields.DecodeTime(value)
		case tagCreatedAt:
			s.User.CreatedAt, err = fields.DecodeTime(value)
		case tagUpdatedAt:
			s.User.UpdatedAt, err = fields.DecodeTime(value)
		case tagMetadataKey:
			s.metadata = append(s.metadata, profile[start-begin:end-begin], "")
		case tagMetadataValue:
			if s.metadata == nil {
				return fields.ErrEncoding
			}
			s.metadata[len(s.metadata)-1] = profile[start-begin : end-begin]
		}
		return err
	})
	if err == nil && (s.AccessToken.IsZero() || s.User.ID == "") {
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
