// Failed events: the events for which an application's function has failed, and when it is
// called with them again.

package authkit

import (
	"slices"
	"time"

	"github.com/authkit-go/authkit/workos"
)

const (
	// maxFailedEvents is how many events are tried again. While there are as many, no
	// further events are read.
	maxFailedEvents = 1 << 10
	// lastRetryPause is the longest pause between two attempts with an event.
	lastRetryPause = 10 * time.Minute
	// giveUpAfter is how long an event is tried again.
	giveUpAfter = 3 * 24 * time.Hour
	// retryTime is how long failed events are tried again before the next new event.
	retryTime = 10 * time.Second
)

// failedEvents holds failed events. The first to fail is the first.
type failedEvents struct {
	events []*failedEvent
	next   time.Time // no event is due before
}

// failedEvent is an event whose function has failed.
type failedEvent struct {
	event    workos.Event
	cursor   string // of its first call
	failures int
	since    time.Time
	next     time.Time // of the next attempt
}

func (q *failedEvents) len() int { return len(q.events) }

func (q *failedEvents) isFull() bool { return len(q.events) >= maxFailedEvents }

// add adds an event after its first failure.
func (q *failedEvents) add(event workos.Event, cursor string, now time.Time) {
	f := &failedEvent{event: event, cursor: cursor, failures: 1, since: now, next: now.Add(time.Second)}
	if len(q.events) == 0 || f.next.Before(q.next) {
		q.next = f.next
	}
	q.events = append(q.events, f)
}

// due returns the event that has been due for the longest time, or nil.
func (q *failedEvents) due(now time.Time) *failedEvent {
	if len(q.events) == 0 || now.Before(q.next) {
		return nil
	}
	first := slices.MinFunc(q.events, func(a, b *failedEvent) int { return a.next.Compare(b.next) })
	if q.next = first.next; now.Before(q.next) {
		return nil
	}
	return first
}

func (q *failedEvents) remove(f *failedEvent) {
	q.events = slices.DeleteFunc(q.events, func(other *failedEvent) bool { return other == f })
}

// postpone notes a further failure. It removes the event and returns false if it has failed
// for too long.
func (q *failedEvents) postpone(f *failedEvent, now time.Time) bool {
	if now.Sub(f.since) >= giveUpAfter {
		q.remove(f)
		return false
	}
	f.next = now.Add(min(time.Second<<min(f.failures, 10), lastRetryPause))
	f.failures++
	return true
}

// cursor returns the position before the first event, and reports whether there is one.
// Every earlier event is handled.
func (q *failedEvents) cursor() (string, bool) {
	if len(q.events) == 0 {
		return "", false
	}
	return q.events[0].cursor, true
}
