// Mistakes that keep a session cookie from coming back.

package misconfig

import (
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// arrival is how long a browser takes at most to load the next page after a sign-in.
	arrival = 10 * time.Second
	// chunkLifetime is how long a set of chunks is remembered that has not come back.
	chunkLifetime = time.Minute
	// replacedLifetime is how long a replaced cookie is remembered.
	replacedLifetime = time.Hour
)

// expectation is a browser whose session cookie has not come back yet.
type expectation struct {
	host    string
	browser uint64 // the hash of User-Agent
	target  string // the next page, "" for any
	plain   bool
	until   time.Time
}

// SignInCompleted is called when a response sets the session cookie of a sign-in.
// Target is the page that the browser is redirected to, "" if that is not known.
func (d *Detector) SignInCompleted(r *http.Request, target string) {
	if d.sessionCameBack.Load() || !isBrowser(r) || target != "" && !strings.HasPrefix(target, "/") {
		return
	}
	target, _, _ = strings.Cut(target, "#")
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.expected) == maxExpected {
		d.expected = d.expected[1:]
	}
	d.expected = append(d.expected, expectation{
		host: hostOf(r.Host), browser: d.hash(r.UserAgent()), target: target, plain: d.isPlain(r), until: d.Now().Add(arrival),
	})
	d.waiting.Store(int32(len(d.expected)))
}

// SessionOpened is called when a request has a session cookie that opens. It costs an
// atomic load if no session is awaited.
func (d *Detector) SessionOpened() {
	if d.sessionCameBack.Load() {
		return
	}
	d.sessionCameBack.Store(true)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expected = nil
	d.waiting.Store(0)
}

// IsWaiting reports whether a session cookie is awaited, so that [Detector.NoSession]
// should be called.
func (d *Detector) IsWaiting() bool { return d.waiting.Load() > 0 }

// NoSession is called when a navigation came without any session cookie.
func (d *Detector) NoSession(r *http.Request) {
	if !isBrowser(r) || r.Header.Get("Sec-Fetch-Site") == "none" { // a person has opened an address
		return
	}
	found, ok := d.takeExpectation(r)
	switch {
	case !ok || d.sessionCameBack.Load():
	case found.plain:
		d.warnPlain(r)
	case d.CookieDomain != "" && !covers(d.CookieDomain, found.host):
		d.warnDomain(r, found.host)
	default:
		d.warn(r.Context(), sessionLost, anyClass, slog.String("cookie", d.CookieName))
	}
}

// takeExpectation returns and removes the expectation that a request meets.
func (d *Detector) takeExpectation(r *http.Request) (found expectation, ok bool) {
	browser, host, now := d.hash(r.UserAgent()), hostOf(r.Host), d.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expected = slices.DeleteFunc(d.expected, func(e expectation) bool { return !now.Before(e.until) })
	i := slices.IndexFunc(d.expected, func(e expectation) bool {
		return e.browser == browser && e.host == host && (e.target == "" || e.target == r.RequestURI)
	})
	if i >= 0 {
		found, ok = d.expected[i], true
		d.expected = slices.Delete(d.expected, i, i+1)
	}
	d.waiting.Store(int32(len(d.expected)))
	return found, ok
}

// chunkSet is a session that was set in several cookies and has not come back whole.
type chunkSet struct {
	hashes     []uint64 // of the values
	sizes      []int
	total      int
	incomplete int // how many requests had some of the cookies and not all
	until      time.Time
}

// SessionSet is called when a response sets a session in cookies of these values. It
// remembers the session unless one of this size or more has come back whole.
func (d *Detector) SessionSet(values []string) {
	if len(values) < 2 {
		return
	}
	set := &chunkSet{until: d.Now().Add(chunkLifetime)}
	for _, value := range values {
		set.total += len(value)
	}
	if int64(set.total) <= d.provenSize.Load() {
		return
	}
	for _, value := range values {
		set.hashes, set.sizes = append(set.hashes, d.hash(value)), append(set.sizes, len(value))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.chunks) == maxChunkSets {
		d.chunks = d.chunks[1:]
	}
	d.chunks = append(d.chunks, set)
	d.sets.Store(int32(len(d.chunks)))
}

// AwaitsChunks reports whether [Detector.ChunksCame] should be called.
func (d *Detector) AwaitsChunks() bool { return d.sets.Load() > 0 }

// ChunksCame is called when a request has session cookies of these values. The second
// request in a row that has some cookies of a set, and not all, is evidence: a response
// that is still arriving may have set a part of them.
func (d *Detector) ChunksCame(r *http.Request, values []string) {
	var came []uint64
	for _, value := range values {
		came = append(came, d.hash(value))
	}
	now := d.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.chunks = slices.DeleteFunc(d.chunks, func(set *chunkSet) bool { return !now.Before(set.until) })
	for i := 0; i < len(d.chunks); i++ {
		set := d.chunks[i]
		var sizes []int
		for j, hash := range set.hashes {
			if slices.Contains(came, hash) {
				sizes = append(sizes, set.sizes[j])
			}
		}
		if len(sizes) == 0 {
			continue
		}
		whole := len(sizes) == len(set.sizes)
		if whole {
			d.provenSize.Store(max(d.provenSize.Load(), int64(set.total)))
		} else if isBrowser(r) {
			set.incomplete++
		}
		if !whole && set.incomplete == 2 {
			d.warn(r.Context(), chunksLost, anyClass, slog.String("set", texts(set.sizes)), slog.String("came_back", texts(sizes)))
		}
		if whole || set.incomplete == 2 {
			d.chunks = slices.Delete(d.chunks, i, i+1)
			i--
		}
	}
	d.sets.Store(int32(len(d.chunks)))
}

// ForeignReplaced is called when a sign-in has replaced a session cookie that did not
// open or belongs to another client.
func (d *Detector) ForeignReplaced(r *http.Request) {
	if isBrowser(r) {
		d.replaced.Put(d.key(r.UserAgent()), struct{}{}, d.Now().Add(replacedLifetime))
	}
}

// ForeignReturned is called when a browser has such a cookie again, after a sign-in has
// replaced one. OfClient says that it opens and belongs to another client.
func (d *Detector) ForeignReturned(r *http.Request, ofClient bool) {
	if _, ok := d.replaced.Get(d.key(r.UserAgent())); !ok {
		return // another process has replaced it
	}
	k := sessionReplaced
	if ofClient {
		k = otherClient
	}
	d.warn(r.Context(), k, anyClass, slog.String("cookie", d.CookieName))
}

// texts returns sizes as a text such as "4081 1022".
func texts(sizes []int) string {
	var all []string
	for _, size := range sizes {
		all = append(all, strconv.Itoa(size))
	}
	return strings.Join(all, " ")
}
