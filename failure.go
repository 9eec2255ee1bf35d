// Failures as answers: a page for a person, a problem document for a program.

package authkit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Failure is an answer that is not the application's: an error page for a
// person, a problem document for a program. It is what the handler of
// [WithErrorHandler] receives, and ServeHTTP is the default answer, so that an
// application can replace the pages that it cares about and leave the rest.
//
// By the time that a handler sees it, the headers that the answer must carry
// (Cache-Control, Retry-After, Allow, Set-Cookie) are set.
type Failure struct {
	// Err is one of this package's errors, often wrapping the reason. It is
	// for the log and for errors.Is; none of its text is meant for a client.
	Err error
	// Status is the HTTP status of the answer.
	Status int
	// Code names the outcome for a program: "signed_out", "unavailable", ….
	Code string
	// Title and Text say to a person what happened and how to go on.
	Title, Text string
	// Link is where the way on begins: the login path, with the page to come
	// back to where that is known. It is a path on this origin. Empty where
	// the way on is to try the same again.
	Link string
	// RetryAfter is how long to wait before trying again, or zero.
	RetryAfter time.Duration
	// Missing is what a guard found missing, or "". See [ForbiddenError].
	Missing string
	// Page says that the answer is for a person.
	Page bool
}

// ServeHTTP writes the default answer: a small page, or a document of type
// application/problem+json (RFC 9457) with the members type, title, status,
// detail and code.
func (f Failure) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.Page {
		label := "Sign in"
		if errors.Is(f.Err, ErrCancelled) || errors.Is(f.Err, ErrCookieConflict) {
			label = "Try again"
		}
		writePage(w, f.Status, page{Title: f.Title, Text: f.Text, Link: f.Link, Label: label})
		return
	}
	problem := map[string]any{
		"type":   "about:blank",
		"title":  f.Title,
		"status": f.Status,
		"detail": f.Text,
		"code":   f.Code,
	}
	if f.Missing != "" {
		problem["missing"] = f.Missing
	}
	writeJSON(w, "application/problem+json", f.Status, problem)
}

// Fail answers a request with what err stands for, as this package's own
// handlers do: with [WithErrorHandler]'s answer or the default one. An error
// that is none of this package's is answered as [ErrSignIn].
func (a *AuthKit) Fail(w http.ResponseWriter, r *http.Request, err error) { a.fail(w, r, err, "") }

// fail answers a request with what err stands for: a page where the request
// shows that a person is waiting for one. returnTo is the page that a sign-in
// from here should come back to, "" where there is none.
func (a *AuthKit) fail(w http.ResponseWriter, r *http.Request, err error, returnTo string) {
	a.answer(w, r, err, returnTo, wantsPage(r))
}

// failPage is fail for addresses that only browsers are sent to: there the
// answer is a page unless the request shows that a program is asking.
func (a *AuthKit) failPage(w http.ResponseWriter, r *http.Request, err error, returnTo string) {
	a.answer(w, r, err, returnTo, wantsPage(r) || !wantsData(r))
}

func (a *AuthKit) answer(w http.ResponseWriter, r *http.Request, err error, returnTo string, toPerson bool) {
	o := outcomeOf(err)
	f := Failure{
		Err:    err,
		Status: o.status,
		Code:   o.code,
		Title:  o.title,
		Text:   o.text,
		Page:   toPerson,
	}
	var forbidden *ForbiddenError
	if errors.As(err, &forbidden) {
		f.Missing = forbidden.Missing
		f.Text = "You are signed in, but your account lacks: " + forbidden.Missing + "."
	}
	var conflict *CookieConflictError
	if errors.As(err, &conflict) {
		f.Text += " They are called " + strings.Join(conflict.Names, ", ") + "."
	}
	if a.signsIn() && o.leadsToSignIn() {
		f.Link = a.loginLink(returnTo)
	}
	var later delayed
	if errors.As(err, &later) {
		f.RetryAfter = later.retryAfter()
		seconds := (f.RetryAfter + time.Second - 1) / time.Second
		w.Header().Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	noStore(w.Header())
	a.log.LogAttrs(r.Context(), levelOf(r.Context(), o.status, err), "authkit: request refused",
		slog.Int("status", o.status), slog.String("code", o.code), slog.Any("error", err))
	a.onError(w, r, f)
}

// levelOf is the log level of an answer. Answers that a client causes are logged
// at Debug, those to a client that has left among them; failures of this side or
// of WorkOS at Warn.
func levelOf(ctx context.Context, status int, err error) slog.Level {
	left := errors.Is(ctx.Err(), context.Canceled) && errors.Is(err, context.Canceled)
	if status >= 500 && !left {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// wantsPage tells a person from a program: a browser that loads a document
// says so (Fetch Metadata, Sec-Fetch-Dest); where nothing is said of that,
// whoever accepts HTML gets HTML.
func wantsPage(r *http.Request) bool {
	if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" {
		return dest == "document" || dest == "iframe" || dest == "frame"
	}
	return acceptsHTML(r)
}

// wantsData tells that a program is asking: a script's fetch, or whoever
// accepts JSON and no HTML.
func wantsData(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Dest") == "empty" || accepts(r, "json") && !acceptsHTML(r)
}

func acceptsHTML(r *http.Request) bool { return accepts(r, "text/html") }

func accepts(r *http.Request, mediaType string) bool {
	for _, line := range r.Header.Values("Accept") {
		if strings.Contains(strings.ToLower(line), mediaType) {
			return true
		}
	}
	return false
}

// noStore keeps an answer out of every cache, the browser's and those on the
// way. A browser may keep the whole page for the way back all the same; Logout
// tells it not to.
func noStore(h http.Header) { h.Set("Cache-Control", "private, no-store") }

func writeJSON(w http.ResponseWriter, contentType string, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// page is what the one page of this package shows.
type page struct {
	Title, Text string
	Link, Label string
	// Onward makes the page go on to Link by itself.
	Onward bool
}

// pageStyle is the whole look. The page runs no script and loads nothing.
const pageStyle = `
:root { color-scheme: light dark; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 1rem/1.5 system-ui, sans-serif; background: light-dark(#f4f5f7, #16181d); color: light-dark(#1d2129, #e8eaed); }
main { box-sizing: border-box; width: min(26rem, calc(100vw - 2rem)); padding: 2rem; border-radius: .75rem; background: light-dark(#fff, #20242c); box-shadow: 0 1px 3px rgb(0 0 0 / .15); }
h1 { margin: 0 0 .5rem; font-size: 1.25rem; }
p { margin: 0; }
a { display: inline-block; margin-top: 1.5rem; padding: .6rem 1.1rem; border-radius: .5rem; background: #4f46e5; color: #fff; text-decoration: none; }
a:focus-visible { outline: 3px solid #a5b4fc; outline-offset: 2px; }
`

var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{{if .Onward}}<meta http-equiv="refresh" content="0;url={{.Link}}">
{{end}}<title>{{.Title}}</title>
<style>` + pageStyle + `</style>
<main>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
{{if .Link}}<a href="{{.Link}}">{{.Label}}</a>
{{end}}</main>
</html>
`))

// pagePolicy lets the page have its style and nothing else, and keeps it out
// of other sites' frames.
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func writePage(w http.ResponseWriter, status int, p page) {
	var body bytes.Buffer
	if err := pageTemplate.Execute(&body, p); err != nil {
		http.Error(w, p.Title, status)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(body.Bytes())
}
