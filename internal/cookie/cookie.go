// The cookies: their names, their attributes, their chunks.

package cookie

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"iter"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// MaxSize is what browsers keep of one cookie, name and value
	// together (RFC 6265bis, section 5.6).
	MaxSize = 4096
	// MaxChunks bounds a session to 32 KB, beyond which servers refuse the
	// request's header anyway.
	MaxChunks = 8
	// oneCookie is the number of chunks of a session that is not split: the
	// rest of the AuthKit family reads a single cookie.
	oneCookie = 0
)

const (
	notSession   = -2
	wholeSession = -1
)

// chunk tells which part of the session a cookie holds: wholeSession, the
// number of a chunk, or notSession.
func (c *Codec) chunk(name string) int {
	rest, ok := strings.CutPrefix(name, c.sessionName)
	switch {
	case !ok:
		return notSession
	case rest == "":
		return wholeSession
	case len(rest) == 2 && rest[0] == '.' && '0' <= rest[1] && int(rest[1]-'0') < c.chunks:
		return int(rest[1] - '0')
	}
	return notSession
}

func (c *Codec) chunkName(index int) string { return fmt.Sprintf("%s.%d", c.sessionName, index) }

// holdsSession tells whether a cookie holds a session, or a part of one: ours,
// or one that is accepted of others.
func (c *Codec) holdsSession(name string) bool {
	return c.chunk(name) != notSession || slices.Contains(c.acceptedNames, name)
}

// SetSession writes a sealed session into as few cookies as it needs, and
// expires what a longer predecessor left in the browser, and others. It fails,
// and writes nothing, where the cookies that it may have are too few.
func (c *Codec) SetSession(h http.Header, r *http.Request, text string) error {
	if err := c.CheckSize(text); err != nil {
		return err
	}
	names, values := []string{c.sessionName}, []string{text}
	if len(c.sessionName)+len(text) > MaxSize {
		size := c.chunkSize()
		names, values = nil, nil
		for len(text) > 0 {
			n := min(size, len(text))
			names, values = append(names, c.chunkName(len(names))), append(values, text[:n])
			text = text[n:]
		}
	}
	c.expireSession(h, r)
	for i, name := range names {
		setCookie(h, c.cookie(name, values[i], c.maxAge, c.sameSite))
	}
	return nil
}

// CheckSize tells whether a sealed session fits into the cookies that it may
// have.
func (c *Codec) CheckSize(text string) error {
	if most := max(MaxSize-len(c.sessionName), c.chunks*c.chunkSize()); len(text) > most {
		return &TooLargeError{Size: len(text), Most: most}
	}
	return nil
}

// TooLargeError says that a sealed session does not fit into the cookies that
// it may have.
type TooLargeError struct {
	Size, Most int // in bytes
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%d bytes sealed, at most %d fit", e.Size, e.Most)
}

func (c *Codec) chunkSize() int { return MaxSize - len(c.chunkName(0)) }

// ClearSession expires the session's cookies.
func (c *Codec) ClearSession(h http.Header, r *http.Request) {
	c.expireSession(h, r)
	setCookie(h, c.expired(c.sessionName))
}

// expireSession expires each part of a session that the request brought, and
// takes back each part that this response was about to set: the middleware may
// have renewed the session that a sign-in replaces or a logout ends.
func (c *Codec) expireSession(h http.Header, r *http.Request) {
	c.RemoveSession(h)
	for _, name := range c.sessionNames(r.Header, 1) {
		setCookie(h, c.expired(name))
	}
}

// SessionNames are the names of the session cookies that a request brings, each
// once.
func (c *Codec) SessionNames(h http.Header) []string { return c.sessionNames(h, 1) }

// sessionNames are the names of session cookies that a request brings so many
// times at least, each once. There are few: ours whole, its chunks, and those
// that are accepted of others.
func (c *Codec) sessionNames(h http.Header, times int) (names []string) {
	counts := map[string]int{}
	for name := range All(h) {
		if !c.holdsSession(name) {
			continue
		}
		if counts[name]++; counts[name] == times {
			names = append(names, name)
		}
	}
	return names
}

// RemoveSession drops what a response was about to set of a session.
func (c *Codec) RemoveSession(h http.Header) {
	h["Set-Cookie"] = slices.DeleteFunc(h["Set-Cookie"], c.isSessionLine)
}

// RemoveSessionValue drops what a response was about to set of a session if that is a
// certain one, and reports whether it was. No text stands for none.
func (c *Codec) RemoveSessionValue(h http.Header, text string) bool {
	var values []string
	for _, line := range h["Set-Cookie"] {
		if !c.isSessionLine(line) {
			continue
		}
		if cookie, err := http.ParseSetCookie(line); err == nil && c.chunk(cookie.Name) != notSession {
			values = append(values, cookie.Value)
		}
	}
	if strings.Join(values, "") != text || text == "" && len(values) > 0 {
		return false
	}
	c.RemoveSession(h)
	return true
}

// SetsSession reports whether a response says something of the session's cookies.
func (c *Codec) SetsSession(h http.Header) bool {
	return slices.ContainsFunc(h["Set-Cookie"], c.isSessionLine)
}

// isSessionLine reports whether a Set-Cookie line sets or expires a part of a
// session, in the form that this configuration uses. The expiry of another form
// is no word about the session.
func (c *Codec) isSessionLine(line string) bool {
	if !c.holdsSession(cookieName(line)) {
		return false
	}
	domain, path := cookieForm(line)
	return strings.EqualFold(domain, strings.TrimPrefix(c.domain, ".")) && path == "/"
}

// StateName is the name of the cookie of one sign-in, so that two tabs keep
// two of them. It gives nothing of the state away.
func (c *Codec) StateName(state string) string { return c.statePrefix + nameHash(12, state) }

// nameHash is a part of a cookie's name: that many octets of a hash of parts.
func nameHash(octets int, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return base64.RawURLEncoding.EncodeToString(sum[:octets])
}

// SetState keeps a sealed sign-in under way. It is Lax even where the session
// is Strict: the way back from AuthKit is a navigation from another site.
func (c *Codec) SetState(h http.Header, name, text string, maxAge time.Duration) {
	setCookie(h, c.cookie(name, text, maxAge, c.laxAtLeast()))
}

// SetStep keeps what the next step of a sign-in needs.
func (c *Codec) SetStep(h http.Header, text string) {
	setCookie(h, c.cookie(c.stepName, text, StepLifetime, c.laxAtLeast()))
}

// SetRestart marks that a callback without a state started a sign-in.
func (c *Codec) SetRestart(h http.Header) {
	setCookie(h, c.cookie(c.restartName, "1", restartLifetime, c.laxAtLeast()))
}

func (c *Codec) laxAtLeast() http.SameSite {
	if c.sameSite == http.SameSiteNoneMode {
		return http.SameSiteNoneMode
	}
	return http.SameSiteLaxMode
}

// Expire expires a cookie.
func (c *Codec) Expire(h http.Header, name string) {
	setCookie(h, c.expired(name))
}

// IsStateName reports whether a cookie is that of a sign-in under way.
func (c *Codec) IsStateName(name string) bool { return strings.HasPrefix(name, c.statePrefix) }

// SetsOwned reports whether a Set-Cookie line is about a cookie of this application.
func (c *Codec) SetsOwned(line string) bool {
	name := cookieName(line)
	return c.holdsSession(name) || c.IsStateName(name) ||
		name == c.restartName || name == c.stepName || name == c.conflictName
}

func (c *Codec) cookie(name, value string, maxAge time.Duration, sameSite http.SameSite) *http.Cookie {
	return &http.Cookie{
		Name:     name,
		Value:    value,
		Path:     "/",
		Domain:   c.domain,
		MaxAge:   int(maxAge / time.Second),
		Secure:   c.secure,
		HttpOnly: true,
		SameSite: sameSite,
	}
}

// expired repeats the attributes, without which browsers ignore a deletion.
func (c *Codec) expired(name string) *http.Cookie {
	sameSite := c.sameSite
	if !c.holdsSession(name) {
		sameSite = c.laxAtLeast()
	}
	gone := c.cookie(name, "", 0, sameSite)
	gone.MaxAge = -1 // written as Max-Age=0
	return gone
}

// setCookie adds a Set-Cookie, in place of any that the response already has
// for the same name, Domain and Path, which together are one cookie (RFC 6265,
// sections 4.1.1 and 5.3): the last writer wins.
func setCookie(h http.Header, cookie *http.Cookie) {
	line := cookie.String()
	domain, path := cookieForm(line)
	kept := h["Set-Cookie"][:0:0]
	for _, before := range h["Set-Cookie"] {
		if cookieName(before) == cookie.Name {
			if d, p := cookieForm(before); d == domain && p == path {
				continue
			}
		}
		kept = append(kept, before)
	}
	h["Set-Cookie"] = append(kept, line)
}

// cookieName is the name in a Set-Cookie line.
func cookieName(line string) string {
	name, _, _ := strings.Cut(line, "=")
	return strings.TrimSpace(name)
}

// cookieForm is the Domain, without a leading dot, and the Path of a Set-Cookie
// line, each empty where the line does not give it.
func cookieForm(line string) (domain, path string) {
	_, attributes, _ := strings.Cut(line, ";")
	for attribute := range strings.SplitSeq(attributes, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(attribute), "=")
		switch {
		case strings.EqualFold(name, "Domain"):
			domain = strings.TrimPrefix(value, ".")
		case strings.EqualFold(name, "Path"):
			path = value
		}
	}
	return domain, path
}

// Has tells whether a request brings a cookie of a name.
func Has(h http.Header, name string) bool {
	for cookie := range All(h) {
		if cookie == name {
			return true
		}
	}
	return false
}

// First yields the values of the first cookies of a name, maxSameName of them
// at most.
func First(h http.Header, name string) iter.Seq[string] {
	return func(yield func(value string) bool) {
		tries := 0
		for cookie, value := range All(h) {
			if cookie != name {
				continue
			}
			if tries++; tries > maxSameName || !yield(value) {
				return
			}
		}
	}
}

// maxCookieHeader bounds how much of a request's cookies is looked at. Servers
// and proxies refuse much less; net/http alone takes a megabyte.
const maxCookieHeader = 128 << 10

// All yields the name and value of each cookie of a request, as
// they came. Unlike http.Request.Cookies it makes nothing of them but strings
// that share the header's memory.
func All(h http.Header) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		room := maxCookieHeader
		for _, line := range h["Cookie"] {
			if len(line) > room {
				line = line[:strings.LastIndexByte(line[:room], ';')+1]
			}
			room -= len(line)
			for len(line) > 0 {
				var pair string
				pair, line, _ = strings.Cut(line, ";")
				name, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
				if ok && !yield(name, value) {
					return
				}
			}
		}
	}
}

// restartLifetime is how long a callback without a state is remembered, so
// that it starts one sign-in and not a circle of them.
const restartLifetime = 2 * time.Minute

// HasPrefix compares as browsers compare the prefixes of cookie names
// (RFC 6265bis, section 4.1.3): in any letters.
func HasPrefix(name, prefix string) bool {
	return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
}

// The cookie names of the AuthKit family: its own format, and ours.
const (
	SharedName        = "wos-session"
	sessionCookieName = "authkit-session"
	HostPrefix        = "__Host-"
	SecurePrefix      = "__Secure-"

	stateCookiePrefix    = "authkit-state-"
	restartCookiePrefix  = "authkit-restart-"
	stepCookiePrefix     = "authkit-flow-"
	conflictCookiePrefix = "authkit-conflict-"
)

// MaxLifetime is the most that browsers grant (RFC 6265bis, section 5.5).
const MaxLifetime = 400 * 24 * time.Hour

// otherDomains are the domains that another form of the cookie may have, "" for
// none, the likeliest first. They come from the configuration, never from a
// request.
func otherDomains(host, domain string) []string {
	var domains []string
	if strings.Contains(host, ".") && net.ParseIP(host) == nil {
		domains = domainsOf(host)
	}
	domains = append(domains, "")
	if own := strings.ToLower(strings.TrimPrefix(domain, ".")); own != "" && !slices.Contains(domains, own) {
		domains = append(domains, own)
	}
	return domains
}

// IsReserved reports whether a name could be that of a cookie of a sign-in
// under way, or of something close to it.
func IsReserved(name string) bool {
	for _, prefix := range []string{stateCookiePrefix, restartCookiePrefix, stepCookiePrefix, conflictCookiePrefix} {
		if strings.Contains(name+"-", prefix) {
			return true
		}
	}
	return false
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

// StepLifetime is how long a person may take from one step to the next.
const StepLifetime = 10 * time.Minute

// RemoveExpiry drops what a response was about to expire of a session, unless
// the response sets one.
func (c *Codec) RemoveExpiry(h http.Header) {
	for _, line := range h["Set-Cookie"] {
		if !c.holdsSession(cookieName(line)) {
			continue
		}
		if cookie, err := http.ParseSetCookie(line); err != nil || cookie.Value != "" {
			return
		}
	}
	c.RemoveSession(h)
}

const (
	// maxSameName bounds the values that are tried of a cookie whose name came
	// more than once.
	maxSameName = 16
)
