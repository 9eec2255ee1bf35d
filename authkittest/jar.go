// A cookie jar with the limits of browsers.

package authkittest

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// The limits of Chromium. The first is in RFC 6265bis section 5.7. Section 6.1 requires at least 50 cookies per domain.
const (
	maxCookie         = 4096 // octets of name and value together
	maxCookiesPerHost = 180
)

// jar is a cookiejar.Jar that rejects cookies which browsers reject, and records SameSite, which cookiejar does not return.
type jar struct {
	stored *cookiejar.Jar

	mu      sync.Mutex
	cookies []jarCookie // oldest first
}

// jarCookie identifies a stored cookie, with its SameSite attribute.
type jarCookie struct {
	host, name, domain, path string
	sameSite                 http.SameSite
}

func newJar() *jar {
	stored, _ := cookiejar.New(nil) // the error is always nil
	return &jar{stored: stored}
}

// Cookies implements http.CookieJar.
func (j *jar) Cookies(u *url.URL) []*http.Cookie { return j.stored.Cookies(u) }

// SetCookies implements http.CookieJar.
func (j *jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range cookies {
		if storable(u, c) {
			j.stored.SetCookies(u, []*http.Cookie{c})
			j.record(u, c)
		}
	}
}

// storable reports whether a browser stores the cookie. A rejected cookie does not replace an older one of the same name.
func storable(u *url.URL, c *http.Cookie) bool {
	switch {
	case len(c.Name)+len(c.Value) > maxCookie:
		return false
	case strings.HasPrefix(c.Name, "__Host-"):
		return c.Secure && u.Scheme == "https" && c.Domain == "" && c.Path == "/"
	case strings.HasPrefix(c.Name, "__Secure-"):
		return c.Secure && u.Scheme == "https"
	}
	return true
}

// record adds the cookie to j.cookies. If the host then has too many cookies, it removes the oldest one.
func (j *jar) record(u *url.URL, c *http.Cookie) {
	set := jarCookie{host: u.Hostname(), name: c.Name, domain: c.Domain, path: cookiePath(u, c), sameSite: c.SameSite}
	j.cookies = slices.DeleteFunc(j.cookies, func(old jarCookie) bool {
		old.sameSite = set.sameSite
		return old == set
	})
	if c.MaxAge < 0 || c.MaxAge == 0 && !c.Expires.IsZero() && c.Expires.Before(time.Now()) { // the same rule as in cookiejar
		return
	}
	j.cookies = append(j.cookies, set)
	ofHost := func(c jarCookie) bool { return c.host == set.host }
	count := 0
	for _, c := range j.cookies {
		if ofHost(c) {
			count++
		}
	}
	if count > maxCookiesPerHost {
		i := slices.IndexFunc(j.cookies, ofHost)
		old := j.cookies[i]
		j.cookies = slices.Delete(j.cookies, i, i+1)
		j.stored.SetCookies(u, []*http.Cookie{{Name: old.name, Domain: old.domain, Path: old.path, MaxAge: -1}})
	}
}

// cookiePath returns the path of a cookie, or the default path if it has none (RFC 6265 section 5.1.4).
func cookiePath(u *url.URL, c *http.Cookie) string {
	if strings.HasPrefix(c.Path, "/") {
		return c.Path
	}
	if i := strings.LastIndexByte(u.Path, '/'); i > 0 {
		return u.Path[:i]
	}
	return "/"
}

// sameSite returns the SameSite attribute of the cookie that is sent to u under this name. Browsers treat a missing attribute
// as Lax.
func (j *jar) sameSite(u *url.URL, name string) http.SameSite {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range slices.Backward(j.cookies) {
		domain := strings.TrimPrefix(c.domain, ".")
		if c.name == name && (c.host == u.Hostname() || domain != "" && strings.HasSuffix("."+u.Hostname(), "."+domain)) {
			return c.sameSite
		}
	}
	return http.SameSiteLaxMode
}
