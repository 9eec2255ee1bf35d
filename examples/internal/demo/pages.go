// What people see.

package demo

import (
	"bytes"
	"cmp"
	"embed"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/authkit-go/authkit"
)

//go:embed pages
var files embed.FS

var (
	homePage    = Parse(files, "pages/home.html", "pages/banner.html")
	accountPage = Parse(files, "pages/account.html", "pages/banner.html")
)

// Parse makes a page of templates that define its title and its main part; the rest of it is the same for all pages.
func Parse(templates fs.FS, names ...string) *template.Template {
	layout := template.Must(template.ParseFS(files, "pages/layout.html"))
	return template.Must(layout.ParseFS(templates, names...))
}

// view is what the pages show of a session.
type view struct {
	Session      *authkit.Session // nil where nobody is signed in
	User         authkit.User
	Name         string
	Initials     string
	Impersonator *authkit.Impersonator
	Undecided    bool // whether somebody is signed in could not be found out
}

func viewOf(s *authkit.Session) view {
	if s == nil {
		return view{}
	}
	u := s.User()
	name := cmp.Or(strings.TrimSpace(u.FirstName+" "+u.LastName), u.Name, u.Email)
	v := view{Session: s, User: u, Name: name, Initials: initials(name)}
	if who, impersonated := s.Impersonator(); impersonated {
		v.Impersonator = &who
	}
	return v
}

// initials are the first letters of the first and the last word.
func initials(name string) string {
	words := strings.Fields(name)
	if len(words) > 2 {
		words = []string{words[0], words[len(words)-1]}
	}
	var letters strings.Builder
	for _, word := range words {
		first, _ := utf8.DecodeRuneInString(word)
		letters.WriteRune(unicode.ToUpper(first))
	}
	return letters.String()
}

// ShowHome shows the page for everybody. The session is nil where nobody is signed in; err is why that could not be
// found out, or nil.
func ShowHome(w http.ResponseWriter, s *authkit.Session, err error) {
	v := viewOf(s)
	v.Undecided = err != nil
	Show(w, http.StatusOK, homePage, v)
}

// ShowAccount shows somebody what the application knows of them.
func ShowAccount(w http.ResponseWriter, s *authkit.Session) {
	Show(w, http.StatusOK, accountPage, viewOf(s))
}

// Show answers with a page.
func Show(w http.ResponseWriter, status int, page *template.Template, view any) {
	var text bytes.Buffer
	if err := page.Execute(&text, view); err != nil {
		slog.Error("show a page", slog.Any("error", err))
		http.Error(w, "The page could not be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	// Every page tells who is signed in, and must not come back once they have signed out.
	w.Header().Set("Cache-Control", "private, no-store")
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // it fails when the browser has gone, and then nobody is left to tell
}

// Style serves the stylesheet.
func Style(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, files, "pages/style.css")
}
