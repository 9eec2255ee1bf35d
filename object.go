// JSON objects of which only some members are known.

package authkit

import (
	"bytes"
	"encoding/json"
	"time"

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
