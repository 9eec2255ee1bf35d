// The memory of a cursor.

package workos

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testrun"
)

// readEvents reads a list of the events from the first to the last one on a cursor, as ListEvents does, at a time. It
// returns the number of events that it yields, and whether it has reached the end.
func readEvents(cursor *EventCursor, first, last int, at, created time.Time) (yielded int, complete bool) {
	pass, after := cursor.pass("")
	for i := first; i <= last; i++ {
		event := Event{ID: fmt.Sprintf("event_%07d", i), CreatedAt: created}
		if event.ID <= after {
			continue
		}
		if !pass.isRead(event.ID) {
			if pass.isFull() {
				return yielded, false
			}
			yielded++
		}
		pass.done(event, at, at)
	}
	pass.end()
	return yielded, true
}

func TestTheMemoryOfACursorIsBounded(t *testing.T) {
	events := testrun.Length(80_000, 200_000) // more than a cursor remembers
	require.Greater(t, events, maxEventIDs)
	now := time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)
	created := now
	var cursor EventCursor
	total, lists := 0, 0
	for complete := false; !complete; lists++ {
		var yielded int
		yielded, complete = readEvents(&cursor, 1, events, now, created)
		total += yielded
		assert.LessOrEqual(t, len(cursor.read), maxEventIDs)
		now = now.Add(EventOverlap)
	}
	assert.Equal(t, events, total, "each event is yielded once")
	assert.LessOrEqual(t, lists, 5)

	yielded, complete := readEvents(&cursor, 1, events, now, created)
	assert.Zero(t, yielded)
	assert.True(t, complete)
	assert.Equal(t, fmt.Sprintf("event_%07d", events), cursor.After())
	assert.True(t, cursor.read == nil, "the memory is freed")
}

func TestACursorForgetsEventsThatAreNotInTheListAnyMore(t *testing.T) {
	now := time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)
	var cursor EventCursor
	yielded, _ := readEvents(&cursor, 1, 1000, now, now)
	assert.Equal(t, 1000, yielded)
	yielded, _ = readEvents(&cursor, 501, 1000, now, now)
	assert.Zero(t, yielded)
	assert.Equal(t, 500, len(cursor.read))

	full := EventCursor{read: map[string]readEvent{}}
	for i := range maxEventIDs {
		full.read[fmt.Sprintf("event_%07d", i)] = readEvent{at: now}
	}
	yielded, complete := readEvents(&full, 1_000_000, 1_000_001, now, now)
	assert.Equal(t, 2, yielded, "a cursor full of another list's events does not block the list")
	assert.True(t, complete)
	assert.Equal(t, 2, len(full.read))
}
