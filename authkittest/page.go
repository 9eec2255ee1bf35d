// Responses to a browser: pages, redirects and their headers.

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
	"sync"
	"unicode"
	"unicode/utf8"
)

//go:embed pages
var pageFiles embed.FS

// templates are parsed for the first page: the command authkit has this package too, and most of its processes serve none.
var templates = sync.OnceValue(func() *template.Template { return template.Must(template.ParseFS(pageFiles, "pages/*.html")) })

// pageResponse is a response to a browser: a page, a redirect or an API error.
type pageResponse struct {
	status   int
	location string // target of a redirect; empty for a page
	page     string // name of the template
	view     view
	cookie   *http.Cookie
	apiError *apiError // sent instead of a page or redirect
	question *question // asked before the response is known
}

// view is the data of the templates.
type view struct {
	App           string // name of the application
	Path          string // path of the sign-in pages
	Scheme        string // scheme of the redirect URI
	Organization  string // name of the requested organization
	Provider      string // name of a provider of Pipes
	Heading       string
	Problem       string
	Back          string // the address of the application; empty for none
	UserCode      string // user code of a device
	Host          string // of the redirect URI of a client
	SentTo        string // where a code was sent: an email address or a phone number
	Mail          []Mail
	Email         string
	FirstName     string
	LastName      string
	Users         []accountChoice
	Organizations []organizationChoice
	Scopes        []string // that a client requests
	Resources     []string // for which a client requests a token
}

// accountChoice is a user on the sign-in page.
type accountChoice struct {
	Name, Email, Detail, Initials string
	Hue                           int // colour of the initials, 0 to 5
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

// view returns the data that all sign-in pages of an authorization share.
func (f *Server) view(a *authorization) view {
	target, _ := url.Parse(a.redirectURI)
	if a.client != nil {
		return view{App: cmp.Or(a.client.name, a.client.id), Path: a.path(), Scheme: target.Scheme}
	}
	v := view{App: cmp.Or(f.settings.appName, target.Host, a.redirectURI, "the device"), Path: a.path(), Scheme: target.Scheme}
	if o, asked := f.organization(a.organizationID); asked {
		v.Organization = o.Name
	}
	return v
}

// choices returns the users who can sign in for an authorization. The user of login_hint comes first.
func (f *Server) choices(a *authorization) []accountChoice {
	var choices []accountChoice
	for i, user := range f.accounts {
		if !a.admits(user) || a.invitation != nil && !strings.EqualFold(a.invitation.email, user.Email) {
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

// initials returns the first letters of the first two names that are not empty.
func initials(names ...string) string {
	var letters []rune
	for _, name := range names {
		if first, size := utf8.DecodeRuneInString(name); size > 0 && len(letters) < 2 {
			letters = append(letters, unicode.ToUpper(first))
		}
	}
	return string(letters)
}

// browse returns a handler that calls h with f.mu held. The response is written after f.mu is unlocked. If the response depends
// on an Action, the application is asked while f.mu is unlocked, because it may call the fake.
func (f *Server) browse(h func(*http.Request) pageResponse) http.HandlerFunc {
	run := func(next func() pageResponse) pageResponse {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.prune()
		return next()
	}
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		if err := r.ParseForm(); err != nil {
			http.Error(w, "The form could not be read.", http.StatusBadRequest)
			return
		}
		response := run(func() pageResponse { return h(r) })
		for q := response.question; q != nil; q = response.question {
			answer, cookie := f.ask(r.Context(), q), response.cookie
			response = run(func() pageResponse { return q.then(answer) })
			if response.cookie == nil {
				response.cookie = cookie
			}
		}
		response.send(w)
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
	if err := templates().ExecuteTemplate(&text, o.page+".html", o.view); err != nil {
		panic(fmt.Sprintf("authkittest: %v", err)) // not possible: templates and data come from this package
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	// Browsers also apply form-action to the redirects after a form: to the callback, and to the page that the application
	// redirects to. So only a scheme can be given here. http: includes https:.
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
