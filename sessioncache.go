// Verified sessions, kept by the cookies that they came in.

package authkit

import (
	"hash/maphash"
	"math/bits"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/authkit-go/authkit/internal/cookie"
)

const (
	// cachedOverhead is what an entry takes besides the texts that are counted.
	cachedOverhead = 2 << 10
	// maxBuckets bounds what a cache takes before it holds anything, to 8 MiB.
	// A cache of more sessions than that has longer chains in its buckets.
	maxBuckets = 1 << 20
	// maxUses is how much use of an entry is remembered.
	maxUses = 3
	// tailLength is how much of a cookie is hashed: its end, which is its
	// authentication code in every format, and so as good as random.
	tailLength = 32
)

// sessionCache keeps sessions that were verified, each by the exact text of its
// cookie, so that a cookie which comes again costs neither the unsealing nor
// the cryptography. It vouches for nothing that can change: whoever gets a
// session out of it has to hold it against the time, the signing keys, the
// limits and the sign-outs again, each time.
//
// Nothing is looked up by a hash alone: texts are compared. Only what was
// verified is put in, so that nobody can push others out with cookies that do
// not open; and by the S3-FIFO algorithm (https://s3fifo.com) what is seen once
// does not push out what is in use. Reading takes no lock.
type sessionCache struct {
	maxEntries, maxBytes int
	seed                 maphash.Seed
	buckets              []atomic.Pointer[cachedSession] // a power of two of them

	mu      sync.Mutex          // guards what follows, and changes of the buckets
	entries int                 // in both queues
	bytes   int                 // likewise
	small   queue               // of what is new: a tenth
	main    queue               // of what was used again
	ghosts  map[uint64]struct{} // hashes of what left the small queue unused
	ghostly []uint64            // the same, in a ring
	oldest  int                 // of the ring
}

// cachedSession is an entry. Its text and session do not change.
type cachedSession struct {
	hash    uint64
	text    string
	session *Session
	size    int

	next atomic.Pointer[cachedSession] // in its bucket
	uses atomic.Uint32                 // since it joined its queue, maxUses at most
	// checked is the number of sign-outs that it was last held against.
	checked atomic.Uint64
}

// queue is of entries, the oldest first.
type queue struct {
	entries []*cachedSession
	head    int
	bytes   int
}

// newSessionCache returns nil for a cache of nothing. The number of entries is
// bounded by the bytes too, since each takes cachedOverhead at least: buckets
// and ghosts are sized by it.
func newSessionCache(maxEntries, maxBytes int) *sessionCache {
	if maxEntries <= 0 || maxBytes <= 0 {
		return nil
	}
	maxEntries = min(maxEntries, max(1, maxBytes/cachedOverhead))
	buckets := 1 << bits.Len(uint(min(maxEntries, maxBuckets)-1))
	return &sessionCache{
		maxEntries: maxEntries,
		maxBytes:   maxBytes,
		seed:       maphash.MakeSeed(),
		buckets:    make([]atomic.Pointer[cachedSession], buckets),
		ghosts:     map[uint64]struct{}{},
	}
}

// get finds the session of a cookie. A nil cache has none.
func (c *sessionCache) get(cookie *cookie.Value) *cachedSession {
	if c == nil {
		return nil
	}
	hash := c.hash(cookie)
	for e := c.bucket(hash).Load(); e != nil; e = e.next.Load() {
		if e.hash == hash && cookie.Equals(e.text) {
			if e.uses.Load() < maxUses {
				e.uses.Add(1)
			}
			return e
		}
	}
	return nil
}

// put keeps a session that has just been verified.
func (c *sessionCache) put(cookie *cookie.Value, s *Session) {
	if c == nil {
		return
	}
	e := &cachedSession{hash: c.hash(cookie), text: strings.Clone(cookie.Text()), session: s}
	e.size = len(e.text) + s.sealed.size() + listsSize(s.claims) + cachedOverhead
	if e.size > c.maxBytes {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	bucket := c.bucket(e.hash)
	for other := bucket.Load(); other != nil; other = other.next.Load() {
		if other.hash == e.hash && other.text == e.text {
			return // another request was faster
		}
	}
	for c.entries >= c.maxEntries || e.size > c.maxBytes-c.bytes {
		c.evict()
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

// evict drops one entry, or moves one on. The caller holds mu.
func (c *sessionCache) evict() {
	if c.small.len() > 0 && c.small.bytes >= c.bytes/10 { // as it always is where main is empty
		e := c.small.pop()
		if e.uses.Load() > 0 {
			e.uses.Store(0)
			c.main.push(e)
			return
		}
		c.remember(e.hash)
		c.drop(e)
		return
	}
	e := c.main.pop()
	if uses := e.uses.Load(); uses > 0 {
		e.uses.Store(uses - 1)
		c.main.push(e)
		return
	}
	c.drop(e)
}

// drop takes an entry out of its bucket. The caller holds mu, and has taken it
// out of its queue.
func (c *sessionCache) drop(e *cachedSession) {
	c.entries--
	c.bytes -= e.size
	at := c.bucket(e.hash)
	for at.Load() != e {
		at = &at.Load().next
	}
	at.Store(e.next.Load())
}

// remember keeps the hash of an entry that was not used: should it come again,
// it was pushed out too soon. The caller holds mu.
func (c *sessionCache) remember(hash uint64) {
	if len(c.ghostly) < c.maxEntries {
		c.ghostly = append(c.ghostly, hash)
	} else {
		delete(c.ghosts, c.ghostly[c.oldest])
		c.ghostly[c.oldest] = hash
		c.oldest = (c.oldest + 1) % len(c.ghostly)
	}
	c.ghosts[hash] = struct{}{}
}

func (c *sessionCache) hash(cookie *cookie.Value) uint64 {
	last := cookie.Last()
	return maphash.String(c.seed, last[max(0, len(last)-tailLength):])
}

func (c *sessionCache) bucket(hash uint64) *atomic.Pointer[cachedSession] {
	return &c.buckets[hash&uint64(len(c.buckets)-1)]
}

func (q *queue) len() int { return len(q.entries) - q.head }

func (q *queue) push(e *cachedSession) {
	if q.head > len(q.entries)/2 { // more than half of it is behind us
		n := copy(q.entries, q.entries[q.head:])
		clear(q.entries[n:])
		q.entries, q.head = q.entries[:n], 0
	}
	q.entries = append(q.entries, e)
	q.bytes += e.size
}

func (q *queue) pop() *cachedSession {
	e := q.entries[q.head]
	q.entries[q.head] = nil
	q.head++
	q.bytes -= e.size
	return e
}
