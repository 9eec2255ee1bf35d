// Package sessioncache keeps verified credentials in memory: sessions, each under the
// text of its session cookie, and access tokens, each under its own text.
package sessioncache

import (
	"hash/maphash"
	"math/bits"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/authkit-go/authkit/internal/heapsize"
)

const (
	// overhead is the bytes of an entry besides its text and the size that the caller passes
	// to [Cache.Put]: the entry and its place in a bucket.
	overhead = 80 + 8
	// minSize is less than any entry takes. With maxBytes, it limits the number of entries.
	minSize = 1 << 10
	// maxBuckets limits the buckets of an empty cache to 8 MiB. A cache that
	// holds more sessions has longer chains in its buckets.
	maxBuckets = 1 << 20
	// maxUses is the highest use count of an entry.
	maxUses = 3
	// maxSteps is how many entries a Put passes at most before it evicts one that is in
	// use. Puts wait for each other, and a large cache may have no other.
	maxSteps = 256
	// tailLength is the length of the end of a text that is hashed. The end of a
	// cookie is the authentication code in every format, and that of a token is its
	// signature, so it is as good as random.
	tailLength = 32
)

// Kind is what a text is: a session cookie or an access token. A text of one kind never
// finds an entry of the other, because they are verified differently.
type Kind uint8

// The kinds.
const (
	Cookie Kind = iota
	Token
)

// Cache keeps verified sessions and tokens. The key is the kind and the exact text. The
// text of a session cookie is given in its parts: one for each chunk, in order. A hit
// saves decryption and signature verification.
//
// A hit proves only that this text was verified before. Callers must recheck
// expiry, signing key, limits and sign-outs.
//
// A lookup compares the whole text, not only its hash. Callers put only
// verified entries in, so forged texts cannot evict others. Eviction follows
// the S3-FIFO algorithm (https://s3fifo.com): entries that are used once do not
// evict entries in use. Both kinds share the limits. Get takes no lock. All methods may
// be called concurrently.
type Cache[V any] struct {
	maxEntries, maxBytes int
	seed                 maphash.Seed
	buckets              []atomic.Pointer[Entry[V]] // the length is a power of two

	mu        sync.Mutex          // guards the fields below, and changes of the buckets
	entries   int                 // in both queues
	bytes     int                 // in both queues
	evictions uint64              // since the start
	small     queue[V]            // new entries: a tenth of the bytes
	main      queue[V]            // entries that were used again
	ghosts    map[uint64]struct{} // hashes of texts whose next entry joins the main queue
	ghostRing []uint64            // the same hashes, in a ring
	ghostNext int                 // index of the oldest hash in the ring
	listBytes int                 // of the lists, each once
	holders   map[*string]int32   // how often the entries have a list, by its first value
	listsOf   func(V) Lists       // nil if no lists are counted; it does not change
}

// Lists are the lists of a value. An empty list takes no memory.
type Lists [6][]string

// Entry is a cached session. Its value does not change.
type Entry[V any] struct {
	Value V
	// CheckedEpoch is for the caller: the sign-out epoch in which it last
	// checked Value. It is 0 in a new entry. The cache does not use it.
	CheckedEpoch atomic.Uint64

	hash uint64
	text string
	size int
	kind Kind
	next atomic.Pointer[Entry[V]] // in its bucket
	then *Entry[V]                // the one after it in its queue
	uses atomic.Uint32            // since it joined its queue, at most maxUses
}

// queue is a FIFO queue of entries. It is a list and no slice, because a Put that copies the
// slice of a million entries lets all others wait.
type queue[V any] struct {
	first, last *Entry[V]
	len, bytes  int
}

// New returns a cache of at most maxEntries entries and maxBytes bytes. It
// returns nil if one of them is not positive. A nil cache stores nothing.
//
// maxBytes also limits the number of entries, because each entry counts as at least 1 KiB.
// The buckets and the ghosts are sized by the lower limit.
func New[V any](maxEntries, maxBytes int) *Cache[V] {
	if maxEntries <= 0 || maxBytes <= 0 {
		return nil
	}
	maxEntries = min(maxEntries, max(1, maxBytes/minSize))
	buckets := 1 << bits.Len(uint(min(maxEntries, maxBuckets)-1))
	return &Cache[V]{
		maxEntries: maxEntries,
		maxBytes:   maxBytes,
		seed:       maphash.MakeSeed(),
		buckets:    make([]atomic.Pointer[Entry[V]], buckets),
		ghosts:     map[uint64]struct{}{},
	}
}

// CountLists makes c count the lists of the values, besides the sizes that Put gets, and
// returns c. Values may share a list, and it is counted once, as long as one of them is in
// the cache. CountLists must be called before c is used.
func (c *Cache[V]) CountLists(listsOf func(V) Lists) *Cache[V] {
	if c != nil {
		c.listsOf, c.holders = listsOf, map[*string]int32{}
	}
	return c
}

// Get returns the entry of a text, or nil. It does not allocate. parts has at
// least one element.
func (c *Cache[V]) Get(kind Kind, parts []string) *Entry[V] {
	if c == nil {
		return nil
	}
	e := c.find(kind, parts)
	if e != nil && e.uses.Load() < maxUses {
		e.uses.Add(1)
	}
	return e
}

// find returns the entry of a text, or nil. It does not count as a use.
func (c *Cache[V]) find(kind Kind, parts []string) *Entry[V] {
	hash := c.hash(parts)
	for e := c.bucket(hash).Load(); e != nil; e = e.next.Load() {
		if e.hash == hash && e.kind == kind && equal(parts, e.text) {
			return e
		}
	}
	return nil
}

// Put stores what has just been verified. The cache keeps the text: it must not share
// memory with something larger, such as the header of a request. size is the number of
// bytes that value takes in memory. The cache counts the text, the entry, and the lists ([Cache.CountLists]). Put stores nothing if
// the text has an entry of its kind already, or if the entry is larger than the whole
// cache.
func (c *Cache[V]) Put(kind Kind, text string, value V, size int) {
	if c == nil {
		return
	}
	parts := [1]string{text}
	e := &Entry[V]{Value: value, hash: c.hash(parts[:]), kind: kind, text: text}
	e.size = max(minSize, heapsize.Texts(e.text)+size+overhead)
	var lists Lists
	if c.listsOf != nil {
		lists = c.listsOf(value)
	}
	if e.size+lists.size() > c.maxBytes {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	bucket := c.bucket(e.hash)
	for other := bucket.Load(); other != nil; other = other.next.Load() {
		if other.hash == e.hash && other.kind == e.kind && other.text == e.text {
			return // a concurrent request stored it first
		}
	}
	c.hold(lists) // before the others that have them leave
	for steps := 0; c.entries >= c.maxEntries || e.size > c.maxBytes-c.bytes-c.listBytes; steps++ {
		c.evict(steps >= maxSteps)
	}
	if _, known := c.ghosts[e.hash]; known {
		c.main.push(e)
	} else {
		c.small.push(e)
	}
	c.entries++
	c.bytes += e.size
	e.next.Store(bucket.Load())
	bucket.Store(e)
}

// Replace says that a text will be used in place of another one of the same kind, as the
// cookie of a refresh is. If the entry of the old text is in use, that of the new one joins
// the main queue when it is put, and the old one no longer counts as used. Otherwise
// Replace does nothing. parts is the old text, as for [Cache.Get].
func (c *Cache[V]) Replace(kind Kind, parts []string, text string) {
	if c == nil {
		return
	}
	old := c.find(kind, parts)
	if old == nil || old.uses.Swap(0) == 0 {
		return
	}
	replaced := [1]string{text}
	hash := c.hash(replaced[:])
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.ghosts[hash]; !known {
		c.addGhost(hash)
	}
}

// State is the state of a cache.
type State struct {
	Entries, Bytes, MaxEntries, MaxBytes int
	Evictions                            uint64 // entries that were removed to make room
}

// State returns the state of the cache, the zero value for a nil cache.
func (c *Cache[V]) State() State {
	if c == nil {
		return State{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return State{c.entries, c.bytes + c.listBytes, c.maxEntries, c.maxBytes, c.evictions}
}

// Len returns the number of entries.
func (c *Cache[V]) Len() int {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.entries
}

// evict removes one entry, or moves one that is in use within the queues. If
// evenInUse is true, it moves none. The caller holds mu.
func (c *Cache[V]) evict(evenInUse bool) {
	if c.small.len > 0 && c.small.bytes >= c.bytes/10 { // always true if main is empty
		e := c.small.pop()
		if e.uses.Load() > 0 && !evenInUse {
			e.uses.Store(0)
			c.main.push(e)
			return
		}
		c.addGhost(e.hash)
		c.remove(e)
		return
	}
	e := c.main.pop()
	if uses := e.uses.Load(); uses > 0 && !evenInUse {
		e.uses.Store(uses - 1)
		c.main.push(e)
		return
	}
	c.remove(e)
}

// remove takes an entry out of its bucket. The caller holds mu and has removed
// the entry from its queue.
func (c *Cache[V]) remove(e *Entry[V]) {
	c.entries--
	c.evictions++
	c.bytes -= e.size
	if c.listsOf != nil {
		c.release(c.listsOf(e.Value))
	}
	at := c.bucket(e.hash)
	for at.Load() != e {
		at = &at.Load().next
	}
	at.Store(e.next.Load())
}

// listOverhead estimates the bytes of a list in holders.
const listOverhead = 24

func listSize(list []string) int {
	if len(list) == 0 {
		return 0
	}
	return heapsize.List(list) + listOverhead
}

func (l *Lists) size() (size int) {
	for _, list := range l {
		size += listSize(list)
	}
	return size
}

// hold counts the lists of a new entry. The caller holds mu.
func (c *Cache[V]) hold(lists Lists) {
	for _, list := range lists {
		if len(list) == 0 {
			continue
		}
		first := unsafe.SliceData(list)
		if c.holders[first]++; c.holders[first] == 1 {
			c.listBytes += listSize(list)
		}
	}
}

// release counts the lists of an entry no longer that leaves. The caller holds mu.
func (c *Cache[V]) release(lists Lists) {
	for _, list := range lists {
		if len(list) == 0 {
			continue
		}
		first := unsafe.SliceData(list)
		if c.holders[first]--; c.holders[first] == 0 {
			delete(c.holders, first)
			c.listBytes -= listSize(list)
		}
	}
}

// addGhost records the hash of an entry that was evicted from the small queue. If
// the same text comes again, its entry was evicted too early and joins the main queue.
// The hash of a text that will replace one in use is recorded too.
// The caller holds mu.
func (c *Cache[V]) addGhost(hash uint64) {
	if len(c.ghostRing) < c.maxEntries {
		c.ghostRing = append(c.ghostRing, hash)
	} else {
		delete(c.ghosts, c.ghostRing[c.ghostNext])
		c.ghostRing[c.ghostNext] = hash
		c.ghostNext = (c.ghostNext + 1) % len(c.ghostRing)
	}
	c.ghosts[hash] = struct{}{}
}

// hash returns the hash of the end of the joined parts.
func (c *Cache[V]) hash(parts []string) uint64 {
	last := parts[len(parts)-1]
	if len(last) >= tailLength || len(parts) == 1 {
		return maphash.String(c.seed, last[max(0, len(last)-tailLength):])
	}
	return c.hashOfEnds(parts)
}

// hashOfEnds is hash for a text whose last part is short. A last chunk of one octet has
// only 64 values, so it takes the end of the parts before too. The same text in other
// parts has the same hash.
func (c *Cache[V]) hashOfEnds(parts []string) uint64 {
	var tail [tailLength]byte
	free := tailLength
	for i := len(parts) - 1; i >= 0 && free > 0; i-- {
		end := parts[i][max(0, len(parts[i])-free):]
		free -= copy(tail[free-len(end):], end)
	}
	return maphash.Bytes(c.seed, tail[free:])
}

func (c *Cache[V]) bucket(hash uint64) *atomic.Pointer[Entry[V]] {
	return &c.buckets[hash&uint64(len(c.buckets)-1)]
}

// equal reports whether the joined parts are text. It does not join them.
func equal(parts []string, text string) bool {
	for _, part := range parts {
		rest, ok := strings.CutPrefix(text, part)
		if !ok {
			return false
		}
		text = rest
	}
	return text == ""
}

func (q *queue[V]) push(e *Entry[V]) {
	if q.first == nil {
		q.first = e
	} else {
		q.last.then = e
	}
	q.last = e
	q.len++
	q.bytes += e.size
}

func (q *queue[V]) pop() *Entry[V] {
	e := q.first
	q.first, e.then = e.then, nil
	if q.first == nil {
		q.last = nil
	}
	q.len--
	q.bytes -= e.size
	return e
}
