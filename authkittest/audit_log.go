// Audit logs: the events that the application has added, and the API call that adds one.

package authkittest

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// AuditLogEvent is an event in the audit log of an organization.
type AuditLogEvent struct {
	OrganizationID string
	Action         string // such as "document.shared"
	OccurredAt     time.Time
	Actor          AuditLogEntity
	Targets        []AuditLogEntity
	Location       string // of the context
	UserAgent      string // of the context; may be empty
	Metadata       map[string]any
	Version        int // of the schema; 0 if the request has none
}

// AuditLogEntity is the actor or a target of an AuditLogEvent. A value of its metadata is a string, a float64 or a bool.
type AuditLogEntity struct {
	ID       string         `json:"id"`
	Type     string         `json:"type"`
	Name     string         `json:"name"` // may be empty
	Metadata map[string]any `json:"metadata"`
}

const (
	// idempotencyLifetime is how long WorkOS remembers an Idempotency-Key (https://workos.com/docs/reference/audit-logs).
	idempotencyLifetime = 24 * time.Hour
	// maxAuditMetadata is the largest number of members in the metadata of an audit-log event.
	maxAuditMetadata = 50
	// maxAuditMetadataValue is the largest number of characters in a text of the metadata.
	maxAuditMetadataValue = 500
)

var auditMetadataName = regexp.MustCompile(`^[a-zA-Z0-9_-]{0,40}$`)

// idempotentResponse is the response to the first call with an Idempotency-Key.
type idempotentResponse struct {
	response  any
	apiErr    *apiError
	expiresAt time.Time
}

func (e AuditLogEntity) clone() AuditLogEntity {
	e.Metadata = maps.Clone(e.Metadata)
	return e
}

func (e AuditLogEvent) clone() AuditLogEvent {
	e.Actor, e.Targets, e.Metadata = e.Actor.clone(), slices.Clone(e.Targets), maps.Clone(e.Metadata)
	for i, target := range e.Targets {
		e.Targets[i] = target.clone()
	}
	return e
}

// AuditLogEvents returns the events in the audit log of an organization, or of all organizations for an empty ID, in the order in
// which they were added.
func (f *Server) AuditLogEvents(organizationID string) []AuditLogEvent {
	f.mu.Lock()
	defer f.mu.Unlock()
	events := []AuditLogEvent{}
	for _, e := range f.auditLog {
		if organizationID == "" || e.OrganizationID == organizationID {
			events = append(events, e.clone())
		}
	}
	return events
}

// createAuditLogEvent answers RouteCreateAuditLogEvent. It is the only call for which WorkOS reads the Idempotency-Key: a second call
// with the key gets the response of the first one, also if its body is another one.
func (f *Server) createAuditLogEvent(c *call) (any, *apiError) {
	key := c.Header.Get("Idempotency-Key")
	if earlier, found := f.idempotent[key]; found {
		return earlier.response, earlier.apiErr
	}
	response, apiErr := f.addAuditLogEvent(c)
	if key != "" {
		f.idempotent[key] = idempotentResponse{response, apiErr, f.clock.Now().Add(idempotencyLifetime)}
	}
	return response, apiErr
}

// auditLogFields are the members of the request.
type auditLogFields struct {
	OrganizationID string `json:"organization_id"`
	Event          struct {
		Action     string           `json:"action"`
		OccurredAt string           `json:"occurred_at"`
		Actor      AuditLogEntity   `json:"actor"`
		Targets    []AuditLogEntity `json:"targets"`
		Context    struct {
			Location  string `json:"location"`
			UserAgent string `json:"user_agent"`
		} `json:"context"`
		Metadata map[string]any `json:"metadata"`
		Version  int            `json:"version"`
	} `json:"event"`
}

func (f *Server) addAuditLogEvent(c *call) (any, *apiError) {
	var in auditLogFields
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	if apiErr := in.problem(); apiErr != nil {
		return nil, apiErr
	}
	if !f.hasOrganization(in.OrganizationID) {
		return nil, notFound("Organization", in.OrganizationID)
	}
	at, _ := time.Parse(time.RFC3339, in.Event.OccurredAt) // problem has checked it
	f.auditLog = append(f.auditLog, AuditLogEvent{
		OrganizationID: in.OrganizationID, Action: in.Event.Action, OccurredAt: at, Actor: in.Event.Actor, Targets: in.Event.Targets,
		Location: in.Event.Context.Location, UserAgent: in.Event.Context.UserAgent, Metadata: in.Event.Metadata, Version: in.Event.Version,
	})
	return struct {
		Success bool `json:"success"`
	}{true}, nil
}

// problem returns the error for a request that lacks a member (422), or whose metadata are invalid (400), or nil. The fake has no
// schemas of actions, so it accepts every action with every target.
func (in auditLogFields) problem() *apiError {
	var missing []fieldProblem
	require := func(field, value string) {
		if value == "" {
			missing = append(missing, fieldProblem{Field: field, Code: "required"})
		}
	}
	require("organization_id", in.OrganizationID)
	require("event.action", in.Event.Action)
	require("event.occurred_at", in.Event.OccurredAt)
	require("event.actor.id", in.Event.Actor.ID)
	require("event.actor.type", in.Event.Actor.Type)
	if in.Event.Targets == nil {
		require("event.targets", "")
	}
	for i, target := range in.Event.Targets {
		require("event.targets."+strconv.Itoa(i)+".id", target.ID)
		require("event.targets."+strconv.Itoa(i)+".type", target.Type)
	}
	require("event.context.location", in.Event.Context.Location)
	if _, err := time.Parse(time.RFC3339, in.Event.OccurredAt); err != nil && in.Event.OccurredAt != "" {
		missing = append(missing, fieldProblem{Field: "event.occurred_at", Code: "invalid"})
	}
	if len(missing) > 0 {
		return &apiError{status: http.StatusUnprocessableEntity, Message: "Validation failed.", Errors: missing}
	}

	places := metadataProblems("/metadata", in.Event.Metadata)
	places = append(places, metadataProblems("/actor/metadata", in.Event.Actor.Metadata)...)
	for i, target := range in.Event.Targets {
		places = append(places, metadataProblems("/targets/"+strconv.Itoa(i)+"/metadata", target.Metadata)...)
	}
	if len(places) > 0 {
		apiErr := plainError("invalid_audit_log_event", "Invalid Audit Log event.")
		apiErr.Errors = places
		return apiErr
	}
	return nil
}

// metadataProblems returns the places of invalid metadata as JSON pointers (RFC 6901). A wrong name has the place of its object.
func metadataProblems(place string, metadata map[string]any) (places []fieldProblem) {
	wrongName := len(metadata) > maxAuditMetadata
	for _, name := range slices.Sorted(maps.Keys(metadata)) {
		valid := false
		switch value := metadata[name].(type) {
		case string:
			valid = utf8.RuneCountInString(value) <= maxAuditMetadataValue
		case float64, bool:
			valid = true
		}
		switch {
		case !auditMetadataName.MatchString(name):
			wrongName = true
		case !valid:
			places = append(places, fieldProblem{InstancePath: place + "/" + name})
		}
	}
	if wrongName {
		places = append(places, fieldProblem{InstancePath: place})
	}
	return places
}
