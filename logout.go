// Logout and SignOut: the handler and the call that sign a session out, here and at
// WorkOS.

package authkit

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/authkit-go/authkit/internal/sessioncache"
)

// Logout returns the handler that signs the user out: the cookie is removed, WorkOS ends
// the session, and this process refuses a copy of the cookie until its token would have
// expired. Mount it as POST /logout ([WithLogoutPath]), behind a form of the
// application:
//
//	<form method="post" action="/logout"><button>Sign out</button></form>
//
// A browser that posts a form is redirected (303) to WorkOS's own logout, and from there
// to [WithPostLogoutRedirectURL]. A script that calls fetch gets 200 and
// {"logout_url":"…"}, and should load that URL. If the script accepts HTML and no JSON,
// as that of a service worker that repeats the form's POST, it gets a page that loads
// the URL. If the URL is not loaded within 30 seconds, the session is revoked at WorkOS
// in the background, so that a copy of its cookie cannot be refreshed (sessions/revoke,
// retried for a few minutes). A public client has no API key for that. There only
// logout_url ends the session at WorkOS.
//
// All sessions that open among the request's cookies are signed out, here and at WorkOS.
// So a cookie that an attacker has planted beside the session cookie does not keep the
// session alive. Cookies of the same name with another Domain or Path are expired too.
//
// The response tells the browser to clear its cache for this origin, so that the back
// button shows no page of the account ([Clear-Site-Data]). [WithClearSiteData] changes
// that.
//
// Logout needs no signing keys, does not wait for WorkOS, and works with an expired
// session. Only a session without a seal ([WithSharedSession]) needs the keys: its token
// must verify before it is signed out. Without a session that opens, it clears the cookies and redirects to
// [WithPostLogoutRedirectURL], or to "/". A POST from another site's page is answered
// 403, and any other method 405. Neither changes anything. If it is mounted without a
// method, as "/logout", a person who opens that address gets a page that leads home.
//
// [Clear-Site-Data]: https://www.w3.org/TR/clear-site-data/
func (a *AuthKit) Logout() http.Handler {
	return a.post(func(w http.ResponseWriter, r *http.Request) {
		location, _ := a.endSessions(w, r, loadsPage(r))
		a.continueTo(w, r, location, "logout_url")
	})
}

// SignOut signs out the session of a request, as the handler [AuthKit.Logout] does. Call
// it before the response is written, for example after an account was closed. It clears
// the cookies, tells the browser to clear its cache for this origin, and keeps the
// response out of caches. [FromContext] still returns the session that the request began
// with. SignOut works behind the middleware, and also without it. A page of another site
// must not be able to send the request. See [AuthKit.RefuseCrossOrigin].
//
// Redirect the browser to logoutURL, so that WorkOS ends the session too. If that has not
// happened after 30 seconds, the session is revoked at WorkOS in the background, except
// for a public client.
//
// The error matches [ErrUnauthenticated] if no session opens among the cookies of the
// request, for example because the request has a bearer token or an API key. The cookies
// are cleared nevertheless, and logoutURL is the URL of [WithPostLogoutRedirectURL] or
// "/".
func (a *AuthKit) SignOut(w http.ResponseWriter, r *http.Request) (logoutURL string, err error) {
	location, found := a.endSessions(w, r, false)
	if !found {
		return location, fmt.Errorf("%w: the request has no cookie of a session", ErrUnauthenticated)
	}
	return location, nil
}

// endSessions signs out all sessions among the cookies of a request, and clears the
// cookies. It returns the address that the browser should load next, and reports whether
// there was a session. redirects says that the response sends the browser there.
func (a *AuthKit) endSessions(w http.ResponseWriter, r *http.Request, redirects bool) (location string, found bool) {
	postLogoutURL := a.postLogoutURLs.of(r).url
	location = cmp.Or(postLogoutURL, a.root())
	sessions := a.sessionsInCookies(r)
	if len(sessions) > 0 {
		redirected := sessions[0] // WorkOS's own logout ends this one
		location = a.client.LogoutURL(redirected.ID(), postLogoutURL)
		a.signOut(r, sessions)
		for _, session := range sessions {
			switch {
			case session.ID() != redirected.ID():
				a.revocations.revoke(session, 0)
			case !redirects:
				a.revocations.revoke(session, logoutGrace)
			}
		}
	}
	a.cookies.ExpireDuplicatesAtSignOut(w.Header(), r, len(location))
	a.cookies.ClearSession(w.Header(), r)
	a.varyOnCredentials(w.Header())
	noStore(w.Header())
	if a.clearSiteData != "" {
		// The browser's caches, with the one for the back button, may contain pages of
		// the account (https://www.w3.org/TR/clear-site-data/).
		w.Header().Set("Clear-Site-Data", a.clearSiteData)
	}
	return location, len(sessions) > 0
}

// signOut marks sessions as signed out in this process. It logs each sign-out and calls
// the hook for it, unless the session was signed out before.
func (a *AuthKit) signOut(r *http.Request, sessions []*Session) {
	begin := a.observers.begin()
	own := a.cookies.Session(r.Header)
	served := own.Found() && a.cache.Get(sessioncache.Cookie, own.Parts()) != nil
	var first, again []*Session // again were signed out before, which all instances know
	var ended []signOutNotice
	for _, session := range sessions {
		if a.isSignedOut(session) {
			a.markSignedOut(session, served, 0)
			again = append(again, session)
			continue
		}
		first = append(first, session)
		ended = append(ended, a.markSignedOut(session, served, 0))
	}
	a.tellInstances(r.Context(), ended, again)
	for _, session := range first {
		a.counters.signOuts.Add(1)
		a.observers.observe(r.Context(), Observation{
			Kind: ObservedSignOut, Outcome: OutcomeOK, Begin: begin,
			UserID: session.UserID(), SessionID: session.ID(), OrganizationID: session.OrganizationID(),
		})
		a.log.LogAttrs(r.Context(), slog.LevelInfo, "authkit: signed out", slog.String("user_id", session.UserID()))
		a.callHook(r.Context(), "WithOnSignOut", func() { a.onSignOut(r.Context(), SignOutEvent{Session: session}) })
	}
}
