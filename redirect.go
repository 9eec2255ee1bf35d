// Where a browser may be sent back to.

package authkit

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxReturnPath bounds what the cookie of a sign-in has to carry.
const maxReturnPath = 1 << 10

// ReturnPath gives a page to come back to after sign-in: the target itself if
// it is a path on this origin, of 1 KB at most, else "/". Login and the guards
// apply it by themselves; it is for forms of the application's own that carry a
// return_to.
//
// Browsers read more as "another origin" than the URL standard writes: "//"
// and "/\" begin a host, tabs and line breaks are dropped before parsing
// (https://url.spec.whatwg.org/#concept-basic-url-parser), and a proxy or a
// router in front may decode a path once more. So a path that shows a
// backslash, a control character or an empty segment, as it stands or under
// any number of percent-encodings, is not taken. The query is the page's own.
func ReturnPath(target string) string {
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

// percentDecode takes one layer of percent-encoding off, and leaves alone what
// is none: a decoder that gives up at the first stray "%" would not see what a
// lenient one finds behind it.
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

// requestTarget is the page that a request asked for, to come back to. It is
// taken from the request line: a StripPrefix in between does not bend it.
func requestTarget(r *http.Request) string { return ReturnPath(r.RequestURI) }

// seeOther answers 303 with a Location of exactly the given target;
// http.Redirect would clean its path. Bytes beyond ASCII are percent-encoded,
// as RFC 9110, section 10.2.2, has it.
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

// signsIn tells whether there is a way into sign-in from here.
func (a *AuthKit) signsIn() bool { return a.redirectURL != "" || a.signInPage }

// loginLink is the address of a new sign-in that comes back to a page.
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
