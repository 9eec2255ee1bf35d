// The other forms that a session cookie can have, and their expiry.

package cookie

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
)

const (
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

// conflictingNames are the names of session cookies of which another form must exist:
// those that came twice, or all of them where a whole session and chunks came or
// chunks that do not follow each other.
func (c *Codec) conflictingNames(h http.Header) []string {
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

// ExpireDuplicatesAtStart is called where a sign-in starts, with how many bytes
// the header will hold besides. It expires the forms of the session cookie that
// are not in use where a name came twice. A sign-in replaces what it finds in the
// form in use, so that after one that has not helped, and while conflict holds,
// another form of every name must be in the way.
func (c *Codec) ExpireDuplicatesAtStart(h http.Header, r *http.Request, conflict bool, reserved int) {
	e := expiry{names: c.conflictingNames(r.Header), keep: true, reserved: reserved}
	if conflict && c.ConflictCount(r.Header) > 0 {
		e.names, e.window = c.SessionNames(r.Header), 1+nextWindow(&c.starts)
	}
	c.expireDuplicates(h, r, e)
}

// ExpireDuplicatesAtEnd is called where a sign-in ends, with how many bytes its
// session takes. It expires the forms that are in the way here, where the path is
// another.
func (c *Codec) ExpireDuplicatesAtEnd(h http.Header, r *http.Request, reserved int) {
	e := expiry{names: c.conflictingNames(r.Header), reserved: reserved}
	if c.ConflictCount(r.Header) > 0 {
		e.window = nextWindow(&c.ends)
	}
	c.expireDuplicates(h, r, e)
}

// ExpireDuplicatesAtSignOut is called where a session is signed out, with how
// many bytes the header will hold besides.
func (c *Codec) ExpireDuplicatesAtSignOut(h http.Header, r *http.Request, reserved int) {
	c.expireDuplicates(h, r, expiry{names: c.conflictingNames(r.Header), window: nextWindow(&c.ends), reserved: reserved})
}

// expireDuplicates expires the forms of session cookies that this configuration
// does not use. Which Domain and Path they have cannot be seen, so that each form
// that can exist is expired: the configured hosts' domains, and the paths that
// lead to this request. At most maxExpiries bytes of lines go out at once, and
// fewer where the header would grow past maxHeader.
func (c *Codec) expireDuplicates(h http.Header, r *http.Request, e expiry) {
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
				if HasPrefix(name, HostPrefix) {
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

// headerSize is how many bytes a header takes on the wire.
func headerSize(h http.Header) (size int) {
	for name, values := range h {
		for _, value := range values {
			size += len(name) + len(": \r\n") + len(value)
		}
	}
	return size
}
