// The list of a Map: its entries without their values. It is not generic, because a program
// would contain its code once for each type of values.

package expiring

import (
	"maps"
	"sync"
	"time"
)

// list holds the entries of a Map, from the oldest to the newest.
type list struct {
	now      func() time.Time
	limit    int
	inBytes  bool // maxBytes limits the list too
	maxBytes int
	onEvict  func(*node) // may be nil

	bothClocks bool // see Map.ForBothClocks

	mu      sync.Mutex
	entries map[string]*node // guarded by mu
	oldest  *node            // guarded by mu, as are the links
	newest  *node            // guarded by mu
	bytes   int              // guarded by mu
	sweepAt int              // guarded by mu: the number of entries that starts the next sweep
	inserts int              // guarded by mu: insertions since the last sweep
	sweptAt time.Time        // guarded by mu: when the last sweep was
	most    int              // guarded by mu: the number of entries for which entries has room
}

// node is an entry without its value. It is a part of an entry.
type node struct {
	key          string
	until        time.Time
	size         int
	older, newer *node
}

// hasExpired reports whether until, the end of an entry, has passed. Package time compares the monotonic readings of two times if both
// have one, and else the times of the wall clock.
func (l *list) hasExpired(until, now time.Time) bool {
	return !now.Before(until) && (!l.bothClocks || !now.Round(0).Before(until))
}

// find returns the entry of key, or nil if the list has no entry of key that has not expired.
// The time is read only if there is an entry: most lookups are for keys that have none.
func (l *list) find(key string) *node {
	n, until := l.untilOf(key)
	if n == nil || l.hasExpired(until, l.now()) {
		return nil
	}
	return n
}

// untilOf returns the entry of key, which may have expired, and its time.
func (l *list) untilOf(key string) (n *node, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n = l.entries[key]; n != nil {
		until = n.until
	}
	return n, until
}

// insert stores an entry, unless it is larger than the byte limit. If replace is false and its
// key has an entry that has not expired, insert changes nothing and reports false.
func (l *list) insert(n *node, replace bool) bool {
	now := l.now()
	if l.bothClocks {
		n.until = now.Add(n.until.Sub(now)) // a time of an event, or of a token, has no monotonic reading
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if before, ok := l.entries[n.key]; ok {
		if !replace && !l.hasExpired(before.until, now) {
			return false
		}
		l.remove(before)
	}
	if l.inBytes && n.size > l.maxBytes {
		return true
	}
	l.makeRoom(n.size, now)
	n.older = l.newest
	if l.newest == nil {
		l.oldest = n
	} else {
		l.newest.newer = n
	}
	l.newest = n
	l.entries[n.key] = n
	l.most = max(l.most, len(l.entries))
	l.bytes += n.size
	l.inserts++
	return true
}

// Shorten makes the entry of key expire at until if it expires later now. It
// never extends an entry.
func (l *list) Shorten(key string, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n, ok := l.entries[key]; ok && until.Before(n.until) {
		n.until = until
	}
}

// Delete removes the entry of key, if there is one.
func (l *list) Delete(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n, ok := l.entries[key]; ok {
		l.remove(n)
	}
}

// each calls f for the entries that have not expired, the oldest first, until f returns
// false.
func (l *list) each(f func(*node) bool) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for n := l.oldest; n != nil; n = n.newer {
		if !l.hasExpired(n.until, now) && !f(n) {
			return
		}
	}
}

// Len returns the number of entries. It includes expired entries that have not
// been removed yet.
func (l *list) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

// Bytes returns the size of all entries together, as described at
// [Map.LimitBytes]. It is 0 if bytes are not limited.
func (l *list) Bytes() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes
}

// remove unlinks an entry. The caller holds mu.
func (l *list) remove(n *node) {
	if n.older == nil {
		l.oldest = n.newer
	} else {
		n.older.newer = n.newer
	}
	if n.newer == nil {
		l.newest = n.older
	} else {
		n.newer.older = n.older
	}
	delete(l.entries, n.key)
	l.bytes -= n.size
}

// makeRoom makes room for an entry of the given size. The caller holds mu.
//
// It sweeps when the number of entries has doubled since the last sweep, and
// after sweepInterval. In a full list it sweeps once per eighth of the entries
// inserted. So the cost of a sweep is spread over many insertions, or over time.
// If the list is still full, makeRoom evicts the oldest entries.
func (l *list) makeRoom(size int, now time.Time) {
	full := func() bool { return len(l.entries) >= l.limit || l.inBytes && l.bytes+size > l.maxBytes }
	late := len(l.entries) >= minSweep && now.Sub(l.sweptAt) >= sweepInterval
	if late || len(l.entries) >= max(l.sweepAt, minSweep) || full() && l.inserts > len(l.entries)/8 {
		l.sweep(now)
	}
	for full() && l.oldest != nil {
		evicted := l.oldest
		l.remove(evicted)
		if l.onEvict != nil && !l.hasExpired(evicted.until, now) {
			l.onEvict(evicted)
		}
	}
}

// sweep removes all expired entries. A Go map keeps the memory of deleted
// entries, so a map that has become much smaller is replaced. The caller holds mu.
func (l *list) sweep(now time.Time) {
	for n := l.oldest; n != nil; {
		next := n.newer
		if l.hasExpired(n.until, now) {
			l.remove(n)
		}
		n = next
	}
	if l.most > minSweep && len(l.entries) < l.most/4 {
		smaller := make(map[string]*node, len(l.entries))
		maps.Copy(smaller, l.entries)
		l.entries, l.most = smaller, len(smaller)
	}
	l.sweepAt, l.inserts, l.sweptAt = 2*len(l.entries), 0, now
}
