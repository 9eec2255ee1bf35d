// Cookies in the way: what stands beside the session's own cookie under its name, and how a person gets past it.

package authkit

import (
	"net/http"
	"strconv"
	"time"
)

// A sibling host can set cookies of our names for a shared Domain, a page of the
// application can set them for a path of its own, and a change of
// [WithCookieDomain] leaves old ones behind. The Cookie header tells neither
// Domain nor Path (RFC 6265, section 4.2.2), so that what came can only be
// tried. What cannot be the session is passed over; the forms that this
// configuration does not use are expired whenever a sign-in starts or ends and at
// sign-out; and a person whom that does not help is told what is in the way,
// instead of being sent round in circles.

const (
	// maxFruitless is how many sign-ins in a row may end with cookies still in the
	// way before a page explains.
	maxFruitless = 2
	// conflictLifetime is how long they are counted.
	conflictLifetime = time.Hour
)

// conflict reports whether cookies are in the way of a session: some of its name
// came, and none of them could be taken for a session.
func (a *AuthKit) conflict(r *http.Request) bool {
	own := a.cookies.session(r.Header)
	if own.count == 0 && !own.several {
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
func (a *AuthKit) passConflict(w http.ResponseWriter, r *http.Request, returnTo string) bool {
	if a.cookies.fruitless(r.Header) < maxFruitless || !a.conflict(r) {
		return true
	}
	a.expireInTheWay(w.Header(), r, 0)
	a.cookies.expire(w, a.cookies.conflictName) // the person may try again
	a.failPage(w, r, &CookieConflictError{Names: a.cookies.sessionNames(r.Header, 1)}, returnTo)
	return false
}

// noteConflict is called where a sign-in starts. Where none of the cookies is a
// session, a count of the sign-ins that end without helping begins; where one is,
// the count is over.
func (a *AuthKit) noteConflict(w http.ResponseWriter, r *http.Request) {
	if a.conflict(r) {
		a.cookies.setConflict(w.Header(), a.cookies.fruitless(r.Header))
	} else if sent(r.Header, a.cookies.conflictName) {
		a.cookies.expire(w, a.cookies.conflictName)
	}
}

// expireInTheWay is called where a sign-in starts, with how many bytes the header
// will hold besides. It expires the forms of the session cookie that are not in
// use where a name came twice. A sign-in replaces what it finds in the form in
// use, so that after one that has not helped, another form of every name must be
// in the way.
func (a *AuthKit) expireInTheWay(h http.Header, r *http.Request, reserved int) {
	e := expiry{names: a.cookies.inTheWay(r.Header), keep: true, reserved: reserved}
	if a.cookies.fruitless(r.Header) > 0 && a.conflict(r) {
		e.names, e.window = a.cookies.sessionNames(r.Header, 1), 1+nextWindow(a.cookies.starts)
	}
	a.cookies.expireOtherForms(h, r, e)
}

// countSignIn is called where a sign-in ends, with how many bytes its session
// takes. It counts the sign-in where cookies were in the way as it started, and
// expires the forms that are in the way here, where the path is another.
func (a *AuthKit) countSignIn(h http.Header, r *http.Request, session int) {
	fruitless := a.cookies.fruitless(r.Header)
	if sent(r.Header, a.cookies.conflictName) {
		a.cookies.setConflict(h, fruitless+1)
	}
	e := expiry{names: a.cookies.inTheWay(r.Header), reserved: session}
	if fruitless > 0 {
		e.window = nextWindow(a.cookies.ends)
	}
	a.cookies.expireOtherForms(h, r, e)
}

// fruitless is how many sign-ins have ended in this browser since cookies were
// first in the way. Of several counts the highest is taken: a planted one must not
// stop it.
func (c *cookies) fruitless(h http.Header) (count int) {
	for name, value := range requestCookies(h) {
		if name == c.conflictName {
			if n, err := strconv.Atoi(value); err == nil {
				count = max(count, min(n, maxFruitless))
			}
		}
	}
	return count
}

func (c *cookies) setConflict(h http.Header, count int) {
	setCookie(h, c.cookie(c.conflictName, strconv.Itoa(count), conflictLifetime, c.laxAtLeast()))
}
