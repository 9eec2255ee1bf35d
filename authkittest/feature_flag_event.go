// The events of feature flags: the flag, who has changed it, and the previous values.

package authkittest

// flagContext is the context of an event of a feature flag.
type flagContext struct {
	ClientID  string        `json:"client_id"`
	Actor     eventActor    `json:"actor"`
	*flagRule               // only of flag.rule_updated
	Previous  *flagPrevious `json:"previous_attributes,omitempty"` // not of flag.created
}

// eventActor is who has made a change.
type eventActor struct {
	ID     string  `json:"id"`
	Source string  `json:"source"` // "api" or "dashboard"
	Name   *string `json:"name"`   // always null
}

// flagRule says for which users and organizations a flag is on.
type flagRule struct {
	AccessType string      `json:"access_type,omitempty"` // "none", "some" or "all"
	Targets    flagTargets `json:"configured_targets"`
}

type flagTargets struct {
	Organizations []organizationRef `json:"organizations"`
	Users         []flagUser        `json:"users"`
}

type flagUser struct {
	ID    string `json:"id"`
	Email string `json:"email"`
}

// flagPrevious has the previous values of what has changed.
type flagPrevious struct {
	Data    *flagState `json:"data,omitempty"`
	Context *flagRule  `json:"context,omitempty"`
}

type flagState struct {
	Enabled bool `json:"enabled"`
}

// flagContext returns the context of a change that was made from a source: "api" or "dashboard".
func (f *Server) flagContext(source string) flagContext {
	return flagContext{ClientID: f.clientID, Actor: eventActor{ID: stableID("user", source), Source: source}}
}

// flagRule returns the rule of a flag. Targets that do not exist any more are not in it.
func (f *Server) flagRule(g *FeatureFlag) flagRule {
	rule := flagRule{AccessType: "none", Targets: flagTargets{Organizations: []organizationRef{}, Users: []flagUser{}}}
	for _, id := range g.Targets {
		if o, exists := f.organization(id); exists {
			rule.Targets.Organizations = append(rule.Targets.Organizations, organizationRef{o.ID, o.Name})
		}
		if user := f.accountByID(id); user != nil {
			rule.Targets.Users = append(rule.Targets.Users, flagUser{user.ID, user.Email})
		}
	}
	switch {
	case g.Default:
		rule.AccessType = "all"
	case len(g.Targets) > 0:
		rule.AccessType = "some"
	}
	return rule
}

// emitFlag adds the event flag.created, flag.updated or flag.rule_updated.
func (f *Server) emitFlag(change string, g *FeatureFlag, context flagContext) {
	data := g.object()
	data.Environment = stableID("environment", f.clientID)
	f.emitInContext("flag."+change, "", data, context)
}
