// One fetch for many waiters, and what its outcome changes.

package jwks

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// flight is one fetch that any number of callers wait for.
type flight struct {
	number    uint64     // counts from 1; tells which of a need and a fetch came first
	question  question   // that it was begun for, or zero
	allowance *allowance // that it counts against

	done chan struct{} // closed once one of the following is set
	got  *snapshot
	err  *UnavailableError
}

// wait returns what the fetch brought, or gives up when ctx ends, which does not end the fetch.
func (f *flight) wait(ctx context.Context) (*snapshot, error) {
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, &UnavailableError{Err: ctx.Err()}
	}
	if f.err != nil {
		own := *f.err
		return nil, &own
	}
	return f.got, nil
}

// fetch joins the running fetch or begins one, unless the last one failed too recently. The caller holds mu.
func (s *KeySet) fetch(ctx context.Context, q question, a *allowance, now time.Time) (*flight, error) {
	if s.running != nil {
		return s.running, nil
	}
	if pause := s.retryAt.Sub(now); pause > 0 {
		return nil, &UnavailableError{RetryAfter: pause, Err: s.failure}
	}
	s.started++
	s.running = &flight{number: s.started, question: q, allowance: a, done: make(chan struct{})}
	go s.run(context.WithoutCancel(ctx), s.running)
	return s.running, nil
}

func (s *KeySet) run(ctx context.Context, f *flight) {
	defer close(f.done)
	defer func() { // the application's own transport may end this goroutine (runtime.Goexit)
		if f.got == nil && f.err == nil {
			s.fail(ctx, f, &fetchError{err: errors.New("the HTTP client came to no end")})
		}
	}()
	body, failed := s.get(ctx)
	if failed != nil {
		s.fail(ctx, f, failed)
		return
	}
	keys, ignored, err := decodeKeySet(body)
	if err == nil || len(ignored) > 0 { // what is not a set says nothing of ignored keys
		s.reportIgnored(ctx, ignored)
	}
	if err != nil {
		s.fail(ctx, f, &fetchError{err: err})
		return
	}
	s.succeed(ctx, f, keys)
}

// reportIgnored logs which keys of a set cannot be used: a Warn if they are others than those of the set before, and
// else at Debug. A client can cause a fetch with a made-up key ID, and must not cause a Warn each time.
func (s *KeySet) reportIgnored(ctx context.Context, ignored []error) {
	var seen [sha256.Size]byte // zero if all keys can be used
	if len(ignored) > 0 {
		hash := sha256.New()
		for _, err := range ignored {
			fmt.Fprintln(hash, err)
		}
		hash.Sum(seen[:0])
	}
	s.mu.Lock()
	changed := seen != s.ignored
	s.ignored = seen
	s.mu.Unlock()

	if len(ignored) == 0 {
		return
	}
	level := slog.LevelDebug
	if changed {
		level = slog.LevelWarn
	}
	s.log.Log(ctx, level, "jwks: ignored keys that cannot be used",
		"url", s.endpoint.String(), "count", len(ignored), "first", ignored[0])
}

// get asks the endpoint. A panic of the application's own transport would end the program here, where no request's
// recovery stands above it.
func (s *KeySet) get(ctx context.Context) (body []byte, failed *fetchError) {
	defer func() {
		if p := recover(); p != nil {
			body, failed = nil, &fetchError{err: fmt.Errorf("the HTTP client panicked: %v", p)}
		}
	}()
	return s.endpoint.get(ctx, s.clock)
}

func (s *KeySet) fail(ctx context.Context, f *flight, failed *fetchError) {
	pause := min(max(failed.retryAfter, minRetryPause), maxRetryPause)
	f.err = &UnavailableError{RetryAfter: pause, Err: failed.err}

	s.mu.Lock()
	s.running = nil
	s.failure = failed.err
	s.retryAt = s.clock.Now().Add(pause)
	s.mu.Unlock()

	s.log.WarnContext(ctx, "jwks: could not fetch the signing keys",
		"url", s.endpoint.String(), "error", failed.err, "retry_after", pause)
}

func (s *KeySet) succeed(ctx context.Context, f *flight, keys publicKeys) {
	now := s.clock.Now()
	f.got = &snapshot{number: f.number, keys: keys, fetched: now}
	var added, removed, replaced []string

	s.mu.Lock()
	if previous := s.current.Load(); previous != nil {
		added, removed = missing(keys, previous.keys), missing(previous.keys, keys)
		replaced = keys.keep(previous.keys)
		for _, kid := range slices.Concat(removed, replaced) {
			s.withdrawn.add(kid, previous.keys[kid])
		}
	}
	if q := f.question; q.kid != "" {
		if _, found := q.answer(keys); !found {
			f.allowance.answeredInVain(q, now)
		}
	}
	s.current.Store(f.got)
	s.running = nil
	s.failure, s.retryAt = nil, time.Time{}
	s.mu.Unlock()

	if len(added)+len(removed)+len(replaced) > 0 {
		s.log.InfoContext(ctx, "jwks: the signing keys have changed",
			"url", s.endpoint.String(), "added", added, "removed", removed, "replaced", replaced)
	}
}

// keep takes over those of the previous keys that have not changed, so that a key which stays is one and the same object.
// It returns the IDs, sorted, that have another key now.
func (k publicKeys) keep(previous publicKeys) (replaced []string) {
	for id, key := range k {
		switch before := previous[id]; {
		case before == nil:
		case sameKey(before, key):
			k[id] = before
		default:
			replaced = append(replaced, id)
		}
	}
	slices.Sort(replaced)
	return replaced
}

// missing returns the IDs of the keys in a that are not in b, sorted.
func missing(a, b publicKeys) []string {
	var ids []string
	for id := range a {
		if _, ok := b[id]; !ok {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
