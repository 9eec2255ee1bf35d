// What a browser adds to its requests: Fetch Metadata and Origin. Also the SameSite rules for cookies.

package authkittest

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// navigation is one navigation or fetch of a browser, with its redirects. It is in the context of the requests, because
// http.Client makes the requests for redirects itself.
type navigation struct {
	initiator *url.URL // the page that started it; nil without a referring page
	policy    string   // Referrer-Policy of that page
	fetch     bool     // fetch() of a script, not a navigation
	site      string   // Sec-Fetch-Site, the most distant one of the redirects so far
}

type navigationKey struct{}

func (n *navigation) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, navigationKey{}, n)
}

// transport sends requests as a browser does. A GET of Browser.Client counts as a navigation without a referring page.
// Any other method counts as a form on a page of the same origin. A request of Browser.Client that has Sec-Fetch-Mode is
// sent unchanged.
type transport struct {
	browser *Browser
	own     *http.Transport
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	n, stepped := r.Context().Value(navigationKey{}).(*navigation)
	if !stepped {
		n = &navigation{}
		if !safe(r.Method) {
			n.initiator = r.URL
		}
	}
	if stepped || r.Header.Get("Sec-Fetch-Mode") == "" {
		r = r.Clone(r.Context())
		n.setHeaders(r)
		t.dropSameSiteCookies(n, r)
	}
	if t.browser.Base != nil {
		return t.browser.Base.RoundTrip(r)
	}
	return t.own.RoundTrip(r)
}

// CloseIdleConnections closes the idle connections for http.Client.CloseIdleConnections.
func (t *transport) CloseIdleConnections() { t.own.CloseIdleConnections() }

// setHeaders sets the headers that only the browser can set: https://www.w3.org/TR/fetch-metadata/ and, for Origin,
// https://fetch.spec.whatwg.org/#append-a-request-origin-header.
func (n *navigation) setHeaders(r *http.Request) {
	n.site = farthest(n.site, fetchSite(n.initiator, r.URL))
	h := r.Header
	setDefault(h, "User-Agent", "Mozilla/5.0 (authkittest)") // authkit warns about a mistake in the set-up if a browser meets it
	h.Set("Sec-Fetch-Site", n.site)
	if n.fetch {
		h.Set("Sec-Fetch-Mode", "cors")
		h.Set("Sec-Fetch-Dest", "empty")
		setDefault(h, "Accept", "*/*")
	} else {
		h.Set("Sec-Fetch-Mode", "navigate")
		h.Set("Sec-Fetch-Dest", "document")
		h.Set("Sec-Fetch-User", "?1")
		setDefault(h, "Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	}
	h.Del("Origin") // http.Client copies it from the first request to redirects
	if safe(r.Method) {
		return
	}
	hidden := n.policy == "no-referrer" || n.policy == "same-origin" && n.site != "same-origin"
	if n.initiator == nil || hidden && !n.fetch {
		h.Set("Origin", "null")
	} else {
		h.Set("Origin", origin(n.initiator))
	}
}

// dropSameSiteCookies removes the cookies that SameSite forbids in a request from another site (RFC 6265bis section 5.8.3).
// Like today's browsers, it compares with the initiator and ignores redirects.
func (t *transport) dropSameSiteCookies(n *navigation, r *http.Request) {
	if fetchSite(n.initiator, r.URL) != "cross-site" {
		return
	}
	cookies := r.Cookies()
	r.Header.Del("Cookie")
	for _, c := range cookies {
		switch t.browser.jar.sameSite(r.URL, c.Name) {
		case http.SameSiteNoneMode:
		case http.SameSiteStrictMode:
			continue
		default:
			if n.fetch || !safe(r.Method) {
				continue
			}
		}
		r.AddCookie(c)
	}
}

// fetchSite returns the value of Sec-Fetch-Site for one request, without redirects.
func fetchSite(initiator, target *url.URL) string {
	switch {
	case initiator == nil:
		return "none"
	case origin(initiator) == origin(target):
		return "same-origin"
	case initiator.Scheme == target.Scheme && site(initiator.Hostname()) == site(target.Hostname()):
		return "same-site"
	}
	return "cross-site"
}

// farthest returns the more distant of two values of Sec-Fetch-Site.
func farthest(a, b string) string {
	for _, distance := range []string{"cross-site", "same-site", "same-origin"} {
		if a == distance || b == distance {
			return distance
		}
	}
	return b
}

// site returns the last two labels of a host. This approximates the registrable domain without a public suffix list.
func site(host string) string {
	labels := strings.Split(host, ".")
	if net.ParseIP(host) != nil || len(labels) < 2 {
		return host
	}
	return strings.Join(labels[len(labels)-2:], ".")
}

func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

func safe(method string) bool { return method == http.MethodGet || method == http.MethodHead }

func setDefault(h http.Header, name, value string) {
	if h.Get(name) == "" {
		h.Set(name, value)
	}
}
