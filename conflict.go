// Cookies in the way: what stands beside the session's own cookie under its name, and how a person gets past it.

package authkit

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
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
	// maxExpiries bounds the Set-Cookie lines that expire other forms in one
	// response.
	maxExpiries = 2 << 10
	// maxHeader is how large they may make a header: nginx takes 4 KB by default,
	// with the status line and what the application and the server add.
	maxHeader = 3500
	// maxPathForms and maxPathLength bound the paths whose cookies are expired.
	maxPathForms  = 8
	maxPathLength = 256
)

// errConflict says that cookies of more than one session came, so that none
// can be told to be the browser's own.
var errConflict = errors.New("authkit: the request brings cookies of different sessions")

// chooseSession chooses among what was opened of one request: the session that
// was refreshed last, if all are of one session and one user. Those that were
// signed out here do not count. It returns errConflict where sessions differ.
func (a *AuthKit) chooseSession(opened []sealedSession) (chosen sealedSession, err error) {
	var first *Session
	for _, sealed := range opened {
		s := unverifiedSession(sealed)
		if s == nil || a.hasEnded(s) {
			continue
		}
		switch {
		case first == nil:
			first, chosen = s, sealed
		case s.ID() != first.ID() || s.UserID() != first.UserID():
			return sealedSession{}, errConflict
		case refreshedLater(s, first):
			first, chosen = s, sealed
		}
	}
	if first == nil && len(opened) > 0 {
		return opened[0], nil
	}
	return chosen, nil
}

func refreshedLater(s, than *Session) bool {
	return cmp.Or(s.RenewedAt().Compare(than.RenewedAt()), s.IssuedAt().Compare(than.IssuedAt())) > 0
}

// sessionsSent are the sessions that a request's cookies hold, in whatever
// form, verified or not: to end or to replace, and never to serve. The one that
// would be served is the first.
func (a *AuthKit) sessionsSent(r *http.Request) (sessions []*Session) {
	own := a.cookies.session(r.Header)
	if sealed, err := a.openSession(r.Header, &own); err == nil {
		if s := unverifiedSession(sealed); s != nil {
			sessions = append(sessions, s)
		}
	}
	add := func(sealed sealedSession) {
		s := unverifiedSession(sealed)
		if s == nil || slices.ContainsFunc(sessions, func(other *Session) bool {
			return other.ID() == s.ID() && other.sealed.refreshToken == s.sealed.refreshToken && other.SignedInAt().Equal(s.SignedInAt())
		}) {
			return
		}
		sessions = append(sessions, s)
	}
	if own.several || own.count > 1 { // a planted chunk may look like the session's next
		for _, sealed := range a.openCandidates(a.cookies.candidates(r.Header, true)) {
			add(sealed)
		}
	}
	for _, name := range a.cookies.foreignNames {
		opened, _ := a.openForeign(r.Header, name)
		for _, sealed := range opened {
			add(sealed)
		}
	}
	return sessions
}

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

// CookieConflictError is an [ErrCookieConflict] that names the cookies.
type CookieConflictError struct {
	// Names are the names of the session cookies that came, each once.
	Names []string
}

func (e *CookieConflictError) Error() string {
	return fmt.Sprintf("%v: none of the cookies %s could be taken for a session", ErrCookieConflict, strings.Join(e.Names, ", "))
}

// Unwrap makes errors.Is(err, ErrCookieConflict) hold.
func (e *CookieConflictError) Unwrap() error { return ErrCookieConflict }

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

// inTheWay are the names of session cookies of which another form must exist:
// those that came twice, or all of them where a whole session and chunks came or
// chunks that do not follow each other.
func (c *cookies) inTheWay(h http.Header) []string {
	all := c.sessionNames(h, 1)
	whole := false
	chunks := map[int]bool{}
	for _, name := range all {
		switch index := c.chunk(name); index {
		case notSession:
		case wholeSession:
			whole = true
		default:
			chunks[index] = true
		}
	}
	for i := range len(chunks) {
		if whole || !chunks[i] {
			return all
		}
	}
	return c.sessionNames(h, 2)
}

// expiry says which forms to expire.
type expiry struct {
	names []string
	// window tells which part of the forms, where they are too many for one
	// response: the likeliest first, then the others in turn.
	window int
	// keep leaves the form alone that is one cookie with the form in use by RFC
	// 6265, section 5.3, though browsers keep two: a host-only cookie and one
	// whose Domain is that very host. It is given where the response does not
	// replace or end the session.
	keep bool
	// reserved is how many bytes the header of the response will hold besides.
	reserved int
}

// expireOtherForms expires the forms of session cookies that this configuration
// does not use. Which Domain and Path they have cannot be seen, so that each form
// that can exist is expired: the configured hosts' domains, and the paths that
// lead to this request. At most maxExpiries bytes of lines go out at once, and
// fewer where the header would grow past maxHeader.
func (c *cookies) expireOtherForms(h http.Header, r *http.Request, e expiry) {
	own := strings.ToLower(strings.TrimPrefix(c.domain, "."))
	room := min(maxExpiries, maxHeader-e.reserved-headerSize(h))
	var windows [][]*http.Cookie
	left := 0
	for _, path := range pathForms(r.RequestURI) {
		for _, domain := range c.otherDomains {
			if path == "/" && (domain == own || e.keep && cmp.Or(domain, c.host) == cmp.Or(own, c.host)) {
				continue // the form in use
			}
			for _, name := range e.names {
				if hasPrefixFold(name, hostPrefix) {
					continue // browsers accept it in one form only
				}
				other := c.expired(name)
				other.Domain, other.Path = domain, path
				size := len("Set-Cookie: \r\n") + len(other.String())
				if size > room {
					continue
				}
				if size > left {
					windows, left = append(windows, nil), room
				}
				left -= size
				last := len(windows) - 1
				windows[last] = append(windows[last], other)
			}
		}
	}
	if len(windows) > 0 {
		for _, other := range windows[e.window%len(windows)] {
			setCookie(h, other)
		}
	}
}

// headerSize is how many bytes a header takes on the wire.
func headerSize(h http.Header) (size int) {
	for name, values := range h {
		for _, value := range values {
			size += len(name) + len(": \r\n") + len(value)
		}
	}
	return size
}

// nextWindow counts on. All browsers share the counts: what matters is that no
// window is left out.
func nextWindow(count *atomic.Uint64) int { return int(count.Add(1)-1) & (1<<20 - 1) }

// pathForms are the paths that a cookie may have which a browser sends to a
// target (RFC 6265, section 5.1.4), the likeliest first.
func pathForms(target string) []string {
	path, _, _ := strings.Cut(target, "?")
	forms := []string{"/"}
	add := func(form string) {
		if form != "" && len(form) <= maxPathLength && len(forms) < maxPathForms && !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	if !strings.HasPrefix(path, "/") {
		return forms
	}
	add(path)
	for i := len(path) - 1; i > 0; i-- {
		if path[i] == '/' {
			add(path[:i])
			add(path[:i+1])
		}
	}
	return forms
}

// otherDomains are the domains that another form of the cookie may have, "" for
// none, the likeliest first. They come from the configuration, never from a
// request.
func otherDomains(c *config) []string {
	var domains []string
	if host := strings.ToLower(hostname(c.redirectURL)); strings.Contains(host, ".") && net.ParseIP(host) == nil {
		domains = domainsOf(host)
	}
	domains = append(domains, "")
	if own := strings.ToLower(strings.TrimPrefix(c.cookieDomain, ".")); own != "" && !slices.Contains(domains, own) {
		domains = append(domains, own)
	}
	return domains
}

// domainsOf are the domains that a host may share its cookies through, the
// most likely first: those above it short of the top level, and its own.
func domainsOf(host string) []string {
	var all []string
	for parent := host; ; {
		_, above, found := strings.Cut(parent, ".")
		if !found || !strings.Contains(above, ".") {
			return append(all, host)
		}
		all = append(all, above)
		parent = above
	}
}
