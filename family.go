// What the AuthKit family keeps in a session: JSON that its libraries in other languages read and write too.

package authkit

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

// familyUser are the members of a user, and what the API calls them.
var familyUser = map[string]string{
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

// familyTimes are when a session was signed in and renewed, on our clock.
type familyTimes struct {
	SignedInAt time.Time `json:"signedInAt"`
	RenewedAt  time.Time `json:"renewedAt"`
}

func decodeFamily(encoded []byte) (s sealedSession, err error) {
	var session, user object
	if err := json.Unmarshal(encoded, &session); err != nil {
		return s, notFamily(err)
	}
	if err := session.get(memberUser, &user); err != nil {
		return s, notFamily(err)
	}
	renamed := object{}
	for member, name := range familyUser {
		if value, ok := user[member]; ok {
			renamed[name] = value
		}
	}
	var times familyTimes
	var profile workos.User
	for _, err := range []error{
		json.Unmarshal(renamed.encode(), &profile),
		session.get(memberAccessToken, &s.accessToken),
		session.get(memberRefreshToken, &s.refreshToken),
		session.get(memberImpersonator, &s.impersonator),
		session.get(memberMethod, &s.method),
		session.get(memberTimes, &times),
	} {
		if err != nil {
			return s, notFamily(err)
		}
	}
	s.setUser(profile)
	s.family = session
	s.signedInAt, s.renewedAt = times.SignedInAt, times.RenewedAt
	return s, s.settle()
}

// notFamily says that a payload is another one's. The error of encoding/json
// may quote it, so that its type is all that is told.
func notFamily(err error) error {
	return fmt.Errorf("%w: not a session of the AuthKit family (%T)", errSealed, err)
}

// settle ends the decoding of a session that others sealed. When it was signed
// in and renewed they do not say, but the token does.
func (s *sealedSession) settle() error {
	if s.accessToken == "" || s.user.ID == "" {
		return errSealed
	}
	if !s.signedInAt.IsZero() {
		return nil
	}
	claims, err := jwks.UnverifiedClaims(s.accessToken)
	if err != nil {
		return err
	}
	s.signedInAt, s.renewedAt = claims.AuthTime, claims.IssuedAt
	if s.signedInAt.IsZero() || s.signedInAt.After(claims.IssuedAt.Add(clockSkew)) {
		s.signedInAt = claims.IssuedAt // the proof was not given after the token that tells of it
	}
	return nil
}

func encodeFamily(s *Session) ([]byte, error) {
	sealed := s.sealed
	session := maps.Clone(sealed.family)
	if session == nil {
		session = object{}
	}
	session.put(memberAccessToken, sealed.accessToken)
	session.put(memberRefreshToken, sealed.refreshToken)
	session.put(memberTimes, object{}.with("signedInAt", orNull(instant(sealed.signedInAt))).with("renewedAt", orNull(instant(sealed.renewedAt))))
	session.putUnlessEmpty(memberMethod, sealed.method)
	session.putUnlessEmpty(memberOrganizationID, s.OrganizationID())
	if sealed.impersonator == nil {
		delete(session, memberImpersonator)
	} else {
		session.put(memberImpersonator, session.object(memberImpersonator).
			with("email", sealed.impersonator.Email).
			with("reason", orNull(sealed.impersonator.Reason)))
	}
	session.put(memberUser, session.object(memberUser).withUser(sealed.profile()))
	return session.encode(), nil
}
