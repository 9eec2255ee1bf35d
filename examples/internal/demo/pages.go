// The pages.

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

// Parse returns a page with the common layout. The templates define "title" and "main".
func Parse(templates fs.FS, names ...string) *template.Template {
	layout := template.New("layout.html").Funcs(template.FuncMap{"instance": instance})
	template.Must(layout.ParseFS(files, "pages/layout.html"))
	return template.Must(layout.ParseFS(templates, names...))
}

// view is the data of the pages.
type view struct {
	Session      *authkit.Session // nil for an anonymous request
	User         authkit.User
	Name         string
	Initials     string
	Impersonator *authkit.Impersonator
	Unavailable  bool // the session could not be checked
}

func viewOf(s *authkit.Session) view {
	if s == nil {
		return view{}
	}
	u := s.User()
	name := cmp.Or(strings.TrimSpace(u.FirstName+" "+u.LastName), u.Name, u.Email)
	v := view{Session: s, User: u, Name: name, Initials: initials(name)}
	if impersonator, ok := s.Impersonator(); ok {
		v.Impersonator = &impersonator
	}
	return v
}

// initials returns the first letters of the first and the last word.
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

// ShowHome shows the home page, with or without a session. Err is the reason why the session could not be checked, or
// nil.
func ShowHome(w http.ResponseWriter, s *authkit.Session, err error) {
	v := viewOf(s)
	v.Unavailable = err != nil
	Show(w, http.StatusOK, homePage, v)
}

// ShowAccount shows the signed-in user and the session.
func ShowAccount(w http.ResponseWriter, s *authkit.Session) {
	Show(w, http.StatusOK, accountPage, viewOf(s))
}

// Show writes a page.
func Show(w http.ResponseWriter, status int, page *template.Template, view any) {
	var text bytes.Buffer
	if err := page.Execute(&text, view); err != nil {
		slog.Error("show a page", slog.Any("error", err))
		http.Error(w, "The page could not be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	// Every page depends on the signed-in user. A browser must not show it from its cache after sign-out.
	w.Header().Set("Cache-Control", "private, no-store")
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // an error means that the browser is gone
}

// Style serves the stylesheet.
func Style(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, files, "pages/style.css")
}
