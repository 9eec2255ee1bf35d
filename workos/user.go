// Users: find, create, update and delete them.

package workos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// User is a user of the application. A member that the API sends as null, or does not send, has its zero value. Encoded
// as JSON, it has the API's member names and can be decoded again without loss.
//
// See https://workos.com/docs/reference/authkit/user
type User struct {
	ID                string            `json:"id"` // "user_…"
	Email             string            `json:"email"`
	EmailVerified     bool              `json:"email_verified"`
	FirstName         string            `json:"first_name,omitempty"`
	LastName          string            `json:"last_name,omitempty"`
	Name              string            `json:"name,omitempty"` // the display name
	ProfilePictureURL string            `json:"profile_picture_url,omitempty"`
	ExternalID        string            `json:"external_id,omitempty"` // the application's ID of the user
	Locale            string            `json:"locale,omitempty"`      // a BCP 47 tag, such as "en-GB"
	Metadata          map[string]string `json:"metadata,omitempty"`    // set by the application
	LastSignInAt      time.Time         `json:"last_sign_in_at,omitzero"`
	// RadarAuthAttemptID is the RadarAuthAttemptID of [AuthenticateWithPasswordParams], so that Radar sees one sign-up. Only
	// [Client.CreateUser] returns it, if the environment uses Radar.
	RadarAuthAttemptID string    `json:"radar_auth_attempt_id,omitempty"`
	CreatedAt          time.Time `json:"created_at,omitzero"`
	UpdatedAt          time.Time `json:"updated_at,omitzero"`
}

// UnmarshalJSON implements [json.Unmarshaler]. It accepts any metadata, because applications set them and an unexpected
// value must not prevent a sign-in. A value that is not a string becomes its JSON text. A null value is omitted.
// Metadata that are not an object are ignored.
func (u *User) UnmarshalJSON(data []byte) error {
	type plain User
	response := struct {
		*plain
		Metadata json.RawMessage `json:"metadata"`
	}{plain: (*plain)(u)}
	if err := json.Unmarshal(data, &response); err != nil {
		return err
	}
	u.Metadata = decodeMetadata(response.Metadata)
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

// ListUsersParams are the parameters of [Client.ListUsers]. The zero value lists all users.
type ListUsersParams struct {
	Email          string // only the user with this address
	OrganizationID string // only members of this organization
	Paging
}

// CreateUserParams are the parameters of [Client.CreateUser]. Email is required. A field with its zero value is
// omitted. Printed, logged or encoded as JSON, they show no secret.
type CreateUserParams struct {
	Email         string            `json:"email"`
	EmailVerified bool              `json:"email_verified,omitempty"`
	FirstName     string            `json:"first_name,omitempty"`
	LastName      string            `json:"last_name,omitempty"`
	Name          string            `json:"name,omitempty"`        // the display name
	ExternalID    string            `json:"external_id,omitempty"` // the application's ID of the user: at most 128 ASCII characters
	Metadata      map[string]string `json:"metadata,omitempty"`    // values of at most 600 characters
	Password      Password          `json:"-"`

	IPAddress string `json:"ip_address,omitempty"` // of the user, for WorkOS's abuse detection; optional
	UserAgent string `json:"user_agent,omitempty"` // of the user's browser, for the same purpose; optional
	SignalsID string `json:"signals_id,omitempty"` // of what WorkOS Radar has collected in the browser; optional
}

// UpdateUserParams are the parameters of [Client.UpdateUser]. A field with its zero value leaves the user's value
// unchanged. [Value] sets a field, and each field says what removes its value. Printed, logged or encoded as JSON, they
// show no secret.
type UpdateUserParams struct {
	Email         string           `json:"email,omitempty"`
	EmailVerified Optional[bool]   `json:"email_verified,omitzero"`
	FirstName     Optional[string] `json:"first_name,omitzero"`  // Value("") removes it; the API refuses Null
	LastName      Optional[string] `json:"last_name,omitzero"`   // Value("") removes it; the API refuses Null
	Name          Optional[string] `json:"name,omitzero"`        // Value("") removes it; the API refuses Null
	ExternalID    Optional[string] `json:"external_id,omitzero"` // Null removes it
	Locale        Optional[string] `json:"locale,omitzero"`      // Null removes it
	// Metadata are the entries to change. Entries that are not in the map stay unchanged, and Null removes an entry. A map
	// that is empty but not nil removes all entries, so leave the field nil if there is nothing to change.
	// See https://workos.com/docs/authkit/metadata
	Metadata map[string]Optional[string] `json:"metadata,omitzero"`
	Password Password                    `json:"-"`
}

// Password is a new password of a user: Plain, or Hash and HashType for a password from another system. Printed, logged
// or encoded as JSON, it shows neither the password nor the hash.
type Password struct {
	Plain string `json:"-"`

	Hash         string `json:"-"`
	HashType     string // "bcrypt", "firebase-scrypt", "ssha", "ssha256", "scrypt", "pbkdf2" or "argon2"
	SaltPosition string // "prefix" or "suffix", for hash types that do not define it
}

// Identity is an account at an OAuth provider that the user signs in with.
type Identity struct {
	ID       string `json:"idp_id"`   // the account's ID at the provider
	Type     string `json:"type"`     // "OAuth"
	Provider string `json:"provider"` // such as "GoogleOAuth"; GitHub's is "GithubOAuth" here, but "GitHubOAuth" in an [Authentication]
}

const userPath = "/user_management/users/{user_id}"

// GetUser returns the user with the given ID.
//
// See https://workos.com/docs/reference/authkit/user
func (c *Client) GetUser(ctx context.Context, id string) (*User, error) {
	return fetch[User](ctx, c, call{method: http.MethodGet, path: userPath, ids: []string{id}})
}

// GetUserByExternalID returns the user with the given ID of the application.
//
// See https://workos.com/docs/reference/authkit/user
func (c *Client) GetUserByExternalID(ctx context.Context, externalID string) (*User, error) {
	return fetch[User](ctx, c, call{
		method: http.MethodGet,
		path:   "/user_management/users/external_id/{external_id}",
		ids:    []string{externalID},
	})
}

// ListUsers lists users.
//
// See https://workos.com/docs/reference/authkit/user
func (c *Client) ListUsers(ctx context.Context, p ListUsersParams) iter.Seq2[User, error] {
	query := url.Values{}
	set(query, "email", p.Email)
	set(query, "organization_id", p.OrganizationID)
	return list[User](ctx, c, call{path: "/user_management/users", query: query}, p.Paging)
}

// CreateUser creates a user. A weak password is a [*WeakPasswordError]. For an email address that already exists, the
// error has the code [CodeUserCreationError] and the reason in the Details of the [Error].
//
// See https://workos.com/docs/reference/authkit/user/create
func (c *Client) CreateUser(ctx context.Context, p CreateUserParams) (*User, error) {
	return fetch[User](ctx, c, call{
		method: http.MethodPost,
		path:   "/user_management/users",
		body: struct {
			CreateUserParams
			passwordBody
		}{p, p.Password.body()},
		required: []argument{{"email", p.Email}},
		secrets:  []string{p.Password.Plain, p.Password.Hash},
	})
}

// UpdateUser changes a user and returns the updated user.
//
// See https://workos.com/docs/reference/authkit/user
func (c *Client) UpdateUser(ctx context.Context, id string, p UpdateUserParams) (*User, error) {
	return fetch[User](ctx, c, call{
		method: http.MethodPut,
		path:   userPath,
		ids:    []string{id},
		body: struct {
			UpdateUserParams
			passwordBody
		}{p, p.Password.body()},
		secrets: []string{p.Password.Plain, p.Password.Hash},
	})
}

// DeleteUser deletes a user permanently.
//
// See https://workos.com/docs/reference/authkit/user
func (c *Client) DeleteUser(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: userPath, ids: []string{id}}, nil)
}

// GetUserIdentities returns the accounts at OAuth providers that a user signs in with. The API returns all of them in
// one response.
//
// See https://workos.com/docs/reference/authkit
func (c *Client) GetUserIdentities(ctx context.Context, userID string) ([]Identity, error) {
	response, err := fetch[identities](ctx, c, call{
		method: http.MethodGet,
		path:   "/user_management/users/{user_id}/identities",
		ids:    []string{userID},
	})
	if err != nil {
		return nil, err
	}
	return *response, nil
}

// fetchUser makes a call whose response contains a user in an envelope.
func (c *Client) fetchUser(ctx context.Context, call call) (*User, error) {
	response, err := fetch[userResponse](ctx, c, call)
	if err != nil {
		return nil, err
	}
	return &response.User, nil
}

type userResponse struct {
	User User `json:"user"`
}

type identities []Identity

// passwordBody is a password in the API's format.
type passwordBody struct {
	Password     string `json:"password,omitempty"`
	Hash         string `json:"password_hash,omitempty"`
	HashType     string `json:"password_hash_type,omitempty"`
	SaltPosition string `json:"password_salt_position,omitempty"`
}

func (p Password) body() passwordBody {
	return passwordBody{p.Plain, p.Hash, p.HashType, p.SaltPosition}
}

func (u *User) validate() error { return requireID(u.ID) }

func (r *userResponse) validate() error {
	if err := r.User.validate(); err != nil {
		return fmt.Errorf("user: %w", err)
	}
	return nil
}

func (i *identities) validate() error {
	if *i == nil {
		return errors.New("not a list")
	}
	return nil
}

// Format implements [fmt.Formatter]. It masks the password and the hash.
func (p Password) Format(s fmt.State, verb rune) {
	type plain Password
	p.Plain, p.Hash = mask(p.Plain), mask(p.Hash)
	format(s, verb, plain(p))
}
