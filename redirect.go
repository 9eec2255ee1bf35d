// Redirects: which return paths are accepted, and links to a sign-in.

package authkit

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxReturnPath is the most bytes of a return path. The cookie of a sign-in holds
// it.
const maxReturnPath = 2 << 10

// SanitizeReturnPath returns the page to return to after a sign-in. That is target
// itself if it is a path on this origin, with query and fragment, of at most 2 KB. It
// is the URL of a page of another origin if [WithReturnOrigins] names that origin.
// Otherwise it is the root of this application: "/", or the path of [WithBasePath] with
// a slash. Login and the guards call it themselves. It is for the application's own
// forms that have a return_to field. A target is a path as browsers see it, so that of
// [WithBasePath] is a part of it.
//
// Browsers take more paths for another origin than the ones that begin with "//".
// They read "\" as "/", and they drop tabs and line breaks before parsing
// (https://url.spec.whatwg.org/#concept-basic-url-parser). A proxy or a router may
// decode a path once more, remove its dot segments and redirect to the result. So a
// path is refused if it contains a backslash or a control character, or if it begins
// with two slashes, as it is or after any number of such steps. Everything else is
// returned unchanged, such as an encoded URL, an empty segment or "%5C" in a path. The
// query and the fragment may contain anything except control characters. The same holds
// for the rest of a path below [WithBasePath], which the proxy passes on.
func (a *AuthKit) SanitizeReturnPath(target string) string {
	if strings.HasPrefix(target, "/") {
		return a.localPathOrRoot(target)
	}
	return a.pageOfReturnOrigin(target)
}

// root returns the root of this application as browsers see it.
func (a *AuthKit) root() string { return a.basePath + "/" }

// localPathOrRoot returns target if it is a path on this origin, and the root of this
// application otherwise.
func (a *AuthKit) localPathOrRoot(target string) string {
	if localPath(target) != target {
		return a.root()
	}
	if below, ok := strings.CutPrefix(fullyDecoded(withoutQueryOf(target)), a.basePath+"/"); ok && mayBeginWithHost("/"+below) {
		return a.root() // a proxy removes the base path, and the router behind it sees the rest
	}
	return target
}

// pageOfReturnOrigin returns the URL of a page of one of the origins that
// [WithReturnOrigins] names, or the root of this application if target is not such a URL. Scheme, host and port
// of the result come from the configuration. Path, query and fragment must be
// acceptable as a return path on this origin.
func (a *AuthKit) pageOfReturnOrigin(target string) string {
	if len(a.returnOrigins) == 0 || len(target) > maxReturnPath {
		return a.root()
	}
	u, err := url.Parse(target)
	if err != nil || u.User != nil {
		return a.root()
	}
	i := slices.Index(a.returnOrigins, originOf(target))
	page := pathOf(u)
	if i < 0 || page != localPath(page) {
		return a.root()
	}
	if page = a.returnOrigins[i] + page; len(page) > maxReturnPath {
		return a.root() // url.Parse has encoded characters of the target
	}
	return page
}

// pathOf returns path, query and fragment of a URL, in the encoding of the URL.
func pathOf(u *url.URL) string {
	target := u.RequestURI() // "/" for an empty path
	if u.Fragment != "" {
		target += "#" + u.EscapedFragment()
	}
	return target
}

// rootOf returns the root of the application or of the other origin that a return path
// leads to.
func (a *AuthKit) rootOf(target string) string {
	if strings.HasPrefix(target, "/") {
		return a.root()
	}
	return originOf(target) + "/"
}

// originOf returns the origin of a URL as browsers write it in the Origin header
// (RFC 6454, section 6.2): in lower case and without the scheme's default port. It
// returns "" for a URL without a host.
func originOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return ""
	}
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}

// originsOf returns the origins of URLs, as [originOf] does.
func originsOf(urls []string) (origins []string) {
	for _, raw := range urls {
		origins = append(origins, originOf(raw))
	}
	return origins
}

// localPath returns target if it is a path on this origin, and "/" otherwise, as
// [AuthKit.SanitizeReturnPath] documents.
func localPath(target string) string {
	if len(target) > maxReturnPath || !strings.HasPrefix(target, "/") || hasControl(target) {
		return "/"
	}
	path := withoutQueryOf(target)
	if _, err := url.PathUnescape(path); err != nil || strings.Contains(path, `\`) {
		return "/"
	}
	if mayBeginWithHost(fullyDecoded(path)) {
		return "/"
	}
	return target
}

// withoutQueryOf returns the path of a target: without query and fragment.
func withoutQueryOf(target string) string {
	if i := strings.IndexAny(target, "?#"); i >= 0 {
		return target[:i]
	}
	return target
}

// mayBeginWithHost reports whether a browser may take the first segment of a path for a
// host. It does so if an empty segment comes first. An empty segment also comes first if
// all segments before it are removed: that is so only if a dot segment is directly before
// it ("/a/..//evil.example").
func mayBeginWithHost(path string) bool {
	path = strings.Map(func(r rune) rune {
		switch {
		case r == '\\':
			return '/'
		case r < 0x20, r == 0x7f:
			return -1
		}
		return r
	}, path)
	previous := "."
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if segment == "" && (previous == "." || previous == "..") && path != "/" {
			return true
		}
		previous = segment
	}
	return false
}

// fullyDecoded removes every layer of percent-encoding, in one pass. A "%" that begins no
// encoding stays, as in lenient decoders. The result is enough to check: a slash, a dot
// or a control character that one decoding uncovers is not changed by further ones.
func fullyDecoded(s string) string {
	decoded := make([]byte, 0, len(s))
	for i := range len(s) {
		decoded = append(decoded, s[i])
		for n := len(decoded); n >= 3 && decoded[n-3] == '%'; n = len(decoded) {
			octet, err := strconv.ParseUint(string(decoded[n-2:]), 16, 8)
			if err != nil {
				break
			}
			decoded = append(decoded[:n-3], byte(octet)) // it may complete an outer layer
		}
	}
	return string(decoded)
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// requestTarget returns the page that a request asked for, as browsers see it. It
// returns the root of this application if that is not a path on this origin. The page
// comes from the request line, which http.StripPrefix does not change. A proxy has
// removed the path of [WithBasePath] from it.
func (a *AuthKit) requestTarget(r *http.Request) string {
	if !strings.HasPrefix(r.RequestURI, "/") {
		return a.root()
	}
	return a.localPathOrRoot(a.basePath + r.RequestURI)
}

// htmxPage returns the page that shows the element whose request htmx sent, as a
// return path: path, query and fragment of HX-Current-URL, which is an address as the
// browser sees it. It returns the root of this application if that is not a URL with a
// host. A boosted link is a request for a whole page, which is the one to return to
// (https://htmx.org/attributes/hx-boost/).
func (a *AuthKit) htmxPage(r *http.Request) string {
	if r.Method == http.MethodGet && r.Header.Get("HX-Boosted") == "true" {
		return a.requestTarget(r)
	}
	u, err := url.Parse(r.Header.Get("HX-Current-URL"))
	if err != nil || u.Host == "" {
		return a.root()
	}
	return a.localPathOrRoot(pathOf(u))
}

// setHTMXRedirect makes htmx load a page instead of using the response
// (https://htmx.org/headers/hx-redirect/). A cache must not serve the response to
// other clients.
func setHTMXRedirect(h http.Header, target string) {
	h.Set("HX-Redirect", asciiURL(target))
	varyOn(h, "HX-Request")
}

// seeOther answers 303 with target as the Location, which http.Redirect would
// change: it cleans the path. Bytes beyond ASCII are percent-encoded (RFC 9110,
// section 10.2.2).
func seeOther(w http.ResponseWriter, target string) {
	w.Header().Set("Location", asciiURL(target))
	w.WriteHeader(http.StatusSeeOther)
}

// asciiURL percent-encodes spaces, control characters and bytes beyond ASCII.
func asciiURL(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&0xf])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// signsIn reports whether this application has a sign-in: its own page or AuthKit's.
func (a *AuthKit) signsIn() bool { return !a.redirectURLs.isEmpty() || a.signInPage }

// loginLink returns the address that starts a sign-in, as browsers see it. The sign-in
// returns to the page returnTo, or to the root of this application if that is "".
func (a *AuthKit) loginLink(returnTo string) string {
	if returnTo == "" || returnTo == a.root() {
		return a.basePath + a.loginPath
	}
	return a.basePath + a.loginPath + "?return_to=" + url.QueryEscape(returnTo)
}

func (a *AuthKit) mustRedirect(handler string) {
	if a.redirectURLs.isEmpty() {
		panic("authkit: " + handler + " needs WithRedirectURL (WORKOS_REDIRECT_URI)")
	}
}
