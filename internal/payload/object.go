// JSON objects of which only some members are known.

package payload

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/authkit-go/authkit/workos"
)

// object is a JSON object whose members are kept as they were written. It keeps
// unknown members too, because some libraries seal the whole reply of WorkOS.
type object map[string]json.RawMessage

// The members of a session in the shared format. Only this module writes
// memberTimes. Other libraries drop it when they refresh a session.
const (
	memberAccessToken    = "accessToken"
	memberRefreshToken   = "refreshToken"
	memberUser           = "user"
	memberImpersonator   = "impersonator"
	memberMethod         = "authenticationMethod"
	memberOrganizationID = "organizationId"
	memberTimes          = "authkit"
	memberPersistent     = "persistent" // of iron-session's earlier version, holds the members above
)

// withUser sets the members of a user and returns o. Unknown values are null, as
// other libraries write them.
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

// get decodes a member into value. An absent member does not change value, and
// null does not either.
func (o object) get(member string, value any) error {
	raw, ok := o[member]
	if !ok {
		return nil
	}
	return json.Unmarshal(raw, value)
}

// object returns a copy of a member. It returns an empty object if the member is
// absent or is not an object.
func (o object) object(member string) object {
	var found object
	if o.get(member, &found) != nil || found == nil {
		return object{}
	}
	return found
}

// put sets a member.
func (o object) put(member string, value any) { o[member] = encodeJSON(value) }

// putUnlessEmpty sets a member, or deletes it if text is empty.
func (o object) putUnlessEmpty(member, text string) {
	delete(o, member)
	if text != "" {
		o.put(member, text)
	}
}

// with sets a member and returns o, so that calls can be chained.
func (o object) with(member string, value any) object {
	o.put(member, value)
	return o
}

func (o object) encode() []byte { return encodeJSON(o) }

// encodeJSON encodes a value that cannot fail to encode, such as a text or an
// object. It does not escape for HTML, because that would take bytes of the cookie.
func encodeJSON(value any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(value)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// instant returns a time in the format of WorkOS and JavaScript, with
// milliseconds. It returns "" for the zero time.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// orNull returns a pointer to text, or nil if text is empty. JSON encodes nil as
// null.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
