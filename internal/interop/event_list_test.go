// The list of events and the webhooks of the fake, as the library of WorkOS for Node.js and package workos read them.

package interop_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

// inGo lists events with package workos.
func (f *eventfulFake) inGo(p workos.ListEventsParams) (events []workos.Event) {
	f.Helper()
	for event, err := range f.client.ListEvents(context.Background(), p) {
		require.NoError(f, err)
		events = append(events, event)
	}
	return events
}

// nodeEvent is an event of the library for Node.js.
type nodeEvent struct {
	ID        string
	Event     string
	CreatedAt time.Time
	Data      json.RawMessage
	Error     string
}

// listing returns the operation that lists events in Node.
func (f *eventfulFake) listing(options operation) operation {
	o := operation{"do": "list", "url": f.URL(), "key": f.APIKey(), "events": strings.Join(emittedTypes, ",")}
	maps.Copy(o, options)
	return o
}

// inNode lists one page of events with the library for Node.js.
func (f *eventfulFake) inNode(options operation) (events []nodeEvent, after string) {
	f.Helper()
	var page struct {
		Data         []nodeEvent
		ListMetadata struct{ After string }
		Error        string
	}
	result := inNode(f.T, f.listing(options))[0]
	require.NoError(f, json.Unmarshal(result, &page), "%s", result)
	require.Empty(f, page.Error)
	return page.Data, page.ListMetadata.After
}

// unreadByNode are the members that Payload has and the library for Node.js has not, by the type of the event.
var unreadByNode = map[string][]string{workos.EventAPIKeyRevoked: {"expiresAt"}} // it has them for api_key.updated

// comparableValue returns a value as both libraries have it: with the names of JavaScript, with times in one form, and without members
// that have no value, which Go and JavaScript write differently.
func comparableValue(name string, value any) any {
	switch value := value.(type) {
	case map[string]any:
		members := map[string]any{}
		for member, v := range value {
			if name != "metadata" { // its names are those of the application
				member = camelCase(member)
			}
			if v = comparableValue(member, v); v != nil && v != "" && v != false && member != "object" {
				members[member] = v
			}
		}
		if len(members) == 0 {
			return nil
		}
		return members
	case []any:
		if len(value) == 0 {
			return nil
		}
		values := []any{}
		for _, v := range value {
			values = append(values, comparableValue("", v))
		}
		return values
	case string:
		if at, err := time.Parse(time.RFC3339, value); err == nil && strings.HasSuffix(name, "At") {
			return at.UTC().Format(time.RFC3339Nano)
		}
	}
	return value
}

func camelCase(name string) string {
	var b strings.Builder
	up := false
	for _, r := range name {
		if r == '_' {
			up = true
			continue
		}
		if up {
			r = unicode.ToUpper(r)
		}
		b.WriteRune(r)
		up = false
	}
	return b.String()
}

// assertSameEvent asserts that both libraries read the same event.
func assertSameEvent(t *testing.T, ours workos.Event, node nodeEvent) {
	t.Helper()
	assert.Equal(t, [3]any{ours.ID, ours.Type, ours.CreatedAt}, [3]any{node.ID, node.Event, node.CreatedAt.UTC()})
	payload, err := ours.Payload()
	require.NoError(t, err)
	text, err := json.Marshal(payload)
	require.NoError(t, err)
	var our, their any
	require.NoError(t, json.Unmarshal(text, &our))
	require.NoError(t, json.Unmarshal(node.Data, &their), "%s", node.Data)
	our, their = comparableValue("", our), comparableValue("", their)
	for _, member := range unreadByNode[ours.Type] {
		assert.Contains(t, our, member)
		assert.NotContains(t, their, member, "unreadByNode is up to date")
		delete(our.(map[string]any), member)
	}
	assert.Equal(t, their, our, "%s", ours.Type)
}

func TestNodeReadsEveryEventOfTheFakeAsGoDoes(t *testing.T) {
	f := newEventfulFake(t)
	f.everyKindOfEvent()
	ours := f.inGo(workos.ListEventsParams{Types: emittedTypes})
	types := map[string]bool{}
	var theirs []nodeEvent
	for after := ""; len(theirs) < len(ours); {
		page, next := f.inNode(operation{"limit": "100", "after": after})
		require.NotEmpty(t, page)
		theirs, after = append(theirs, page...), next
	}
	require.Len(t, theirs, len(ours))
	for i, event := range ours {
		types[event.Type] = true
		assertSameEvent(t, event, theirs[i])
	}
	assert.ElementsMatch(t, emittedTypes, slices.Collect(maps.Keys(types)))
	assert.Len(t, f.Events(), len(ours), "emittedTypes has all types")
}

func TestNodeAndGoListTheSameEventsForTheSameParameters(t *testing.T) {
	f := newEventfulFake(t)
	f.everyKindOfEvent()
	all := f.inGo(workos.ListEventsParams{Types: emittedTypes})
	middle, early, late := all[len(all)/2], all[10].CreatedAt, all[len(all)-10].CreatedAt
	const format = "2006-01-02T15:04:05.000Z"
	for name, test := range map[string]struct {
		params workos.ListEventsParams
		node   operation
	}{
		"one type":            {workos.ListEventsParams{Types: []string{workos.EventUserDeleted}}, operation{"events": workos.EventUserDeleted}},
		"two types":           {workos.ListEventsParams{Types: []string{workos.EventUserDeleted, "acme.happened"}}, operation{"events": "user.deleted,acme.happened"}},
		"after an event":      {workos.ListEventsParams{After: middle.ID}, operation{"after": middle.ID}},
		"after the last one":  {workos.ListEventsParams{After: all[len(all)-1].ID}, operation{"after": all[len(all)-1].ID}},
		"from a time":         {workos.ListEventsParams{RangeStart: late}, operation{"rangeStart": late.Format(format)}},
		"until a time":        {workos.ListEventsParams{RangeEnd: early}, operation{"rangeEnd": early.Format(format)}},
		"between two times":   {workos.ListEventsParams{RangeStart: early, RangeEnd: late}, operation{"rangeStart": early.Format(format), "rangeEnd": late.Format(format)}},
		"of an organization":  {workos.ListEventsParams{OrganizationID: sunHill}, operation{"organizationId": sunHill}},
		"of a deleted one":    {workos.ListEventsParams{OrganizationID: "org_third"}, operation{"organizationId": "org_third"}},
		"in pages of thirty":  {workos.ListEventsParams{PageSize: 30}, operation{"limit": "30"}},
		"in an order":         {workos.ListEventsParams{}, operation{"order": "asc"}},
		"all three at a time": {workos.ListEventsParams{After: middle.ID, RangeEnd: late, OrganizationID: sunHill}, operation{"after": middle.ID, "rangeEnd": late.Format(format), "organizationId": sunHill}},
	} {
		t.Run(name, func(t *testing.T) {
			if test.params.Types == nil {
				test.params.Types = emittedTypes
			}
			if test.node["limit"] == "" {
				test.node["limit"] = "100"
			}
			var ours, theirs []string
			for _, event := range f.inGo(test.params) {
				ours = append(ours, event.ID)
			}
			for more := true; more; {
				page, after := f.inNode(test.node)
				for _, event := range page {
					theirs = append(theirs, event.ID)
				}
				limit, err := strconv.Atoi(test.node["limit"])
				require.NoError(t, err)
				require.LessOrEqual(t, len(page), limit)
				test.node["after"], more = after, after != ""
			}
			assert.Equal(t, ours, theirs)
			assert.Equal(t, name == "after the last one", len(ours) == 0)
		})
	}
}

func TestNodeAndGoGetTheSameErrorsOfTheListOfEvents(t *testing.T) {
	f := newEventfulFake(t)
	f.EmitEvent("acme.happened", nil)
	happened := []string{"acme.happened"}
	for name, test := range map[string]struct {
		params       workos.ListEventsParams
		node         operation
		ours, theirs string
	}{
		"an unknown type":         {workos.ListEventsParams{Types: []string{"acme.unknown"}}, operation{"events": "acme.unknown"}, "status 422", "unknown_event_type"},
		"an unknown event":        {workos.ListEventsParams{Types: happened, After: "event_01A"}, operation{"after": "event_01A"}, "event_01A", "event_01A"},
		"an unknown organization": {workos.ListEventsParams{Types: happened, OrganizationID: "org_unknown"}, operation{"organizationId": "org_unknown"}, "org_unknown", "org_unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			var ours error
			for _, err := range f.client.ListEvents(t.Context(), test.params) {
				ours = err
			}
			require.ErrorContains(t, ours, test.ours)
			if test.node["events"] == "" {
				test.node["events"] = "acme.happened"
			}
			assert.Contains(t, string(inNode(t, f.listing(test.node))[0]), test.theirs)
		})
	}
}
