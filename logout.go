// Logout: the handler that signs a session out, here and at WorkOS.

package authkit

import (
	"cmp"
	"log/slog"
	"net/http"
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
// {"logout_url":"…"}, and should load that URL. If it has not after 30 seconds, the
// session is revoked at WorkOS in the background, so that a copy of its cookie cannot be
// refreshed (sessions/revoke, retried for a few minutes). A public client has no API key
// for that. There only logout_url ends the session at WorkOS.
//
// All sessions that open among the request's cookies are signed out, here and at WorkOS.
// So a cookie that an attacker has planted beside the session cookie does not keep the
// session alive. Cookies of the same name with another Domain or Path are expired too.
//
// The response tells the browser to clear its cache for this origin, so that the back
// button shows no page of the account ([Clear-Site-Data]).
//
// Logout needs no signing keys, does not wait for WorkOS, and works with an expired
// session. Without a session that opens, it clears the cookies and redirects to
// [WithPostLogoutRedirectURL], or to "/". A POST from another site's page is answered
// 403, and any other method 405. Neither changes anything.
//
// [Clear-Site-Data]: https://www.w3.org/TR/clear-site-data/
func (a *AuthKit) Logout() http.Handler {
	return a.post(func(w http.ResponseWriter, r *http.Request) {
		location := cmp.Or(a.postLogoutRedirectURL, "/")
		toPage := wantsPage(r)
		sessions := a.sessionsInCookies(r)
		if len(sessions) > 0 {
			redirected := sessions[0] // WorkOS's own logout ends this one
			location = a.client.LogoutURL(redirected.ID(), a.postLogoutRedirectURL)
			a.signOut(r, sessions)
			for _, session := range sessions {
				switch {
				case session.ID() != redirected.ID():
					a.revocations.revoke(session, 0)
				case !toPage:
					a.revocations.revoke(session, logoutGrace)
				}
			}
		}
		a.cookies.ExpireDuplicatesAtSignOut(w.Header(), r, len(location))
		a.cookies.ClearSession(w.Header(), r)
		noStore(w.Header())
		// The browser's caches, with the one for the back button, may contain pages of
		// the account (https://www.w3.org/TR/clear-site-data/).
		w.Header().Set("Clear-Site-Data", `"cache"`)
		if toPage {
			seeOther(w, location)
			return
		}
		writeJSON(w, "application/json", http.StatusOK, map[string]string{"logout_url": location})
	})
}

// signOut marks sessions as signed out in this process. It logs each sign-out and calls
// the hook for it, unless the session was signed out before.
func (a *AuthKit) signOut(r *http.Request, sessions []*Session) {
	own := a.cookies.Session(r.Header)
	served := own.Found() && a.cache.Get(own.Parts()) != nil
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
		a.log.LogAttrs(r.Context(), slog.LevelInfo, "authkit: signed out", slog.String("user_id", session.UserID()))
		a.callHook(r.Context(), "WithOnSignOut", func() { a.onSignOut(r.Context(), SignOutEvent{Session: session}) })
	}
}
