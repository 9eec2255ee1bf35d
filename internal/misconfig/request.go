// What a request tells about the browser, the page and the proxies behind it.

package misconfig

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// isBrowser reports whether a browser has sent a request. User-Agent of every browser
// begins so (https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/User-Agent).
// Programs that request paths by chance mostly have another one.
func isBrowser(r *http.Request) bool { return strings.HasPrefix(r.UserAgent(), "Mozilla/") }

// cameFromAuthKit reports whether a request can be a redirect of AuthKit, which is on
// another origin. Browsers send Sec-Fetch-Site over https and on loopback.
func cameFromAuthKit(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		return true
	case "":
		return r.Header.Get("Sec-Fetch-Mode") == "" && !isLoopback(hostOf(r.Host))
	}
	return false
}

// page returns the origin of the page that caused a request, as the browser tells it, if
// the request was sent to the same host and port. Otherwise it returns nil: a page of
// another origin links here, or a proxy has rewritten Host.
func page(r *http.Request) *url.URL {
	for _, name := range [...]string{"Origin", "Referer"} {
		u, err := url.Parse(r.Header.Get(name))
		if err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host) {
			return u
		}
	}
	return nil
}

// isEncrypted reports whether a request came over TLS to this process or to a proxy.
func isEncrypted(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	for _, name := range [...]string{"X-Forwarded-Proto", "X-Forwarded-Scheme", "X-Forwarded-Protocol", "X-Url-Scheme", "Cloudfront-Forwarded-Proto", "Cf-Visitor", "Forwarded"} {
		for _, line := range r.Header[name] {
			if strings.Contains(strings.ToLower(line), "https") {
				return true
			}
		}
	}
	return strings.EqualFold(r.Header.Get("X-Forwarded-Ssl"), "on") || strings.EqualFold(r.Header.Get("Front-End-Https"), "on")
}

// isProxied reports whether a proxy says that it has passed a request on.
func isProxied(r *http.Request) bool {
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Forwarded-") || name == "Forwarded" || name == "Via" || name == "X-Real-Ip" {
			return true
		}
	}
	return false
}

// hasFetchMetadata reports whether a browser sent Sec-Fetch-Site. It does so only over
// https and on loopback (https://www.w3.org/TR/fetch-metadata/).
func hasFetchMetadata(r *http.Request) bool { return r.Header.Get("Sec-Fetch-Site") != "" }

// inAFrame reports whether a browser loads a page into a frame.
func inAFrame(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "iframe", "frame", "fencedframe", "embed", "object":
		return true
	}
	return false
}

// listeningPort returns the port at which the server has accepted a request, or "".
func listeningPort(r *http.Request) string {
	address, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return ""
	}
	_, port, err := net.SplitHostPort(address.String())
	if err != nil {
		return ""
	}
	return port
}

// hostOf returns the host name of a Host header in lower case, without port and
// trailing dot.
func hostOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
}

// portOf returns the port of a URL, or that of its scheme.
func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case strings.EqualFold(u.Scheme, "https"):
		return "443"
	}
	return "80"
}

// isLoopback reports whether a host name is this machine (RFC 6761, section 6.3).
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// covers reports whether a cookie with this Domain is sent to a host (RFC 6265, section
// 5.1.3).
func covers(domain, host string) bool {
	domain = strings.ToLower(strings.TrimPrefix(domain, "."))
	return host == domain || strings.HasSuffix(host, "."+domain) && net.ParseIP(host) == nil
}

// areNeighbours reports whether two hosts are in one domain of at least two labels.
func areNeighbours(a, b string) bool {
	if net.ParseIP(a) != nil || net.ParseIP(b) != nil {
		return false
	}
	for domain := a; strings.Contains(domain, "."); {
		if covers(domain, b) {
			return true
		}
		_, domain, _ = strings.Cut(domain, ".")
	}
	return false
}

// maxQuoted bounds how many bytes of a host name are logged.
const maxQuoted = 64

// quoted returns a host of a request for the log. Bytes that no host has become "?".
func quoted(host string) string {
	return strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune(".-_:[]", c) {
			return c
		}
		return '?'
	}, host[:min(len(host), maxQuoted)])
}
