// Organizations, as WorkOS describes them to an application.

package workos

import (
	"encoding/json"
	"time"
)

// Organization is an organization of users.
//
// See https://workos.com/docs/reference/organization
type Organization struct {
	ID         string               `json:"id"` // "org_…"
	Name       string               `json:"name"`
	ExternalID string               `json:"external_id,omitempty"` // the application's ID of the organization
	Domains    []OrganizationDomain `json:"domains,omitempty"`
	Metadata   map[string]string    `json:"metadata,omitempty"` // set by the application
	CreatedAt  time.Time            `json:"created_at,omitzero"`
	UpdatedAt  time.Time            `json:"updated_at,omitzero"`
}

// OrganizationDomain is a domain of an organization.
type OrganizationDomain struct {
	ID     string `json:"id"`     // "org_domain_…"
	Domain string `json:"domain"` // such as "example.com"
	State  string `json:"state"`  // such as "verified", "pending" or "failed"
}

// UnmarshalJSON implements [json.Unmarshaler]. It accepts any metadata, as that of [User] does.
func (o *Organization) UnmarshalJSON(data []byte) error {
	type plain Organization
	response := struct {
		*plain
		Metadata json.RawMessage `json:"metadata"`
	}{plain: (*plain)(o)}
	if err := json.Unmarshal(data, &response); err != nil {
		return err
	}
	o.Metadata = decodeMetadata(response.Metadata)
	return nil
}
