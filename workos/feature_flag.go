// Feature flags: whether a function of the application is on for a user or an organization.

package workos

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"time"
)

// FeatureFlag is a feature flag of the environment. The slugs of the flags that are on for a user, or for the organization of
// the session, are in the access token too. Flags are created in the WorkOS dashboard: the API has no call for it. A call with a
// slug that does not exist is answered 404 ([IsNotFound]).
//
// See https://workos.com/docs/reference/feature-flags
type FeatureFlag struct {
	ID          string            `json:"id"`   // "flag_…"
	Slug        string            `json:"slug"` // such as "advanced-analytics"
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Owner       *FeatureFlagOwner `json:"owner,omitempty"` // nil if the flag has none
	Tags        []string          `json:"tags"`
	Enabled     bool              `json:"enabled"`       // whether the flag is on at all in the environment
	Default     bool              `json:"default_value"` // the value for a user or an organization that is no target
	CreatedAt   time.Time         `json:"created_at,omitzero"`
	UpdatedAt   time.Time         `json:"updated_at,omitzero"`
}

// FeatureFlagOwner is the member of your team who owns a [FeatureFlag].
type FeatureFlagOwner struct {
	Email     string `json:"email"`
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
}

const (
	featureFlagsPath      = "/feature-flags"
	featureFlagPath       = featureFlagsPath + "/{slug}"
	featureFlagTargetPath = featureFlagPath + "/targets/{target_id}"
)

// ListFeatureFlags lists the feature flags of the environment.
//
// See https://workos.com/docs/reference/feature-flags
func (c *Client) ListFeatureFlags(ctx context.Context, p Paging) iter.Seq2[FeatureFlag, error] {
	return list[FeatureFlag](ctx, c, call{path: featureFlagsPath}, p)
}

// ListOrganizationFeatureFlags lists the feature flags that are on for an organization.
//
// See https://workos.com/docs/reference/feature-flags
func (c *Client) ListOrganizationFeatureFlags(ctx context.Context, organizationID string, p Paging) iter.Seq2[FeatureFlag, error] {
	return list[FeatureFlag](ctx, c, call{path: "/organizations/{organization_id}/feature-flags", ids: []string{organizationID}}, p)
}

// ListUserFeatureFlags lists the feature flags that are on for a user, or for an organization that the user is a member of.
//
// See https://workos.com/docs/reference/feature-flags
func (c *Client) ListUserFeatureFlags(ctx context.Context, userID string, p Paging) iter.Seq2[FeatureFlag, error] {
	return list[FeatureFlag](ctx, c, call{path: userPath + "/feature-flags", ids: []string{userID}}, p)
}

// GetFeatureFlag returns the feature flag with the given slug.
//
// See https://workos.com/docs/reference/feature-flags
func (c *Client) GetFeatureFlag(ctx context.Context, slug string) (*FeatureFlag, error) {
	return fetch[FeatureFlag](ctx, c, call{method: http.MethodGet, path: featureFlagPath, ids: []string{slug}})
}

// EnableFeatureFlag turns a feature flag on in the environment: its targets and its default apply.
//
// See https://workos.com/docs/reference/feature-flags
func (c *Client) EnableFeatureFlag(ctx context.Context, slug string) (*FeatureFlag, error) {
	return fetch[FeatureFlag](ctx, c, call{method: http.MethodPut, path: featureFlagPath + "/enable", ids: []string{slug}})
}

// DisableFeatureFlag turns a feature flag off in the environment.
//
// See https://workos.com/docs/reference/feature-flags
func (c *Client) DisableFeatureFlag(ctx context.Context, slug string) (*FeatureFlag, error) {
	return fetch[FeatureFlag](ctx, c, call{method: http.MethodPut, path: featureFlagPath + "/disable", ids: []string{slug}})
}

// AddFeatureFlagTarget turns a feature flag on for a user or an organization, and so for the sessions in that organization. targetID
// is the ID of the user ("user_…") or of the organization ("org_…").
//
// A session has the flag at its next refresh. No event makes a session due for it: call AuthKit.RefreshUser or
// AuthKit.RefreshOrganization of package authkit to have it at the next request. The same holds for the other calls that change a flag.
//
// See https://workos.com/docs/reference/feature-flags
func (c *Client) AddFeatureFlagTarget(ctx context.Context, slug, targetID string) error {
	return c.do(ctx, call{method: http.MethodPost, path: featureFlagTargetPath, ids: []string{slug, targetID}}, nil)
}

// RemoveFeatureFlagTarget takes a user or an organization from the targets of a feature flag.
//
// See https://workos.com/docs/reference/feature-flags
func (c *Client) RemoveFeatureFlagTarget(ctx context.Context, slug, targetID string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: featureFlagTargetPath, ids: []string{slug, targetID}}, nil)
}

// validate implements [validator]. The slug names the flag in calls and tokens.
func (f *FeatureFlag) validate() error {
	if f.Slug == "" {
		return errors.New("missing slug")
	}
	return nil
}
