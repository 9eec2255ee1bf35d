// Audit-log events on the wire.

package workos_test

import (
	"context"
	"slices"

	"github.com/authkit-go/authkit/workos"
)

var auditLogErrors = slices.Concat(bare(400, 401, 403, 404), limitErrors, plain(429, as[*workos.RateLimitError], "rate_limit_exceeded"),
	[]errorResponse{
		{400, `{"message":"No.","code":"invalid_audit_log_event","errors":[{"instancePath":"/targets"}]}`, workos.CodeInvalidAuditLogEvent, nil},
		{422, `{"message":"No.","errors":[{"code":"required","field":"event.action"}]}`, "", as[*workos.ValidationError]},
	})

var auditLogCalls = map[string]wire{
	"CreateAuditLogEvent": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.CreateAuditLogEvent(ctx, workos.CreateAuditLogEventParams{
				OrganizationID: "org_01A", IdempotencyKey: "key_01A",
				Event: workos.AuditLogEvent{
					Action: "document.shared", OccurredAt: expires, Version: 2, Metadata: map[string]any{"plan": "pro", "pages": 3, "draft": true},
					Actor:   workos.AuditLogEntity{ID: "user_01A", Type: "user", Name: "Kim Lee", Metadata: map[string]any{"role": "admin"}},
					Targets: []workos.AuditLogEntity{{ID: "42", Type: "document"}},
					Context: workos.AuditLogContext{Location: "192.0.2.1", UserAgent: "Firefox"},
				},
			}))
		},
		method: "POST", path: "/audit_logs/events", idempotencyKey: "key_01A",
		body: `{"organization_id":"org_01A","event":{"action":"document.shared","occurred_at":"2026-05-04T10:10:00Z","version":2,
			"metadata":{"plan":"pro","pages":3,"draft":true},"actor":{"id":"user_01A","type":"user","name":"Kim Lee","metadata":{"role":"admin"}},
			"targets":[{"id":"42","type":"document"}],"context":{"location":"192.0.2.1","user_agent":"Firefox"}}}`,
		status: 200, response: `{"success":true}`, errors: auditLogErrors,
	},
	"CreateAuditLogEvent with the required fields": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.CreateAuditLogEvent(ctx, workos.CreateAuditLogEventParams{
				OrganizationID: "org_01A",
				Event: workos.AuditLogEvent{
					Action: "user.signed_in", OccurredAt: expires, Actor: workos.AuditLogEntity{ID: "user_01A", Type: "user"},
					Context: workos.AuditLogContext{Location: "192.0.2.1"},
				},
			}))
		},
		method: "POST", path: "/audit_logs/events",
		body: `{"organization_id":"org_01A","event":{"action":"user.signed_in","occurred_at":"2026-05-04T10:10:00Z",
			"actor":{"id":"user_01A","type":"user"},"targets":[],"context":{"location":"192.0.2.1"}}}`,
		status: 200, response: `{"success":true}`, errors: auditLogErrors,
	},
	"GetAuditLogConfiguration": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.GetAuditLogConfiguration(ctx, "org_01A")
		},
		method: "GET", path: "/organizations/org_01A/audit_log_configuration", status: 200,
		response: `{"organization_id":"org_01A","retention_period_in_days":30,"state":"active","log_stream":{"id":"als_01A","type":"Datadog",
			"state":"error","last_synced_at":"2026-05-04T10:00:00.500Z","created_at":"2026-01-01T00:00:00.000Z"}}`,
		required: []string{"state"},
		want: &workos.AuditLogConfiguration{
			OrganizationID: "org_01A", RetentionDays: 30, State: workos.AuditLogActive,
			LogStream: &workos.AuditLogStream{ID: "als_01A", Type: "Datadog", State: workos.AuditLogStreamError, LastSyncedAt: updated, CreatedAt: created},
		},
		errors: readErrors,
	},
	"GetAuditLogConfiguration without a stream": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.GetAuditLogConfiguration(ctx, "org_01A")
		},
		method: "GET", path: "/organizations/org_01A/audit_log_configuration", status: 200,
		response: `{"organization_id":"org_01A","retention_period_in_days":365,"state":"disabled"}`, required: []string{"state"},
		want: &workos.AuditLogConfiguration{OrganizationID: "org_01A", RetentionDays: 365, State: workos.AuditLogDisabled}, errors: readErrors,
	},
}
