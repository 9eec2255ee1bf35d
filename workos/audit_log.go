// Audit-log events: what users of an organization did in the application, and where these events go.

package workos

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// AuditLogEvent is something that a user did. Its schema is set up at WorkOS. A metadata value is a string of at most 500
// characters, a number or a bool. Do not put secrets into it: the administrators of the organization read it.
//
// See https://workos.com/docs/reference/audit-logs
type AuditLogEvent struct {
	Action     string           `json:"action"`      // such as "document.shared"
	OccurredAt time.Time        `json:"occurred_at"` // required
	Actor      AuditLogEntity   `json:"actor"`       // who did it
	Targets    []AuditLogEntity `json:"targets"`     // what it was done to
	Context    AuditLogContext  `json:"context"`
	Metadata   map[string]any   `json:"metadata,omitempty"` // at most 50 members
	Version    int              `json:"version,omitempty"`  // of the schema; 0 means the newest
}

// AuditLogEntity is the actor or a target of an [AuditLogEvent].
type AuditLogEntity struct {
	ID       string         `json:"id"`
	Type     string         `json:"type"` // such as "user" or "document"
	Name     string         `json:"name,omitempty"`
	Metadata map[string]any `json:"metadata,omitempty"` // at most 50 members
}

// AuditLogContext says where an [AuditLogEvent] came from.
type AuditLogContext struct {
	Location  string `json:"location"` // the IP address of the user, or another place
	UserAgent string `json:"user_agent,omitempty"`
}

// CreateAuditLogEventParams are the parameters of [Client.CreateAuditLogEvent]. OrganizationID and Event are required.
type CreateAuditLogEventParams struct {
	OrganizationID string
	Event          AuditLogEvent
	// IdempotencyKey makes it safe to repeat the call after an error: WorkOS makes one event for all calls with the key within 24
	// hours. It is a random text, such as that of crypto/rand.Text.
	IdempotencyKey string
}

// CreateAuditLogEvent adds an event to the audit log of an organization. Take the organization ID and the actor from the
// session. There is exactly one attempt. If the event does not have the form of its schema, the error has the code
// [CodeInvalidAuditLogEvent], and its Details name the places as JSON pointers (RFC 6901).
//
// See https://workos.com/docs/reference/audit-logs
func (c *Client) CreateAuditLogEvent(ctx context.Context, p CreateAuditLogEventParams) error {
	occurredAt := ""
	if !p.Event.OccurredAt.IsZero() {
		occurredAt = "set"
	}
	if p.Event.Targets == nil {
		p.Event.Targets = []AuditLogEntity{} // the API refuses null
	}
	return c.do(ctx, call{
		method: http.MethodPost,
		path:   "/audit_logs/events",
		body: struct {
			OrganizationID string        `json:"organization_id"`
			Event          AuditLogEvent `json:"event"`
		}{p.OrganizationID, p.Event},
		required: []argument{
			{"organization_id", p.OrganizationID}, {"action", p.Event.Action}, {"occurred_at", occurredAt},
			{"actor_id", p.Event.Actor.ID}, {"actor_type", p.Event.Actor.Type}, {"location", p.Event.Context.Location},
		},
		idempotencyKey: p.IdempotencyKey,
	}, nil)
}

// AuditLogConfiguration says how long the audit log of an organization is kept, and where its events are sent.
//
// See https://workos.com/docs/reference/audit-logs/configuration
type AuditLogConfiguration struct {
	OrganizationID string          `json:"organization_id"`
	RetentionDays  int             `json:"retention_period_in_days"`
	State          string          `json:"state"`                // an AuditLog constant, such as AuditLogActive
	LogStream      *AuditLogStream `json:"log_stream,omitempty"` // nil if the organization has connected none
}

// The states of an [AuditLogConfiguration].
const (
	AuditLogActive   = "active"
	AuditLogInactive = "inactive"
	AuditLogDisabled = "disabled"
)

// AuditLogStream sends the events of an audit log to a system of the organization.
type AuditLogStream struct {
	ID           string    `json:"id"`                      // "als_…"
	Type         string    `json:"type"`                    // such as "Datadog" or "GenericHttps"
	State        string    `json:"state"`                   // an AuditLogStream constant, such as AuditLogStreamActive
	LastSyncedAt time.Time `json:"last_synced_at,omitzero"` // zero if it has sent nothing yet
	CreatedAt    time.Time `json:"created_at,omitzero"`
}

// The states of an [AuditLogStream].
const (
	AuditLogStreamActive   = "active"
	AuditLogStreamInactive = "inactive"
	AuditLogStreamError    = "error"
	AuditLogStreamInvalid  = "invalid"
)

// GetAuditLogConfiguration returns the configuration of the audit log of an organization. Its administrators change it in the Admin
// Portal: see [Client.CreatePortalLink] with [PortalIntentLogStreams].
//
// See https://workos.com/docs/reference/audit-logs/configuration
func (c *Client) GetAuditLogConfiguration(ctx context.Context, organizationID string) (*AuditLogConfiguration, error) {
	return fetch[AuditLogConfiguration](ctx, c, call{
		method: http.MethodGet,
		path:   organizationPath + "/audit_log_configuration",
		ids:    []string{organizationID},
	})
}

func (c *AuditLogConfiguration) validate() error {
	if c.State == "" {
		return errors.New("missing state")
	}
	return nil
}
