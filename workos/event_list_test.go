// The list of events: its pages, and the cursor of a program that follows the events while WorkOS shows them late.

package workos_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testrun"
	"github.com/authkit-go/authkit/workos"
)

// eventLog replaces WorkOS's list of events. An event is in the list from a time on that may be later than that of newer
// events. It is WorkOS's clock and, with a difference, the client's.
type eventLog struct {
	now      time.Time
	ahead    time.Duration // of the client's clock
	events   []loggedEvent // in the order of their IDs
	requests []string      // the queries
	bytes    int           // the size of each event's data
}

type loggedEvent struct {
	id               string
	created, visible time.Time
}

func newEventLog() *eventLog { return &eventLog{now: time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)} }

// add adds an event that is in the list after a delay. IDs ascend with the time of creation.
func (l *eventLog) add(delay time.Duration) string {
	id := fmt.Sprintf("event_%07d", len(l.events))
	l.events = append(l.events, loggedEvent{id, l.now, l.now.Add(delay)})
	return id
}

func (l *eventLog) Now() time.Time { return l.now.Add(l.ahead) }

func (l *eventLog) AfterFunc(time.Duration, func()) func() bool { return func() bool { return true } }

// RoundTrip answers a request.
func (l *eventLog) RoundTrip(r *http.Request) (*http.Response, error) {
	query := r.URL.Query()
	l.requests = append(l.requests, r.URL.RawQuery)
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil || query.Get("order") != "asc" || query.Get("events") != "user.updated" {
		return nil, fmt.Errorf("unexpected query %s", r.URL.RawQuery)
	}
	start, err := time.Parse(time.RFC3339, query.Get("range_start"))
	if err != nil && query.Has("range_start") {
		return nil, err
	}
	var texts []string
	after, last := "null", ""
	first, _ := slices.BinarySearchFunc(l.events, query.Get("after"), func(e loggedEvent, after string) int { return strings.Compare(e.id, after) })
	for _, event := range l.events[first:] {
		if event.id == query.Get("after") || event.visible.After(l.now) || event.created.Before(start) {
			continue
		}
		if len(texts) == limit {
			after = strconv.Quote(last)
			break
		}
		created, err := event.created.MarshalText()
		if err != nil {
			return nil, err
		}
		texts = append(texts, fmt.Sprintf(`{"id":%q,"event":"user.updated","created_at":%q,"data":{"id":"user_01A","x":%q}}`,
			event.id, created, strings.Repeat("x", l.bytes)))
		last = event.id
	}
	body := `{"data":[` + strings.Join(texts, ",") + `],"list_metadata":{"after":` + after + `}}`
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func (l *eventLog) client(t *testing.T) *workos.Client {
	t.Helper()
	return newClient(t, workos.WithAPIKey(apiKey), workos.WithClock(l), workos.WithHTTPClient(&http.Client{Transport: l}))
}

// list reads a list and returns the IDs of its events.
func (l *eventLog) list(t *testing.T, p workos.ListEventsParams) (ids []string) {
	t.Helper()
	p.Types = []string{workos.EventUserUpdated}
	for event, err := range l.client(t).ListEvents(t.Context(), p) {
		require.NoError(t, err)
		ids = append(ids, event.ID)
	}
	return ids
}

// follow reads the next list of a cursor.
func (l *eventLog) follow(t *testing.T, cursor *workos.EventCursor) []string {
	t.Helper()
	return l.list(t, workos.ListEventsParams{Cursor: cursor})
}

func TestEventsAreListedInPagesOfAHundred(t *testing.T) {
	log := newEventLog()
	var want []string
	for range 250 {
		want = append(want, log.add(0))
	}
	got := log.list(t, workos.ListEventsParams{RangeStart: log.now, RangeEnd: log.now.Add(time.Hour)})
	assert.Equal(t, want, got)
	assert.Equal(t, []string{
		"events=user.updated&limit=100&order=asc&range_end=2026-05-04T11%3A00%3A00.000Z&range_start=2026-05-04T10%3A00%3A00.000Z",
		"after=event_0000099&events=user.updated&limit=100&order=asc&range_end=2026-05-04T11%3A00%3A00.000Z",
		"after=event_0000199&events=user.updated&limit=100&order=asc&range_end=2026-05-04T11%3A00%3A00.000Z",
	}, log.requests)
}

func TestAnEventThatAppearsLateIsYieldedByAListWithACursor(t *testing.T) {
	log := newEventLog()
	var cursor workos.EventCursor
	start := log.add(0)
	assert.Equal(t, []string{start}, log.follow(t, &cursor))

	late := log.add(5 * time.Second)
	log.now = log.now.Add(time.Second)
	newer := log.add(0)
	assert.Equal(t, []string{newer}, log.follow(t, &cursor))
	assert.Empty(t, log.follow(t, &cursor), "an event is yielded once")

	log.now = log.now.Add(10 * time.Second)
	assert.Empty(t, log.list(t, workos.ListEventsParams{After: newer}), "the newest ID as a cursor skips the late event")
	assert.Equal(t, []string{late}, log.follow(t, &cursor))
	assert.Empty(t, log.follow(t, &cursor))
	assert.Empty(t, cursor.After(), "no event was read EventOverlap ago")

	log.now = log.now.Add(workos.EventOverlap)
	assert.Empty(t, log.follow(t, &cursor))
	assert.Equal(t, newer, cursor.After())
	log.requests = nil
	assert.Empty(t, log.follow(t, &cursor))
	assert.Equal(t, []string{"after=event_0000002&events=user.updated&limit=100&order=asc"}, log.requests, "the overlap has ended")
}

func TestTheCursorStaysBeforeAnEventThatHasJustAppeared(t *testing.T) {
	log := newEventLog()
	var cursor workos.EventCursor
	first := log.add(0)
	late := log.add(workos.EventOverlap - time.Second)
	newer := log.add(0)
	assert.Equal(t, []string{first, newer}, log.follow(t, &cursor))
	log.now = log.now.Add(workos.EventOverlap)
	assert.Equal(t, []string{late}, log.follow(t, &cursor))
	assert.Equal(t, first, cursor.After(), "not newer, although it is read and old")
	log.now = log.now.Add(workos.EventOverlap)
	assert.Empty(t, log.follow(t, &cursor))
	assert.Equal(t, newer, cursor.After())
}

func TestAnEventInWhichTheLoopEndsIsYieldedAgain(t *testing.T) {
	log := newEventLog()
	var cursor workos.EventCursor
	first, second, third := log.add(0), log.add(0), log.add(0)
	for event, err := range log.client(t).ListEvents(t.Context(), workos.ListEventsParams{
		Types: []string{workos.EventUserUpdated}, Cursor: &cursor,
	}) {
		require.NoError(t, err)
		if event.ID == second {
			break
		}
		assert.Equal(t, first, event.ID)
	}
	assert.Equal(t, []string{second, third}, log.follow(t, &cursor))
}

// The cursor says where the first list starts only until an event was read.
func TestACursorContinuesFromTheStartOfItsFirstList(t *testing.T) {
	log := newEventLog()
	first, second := log.add(0), log.add(0)
	var cursor workos.EventCursor
	params := workos.ListEventsParams{After: first, Cursor: &cursor}
	assert.Equal(t, []string{second}, log.list(t, params))
	assert.Equal(t, first, cursor.After())
	log.now = log.now.Add(workos.EventOverlap)
	assert.Empty(t, log.list(t, params))
	assert.Equal(t, second, cursor.After())
	assert.Empty(t, log.list(t, params))
	assert.Contains(t, log.requests[2], "after="+second)

	params = workos.ListEventsParams{RangeStart: log.now, Cursor: new(workos.EventCursor)}
	assert.Empty(t, log.list(t, params))
	third := log.add(0)
	assert.Equal(t, []string{third}, log.list(t, params))
}

func TestACursorRemembersNoEventOfThePast(t *testing.T) {
	log := newEventLog()
	for range 1000 {
		log.add(0)
	}
	log.now = log.now.Add(80 * 24 * time.Hour)
	var cursor workos.EventCursor
	assert.Len(t, log.follow(t, &cursor), 1000)
	assert.Equal(t, "event_0000999", cursor.After(), "the first list has moved the cursor to the end")
}

// Events are created and become visible at random times, in any order within five seconds. A program lists them at random
// times, leaves some lists early, and restarts from After. The clocks differ.
func TestAFollowerLosesNoEvent(t *testing.T) {
	steps := testrun.Length(80, 160)
	last := steps - 30 // before all becomes visible and is read
	for _, ahead := range []time.Duration{0, -3 * time.Hour, 8 * time.Minute} {
		for _, interrupted := range []bool{false, true} {
			t.Run(fmt.Sprintf("clock ahead by %s, interrupted %t", ahead, interrupted), func(t *testing.T) {
				for seed := range testrun.Length[uint64](1, 3) {
					follower := rand.New(rand.NewPCG(seed, 1))
					log := newEventLog()
					log.ahead = ahead
					client := log.client(t)
					times := map[string]int{}
					cursor, after := new(workos.EventCursor), ""
					for step := range steps {
						log.now = log.now.Add(time.Duration(follower.IntN(1500)) * time.Millisecond)
						for range follower.IntN(8) {
							log.add(time.Duration(follower.IntN(5000)) * time.Millisecond)
						}
						if step > last {
							log.now = log.now.Add(2 * time.Second)
						} else if interrupted && follower.IntN(20) == 0 {
							cursor = new(workos.EventCursor) // a restart
						}
						params := workos.ListEventsParams{
							Types: []string{workos.EventUserUpdated}, After: after, Cursor: cursor, PageSize: 10 + follower.IntN(91),
						}
						for event, err := range client.ListEvents(t.Context(), params) {
							require.NoError(t, err)
							if interrupted && step <= last && follower.IntN(50) == 0 {
								break // not handled
							}
							times[event.ID]++
						}
						after = cursor.After()
						if step == last {
							for i := range log.events {
								log.events[i].visible = log.now
							}
						}
					}
					log.now = log.now.Add(time.Minute)
					for _, id := range log.list(t, workos.ListEventsParams{Cursor: cursor}) {
						times[id]++
					}
					for _, event := range log.events {
						require.NotZero(t, times[event.id], "seed %d: %s is lost", seed, event.id)
						if !interrupted {
							require.Equal(t, 1, times[event.id], "seed %d: %s", seed, event.id)
						}
					}
				}
			})
		}
	}
}

func TestAnOverlongPageOfEventsIsRequestedWithFewerEvents(t *testing.T) {
	log := newEventLog()
	log.bytes = 40_000 // 100 events are 4 MB
	for range 60 {
		log.add(0)
	}
	assert.Len(t, log.list(t, workos.ListEventsParams{}), 60)
	var sizes []string
	for _, query := range log.requests {
		_, size, _ := strings.Cut(query, "limit=")
		size, _, _ = strings.Cut(size, "&")
		sizes = append(sizes, size)
	}
	assert.Equal(t, []string{"100", "50", "25", "25", "25"}, sizes)

	log = newEventLog()
	log.bytes = 2 << 20
	log.add(0)
	_, err := collect(log.client(t).ListEvents(t.Context(), workos.ListEventsParams{Types: []string{workos.EventUserUpdated}}))
	assert.ErrorContains(t, err, "longer than 1048576 bytes", "one event is too long")
}

// eventPageOf responds with a page of events and a cursor.
func eventPageOf(after string, ids ...string) http.HandlerFunc {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = fmt.Sprintf(`{"id":%q,"event":"user.updated","data":{}}`, id)
	}
	cursor, _ := json.Marshal(after)
	return respondWith(200, `{"data":[`+strings.Join(texts, ",")+`],"list_metadata":{"after":`+string(cursor)+`}}`)
}

func TestAListOfEventsEndsWithoutACursorOrWithAnEmptyPage(t *testing.T) {
	for name, last := range map[string]http.HandlerFunc{
		"an empty page without a cursor": eventPageOf(""),
		"an empty page with a cursor":    eventPageOf("b"),
		"a null cursor":                  respondWith(200, `{"data":[],"list_metadata":{"after":null}}`),
		"no metadata":                    respondWith(200, `{"data":[]}`),
	} {
		t.Run(name, func(t *testing.T) {
			server := newServer(t, eventPageOf("b", "a", "b"), last)
			got, err := collectEvents(t.Context(), server.client(t), workos.ListEventsParams{Types: []string{"user.updated"}})
			require.NoError(t, err)
			assert.Len(t, got, 2)
			assert.Len(t, server.received(), 2)
		})
	}
}

func TestAListOfEventsYieldsAnErrorOnceAndEnds(t *testing.T) {
	for name, c := range map[string]struct {
		pages []http.HandlerFunc
		want  string
	}{
		"an error response":        {[]http.HandlerFunc{eventPageOf("b", "a", "b"), respondWith(422, `{"message":"No."}`)}, "No."},
		"a repeated cursor":        {[]http.HandlerFunc{eventPageOf("b", "a", "b"), eventPageOf("b", "c")}, "already read"},
		"a cursor that was given":  {[]http.HandlerFunc{eventPageOf("start", "a")}, "already read"},
		"a cycle of three cursors": {[]http.HandlerFunc{eventPageOf("a", "a"), eventPageOf("b", "b"), eventPageOf("c", "c"), eventPageOf("a", "a"), eventPageOf("b", "b")}, "already read"},
		"an event without ID":      {[]http.HandlerFunc{eventPageOf("", "a", "")}, "data[1]: missing id"},
		"an event without type":    {[]http.HandlerFunc{respondWith(200, `{"data":[{"id":"a"}]}`)}, "data[0]: missing event"},
		"an event that is a text":  {[]http.HandlerFunc{respondWith(200, `{"data":["a"]}`)}, "unexpected type string"},
	} {
		t.Run(name, func(t *testing.T) {
			var errs []error
			for event, err := range newServer(t, c.pages...).client(t).ListEvents(t.Context(), workos.ListEventsParams{
				Types: []string{"user.updated"}, After: "start",
			}) {
				if err != nil {
					assert.Empty(t, event.ID)
					errs = append(errs, err)
				}
			}
			require.Len(t, errs, 1)
			assert.ErrorContains(t, errs[0], c.want)
		})
	}
}

func TestAFollowerWaitsAsLongAsRetryAfterSays(t *testing.T) {
	clock := newFakeClock()
	server := newServer(t, eventPageOf("a", "a"), respondWith(429, `{}`, "Retry-After", "7"), eventPageOf("", "b"))
	client := server.client(t, workos.WithClock(clock))
	var ids []string
	done := start(func() error {
		for event, err := range client.ListEvents(t.Context(), workos.ListEventsParams{Types: []string{"user.updated"}}) {
			if err != nil {
				return err
			}
			ids = append(ids, event.ID)
		}
		return nil
	})
	assert.Equal(t, 10*time.Second, clock.next())
	assert.Equal(t, 10*time.Second, clock.next())
	clock.requireWait(t, 7*time.Second, time.Second/4)
	require.NoError(t, <-done)
	assert.Equal(t, []string{"a", "b"}, ids)
}
