// Package expiring provides a map with a bounded size whose entries expire.
package expiring

import (
	"iter"
	"maps"
	"sync"
	"time"
)

const (
	// entryOverhead estimates the bytes of an entry besides its key and its value.
	entryOverhead = 128
	// minSweep is how many entries a Map has at least before it removes expired ones.
	minSweep = 64
	// sweepInterval is the longest time between two sweeps of a Map into which entries
	// are inserted.
	sweepInterval = 10 * time.Minute
)

// Map stores values by key. Each entry expires at a time of its own. A Map
// holds a limited number of entries and, with [Map.LimitBytes], a limited
// number of bytes. When a new entry does not fit, the oldest entries are
// evicted first. The age of an entry counts from its last Put or Add.
//
// A Map starts no goroutine. It removes expired entries while it inserts new
// ones: with the first insertion after sweepInterval, or earlier. Its methods may be called concurrently, except LimitBytes and OnEvict.
type Map[V any] struct {
	now   func() time.Time
	limit int

	maxBytes int
	sizeOf   func(V) int               // nil if bytes are not limited
	onEvict  func(key string, value V) // may be nil

	mu      sync.Mutex
	entries map[string]*entry[V] // guarded by mu
	oldest  *entry[V]            // guarded by mu, as are the links
	newest  *entry[V]            // guarded by mu
	bytes   int                  // guarded by mu
	sweepAt int                  // guarded by mu: the number of entries that starts the next sweep
	inserts int                  // guarded by mu: insertions since the last sweep
	sweptAt time.Time            // guarded by mu: when the last sweep was
	most    int                  // guarded by mu: the number of entries for which entries has room
}

// entry is an element of a list from the oldest to the newest.
type entry[V any] struct {
	key          string
	value        V
	until        time.Time
	size         int
	older, newer *entry[V]
}

// New returns an empty Map that holds at most limit entries. The Map reads the
// time from now.
func New[V any](now func() time.Time, limit int) *Map[V] {
	return &Map[V]{now: now, limit: limit, entries: map[string]*entry[V]{}}
}

// LimitBytes limits the size of all entries together to maxBytes and returns m.
// The size of an entry is the length of its key, the size of its value as
// sizeOf returns it, and a fixed overhead. LimitBytes must be called before m
// is used.
func (m *Map[V]) LimitBytes(maxBytes int, sizeOf func(V) int) *Map[V] {
	m.maxBytes, m.sizeOf = maxBytes, sizeOf
	return m
}

// OnEvict sets a function that is called for each entry that is evicted before
// it expires. The Map is locked during the call, so f must not use m. OnEvict
// must be called before m is used.
func (m *Map[V]) OnEvict(f func(key string, value V)) { m.onEvict = f }

// Get returns the value of key. It reports false if there is no entry, or if
// the entry has expired.
func (m *Map[V]) Get(key string) (V, bool) {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.entries[key]
	if !ok || !now.Before(e.until) {
		var zero V
		return zero, false
	}
	return e.value, true
}

// Put stores value under key. The entry expires at until. It replaces an
// earlier entry of the same key and becomes the newest. Put does not store a
// value that is larger than the byte limit of m.
func (m *Map[V]) Put(key string, value V, until time.Time) {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(key, value, until, now)
}

// Add is like Put if key has no entry or an expired one. Otherwise it changes
// nothing. It reports whether it stored the value.
func (m *Map[V]) Add(key string, value V, until time.Time) bool {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.entries[key]; ok && now.Before(e.until) {
		return false
	}
	m.set(key, value, until, now)
	return true
}

// Shorten makes the entry of key expire at until if it expires later now. It
// never extends an entry.
func (m *Map[V]) Shorten(key string, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.entries[key]; ok && until.Before(e.until) {
		e.until = until
	}
}

// Delete removes the entry of key, if there is one.
func (m *Map[V]) Delete(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.entries[key]; ok {
		m.remove(e)
	}
}

// All yields the entries that have not expired, the oldest first. The Map is locked
// meanwhile, so the loop must not use it.
func (m *Map[V]) All() iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		now := m.now()
		m.mu.Lock()
		defer m.mu.Unlock()
		for e := m.oldest; e != nil; e = e.newer {
			if now.Before(e.until) && !yield(e.key, e.value) {
				return
			}
		}
	}
}

// Len returns the number of entries. It includes expired entries that have not
// been removed yet.
func (m *Map[V]) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.entries)
}

// Bytes returns the size of all entries together, as described at
// [Map.LimitBytes]. It is 0 if bytes are not limited.
func (m *Map[V]) Bytes() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bytes
}

// set stores an entry. The caller holds mu.
func (m *Map[V]) set(key string, value V, until, now time.Time) {
	if before, ok := m.entries[key]; ok {
		m.remove(before)
	}
	size := 0
	if m.sizeOf != nil {
		size = len(key) + m.sizeOf(value) + entryOverhead
		if size > m.maxBytes {
			return
		}
	}
	m.makeRoom(size, now)
	e := &entry[V]{key: key, value: value, until: until, size: size, older: m.newest}
	if m.newest == nil {
		m.oldest = e
	} else {
		m.newest.newer = e
	}
	m.newest = e
	m.entries[key] = e
	m.most = max(m.most, len(m.entries))
	m.bytes += size
	m.inserts++
}

// remove unlinks an entry. The caller holds mu.
func (m *Map[V]) remove(e *entry[V]) {
	if e.older == nil {
		m.oldest = e.newer
	} else {
		e.older.newer = e.newer
	}
	if e.newer == nil {
		m.newest = e.older
	} else {
		e.newer.older = e.older
	}
	delete(m.entries, e.key)
	m.bytes -= e.size
}

// makeRoom makes room for an entry of the given size. The caller holds mu.
//
// It sweeps when the number of entries has doubled since the last sweep, and
// after sweepInterval. In a full map it sweeps once per eighth of the entries
// inserted. So the cost of a sweep is spread over many insertions, or over time.
// If the map is still full, makeRoom evicts the oldest entries.
func (m *Map[V]) makeRoom(size int, now time.Time) {
	full := func() bool { return len(m.entries) >= m.limit || m.bytes+size > m.maxBytes && m.sizeOf != nil }
	late := len(m.entries) >= minSweep && now.Sub(m.sweptAt) >= sweepInterval
	if late || len(m.entries) >= max(m.sweepAt, minSweep) || full() && m.inserts > len(m.entries)/8 {
		m.sweep(now)
	}
	for full() && m.oldest != nil {
		evicted := m.oldest
		m.remove(evicted)
		if m.onEvict != nil && now.Before(evicted.until) {
			m.onEvict(evicted.key, evicted.value)
		}
	}
}

// sweep removes all expired entries. A Go map keeps the memory of deleted
// entries, so a map that has become much smaller is replaced. The caller holds mu.
func (m *Map[V]) sweep(now time.Time) {
	for e := m.oldest; e != nil; {
		next := e.newer
		if !now.Before(e.until) {
			m.remove(e)
		}
		e = next
	}
	if m.most > minSweep && len(m.entries) < m.most/4 {
		smaller := make(map[string]*entry[V], len(m.entries))
		maps.Copy(smaller, m.entries)
		m.entries, m.most = smaller, len(smaller)
	}
	m.sweepAt, m.inserts, m.sweptAt = 2*len(m.entries), 0, now
}
