// Calls for waitlists.

package authkittest_test

import (
	"strings"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// waitlisted adds an email address to the default waitlist and returns the ID of the entry.
func (c *conversation) waitlisted(email string) string {
	c.Helper()
	return must(c.client.CreateWaitlistEntry(c.Context(), workos.WaitlistDefault, workos.CreateWaitlistEntryParams{Email: email})).ID
}

var waitlistSteps = []step{
	{authkittest.RouteListWaitlists, 200, func(c *conversation) error { return second(c.client.ListWaitlists(c.Context())) }},
	{authkittest.RouteGetWaitlist, 200, func(c *conversation) error { return second(c.client.GetWaitlist(c.Context(), c.AddWaitlist())) }},
	{authkittest.RouteGetWaitlist, 404, func(c *conversation) error { return second(c.client.GetWaitlist(c.Context(), "waitlist_none")) }},

	{authkittest.RouteCreateWaitlistEntry, 201, func(c *conversation) error {
		return second(c.client.CreateWaitlistEntry(c.Context(), workos.WaitlistDefault, workos.CreateWaitlistEntryParams{
			Email: "kim@acme.test", AdditionalFields: map[string]string{"company": "Acme"}, SendConfirmationEmail: true,
		}))
	}},
	{authkittest.RouteCreateWaitlistEntry, 404, func(c *conversation) error {
		return second(c.client.CreateWaitlistEntry(c.Context(), "waitlist_none", workos.CreateWaitlistEntryParams{Email: "kim@acme.test"}))
	}},
	{authkittest.RouteCreateWaitlistEntry, 422, func(c *conversation) error {
		return second(c.client.CreateWaitlistEntry(c.Context(), workos.WaitlistDefault, workos.CreateWaitlistEntryParams{
			Email: "lou@acme.test", AdditionalFields: map[string]string{"company": strings.Repeat("x", 601)},
		}))
	}},
	{authkittest.RouteListWaitlistEntries, 200, func(c *conversation) error {
		return drain(c.client.ListWaitlistEntries(c.Context(), workos.WaitlistDefault, workos.ListWaitlistEntriesParams{
			State: workos.WaitlistPending, Email: "kim@acme.test",
		}))
	}},
	{authkittest.RouteListWaitlistEntries, 404, func(c *conversation) error {
		return drain(c.client.ListWaitlistEntries(c.Context(), "waitlist_none", workos.ListWaitlistEntriesParams{}))
	}},
	{authkittest.RouteListWaitlistEntries, 422, func(c *conversation) error {
		return drain(c.client.ListWaitlistEntries(c.Context(), workos.WaitlistDefault, workos.ListWaitlistEntriesParams{State: "none"}))
	}},

	{authkittest.RouteDenyWaitlistEntry, 200, func(c *conversation) error {
		return second(c.client.DenyWaitlistEntry(c.Context(), c.waitlisted("denied@acme.test")))
	}},
	{authkittest.RouteDenyWaitlistEntry, 404, func(c *conversation) error {
		return second(c.client.DenyWaitlistEntry(c.Context(), "wl_user_none"))
	}},
	{authkittest.RouteDenyWaitlistEntry, 422, func(c *conversation) error {
		return second(c.client.DenyWaitlistEntry(c.Context(), c.waitlisted("denied@acme.test")))
	}},
	{authkittest.RouteApproveWaitlistEntry, 200, func(c *conversation) error {
		return second(c.client.ApproveWaitlistEntry(c.Context(), c.waitlisted("approved@acme.test")))
	}},
	{authkittest.RouteApproveWaitlistEntry, 404, func(c *conversation) error {
		return second(c.client.ApproveWaitlistEntry(c.Context(), "wl_user_none"))
	}},
	{authkittest.RouteApproveWaitlistEntry, 422, func(c *conversation) error {
		return second(c.client.ApproveWaitlistEntry(c.Context(), c.waitlisted("approved@acme.test")))
	}},
	{authkittest.RouteDeleteWaitlistEntry, 204, func(c *conversation) error {
		return c.client.DeleteWaitlistEntry(c.Context(), c.waitlisted("former@acme.test"))
	}},
	{authkittest.RouteDeleteWaitlistEntry, 404, func(c *conversation) error {
		return c.client.DeleteWaitlistEntry(c.Context(), "wl_user_none")
	}},
}
