// Redirects: the return paths that are accepted, and the links to a sign-in.

package authkit

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxReturnPath bounds the room of a return path in a sign-in's cookie.
const maxReturnPath = 1 << 10

// SanitizeReturnPath returns the page to go back to after a sign-in: target
// itself if it is a path on this origin, of 1 KB at most, else "/". Login and the
// guards apply it themselves. It is for the application's own forms that carry a
// return_to.
//
// Browsers read more as "another origin" than the URL standard writes: "//" and
// "/\" begin a host, tabs and line breaks are dropped before parsing
// (https://url.spec.whatwg.org/#concept-basic-url-parser), and a proxy or a
// router in front may decode a path once more. So a path that shows a
// backslash, a control character or an empty segment, as it stands or under
// any number of percent-encodings, is refused. The query may hold anything but
// control characters.
func (a *AuthKit) SanitizeReturnPath(target string) string { return localPath(target) }

// localPath returns target if it is a path on this origin, else "/".
func localPath(target string) string {
	if len(target) > maxReturnPath || !strings.HasPrefix(target, "/") || hasControl(target) {
		return "/"
	}
	path := target
	if i := strings.IndexAny(target, "?#"); i >= 0 {
		path = target[:i]
	}
	if _, err := url.PathUnescape(path); err != nil {
		return "/"
	}
	for {
		if strings.Contains(path, "//") || strings.Contains(path, `\`) || hasControl(path) {
			return "/"
		}
		decoded := percentDecode(path)
		if decoded == path {
			return target
		}
		path = decoded
	}
}

// percentDecode removes one layer of percent-encoding. A "%" that begins no
// encoding stays: a decoder that stops there would not see what a lenient one
// finds behind it.
func percentDecode(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if octet, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(octet))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// requestTarget returns the page that a request asked for. It comes from the
// request line, which http.StripPrefix does not change.
func requestTarget(r *http.Request) string { return localPath(r.RequestURI) }

// seeOther answers 303 with target as the Location. http.Redirect would clean its
// path. Bytes beyond ASCII are percent-encoded (RFC 9110, section 10.2.2).
func seeOther(w http.ResponseWriter, target string) {
	w.Header().Set("Location", asciiURL(target))
	w.WriteHeader(http.StatusSeeOther)
}

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

// signsIn reports whether this application has a sign-in to link to.
func (a *AuthKit) signsIn() bool { return a.redirectURL != "" || a.signInPage }

// loginLink returns the path of a new sign-in that returns to a page.
func (a *AuthKit) loginLink(returnTo string) string {
	if returnTo == "" || returnTo == "/" {
		return a.loginPath
	}
	return a.loginPath + "?return_to=" + url.QueryEscape(returnTo)
}

func (a *AuthKit) mustRedirect(handler string) {
	if a.redirectURL == "" {
		panic("authkit: " + handler + " needs WithRedirectURL (WORKOS_REDIRECT_URI)")
	}
}
