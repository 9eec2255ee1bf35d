// The events of WorkOS for an application's function: what it has handled, and what has
// failed.

package authkit

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/authkit-go/authkit/internal/replica"
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
	// positionInterval is how often the position is stored while a long list is read.
	positionInterval = 5 * time.Second
	// eventHistory is how long WorkOS keeps events.
	eventHistory = 90 * 24 * time.Hour
)

// eventQueue calls an application's function with events. All its work is done by one
// goroutine.
type eventQueue struct {
	follower *follower
	function func(ctx context.Context, event workos.Event, cursor string) error
	after    string // where the first list starts, "" for the start of the effects
	types    []string

	list   *workos.EventCursor // nil until this instance has the duty
	start  time.Time           // of the list, if after is ""
	failed []*failedEvent      // the first to fail is the first
	begun  bool                // a list was read

	stored   string // the last position in the store
	storedAt time.Time
}

// failedEvent is an event whose function has failed.
type failedEvent struct {
	event    workos.Event
	cursor   string // of its first call
	failures int
	since    time.Time
	next     time.Time // of the next attempt
}

// follow calls the function until ctx ends.
func (q *eventQueue) follow(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		var err error
		if q.follower.holder(ctx) == replica.HolderSelf {
			if err = q.read(ctx); err != nil {
				failures++
				q.logFailure(ctx, err, failures)
			} else {
				failures = 0
			}
		} else {
			q.forget()
		}
		q.follower.pause(ctx, failures, err)
	}
}

// forget is called when another instance has the duty. It starts from the position in the
// store.
func (q *eventQueue) forget() {
	q.list, q.failed = nil, nil
	q.follower.authKit.events.retrying.Store(0)
}

// read calls the function with the failed events that are due, and with new ones.
func (q *eventQueue) read(ctx context.Context) error {
	if q.list == nil {
		if err := q.begin(ctx); err != nil {
			return err
		}
	}
	q.retry(ctx)
	params := workos.ListEventsParams{Types: q.types, Cursor: q.list, After: q.after}
	if q.after == "" {
		params.RangeStart = q.start
	}
	var err error
	ended := callContained(func() { err = q.handleAll(ctx, params) })
	err = errors.Join(ended, err)
	q.begun = q.begun || err == nil
	if !q.begun && q.after != "" && isRefusedCursor(err) {
		a := q.follower.authKit
		a.log.LogAttrs(ctx, slog.LevelError, "authkit: WorkOS does not know the event to continue after, all events that it keeps are read",
			cursorText(q.after), slog.Any("error", err))
		q.after, q.start, q.list = "", a.clock.Now().Add(time.Minute-eventHistory), &workos.EventCursor{}
	}
	q.store(ctx)
	return err
}

// begin finds where to start.
func (q *eventQueue) begin(ctx context.Context) error {
	a := q.follower.authKit
	if q.follower.duty != nil {
		position, err := q.follower.duty.Position(ctx)
		if err != nil {
			return err
		}
		if position != "" {
			q.after, q.stored = position, position
		}
	}
	q.begun = false
	q.list, q.start = &workos.EventCursor{}, a.clock.Now().Add(-a.effectTime())
	return nil
}

// handleAll calls the function with the events of a list.
func (q *eventQueue) handleAll(ctx context.Context, p workos.ListEventsParams) error {
	a := q.follower.authKit
	for event, err := range a.client.ListEvents(ctx, p) {
		// An event in which the loop is left comes again with the next list.
		if err != nil || ctx.Err() != nil || len(q.failed) >= maxFailedEvents || q.follower.holder(ctx) != replica.HolderSelf {
			return err
		}
		_ = a.applyEvent(ctx, event) // so that the function finds it applied
		q.handle(ctx, event)
		if ctx.Err() != nil {
			return nil
		}
		if a.clock.Now().Sub(q.storedAt) >= positionInterval {
			q.store(ctx)
		}
	}
	return nil
}

// handle calls the function with a new event.
func (q *eventQueue) handle(ctx context.Context, event workos.Event) {
	cursor := q.cursor()
	if q.call(ctx, event, cursor) == nil {
		return
	}
	now := q.follower.authKit.clock.Now()
	q.failed = append(q.failed, &failedEvent{event: event, cursor: cursor, failures: 1, since: now, next: now.Add(time.Second)})
	q.countFailed()
}

// cursor returns the position before which every event is handled.
func (q *eventQueue) cursor() string {
	if len(q.failed) > 0 {
		return q.failed[0].cursor
	}
	if position := q.list.After(); position != "" {
		return position
	}
	return q.after
}

func (q *eventQueue) call(ctx context.Context, event workos.Event, cursor string) error {
	return q.follower.authKit.callEventFunction(ctx, event, func(ctx context.Context) error { return q.function(ctx, event, cursor) })
}

// retry calls the function with the failed events that are due.
func (q *eventQueue) retry(ctx context.Context) {
	a := q.follower.authKit
	now := a.clock.Now()
	for i := 0; i < len(q.failed) && ctx.Err() == nil; {
		f := q.failed[i]
		switch {
		case now.Before(f.next):
			i++
			continue
		case q.call(ctx, f.event, q.cursor()) == nil:
		case now.Sub(f.since) >= giveUpAfter:
			a.log.LogAttrs(ctx, slog.LevelError, "authkit: an event is given up, its function has failed for three days", slog.Any("event", f.event))
		default:
			f.next = a.clock.Now().Add(min(time.Second<<min(f.failures, 10), lastRetryPause))
			f.failures++
			i++
			continue
		}
		q.failed = slices.Delete(q.failed, i, i+1)
	}
	q.countFailed()
}

func (q *eventQueue) countFailed() { q.follower.authKit.events.retrying.Store(int64(len(q.failed))) }

// store stores the position for the next instance with the duty. If the store does not
// answer, the next instance gets some events again.
func (q *eventQueue) store(ctx context.Context) {
	q.storedAt = q.follower.authKit.clock.Now()
	cursor := q.cursor()
	if q.follower.duty == nil || cursor == q.stored {
		return
	}
	if q.follower.duty.StorePosition(ctx, cursor) == nil {
		q.stored = cursor
	}
}

// logFailure logs that the events cannot be read, once until they are read again.
func (q *eventQueue) logFailure(ctx context.Context, err error, failures int) {
	if failures == 1 && ctx.Err() == nil {
		q.follower.authKit.log.LogAttrs(ctx, levelOfEvents(err), "authkit: the events of WorkOS cannot be read for the function of Follow", slog.Any("error", err))
	}
}
