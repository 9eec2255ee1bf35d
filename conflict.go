// Conflicts of cookies: cookies with the name of the session cookie that hide the session.

package authkit

import (
	"net/http"

	"github.com/authkit-go/authkit/internal/cookie"
)

// Other cookies can have the name of the session cookie. A sibling host can set them for
// a shared Domain. A page of the application can set them for a Path. A change of
// [WithCookieDomain] leaves the earlier ones behind. The Cookie header contains neither
// Domain nor Path (RFC 6265, section 4.2.2), so this package can only try each value:
//
//   - A value that cannot be the session is skipped.
//   - Cookies with another Domain or Path than configured are expired when a sign-in
//     starts or ends, and at sign-out.
//   - If that does not help, a page names the cookies. Without it, the browser would be
//     redirected to sign-in without end.

// hasCookieConflict reports whether a request has session cookies, but no session that
// can be distinguished from them.
func (a *AuthKit) hasCookieConflict(r *http.Request) bool {
	own := a.cookies.Session(r.Header)
	if own.IsAbsent() {
		return false
	}
	_, err := a.openSession(r, &own)
	return err != nil
}

// hasSessionOfAnotherClient reports whether a request has a session that opens and whose
// token is for another client ID. A sign-in replaces it. If it comes again, another
// application of the host uses the same name and the same password.
func (a *AuthKit) hasSessionOfAnotherClient(r *http.Request) bool {
	own := a.cookies.Session(r.Header)
	if !own.Found() {
		return false
	}
	sealed, err := a.openSession(r, &own)
	if err != nil {
		return false
	}
	s := unverifiedSession(sealed)
	return s != nil && s.claims.ClientID != "" && s.claims.ClientID != a.client.ClientID()
}

// failCookieConflict is called when a guard is about to start a sign-in. If two sign-ins
// have not removed a conflict, a third would not either. It then answers with a page
// that names the cookies, and returns false. The page links to Login, which always
// starts a sign-in. Otherwise it returns true.
func (a *AuthKit) failCookieConflict(w http.ResponseWriter, r *http.Request, returnTo string) bool {
	if a.cookies.ConflictCount(r.Header) < cookie.MaxConflictCount || !a.hasCookieConflict(r) {
		return true
	}
	a.cookies.ExpireDuplicatesAtStart(w.Header(), r, true, 0)
	a.cookies.EndConflict(w.Header()) // the user may try again
	a.failPage(w, r, &CookieConflictError{Names: a.cookies.SessionNames(r.Header)}, returnTo)
	return false
}

// noteConflict is called when a sign-in starts. It counts the sign-in if there is a
// conflict, and expires duplicates of the session cookie. reserved is how many bytes
// will be added to the header later.
func (a *AuthKit) noteConflict(w http.ResponseWriter, r *http.Request, reserved int) {
	conflict := a.hasCookieConflict(r)
	otherClient := !conflict && a.hasSessionOfAnotherClient(r)
	if conflict || otherClient {
		// A chunk that does not open has lost the others.
		own, names := a.cookies.Session(r.Header), a.cookies.SessionNames(r.Header)
		if a.cookies.ConflictCount(r.Header) > 0 && own.Found() && len(names) == 1 && names[0] == a.cookies.SessionName() {
			a.mistakes.ForeignReturned(r, otherClient)
		}
	}
	a.cookies.NoteConflict(w.Header(), r, conflict || otherClient)
	a.cookies.ExpireDuplicatesAtStart(w.Header(), r, conflict, reserved)
}
