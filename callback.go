// The end of a sign-in: Callback and SignIn.

package authkit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/authkit-go/authkit/internal/cookie"
	"github.com/authkit-go/authkit/internal/page"
	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

// Callback returns the handler that AuthKit redirects the browser to after a sign-in. It
// exchanges the code for a session, verifies the session, sets its cookie and
// redirects the browser to the return path of the sign-in. Mount it at the path of
// [WithRedirectURL]:
//
//	mux.Handle("GET /callback", ak.Callback())
//
// If the state does not belong to a pending sign-in of this browser, no code is
// exchanged. If the browser already has a session then, for example because the page
// was loaded again, it is redirected to the return path of that sign-in, or to "/" if
// the path is not known. A sign-in that took longer than [WithSignInTimeout] starts
// again once, with the same return path. Any other failure is answered with a page
// that links to a new sign-in. It does not change an existing session.
//
// WorkOS may require a further step after a sign-in at a provider or a connection, such
// as the verification of the email address, the choice of an organization or a second
// factor. Then the browser is redirected to AuthKit's hosted pages, or to the connection
// that the organization requires, and the sign-in continues there. It does so once. If
// WorkOS requires a step again, a page says which one ([ErrSignInStepRequired]). With
// [WithSignInPage] it does not continue there: the application's error handler gets the
// error and can redirect to a form of its own.
//
// A query can cause only a 4xx. A 5xx means an outage or a fault of this application.
// A method other than GET is answered 405, and a prefetch 403. Neither uses the state
// or the code.
//
// Callback panics if no redirect URL is configured.
func (a *AuthKit) Callback() http.Handler {
	a.mustRedirect("Callback")
	return http.HandlerFunc(a.callback)
}

func (a *AuthKit) callback(w http.ResponseWriter, r *http.Request) {
	a.noteTarget(r)                                  // the middleware may not be in front
	w.Header().Set("Referrer-Policy", "no-referrer") // the URL contains the code
	if !a.acceptsSignIn(w, r) {
		return
	}
	query := r.URL.Query()
	state, code := query.Get("state"), query.Get("code")
	switch {
	case isMalformedCallback(query):
		a.failPage(w, r, fmt.Errorf("%w: a parameter is missing or repeated", ErrInvalidState), "")
	case state != "":
		a.finishSignIn(w, r, query)
	case code != "":
		a.restart(w, r)
	default:
		a.failPage(w, r, refusal(query), "")
	}
}

// isMalformedCallback reports whether AuthKit does not send such a query. AuthKit sends
// a code or an error, and each parameter once (RFC 6749, section 4.1.2).
func isMalformedCallback(query url.Values) bool {
	for _, name := range []string{"state", "code", "error"} {
		if len(query[name]) > 1 {
			return true
		}
	}
	return query.Has("code") == query.Has("error") || query.Get("code")+query.Get("error") == ""
}

// restart answers a code without a state with a new sign-in. The code may come from an
// impersonation in the WorkOS dashboard or from an old link. It may also be an
// attacker's own code, to sign this browser in as the attacker (RFC 6749, section
// 10.12). So it is never exchanged. A sign-in endpoint that is configured wrongly would
// cause a redirect loop, so the second such callback in a row is answered with a page.
func (a *AuthKit) restart(w http.ResponseWriter, r *http.Request) {
	if cookie.Has(r.Header, a.cookies.RestartName()) {
		a.cookies.Expire(w.Header(), a.cookies.RestartName())
		a.failPage(w, r, fmt.Errorf("%w: two callbacks in a row had no state", ErrInvalidState), "")
		return
	}
	request := a.newAuthorizationRequest(r, a.loginParams(r))
	request.withoutState = true
	a.startSignIn(w, r, request)
}

// finishSignIn answers a callback that has a state. An error instead of a code does not
// use the state: any link can cause such callbacks, and the used states are limited in
// number.
func (a *AuthKit) finishSignIn(w http.ResponseWriter, r *http.Request, query url.Values) {
	state := query.Get("state")
	pending, err := a.findPendingSignIn(r, state)
	if pending != nil {
		a.mistakes.StateReturned(r, state)
	} else {
		a.mistakes.StateMissing(r, state, cookie.Has(r.Header, a.cookies.StateName(state)))
	}
	if err != nil {
		a.refuseState(w, r, pending, err)
		return
	}
	pending.callbackAt = a.observers.begin()
	use := a.usedStates.peek(pending)
	if use == stateFresh && a.age(pending) >= a.signInTimeout {
		use = stateTooOld
	}
	switch code := query.Get("code"); {
	case use == stateUsed:
		a.refuseUsedState(w, r, pending)
	case code == "":
		a.expireState(w, pending)
		a.failSignIn(w, r, pending, refusal(query))
	case use == stateTooOld:
		a.replaceLateSignIn(w, r, pending)
	default:
		a.redeemCode(w, r, pending, code)
	}
}

// redeemCode uses the state, exchanges the code and completes the sign-in. It first
// makes sure that the signing keys are available: without them the session could not be
// verified, and the code would be lost. Without the keys it uses neither the state nor
// the code, so the user can load the page again.
func (a *AuthKit) redeemCode(w http.ResponseWriter, r *http.Request, pending *pendingSignIn, code string) {
	if err := a.Ready(r.Context()); err != nil {
		a.failSignIn(w, r, pending, fmt.Errorf("%w: %w", errSignInWaiting, err))
		return
	}
	switch a.usedStates.consume(pending, pending.startedAt.Add(a.signInTimeout)) {
	case stateUsed:
		a.refuseUsedState(w, r, pending)
		return
	case stateTooOld:
		a.replaceLateSignIn(w, r, pending)
		return
	}
	if !a.useStateEverywhere(r.Context(), pending) {
		a.refuseUsedState(w, r, pending)
		return
	}
	a.expireState(w, pending)
	known := a.noticesKnown()
	authentication, err := a.exchangeCode(r.Context(), r, pending, code)
	if step, found := nextStepOf(err); found {
		if a.mayContinue(r, pending) {
			a.continueSignIn(w, r, pending, step, err)
			return
		}
		err = &stepRequiredError{step.need, err}
	}
	if err == nil {
		_, err = a.completeSignIn(w, r, authentication, pending, known)
	}
	if err != nil {
		a.failSignIn(w, r, pending, err)
		return
	}
	a.redirectAfterSignIn(w, pending.returnTo)
}

// replaceLateSignIn starts a sign-in again that took too long. If it was started again
// before, it fails.
func (a *AuthKit) replaceLateSignIn(w http.ResponseWriter, r *http.Request, pending *pendingSignIn) {
	if !pending.restarted {
		a.restartSignIn(w, r, pending)
		return
	}
	a.expireState(w, pending)
	err := fmt.Errorf("%w: the sign-in started %s ago and was the second attempt", ErrInvalidState, a.age(pending).Round(time.Second))
	a.failSignIn(w, r, pending, err)
}

// expireState expires the cookie of a pending sign-in.
func (a *AuthKit) expireState(w http.ResponseWriter, pending *pendingSignIn) {
	a.cookies.Expire(w.Header(), a.cookies.StateName(pending.state))
}

// refuseUsedState answers a callback whose state was used.
func (a *AuthKit) refuseUsedState(w http.ResponseWriter, r *http.Request, pending *pendingSignIn) {
	a.expireState(w, pending)
	a.refuseState(w, r, pending, errors.New("the state was used before"))
}

// refuseState answers a callback whose state is wrong or used. If the browser already
// has a session, the page was probably loaded again or its tab restored, so the browser
// is redirected. The target does not depend on the query, so an attacker's link cannot
// choose it. pending is the sign-in of the state, or nil if it is not known.
func (a *AuthKit) refuseState(w http.ResponseWriter, r *http.Request, pending *pendingSignIn, err error) {
	returnTo := ""
	if pending != nil {
		returnTo = pending.returnTo
	}
	if a.isSignedIn(r) {
		a.log.LogAttrs(r.Context(), slog.LevelDebug, "authkit: callback without a pending sign-in, redirected a signed-in user", slog.Any("error", err))
		a.redirectAfterSignIn(w, cmp.Or(returnTo, a.root()))
		return
	}
	a.failPage(w, r, fmt.Errorf("%w: %w", ErrInvalidState, err), returnTo)
}

// isSignedIn reports whether the request's cookie contains a session that verifies, or
// that cannot be verified only because its token has expired, or because its signing key
// is withdrawn or unavailable. The next page decides about such a session.
func (a *AuthKit) isSignedIn(r *http.Request) bool {
	own := a.cookies.Session(r.Header)
	session, found, err := a.sessionOf(r, &own)
	if found.cached {
		a.counters.cacheHits.Add(1)
	}
	stale := errors.Is(err, jwks.ErrExpired) || errors.Is(err, jwks.ErrUnknownKey) || errors.Is(err, jwks.ErrUnavailable)
	return session != nil && !found.signedOut && (err == nil || stale)
}

// failSignIn answers the callback of a pending sign-in that failed, and calls the hook.
func (a *AuthKit) failSignIn(w http.ResponseWriter, r *http.Request, pending *pendingSignIn, err error) {
	a.signInFailed(r.Context(), err)
	a.observeSignIn(r.Context(), pending, nil, err)
	a.failPage(w, r, err, pending.returnTo)
}

// observeSignIn counts and reports a sign-in that has ended. The session is nil if it has failed.
func (a *AuthKit) observeSignIn(ctx context.Context, pending *pendingSignIn, session *Session, err error) {
	seen := Observation{Kind: ObservedSignIn, Outcome: OutcomeOK, Err: err, Begin: pending.callbackAt}
	switch {
	case err == nil:
		a.counters.signInsDone.Add(1)
		seen.UserID, seen.SessionID, seen.OrganizationID = session.UserID(), session.ID(), session.OrganizationID()
	case hasLeft(ctx, err): // anyone can do that, with any code
		seen.Outcome = OutcomeLeft
	default:
		p := problemOf(err)
		a.counters.signInFailures.add(p.code)
		seen.Outcome = outcomeOfAnswer(p.status)
	}
	a.observers.observe(ctx, seen)
}

// exchangeCode exchanges the code for an authentication. The error is one of this
// package's, by the reason of the failure.
func (a *AuthKit) exchangeCode(ctx context.Context, r *http.Request, pending *pendingSignIn, code string) (*workos.Authentication, error) {
	authentication, err := a.client.AuthenticateWithCode(ctx, workos.AuthenticateWithCodeParams{
		Code:            code,
		CodeVerifier:    pending.verifier,
		InvitationToken: pending.openInvitation(),
		UserAgent:       r.UserAgent(),
	})
	if err == nil {
		return authentication, nil
	}
	retryAfter := workos.RetryAfter(err)
	err = fmt.Errorf("exchange the code: %w", err)
	var refusal *workos.Error
	refused := errors.As(err, &refusal)
	if refused && refusesApplication(refusal) {
		a.calls.refuseCredentials()
	}
	var limited *workos.RateLimitError
	switch {
	case refused && refusal.StatusCode == http.StatusTooManyRequests, errors.As(err, &limited):
		return nil, fmt.Errorf("%w: %w", ErrSignInRateLimited, unavailable(err, retryAfter))
	case refused && !workos.IsTransient(err) && !refusesApplication(refusal):
		return nil, refuseSignIn(refusal.Code, err) // even if the client has closed the connection since
	case workos.IsTransient(err), ctx.Err() != nil:
		return nil, fmt.Errorf("%w: %w", ErrSignInUnavailable, unavailable(err, retryAfter))
	}
	return nil, fmt.Errorf("%w: %w", ErrSignInFailed, err)
}

// refusesApplication reports whether WorkOS refused the client ID or the API key of
// this application, and not the code.
func refusesApplication(refusal *workos.Error) bool {
	return refusal.Code == workos.CodeInvalidClient || refusal.Code == workos.CodeUnauthorizedClient ||
		refusal.StatusCode == http.StatusUnauthorized
}

// redirectAfterSignIn redirects the browser to the return path. Browsers do not send a
// Strict cookie after a redirect that started at AuthKit. Then the answer is a page of
// this site, which makes the next request.
func (a *AuthKit) redirectAfterSignIn(w http.ResponseWriter, returnTo string) {
	returnTo = a.SanitizeReturnPath(returnTo) // its origin may have been removed from the configuration
	noStore(w.Header())
	if a.cookies.SameSite() != http.SameSiteStrictMode {
		seeOther(w, returnTo)
		return
	}
	page.Write(w, http.StatusOK, page.Page{
		Title: "You are signed in", Text: "One moment …", Link: returnTo, Label: "Continue", Redirect: true, Origins: a.pageOrigins,
	})
}

// SignIn completes a sign-in through the application's own forms: it makes the session
// of this browser from an authentication, which any grant of package workos returned. It
// does what [AuthKit.Callback] does. It verifies the token, calls the hook of
// [WithOnSignIn], replaces the session cookie, removes what [AuthKit.SaveStep] saved, and
// keeps the response out of caches. Call it before the response is written, and then
// write a redirect or a page.
//
// The error is one of this package's, for [AuthKit.Fail]. No session was made then, and
// an existing session is unchanged. Do not pass an error of [AuthKit.Client] to Fail: a
// wrong password would be answered 502. Show your form again. Package workos lists the
// errors; use errors.As and workos.IsTransient. The example of [AuthKit.SaveStep] shows
// it.
//
// A page of another site must not be able to post to the handler that calls SignIn. See
// [AuthKit.RefuseCrossOrigin].
func (a *AuthKit) SignIn(w http.ResponseWriter, r *http.Request, authentication *workos.Authentication) (*Session, error) {
	pending := &pendingSignIn{callbackAt: a.observers.begin()}
	session, err := a.completeSignIn(w, r, authentication, pending, a.noticesKnown())
	if err != nil {
		a.signInFailed(r.Context(), err)
		a.observeSignIn(r.Context(), pending, nil, err)
	}
	return session, err
}

// completeSignIn makes the session of this browser from an authentication. Without a
// pending sign-in, pending is the zero value. It changes the return path of pending if
// the hook has set another one. known is the number of the last notice before WorkOS was
// called.
func (a *AuthKit) completeSignIn(
	w http.ResponseWriter, r *http.Request, authentication *workos.Authentication, pending *pendingSignIn, known uint64,
) (*Session, error) {
	ctx := r.Context()
	session, err := a.verifySignIn(ctx, authentication, pending, known)
	if err != nil {
		return nil, err
	}
	text, err := a.sealSignIn(session)
	if err != nil {
		return nil, err
	}
	// A script may have signed out this WorkOS session, so that it waits to be revoked.
	// The new sign-in uses it again, so it must not be revoked while the hook runs. If
	// the sign-in fails, it must still be revoked.
	revocation := a.revocations.cancel(session.ID())
	completed := false
	defer func() { // the hook may panic
		if revocation != nil && !completed {
			a.revocations.revoke(revocation, logoutGrace)
		}
	}()
	event := SignInEvent{Session: session, AppState: pending.appState, OAuthTokens: authentication.OAuthTokens, ReturnTo: pending.returnTo}
	returnTo := pending.returnTo
	if pending.state != "" {
		event.returnTo = &returnTo
	}
	if err := a.onSignIn(ctx, event); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignInHookFailed, err)
	}
	if err := a.setSignInCookies(w, r, session, text); err != nil {
		return nil, err
	}
	completed = true
	if returnTo != pending.returnTo {
		pending.returnTo = a.SanitizeReturnPath(returnTo)
	}
	a.mistakes.SignInCompleted(r, strings.TrimPrefix(pending.returnTo, a.basePath))
	a.announceResumed(ctx, session)
	a.replaceSessions(r, session, pending.replaced)
	noStore(w.Header())
	a.log.LogAttrs(ctx, slog.LevelInfo, "authkit: signed in", slog.String("user_id", session.UserID()))
	a.observeSignIn(ctx, pending, session, nil)
	return session, nil
}

// verifySignIn returns the session of an authentication if its access token verifies and
// satisfies the maximum age of the pending sign-in.
func (a *AuthKit) verifySignIn(ctx context.Context, authentication *workos.Authentication, pending *pendingSignIn, known uint64) (*Session, error) {
	now := a.clock.Now()
	sealed := payload.Session{
		AccessToken:          payload.NewToken(authentication.AccessToken),
		RefreshToken:         authentication.RefreshToken,
		Impersonator:         authentication.Impersonator,
		AuthenticationMethod: authentication.AuthenticationMethod,
		SignedInAt:           now,
		RefreshedAt:          now,
	}
	sealed.SetUser(authentication.User)
	if unverified := unverifiedSession(sealed); unverified != nil {
		sealed.SignedInAt = a.signInTime(unverified.ID(), unverified.UserID(), known)
	}
	session, err := a.verify(ctx, a.freshVerifier, sealed)
	switch {
	case errors.Is(err, jwks.ErrUnavailable):
		return nil, fmt.Errorf("%w: %w", ErrSignInUnavailable, keysUnavailable(err))
	case err != nil:
		return nil, fmt.Errorf("%w: the new access token is not accepted: %w", ErrSignInFailed, err)
	case !pending.satisfiesMaxAge(session):
		return nil, fmt.Errorf("%w: AuthKit returned no new authentication", ErrRecentAuthRequired)
	}
	return session, nil
}

// sealSignIn seals a new session. The error matches [ErrSessionTooLarge] if the session
// does not fit into its cookies.
func (a *AuthKit) sealSignIn(session *Session) (text string, err error) {
	if text, err = a.format.seal(session); errors.Is(err, ErrSessionTooLarge) {
		return "", err
	} else if err != nil {
		return "", fmt.Errorf("%w: %w", ErrSignInFailed, err)
	}
	if err := a.cookies.CheckSize(text); err != nil {
		return "", tooLarge(session, err)
	}
	return text, nil
}

// setSignInCookies sets the cookie of a new session and expires the cookies that only
// the sign-in needed. Some browsers do not distinguish a host-only cookie from a cookie
// with the same Domain (RFC 6265, section 5.3). In them the last Set-Cookie header
// counts, so duplicates are expired before the session is set.
func (a *AuthKit) setSignInCookies(w http.ResponseWriter, r *http.Request, session *Session, text string) error {
	if a.cookies.CountSignIn(w.Header(), r) {
		a.mistakes.ForeignReplaced(r)
	}
	a.cookies.ExpireDuplicatesAtEnd(w.Header(), r, len(text))
	if err := a.cookies.SetSession(w.Header(), r, text); err != nil {
		return tooLarge(session, err)
	}
	a.mistakes.SessionSet(a.cookies.Chunks(text))
	for _, name := range []string{a.cookies.RestartName(), a.cookies.StepName()} {
		if cookie.Has(r.Header, name) {
			a.cookies.Expire(w.Header(), name)
		}
	}
	return nil
}

// replaceSessions replaces the sessions of the request's cookies, and earlier, the
// session that the browser had when the sign-in started, by the new session. Responses
// that are still to come must not set a cookie for them. They are signed out, here and
// at WorkOS.
//
// The new session may belong to the same WorkOS session as one of them. That WorkOS
// session is not revoked. If it was signed out, the mark stays, so that old copies of its
// cookie are refused.
func (a *AuthKit) replaceSessions(r *http.Request, session *Session, earlier *replacedSession) {
	a.rotations.countSignIn()
	sessions := a.sessionsInCookies(r)
	if earlier != nil {
		sessions = append(sessions, earlier.session(a.clock.Now()))
	}
	if !a.shared {
		a.signedOut.keep(session.ID(), a.clock.Now().Add(cookie.MaxLifetime))
	}
	var ended []signOutNotice
	var superseded []*Session
	for _, old := range sessions {
		switch {
		case old.ID() != session.ID():
			ended = append(ended, a.markSignedOut(old, false, replacedLifetime))
			a.revocations.revoke(old, 0)
		case old.sealed.RefreshToken != session.sealed.RefreshToken:
			a.rotations.supersede(old)
			superseded = append(superseded, old)
		}
	}
	a.tellInstances(r.Context(), ended, superseded)
}
