// Which session cookie a response sets or clears.

package authkit

import (
	"log/slog"
	"net/http"
	"slices"

	"github.com/authkit-go/authkit/internal/sessioncache"
)

// setRefreshedSession sets the cookie of a refreshed session. If the session has
// become too large for cookies, nothing is set. The session then serves this
// request, and the requests that the remembered outcome answers.
func (a *AuthKit) setRefreshedSession(w http.ResponseWriter, r *http.Request, auth *requestAuth, next *outcome) {
	cookie := &next.cookie
	if cookie.lines != nil {
		a.cookies.SetLines(w.Header(), r, cookie.lines)
		if len(cookie.lines) > 1 {
			a.mistakes.SessionSet(a.cookies.Chunks(cookie.sealed))
		}
		auth.pending.Store(cookie)
		a.replaceInCache(r, next)
		return
	}
	if pending := a.setSession(w.Header(), r, next.session, cookie.sealed); pending != nil {
		auth.pending.Store(pending)
		a.replaceInCache(r, next)
	}
}

// replaceInCache tells the cache that the browser will send a new session cookie in place of
// that of the request. One of the requests that wait for an exchange does so for all.
func (a *AuthKit) replaceInCache(r *http.Request, next *outcome) {
	if a.cache == nil || next.replaced.Load() || next.replaced.Swap(true) {
		return
	}
	if own := a.cookies.Session(r.Header); own.Found() {
		a.cache.Replace(sessioncache.Cookie, own.Parts(), next.cookie.sealed)
	}
}

// setUnrefreshedSession sets the cookie of a session that could not be refreshed,
// if the cookie has something new:
//
//   - a new refresh token, whose access token could not be verified
//   - the time of use if there is an idle timeout, because an outage must not
//     count as idle time
func (a *AuthKit) setUnrefreshedSession(w http.ResponseWriter, r *http.Request, auth *requestAuth, old *Session) {
	newest, _ := a.rotations.newest(old)
	if newest == old && a.idleTimeout == 0 {
		return
	}
	sealed := *newest.sealed
	sealed.RefreshedAt = a.clock.Now()
	if pending := a.setSession(w.Header(), r, makeSession(sealed, newest.claims), ""); pending != nil {
		auth.pending.Store(pending)
	}
}

// clearEndedSession makes the response clear the cookie of a session that WorkOS
// has ended. finalizeClear decides about it when the header is written. If the
// response is not wrapped by the middleware of a, clearEndedSession decides now.
func (a *AuthKit) clearEndedSession(w http.ResponseWriter, r *http.Request, auth *requestAuth, ended *Session, since counts) {
	a.signedOut.watches.ended(ended)
	a.cookies.RemoveSetCookie(w.Header())
	pending := &pendingCookie{session: ended, clear: true, since: since}
	if auth.authKit == a {
		auth.pending.Store(pending)
		return
	}
	a.finalizeClear(w, r, pending)
}

// finalizeClear clears the cookie of a session that WorkOS has ended, unless
// claimClear forbids it or the handler has set a session cookie itself. If an
// earlier call for the same response has cleared the cookie, and claimClear
// forbids it now, finalizeClear takes that back. It returns the new pending
// cookie of the response.
func (a *AuthKit) finalizeClear(w http.ResponseWriter, r *http.Request, pending *pendingCookie) *pendingCookie {
	h := w.Header()
	decided := *pending
	number := a.rotations.claimClear(pending.session, pending.since, pending.clearNumber)
	if number != 0 {
		var clear bool
		if clear, decided.clearMark = a.mayClearEverywhere(r.Context(), pending.session, pending.clearMark); !clear {
			number = 0
		}
	}
	switch {
	case number == 0 && pending.clearNumber != 0:
		a.cookies.RemoveExpiry(h)
	case number != 0 && !a.cookies.SetsSession(h):
		a.cookies.ClearSession(h, r)
	}
	decided.clearNumber = number
	return &decided
}

// setSession sets the cookie of a session. It seals the session if text is empty.
// It returns nil, and logs why, if the session cannot be sealed or is too large.
func (a *AuthKit) setSession(h http.Header, r *http.Request, s *Session, text string) *pendingCookie {
	var err error
	if text == "" {
		text, err = a.format.seal(s)
	}
	if err == nil {
		if err = a.cookies.SetSession(h, r, text); err == nil {
			a.mistakes.SessionSet(a.cookies.Chunks(text))
			return &pendingCookie{session: s, sealed: text}
		}
		err = tooLarge(s, err)
	}
	a.log.LogAttrs(r.Context(), slog.LevelError, "authkit: session cookie not set", slog.Any("error", err))
	return nil
}

// finalizeSession corrects the session cookie of a response when its header is
// written. It returns the new pending cookie of the response.
//
//   - If the session was signed out, or its refresh token was consumed without a
//     newer session to set, the cookie is removed from the header.
//   - If the session was refreshed since the request began, the cookie of the
//     newest session is set instead.
//   - If the handler has dropped the cookie, as http.TimeoutHandler drops every
//     header, it is set again.
func (a *AuthKit) finalizeSession(h http.Header, r *http.Request, pending *pendingCookie) *pendingCookie {
	newest, consumed := a.rotations.newest(pending.session)
	a.rotations.reached("newest read")
	if !consumed && (newest != pending.session || pending.sealed != "") {
		newest, consumed = a.newestAtAnyInstance(r.Context(), newest)
	}
	mustNotSet := consumed || a.isSignedOut(pending.session) // read last: order 4 of rotation.go
	switch {
	case !mustNotSet && newest == pending.session:
		if pending.sealed != "" && !a.setsPending(h, pending) {
			return a.setSession(h, r, pending.session, pending.sealed)
		}
	case a.cookies.RemoveSetCookieFor(h, pending.sealed) && !mustNotSet:
		if next := a.setSession(h, r, newest, ""); next != nil {
			return next
		}
	}
	return pending
}

// setsPending reports whether a header sets the session of a pending cookie, or another one.
func (a *AuthKit) setsPending(h http.Header, pending *pendingCookie) bool {
	if pending.lines != nil && slices.Contains(h["Set-Cookie"], pending.lines[0]) {
		return true // without reading the lines, for each of many waiters
	}
	return a.cookies.SetsSession(h)
}
