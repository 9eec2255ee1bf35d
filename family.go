// What the AuthKit family keeps in a session: JSON that its libraries in other languages read and write too.

package authkit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

// object is a JSON object, its members as they were written. Those that are
// not known here are kept: some writers seal all that WorkOS replied.
type object map[string]json.RawMessage

// The members of the family's sessions. The last is ours: the others do not
// write it, and lose it when they renew a session.
const (
	memberAccessToken    = "accessToken"
	memberRefreshToken   = "refreshToken"
	memberUser           = "user"
	memberImpersonator   = "impersonator"
	memberMethod         = "authenticationMethod"
	memberOrganizationID = "organizationId"
	memberTimes          = "authkit"
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

// withUser writes a user as the family does: what is not known is null.
func (o object) withUser(u workos.User) object {
	metadata := u.Metadata
	if metadata == nil {
		metadata = map[string]string{}
	}
	return o.with("object", "user").
		with("id", u.ID).
		with("email", u.Email).
		with("emailVerified", u.EmailVerified).
		with("firstName", orNull(u.FirstName)).
		with("lastName", orNull(u.LastName)).
		with("name", orNull(u.Name)).
		with("profilePictureUrl", orNull(u.ProfilePictureURL)).
		with("externalId", orNull(u.ExternalID)).
		with("locale", orNull(u.Locale)).
		with("metadata", metadata).
		with("lastSignInAt", orNull(instant(u.LastSignInAt))).
		with("createdAt", orNull(instant(u.CreatedAt))).
		with("updatedAt", orNull(instant(u.UpdatedAt)))
}

// get decodes a member. One that is absent leaves value as it is, and so does
// null.
func (o object) get(member string, value any) error {
	raw, ok := o[member]
	if !ok {
		return nil
	}
	return json.Unmarshal(raw, value)
}

// object returns a copy of a member that is an object, empty if it is none.
func (o object) object(member string) object {
	var found object
	if o.get(member, &found) != nil || found == nil {
		return object{}
	}
	return found
}

func (o object) put(member string, value any) { o[member] = encodeJSON(value) }

// putUnlessEmpty leaves no member behind that says otherwise.
func (o object) putUnlessEmpty(member, text string) {
	delete(o, member)
	if text != "" {
		o.put(member, text)
	}
}

// with is put, for several members in a row.
func (o object) with(member string, value any) object {
	o.put(member, value)
	return o
}

func (o object) encode() []byte { return encodeJSON(o) }

// encodeJSON encodes what always can be: texts, and objects of what came as
// JSON. It spends no bytes of a cookie on escaping for HTML.
func encodeJSON(value any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(value)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// instant is a time as WorkOS and JavaScript write it, in milliseconds, or ""
// for none.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// orNull is a text, or null where it is empty.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
