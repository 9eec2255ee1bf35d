// API keys with which the customers of an application call that application.

package authkittest

import (
	"crypto/rand"
	"net/http"
	"slices"
	"time"
)

// APIKey describes an API key of an organization, or of a user in an organization. The value of a key is returned only
// once, when the key is created.
type APIKey struct {
	ID             string // "api_key_…"; generated when empty
	Name           string
	OrganizationID string
	UserID         string // empty for a key of the organization
	Permissions    []string
	ExpiresAt      time.Time // zero: the key does not expire
}

type apiKey struct {
	APIKey
	value      string
	lastUsedAt time.Time
	createdAt  time.Time
	updatedAt  time.Time
}

type ownerObject struct {
	Type           string `json:"type"`
	ID             string `json:"id"`
	OrganizationID string `json:"organization_id,omitempty"` // only for a key of a user
}

type apiKeyObject struct {
	Object          string      `json:"object"`
	ID              string      `json:"id"`
	Name            string      `json:"name"`
	Owner           ownerObject `json:"owner"`
	ObfuscatedValue string      `json:"obfuscated_value"`
	Value           string      `json:"value,omitempty"` // only in the response to the creation
	Permissions     []string    `json:"permissions"`
	LastUsedAt      *string     `json:"last_used_at"`
	ExpiresAt       *string     `json:"expires_at"`
	CreatedAt       string      `json:"created_at"`
	UpdatedAt       string      `json:"updated_at"`
}

// apiKeyUpdate is the data of api_key.updated.
type apiKeyUpdate struct {
	apiKeyObject
	Previous apiKeyChange `json:"previous_attributes"`
}

type apiKeyChange struct {
	ExpiresAt *string `json:"expires_at"`
}

func (k *apiKey) object() apiKeyObject {
	owner := ownerObject{Type: "organization", ID: k.OrganizationID}
	if k.UserID != "" {
		owner = ownerObject{Type: "user", ID: k.UserID, OrganizationID: k.OrganizationID}
	}
	return apiKeyObject{
		Object: "api_key", ID: k.ID, Name: k.Name, Owner: owner, ObfuscatedValue: "sk_..." + k.value[len(k.value)-4:],
		Permissions: append([]string{}, k.Permissions...), LastUsedAt: timeOrNull(k.lastUsedAt), ExpiresAt: timeOrNull(k.ExpiresAt),
		CreatedAt: timestamp(k.createdAt), UpdatedAt: timestamp(k.updatedAt),
	}
}

func (k *apiKey) expired(now time.Time) bool {
	return !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt)
}

// AddAPIKey creates an API key and returns its value. It panics if the organization does not exist.
func (f *Server) AddAPIKey(k APIKey) (value string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mustOrganization(k.OrganizationID)
	return f.addAPIKey(k).value
}

// DeleteAPIKey deletes the API key with this value, as a customer does to revoke it. It panics if no key has the value.
func (f *Server) DeleteAPIKey(value string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.revokeAPIKeys(func(k *apiKey) bool { return k.value == value }) == 0 {
		panic("authkittest: no API key has the value")
	}
}

func (f *Server) addAPIKey(k APIKey) *apiKey {
	now := f.clock.Now()
	if k.ID == "" {
		k.ID = newID("api_key")
	}
	k.Permissions = slices.Clone(k.Permissions)
	added := &apiKey{APIKey: k, value: "sk_" + rand.Text(), createdAt: now, updatedAt: now}
	f.apiKeys = append(f.apiKeys, added)
	f.emit("api_key.created", added.OrganizationID, added.object())
	return added
}

// newAPIKey is the body of both calls that create an API key.
type newAPIKey struct {
	Name           optional[string]    `json:"name"`
	Permissions    optional[[]string]  `json:"permissions"`
	ExpiresAt      nullable[time.Time] `json:"expires_at"`
	OrganizationID optional[string]    `json:"organization_id"`
}

func (in newAPIKey) problems(now time.Time) []fieldProblem {
	var found []fieldProblem
	if in.Name.value == "" {
		found = append(found, fieldProblem{Field: "name", Code: "required"})
	}
	if slices.Contains(in.Permissions.value, "") {
		found = append(found, fieldProblem{Field: "permissions", Code: "invalid"})
	}
	if expiry := in.ExpiresAt.value; !expiry.IsZero() && !expiry.After(now) {
		found = append(found, fieldProblem{Field: "expires_at", Code: "must_be_in_the_future"})
	}
	return found
}

func (f *Server) issueAPIKey(in newAPIKey, organizationID, userID string) apiKeyObject {
	k := f.addAPIKey(APIKey{
		Name: in.Name.value, OrganizationID: organizationID, UserID: userID, Permissions: in.Permissions.value, ExpiresAt: in.ExpiresAt.value,
	})
	o := k.object()
	o.Value = k.value
	return o
}

// createOrganizationAPIKey answers RouteCreateOrganizationAPIKey.
func (f *Server) createOrganizationAPIKey(c *call) (any, *apiError) {
	o, exists := f.organization(c.PathValue("id"))
	if !exists {
		return nil, notFound("Organization", c.PathValue("id"))
	}
	var in newAPIKey
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	if problems := in.problems(f.clock.Now()); len(problems) > 0 {
		return nil, &apiError{status: http.StatusUnprocessableEntity, Message: "Validation failed.", Errors: problems}
	}
	return f.issueAPIKey(in, o.ID, ""), nil
}

// createUserAPIKey answers RouteCreateUserAPIKey. The user must be a member of the organization.
func (f *Server) createUserAPIKey(c *call) (any, *apiError) {
	user, apiErr := f.userOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	var in newAPIKey
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	problems := in.problems(f.clock.Now())
	if _, member := user.membership(in.OrganizationID.value); !member {
		problems = append(problems, fieldProblem{Field: "organization_id", Code: "invalid"})
	}
	if len(problems) > 0 {
		return nil, &apiError{Message: "Validation failed.", Errors: problems}
	}
	return f.issueAPIKey(in, in.OrganizationID.value, user.ID), nil
}

// listOrganizationAPIKeys answers RouteListOrganizationAPIKeys.
func (f *Server) listOrganizationAPIKeys(c *call) (any, *apiError) {
	o, exists := f.organization(c.PathValue("id"))
	if !exists {
		return nil, notFound("Organization", c.PathValue("id"))
	}
	return f.listAPIKeys(c, func(k *apiKey) bool { return k.UserID == "" && k.OrganizationID == o.ID })
}

// listUserAPIKeys answers RouteListUserAPIKeys.
func (f *Server) listUserAPIKeys(c *call) (any, *apiError) {
	user, apiErr := f.userOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	organizationID := c.URL.Query().Get("organization_id")
	return f.listAPIKeys(c, func(k *apiKey) bool {
		return k.UserID == user.ID && (organizationID == "" || k.OrganizationID == organizationID)
	})
}

func (f *Server) listAPIKeys(c *call, belongs func(*apiKey) bool) (any, *apiError) {
	keys := slices.DeleteFunc(slices.Clone(f.apiKeys), func(k *apiKey) bool { return !belongs(k) })
	return page(c, keys, func(k *apiKey) string { return k.ID }, (*apiKey).object)
}

// apiKeyOf returns the key whose ID is in the path.
func (f *Server) apiKeyOf(c *call) (*apiKey, *apiError) {
	for _, k := range f.apiKeys {
		if k.ID == c.PathValue("id") {
			return k, nil
		}
	}
	return nil, notFound("API Key", c.PathValue("id"))
}

// deleteAPIKey answers RouteDeleteAPIKey.
func (f *Server) deleteAPIKey(c *call) (any, *apiError) {
	k, apiErr := f.apiKeyOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	f.revokeAPIKeys(func(other *apiKey) bool { return other == k })
	return nil, nil
}

// revokeAPIKeys deletes the API keys for which revoked returns true, and returns how many.
func (f *Server) revokeAPIKeys(revoked func(*apiKey) bool) (n int) {
	before := len(f.apiKeys)
	f.apiKeys = slices.DeleteFunc(f.apiKeys, func(k *apiKey) bool {
		if !revoked(k) {
			return false
		}
		f.emit("api_key.revoked", k.OrganizationID, k.object())
		return true
	})
	return before - len(f.apiKeys)
}

// expireAPIKey answers RouteExpireAPIKey. Without a time, or with a past time, the key expires now. With null it never
// expires.
func (f *Server) expireAPIKey(c *call) (any, *apiError) {
	k, apiErr := f.apiKeyOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	var in struct {
		ExpiresAt nullable[*time.Time] `json:"expires_at"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	now := f.clock.Now()
	at, before := in.ExpiresAt.value, timeOrNull(k.ExpiresAt)
	switch {
	case k.expired(now):
		return nil, &apiError{status: http.StatusConflict, Code: "api_key_already_expired", Message: "The API key has already expired."}
	case !in.ExpiresAt.sent, at != nil && at.Before(now):
		k.ExpiresAt = now
	case at == nil:
		k.ExpiresAt = time.Time{}
	default:
		k.ExpiresAt = *at
	}
	k.updatedAt = now
	f.emit("api_key.updated", k.OrganizationID, apiKeyUpdate{k.object(), apiKeyChange{before}})
	return k.object(), nil
}

// validateAPIKey answers RouteValidateAPIKey. For a key that is not valid the response is null, for every reason.
func (f *Server) validateAPIKey(c *call) (any, *apiError) {
	var in struct {
		Value optional[string] `json:"value"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	if in.Value.value == "" {
		return nil, required("value")
	}
	var response struct {
		Key *apiKeyObject `json:"api_key"`
	}
	now := f.clock.Now()
	for _, k := range f.apiKeys {
		if k.value == in.Value.value && !k.expired(now) {
			k.lastUsedAt = now
			object := k.object()
			response.Key = &object
		}
	}
	return response, nil
}
