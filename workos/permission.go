// Permissions of the environment, which roles can have.

package workos

import "time"

// Permission is a permission that roles can have.
//
// See https://workos.com/docs/reference/roles
type Permission struct {
	ID               string    `json:"id"`   // "perm_…"
	Slug             string    `json:"slug"` // such as "posts:write"
	Name             string    `json:"name"`
	Description      string    `json:"description,omitempty"`
	System           bool      `json:"system,omitempty"` // made by WorkOS
	ResourceTypeSlug string    `json:"resource_type_slug,omitempty"`
	CreatedAt        time.Time `json:"created_at,omitzero"`
	UpdatedAt        time.Time `json:"updated_at,omitzero"`
}

func (p *Permission) validate() error { return requireID(p.ID) }
