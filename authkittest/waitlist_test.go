// Waitlists and their entries, by the calls of package workos.

package authkittest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

func TestAPersonJoinsAWaitlistAndIsApproved(t *testing.T) {
	a := newApp(t)
	ctx, client := context.Background(), a.workos()
	lists := must(client.ListWaitlists(ctx))
	require.Len(t, lists, 1)
	assert.Equal(t, &lists[0], must(client.GetWaitlist(ctx, workos.WaitlistDefault)))
	assert.Equal(t, &lists[0], must(client.GetWaitlist(ctx, lists[0].ID)))
	assert.Equal(t, start, lists[0].CreatedAt)

	params := workos.CreateWaitlistEntryParams{Email: "kim@acme.test", AdditionalFields: map[string]string{"company": "Acme"}, SendConfirmationEmail: true}
	var entry *workos.WaitlistEntry
	events, data := a.eventsOf(func() { entry = must(client.CreateWaitlistEntry(ctx, workos.WaitlistDefault, params)) })
	assert.Equal(t, []string{"waitlist_user.created"}, events)
	assert.Equal(t, &workos.WaitlistEntry{
		ID: entry.ID, WaitlistID: lists[0].ID, Email: "kim@acme.test", State: workos.WaitlistPending,
		AdditionalFields: map[string]string{"company": "Acme"}, CreatedAt: start, UpdatedAt: start,
	}, entry)
	var announced map[string]any
	require.NoError(t, json.Unmarshal(a.Events(workos.EventWaitlistUserCreated)[0].Data, &announced))
	assert.Equal(t, map[string]any{
		"object": "waitlist_user", "id": entry.ID, "waitlist_id": lists[0].ID, "email": "kim@acme.test", "state": "pending", "approved_at": nil,
		"created_at": "2026-05-04T10:00:00.000Z", "updated_at": "2026-05-04T10:00:00.000Z",
	}, announced)
	assert.Equal(t, &workos.WaitlistEntry{
		ID: entry.ID, WaitlistID: lists[0].ID, Email: "kim@acme.test", State: workos.WaitlistPending, CreatedAt: start, UpdatedAt: start,
	}, data[workos.EventWaitlistUserCreated])
	assert.Equal(t, authkittest.MailWaitlist, a.LastMail("kim@acme.test").Kind)
	assert.Equal(t, "You are on the waitlist", a.LastMail("kim@acme.test").Subject())

	a.clock.Advance(time.Minute)
	params.Email, params.AdditionalFields = "Kim@acme.test", nil
	assert.Equal(t, entry, must(client.CreateWaitlistEntry(ctx, lists[0].ID, params)), "the entry that is there")
	assert.Len(t, a.Mailbox("kim@acme.test"), 1)

	var approved *workos.WaitlistEntry
	events, _ = a.eventsOf(func() { approved = must(client.ApproveWaitlistEntry(ctx, entry.ID)) })
	assert.Equal(t, []string{"invitation.created", "waitlist_user.approved"}, events)
	assert.Equal(t, [2]any{workos.WaitlistApproved, start.Add(time.Minute)}, [2]any{approved.State, approved.ApprovedAt})
	assertCode(t, second(client.ApproveWaitlistEntry(ctx, entry.ID)), 422, "")
	assertCode(t, second(client.DenyWaitlistEntry(ctx, entry.ID)), 422, "")

	require.NoError(t, client.DeleteWaitlistEntry(ctx, entry.ID))
	assertCode(t, client.DeleteWaitlistEntry(ctx, entry.ID), 404, "")
	b, page := a.authorize(map[string]string{"invitation_token": a.LastMail("kim@acme.test").Token})
	assert.Contains(t, page.URL.Path, "/sign-up")
	code := a.callbackQuery(a.press(b, "Create account", nil)).Get("code")
	assert.Equal(t, http.StatusOK, a.exchange(code).status, "the invitation of a deleted entry is valid")
	assertCode(t, second(client.CreateWaitlistEntry(ctx, lists[0].ID, params)), 422, "")
}

func TestTheEntriesOfAWaitlistAreListed(t *testing.T) {
	a := newApp(t)
	ctx, client := context.Background(), a.workos()
	other := a.AddWaitlist()
	assert.Equal(t, other, must(client.ListWaitlists(ctx))[1].ID)
	join := func(waitlistID, email string) string {
		return must(client.CreateWaitlistEntry(ctx, waitlistID, workos.CreateWaitlistEntryParams{Email: email})).ID
	}
	kim, lee := join(workos.WaitlistDefault, "kim@acme.test"), join(workos.WaitlistDefault, "lee@acme.test")
	kimToo := join(other, "kim@acme.test")
	list := func(waitlistID string, p workos.ListWaitlistEntriesParams) (ids []string) {
		for _, e := range collect(t, client.ListWaitlistEntries(ctx, waitlistID, p)) {
			ids = append(ids, e.ID)
		}
		return ids
	}
	events, _ := a.eventsOf(func() { assert.Equal(t, workos.WaitlistDenied, must(client.DenyWaitlistEntry(ctx, kim)).State) })
	assert.Equal(t, []string{"waitlist_user.denied"}, events)
	assert.Equal(t, []string{lee, kim}, list(workos.WaitlistDefault, workos.ListWaitlistEntriesParams{Paging: workos.Paging{PageSize: 1}}))
	assert.Equal(t, []string{lee}, list(workos.WaitlistDefault, workos.ListWaitlistEntriesParams{State: workos.WaitlistPending}))
	assert.Equal(t, []string{kim}, list(workos.WaitlistDefault, workos.ListWaitlistEntriesParams{Email: "KIM@acme.test"}))
	assert.Equal(t, []string{kimToo}, list(other, workos.ListWaitlistEntriesParams{}))
	assert.Equal(t, workos.WaitlistApproved, must(client.ApproveWaitlistEntry(ctx, kim)).State, "an entry that was denied can be approved")
	assertCode(t, second(client.ApproveWaitlistEntry(ctx, kimToo)), 422, "")
}

func TestAWaitlistCallThatIsNotPossibleIsRefused(t *testing.T) {
	a := newApp(t)
	ctx, client := context.Background(), a.workos()
	for _, err := range []error{
		second(client.GetWaitlist(ctx, "waitlist_1")),
		second(client.CreateWaitlistEntry(ctx, "waitlist_1", workos.CreateWaitlistEntryParams{Email: "kim@acme.test"})),
		second(client.ApproveWaitlistEntry(ctx, "wl_user_1")),
		second(client.DenyWaitlistEntry(ctx, "wl_user_1")),
	} {
		assertCode(t, err, 404, "")
	}
	for _, err := range client.ListWaitlistEntries(ctx, "waitlist_1", workos.ListWaitlistEntriesParams{}) {
		assertCode(t, err, 404, "")
	}
	for _, err := range client.ListWaitlistEntries(ctx, workos.WaitlistDefault, workos.ListWaitlistEntriesParams{State: "king"}) {
		assertCode(t, err, 422, workos.CodeInvalidRequestParameters)
	}
	many := map[string]string{}
	for i := range 51 {
		many[fmt.Sprint(i)] = ""
	}
	for _, p := range []workos.CreateWaitlistEntryParams{
		{Email: "kim"}, {Email: ada}, {Email: "kim@acme.test", AdditionalFields: many},
		{Email: "kim@acme.test", AdditionalFields: map[string]string{strings.Repeat("ä", 41): ""}},
		{Email: "kim@acme.test", AdditionalFields: map[string]string{"why": strings.Repeat("ä", 601)}},
	} {
		assertCode(t, second(client.CreateWaitlistEntry(ctx, workos.WaitlistDefault, p)), 422, "")
	}
	assert.Empty(t, collect(t, client.ListWaitlistEntries(ctx, workos.WaitlistDefault, workos.ListWaitlistEntriesParams{})))
}
