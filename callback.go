// Callback: the way back from AuthKit, and the exchange of the code.

package authkit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/authkit-go/authkit/internal/cookie"
	"github.com/authkit-go/authkit/internal/page"
	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

// Callback returns the handler that AuthKit sends the browser back to: it
// exchanges the code for a session, verifies it, sets its cookie and goes on
// to the page that the sign-in was started from. It is mounted at the path of
// the redirect URL:
//
//	mux.Handle("GET /callback", ak.Callback())
//
// A callback that does not belong to a sign-in of this browser makes no
// exchange. Where somebody is signed in already, because the page was loaded
// again for one, it leads on: to the page of that sign-in, or to "/" where that
// is not known. A sign-in that took longer than [WithSignInTimeout] starts again
// once, to the same page. Any other failure is answered with a page, leaves an
// older session as it was, and links to a new sign-in. What a query can cause is
// a 4xx; a 5xx is an outage, or this application's own fault. Any method but GET
// is answered 405, and a prefetch 403: neither uses anything up.
//
// Callback panics if no redirect URL is configured.
func (a *AuthKit) Callback() http.Handler {
	a.mustRedirect("Callback")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Referrer-Policy", "no-referrer") // the URL holds the code
		if !a.acceptsSignIn(w, r) {
			return
		}
		query := r.URL.Query()
		state, code := query.Get("state"), query.Get("code")
		switch {
		case isMalformedCallback(query):
			a.failPage(w, r, fmt.Errorf("%w: a parameter is missing or came twice", ErrInvalidState), "")
		case state != "":
			a.finishSignIn(w, r, query)
		case code != "":
			a.restart(w, r)
		default:
			a.failPage(w, r, refusal(query), "")
		}
	})
}

// isGarbled reports whether a query is not one that AuthKit sends: with a code
// or an error, and each parameter once (RFC 6749, section 4.1.2).
func isMalformedCallback(query url.Values) bool {
	for _, name := range []string{"state", "code", "error"} {
		if len(query[name]) > 1 {
			return true
		}
	}
	return query.Has("code") == query.Has("error") || query.Get("code")+query.Get("error") == ""
}

// restart answers a code without a state. It may be a dashboard impersonation
// or an old link, and it may be an attacker's own code, forced on this browser
// to sign it in as the attacker (RFC 6749, section 10.12): so the code is
// dropped and a sign-in of our own started. Coming here again at once, which a
// misconfigured sign-in endpoint would cause without end, gives a page.
func (a *AuthKit) restart(w http.ResponseWriter, r *http.Request) {
	if cookie.Has(r.Header, a.cookies.RestartName()) {
		a.cookies.Expire(w.Header(), a.cookies.RestartName())
		a.failPage(w, r, fmt.Errorf("%w: the callback had no state, twice", ErrInvalidState), "")
		return
	}
	request := a.newAuthorizationRequest(a.loginParams(r))
	request.withoutState = true
	a.startSignIn(w, r, request)
}

// finishSignIn answers a callback that has a state.
func (a *AuthKit) finishSignIn(w http.ResponseWriter, r *http.Request, query url.Values) {
	ctx := r.Context()
	pending, err := a.findPendingSignIn(r, query.Get("state"))
	if err != nil {
		a.refuseState(w, r, pending, err)
		return
	}
	code := query.Get("code")
	use := a.usedStates.peek(pending)
	if a.age(pending) >= a.signInTimeout && use == stateFresh {
		use = stateTooOld
	}
	if use == stateFresh && code != "" {
		// Without keys a session could not be verified, and the code would be
		// spent for nothing. Nothing is used up yet: loading the page again
		// goes on from here.
		if err := a.Ready(ctx); err != nil {
			a.failSignIn(w, r, fmt.Errorf("%w: %w", errSignInWaiting, err), pending.returnTo)
			return
		}
	}
	if use == stateFresh && code != "" { // an error uses nothing up: anybody can cause them in any number
		use = a.usedStates.consume(pending, pending.startedAt.Add(a.signInTimeout))
	}
	switch {
	case use == stateUsed:
		a.cookies.Expire(w.Header(), a.cookies.StateName(pending.state))
		a.refuseState(w, r, pending, errors.New("the state was used before"))
		return
	case use == stateTooOld && code != "" && !pending.restarted:
		a.restartSignIn(w, r, pending)
		return
	}
	a.cookies.Expire(w.Header(), a.cookies.StateName(pending.state))
	if code == "" {
		a.failSignIn(w, r, refusal(query), pending.returnTo)
		return
	}
	if use == stateTooOld {
		err := fmt.Errorf("%w: the sign-in began %s ago, and was started again before", ErrInvalidState, a.age(pending).Round(time.Second))
		a.failSignIn(w, r, err, pending.returnTo)
		return
	}
	authentication, err := a.exchangeCode(ctx, r, pending, code)
	if err == nil {
		_, err = a.completeSignIn(w, r, authentication, *pending)
	}
	if err != nil {
		a.failSignIn(w, r, err, pending.returnTo)
		return
	}
	a.redirectAfterSignIn(w, pending.returnTo)
}

// refuseState answers a callback whose state is wrong or used. It leads a
// browser on in which somebody is signed in already: the page was loaded again,
// or its tab restored. Nothing in this depends on the query, so a link that
// somebody was sent leads to no other page than their own. pending is the
// sign-in that the state belongs to, nil where none is known.
func (a *AuthKit) refuseState(w http.ResponseWriter, r *http.Request, pending *pendingSignIn, err error) {
	returnTo := ""
	if pending != nil {
		returnTo = pending.returnTo
	}
	if a.isSignedIn(r) {
		a.log.LogAttrs(r.Context(), slog.LevelDebug, "authkit: callback without a sign-in under way, led on", slog.Any("error", err))
		a.redirectAfterSignIn(w, cmp.Or(returnTo, "/"))
		return
	}
	a.failPage(w, r, fmt.Errorf("%w: %w", ErrInvalidState, err), returnTo)
}

// isSignedIn reports whether a request's cookie holds a session that verifies, or
// is stale: its token has expired, or its key is withdrawn or cannot be had. The
// page that comes next decides on that.
func (a *AuthKit) isSignedIn(r *http.Request) bool {
	own := a.cookies.Session(r.Header)
	session, ended, err := a.sessionOf(r, &own)
	stale := errors.Is(err, jwks.ErrExpired) || errors.Is(err, jwks.ErrUnknownKey) || errors.Is(err, jwks.ErrUnavailable)
	return session != nil && !ended && (err == nil || stale)
}

// failSignIn answers a callback of a sign-in that was under way in this browser
// and makes no session.
func (a *AuthKit) failSignIn(w http.ResponseWriter, r *http.Request, err error, returnTo string) {
	a.signInFailed(r.Context(), err)
	a.failPage(w, r, err, returnTo)
}

// exchangeCode redeems a code.
func (a *AuthKit) exchangeCode(ctx context.Context, r *http.Request, pending *pendingSignIn, code string) (*workos.Authentication, error) {
	authentication, err := a.client.AuthenticateWithCode(ctx, workos.AuthenticateWithCodeParams{
		Code:            code,
		CodeVerifier:    pending.verifier,
		InvitationToken: pending.invitationToken,
		UserAgent:       r.UserAgent(),
	})
	if err == nil {
		return authentication, nil
	}
	retryAfter := workos.RetryAfter(err)
	err = fmt.Errorf("exchange the code: %w", err)
	var refusal *workos.Error
	refused := errors.As(err, &refusal)
	var limited *workos.RateLimitError
	switch {
	case refused && refusal.StatusCode == http.StatusTooManyRequests, errors.As(err, &limited):
		return nil, fmt.Errorf("%w: %w", ErrSignInRateLimited, unavailable(err, retryAfter))
	case refused && !workos.IsTransient(err) && !refusesApplication(refusal):
		return nil, fmt.Errorf("%w: %w", ErrSignInRefused, err) // also where the client has left since
	case workos.IsTransient(err), ctx.Err() != nil:
		return nil, fmt.Errorf("%w: %w", ErrSignInUnavailable, unavailable(err, retryAfter))
	}
	return nil, fmt.Errorf("%w: %w", ErrSignInFailed, err)
}

// refusesApplication reports whether a refusal is about this application's
// client ID or API key, whatever the code was.
func refusesApplication(refusal *workos.Error) bool {
	return refusal.Code == workos.CodeInvalidClient || refusal.Code == workos.CodeUnauthorizedClient ||
		refusal.StatusCode == http.StatusUnauthorized
}

// goOn leaves the callback. A Strict cookie would be withheld from a redirect
// that began at AuthKit, so then a page of this site makes the next request.
func (a *AuthKit) redirectAfterSignIn(w http.ResponseWriter, returnTo string) {
	noStore(w.Header())
	if a.cookies.SameSite() != http.SameSiteStrictMode {
		seeOther(w, returnTo)
		return
	}
	page.Write(w, http.StatusOK, page.Page{
		Title: "You are signed in", Text: "One moment …", Link: returnTo, Label: "Continue", Redirect: true,
	})
}

// refusal is what AuthKit says in place of a code (RFC 6749, section 4.1.2.1).
// Only the error code goes anywhere, and only to the log: the description is
// whatever the link that led here says.
func refusal(query url.Values) error {
	code := query.Get("error")
	if code == "access_denied" {
		return ErrSignInCancelled
	}
	if code == "" {
		return fmt.Errorf("%w: neither a code nor an error came back", ErrInvalidState)
	}
	return fmt.Errorf("%w: AuthKit answered %.64q", ErrSignInRefused, code)
}

// SignIn makes an authentication this browser's session. It is the end of a
// sign-in with forms of the application's own, whichever grant of package
// workos it came from, and does what [AuthKit.Callback] does: the token is
// verified, the hook of [WithOnSignIn] is called, the session's cookie replaces
// whatever was there, what [AuthKit.SaveStep] saved is removed, and the response
// must not be stored. Where to go next is the application's decision; it has
// to be a redirect or a page that is written after SignIn.
//
// An error is one of this package's, for [AuthKit.Fail]: no session was made
// and an older one is as it was.
//
// The form that leads here must not be postable from another site; see
// [AuthKit.RefuseCrossOrigin].
func (a *AuthKit) SignIn(w http.ResponseWriter, r *http.Request, authentication *workos.Authentication) (*Session, error) {
	session, err := a.completeSignIn(w, r, authentication, pendingSignIn{})
	if err != nil {
		a.signInFailed(r.Context(), err)
	}
	return session, err
}

// establish verifies an authentication and makes it the session of the
// browser that the sign-in belongs to.
func (a *AuthKit) completeSignIn(w http.ResponseWriter, r *http.Request, authentication *workos.Authentication, pending pendingSignIn) (*Session, error) {
	ctx := r.Context()
	now := a.clock.Now()
	sealed := payload.Session{
		AccessToken:          authentication.AccessToken,
		RefreshToken:         authentication.RefreshToken,
		Impersonator:         authentication.Impersonator,
		AuthenticationMethod: authentication.AuthenticationMethod,
		SignedInAt:           now,
		RefreshedAt:          now,
	}
	sealed.SetUser(authentication.User)
	if unverified := unverifiedSession(sealed); unverified != nil {
		sealed.SignedInAt = a.signInTime(unverified.ID())
	}
	session, err := a.verify(ctx, a.freshVerifier, sealed)
	switch {
	case errors.Is(err, jwks.ErrUnavailable):
		return nil, fmt.Errorf("%w: %w", ErrSignInUnavailable, keysUnavailable(err))
	case err != nil:
		return nil, fmt.Errorf("%w: the new access token is not accepted: %w", ErrSignInFailed, err)
	case !pending.satisfiesMaxAge(session):
		return nil, fmt.Errorf("%w: AuthKit gave no new proof", ErrRecentAuthRequired)
	}
	text, err := a.format.seal(session)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignInFailed, err)
	}
	if err := a.cookies.CheckSize(text); err != nil {
		return nil, tooLarge(session, err)
	}
	// A session that a script has signed out may be signed in to again. It is not
	// revoked while the hook runs, and is not forgotten if the hook refuses.
	heldBack := a.revocations.cancel(session.ID())
	kept := false
	defer func() {
		if heldBack != nil && !kept {
			a.revocations.revoke(heldBack, logoutGrace)
		}
	}()
	if err := a.onSignIn(ctx, SignInEvent{Session: session, AppState: pending.appState, ReturnTo: pending.returnTo}); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignInHookFailed, err)
	}
	// Browsers that do not tell a host-only cookie from one of the same Domain
	// (RFC 6265, section 5.3) go by the order: the session comes last.
	a.cookies.CountSignIn(w.Header(), r)
	a.cookies.ExpireDuplicatesAtEnd(w.Header(), r, len(text))
	if err := a.cookies.SetSession(w.Header(), r, text); err != nil {
		return nil, tooLarge(session, err)
	}
	kept = true
	a.replaceSessions(r, session, pending.replaced)
	for _, name := range []string{a.cookies.RestartName(), a.cookies.StepName()} {
		if cookie.Has(r.Header, name) {
			a.cookies.Expire(w.Header(), name)
		}
	}
	noStore(w.Header())
	a.log.LogAttrs(ctx, slog.LevelInfo, "authkit: signed in", slog.String("user_id", session.UserID()))
	return session, nil
}

// replaceSessions gives a new session the place of those that the request
// brings, or that were there when the sign-in began: nothing of them that is
// still under way may set a cookie any more. They are ended, here and at WorkOS,
// but for the WorkOS session that the new one goes on with. Of that one, what was
// signed out stays so: its copies must not come back with it.
func (a *AuthKit) replaceSessions(r *http.Request, session *Session, earlier *replacedSession) {
	a.rotations.countSignIn()
	sessions := a.sessionsInCookies(r)
	if earlier != nil {
		sessions = append(sessions, earlier.session(a.clock.Now()))
	}
	if !a.shared {
		a.signedOut.keep(session.ID(), a.clock.Now().Add(cookie.MaxLifetime))
	}
	for _, before := range sessions {
		switch {
		case before.ID() != session.ID():
			a.markSignedOut(before, false, replacedLifetime)
			a.revocations.revoke(before, 0)
		case before.sealed.RefreshToken != session.sealed.RefreshToken:
			a.rotations.supersede(before)
		}
	}
}
