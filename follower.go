// Follower: the loop that reads the list of events and applies them, and its state.

package authkit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authkit-go/authkit/internal/replica"
	"github.com/authkit-go/authkit/workos"
)

// lastEventPause is the longest pause after failures.
const lastEventPause = time.Minute

// eventState is what an AuthKit knows about the events of WorkOS, for [Stats].
type eventState struct {
	following        atomic.Bool
	webhooks, failed atomic.Uint64
	read, refused    atomic.Uint64
	retrying         atomic.Int64

	mu     sync.Mutex
	holder replica.Holder // guarded by mu: who follows for all, if there is a store
	readAt time.Time      // guarded by mu: when the list was last read to its end
	err    error          // guarded by mu: of the last attempt to read the list

	step func(name string) // called by reached, for tests
}

// begin is called when the instance begins to follow. What an earlier call of Follow has
// left is not the state of this one.
func (s *eventState) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holder, s.readAt, s.err = replica.HolderUnknown, time.Time{}, nil
}

// end is called when the instance does not follow any more.
func (s *eventState) end() {
	s.retrying.Store(0)
	s.following.Store(false)
}

// reached tells a test that a step is reached.
func (s *eventState) reached(name string) {
	if s.step != nil {
		s.step(name)
	}
}

// follower follows the events for an AuthKit.
type follower struct {
	authKit *AuthKit
	duty    *replica.Duty // nil without a store
}

// holder returns who follows. Without a store, each instance does.
func (f *follower) holder(ctx context.Context) replica.Holder {
	if f.duty == nil {
		return replica.HolderSelf
	}
	holder := f.duty.Holder(ctx)
	s := f.authKit.events
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holder = holder
	return holder
}

// run runs a loop until ctx ends. The application's logger and clock are called in it. If
// one of them panics or ends the goroutine, the loop starts again.
func (f *follower) run(ctx context.Context, loop func(context.Context)) {
	for ctx.Err() == nil {
		if callContained(func() { loop(ctx) }) != nil {
			_ = callContained(func() { f.pause(ctx, 1, nil) })
		}
	}
}

// followEffects applies events until ctx ends. If the store does not answer, no instance
// can tell the others, so each of them follows.
func (f *follower) followEffects(ctx context.Context) {
	var list *effectList
	failures := 0
	for ctx.Err() == nil {
		var err error
		if f.holder(ctx) == replica.HolderOther {
			list, failures = nil, 0
			f.forgetFailure()
		} else {
			if list == nil {
				list = f.newEffectList()
			}
			begin := f.authKit.observers.begin()
			err = list.read(ctx)
			f.record(ctx, err, &failures)
			if err != nil && ctx.Err() == nil {
				f.authKit.observeEvent(ctx, begin, err)
			}
			if isRefused(err) {
				list = nil // perhaps WorkOS has deleted the event after which the list continues
			}
		}
		f.pause(ctx, failures, err)
	}
}

// effectList reads the events that have an effect.
type effectList struct {
	follower *follower
	cursor   workos.EventCursor
	start    time.Time     // of the list
	covered  time.Duration // how far back the events were read
}

func (f *follower) newEffectList() *effectList {
	covered := f.authKit.effectTime()
	return &effectList{follower: f, start: f.authKit.clock.Now().Add(-covered), covered: covered}
}

// read applies the events that have appeared since the last call. If a longer lifetime of
// an access token was seen since, earlier events matter too, and all of them matter for
// longer.
func (l *effectList) read(ctx context.Context) error {
	a := l.follower.authKit
	err := l.follower.each(ctx, workos.ListEventsParams{Types: effectTypes, RangeStart: l.start, Cursor: &l.cursor})
	if effectTime := a.effectTime(); err == nil && effectTime > l.covered {
		err = l.follower.each(ctx, workos.ListEventsParams{Types: effectTypes, RangeStart: a.clock.Now().Add(-effectTime)})
		if err == nil {
			l.covered = effectTime
		}
	}
	return err
}

// each applies the events of a list. If the HTTP transport panics, that is an error.
func (f *follower) each(ctx context.Context, p workos.ListEventsParams) (err error) {
	a := f.authKit
	ended := callContained(func() {
		for event, failed := range a.client.ListEvents(ctx, p) {
			if err = failed; err != nil {
				return
			}
			a.events.read.Add(1)
			_ = a.applyEvent(ctx, event) // the other instances are told when the store answers
			if f.holder(ctx) == replica.HolderOther {
				return
			}
		}
	})
	return errors.Join(ended, err)
}

// record records the result of an attempt to read the list, and logs its changes.
func (f *follower) record(ctx context.Context, err error, failures *int) {
	if ctx.Err() != nil {
		return
	}
	a := f.authKit
	before := *failures
	if err == nil {
		*failures = 0
	} else {
		*failures++
	}
	s := a.events
	s.mu.Lock()
	s.err = err
	if err == nil {
		s.readAt = a.clock.Now()
	}
	s.mu.Unlock()
	switch {
	case err != nil && before == 0:
		a.log.LogAttrs(ctx, levelOfEvents(err), "authkit: the events of WorkOS cannot be read, changes there are not known here", slog.Any("error", err))
	case err == nil && before > 0:
		a.log.LogAttrs(ctx, slog.LevelInfo, "authkit: the events of WorkOS are read again")
	}
	s.reached("list read")
}

// levelOfEvents returns the level at which a failure to read the events is logged.
func levelOfEvents(err error) slog.Level {
	var reply *workos.Error
	if errors.As(err, &reply) && !workos.IsTransient(err) {
		return slog.LevelError // WorkOS does not accept the API key, or the request
	}
	return slog.LevelWarn
}

// eventPause returns how long to wait until the list is read again: the interval, or longer
// after failures. A part of it is random, so that instances do not read at the same time.
func eventPause(interval time.Duration, failures int, retryAfter time.Duration) time.Duration {
	wait := interval + rand.N(interval/4+1)
	if failures > 0 {
		pause := min(time.Second<<min(failures, 6), lastEventPause)
		pause -= rand.N(pause/4 + 1)
		wait = max(wait, pause, retryAfter+rand.N(retryAfter/8+1))
	}
	return wait
}

// pause waits until the list should be read again.
func (f *follower) pause(ctx context.Context, failures int, err error) {
	a := f.authKit
	wait := eventPause(a.eventInterval, failures, workos.RetryAfter(err))
	over := make(chan struct{})
	stop := a.clock.AfterFunc(wait, func() {
		a.events.reached("pause ends")
		close(over)
	})
	defer stop()
	a.events.reached("waits")
	select {
	case <-over:
	case <-ctx.Done():
	}
	a.events.reached("pause over")
}

// forgetFailure is called when another instance follows.
func (f *follower) forgetFailure() {
	s := f.authKit.events
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = nil
}

// isRefused reports whether WorkOS has refused a list, perhaps because it does not know the
// event after which the list starts.
func isRefused(err error) bool {
	var reply *workos.Error
	if !errors.As(err, &reply) || workos.IsTransient(err) {
		return false
	}
	switch reply.StatusCode {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusGone, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

func cursorText(cursor string) slog.Attr { return slog.String("cursor", fmt.Sprintf("%.40q", cursor)) }
