// The context of an event: who caused it, and what was there before.

package workos

import (
	"encoding/json"
	"fmt"
)

// The sources of an [EventActor].
const (
	EventSourceAPI         = "api"          // a call of the API
	EventSourceDashboard   = "dashboard"    // a member of your team, in the WorkOS dashboard
	EventSourceAdminPortal = "admin_portal" // an administrator of a customer, in the Admin Portal
	EventSourceSystem      = "system"       // WorkOS itself
)

// EventContext says who caused an event, and which attributes had other values before it. WorkOS leaves out what it does
// not know, and many events have no context at all.
//
// See https://workos.com/docs/reference/events
type EventContext struct {
	Actor    *EventActor `json:"actor,omitempty"`     // nil if WorkOS does not say who
	ClientID string      `json:"client_id,omitempty"` // the application, "client_…"

	// PreviousAttributes has the earlier values of the attributes that changed, each as WorkOS sent it. The keys are
	// names of the object's members, such as "email". Those of a feature flag are one level below: "data" has those of the
	// flag, and "context" has the earlier access_type and configured_targets.
	PreviousAttributes map[string]json.RawMessage `json:"previous_attributes,omitempty"`

	// The next members are those of EventFlagRuleUpdated: for whom the flag is on.
	AccessType        string              `json:"access_type,omitempty"`        // "none", "some" (the targets) or "all"
	ConfiguredTargets *FeatureFlagTargets `json:"configured_targets,omitempty"` // nil for any other event

	// The next members relate the event to what the browser's analytics recorded.
	AnonymousID             string                   `json:"ajs_anonymous_id,omitempty"` // of analytics.js
	GoogleAnalyticsClientID string                   `json:"google_analytics_client_id,omitempty"`
	GoogleAnalyticsSessions []GoogleAnalyticsSession `json:"google_analytics_sessions,omitempty"`
}

// EventActor is who caused an event.
type EventActor struct {
	ID     string `json:"id"`     // "user_…", or the ID of another kind of actor
	Source string `json:"source"` // one of the EventSource constants, or a source that this package does not know
	Name   string `json:"name"`   // empty if WorkOS does not know it
}

// FeatureFlagTargets are the organizations and users for which a feature flag is on.
type FeatureFlagTargets struct {
	Organizations []FeatureFlagOrganization `json:"organizations"`
	Users         []FeatureFlagUser         `json:"users"`
}

// FeatureFlagOrganization is an organization among [FeatureFlagTargets].
type FeatureFlagOrganization struct {
	ID   string `json:"id"` // "org_…"
	Name string `json:"name"`
}

// FeatureFlagUser is a user among [FeatureFlagTargets].
type FeatureFlagUser struct {
	ID    string `json:"id"` // "user_…"
	Email string `json:"email"`
}

// GoogleAnalyticsSession is a session of a browser in Google Analytics.
type GoogleAnalyticsSession struct {
	ContainerID   string `json:"containerId"`
	SessionID     string `json:"sessionId,omitempty"`
	SessionNumber string `json:"sessionNumber,omitempty"`
}

// DecodeContext decodes the context of the event. For an event without one, it returns the zero value. Members that this
// package does not know are ignored; they are in e.Context. The error quotes no data.
func (e Event) DecodeContext() (EventContext, error) {
	var decoded EventContext
	if len(e.Context) == 0 {
		return decoded, nil
	}
	if err := json.Unmarshal(e.Context, &decoded); err != nil {
		return EventContext{}, fmt.Errorf("workos: decode the context of a %s event: %s", e.typeText(), describeDecodeError(err))
	}
	return decoded, nil
}
