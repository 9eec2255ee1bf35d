// Package expiring provides a map with a bounded size whose entries expire.
package expiring

import (
	"iter"
	"time"
	"unsafe"
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
	list
	sizeOf func(V) int // nil if bytes are not limited
}

// entry is an entry of a Map.
type entry[V any] struct {
	node  // the first field, so that it has the address of its entry
	value V
}

// of returns the entry of a node. All nodes of a Map[V] are in an entry[V]. A reference from
// the node to its entry would take 16 bytes of each.
func of[V any](n *node) *entry[V] { return (*entry[V])(unsafe.Pointer(n)) }

// New returns an empty Map that holds at most limit entries. The Map reads the
// time from now.
func New[V any](now func() time.Time, limit int) *Map[V] {
	return &Map[V]{list: list{now: now, limit: limit, entries: map[string]*node{}}}
}

// LimitBytes limits the size of all entries together to maxBytes and returns m.
// The size of an entry is the length of its key, the size of its value as
// sizeOf returns it, and a fixed overhead. LimitBytes must be called before m
// is used.
func (m *Map[V]) LimitBytes(maxBytes int, sizeOf func(V) int) *Map[V] {
	m.inBytes, m.maxBytes, m.sizeOf = true, maxBytes, sizeOf
	return m
}

// ForBothClocks makes an entry of m expire only when the wall clock and the monotonic clock
// have both passed its end, and returns m. It is for entries that must last as long as
// something whose end is compared with the wall clock, such as a token, also if the wall
// clock is set back, or is ahead for a while. In another Map, an entry whose end has a
// monotonic reading lasts for a duration (package time). ForBothClocks must be called
// before m is used.
func (m *Map[V]) ForBothClocks() *Map[V] {
	m.bothClocks = true
	return m
}

// OnEvict sets a function that is called for each entry that is evicted before
// it expires. The Map is locked during the call, so f must not use m. OnEvict
// must be called before m is used.
func (m *Map[V]) OnEvict(f func(key string, value V)) {
	m.onEvict = func(n *node) { f(n.key, of[V](n).value) }
}

// Get returns the value of key. It reports false if there is no entry, or if
// the entry has expired.
func (m *Map[V]) Get(key string) (value V, ok bool) {
	if n := m.find(key); n != nil {
		return of[V](n).value, true
	}
	return value, false
}

// Put stores value under key. The entry expires at until. It replaces an
// earlier entry of the same key and becomes the newest. Put does not store a
// value that is larger than the byte limit of m. The Map keeps the key: it must not
// share memory with something larger.
func (m *Map[V]) Put(key string, value V, until time.Time) {
	m.insert(m.newNode(key, value, until), true)
}

// Add is like Put if key has no entry or an expired one. Otherwise it changes
// nothing. It reports whether key had none.
func (m *Map[V]) Add(key string, value V, until time.Time) bool {
	return m.insert(m.newNode(key, value, until), false)
}

func (m *Map[V]) newNode(key string, value V, until time.Time) *node {
	e := &entry[V]{node: node{key: key, until: until}, value: value}
	if m.inBytes {
		e.size = len(key) + m.sizeOf(value) + entryOverhead
	}
	return &e.node
}

// All yields the entries that have not expired, the oldest first. The Map is locked
// meanwhile, so the loop must not use it.
func (m *Map[V]) All() iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		m.each(func(n *node) bool { return yield(n.key, of[V](n).value) })
	}
}
