// The count of sign-ins that did not remove a conflict of cookies.

package cookie

import (
	"net/http"
	"strconv"
	"time"
)

// A request has a conflict if it brings session cookies, and no reading of them
// is a session. A sign-in replaces the cookies with the Domain and Path in use.
// If the conflict remains, a duplicate causes it, and another sign-in would not
// help either. A cookie in the browser counts these sign-ins.

const (
	// MaxConflictCount is the highest [Codec.ConflictCount]. A caller should then
	// explain the conflict instead of starting another sign-in.
	MaxConflictCount = 2
	// conflictLifetime is how long a count is kept.
	conflictLifetime = time.Hour
)

// ConflictCount returns how many sign-ins ended in this browser since the
// conflict began, at most [MaxConflictCount]. Of several counts the highest
// holds, so that a planted cookie does not stop the count.
func (c *Codec) ConflictCount(h http.Header) (count int) {
	for name, value := range All(h) {
		if name == c.conflictName {
			if n, err := strconv.Atoi(value); err == nil {
				count = max(count, min(n, MaxConflictCount))
			}
		}
	}
	return count
}

// NoteConflict starts a count, or continues it, if a sign-in starts with a
// conflict. Otherwise it ends the count.
func (c *Codec) NoteConflict(h http.Header, r *http.Request, conflict bool) {
	if conflict {
		c.setConflictCount(h, c.ConflictCount(r.Header))
	} else if Has(r.Header, c.conflictName) {
		c.EndConflict(h)
	}
}

// CountSignIn counts a sign-in that ends, if it started with a conflict, and reports
// whether it did.
func (c *Codec) CountSignIn(h http.Header, r *http.Request) bool {
	if !Has(r.Header, c.conflictName) {
		return false
	}
	c.setConflictCount(h, c.ConflictCount(r.Header)+1)
	return true
}

// EndConflict ends the count.
func (c *Codec) EndConflict(h http.Header) { c.Expire(h, c.conflictName) }

func (c *Codec) setConflictCount(h http.Header, count int) {
	setCookie(h, c.cookie(c.conflictName, strconv.Itoa(count), conflictLifetime, c.signInSameSite()))
}
