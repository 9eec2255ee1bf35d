// Duplicates of the session cookie, and their expiry.

package cookie

import (
	"cmp"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
)

// A duplicate is a cookie with the name of a session cookie or chunk, and with
// another Domain or Path than this package sets.

const (
	// maxExpiries is the most bytes of Set-Cookie lines that expire duplicates in
	// one response.
	maxExpiries = 2 << 10
	// maxResponseHeader is the size up to which these lines may fill a header.
	// nginx accepts 4 KB by default, with the status line and with what the
	// application and the server add.
	maxResponseHeader = 3500
	// maxPaths and maxPathLength bound the paths whose cookies are expired.
	maxPaths      = 8
	maxPathLength = 256
)

// ExpireDuplicatesAtStart expires duplicates when a sign-in starts. They are
// those of the names of which the request shows a duplicate. If conflict is true
// and an earlier sign-in did not help, they are those of all names that the
// request brings: that sign-in replaced every cookie with the Domain and Path in
// use, so each name must have a duplicate. Reserved is how many bytes will be
// added to the header later.
func (c *Codec) ExpireDuplicatesAtStart(h http.Header, r *http.Request, conflict bool, reserved int) {
	e := expiry{names: c.duplicateNames(r.Header), keepCurrent: true, reserved: reserved}
	if conflict && c.ConflictCount(r.Header) > 0 {
		e.names, e.window = c.SessionNames(r.Header), 1+nextWindow(&c.startWindows)
	}
	c.expireDuplicates(h, r, e)
}

// ExpireDuplicatesAtEnd expires duplicates when a sign-in ends. The paths that
// it tries differ from those of the start, because the request's path does.
// Reserved is how many bytes will be added to the header later.
func (c *Codec) ExpireDuplicatesAtEnd(h http.Header, r *http.Request, reserved int) {
	e := expiry{names: c.duplicateNames(r.Header), reserved: reserved}
	if c.ConflictCount(r.Header) > 0 {
		e.window = nextWindow(&c.endWindows)
	}
	c.expireDuplicates(h, r, e)
}

// ExpireDuplicatesAtSignOut expires duplicates when a session is signed out.
// Reserved is how many bytes will be added to the header later.
func (c *Codec) ExpireDuplicatesAtSignOut(h http.Header, r *http.Request, reserved int) {
	c.expireDuplicates(h, r, expiry{names: c.duplicateNames(r.Header), window: nextWindow(&c.endWindows), reserved: reserved})
}

// duplicateNames returns the names of which the request shows a duplicate: those
// that came twice. It returns all names of session cookies and chunks if an
// undivided session came beside chunks, or a chunk is missing before another.
func (c *Codec) duplicateNames(h http.Header) []string {
	all := c.SessionNames(h)
	whole := false
	chunks := map[int]bool{}
	for _, name := range all {
		switch index := c.chunkIndex(name); index {
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
	return c.repeatedSessionNames(h)
}

// expiry says which duplicates to expire.
type expiry struct {
	names []string
	// window chooses a part of the duplicates if they are too many for one
	// response. Window 0 has the likeliest ones.
	window int
	// keepCurrent is for a response that neither replaces nor ends the session.
	// RFC 6265, section 5.3, takes a host-only cookie and one whose Domain is that
	// host for the same cookie, and some browsers do. So the duplicate of this
	// kind is left alone: its expiry could delete the session.
	keepCurrent bool
	// reserved is how many bytes will be added to the header later.
	reserved int
}

// expireDuplicates expires the cookies of some names with every Domain and Path
// that a duplicate can have. The request does not say which of them exist (RFC
// 6265, section 4.2.2). The domains come from the configuration, the paths from
// the request. The lines of one response take at most maxExpiries bytes, and less
// if the header would exceed maxResponseHeader.
func (c *Codec) expireDuplicates(h http.Header, r *http.Request, e expiry) {
	own := strings.ToLower(strings.TrimPrefix(c.domain, "."))
	room := min(maxExpiries, maxResponseHeader-e.reserved-headerSize(h))
	var windows [][]*http.Cookie
	left := 0
	host, domains := c.hostOf(r)
	for _, path := range cookiePaths(c.publicTarget(r.RequestURI)) {
		for _, domain := range domains {
			if path == "/" && (domain == own || e.keepCurrent && cmp.Or(domain, host) == cmp.Or(own, host)) {
				continue // the Domain and Path in use
			}
			for _, name := range e.names {
				if HasPrefix(name, HostPrefix) {
					continue // browsers accept no Domain and no other Path for it
				}
				for _, duplicate := range c.expiredForms(name, domain, path) {
					size := len("Set-Cookie: \r\n") + len(duplicate.String())
					if size > room {
						continue
					}
					if size > left {
						windows, left = append(windows, nil), room
					}
					left -= size
					last := len(windows) - 1
					windows[last] = append(windows[last], duplicate)
				}
			}
		}
	}
	if len(windows) > 0 {
		for _, duplicate := range windows[e.window%len(windows)] {
			setCookie(h, duplicate)
		}
	}
}

// hostOf returns the host of the application that a request is for, and the Domain
// attributes that a duplicate can have there. A request for an unknown host counts as one for the
// host of the redirect URL.
func (c *Codec) hostOf(r *http.Request) (host string, domains []string) {
	if len(c.otherHosts) > 0 {
		host = strings.ToLower(strings.TrimSuffix((&url.URL{Host: r.Host}).Hostname(), "."))
		if domains := c.otherHosts[host]; domains != nil {
			return host, domains
		}
	}
	return c.host, c.duplicateDomains
}

// nextWindow increments a counter and returns its value from before, modulo
// 2^20. All browsers share a counter. Each window comes in turn, so that none is
// left out.
func nextWindow(count *atomic.Uint64) int { return int(count.Add(1)-1) & (1<<20 - 1) }

// duplicateDomains returns the Domain attributes that a duplicate can have, the
// likeliest first: those of the host name and of its parents, "" for a host-only
// cookie, and the one in use. They come from the configuration, never from a
// request.
func duplicateDomains(host, domain string) []string {
	var domains []string
	if strings.Contains(host, ".") && net.ParseIP(host) == nil {
		domains = parentDomains(host)
	}
	domains = append(domains, "")
	if own := strings.ToLower(strings.TrimPrefix(domain, ".")); own != "" && !slices.Contains(domains, own) {
		domains = append(domains, own)
	}
	return domains
}

// parentDomains returns the parents of a host name, without its top level, and
// then the host name itself.
func parentDomains(host string) []string {
	var all []string
	for child := host; ; {
		_, parent, found := strings.Cut(child, ".")
		if !found || !strings.Contains(parent, ".") {
			return append(all, host)
		}
		all = append(all, parent)
		child = parent
	}
}

// publicTarget returns a request target as the browser sent it. A proxy has removed the
// base path.
func (c *Codec) publicTarget(target string) string {
	if !strings.HasPrefix(target, "/") {
		return target
	}
	return c.basePath + target
}

// cookiePaths returns the Path attributes of cookies that a browser sends to a
// request target (RFC 6265, section 5.1.4), the likeliest first.
func cookiePaths(target string) []string {
	path, _, _ := strings.Cut(target, "?")
	paths := []string{"/"}
	add := func(path string) {
		if path != "" && len(path) <= maxPathLength && len(paths) < maxPaths && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	if !strings.HasPrefix(path, "/") {
		return paths
	}
	add(path)
	for i := len(path) - 1; i > 0; i-- {
		if path[i] == '/' {
			add(path[:i])
			add(path[:i+1])
		}
	}
	return paths
}
