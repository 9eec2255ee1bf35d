// Cookies in the way: what stands beside the session's own cookie under its name, and how a person gets past it.

package authkit

import (
	"net/http"

	"github.com/authkit-go/authkit/internal/cookie"
)

// A sibling host can set cookies of our names for a shared Domain, a page of the
// application can set them for a path of its own, and a change of
// [WithCookieDomain] leaves old ones behind. The Cookie header tells neither
// Domain nor Path (RFC 6265, section 4.2.2), so that what came can only be
// tried. What cannot be the session is passed over; the forms that this
// configuration does not use are expired whenever a sign-in starts or ends and at
// sign-out; and a person whom that does not help is told what is in the way,
// instead of being sent round in circles.

// conflict reports whether cookies are in the way of a session: some of its name
// came, and none of them could be taken for a session.
func (a *AuthKit) hasCookieConflict(r *http.Request) bool {
	own := a.cookies.Session(r.Header)
	if own.IsAbsent() {
		return false
	}
	_, err := a.openSession(r.Header, &own)
	return err != nil
}

// passConflict is called where a guard starts a sign-in. After two sign-ins that
// have not helped it answers with a page that says what is in the way, and reports
// false: the next one would not help either, and the browser would go round in
// circles. The page leads to Login, which a person has to choose and which always
// starts a sign-in.
func (a *AuthKit) failCookieConflict(w http.ResponseWriter, r *http.Request, returnTo string) bool {
	if a.cookies.ConflictCount(r.Header) < cookie.MaxConflictCount || !a.hasCookieConflict(r) {
		return true
	}
	a.cookies.ExpireDuplicatesAtStart(w.Header(), r, true, 0)
	a.cookies.EndConflict(w.Header()) // the person may try again
	a.failPage(w, r, &CookieConflictError{Names: a.cookies.SessionNames(r.Header)}, returnTo)
	return false
}

// noteConflict is called where a sign-in starts, with how many bytes the header
// will hold besides. It counts the sign-in if none of the cookies is a session,
// and expires the duplicates of the session cookie.
func (a *AuthKit) noteConflict(w http.ResponseWriter, r *http.Request, reserved int) {
	conflict := a.hasCookieConflict(r)
	a.cookies.NoteConflict(w.Header(), r, conflict)
	a.cookies.ExpireDuplicatesAtStart(w.Header(), r, conflict, reserved)
}
