// The cookies: their names, their attributes, their chunks.

package authkit

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// maxCookieSize is what browsers keep of one cookie, name and value
	// together (RFC 6265bis, section 5.6).
	maxCookieSize = 4096
	// maxChunks bounds a session to 32 KB, beyond which servers refuse the
	// request's header anyway.
	maxChunks = 8
	// oneCookie is the number of chunks of a session that is not split: the
	// rest of the AuthKit family reads a single cookie.
	oneCookie = 0
)

// cookies names this package's cookies and gives them their attributes.
type cookies struct {
	sessionName string
	// chunks is into how many cookies a session may be split: maxChunks or
	// oneCookie.
	chunks       int
	foreignNames []string // of sessions of others that are accepted
	statePrefix  string   // of the cookie of a sign-in under way
	restartName  string   // marks a callback without a state
	flowName     string   // of what a sign-in with forms of its own remembers
	domain       string
	heal         *domains // of the forms of a cookie that are not in use
	secure       bool
	sameSite     http.SameSite
	maxAge       time.Duration
}

func newCookies(c *config) cookies {
	prefix := ""
	if c.secure() && c.cookieDomain == "" {
		prefix = hostPrefix
	}
	jar := cookies{
		sessionName: c.cookieName,
		chunks:      maxChunks,
		statePrefix: prefix + stateCookiePrefix,
		restartName: prefix + restartCookieName,
		flowName:    prefix + flowCookieName,
		domain:      c.cookieDomain,
		secure:      c.secure(),
		sameSite:    c.sameSite,
		maxAge:      cookieLifetime,
	}
	jar.foreignNames = c.foreignNames
	if c.shared {
		jar.chunks = oneCookie
		jar.sessionName = cmp.Or(c.cookieName, familyCookieName)
	}
	if jar.sessionName == "" {
		jar.sessionName = prefix + sessionCookieName
	}
	if c.maxAgeSet {
		jar.maxAge = c.maxAge
	}
	jar.heal = &domains{all: []string{""}}
	if c.cookieDomain == "" {
		jar.heal.all = domainsOf(hostname(c.redirectURL))
	}
	return jar
}

// sessionCookie is the sealed session that a request brings, in as many parts
// as there were cookies. It has none where there is no session.
type sessionCookie struct {
	parts [maxChunks]string
	count int
}

// text is the parts joined.
func (s *sessionCookie) text() string {
	if s.count == 1 {
		return s.parts[0]
	}
	return strings.Join(s.parts[:s.count], "")
}

// is tells whether the parts joined are a text, without joining them.
func (s *sessionCookie) is(text string) bool {
	for _, part := range s.parts[:s.count] {
		rest, ok := strings.CutPrefix(text, part)
		if !ok {
			return false
		}
		text = rest
	}
	return text == ""
}

// session returns the sealed session of a request. Where chunks are missing, or
// a name came twice, there is none: what came cannot be told from what was
// planted.
func (c *cookies) session(h http.Header) (cookie sessionCookie) {
	var whole string
	count := 0 // chunks that came
	for name, value := range requestCookies(h) {
		slot := &whole
		switch index := c.chunk(name); index {
		case notSession:
			continue
		case wholeSession:
		default:
			slot = &cookie.parts[index]
			count++
		}
		if *slot != "" || value == "" {
			return sessionCookie{}
		}
		*slot = value
	}
	switch {
	case whole != "" && count > 0:
		return sessionCookie{}
	case whole != "":
		cookie.parts[0], count = whole, 1
	}
	for _, part := range cookie.parts[:count] {
		if part == "" {
			return sessionCookie{}
		}
	}
	cookie.count = count
	return cookie
}

const (
	notSession   = -2
	wholeSession = -1
)

// chunk tells which part of the session a cookie holds: wholeSession, the
// number of a chunk, or notSession.
func (c *cookies) chunk(name string) int {
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

func (c *cookies) chunkName(index int) string { return fmt.Sprintf("%s.%d", c.sessionName, index) }

// holdsSession tells whether a cookie holds a session, or a part of one: ours,
// or one that is accepted of others.
func (c *cookies) holdsSession(name string) bool {
	return c.chunk(name) != notSession || slices.Contains(c.foreignNames, name)
}

// setSession writes a sealed session into as few cookies as it needs, and
// expires what a longer predecessor left in the browser, and others. It fails,
// and writes nothing, where the cookies that it may have are too few.
func (c *cookies) setSession(h http.Header, r *http.Request, text string) error {
	if err := c.checkSize(text); err != nil {
		return err
	}
	names, values := []string{c.sessionName}, []string{text}
	if len(c.sessionName)+len(text) > maxCookieSize {
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

// checkSize tells whether a sealed session fits into the cookies that it may
// have.
func (c *cookies) checkSize(text string) error {
	if most := max(maxCookieSize-len(c.sessionName), c.chunks*c.chunkSize()); len(text) > most {
		return fmt.Errorf("%w: %d bytes sealed, at most %d fit", ErrSessionTooLarge, len(text), most)
	}
	return nil
}

func (c *cookies) chunkSize() int { return maxCookieSize - len(c.chunkName(0)) }

// clearSession expires the session's cookies.
func (c *cookies) clearSession(w http.ResponseWriter, r *http.Request) {
	c.expireSession(w.Header(), r)
	setCookie(w.Header(), c.expired(c.sessionName))
}

// expireSession expires each part of a session that the request brought, and
// takes back each part that this response was about to set: the middleware may
// have renewed the session that a sign-in replaces or a logout ends.
func (c *cookies) expireSession(h http.Header, r *http.Request) {
	c.takeBackSession(h)
	for name := range requestCookies(r.Header) {
		if c.holdsSession(name) {
			setCookie(h, c.expired(name))
		}
	}
}

// takeBackSession drops what a response was about to set of a session.
func (c *cookies) takeBackSession(h http.Header) {
	h["Set-Cookie"] = slices.DeleteFunc(h["Set-Cookie"], func(line string) bool {
		return c.holdsSession(cookieName(line))
	})
}

// takeBack drops what a response was about to set of a session if that is a
// certain one, and tells whether it was. No text stands for none.
func (c *cookies) takeBack(h http.Header, text string) bool {
	var values []string
	for _, line := range h["Set-Cookie"] {
		if cookie, err := http.ParseSetCookie(line); err == nil && c.chunk(cookie.Name) != notSession {
			values = append(values, cookie.Value)
		}
	}
	if strings.Join(values, "") != text || text == "" && len(values) > 0 {
		return false
	}
	c.takeBackSession(h)
	return true
}

// setsSession tells whether a response says something of the session's cookies.
func (c *cookies) setsSession(h http.Header) bool {
	return slices.ContainsFunc(h["Set-Cookie"], func(line string) bool { return c.holdsSession(cookieName(line)) })
}

// healDuplicates expires a form of the session cookie that this configuration
// does not use, where the browser sent a name twice: once with a Domain and
// once without, as a change of [WithCookieDomain] leaves it. The form in use is
// replaced when the sign-in ends, in a response of its own. Which Domain it was
// cannot be seen, and a response may set a name once only, so that each sign-in
// tries another.
func (c *cookies) healDuplicates(w http.ResponseWriter, r *http.Request) {
	seen := map[string]bool{}
	domain := ""
	for name := range requestCookies(r.Header) {
		if c.chunk(name) == notSession {
			continue
		}
		if seen[name] {
			if domain == "" {
				domain = c.heal.next()
			}
			other := c.expired(name)
			other.Domain = domain
			setCookie(w.Header(), other)
		}
		seen[name] = true
	}
}

// domains are tried in turn.
type domains struct {
	all   []string
	tried atomic.Uint64
}

func (d *domains) next() string { return d.all[(d.tried.Add(1)-1)%uint64(len(d.all))] }

// domainsOf are the domains that a host may have shared its cookies through,
// the most likely first: those above it short of the top level, and its own.
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

// stateName is the name of the cookie of one sign-in, so that two tabs keep
// two of them. It gives nothing of the state away.
func (c *cookies) stateName(state string) string {
	sum := sha256.Sum256([]byte(state))
	return c.statePrefix + base64.RawURLEncoding.EncodeToString(sum[:12])
}

// setState keeps a sealed sign-in under way. It is Lax even where the session
// is Strict: the way back from AuthKit is a navigation from another site.
func (c *cookies) setState(w http.ResponseWriter, state, text string) {
	setCookie(w.Header(), c.cookie(c.stateName(state), text, signInLifetime, c.laxAtLeast()))
}

// setFlow keeps what the next step of a sign-in needs.
func (c *cookies) setFlow(w http.ResponseWriter, text string) {
	setCookie(w.Header(), c.cookie(c.flowName, text, flowLifetime, c.laxAtLeast()))
}

// setRestart marks that a callback without a state started a sign-in.
func (c *cookies) setRestart(w http.ResponseWriter) {
	setCookie(w.Header(), c.cookie(c.restartName, "1", restartLifetime, c.laxAtLeast()))
}

func (c *cookies) laxAtLeast() http.SameSite {
	if c.sameSite == http.SameSiteNoneMode {
		return http.SameSiteNoneMode
	}
	return http.SameSiteLaxMode
}

func (c *cookies) expire(w http.ResponseWriter, name string) {
	setCookie(w.Header(), c.expired(name))
}

// ours tells whether a cookie is one of this package's.
func (c *cookies) ours(name string) bool {
	return c.holdsSession(name) || strings.HasPrefix(name, c.statePrefix) || name == c.restartName || name == c.flowName
}

func (c *cookies) cookie(name, value string, maxAge time.Duration, sameSite http.SameSite) *http.Cookie {
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
func (c *cookies) expired(name string) *http.Cookie {
	sameSite := c.sameSite
	if !c.holdsSession(name) {
		sameSite = c.laxAtLeast()
	}
	gone := c.cookie(name, "", 0, sameSite)
	gone.MaxAge = -1 // written as Max-Age=0
	return gone
}

// setCookie adds a Set-Cookie, in place of any that the response already has
// for the same name (RFC 6265, section 4.1.1): the last writer wins.
func setCookie(h http.Header, cookie *http.Cookie) {
	kept := h["Set-Cookie"][:0:0]
	for _, line := range h["Set-Cookie"] {
		if cookieName(line) != cookie.Name {
			kept = append(kept, line)
		}
	}
	h["Set-Cookie"] = append(kept, cookie.String())
}

// cookieName is the name in a Set-Cookie line.
func cookieName(line string) string {
	name, _, _ := strings.Cut(line, "=")
	return strings.TrimSpace(name)
}

// single returns the value of a cookie that came once.
func single(h http.Header, name string) (value string, ok bool) {
	for cookie, v := range requestCookies(h) {
		if cookie != name {
			continue
		}
		if ok || v == "" {
			return "", false
		}
		value, ok = v, true
	}
	return value, ok
}

// sent tells whether a request brings a cookie of a name.
func sent(h http.Header, name string) bool {
	for cookie := range requestCookies(h) {
		if cookie == name {
			return true
		}
	}
	return false
}

// requestCookies yields the name and value of each cookie of a request, as
// they came. Unlike http.Request.Cookies it makes nothing of them but strings
// that share the header's memory.
func requestCookies(h http.Header) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for _, line := range h["Cookie"] {
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
