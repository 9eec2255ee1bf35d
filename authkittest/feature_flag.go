// Feature flags: which of them are on for a user and an organization, and the API calls for them.

package authkittest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// FeatureFlag is a feature flag of the environment. It is on for a user or an organization if it is enabled, and Default is true or the
// user or the organization is a target. Access tokens have the flags that are on for the user, and those that are on for the
// organization of the session.
type FeatureFlag struct {
	Slug        string
	Name        string // Slug when empty
	Description string
	Tags        []string
	Enabled     bool     // whether the flag is on at all
	Default     bool     // whether it is on for users and organizations that are no targets
	Targets     []string // IDs of users and organizations

	id                   string
	createdAt, updatedAt time.Time
}

type flagObject struct {
	Object      string    `json:"object"`
	ID          string    `json:"id"`
	Environment string    `json:"environment_id,omitempty"` // only in events
	Slug        string    `json:"slug"`
	Name        string    `json:"name"`
	Description *string   `json:"description"`
	Owner       *struct{} `json:"owner"` // always null
	Tags        []string  `json:"tags"`
	Enabled     bool      `json:"enabled"`
	Default     bool      `json:"default_value"`
	CreatedAt   string    `json:"created_at"`
	UpdatedAt   string    `json:"updated_at"`
}

func (g *FeatureFlag) object() flagObject {
	return flagObject{
		Object: "feature_flag", ID: g.id, Slug: g.Slug, Name: g.Name, Description: orNull(g.Description), Tags: append([]string{}, g.Tags...),
		Enabled: g.Enabled, Default: g.Default, CreatedAt: timestamp(g.createdAt), UpdatedAt: timestamp(g.updatedAt),
	}
}

// onFor reports whether the flag is on for one of these users and organizations.
func (g *FeatureFlag) onFor(ids ...string) bool {
	return g.Enabled && (g.Default || slices.ContainsFunc(ids, func(id string) bool { return id != "" && slices.Contains(g.Targets, id) }))
}

// AddFeatureFlag adds a feature flag, as the WorkOS dashboard does. The API turns it on and off and sets its targets. AddFeatureFlag
// panics if there is a flag with this slug.
func (f *Server) AddFeatureFlag(flag FeatureFlag) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if slices.ContainsFunc(f.flags, func(g *FeatureFlag) bool { return g.Slug == flag.Slug }) {
		panic(fmt.Sprintf("authkittest: AddFeatureFlag: there is a flag %q already", flag.Slug))
	}
	flag.Name = cmp.Or(flag.Name, flag.Slug)
	flag.Tags, flag.Targets = slices.Clone(flag.Tags), slices.Clone(flag.Targets)
	flag.id, flag.createdAt = newID("flag"), f.clock.Now()
	flag.updatedAt = flag.createdAt
	f.flags = append(f.flags, &flag)
	f.emitFlag("created", &flag, f.flagContext("dashboard"))
}

// flagClaim returns the feature_flags claim of an access token: the flags of the membership, and those that are on.
func (f *Server) flagClaim(m Membership, userID string) []string {
	slugs := slices.Clone(m.FeatureFlags)
	for _, g := range f.flags {
		if g.onFor(userID, m.OrganizationID) && !slices.Contains(slugs, g.Slug) {
			slugs = append(slugs, g.Slug)
		}
	}
	return slugs
}

// flagOf returns the feature flag whose slug is in the path.
func (f *Server) flagOf(c *call) (*FeatureFlag, *apiError) {
	for _, g := range f.flags {
		if g.Slug == c.PathValue("slug") {
			return g, nil
		}
	}
	return nil, notFound("Feature flag", c.PathValue("slug"))
}

func flagPage(c *call, flags []*FeatureFlag) (any, *apiError) {
	return page(c, flags, func(g *FeatureFlag) string { return g.id }, (*FeatureFlag).object)
}

// flagPageFor returns the flags that are on for one of these users and organizations.
func (f *Server) flagPageFor(c *call, ids ...string) (any, *apiError) {
	return flagPage(c, slices.DeleteFunc(slices.Clone(f.flags), func(g *FeatureFlag) bool { return !g.onFor(ids...) }))
}

// listFeatureFlags answers RouteListFeatureFlags.
func (f *Server) listFeatureFlags(c *call) (any, *apiError) { return flagPage(c, f.flags) }

// listOrganizationFeatureFlags answers RouteListOrganizationFeatureFlags.
func (f *Server) listOrganizationFeatureFlags(c *call) (any, *apiError) {
	i, apiErr := f.organizationOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	return f.flagPageFor(c, f.organizations[i].ID)
}

// listUserFeatureFlags answers RouteListUserFeatureFlags.
func (f *Server) listUserFeatureFlags(c *call) (any, *apiError) {
	user, apiErr := f.userOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	ids := []string{user.ID}
	for _, m := range user.activeMemberships() {
		ids = append(ids, m.OrganizationID)
	}
	return f.flagPageFor(c, ids...)
}

// getFeatureFlag answers RouteGetFeatureFlag.
func (f *Server) getFeatureFlag(c *call) (any, *apiError) {
	g, apiErr := f.flagOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	return g.object(), nil
}

// enableFeatureFlag answers RouteEnableFeatureFlag.
func (f *Server) enableFeatureFlag(c *call) (any, *apiError) { return f.setEnabled(c, true) }

// disableFeatureFlag answers RouteDisableFeatureFlag.
func (f *Server) disableFeatureFlag(c *call) (any, *apiError) { return f.setEnabled(c, false) }

func (f *Server) setEnabled(c *call, enabled bool) (any, *apiError) {
	g, apiErr := f.flagOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	if g.Enabled != enabled {
		context := f.flagContext("api")
		context.Previous = &flagPrevious{Data: &flagState{Enabled: g.Enabled}}
		g.Enabled, g.updatedAt = enabled, f.clock.Now()
		f.emitFlag("updated", g, context)
	}
	return g.object(), nil
}

// addFeatureFlagTarget answers RouteAddFeatureFlagTarget.
func (f *Server) addFeatureFlagTarget(c *call) (any, *apiError) {
	return f.changeTargets(c, func(targets []string, id string) []string {
		if slices.Contains(targets, id) {
			return targets
		}
		return append(slices.Clone(targets), id)
	})
}

// removeFeatureFlagTarget answers RouteRemoveFeatureFlagTarget.
func (f *Server) removeFeatureFlagTarget(c *call) (any, *apiError) {
	return f.changeTargets(c, func(targets []string, id string) []string {
		return slices.DeleteFunc(slices.Clone(targets), func(target string) bool { return target == id })
	})
}

func (f *Server) changeTargets(c *call, change func(targets []string, id string) []string) (any, *apiError) {
	g, apiErr := f.flagOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	id := c.PathValue("target_id")
	switch {
	case !strings.HasPrefix(id, "user_") && !strings.HasPrefix(id, "org_"):
		return nil, badRequest("The target must be the ID of a user or an organization.")
	case f.accountByID(id) == nil && !f.hasOrganization(id):
		return nil, notFound("Target", id)
	}
	if targets := change(g.Targets, id); len(targets) != len(g.Targets) {
		context, before := f.flagContext("api"), f.flagRule(g)
		g.Targets, g.updatedAt = targets, f.clock.Now()
		after := f.flagRule(g)
		if before.AccessType == after.AccessType {
			before.AccessType = "" // only what has changed
		}
		context.flagRule, context.Previous = &after, &flagPrevious{Context: &before}
		f.emitFlag("rule_updated", g, context)
	}
	return nil, nil
}
