// The shared format: JSON that AuthKit libraries in other languages read and write too.

package payload

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/authkit-go/authkit/internal/fields"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

// sharedUser maps the members of a user to the names that the WorkOS API uses.
var sharedUser = map[string]string{
	"id":                "id",
	"email":             "email",
	"emailVerified":     "email_verified",
	"firstName":         "first_name",
	"lastName":          "last_name",
	"name":              "name",
	"profilePictureUrl": "profile_picture_url",
	"externalId":        "external_id",
	"locale":            "locale",
	"metadata":          "metadata",
	"lastSignInAt":      "last_sign_in_at",
	"createdAt":         "created_at",
	"updatedAt":         "updated_at",
}

// sharedTimes holds what this package adds to a session: the times of sign-in and of
// the last refresh, on this application's clock, the origin, whether the tokens came from a
// cookie without a seal, and [Session.CurrentTo]. Sealed sessions contain the member names,
// so they must not change.
type sharedTimes struct {
	SignedInAt  time.Time `json:"signedInAt"`
	RefreshedAt time.Time `json:"renewedAt"`
	Origin      []byte    `json:"origin"` // as [Session.Origin]
	Unsealed    bool      `json:"unsealed"`
	CurrentTo   time.Time `json:"currentTo"`
}

// DecodeShared decodes a session in the shared format. If the session does not
// hold the times of this module, they are read from the access token. The error
// quotes nothing of the session.
//
// An earlier version of iron-session put the session into the member persistent,
// beside the member flash. Such a session is accepted, and [EncodeShared] encodes it
// without them. Its content tells it apart. The suffix of its seal does not: the mac
// of a seal does not cover the suffix.
func DecodeShared(encoded []byte) (s Session, err error) {
	var session, user object
	if err := json.Unmarshal(encoded, &session); err != nil {
		return s, notShared(err)
	}
	if _, current := session[memberAccessToken]; !current {
		if earlier := session.object(memberPersistent); len(earlier) > 0 {
			session = earlier
		}
	}
	if err := session.get(memberUser, &user); err != nil {
		return s, notShared(err)
	}
	renamed := object{}
	for member, name := range sharedUser {
		if value, ok := user[member]; ok {
			renamed[name] = value
		}
	}
	var times sharedTimes
	var profile workos.User
	var token string
	for _, err := range []error{
		json.Unmarshal(renamed.encode(), &profile),
		session.get(memberAccessToken, &token),
		session.get(memberRefreshToken, &s.RefreshToken),
		session.get(memberImpersonator, &s.Impersonator),
		session.get(memberMethod, &s.AuthenticationMethod),
		session.get(memberTimes, &times),
	} {
		if err != nil {
			return s, notShared(err)
		}
	}
	s.AccessToken = NewToken(token)
	s.SetUser(profile)
	s.shared = session
	s.SignedInAt, s.RefreshedAt, s.Origin = times.SignedInAt, times.RefreshedAt, string(times.Origin)
	s.Unsealed, s.CurrentTo = times.Unsealed, times.CurrentTo
	return s, s.complete()
}

// notShared returns the error for bytes that are not a session in the shared
// format. An error of encoding/json may quote the session, so only its type is
// included.
func notShared(err error) error {
	return fmt.Errorf("%w: not a session in the shared format (%T)", fields.ErrEncoding, err)
}

// complete checks a session that another library sealed, and sets its times if
// they are missing. They are read from the access token, because other libraries
// do not store them.
func (s *Session) complete() error {
	if s.AccessToken.IsZero() || s.User.ID == "" {
		return fields.ErrEncoding
	}
	if !s.SignedInAt.IsZero() {
		return nil
	}
	claims, err := s.AccessToken.UnverifiedClaims()
	if err != nil {
		return err
	}
	s.SignedInAt, s.RefreshedAt = claims.AuthTime, claims.IssuedAt
	if s.SignedInAt.IsZero() || s.SignedInAt.After(claims.IssuedAt.Add(jwks.DefaultLeeway)) {
		s.SignedInAt = claims.IssuedAt // the user cannot have signed in after the token was issued
	}
	return nil
}

// EncodeShared encodes a session in the shared format. organizationID is the
// organization of the access token, or "". Members that only other libraries
// know are kept from the session that was decoded.
func EncodeShared(s *Session, organizationID string) []byte {
	session := maps.Clone(s.shared)
	if session == nil {
		session = object{}
	}
	session.put(memberAccessToken, s.AccessToken.Text())
	session.put(memberRefreshToken, s.RefreshToken)
	times := object{}.with("signedInAt", orNull(instant(s.SignedInAt))).with("renewedAt", orNull(instant(s.RefreshedAt)))
	if s.Origin != "" {
		times.put("origin", []byte(s.Origin))
	}
	if s.Unsealed {
		times.put("unsealed", true)
	}
	if !s.CurrentTo.IsZero() {
		times.put("currentTo", instant(s.CurrentTo))
	}
	session.put(memberTimes, times)
	session.putUnlessEmpty(memberMethod, s.AuthenticationMethod)
	session.putUnlessEmpty(memberOrganizationID, organizationID)
	if s.Impersonator == nil {
		delete(session, memberImpersonator)
	} else {
		session.put(memberImpersonator, session.object(memberImpersonator).
			with("email", s.Impersonator.Email).
			with("reason", orNull(s.Impersonator.Reason)))
	}
	session.put(memberUser, session.object(memberUser).withUser(s.Profile()))
	return session.encode()
}
