// Set-Cookie lines of a response.

package cookie

import (
	"net/http"
	"time"
)

const (
	// MaxSize is the size, name and value together, up to which browsers accept a
	// cookie (RFC 6265bis, section 5.6).
	MaxSize = 4096
	// MaxLifetime is the longest lifetime that browsers give a cookie (RFC
	// 6265bis, section 5.5).
	MaxLifetime = 400 * 24 * time.Hour
)

// Expire adds a Set-Cookie line that deletes a cookie.
func (c *Codec) Expire(h http.Header, name string) { setCookie(h, c.expired(name)) }

// SetsOwned reports whether a Set-Cookie line sets or deletes a cookie of this
// package.
func (c *Codec) SetsOwned(line string) bool { return c.isOwnedName(lineName(line)) }

func (c *Codec) cookie(name, value string, maxAge time.Duration, sameSite http.SameSite) *http.Cookie {
	return &http.Cookie{
		Name:        name,
		Value:       value,
		Path:        "/",
		Domain:      c.domain,
		MaxAge:      int(maxAge / time.Second),
		Secure:      c.secure,
		Partitioned: c.partitioned,
		HttpOnly:    true,
		SameSite:    sameSite,
	}
}

// expired returns a cookie that deletes the one of its name. It repeats the
// attributes, because browsers ignore a deletion with others.
func (c *Codec) expired(name string) *http.Cookie {
	sameSite := c.sameSite
	if !c.isSessionName(name) {
		sameSite = c.signInSameSite()
	}
	cookie := c.cookie(name, "", 0, sameSite)
	cookie.MaxAge = -1 // written as Max-Age=0
	return cookie
}

// expiredForms returns the cookies that delete all cookies of a name, with a Domain
// and a Path. If the application's cookies are partitioned, there are two: a cookie
// without the attribute may be of a time before the application used it, or may be
// planted. That one is first. A browser that does not know the attribute takes both
// for one cookie, and a cookie that the response sets later must remain.
func (c *Codec) expiredForms(name, domain, path string) []*http.Cookie {
	expired := c.expired(name)
	expired.Domain, expired.Path = domain, path
	if !c.partitioned {
		return []*http.Cookie{expired}
	}
	plain := *expired
	plain.Partitioned = false
	return []*http.Cookie{&plain, expired}
}

// setCookie adds a Set-Cookie line. It replaces a line of the same name, Domain,
// Path and partition: a response should not hold two lines for one cookie (RFC 6265,
// section 4.1.1).
func setCookie(h http.Header, cookie *http.Cookie) {
	line := cookie.String()
	others := h["Set-Cookie"][:0:0]
	for _, before := range h["Set-Cookie"] {
		if !replaces(line, before) {
			others = append(others, before)
		}
	}
	h["Set-Cookie"] = append(others, line)
}

// replaces reports whether a Set-Cookie line is for the same cookie as the one before.
func replaces(line, before string) bool {
	return lineName(line) == lineName(before) && identityOf(line) == identityOf(before)
}

// headerSize returns how many bytes a header takes on the wire.
func headerSize(h http.Header) (size int) {
	for name, values := range h {
		for _, value := range values {
			size += len(name) + len(": \r\n") + len(value)
		}
	}
	return size
}
