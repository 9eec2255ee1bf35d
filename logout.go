// Logout: the end of a session, here and at WorkOS.

package authkit

import (
	"cmp"
	"log/slog"
	"net/http"
)

// Logout returns the handler that ends a session: its cookie is removed, this
// process refuses it until its token would have expired should it be replayed,
// and WorkOS ends it too. It is mounted as POST /logout, behind a form of the
// application:
//
//	<form method="post" action="/logout"><button>Sign out</button></form>
//
// A browser that posts a form is sent (303) through WorkOS's own logout to
// [WithPostLogoutRedirectURL]. A script that calls fetch gets 200 and
// {"logout_url":"…"}, the address to go to. Where the browser has not been there
// after 30 seconds, the session is revoked at WorkOS behind the response, so that
// a copy of its cookie cannot be refreshed (sessions/revoke, retried for a few
// minutes). A public client has no key for that: then only logout_url ends the
// session at WorkOS.
//
// Cookies that somebody planted beside the session's own protect nothing: every
// session that opens among them is ended, here and at WorkOS, and the forms of
// the cookie that are not in use are expired too.
//
// The browser is told to clear its cache of this origin, so that the way back
// shows no page of the account ([Clear-Site-Data]).
//
// It needs no keys, does not wait for WorkOS, and works with an expired session.
// With an unreadable session, or none, it clears the cookies and leads home. A
// POST from another site's page is answered 403 and any other method 405, and
// neither changes anything.
//
// [Clear-Site-Data]: https://www.w3.org/TR/clear-site-data/
func (a *AuthKit) Logout() http.Handler {
	return a.post(func(w http.ResponseWriter, r *http.Request) {
		location := cmp.Or(a.postLogoutRedirectURL, "/")
		toPage := wantsPage(r)
		sessions := a.sessionsInCookies(r)
		if len(sessions) > 0 {
			through := sessions[0] // the one that WorkOS's own logout ends
			location = a.client.LogoutURL(through.ID(), a.postLogoutRedirectURL)
			a.signOut(r, sessions)
			for _, session := range sessions {
				switch {
				case session.ID() != through.ID():
					a.revocations.revoke(session, 0)
				case !toPage:
					a.revocations.revoke(session, logoutGrace)
				}
			}
		}
		a.cookies.ExpireDuplicatesAtSignOut(w.Header(), r, len(location))
		a.cookies.ClearSession(w.Header(), r)
		noStore(w.Header())
		// https://www.w3.org/TR/clear-site-data/: what a browser has kept of this
		// origin's pages, for the way back too, belongs to a person who has left.
		w.Header().Set("Clear-Site-Data", `"cache"`)
		if toPage {
			seeOther(w, location)
			return
		}
		writeJSON(w, "application/json", http.StatusOK, map[string]string{"logout_url": location})
	})
}

// signOut ends sessions in this process.
func (a *AuthKit) signOut(r *http.Request, sessions []*Session) {
	own := a.cookies.Session(r.Header)
	served := own.Found() && a.cache.Get(own.Parts()) != nil
	for _, session := range sessions {
		again := a.isSignedOut(session)
		a.markSignedOut(session, served, 0)
		if again {
			continue
		}
		a.log.LogAttrs(r.Context(), slog.LevelInfo, "authkit: signed out", slog.String("user_id", session.UserID()))
		a.callHook(r.Context(), "WithOnSignOut", func() { a.onSignOut(r.Context(), SignOutEvent{Session: session}) })
	}
}
