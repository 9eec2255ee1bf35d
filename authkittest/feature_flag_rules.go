// Feature flags for the runtime clients of SDKs, which evaluate them in the application.

package authkittest

import "strings"

// runtimeFlag says for whom a feature flag is on. The library for Node.js reads it (FeatureFlagsRuntimeClient of @workos-inc/node 11).
type runtimeFlag struct {
	Slug    string         `json:"slug"`
	Enabled bool           `json:"enabled"`
	Default bool           `json:"default_value"`
	Targets runtimeTargets `json:"targets"`
}

type runtimeTargets struct {
	Users         []runtimeTarget `json:"users"`
	Organizations []runtimeTarget `json:"organizations"`
}

type runtimeTarget struct {
	ID      string `json:"id"`
	Enabled bool   `json:"enabled"` // always true
}

// listFeatureFlagRules answers RouteListFeatureFlagRules: all flags by their slugs.
func (f *Server) listFeatureFlagRules(*call) (any, *apiError) {
	all := map[string]runtimeFlag{}
	for _, g := range f.flags {
		targets := runtimeTargets{[]runtimeTarget{}, []runtimeTarget{}}
		for _, id := range g.Targets {
			if strings.HasPrefix(id, "org_") {
				targets.Organizations = append(targets.Organizations, runtimeTarget{id, true})
			} else {
				targets.Users = append(targets.Users, runtimeTarget{id, true})
			}
		}
		all[g.Slug] = runtimeFlag{g.Slug, g.Enabled, g.Default, targets}
	}
	return all, nil
}
