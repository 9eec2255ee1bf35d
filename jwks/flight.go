// One fetch that many callers wait for, and what its result changes in the KeySet.

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

// flight is one fetch. Any number of callers wait for it.
type flight struct {
	number uint64     // counts from 1; shows whether the fetch started after a caller's need
	lookup lookup     // that started it, or zero
	limit  *rateLimit // of that lookup

	done chan struct{} // closed when got or err is set
	got  *snapshot
	err  *UnavailableError
}

// wait returns the result of the fetch. If ctx ends first, wait returns its error and the fetch continues.
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

// fetch joins the running fetch or starts one, unless the pause after a failure is not over. The caller holds mu.
func (s *KeySet) fetch(ctx context.Context, l lookup, limit *rateLimit, now time.Time) (*flight, error) {
	if s.running != nil {
		return s.running, nil
	}
	if pause := s.retryAt.Sub(now); pause > 0 {
		return nil, &UnavailableError{RetryAfter: pause, Err: s.failure}
	}
	s.started++
	s.running = &flight{number: s.started, lookup: l, limit: limit, done: make(chan struct{})}
	s.latest = s.running
	go s.run(context.WithoutCancel(ctx), s.running)
	return s.running, nil
}

func (s *KeySet) run(ctx context.Context, f *flight) {
	defer close(f.done)
	begin := time.Now()
	defer func() {
		if s.onFetch != nil {
			fetch := Fetch{Begin: begin, Duration: time.Since(begin)}
			if f.err != nil {
				fetch.Err = f.err
			}
			s.onFetch(ctx, fetch)
		}
	}()
	defer func() { // the application's transport may have ended this goroutine (runtime.Goexit)
		if f.got == nil && f.err == nil {
			s.fail(ctx, f, &fetchError{err: errors.New("the HTTP client ended the goroutine without a result")})
		}
	}()
	body, failed := s.get(ctx)
	if failed != nil {
		s.fail(ctx, f, failed)
		return
	}
	keys, ignored, err := decodeKeySet(body)
	if err == nil || len(ignored) > 0 { // a body that is not a JWK Set says nothing about ignored keys
		s.logIgnored(ctx, ignored)
	}
	if err != nil {
		s.fail(ctx, f, &fetchError{err: err})
		return
	}
	s.succeed(ctx, f, keys)
}

// logIgnored logs which keys of a set cannot be used: at Warn if they differ from those of the last set, else at Debug. A
// client can cause a fetch with an invented key ID, and must not cause a Warn each time.
func (s *KeySet) logIgnored(ctx context.Context, ignored []error) {
	var sum [sha256.Size]byte // zero if all keys can be used
	if len(ignored) > 0 {
		hash := sha256.New()
		for _, err := range ignored {
			fmt.Fprintln(hash, err)
		}
		hash.Sum(sum[:0])
	}
	s.mu.Lock()
	changed := sum != s.ignored
	s.ignored = sum
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

// get fetches the response body. It recovers a panic of the application's transport: this goroutine is not a request's, so
// the panic would end the program.
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
	s.failures++
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
		replaced = keys.reuse(previous.keys)
		for _, kid := range slices.Concat(removed, replaced) {
			s.withdrawn.add(kid, previous.keys[kid])
		}
	}
	if l := f.lookup; l.kid != "" {
		if _, found := l.in(keys); !found {
			f.limit.rememberMiss(l, now)
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

// reuse keeps the previous object of each key that has not changed, so that two lookups that exclude the key are equal. It
// returns the sorted IDs of the keys that were replaced.
func (k publicKeys) reuse(previous publicKeys) (replaced []string) {
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

// missing returns the sorted IDs of the keys in a that are not in b.
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
