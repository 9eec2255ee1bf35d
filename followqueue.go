// The events of WorkOS for an application's function: where to continue, and what has been
// handled.

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
	// positionInterval is how often the position is stored while a long list is read.
	positionInterval = 5 * time.Second
	// positionRenewal is how often a position that stays the same is stored again. The store
	// may have lost it.
	positionRenewal = time.Minute
	// stuckAfter is after how long a call of the function that does not return is logged.
	stuckAfter = 2 * eventFunctionTimeout
)

// eventQueue calls an application's function with events. All its work is done by one
// goroutine.
type eventQueue struct {
	follower *follower
	function func(ctx context.Context, event workos.Event, cursor string) error
	types    []string

	after  string              // where the list starts: the ID of an event, or a time
	oldest bool                // WorkOS does not know after: the list starts with its oldest event
	list   *workos.EventCursor // nil until this instance has the duty
	failed failedEvents

	stored   string // the last position in the store
	storedAt time.Time
	renewAt  time.Time // when the position is stored again
}

// newEventQueue returns the queue for a call of Follow. Without after, it starts at a time.
// So the first cursor that the function gets is that time, and an application that is down
// after that misses nothing.
func newEventQueue(f *follower, function func(context.Context, workos.Event, string) error, after string, types []string) *eventQueue {
	if after == "" {
		after = f.authKit.clock.Now().Add(-f.authKit.effectTime()).UTC().Format(time.RFC3339)
	}
	types = append(workos.EventTypes(), types...)
	slices.Sort(types)
	return &eventQueue{follower: f, function: function, after: after, types: slices.Compact(types)}
}

// follow calls the function until ctx ends.
func (q *eventQueue) follow(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		var err error
		switch q.follower.holder(ctx) {
		case replica.HolderSelf:
			err = q.read(ctx)
			q.record(ctx, err, &failures)
		case replica.HolderOther:
			q.forget()
			failures = 0
		case replica.HolderUnknown: // probably it is this instance again when the store answers
			failures = 0
		}
		q.follower.pause(ctx, failures, err)
	}
}

// forget is called when another instance has the duty. When this one has it again, it
// starts from the position in the store.
func (q *eventQueue) forget() {
	q.list, q.failed = nil, failedEvents{}
	q.countFailed()
}

// read calls the function with the failed events that are due, and with new ones.
func (q *eventQueue) read(ctx context.Context) error {
	if q.list == nil {
		if err := q.begin(ctx); err != nil {
			return err
		}
	}
	q.retry(ctx)
	var err error
	ended := callContained(func() { err = q.handleAll(ctx) })
	err = errors.Join(ended, err)
	if isRefused(err) && q.isUnknown(ctx) {
		q.startFromOldest(ctx, err)
		return nil
	}
	q.store(ctx)
	return err
}

// begin finds where to start.
func (q *eventQueue) begin(ctx context.Context) error {
	if q.follower.duty != nil {
		position, err := q.follower.duty.Position(ctx)
		if err != nil {
			return err
		}
		if position != "" {
			q.after, q.stored = position, position
		}
	}
	q.list, q.oldest = &workos.EventCursor{}, false
	return nil
}

// params returns the list that is read. WorkOS may refuse a time before its oldest event.
func (q *eventQueue) params() workos.ListEventsParams {
	p := workos.ListEventsParams{Types: q.types, Cursor: q.list}
	start, err := time.Parse(time.RFC3339, q.after)
	if err != nil && !q.oldest {
		p.After = q.after
		return p
	}
	p.RangeStart = later(start, q.follower.authKit.clock.Now().Add(time.Minute-eventHistory))
	return p
}

// isUnknown reports whether WorkOS has refused the list because of the event after which it
// starts: WorkOS accepts the list of the same types that starts at a time.
func (q *eventQueue) isUnknown(ctx context.Context) bool {
	a := q.follower.authKit
	if q.params().After == "" && q.list.After() == "" {
		return false
	}
	err := errors.New("the request ended its goroutine")
	_ = callContained(func() {
		var refused error
		probe := workos.ListEventsParams{Types: q.types, RangeStart: a.clock.Now().Add(-time.Minute), PageSize: 1}
		for _, refused = range a.client.ListEvents(ctx, probe) {
			break
		}
		err = refused
	})
	return err == nil
}

// startFromOldest makes the list start with the oldest event that WorkOS keeps. The position
// stays the event that WorkOS does not know, until there is a later one: a restart in
// between starts from the oldest event too.
func (q *eventQueue) startFromOldest(ctx context.Context, err error) {
	q.after = q.position()
	q.follower.authKit.log.LogAttrs(ctx, slog.LevelError,
		"authkit: WorkOS does not know the event to continue after, all events that it keeps are read", cursorText(q.after), slog.Any("error", err))
	q.forget()
	q.list, q.oldest = &workos.EventCursor{}, true
}

// handleAll calls the function with the events of the list.
func (q *eventQueue) handleAll(ctx context.Context) error {
	a := q.follower.authKit
	for event, err := range a.client.ListEvents(ctx, q.params()) {
		// An event in which the loop is left comes again with the next list.
		if err != nil || ctx.Err() != nil || q.failed.isFull() || q.follower.holder(ctx) != replica.HolderSelf {
			return err
		}
		_ = a.applyEvent(ctx, event) // so that the function finds it applied
		cursor := q.cursor()
		failed := q.call(ctx, event, cursor)
		if ctx.Err() != nil {
			return nil
		}
		if failed != nil {
			q.failed.add(event, cursor, a.clock.Now())
			q.countFailed()
		}
		q.retry(ctx)
		if a.clock.Now().Sub(q.storedAt) >= positionInterval {
			q.store(ctx)
		}
	}
	return nil
}

// position returns the last event that the list has left behind, or where it started.
func (q *eventQueue) position() string {
	if position := q.list.After(); position != "" {
		return position
	}
	return q.after
}

// cursor returns the position before which every event is handled.
func (q *eventQueue) cursor() string {
	if cursor, failing := q.failed.cursor(); failing {
		return cursor
	}
	return q.position()
}

// call calls the function, and logs a call that does not return.
func (q *eventQueue) call(ctx context.Context, event workos.Event, cursor string) error {
	a := q.follower.authKit
	stop := a.clock.AfterFunc(stuckAfter, func() {
		_ = callContained(func() {
			a.log.LogAttrs(ctx, slog.LevelWarn, "authkit: the function for events does not return, further events wait for it", slog.Any("event", event))
		})
	})
	defer stop()
	return a.callEventFunction(ctx, event, func(ctx context.Context) error { return q.function(ctx, event, cursor) })
}

// retry calls the function with failed events that are due, for retryTime at most.
func (q *eventQueue) retry(ctx context.Context) {
	a := q.follower.authKit
	until := a.clock.Now().Add(retryTime)
	for ctx.Err() == nil && a.clock.Now().Before(until) && q.follower.holder(ctx) == replica.HolderSelf {
		f := q.failed.due(a.clock.Now())
		if f == nil {
			return
		}
		failed := q.call(ctx, f.event, q.cursor())
		switch {
		case ctx.Err() != nil:
			return
		case failed == nil:
			q.failed.remove(f)
		case !q.failed.postpone(f, a.clock.Now()):
			a.log.LogAttrs(ctx, slog.LevelError, "authkit: an event is given up, its function has failed for three days", slog.Any("event", f.event))
		}
		q.countFailed()
	}
}

func (q *eventQueue) countFailed() { q.follower.authKit.events.retrying.Store(int64(q.failed.len())) }

// store stores the position for the next instance with the duty. If the store does not
// answer, the next instance gets some events again.
func (q *eventQueue) store(ctx context.Context) {
	q.storedAt = q.follower.authKit.clock.Now()
	cursor := q.cursor()
	if q.follower.duty == nil || cursor == q.stored && q.storedAt.Before(q.renewAt) {
		return
	}
	if q.follower.duty.StorePosition(ctx, cursor) == nil {
		q.stored, q.renewAt = cursor, q.storedAt.Add(positionRenewal)
	}
}

// record logs that the events cannot be read, once until they are read again.
func (q *eventQueue) record(ctx context.Context, err error, failures *int) {
	if ctx.Err() != nil {
		return
	}
	a := q.follower.authKit
	before := *failures
	*failures++
	if err == nil {
		*failures = 0
	}
	switch {
	case err != nil && before == 0:
		a.log.LogAttrs(ctx, levelOfEvents(err), "authkit: the events of WorkOS cannot be read for the function of Follow", slog.Any("error", err))
	case err == nil && before > 0:
		a.log.LogAttrs(ctx, slog.LevelInfo, "authkit: the events of WorkOS are read again for the function of Follow")
	}
	a.events.reached("queue read")
}
