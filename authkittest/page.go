// What a browser is sent: a page or a redirect, and the headers that go with it.

package authkittest

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:embed pages
var pageFiles embed.FS

var templates = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

// outcome is the answer to a browser.
type pageResponse struct {
	status   int
	location string // where to, when it is a redirect
	page     string // name of the template, when it is not
	view     view
	cookie   *http.Cookie
	apiError *apiError // instead of either
}

// view is what the templates show.
type view struct {
	App           string // who asks
	Path          string // of the sign-in pages
	Scheme        string // of the redirect URI
	Organization  string // name of the one that was asked for
	Heading       string
	Problem       string
	UserCode      string // of a device
	Mail          []Mail
	Email         string
	FirstName     string
	LastName      string
	Users         []accountChoice
	Organizations []organizationChoice
}

// accountChoice is a person on the sign-in page.
type accountChoice struct {
	Name, Email, Detail, Initials string
	Hue                           int // 0 to 5, colour of the initials
	Suggested                     bool
}

type organizationChoice struct {
	ID, Name, Role, Initials string
}

func redirect(status int, location string) pageResponse {
	return pageResponse{status: status, location: location}
}

func showPage(status int, name string, v view) pageResponse {
	return pageResponse{status: status, page: name, view: v}
}

func notice(status int, heading, text string) pageResponse {
	return showPage(status, "notice", view{Heading: heading, Problem: text})
}

// view begins the view of a sign-in page.
func (f *Server) view(a *authorization) view {
	target, _ := url.Parse(a.redirectURI)
	v := view{App: cmp.Or(f.settings.appName, target.Host, a.redirectURI, "the device"), Path: a.path(), Scheme: target.Scheme}
	if o, asked := f.organization(a.organizationID); asked {
		v.Organization = o.Name
	}
	return v
}

// choices lists who can answer an authorization, the one it hints at first.
func (f *Server) choices(a *authorization) []accountChoice {
	var choices []accountChoice
	for i, user := range f.accounts {
		if _, member := user.membership(a.organizationID); a.organizationID != "" && !member {
			continue
		}
		var organizations []string
		for _, m := range user.activeMemberships() {
			o, _ := f.organization(m.OrganizationID)
			organizations = append(organizations, o.Name)
		}
		choice := accountChoice{
			Name:      user.Name(),
			Email:     user.Email,
			Detail:    strings.Join(organizations, ", "),
			Initials:  initials(user.FirstName, user.LastName, user.Email),
			Hue:       i % 6,
			Suggested: a.hint != "" && strings.EqualFold(a.hint, user.Email),
		}
		if choice.Suggested {
			choices = append([]accountChoice{choice}, choices...)
		} else {
			choices = append(choices, choice)
		}
	}
	return choices
}

// initials takes the first letters of the first two names that there are.
func initials(names ...string) string {
	var letters []rune
	for _, name := range names {
		if first, size := utf8.DecodeRuneInString(name); size > 0 && len(letters) < 2 {
			letters = append(letters, unicode.ToUpper(first))
		}
	}
	return string(letters)
}

// browse makes a handler of a function that runs with the fake's lock held. The reply goes out without it.
func (f *Server) browse(h func(*http.Request) pageResponse) http.HandlerFunc {
	run := func(r *http.Request) pageResponse {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.prune()
		return h(r)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		if err := r.ParseForm(); err != nil {
			http.Error(w, "The form could not be read.", http.StatusBadRequest)
			return
		}
		run(r).send(w)
	}
}

func (o pageResponse) send(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	if o.cookie != nil {
		http.SetCookie(w, o.cookie)
	}
	if o.location != "" {
		h.Set("Location", o.location)
		w.WriteHeader(o.status)
		return
	}
	if o.apiError != nil {
		write(w, o.status, o.apiError)
		return
	}
	var text bytes.Buffer
	if err := templates.ExecuteTemplate(&text, o.page+".html", o.view); err != nil {
		panic(fmt.Sprintf("authkittest: %v", err)) // the templates are ours and so is what they show
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	// form-action holds for the redirects after a form too, all the way through the callback to wherever the application
	// sends its user next: nothing narrower than a scheme would do. http: includes https:.
	formAction := "'self' http:"
	if s := o.view.Scheme; s != "" && s != "http" && s != "https" {
		formAction += " " + s + ":"
	}
	h.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'self'; form-action "+formAction+"; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(o.status)
	_, _ = w.Write(text.Bytes())
}

func serveStylesheet(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, pageFiles, "pages/style.css")
}
