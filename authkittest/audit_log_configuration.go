// The configuration of the audit log of an organization, and the API call that reads it.

package authkittest

import (
	"cmp"
	"time"
)

// AuditLogConfiguration is the configuration of the audit log of an organization.
type AuditLogConfiguration struct {
	RetentionDays int             // 30 when 0
	State         string          // "active", "inactive" or "disabled"; "active" when empty
	LogStream     *AuditLogStream // nil for none
}

// AuditLogStream sends the events of an audit log to a system of the organization.
type AuditLogStream struct {
	ID           string    // "als_…"; random when empty
	Type         string    // such as "Datadog"
	State        string    // "active", "inactive", "error" or "invalid"; "active" when empty
	LastSyncedAt time.Time // zero if it has sent nothing yet

	createdAt time.Time
}

// defaultAuditLog is the configuration of an organization without SetAuditLogConfiguration.
var defaultAuditLog = AuditLogConfiguration{RetentionDays: 30, State: "active"}

type auditLogConfigurationObject struct {
	OrganizationID string           `json:"organization_id"`
	RetentionDays  int              `json:"retention_period_in_days"`
	State          string           `json:"state"`
	LogStream      *logStreamObject `json:"log_stream,omitempty"`
}

type logStreamObject struct {
	ID           string  `json:"id"`
	Type         string  `json:"type"`
	State        string  `json:"state"`
	LastSyncedAt *string `json:"last_synced_at"`
	CreatedAt    string  `json:"created_at"`
}

// SetAuditLogConfiguration sets the configuration of the audit log of an organization, as its administrators do in the Admin Portal.
// The fake accepts audit-log events in every state. SetAuditLogConfiguration panics if the organization does not exist.
func (f *Server) SetAuditLogConfiguration(organizationID string, c AuditLogConfiguration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mustOrganization(organizationID)
	c.RetentionDays, c.State = cmp.Or(c.RetentionDays, defaultAuditLog.RetentionDays), cmp.Or(c.State, defaultAuditLog.State)
	if c.LogStream != nil {
		stream := *c.LogStream
		stream.ID, stream.State, stream.createdAt = cmp.Or(stream.ID, newID("als")), cmp.Or(stream.State, "active"), f.clock.Now()
		c.LogStream = &stream
	}
	f.auditSettings[organizationID] = c
}

// getAuditLogConfiguration answers RouteGetAuditLogConfiguration.
func (f *Server) getAuditLogConfiguration(c *call) (any, *apiError) {
	i, apiErr := f.organizationOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	id := f.organizations[i].ID
	settings, found := f.auditSettings[id]
	if !found {
		settings = defaultAuditLog
	}
	o := auditLogConfigurationObject{OrganizationID: id, RetentionDays: settings.RetentionDays, State: settings.State}
	if s := settings.LogStream; s != nil {
		o.LogStream = &logStreamObject{s.ID, s.Type, s.State, timeOrNull(s.LastSyncedAt), timestamp(s.createdAt)}
	}
	return o, nil
}
