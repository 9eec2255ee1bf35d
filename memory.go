// What a process remembers for a while.

package authkit

import (
	"sync"
	"time"
)

// markLimit bounds a memory that holds little but its keys.
const markLimit = 1 << 16

// entryOverhead is about what an entry takes besides its key and its value.
const entryOverhead = 128

// memory remembers values by key, each until a time of its own. It holds at most
// limit entries, and at most maxBytes where their sizes are counted. Where there
// is no room the oldest entry leaves: the one that was put first.
//
// It needs no goroutine. Entries whose time is over are swept out as new ones
// come in.
type memory[V any] struct {
	clock Clock
	limit int

	maxBytes int
	sizeOf   func(V) int               // nil where sizes are not counted
	evicted  func(key string, value V) // told of an entry that left before its time, with mu held; may be nil

	mu      sync.Mutex
	entries map[string]*remembered[V] // guarded by mu
	oldest  *remembered[V]            // guarded by mu, as are its links
	newest  *remembered[V]            // guarded by mu
	bytes   int                       // guarded by mu
	sweepAt int                       // guarded by mu: the size that starts the next sweep
	puts    int                       // guarded by mu: new entries since the last sweep
}

// remembered is an entry, in a list from the oldest to the newest.
type remembered[V any] struct {
	key          string
	value        V
	until        time.Time
	size         int
	older, newer *remembered[V]
}

func newMemory[V any](clock Clock, limit int) *memory[V] {
	return &memory[V]{clock: clock, limit: limit, entries: map[string]*remembered[V]{}}
}

// bounded bounds the memory in bytes too. It is called before the first use.
func (m *memory[V]) bounded(maxBytes int, sizeOf func(V) int) *memory[V] {
	m.maxBytes, m.sizeOf = maxBytes, sizeOf
	return m
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

// put remembers a value, which is the newest then. One that is larger than all
// of the memory is not remembered.
func (m *memory[V]) put(key string, value V, until time.Time) {
	now := m.clock.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(key, value, until, now)
}

// add puts a key that is not there yet, and reports whether it was not.
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
	entry := &remembered[V]{key: key, value: value, until: until, size: size, older: m.newest}
	if m.newest == nil {
		m.oldest = entry
	} else {
		m.newest.newer = entry
	}
	m.newest = entry
	m.entries[key] = entry
	m.bytes += size
	m.puts++
}

// remove is for a caller that holds mu.
func (m *memory[V]) remove(entry *remembered[V]) {
	if entry.older == nil {
		m.oldest = entry.newer
	} else {
		entry.older.newer = entry.newer
	}
	if entry.newer == nil {
		m.newest = entry.older
	} else {
		entry.newer.older = entry.older
	}
	delete(m.entries, entry.key)
	m.bytes -= entry.size
}

// shorten brings the end of an entry forward, never back.
func (m *memory[V]) shorten(key string, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if entry, ok := m.entries[key]; ok && until.Before(entry.until) {
		entry.until = until
	}
}

func (m *memory[V]) forget(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if entry, ok := m.entries[key]; ok {
		m.remove(entry)
	}
}

// makeRoom makes room for an entry. It sweeps each time the memory has doubled
// since the last sweep, and in a full memory once for an eighth of its entries,
// so that the cost of a sweep is shared by the entries. Then the oldest leave.
// The caller holds mu.
func (m *memory[V]) makeRoom(size int, now time.Time) {
	const smallest = 64
	full := func() bool { return len(m.entries) >= m.limit || m.bytes+size > m.maxBytes && m.sizeOf != nil }
	if len(m.entries) >= max(m.sweepAt, smallest) || full() && m.puts > len(m.entries)/8 {
		m.sweep(now)
	}
	for full() && m.oldest != nil {
		leaving := m.oldest
		m.remove(leaving)
		if m.evicted != nil && now.Before(leaving.until) {
			m.evicted(leaving.key, leaving.value)
		}
	}
}

// sweep drops what is over. The caller holds mu.
func (m *memory[V]) sweep(now time.Time) {
	for entry := m.oldest; entry != nil; {
		next := entry.newer
		if !now.Before(entry.until) {
			m.remove(entry)
		}
		entry = next
	}
	m.sweepAt, m.puts = 2*len(m.entries), 0
}
