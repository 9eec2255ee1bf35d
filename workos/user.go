// The user, as the API describes one.

package workos

import (
	"encoding/json"
	"time"
)

// User is a user of the application. What the API sends as null, or not at all, has its zero value. Encoded as JSON it
// has the API's own member names, and reads back the same.
//
// See https://workos.com/docs/reference/authkit/user
type User struct {
	ID                string            `json:"id"` // "user_…"
	Email             string            `json:"email"`
	EmailVerified     bool              `json:"email_verified"`
	FirstName         string            `json:"first_name,omitempty"`
	LastName          string            `json:"last_name,omitempty"`
	Name              string            `json:"name,omitempty"` // the name to show
	ProfilePictureURL string            `json:"profile_picture_url,omitempty"`
	ExternalID        string            `json:"external_id,omitempty"` // the application's own ID of the user
	Locale            string            `json:"locale,omitempty"`      // a BCP 47 tag, such as "en-GB"
	Metadata          map[string]string `json:"metadata,omitempty"`    // the application's own
	LastSignInAt      time.Time         `json:"last_sign_in_at,omitzero"`
	CreatedAt         time.Time         `json:"created_at,omitzero"`
	UpdatedAt         time.Time         `json:"updated_at,omitzero"`
}

// UnmarshalJSON implements [json.Unmarshaler]. It is lenient about metadata, the one member that applications fill in
// themselves: a value that is not a string becomes its JSON text, null is left out, and metadata that is not an object
// is taken for none. An odd entry must not lock its user out.
func (u *User) UnmarshalJSON(data []byte) error {
	type plain User
	reply := struct {
		*plain
		Metadata json.RawMessage `json:"metadata"`
	}{plain: (*plain)(u)}
	if err := json.Unmarshal(data, &reply); err != nil {
		return err
	}
	u.Metadata = decodeMetadata(reply.Metadata)
	return nil
}

func decodeMetadata(data json.RawMessage) map[string]string {
	var values map[string]json.RawMessage
	if json.Unmarshal(data, &values) != nil || values == nil {
		return nil
	}
	metadata := make(map[string]string, len(values))
	for name, value := range values {
		var text *string
		switch err := json.Unmarshal(value, &text); {
		case err != nil:
			metadata[name] = string(value)
		case text != nil:
			metadata[name] = *text
		}
	}
	return metadata
}
