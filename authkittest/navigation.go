// What a browser adds to a request of its own accord: Fetch Metadata, Origin, and the SameSite rules for cookies.

package authkittest

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// navigation is one step of a browser, redirects included. It travels in the context of its requests, because a
// redirect is a request that the http.Client makes.
type navigation struct {
	initiator *url.URL // the page that caused it; nil when the address was typed
	policy    string   // that page's Referrer-Policy
	fetch     bool     // a script's fetch() rather than a navigation
	site      string   // the farthest Sec-Fetch-Site of the redirects so far
}

type navigationKey struct{}

func (n *navigation) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, navigationKey{}, n)
}

// transport sends requests as a browser does. A plain GET of its http.Client counts as an address typed in, any other
// method as a form on a page of the same origin. A request that says its own Sec-Fetch-Mode is sent as it is.
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

// CloseIdleConnections lets http.Client.CloseIdleConnections reach the connections.
func (t *transport) CloseIdleConnections() { t.own.CloseIdleConnections() }

// describe sets the headers that scripts and servers cannot: https://www.w3.org/TR/fetch-metadata/ and, for Origin,
// https://fetch.spec.whatwg.org/#append-a-request-origin-header.
func (n *navigation) setHeaders(r *http.Request) {
	n.site = farthest(n.site, fetchSite(n.initiator, r.URL))
	h := r.Header
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
	h.Del("Origin") // a redirect inherits the one of the first request
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

// withhold takes out the cookies that SameSite keeps from a request that another site has caused (RFC 6265bis section
// 5.8.3). Like browsers today it looks at who began, not at the redirects in between.
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

// relation is the value of Sec-Fetch-Site for one hop.
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

// farther picks the value of Sec-Fetch-Site that tells of the greater distance.
func farthest(a, b string) string {
	for _, distance := range []string{"cross-site", "same-site", "same-origin"} {
		if a == distance || b == distance {
			return distance
		}
	}
	return b
}

// site approximates the registrable domain by the last two labels; there is no public suffix list in here.
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
