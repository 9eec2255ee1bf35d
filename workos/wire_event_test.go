// Events and webhook endpoints on the wire.

package workos_test

import (
	"context"
	"slices"
	"time"

	"github.com/authkit-go/authkit/workos"
)

const eventJSON = `{"object":"event","id":"event_01A","event":"session.revoked","created_at":"2026-05-04T10:00:00.000Z",
  "data":{"object":"session","id":"session_01A","user_id":"user_01A","auth_method":"password","status":"revoked","ip_address":"192.0.2.1",
  "user_agent":"Firefox",` + expiresJSON + `,"ended_at":"2026-05-04T10:10:00.000Z",` + timesJSON + `},
  "context":{"client_id":"client_01A"}}`

const webhookEndpointJSON = `{"object":"webhook_endpoint","id":"we_01A","endpoint_url":"https://app.acme.test/webhooks/workos",
  "secret":"whsec_secret","status":"enabled","events":["session.revoked","user.deleted"],
  "created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-05-04T10:00:00.500Z"}`

var (
	webhookEndpoint = workos.WebhookEndpoint{
		ID: "we_01A", URL: "https://app.acme.test/webhooks/workos", Status: workos.WebhookEndpointEnabled,
		Events: []string{workos.EventSessionRevoked, workos.EventUserDeleted}, Secret: "whsec_secret",
		CreatedAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), UpdatedAt: time.Date(2026, 5, 4, 10, 0, 0, 500_000_000, time.UTC),
	}
	endpointErrors = slices.Concat(bare(401), limitErrors,
		plain(409, nil, workos.CodeDuplicateEndpoint), plain(422, nil, workos.CodeInvalidURL),
		plain(422, as[*workos.ValidationError], workos.CodeInvalidRequestParameters))
)

// listedEvent is an event without its JSON text, and with its payload.
type listedEvent struct {
	ID, Type string
	Payload  any
}

// collectEvents reads a list of events to its end.
func collectEvents(ctx context.Context, c *workos.Client, p workos.ListEventsParams) (any, error) {
	var all []listedEvent
	for event, err := range c.ListEvents(ctx, p) {
		if err != nil {
			return all, err
		}
		payload, _ := event.Payload() // other tests are about its errors
		all = append(all, listedEvent{event.ID, event.Type, payload})
	}
	return all, nil
}

var eventCalls = map[string]wire{
	"ListEvents": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collectEvents(ctx, c, workos.ListEventsParams{
				Types: []string{workos.EventSessionRevoked, workos.EventUserDeleted}, After: "event_01", OrganizationID: "org_01A",
				RangeEnd: time.Date(2026, 5, 4, 12, 0, 0, 0, time.FixedZone("", 7200)),
			})
		},
		method: "GET", path: "/events",
		query:  "after=event_01&events=session.revoked%2Cuser.deleted&limit=100&order=asc&organization_id=org_01A&range_end=2026-05-04T10%3A00%3A00.000Z",
		status: 200, response: listOf(eventJSON), required: []string{"data", "data.0", "data.0.id", "data.0.event"},
		want: []listedEvent{{"event_01A", "session.revoked", &workos.Session{
			ID: "session_01A", UserID: "user_01A", AuthMethod: "password", Status: "revoked", IPAddress: "192.0.2.1", UserAgent: "Firefox",
			ExpiresAt: expires, EndedAt: expires, CreatedAt: created, UpdatedAt: updated,
		}}},
		errors: slices.Concat(bare(400, 401), limitErrors, []errorResponse{
			{422, `{"message":"Validation failed.","errors":[{"code":"required","field":"events"}]}`, "", as[*workos.ValidationError]},
		}),
	},
	"ListEvents of a range": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collectEvents(ctx, c, workos.ListEventsParams{
				Types: []string{"dsync.user.created"}, RangeStart: time.Date(2026, 5, 4, 10, 0, 0, 1_999_999, time.UTC), PageSize: 7,
			})
		},
		method: "GET", path: "/events", query: "events=dsync.user.created&limit=7&order=asc&range_start=2026-05-04T10%3A00%3A00.001Z",
		status: 200, response: listOf(""), required: []string{"data"},
		want: []listedEvent(nil), errors: bare(401),
	},
	"CreateWebhookEndpoint": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateWebhookEndpoint(ctx, workos.CreateWebhookEndpointParams{
				URL: webhookEndpoint.URL, Events: webhookEndpoint.Events,
			})
		},
		method: "POST", path: "/webhook_endpoints",
		body:    `{"endpoint_url":"https://app.acme.test/webhooks/workos","events":["session.revoked","user.deleted"]}`,
		secrets: []string{"whsec_secret"}, status: 201, response: webhookEndpointJSON, required: []string{"id"}, want: &webhookEndpoint,
		errors: endpointErrors,
	},
	"ListWebhookEndpoints": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListWebhookEndpoints(ctx, workos.Paging{PageSize: 100}))
		},
		method: "GET", path: "/webhook_endpoints", query: "limit=100", secrets: []string{"whsec_secret"},
		status: 200, response: listOf(webhookEndpointJSON), required: []string{"data", "data.0", "data.0.id"},
		want: []workos.WebhookEndpoint{webhookEndpoint}, errors: slices.Concat(bare(401), limitErrors),
	},
	"UpdateWebhookEndpoint": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.UpdateWebhookEndpoint(ctx, "we_01A", workos.UpdateWebhookEndpointParams{
				Status: workos.WebhookEndpointDisabled, Events: []string{workos.EventUserUpdated},
			})
		},
		method: "PATCH", path: "/webhook_endpoints/we_01A", body: `{"status":"disabled","events":["user.updated"]}`,
		secrets: []string{"whsec_secret"}, status: 200, response: webhookEndpointJSON, required: []string{"id"}, want: &webhookEndpoint,
		errors: slices.Concat(endpointErrors, plain(404, nil, workos.CodeEntityNotFound)),
	},
	"UpdateWebhookEndpoint without a change": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.UpdateWebhookEndpoint(ctx, "we_01A", workos.UpdateWebhookEndpointParams{})
		},
		method: "PATCH", path: "/webhook_endpoints/we_01A", body: `{}`,
		secrets: []string{"whsec_secret"}, status: 200, response: webhookEndpointJSON, required: []string{"id"}, want: &webhookEndpoint,
		errors: endpointErrors,
	},
	"DeleteWebhookEndpoint": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.DeleteWebhookEndpoint(ctx, "we_01A"))
		},
		method: "DELETE", path: "/webhook_endpoints/we_01A", status: 204,
		errors: slices.Concat(bare(401), limitErrors, plain(404, nil, workos.CodeEntityNotFound)),
	},
}
