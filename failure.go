// Failures as answers: a page for a person, a problem document for a program.

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
	// Code names the outcome for a program: "unauthenticated", "unavailable", ….
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
		if errors.Is(f.Err, ErrSignInCancelled) || errors.Is(f.Err, ErrCookieConflict) {
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
// that is none of this package's is answered as [ErrSignInFailed].
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
	o := problemOf(err)
	f := Failure{
		Err:    err,
		Status: o.status,
		Code:   o.code,
		Title:  o.title,
		Text:   o.detail,
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
	if a.signsIn() && o.offersSignIn() {
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

func writeJSON(w http.ResponseWriter, contentType string, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
