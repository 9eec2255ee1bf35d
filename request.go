// Properties of a request: its bearer token, and whether it is a navigation, a prefetch or an upgrade.

package authkit

import (
	"net/http"
	"strings"
)

// bearerToken returns the token of the Authorization header (RFC 6750, section
// 2.1), and whether the header has the Bearer scheme, in upper or lower case (RFC
// 9110, section 11.1). If there are several Authorization headers, the token is
// "": it is not clear which one counts.
func bearerToken(r *http.Request) (token string, ok bool) {
	lines := r.Header.Values("Authorization")
	if len(lines) == 0 {
		return "", false
	}
	scheme, token, _ := strings.Cut(lines[0], " ")
	if len(lines) > 1 {
		token = ""
	}
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
}

// isAPIKey reports whether a bearer token is an API key. Otherwise it is an access
// token.
func isAPIKey(token string) bool { return strings.HasPrefix(token, "sk_") }

// loadsPage reports whether a browser loads a document, into a tab or into a frame.
// It shows the answer to a person and follows a redirect to any origin. Sec-Fetch-Dest
// says so (Fetch Metadata, https://www.w3.org/TR/fetch-metadata/). It is "empty" if a
// service worker passes a navigation on with fetch(event.request). Without the
// header, the request must accept HTML. A request of htmx loads no document.
func loadsPage(r *http.Request) bool {
	if isHTMX(r) {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "document", "iframe", "frame":
		return true
	case "empty":
		return r.Header.Get("Sec-Fetch-Mode") == "navigate"
	case "":
		return acceptsHTML(r)
	}
	return false
}

// wantsPage reports whether the answer to a request should be a page for a person. A
// browser loads a document, or a script requests HTML and no JSON. Such a script can
// be a service worker that repeats a navigation with other headers: the browser shows
// the answer, although Sec-Fetch-Mode is not navigate.
func wantsPage(r *http.Request) bool {
	return loadsPage(r) || r.Header.Get("Sec-Fetch-Dest") == "empty" && acceptsHTML(r) && !accepts(r, "json")
}

// isHTMX reports whether htmx sent the request, to replace a part of the page
// (https://htmx.org/docs/#request-headers).
func isHTMX(r *http.Request) bool { return r.Header.Get("HX-Request") == "true" }

// wantsData reports whether a program sent the request: a script that called fetch,
// or a client that accepts JSON and no HTML.
func wantsData(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Dest") == "empty" || accepts(r, "json") && !acceptsHTML(r)
}

func acceptsHTML(r *http.Request) bool { return accepts(r, "text/html") }

func accepts(r *http.Request, mediaType string) bool {
	for _, line := range r.Header.Values("Accept") {
		if strings.Contains(strings.ToLower(line), mediaType) {
			return true
		}
	}
	return false
}

// isNavigation reports whether a browser loads a page for a person, so that it can
// be redirected to sign-in. Browsers say so in Sec-Fetch-Mode and Sec-Fetch-Dest
// (Fetch Metadata, https://www.w3.org/TR/fetch-metadata/). Sec-Fetch-Dest is "empty"
// if a service worker passes the navigation on. Without these headers, a GET that
// accepts HTML is a navigation. A prefetch is not: no person sees it yet.
func isNavigation(r *http.Request) bool {
	if r.Method != http.MethodGet || isUpgrade(r) || isPrefetch(r) || isHTMX(r) {
		return false
	}
	mode, dest := r.Header.Get("Sec-Fetch-Mode"), r.Header.Get("Sec-Fetch-Dest")
	if mode != "" || dest != "" {
		return mode == "navigate" && (dest == "document" || dest == "empty")
	}
	return acceptsHTML(r)
}

// isPrefetch reports whether a browser requests a page before a person opens it.
// Browsers say so in Sec-Purpose
// (https://wicg.github.io/nav-speculation/prefetch.html), older ones in Purpose or
// X-Moz.
func isPrefetch(r *http.Request) bool {
	for _, name := range [...]string{"Sec-Purpose", "Purpose", "X-Moz"} {
		for _, value := range r.Header[name] {
			if strings.Contains(strings.ToLower(value), "prefetch") {
				return true
			}
		}
	}
	return false
}

// isUpgrade reports whether a request asks for another protocol, such as WebSocket
// (RFC 9110, section 7.8).
func isUpgrade(r *http.Request) bool {
	for _, line := range r.Header.Values("Connection") {
		for token := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(token), "upgrade") {
				return true
			}
		}
	}
	return false
}

// isCrossOrigin reports whether a page of another origin caused a request, as
// Sec-Fetch-Site says (Fetch Metadata, https://www.w3.org/TR/fetch-metadata/). A
// request without that header is not cross-origin.
func isCrossOrigin(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "cross-site" || site == "same-site"
}

// isFrame reports whether a browser loads a page into a frame of another page
// (Fetch Metadata, https://www.w3.org/TR/fetch-metadata/#sec-fetch-dest-header).
func isFrame(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "iframe", "frame", "object", "embed", "fencedframe":
		return true
	}
	return false
}
