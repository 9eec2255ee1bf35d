// Failures: how an error is answered, with a page for people or a problem document for programs.

package authkit

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/authkit-go/authkit/internal/page"
)

// Failure is this package's answer to a failed request: an error page for people,
// or a problem document for programs. The handler of [WithErrorHandler] receives
// it. ServeHTTP writes the default answer, so an application can replace some
// answers and leave the rest.
//
// When the handler is called, the headers that the answer must have (Cache-Control,
// Retry-After, Allow, WWW-Authenticate, HX-Redirect, Set-Cookie) are already set.
//
// The fields Type to Missing are the members of the problem document (RFC 9457).
// Encoding a Failure as JSON writes exactly that document.
type Failure struct {
	// Type identifies the kind of problem: the address of the documentation of the
	// error that Err matches, such as
	// https://pkg.go.dev/github.com/authkit-go/authkit#ErrUnauthenticated. An empty
	// Type is left out of the document, which means about:blank.
	Type string `json:"type,omitempty"`
	// Title names the kind of problem, for people. It does not depend on the
	// request.
	Title string `json:"title"`
	// Status is the HTTP status code.
	Status int `json:"status"`
	// Detail tells people what happened and what to do. For a refused API key or access
	// token it says why, as the challenge in WWW-Authenticate does.
	Detail string `json:"detail"`
	// Code is a short identifier of the kind of problem, such as
	// "unauthenticated": the name of the error in snake case. There is one for each
	// Type.
	Code string `json:"code"`
	// Missing is what a guard found missing, or "". See [ForbiddenError].
	Missing string `json:"missing,omitempty"`

	// Err matches one of this package's errors and often wraps a reason. It is for
	// the log and for errors.Is. Do not show its text to a client.
	Err error `json:"-"`
	// Link is the login path, with the page to return to if that is known, or "" if
	// a sign-in does not help. It is a path on this origin.
	Link string `json:"-"`
	// Home is the home page of this application, which the page links to: "/", below the
	// path of [WithBasePath]. It is "" if this application signs no user in.
	Home string `json:"-"`
	// RetryAfter is how long to wait before another attempt, or zero.
	RetryAfter time.Duration `json:"-"`
	// Page reports whether the answer is for a person, as a page.
	Page bool `json:"-"`
}

// ServeHTTP writes the default answer. That is a small page if f.Page is true, and
// otherwise the problem document, as application/problem+json. The page shows a Link or
// Home only if it is a path on this origin.
func (f Failure) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.Page {
		label := "Sign in"
		if errors.Is(f.Err, ErrSignInCancelled) || errors.Is(f.Err, ErrCookieConflict) || errors.Is(f.Err, ErrSignInStepRequired) {
			label = "Try again"
		}
		page.Write(w, f.Status, page.Page{Title: f.Title, Text: f.Detail, Link: f.Link, Label: label, Home: f.Home})
		return
	}
	writeJSON(w, "application/problem+json", f.Status, f)
}

// Fail answers a request as this package's own handlers answer err: by the handler
// of [WithErrorHandler], or by the default answer. An err that matches none of this
// package's errors is answered as [ErrSignInFailed].
//
// Do not pass an error of [AuthKit.Client] to Fail: a wrong password would be answered
// 502. Show your form again. Package workos lists the errors; use errors.As and
// workos.IsTransient. The example of [AuthKit.SaveStep] shows it.
func (a *AuthKit) Fail(w http.ResponseWriter, r *http.Request, err error) { a.fail(w, r, err, "") }

// fail answers a request with a page if the request accepts one, and with a problem
// document otherwise. returnTo is the page to return to after a sign-in, or "".
func (a *AuthKit) fail(w http.ResponseWriter, r *http.Request, err error, returnTo string) {
	a.answer(w, r, err, returnTo, wantsPage(r))
}

// failPage is fail for paths that only browsers are redirected to. The answer is a
// page unless the request shows that a program sent it.
func (a *AuthKit) failPage(w http.ResponseWriter, r *http.Request, err error, returnTo string) {
	a.answer(w, r, err, returnTo, wantsPage(r) || !wantsData(r))
}

// observeRefusal counts and reports an answer with an error, unless its client has left.
func (a *AuthKit) observeRefusal(r *http.Request, p *problem, err error) {
	if hasLeft(r.Context(), err) {
		return
	}
	a.counters.refusals.add(p.code)
	if a.observers == nil {
		return
	}
	seen := Observation{Kind: ObservedRefusal, Outcome: outcomeOfAnswer(p.status), Err: err, Begin: a.observers.begin()}
	if auth := requestAuthFrom(r.Context()); auth != nil {
		seen.UserID, seen.SessionID, seen.OrganizationID = auth.session.UserID(), auth.session.ID(), auth.session.OrganizationID()
	}
	a.observers.observe(r.Context(), seen)
}

func (a *AuthKit) answer(w http.ResponseWriter, r *http.Request, err error, returnTo string, toPerson bool) {
	p := problemOf(err)
	a.observeRefusal(r, p, err)
	f := Failure{
		Type:   p.typeURI(),
		Title:  p.title,
		Status: p.status,
		Detail: p.detail,
		Code:   p.code,
		Err:    err,
		Page:   toPerson,
	}
	var forbidden *ForbiddenError
	if errors.As(err, &forbidden) {
		f.Missing = forbidden.Missing
		f.Detail = "You are signed in, but your account lacks: " + forbidden.Missing + "."
	}
	var conflict *CookieConflictError
	if errors.As(err, &conflict) {
		f.Detail += " Their names are " + strings.Join(conflict.Names, ", ") + "."
	}
	var step explained
	if errors.As(err, &step) {
		f.Detail = step.explanation()
	}
	if a.signsIn() {
		f.Home = a.root()
		if p.offersSignIn() {
			f.Link = a.loginLink(returnTo)
		}
	}
	var later delayed
	if errors.As(err, &later) {
		f.RetryAfter = later.retryAfter()
		seconds := (f.RetryAfter + time.Second - 1) / time.Second
		w.Header().Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	noStore(w.Header())
	a.log.LogAttrs(r.Context(), levelOf(r.Context(), p.status, err), "authkit: request refused",
		slog.Int("status", p.status), slog.String("code", p.code), slog.Any("error", err))
	a.onError(w, r, f)
}

// levelOf returns the log level of an answer. Answers that a client causes are
// logged at Debug, also if the client has closed the connection. Failures of the
// server or of WorkOS are logged at Warn.
func levelOf(ctx context.Context, status int, err error) slog.Level {
	if status >= 500 && !hasLeft(ctx, err) {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// hasLeft reports whether err is that the client has closed the connection.
func hasLeft(ctx context.Context, err error) bool {
	return errors.Is(ctx.Err(), context.Canceled) && errors.Is(err, context.Canceled)
}

func writeJSON(w http.ResponseWriter, contentType string, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
