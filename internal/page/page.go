// Package page writes the HTML page that people see when a request fails and
// when a sign-in ends.
package page

import (
	"bytes"
	"html/template"
	"net/http"
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

var document = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{{if .Redirect}}<meta http-equiv="refresh" content="0;url={{.Link}}">
{{end}}<title>{{.Title}}</title>
<style>` + style + `</style>
<main>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
{{if .Link}}<a href="{{.Link}}">{{.Label}}</a>
{{end}}{{if and .Home (ne .Home .Link)}}<a class="home" href="{{.Home}}">Home page</a>
{{end}}</main>
</html>
`))

// policy allows the page's inline style and nothing else. It also forbids other
// sites to show the page in a frame.
const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Write writes p as a response with the given status. It sets the headers
// Content-Type, Content-Security-Policy, Referrer-Policy and
// X-Content-Type-Options.
func Write(w http.ResponseWriter, status int, p Page) {
	var body bytes.Buffer
	if err := document.Execute(&body, p); err != nil {
		http.Error(w, p.Title, status)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(body.Bytes())
}
