// The page: who can sign in, what has happened, and buttons that change something. It has a listener of its own.

package dev

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/authkit-go/authkit/authkittest"
)

//go:embed pages
var pageFiles embed.FS

// pageTemplate is parsed for the first page, because the other commands of the program have none.
var pageTemplate = sync.OnceValue(func() *template.Template { return template.Must(template.ParseFS(pageFiles, "pages/index.html")) })

// shownEvents is the number of events, and of mails, on the page.
const shownEvents = 50

// page serves the page and the routes of [authkittest.Server.Control] below /control.
type page struct {
	fake      *authkittest.Server
	observer  *observer
	faults    *faults
	clock     *clock
	redirects []string

	mu   sync.Mutex // guards said
	said string     // what the last button has done, shown once
}

// handler returns the handler of everything on the listener with this address. It answers only requests for that address by
// its own names: a page of another site that makes its name lead to this machine (DNS rebinding) has another Host. Forms of other
// origins are refused too.
func (p *page) handler(addr string) http.Handler {
	_, port, _ := net.SplitHostPort(addr)
	hosts := []string{"127.0.0.1:" + port, "localhost:" + port}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.show("index.html"))
	mux.HandleFunc("GET /log", p.show("log"))
	for _, name := range []string{"style.css", "page.js"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, pageFiles, "pages/"+name) })
	}
	mux.Handle("/control/", http.StripPrefix("/control", p.fake.Control()))
	for _, name := range []string{"revoke", "membership", "delete"} {
		mux.HandleFunc("POST /do/"+name, p.do(p.control(name)))
	}
	mux.HandleFunc("POST /do/fault", p.do(p.injectFault))
	mux.HandleFunc("POST /do/clear", p.do(p.clearFault))
	mux.HandleFunc("POST /do/keys", p.do(p.rotateKeys))
	mux.HandleFunc("POST /do/clock", p.do(p.moveClock))
	protected := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(hosts, r.Host) {
			http.Error(w, "Open this page at http://"+hosts[0]+".", http.StatusMisdirectedRequest)
			return
		}
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		protected.ServeHTTP(w, r)
	})
}

// do returns the handler of a button. A browser gets the page again, and a program a text.
func (p *page) do(action func(*http.Request) (string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		said, err := action(r)
		isBrowser := strings.Contains(r.Header.Get("Accept"), "text/html")
		switch {
		case err != nil && !isBrowser:
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		case err != nil:
			said = "Not done: " + err.Error()
		case !isBrowser:
			fmt.Fprintln(w, said)
			return
		}
		p.mu.Lock()
		p.said = said
		p.mu.Unlock()
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

// control returns the action of a route of the control handler.
func (p *page) control(name string) func(*http.Request) (string, error) {
	return func(r *http.Request) (string, error) {
		if err := r.ParseForm(); err != nil {
			return "", err
		}
		form := maps.Clone(r.PostForm)
		if form.Get("remove") != "" {
			form.Del("role")
		}
		inner := httptest.NewRequest(http.MethodPost, "/"+name, strings.NewReader(form.Encode()))
		inner.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		recorder := httptest.NewRecorder()
		p.fake.Control().ServeHTTP(recorder, inner)
		if recorder.Code != http.StatusOK {
			var refusal struct{ Message string }
			_ = json.Unmarshal(recorder.Body.Bytes(), &refusal)
			return "", fmt.Errorf("%d %s", recorder.Code, refusal.Message)
		}
		return map[string]string{
			"revoke": "The sessions of " + form.Get("email") + " have ended.", "delete": form.Get("email") + " is deleted.",
			"membership": "The membership of " + form.Get("email") + " has changed.",
		}[name], nil
	}
}

func (p *page) injectFault(r *http.Request) (string, error) {
	f, err := parseFaultOf(r.PostFormValue("route"), r.PostFormValue("fault"))
	if err == nil {
		err = p.faults.inject(f)
	}
	return fmt.Sprintf("%s has the fault %s.", f.route, f.text), err
}

func (p *page) clearFault(r *http.Request) (string, error) {
	route := r.PostFormValue("route")
	if full, known := faultRoutes[route]; known {
		route = string(full)
	}
	return fmt.Sprintf("Faults cleared: %d.", p.faults.clear(authkittest.Route(route))), nil
}

func (p *page) rotateKeys(*http.Request) (string, error) {
	p.fake.RotateSigningKeys()
	return "Tokens are signed with a new key, and the old keys are withdrawn.", nil
}

func (p *page) moveClock(r *http.Request) (string, error) {
	text, base := r.PostFormValue("offset"), time.Duration(0)
	if text == "" {
		text, base = r.PostFormValue("move"), p.clock.Offset()
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return "", fmt.Errorf("%q is no duration; give move or offset, such as 5m or -1h", text)
	}
	p.clock.Set(base + d)
	return "The clock of the fake shows " + p.clock.Now().UTC().Format(time.RFC3339) + ".", nil
}

// pageView is the data of the template.
type pageView struct {
	URL           string
	Redirects     []pageRedirect
	Said          string
	Mails         []pageMail // newest first
	Users         []pageUser
	Organizations []authkittest.Organization
	FaultNames    []string
	Faults        map[authkittest.Route]string
	Now           string
	Offset        time.Duration
	Events        []pageEvent
	Requests      []request
	Findings      int
}

type pageRedirect struct{ URI, Origin string }

type pageUser struct {
	Name, Email string
	Sessions    int // that are active
	Memberships []pageMembership
}

type pageMembership struct{ OrganizationID, Organization, Role string }

type pageMail struct{ Time, Kind, To, Code, Link string }

type pageEvent struct{ Time, Type, Data string }

// show returns the handler of a template.
func (p *page) show(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		view := p.view()
		if name == "index.html" {
			p.mu.Lock()
			view.Said, p.said = p.said, ""
			p.mu.Unlock()
		}
		var text bytes.Buffer
		if err := pageTemplate().ExecuteTemplate(&text, name, view); err != nil {
			http.Error(w, "The page could not be made.", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = text.WriteTo(w)
	}
}

func (p *page) view() pageView {
	v := pageView{
		URL: p.fake.URL(), Organizations: p.fake.Organizations(), FaultNames: slices.Sorted(maps.Keys(faultRoutes)),
		Faults: p.faults.all(), Now: p.clock.Now().UTC().Format(time.RFC1123), Offset: p.clock.Offset(),
	}
	for _, uri := range p.redirects {
		origin, _ := webOrigin(uri)
		v.Redirects = append(v.Redirects, pageRedirect{uri, origin})
	}
	names := map[string]string{}
	for _, o := range v.Organizations {
		names[o.ID] = o.Name
	}
	sessions := map[string]int{}
	for _, s := range p.fake.Sessions() {
		if s.EndedAt.IsZero() {
			sessions[s.Email]++
		}
	}
	for _, u := range p.fake.Users() {
		user := pageUser{Name: u.Name(), Email: u.Email, Sessions: sessions[u.Email]}
		for _, m := range u.Memberships {
			user.Memberships = append(user.Memberships, pageMembership{m.OrganizationID, names[m.OrganizationID], m.Role})
		}
		v.Users = append(v.Users, user)
	}
	mails := p.fake.Outbox()
	for i := len(mails) - 1; i >= max(len(mails)-shownEvents, 0); i-- {
		m := mails[i]
		v.Mails = append(v.Mails, pageMail{m.SentAt.Format("15:04:05"), string(m.Kind), m.To, m.Code, m.Link})
	}
	events := p.fake.Events()
	for i := len(events) - 1; i >= max(len(events)-shownEvents, 0); i-- {
		var data bytes.Buffer
		_ = json.Indent(&data, events[i].Data, "", "  ") // the fake has encoded it
		v.Events = append(v.Events, pageEvent{events[i].CreatedAt.Format("15:04:05"), events[i].Type, data.String()})
	}
	v.Requests, v.Findings = p.observer.log()
	return v
}

// webOrigin returns the origin of an http or https URL, and whether address is one.
func webOrigin(address string) (origin string, ok bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", false
	}
	return u.Scheme + "://" + u.Host, true
}
