// MemoryStore: the store of several instances in one process, for tests.

package authkittest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	maxStoreKey     = 128
	maxStoreValue   = 64 << 10
	maxStoreNotice  = 1 << 10
	noticeRetention = 24 * time.Hour
	catchUpInterval = time.Second
)

// MemoryStore is an authkit.Store in the memory of this process. It is for tests. Give one MemoryStore to several AuthKits,
// and they act as instances of one application. It is safe for concurrent use.
//
// Append calls every follower before it returns, so a test needs no wait between a sign-out on one instance and a request to
// another. If a follower's functions run already, on another goroutine, Append waits until they have returned, at most
// until its ctx ends. The functions of Follow must not call Append, must not wait for a call of it and must not wait for the
// clock. They may call Get and Swap.
//
// Follow calls caughtUp after the notices that are in the log, after each new notice, and every second of the clock, before
// [FakeClock.Advance] returns. So each follower has one pending timer, which [FakeClock.AwaitTimers] counts.
//
// SetDown, SetFrozen, Flush and LoseReplies make the store fail as a server fails. Commands counts its calls.
type MemoryStore struct {
	clock     Clock
	retention time.Duration

	mu          sync.Mutex // guards all below; not held while a function of a follower runs
	values      map[string]storedValue
	sweepAt     int            // number of values at which the expired ones are removed
	log         []storedNotice // the oldest first
	nextNotice  uint64         // position of the next notice; the last one in log has the position before it
	followers   []*storeFollower
	down        bool
	frozen      bool
	changed     chan struct{} // closed and replaced when down or frozen changes
	lostReplies int
	commands    StoreCommands
}

type storedValue struct {
	bytes   []byte
	expires time.Time
}

type storedNotice struct {
	bytes   []byte
	expires time.Time
}

// MemoryStoreOption configures a [MemoryStore].
type MemoryStoreOption func(*MemoryStore)

// WithNoticeRetention sets how long the log keeps a notice. It must be positive. The default is 24 hours.
func WithNoticeRetention(d time.Duration) MemoryStoreOption {
	return func(m *MemoryStore) { m.retention = d }
}

// NewMemoryStore returns an empty store. Values and notices expire on clock. Use the clock of the instances, usually a
// [*FakeClock]. NewMemoryStore panics if clock is nil or an option has an invalid value.
func NewMemoryStore(clock Clock, opts ...MemoryStoreOption) *MemoryStore {
	if clock == nil {
		panic("authkittest: NewMemoryStore: clock is nil: pass the clock of the instances")
	}
	m := &MemoryStore{
		clock: clock, retention: noticeRetention, values: map[string]storedValue{}, sweepAt: 1024,
		changed: make(chan struct{}),
	}
	for _, opt := range opts {
		opt(m)
	}
	if m.retention <= 0 {
		panic(fmt.Sprintf("authkittest: WithNoticeRetention: %s is not positive", m.retention))
	}
	return m
}

// Get returns the value of key and how long it is still kept. found is false if there is none.
func (m *MemoryStore) Get(ctx context.Context, key string) (value []byte, left time.Duration, found bool, err error) {
	if err := checkStoreKey(key); err != nil {
		return nil, 0, false, fmt.Errorf("authkittest: Get: %w", err)
	}
	if err := m.begin(ctx, "Get", &m.commands.Get); err != nil {
		return nil, 0, false, err
	}
	defer m.mu.Unlock()
	now := m.clock.Now()
	v, found := m.valueAt(key, now)
	if !found {
		return nil, 0, false, nil
	}
	return bytes.Clone(v.bytes), v.expires.Sub(now), true, nil
}

// Swap puts value in the place of old for ttl, as authkit.Store says. A nil old stands for no value. A nil value removes old.
func (m *MemoryStore) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (current []byte, left time.Duration, swapped bool, err error) {
	if err := checkSwap(key, old, value, ttl); err != nil {
		return nil, 0, false, fmt.Errorf("authkittest: Swap: %w", err)
	}
	if err := m.begin(ctx, "Swap", &m.commands.Swap); err != nil {
		return nil, 0, false, err
	}
	defer m.mu.Unlock()
	now := m.clock.Now()
	v, found := m.valueAt(key, now)
	// No value is nil, and a value is never empty. So these comparisons also cover the absent key and the removal.
	swapped = bytes.Equal(v.bytes, old) || bytes.Equal(v.bytes, value)
	switch {
	case swapped && value == nil:
		delete(m.values, key)
		v, found = storedValue{}, false
	case swapped:
		m.sweep(now)
		v, found = storedValue{bytes.Clone(value), now.Add(ttl)}, true
		m.values[key] = v
	}
	if err := m.loseReply("Swap"); err != nil {
		return nil, 0, false, err
	}
	if found {
		current, left = bytes.Clone(v.bytes), v.expires.Sub(now)
	}
	return current, left, swapped, nil
}

// Append adds notice to the log and calls all followers.
func (m *MemoryStore) Append(ctx context.Context, notice []byte) error {
	if len(notice) == 0 || len(notice) > maxStoreNotice {
		return fmt.Errorf("authkittest: Append: the notice has %d bytes, not 1 to %d", len(notice), maxStoreNotice)
	}
	if err := m.begin(ctx, "Append", &m.commands.Append); err != nil {
		return err
	}
	m.log = append(m.log, storedNotice{bytes.Clone(notice), m.clock.Now().Add(m.retention)})
	m.nextNotice++
	followers := append([]*storeFollower(nil), m.followers...)
	lost := m.loseReply("Append")
	m.mu.Unlock()

	for _, f := range followers {
		if !f.deliver(ctx.Done()) {
			return fmt.Errorf("authkittest: Append: the notice is in the log, but a follower still runs: %w", ctx.Err())
		}
	}
	return lost
}

// Len returns the number of values that have not expired.
func (m *MemoryStore) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.removeExpired(m.clock.Now())
	return len(m.values)
}

// Bytes returns the size of all values that have not expired and of their keys, in bytes. A real engine needs more for each.
func (m *MemoryStore) Bytes() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.removeExpired(m.clock.Now())
	size := 0
	for key, v := range m.values {
		size += len(key) + len(v.bytes)
	}
	return size
}

// valueAt returns the value of a key, if it has one that has not expired.
func (m *MemoryStore) valueAt(key string, now time.Time) (v storedValue, found bool) {
	v, found = m.values[key]
	if found && !now.Before(v.expires) {
		delete(m.values, key)
		return storedValue{}, false
	}
	return v, found
}

// sweep removes the expired values each time that the number of values has doubled. So the memory of a long test is bounded
// by what it keeps.
func (m *MemoryStore) sweep(now time.Time) {
	if len(m.values) < m.sweepAt {
		return
	}
	m.removeExpired(now)
	m.sweepAt = max(1024, 2*len(m.values))
}

func (m *MemoryStore) removeExpired(now time.Time) {
	for key, v := range m.values {
		if !now.Before(v.expires) {
			delete(m.values, key)
		}
	}
}

func checkSwap(key string, old, value []byte, ttl time.Duration) error {
	if err := checkStoreKey(key); err != nil {
		return err
	}
	if err := checkStoreValue("old", old); err != nil {
		return err
	}
	if err := checkStoreValue("value", value); err != nil {
		return err
	}
	if value != nil && ttl < time.Millisecond {
		return fmt.Errorf("the ttl %s is less than a millisecond", ttl)
	}
	return nil
}

func checkStoreValue(name string, v []byte) error {
	if v != nil && len(v) == 0 {
		return fmt.Errorf("%s is empty but not nil", name)
	}
	if len(v) > maxStoreValue {
		return fmt.Errorf("%s has %d bytes, more than %d", name, len(v), maxStoreValue)
	}
	return nil
}

func checkStoreKey(key string) error {
	if key == "" {
		return errors.New("the key is empty")
	}
	if len(key) > maxStoreKey {
		return fmt.Errorf("the key has %d bytes, more than %d", len(key), maxStoreKey)
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return fmt.Errorf("the key has the byte %#x at position %d, which is not printable ASCII", key[i], i)
		}
	}
	return nil
}
