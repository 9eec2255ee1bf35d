// The list of events: its pages, its parameters, and events that appear late.

package authkittest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
	"github.com/authkit-go/authkit/workos"
)

// emitted emits events of a type, a second apart, and returns them.
func (a *app) emitted(typ string, n int) (events []authkittest.Event) {
	for i := range n {
		a.clock.Advance(time.Second)
		events = append(events, a.EmitEvent(typ, object{"id": fmt.Sprint("user_", i)}))
	}
	return events
}

// page calls the list of events and returns the IDs and the cursor.
func (a *app) page(query string) (ids []string, after string) {
	a.Helper()
	body := a.mustCall(http.StatusOK, http.MethodGet, "/events?"+query, nil)
	for _, event := range body["data"].([]any) {
		assert.Equal(a, "event", event.(object)["object"])
		ids = append(ids, event.(object)["id"].(string))
	}
	after, _ = body["list_metadata"].(object)["after"].(string)
	return ids, after
}

func ids(events []authkittest.Event) (ids []string) {
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

func TestTheListOfEventsHasPagesWithTheOldestFirst(t *testing.T) {
	a := newApp(t)
	all := ids(a.emitted("user.updated", 12))
	got, after := a.page("events=user.updated")
	assert.Equal(t, all[:10], got, "ten by default")
	assert.Equal(t, all[9], after)
	got, after = a.page("events=user.updated&after=" + after)
	assert.Equal(t, all[10:], got)
	assert.Empty(t, after)
	got, after = a.page("events=user.updated&limit=12&order=asc")
	assert.Equal(t, all, got)
	assert.Empty(t, after, "a full page can be the last one")
	got, after = a.page("events=user.updated&limit=2&order=desc")
	assert.Equal(t, []string{all[11], all[10]}, got)
	got, _ = a.page("events=user.updated&limit=2&order=desc&after=" + after)
	assert.Equal(t, []string{all[9], all[8]}, got)
	got, after = a.page("events=user.updated&after=" + all[11])
	assert.Empty(t, got)
	assert.Empty(t, after)
}

func TestTheListOfEventsIsFiltered(t *testing.T) {
	a := newApp(t)
	updated := ids(a.emitted("user.updated", 3))
	deleted := ids(a.emitted("user.deleted", 1))
	organization := a.AddOrganization(authkittest.Organization{Name: "Acme"}).ID
	member := a.AddUser(authkittest.User{Email: "kim@acme.test", Memberships: []authkittest.Membership{{OrganizationID: organization}}})
	a.AddAPIKey(authkittest.APIKey{Name: "k", OrganizationID: organization, UserID: member.ID})
	a.DeleteOrganization(organization)
	at := func(seconds int) string {
		return url.QueryEscape(start.Add(time.Duration(seconds) * time.Second).Format(time.RFC3339))
	}
	for query, want := range map[string][]string{
		"events=user.deleted":                                              deleted,
		"events=user.updated,user.deleted":                                 append(updated[:3:3], deleted...),
		"events=user.updated&events=user.deleted":                          append(updated[:3:3], deleted...),
		"events[]=user.updated&events[]=user.deleted":                      append(updated[:3:3], deleted...),
		"events=role.updated":                                              nil,
		"events=user.updated&range_start=" + at(2):                         updated[1:],
		"events=user.updated&range_end=" + at(2):                           updated[:1],
		"events=user.updated&range_start=" + at(2) + "&range_end=" + at(3): updated[1:2],
		"events=user.updated&range_start=" + at(3) + "&range_end=" + at(2): nil,
		"events=user.updated&range_end=" + at(3) + "&after=" + updated[0]:  updated[1:2],
		"events=user.updated&organization_id=" + organization:              nil,
	} {
		t.Run(query, func(t *testing.T) {
			got, _ := a.page(query)
			assert.Equal(t, want, got)
		})
	}
	got := a.list(workos.ListEventsParams{OrganizationID: organization})
	var types []string
	for _, event := range got {
		types = append(types, event.Type)
	}
	assert.Equal(t, []string{
		"organization.created", "organization_membership.created", "api_key.created", "api_key.revoked",
		"organization_membership.deleted", "organization.deleted",
	}, types, "events of users belong to no organization")
}

func TestAnInvalidRequestForEventsIsRefused(t *testing.T) {
	a := newApp(t)
	a.EmitEvent("user.updated", nil)
	for query, want := range map[string]struct {
		status int
		code   string
	}{
		"":                                             {422, "required"},
		"events=,":                                     {422, "required"},
		"events=user.renamed":                          {422, "unknown_event_type"},
		"events=user.updated,*":                        {422, "unknown_event_type"},
		"events=user.updated&limit=0":                  {422, "out_of_range"},
		"events=user.updated&limit=101":                {422, "out_of_range"},
		"events=user.updated&order=up":                 {422, "invalid"},
		"events=user.updated&range_start=1":            {422, "invalid"},
		"events=user.updated&range_end=now":            {422, "invalid"},
		"events=user.updated&after=event_1":            {400, ""},
		"events=user.updated&organization_id=org_none": {400, ""},
	} {
		t.Run(query, func(t *testing.T) {
			got := a.api(http.MethodGet, "/events?"+query, nil)
			assert.Equal(t, want.status, got.status)
			assert.NotEmpty(t, got.text("message"))
			if want.code != "" {
				assert.Equal(t, []string{want.code}, problems(got))
			}
		})
	}
	assert.Equal(t, "invalid_cursor", a.api(http.MethodGet, "/events?events=user.updated&after=event_1", nil).text("code"))
	for _, err := range a.workos().ListEvents(context.Background(), workos.ListEventsParams{Types: []string{"user.updated"}, After: "event_1"}) {
		var refused *workos.Error
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, "invalid_cursor", refused.Code)
	}
}

func TestAnEventIsInTheListAfterTheHoldBack(t *testing.T) {
	a := newApp(t)
	a.SetEventHoldBack(5 * time.Second)
	first := a.EmitEvent("user.updated", nil)
	a.clock.Advance(5*time.Second - time.Millisecond)
	second := a.EmitEvent("user.updated", nil)
	got, _ := a.page("events=user.updated")
	assert.Empty(t, got)
	assert.Len(t, a.Events(), 2)
	a.clock.Advance(time.Millisecond)
	got, after := a.page("events=user.updated")
	assert.Equal(t, []string{first.ID}, got)
	assert.Empty(t, after)
	got, _ = a.page("events=user.updated&after=" + second.ID)
	assert.Empty(t, got)
	a.SetEventHoldBack(0)
	got, _ = a.page("events=user.updated")
	assert.Equal(t, []string{first.ID, second.ID}, got)
}

func TestAHeldEventAppearsAmongOlderOnes(t *testing.T) {
	a := newApp(t)
	a.HoldEvents("user.updated")
	held := a.emitted("user.updated", 2)
	listed := a.emitted("user.deleted", 1)
	got, _ := a.page("events=user.updated,user.deleted")
	assert.Equal(t, ids(listed), got)
	assert.Equal(t, ids(listed), ids(a.Events()))
	assertRefused(t, a.api(http.MethodGet, "/events?events=user.updated&after="+held[0].ID, nil), http.StatusBadRequest, "invalid_cursor")

	var cursor workos.EventCursor
	follow := func() (got []string) {
		for _, event := range a.list(workos.ListEventsParams{Types: []string{"user.updated", "user.deleted"}, Cursor: &cursor}) {
			got = append(got, event.ID)
		}
		return got
	}
	assert.Equal(t, ids(listed), follow())
	a.clock.Advance(10 * time.Second)
	a.ReleaseEvents()
	got, _ = a.page("events=user.updated,user.deleted")
	assert.Equal(t, append(ids(held), ids(listed)...), got)
	assert.Equal(t, []string{"user.updated", "user.updated", "user.deleted"}, []string{a.Events()[0].Type, a.Events()[1].Type, a.Events()[2].Type})
	assert.Equal(t, ids(held), follow(), "the overlap finds events that appear late")
	assert.Equal(t, ids(a.emitted("user.updated", 1)), follow(), "events are no longer held")
	a.HoldEvents()
	a.emitted("session.revoked", 1)
	assert.Len(t, a.Events(), 4, "all types are held")
}

// timedPage reads the page of 100 events after a cursor, and returns its time and the next cursor.
func (a *app) timedPage(after string) (took time.Duration, next string) {
	a.Helper()
	began := time.Now()
	_, text := a.send(http.MethodGet, "/events?events=user.updated&limit=100&after="+after, nil)
	took = time.Since(began)
	_, rest, found := strings.Cut(text, `"after":"`)
	require.True(a, found, "%.200s", text)
	next, _, _ = strings.Cut(rest, `"`)
	return took, next
}

func TestAPageOfEventsTakesTheSameTimeInALongList(t *testing.T) {
	short, long := newApp(t), newApp(t)
	for i := range testrun.Length(2_000, 6_000) {
		short.EmitEvent("user.updated", i)
	}
	for i := range testrun.Length(28_000, 100_000) {
		long.EmitEvent("user.updated", i)
	}
	shortTime, longTime := time.Hour, time.Hour // the shortest time of a page
	shortAfter, longAfter, took := "", "", time.Duration(0)
	for range testrun.Length(19, 50) { // pages of 100
		took, shortAfter = short.timedPage(shortAfter)
		shortTime = min(shortTime, took)
		took, longAfter = long.timedPage(longAfter)
		longTime = min(longTime, took)
	}
	assert.Less(t, longTime, 3*shortTime, "a page does not look at all events")
}

func BenchmarkListEvents(b *testing.B) {
	fake := authkittest.New(b)
	for i := range 100_000 {
		fake.EmitEvent("user.updated", i)
	}
	client := newClient(b, fake, nil)
	b.ResetTimer()
	for b.Loop() {
		n := 0
		for _, err := range client.ListEvents(context.Background(), workos.ListEventsParams{Types: []string{"user.updated"}}) {
			require.NoError(b, err)
			n++
		}
		require.Equal(b, 100_000, n)
	}
}
