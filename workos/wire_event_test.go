// Events and webhook endpoints on the wire.

package workos_test

import (
	"context"
	"slices"
	"time"

	"github.com/authkit-go/authkit/workos"
)

const eventJSON = `{"object":"event","id":"event_01A","event":"session.revoked","created_at":"2026-05-04T10:00:00.000Z",
  "data":{"object":"session","id":"session_01A","user_id":"user_01A","auth_method":"password","status":"revoked"},
  "context":{"client_id":"client_01A"}}`

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
			ID: "session_01A", UserID: "user_01A", AuthMethod: "password", Status: "revoked",
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
		status: 200, response: `{"data":[],"list_metadata":{"after":null}}`, required: []string{"data"},
		want: []listedEvent(nil), errors: bare(401),
	},
}
