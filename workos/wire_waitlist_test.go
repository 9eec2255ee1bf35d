// Waitlists on the wire.

package workos_test

import (
	"context"
	"slices"

	"github.com/authkit-go/authkit/workos"
)

const (
	waitlistJSON      = `{"object":"waitlist","id":"waitlist_01A",` + timesJSON + `}`
	waitlistEntryJSON = `{"object":"waitlist_entry","id":"waitlist_entry_01A","waitlist_id":"waitlist_01A","email":"kim@acme.test","state":"approved",
		"approved_at":"2026-05-04T10:10:00.000Z","additional_fields":{"company":"Acme"},` + timesJSON + `}`
)

var (
	waitlist      = workos.Waitlist{ID: "waitlist_01A", CreatedAt: created, UpdatedAt: updated}
	waitlistEntry = workos.WaitlistEntry{
		ID: "waitlist_entry_01A", WaitlistID: "waitlist_01A", Email: "kim@acme.test", State: workos.WaitlistApproved, ApprovedAt: expires,
		AdditionalFields: map[string]string{"company": "Acme"}, CreatedAt: created, UpdatedAt: updated,
	}
	waitlistErrors = slices.Concat(readErrors, bare(422))
)

// waitlistEntryCall returns a case of a call that changes an entry.
func waitlistEntryCall(action string, call func(*workos.Client, context.Context, string) (*workos.WaitlistEntry, error)) wire {
	return wire{
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			entry, err := call(c, ctx, "waitlist_entry_01A")
			if err != nil {
				return nil, err
			}
			return entry, nil
		},
		method: "POST", path: "/user_management/waitlist_entries/waitlist_entry_01A/" + action,
		status: 200, response: waitlistEntryJSON, required: []string{"id"}, want: &waitlistEntry, errors: waitlistErrors,
	}
}

var waitlistCalls = map[string]wire{
	"ListWaitlists": {
		call:   func(ctx context.Context, c *workos.Client) (any, error) { return c.ListWaitlists(ctx) },
		method: "GET", path: "/user_management/waitlists",
		status: 200, response: listOf(waitlistJSON), required: listRequired, want: []workos.Waitlist{waitlist}, errors: readErrors,
	},
	"GetWaitlist": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.GetWaitlist(ctx, workos.WaitlistDefault)
		},
		method: "GET", path: "/user_management/waitlists/default",
		status: 200, response: waitlistJSON, required: []string{"id"}, want: &waitlist, errors: readErrors,
	},
	"ListWaitlistEntries": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListWaitlistEntries(ctx, "waitlist_01A", workos.ListWaitlistEntriesParams{
				State: workos.WaitlistPending, Email: "kim@acme.test", Paging: workos.Paging{PageSize: 7},
			}))
		},
		method: "GET", path: "/user_management/waitlists/waitlist_01A/entries", query: "email=kim%40acme.test&limit=7&state=pending",
		status: 200, response: listOf(waitlistEntryJSON), required: listRequired, want: []workos.WaitlistEntry{waitlistEntry}, errors: waitlistErrors,
	},
	"CreateWaitlistEntry": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateWaitlistEntry(ctx, "waitlist_01A", workos.CreateWaitlistEntryParams{
				Email: "kim@acme.test", AdditionalFields: map[string]string{"company": "Acme"}, SendConfirmationEmail: true,
			})
		},
		method: "POST", path: "/user_management/waitlists/waitlist_01A/entries",
		body:   `{"email":"kim@acme.test","additional_fields":{"company":"Acme"},"send_confirmation_email":true}`,
		status: 201, response: waitlistEntryJSON, required: []string{"id"}, want: &waitlistEntry, errors: waitlistErrors,
	},
	"CreateWaitlistEntry with an address only": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateWaitlistEntry(ctx, workos.WaitlistDefault, workos.CreateWaitlistEntryParams{Email: "kim@acme.test"})
		},
		method: "POST", path: "/user_management/waitlists/default/entries", body: `{"email":"kim@acme.test"}`,
		status: 201, response: waitlistEntryJSON, required: []string{"id"}, want: &waitlistEntry, errors: waitlistErrors,
	},
	"ApproveWaitlistEntry": waitlistEntryCall("approve", (*workos.Client).ApproveWaitlistEntry),
	"DenyWaitlistEntry":    waitlistEntryCall("deny", (*workos.Client).DenyWaitlistEntry),
	"DeleteWaitlistEntry": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.DeleteWaitlistEntry(ctx, "waitlist_entry_01A"))
		},
		method: "DELETE", path: "/user_management/waitlist_entries/waitlist_entry_01A", status: 204, errors: readErrors,
	},
}
