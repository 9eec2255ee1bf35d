// The count of sign-ins that cookies in the way made fruitless.

package cookie

import (
	"net/http"
	"strconv"
	"time"
)

const (
	// MaxConflictCount is how many sign-ins in a row may end with cookies still in
	// the way before a page explains.
	MaxConflictCount = 2
	// conflictLifetime is how long they are counted.
	conflictLifetime = time.Hour
)

// ConflictCount is how many sign-ins have ended in this browser since cookies
// were first in the way. Of several counts the highest is taken: a planted one
// must not stop it.
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

// NoteConflict is called where a sign-in starts. Where conflict holds, because
// none of the cookies is a session, a count of the sign-ins that end without
// helping begins; otherwise the count is over.
func (c *Codec) NoteConflict(h http.Header, r *http.Request, conflict bool) {
	if conflict {
		c.setConflictCount(h, c.ConflictCount(r.Header))
	} else if Has(r.Header, c.conflictName) {
		c.Expire(h, c.conflictName)
	}
}

// CountSignIn is called where a sign-in ends. It counts the sign-in where
// cookies were in the way as it started.
func (c *Codec) CountSignIn(h http.Header, r *http.Request) {
	if Has(r.Header, c.conflictName) {
		c.setConflictCount(h, c.ConflictCount(r.Header)+1)
	}
}

// EndConflict ends the count: the person may try again.
func (c *Codec) EndConflict(h http.Header) { c.Expire(h, c.conflictName) }

func (c *Codec) setConflictCount(h http.Header, count int) {
	setCookie(h, c.cookie(c.conflictName, strconv.Itoa(count), conflictLifetime, c.laxAtLeast()))
}
