// What a process remembers for a while.

package authkit

import (
	"sync"
	"time"
)

// markLimit bounds a memory that holds nothing but its keys.
const markLimit = 1 << 16

// memory remembers values by key, each until a time of its own, and at most
// limit of them. It needs no goroutine: what is over is swept out as new
// entries come in.
type memory[V any] struct {
	clock Clock
	limit int

	mu      sync.Mutex
	entries map[string]remembered[V] // guarded by mu
	sweepAt int                      // guarded by mu: the size that starts the next sweep
}

type remembered[V any] struct {
	value V
	until time.Time
}

func newMemory[V any](clock Clock, limit int) *memory[V] {
	return &memory[V]{clock: clock, limit: limit, entries: map[string]remembered[V]{}}
}

func (m *memory[V]) get(key string) (V, bool) {
	now := m.clock.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	entry, ok := m.entries[key]
	if !ok || !now.Before(entry.until) {
		var none V
		return none, false
	}
	return entry.value, true
}

func (m *memory[V]) put(key string, value V, until time.Time) {
	now := m.clock.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(key, value, until, now)
}

// add puts a key that is not there yet, and tells whether it was not.
func (m *memory[V]) add(key string, value V, until time.Time) bool {
	now := m.clock.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if entry, ok := m.entries[key]; ok && now.Before(entry.until) {
		return false
	}
	m.set(key, value, until, now)
	return true
}

// set is for a caller that holds mu.
func (m *memory[V]) set(key string, value V, until, now time.Time) {
	if _, ok := m.entries[key]; !ok {
		m.makeRoom(now)
	}
	m.entries[key] = remembered[V]{value, until}
}

// shorten brings the end of an entry forward, never back.
func (m *memory[V]) shorten(key string, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if entry, ok := m.entries[key]; ok && until.Before(entry.until) {
		entry.until = until
		m.entries[key] = entry
	}
}

func (m *memory[V]) forget(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entries, key)
}

// makeRoom sweeps each time the memory has doubled since the last sweep, so
// that its cost is shared by the entries. A memory that is full of entries
// still in force loses an arbitrary eighth of them, for the same reason.
func (m *memory[V]) makeRoom(now time.Time) {
	const smallest = 64
	if len(m.entries) < min(max(m.sweepAt, smallest), m.limit) {
		return
	}
	for key, entry := range m.entries {
		if !now.Before(entry.until) {
			delete(m.entries, key)
		}
	}
	if len(m.entries) >= m.limit {
		for key := range m.entries {
			delete(m.entries, key)
			if len(m.entries) < m.limit-m.limit/8 {
				break
			}
		}
	}
	m.sweepAt = 2 * len(m.entries)
}
