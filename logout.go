// Logout: the end of a session, here and at WorkOS.

package authkit

import (
	"log/slog"
	"net/http"
	"time"
)

// Logout returns the handler that ends a session: its cookie is removed, this
// process refuses it until its token would have expired should it be replayed,
// and WorkOS ends it too. It is mounted as POST /logout, behind a form of the application:
//
//	<form method="post" action="/logout"><button>Sign out</button></form>
//
// A browser that posts a form is sent (303) through WorkOS's own logout to
// [WithSignedOutURL]. A script that calls fetch gets 200 and
// {"logout_url":"…"}, the address to go to: until the browser has been there,
// WorkOS still knows the session.
//
// The browser is told to clear its cache of this origin, so that the way back
// shows nobody's pages ([Clear-Site-Data]).
//
// It needs no keys, calls nobody, and works with an expired session; with an
// unreadable one, or none, it clears the cookies and leads home. A POST from
// another site's page is answered 403 and any other method 405, and neither
// changes anything.
//
// [Clear-Site-Data]: https://www.w3.org/TR/clear-site-data/
func (a *AuthKit) Logout() http.Handler {
	return a.post(func(w http.ResponseWriter, r *http.Request) {
		location := a.signedOutURL
		if location == "" {
			location = "/"
		}
		if session := a.sessionSent(r); session != nil {
			location = a.client.LogoutURL(session.ID(), a.signedOutURL)
			again := a.hasEnded(session)
			a.end(session)
			if !again {
				a.log.LogAttrs(r.Context(), slog.LevelInfo, "authkit: signed out", slog.String("user_id", session.UserID()))
				a.callHook(r.Context(), "WithOnSignOut", func() { a.onSignOut(r.Context(), SignOutEvent{Session: session}) })
			}
		}
		a.cookies.clearSession(w, r)
		noStore(w.Header())
		// https://www.w3.org/TR/clear-site-data/: what a browser has kept of this
		// origin's pages, for the way back too, was somebody's who has left.
		w.Header().Set("Clear-Site-Data", `"cache"`)
		if wantsPage(r) {
			seeOther(w, location)
			return
		}
		writeJSON(w, "application/json", http.StatusOK, map[string]string{"logout_url": location})
	})
}

// sessionSent is the session that a request's cookie holds, verified or not:
// one to end or to replace, and never one to serve. It is nil where there is
// none to be read.
func (a *AuthKit) sessionSent(r *http.Request) *Session {
	sealed, err := a.readSession(r.Header)
	if err != nil {
		return nil
	}
	return unverifiedSession(sealed)
}

// end makes this process refuse a session until none of its access tokens can
// be good any more: those that were issued up to now, to whichever request,
// live as long as this one did.
func (a *AuthKit) end(s *Session) {
	lifetime := s.ExpiresAt().Sub(s.IssuedAt())
	if s.IssuedAt().IsZero() {
		lifetime = time.Hour
	}
	until := a.clock.Now().Add(max(lifetime, time.Minute))
	if s.ExpiresAt().After(until) {
		until = s.ExpiresAt()
	}
	a.ended.put(s.ID(), a.clock.Now(), until.Add(clockSkew))
	a.refreshes.supersede(s)
	a.refreshes.forgetRetired(s)
	a.signOuts.Add(1)
}

// hasEnded tells whether a session was ended in this process, and not begun
// anew by a later sign-in: AuthKit may sign somebody in to the WorkOS session
// that a script's logout has left alive.
func (a *AuthKit) hasEnded(s *Session) bool {
	at, ended := a.ended.get(s.ID())
	return ended && !s.SignedInAt().After(at)
}

// hasEndedSince is hasEnded for a session that is at hand for many requests: it
// looks again only after a sign-out, whoever's it was.
func (a *AuthKit) hasEndedSince(e *cachedSession) bool {
	signOuts := a.signOuts.Load()
	if e.checked.Load() == signOuts {
		return false
	}
	if a.hasEnded(e.session) {
		return true
	}
	e.checked.Store(signOuts)
	return false
}
