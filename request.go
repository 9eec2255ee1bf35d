// What a request says of itself.

package authkit

import (
	"net/http"
	"strings"
)

// bearerToken is the token of an Authorization header (RFC 6750, section 2.1),
// and whether the header says that there is one. The scheme is in any letters
// (RFC 9110, section 11.1). Of several headers none is believed.
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

// isAPIKey tells an API key from an access token.
func isAPIKey(token string) bool { return strings.HasPrefix(token, "sk_") }

// wantsPage tells a person from a program: a browser that loads a document
// says so (Fetch Metadata, Sec-Fetch-Dest); where nothing is said of that,
// whoever accepts HTML gets HTML.
func wantsPage(r *http.Request) bool {
	if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" {
		return dest == "document" || dest == "iframe" || dest == "frame"
	}
	return acceptsHTML(r)
}

// wantsData tells that a program is asking: a script's fetch, or whoever
// accepts JSON and no HTML.
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

// isNavigation tells whether a browser is loading a page for a person to see,
// so that sending it elsewhere makes sense. Browsers say so (Fetch Metadata,
// https://www.w3.org/TR/fetch-metadata/); of those that do not, a GET that
// accepts HTML is taken for one. A prefetch is for nobody to see yet.
func isNavigation(r *http.Request) bool {
	if r.Method != http.MethodGet || isUpgrade(r) || isPrefetch(r) {
		return false
	}
	mode, dest := r.Header.Get("Sec-Fetch-Mode"), r.Header.Get("Sec-Fetch-Dest")
	if mode != "" || dest != "" {
		return mode == "navigate" && dest == "document"
	}
	return acceptsHTML(r)
}

// isPrefetch reports whether a browser asks for a page before a person opens it:
// by Sec-Purpose (https://wicg.github.io/nav-speculation/prefetch.html), or
// by the headers of older browsers.
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

// isUpgrade tells whether a request asks to leave HTTP (RFC 9110, section 7.8).
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

// isCrossOrigin reports whether a page of another origin has caused a request
// (Fetch Metadata, https://www.w3.org/TR/fetch-metadata/). A browser that does
// not say counts as this site's own.
func isCrossOrigin(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "cross-site" || site == "same-site"
}

// isFrame reports whether a browser loads a page into another one (Fetch
// Metadata, https://www.w3.org/TR/fetch-metadata/#sec-fetch-dest-header).
func isFrame(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "iframe", "frame", "object", "embed", "fencedframe":
		return true
	}
	return false
}
