// Package page writes the HTML page that people see when a request fails and
// when a sign-in ends.
package page

import (
	"html"
	"net/http"
	"strings"
)

// Page is the content of a page. All fields are plain text.
type Page struct {
	Title, Text string
	// Link is the address of the page's link, and Label is its text. An empty
	// Link shows no link.
	Link, Label string
	// Home is the address of the home page, which a second link leads to. An empty
	// Home, or one that is Link, shows no second link.
	Home string
	// Redirect makes the browser follow Link at once.
	Redirect bool
	// Origins are the other origins that a link may lead to, such as
	// https://api.workos.com. A link that leads neither to a path on this origin nor to
	// one of them is not shown, and the browser does not follow it.
	Origins []string
}

// style is the page's only style sheet. The page runs no script and loads nothing.
const style = `
:root { color-scheme: light dark; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 1rem/1.5 system-ui, sans-serif; background: light-dark(#f4f5f7, #16181d); color: light-dark(#1d2129, #e8eaed); }
main { box-sizing: border-box; width: min(26rem, calc(100vw - 2rem)); padding: 2rem; border-radius: .75rem; background: light-dark(#fff, #20242c); box-shadow: 0 1px 3px rgb(0 0 0 / .15); }
h1 { margin: 0 0 .5rem; font-size: 1.25rem; }
p { margin: 0; }
a { display: inline-block; margin-top: 1.5rem; padding: .6rem 1.1rem; border-radius: .5rem; background: #4f46e5; color: #fff; text-decoration: none; }
a.home { margin-left: .5rem; background: none; color: inherit; text-decoration: underline; }
a.home:first-of-type { margin-left: 0; padding-left: 0; }
a:focus-visible { outline: 3px solid #a5b4fc; outline-offset: 2px; }
`

// policy allows the page's inline style and nothing else. It also forbids other
// sites to show the page in a frame.
const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Write writes p as a response with the given status. It sets the headers
// Content-Type, Content-Security-Policy, Referrer-Policy and
// X-Content-Type-Options.
func Write(w http.ResponseWriter, status int, p Page) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(p.document())
}

// document returns the page in HTML. It does without html/template, which would make
// each program that uses authkit about 3 MB larger.
func (p *Page) document() []byte {
	title, link, home := text(p.Title), p.href(p.Link), p.href(p.Home)
	var b strings.Builder
	write := func(parts ...string) {
		for _, part := range parts {
			b.WriteString(part)
		}
	}
	write(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
`)
	if p.Redirect && link != "" {
		write(`<meta http-equiv="refresh" content="0;url=`, link, "\">\n")
	}
	write("<title>", title, "</title>\n<style>", style, "</style>\n<main>\n<h1>", title, "</h1>\n<p>", text(p.Text), "</p>\n")
	if link != "" {
		write(`<a href="`, link, `">`, text(p.Label), "</a>\n")
	}
	if home != "" && p.Home != p.Link {
		write(`<a class="home" href="`, home, "\">Home page</a>\n")
	}
	write("</main>\n</html>\n")
	return []byte(b.String())
}

// text returns plain text in HTML, for the content of an element and for an attribute in
// quotation marks.
func text(s string) string {
	return html.EscapeString(strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD"))
}

// href returns an address as the value of an attribute in quotation marks. It returns ""
// for an address that the page must not lead to.
func (p *Page) href(address string) string {
	if !isPath(address) && !p.isOfAnOrigin(address) {
		return ""
	}
	return html.EscapeString(percentEncode(address))
}

// isPath reports whether a browser takes an address for a path on the origin of the page.
// It takes one that begins with two slashes for a host, and "\" for a slash
// (https://url.spec.whatwg.org/#relative-slash-state). Percent-encoding comes later, so
// no character that browsers drop is left between the two.
func isPath(address string) bool {
	return strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//") && !strings.HasPrefix(address, `/\`)
}

// isOfAnOrigin reports whether an address is one of the origins, with or without a path,
// a query and a fragment.
func (p *Page) isOfAnOrigin(address string) bool {
	for _, origin := range p.Origins {
		if rest, ok := strings.CutPrefix(address, origin); ok && origin != "" && (rest == "" || strings.ContainsAny(rest[:1], "/?#")) {
			return true
		}
	}
	return false
}

// percentEncode encodes what must not be in a URL (RFC 3986, section 2): spaces, control
// characters, quotation marks, angle brackets, backticks and bytes beyond ASCII.
func percentEncode(address string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(address) {
		switch c := address[i]; {
		case c <= ' ', c >= 0x7f, strings.IndexByte("\"'<>`", c) >= 0:
			b.Write([]byte{'%', hex[c>>4], hex[c&0xf]})
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
