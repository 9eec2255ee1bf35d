// Calls for audit logs.

package authkittest_test

import (
	"time"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// auditLogEvent returns the parameters of an event in the audit log of Harbor Press.
func (c *conversation) auditLogEvent() workos.CreateAuditLogEventParams {
	return workos.CreateAuditLogEventParams{
		OrganizationID: c.harborPress(),
		Event: workos.AuditLogEvent{
			Action: "document.shared", OccurredAt: c.clock.Now(), Version: 1, Metadata: map[string]any{"public": true, "copies": 2},
			Actor:   workos.AuditLogEntity{ID: c.userID(ada), Type: "user", Name: "Ada", Metadata: map[string]any{"role": "admin"}},
			Targets: []workos.AuditLogEntity{{ID: "document-7", Type: "document"}},
			Context: workos.AuditLogContext{Location: "192.0.2.1", UserAgent: "test"},
		},
		IdempotencyKey: "one",
	}
}

var auditLogSteps = []step{
	{authkittest.RouteCreateAuditLogEvent, 200, func(c *conversation) error {
		return c.client.CreateAuditLogEvent(c.Context(), c.auditLogEvent())
	}},
	{authkittest.RouteCreateAuditLogEvent, 200, func(c *conversation) error {
		p := c.auditLogEvent()
		p.IdempotencyKey, p.Event.Targets = "", nil
		return c.client.CreateAuditLogEvent(c.Context(), p)
	}},
	{authkittest.RouteCreateAuditLogEvent, 404, func(c *conversation) error {
		p := c.auditLogEvent()
		p.IdempotencyKey, p.OrganizationID = "", "org_none"
		return c.client.CreateAuditLogEvent(c.Context(), p)
	}},
	{authkittest.RouteCreateAuditLogEvent, 422, func(c *conversation) error {
		p := c.auditLogEvent()
		p.IdempotencyKey, p.Event.Targets[0].Type = "", ""
		return c.client.CreateAuditLogEvent(c.Context(), p)
	}},
	{authkittest.RouteGetAuditLogConfiguration, 200, func(c *conversation) error {
		return second(c.client.GetAuditLogConfiguration(c.Context(), c.harborPress()))
	}},
	{authkittest.RouteGetAuditLogConfiguration, 200, func(c *conversation) error {
		c.SetAuditLogConfiguration(c.harborPress(), authkittest.AuditLogConfiguration{
			RetentionDays: 365, State: "disabled", LogStream: &authkittest.AuditLogStream{Type: "Datadog", State: "error"},
		})
		return second(c.client.GetAuditLogConfiguration(c.Context(), c.harborPress()))
	}},
	{authkittest.RouteGetAuditLogConfiguration, 200, func(c *conversation) error {
		c.SetAuditLogConfiguration(c.harborPress(), authkittest.AuditLogConfiguration{
			State: "inactive", LogStream: &authkittest.AuditLogStream{Type: "GenericHttps", LastSyncedAt: c.clock.Now().Add(-time.Minute)},
		})
		return second(c.client.GetAuditLogConfiguration(c.Context(), c.harborPress()))
	}},
	{authkittest.RouteGetAuditLogConfiguration, 404, func(c *conversation) error {
		return second(c.client.GetAuditLogConfiguration(c.Context(), "org_none"))
	}},
}
