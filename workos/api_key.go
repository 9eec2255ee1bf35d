// API keys that the application issues to its own customers. They are not the key of a [Client].

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

// APIKey is a key that belongs to an organization or to a user in one. Printed, logged or encoded as JSON, it does not
// show its value.
//
// See https://workos.com/docs/reference/authkit/api-keys
type APIKey struct {
	ID    string      `json:"id"` // "api_key_…"
	Name  string      `json:"name"`
	Owner APIKeyOwner `json:"owner"`
	// Value is the key itself. Only the reply to its creation has it.
	Value           string    `json:"-"`
	ObfuscatedValue string    `json:"obfuscated_value"` // to recognize it by, such as "sk_...9f2a"
	Permissions     []string  `json:"permissions"`      // slugs
	LastUsedAt      time.Time `json:"last_used_at,omitzero"`
	ExpiresAt       time.Time `json:"expires_at,omitzero"` // zero if it never does
	CreatedAt       time.Time `json:"created_at,omitzero"`
	UpdatedAt       time.Time `json:"updated_at,omitzero"`
}

// APIKeyOwner is whom an [APIKey] acts for: an organization, or a user in one.
type APIKeyOwner struct {
	Type           string `json:"type"`                      // "organization" or "user"
	ID             string `json:"id"`                        // of the one or the other
	OrganizationID string `json:"organization_id,omitempty"` // of a user's key only; see [APIKey.OrganizationID]
}

// OrganizationID is the organization that the key acts in, whoever owns it.
func (k APIKey) OrganizationID() string {
	if k.Owner.Type == "organization" {
		return k.Owner.ID
	}
	return k.Owner.OrganizationID
}

// CreateAPIKeyParams describes a key to make. Name is required.
type CreateAPIKeyParams struct {
	Name        string    `json:"name"`
	Permissions []string  `json:"permissions,omitempty"` // slugs
	ExpiresAt   time.Time `json:"expires_at,omitzero"`   // never, if it is zero
}

// ListUserAPIKeysParams says which of a user's keys to list. Its zero value lists all of them.
type ListUserAPIKeysParams struct {
	OrganizationID string // only those that act in this organization
	Paging
}

// ExpireAPIKeyParams says when a key is to expire: now if the time is absent or past, never if it is [Null].
type ExpireAPIKeyParams struct {
	ExpiresAt Optional[time.Time] `json:"expires_at,omitzero"`
}

const (
	organizationAPIKeysPath = "/organizations/{organization_id}/api_keys"
	userAPIKeysPath         = "/user_management/users/{user_id}/api_keys"
)

// CreateOrganizationAPIKey makes a key for an organization. The reply is the only one that ever has its value.
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

// CreateUserAPIKey makes a key for a user in an organization. The reply is the only one that ever has its value.
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

// DeleteAPIKey deletes a key: it is invalid from then on, and no longer listed.
//
// See https://workos.com/docs/reference/authkit/api-keys/delete
func (c *Client) DeleteAPIKey(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: "/api_keys/{api_key_id}", ids: []string{id}}, nil)
}

// ExpireAPIKey says when a key expires, and returns it as it is then. One that has expired already stays so: its error
// has [CodeAPIKeyAlreadyExpired].
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

// ValidateAPIKey tells whether a key is good, and whose it is: what an application asks about a key that comes with a
// request. One that is unknown, deleted, expired or empty is not an error; key is nil then. There is one attempt, of
// 10 s at most.
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
	return &response.APIKey.value, true, nil
}

func (c *Client) createAPIKey(ctx context.Context, call call) (*APIKey, error) {
	call.method = http.MethodPost
	return fetch[APIKey](ctx, c, call)
}

// validation is the reply about a key. That it says so matters: absent is not null.
type validateResponse struct {
	APIKey Optional[APIKey] `json:"api_key"`
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

// UnmarshalJSON implements [json.Unmarshaler]. It reads the value, which encoding leaves out.
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
