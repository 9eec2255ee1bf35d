// The server of the page: static files on an origin of their own.

package main

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strings"
	"time"
)

//go:embed pages
var files embed.FS

// newPage returns the server of the page, which uses the API at an origin. authKit is the origin of AuthKit, or a scheme.
// A form of the page leads there and back if an organization has its own sign-in, and form-action applies to redirects too.
func newPage(api, authKit string) (http.Handler, error) {
	index, err := template.ParseFS(files, "pages/index.html")
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	if err := index.Execute(&page, map[string]string{"API": api}); err != nil {
		return nil, err
	}
	policy := strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self'",
		"img-src data:",
		"connect-src " + api,
		"form-action 'self' " + api + " " + authKit,
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}, "; ")
	mux := http.NewServeMux()
	for _, file := range []string{"app.js", "style.css"} {
		mux.HandleFunc("GET /"+file, func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "pages/"+file) })
	}
	// Every other path shows the page. Its script reads the path.
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "index.html", time.Time{}, bytes.NewReader(page.Bytes()))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-cache")
		h.Set("Content-Security-Policy", policy)
		// Not same-origin: browsers then send "Origin: null" with a form that posts to the API.
		h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		mux.ServeHTTP(w, r)
	}), nil
}
