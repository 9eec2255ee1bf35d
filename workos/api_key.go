// API keys that the application issues to its customers. They differ from the API key of a [Client].

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

// APIKey is a key of an organization, or of a user in an organization. Printed, logged or encoded as JSON, it does not
// show its value.
//
// See https://workos.com/docs/reference/authkit/api-keys
type APIKey struct {
	ID    string      `json:"id"` // "api_key_…"
	Name  string      `json:"name"`
	Owner APIKeyOwner `json:"owner"`
	// Value is the key itself. Only the response to its creation contains it.
	Value           string    `json:"-"`
	ObfuscatedValue string    `json:"obfuscated_value"` // for display, such as "sk_...9f2a"
	Permissions     []string  `json:"permissions"`      // slugs
	LastUsedAt      time.Time `json:"last_used_at,omitzero"`
	ExpiresAt       time.Time `json:"expires_at,omitzero"` // zero if it never expires
	// AgentRegistrationID is the agent registration that the key was made for. Only [Client.ValidateAPIKey] returns it.
	AgentRegistrationID string    `json:"agent_registration_id,omitempty"`
	CreatedAt           time.Time `json:"created_at,omitzero"`
	UpdatedAt           time.Time `json:"updated_at,omitzero"`
}

// APIKeyOwner is the owner of an [APIKey]: an organization, or a user in an organization.
type APIKeyOwner struct {
	Type           string `json:"type"`                      // "organization" or "user"
	ID             string `json:"id"`                        // ID of the organization or the user
	OrganizationID string `json:"organization_id,omitempty"` // only for a user's key; see [APIKey.OrganizationID]
}

// OrganizationID returns the ID of the organization that the key acts in, for both types of owner. It returns "" for a nil
// key.
func (k *APIKey) OrganizationID() string {
	if k == nil {
		return ""
	}
	if k.Owner.Type == "organization" {
		return k.Owner.ID
	}
	return k.Owner.OrganizationID
}

// CreateAPIKeyParams are the parameters of [Client.CreateOrganizationAPIKey] and [Client.CreateUserAPIKey]. Name is
// required.
type CreateAPIKeyParams struct {
	Name        string    `json:"name"`
	Permissions []string  `json:"permissions,omitempty"` // slugs
	ExpiresAt   time.Time `json:"expires_at,omitzero"`   // zero means never
}

// ListUserAPIKeysParams are the parameters of [Client.ListUserAPIKeys]. The zero value lists all keys of the user.
type ListUserAPIKeysParams struct {
	OrganizationID string // only keys in this organization
	Paging
}

// ExpireAPIKeyParams are the parameters of [Client.ExpireAPIKey]. A key expires now if ExpiresAt is absent or in the
// past, and never if it is [Null].
type ExpireAPIKeyParams struct {
	ExpiresAt Optional[time.Time] `json:"expires_at,omitzero"`
}

const (
	organizationAPIKeysPath = "/organizations/{organization_id}/api_keys"
	userAPIKeysPath         = "/user_management/users/{user_id}/api_keys"
)

// CreateOrganizationAPIKey creates a key for an organization. Only this response contains the key's value.
//
// See https://workos.com/docs/reference/authkit/api-keys/create-for-organization
func (c *Client) CreateOrganizationAPIKey(ctx context.Context, organizationID string, p CreateAPIKeyParams) (*APIKey, error) {
	return c.createAPIKey(ctx, call{
		path:     organizationAPIKeysPath,
		ids:      []string{organizationID},
		body:     p,
		required: []argument{{"name", p.Name}},
	})
}

// CreateUserAPIKey creates a key for a user in an organization. Only this response contains the key's value.
//
// See https://workos.com/docs/reference/authkit/api-keys
func (c *Client) CreateUserAPIKey(ctx context.Context, userID, organizationID string, p CreateAPIKeyParams) (*APIKey, error) {
	return c.createAPIKey(ctx, call{
		path: userAPIKeysPath,
		ids:  []string{userID},
		body: struct {
			CreateAPIKeyParams
			OrganizationID string `json:"organization_id"`
		}{p, organizationID},
		required: []argument{{"organization_id", organizationID}, {"name", p.Name}},
	})
}

// ListOrganizationAPIKeys lists an organization's keys, without their values.
//
// See https://workos.com/docs/reference/authkit/api-keys/list-for-organization
func (c *Client) ListOrganizationAPIKeys(ctx context.Context, organizationID string, p Paging) iter.Seq2[APIKey, error] {
	return list[APIKey](ctx, c, call{path: organizationAPIKeysPath, ids: []string{organizationID}}, p)
}

// ListUserAPIKeys lists a user's keys, without their values.
//
// See https://workos.com/docs/reference/authkit/api-keys
func (c *Client) ListUserAPIKeys(ctx context.Context, userID string, p ListUserAPIKeysParams) iter.Seq2[APIKey, error] {
	query := url.Values{}
	set(query, "organization_id", p.OrganizationID)
	return list[APIKey](ctx, c, call{path: userAPIKeysPath, ids: []string{userID}, query: query}, p.Paging)
}

// DeleteAPIKey deletes a key. From then on the key is invalid and not listed.
//
// See https://workos.com/docs/reference/authkit/api-keys/delete
func (c *Client) DeleteAPIKey(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: "/api_keys/{api_key_id}", ids: []string{id}}, nil)
}

// ExpireAPIKey sets the expiry of a key and returns the updated key. A key that has already expired cannot be changed:
// the error has the code [CodeAPIKeyAlreadyExpired].
//
// See https://workos.com/docs/reference/authkit/api-keys
func (c *Client) ExpireAPIKey(ctx context.Context, id string, p ExpireAPIKeyParams) (*APIKey, error) {
	return fetch[APIKey](ctx, c, call{
		method: http.MethodPost,
		path:   "/api_keys/{api_key_id}/expire",
		ids:    []string{id},
		body:   p,
	})
}

// ValidateAPIKey reports whether a key is valid and returns it with its owner. An application calls it for the key in a
// request. For a key that is unknown, deleted, expired or empty it returns nil and false without an error. There is
// exactly one attempt, of at most 10 s.
//
// See https://workos.com/docs/reference/authkit/api-keys/validate
func (c *Client) ValidateAPIKey(ctx context.Context, value string) (key *APIKey, valid bool, err error) {
	if value == "" {
		return nil, false, nil
	}
	response, err := fetch[validateResponse](ctx, c, call{
		method: http.MethodPost,
		path:   "/api_keys/validations",
		body: struct {
			Value string `json:"value"`
		}{value},
		secrets: []string{value},
	})
	if err != nil {
		return nil, false, err
	}
	if response.APIKey.null {
		return nil, false, nil
	}
	response.APIKey.value.AgentRegistrationID = response.AgentRegistrationID
	return &response.APIKey.value, true, nil
}

func (c *Client) createAPIKey(ctx context.Context, call call) (*APIKey, error) {
	call.method = http.MethodPost
	return fetch[APIKey](ctx, c, call)
}

// validateResponse is the response of ValidateAPIKey. An absent api_key is an error, while null means that the key is
// invalid.
type validateResponse struct {
	APIKey              Optional[APIKey] `json:"api_key"`
	AgentRegistrationID string           `json:"agent_registration_id"`
}

func (v *validateResponse) validate() error {
	switch {
	case v.APIKey.IsZero():
		return errors.New("missing api_key")
	case v.APIKey.null:
		return nil
	}
	return v.APIKey.value.validate()
}

// UnmarshalJSON implements [json.Unmarshaler]. It reads the value, which encoding omits.
func (k *APIKey) UnmarshalJSON(data []byte) error {
	type plain APIKey
	response := struct {
		*plain
		Value *string `json:"value"`
	}{(*plain)(k), &k.Value}
	return json.Unmarshal(data, &response)
}

func (k *APIKey) validate() error { return requireID(k.ID) }

// Format implements [fmt.Formatter]. It masks the value.
func (k APIKey) Format(s fmt.State, verb rune) {
	type plain APIKey
	k.Value = mask(k.Value)
	format(s, verb, plain(k))
}
