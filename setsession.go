// Which session cookie a response sets or clears.

package authkit

import (
	"fmt"
	"log/slog"
	"net/http"
)

// keepRenewed sets the cookie of a renewed session. One that has outgrown its
// cookies serves this request, and those that the memory answers.
func (a *AuthKit) setRefreshedSession(w http.ResponseWriter, r *http.Request, v *requestAuth, next *outcome) {
	if kept := a.setSession(w.Header(), r, next.session, next.text); kept != nil {
		v.pending.Store(kept)
	}
}

// keepUnrenewed sets what a session that could not be renewed must not lose: a
// refresh token that came without an access token that could be verified, and
// the time of its use where there is an idle limit, since an outage is nobody's
// idleness.
func (a *AuthKit) setUnrefreshedSession(w http.ResponseWriter, r *http.Request, v *requestAuth, old *Session) {
	newest, _ := a.rotations.newest(old)
	if newest == old && a.idleTimeout == 0 {
		return
	}
	sealed := *newest.sealed
	sealed.RefreshedAt = a.clock.Now()
	if kept := a.setSession(w.Header(), r, makeSession(sealed, newest.claims), ""); kept != nil {
		v.pending.Store(kept)
	}
}

// clearEnded lets the response clear the cookie of a session that WorkOS has
// ended. Whether it still may is decided when its header is written. A response
// that is not this middleware's is about to be written, and is decided on here.
func (a *AuthKit) clearEndedSession(w http.ResponseWriter, r *http.Request, v *requestAuth, ended *Session, since counts) {
	a.cookies.RemoveSetCookie(w.Header())
	cleared := &pendingCookie{session: ended, clear: true, since: since}
	if v.authKit == a {
		v.pending.Store(cleared)
		return
	}
	a.finalizeClear(w, r, cleared)
}

// lastClear clears the cookie of a session that WorkOS has ended, unless
// something has taken its place since the request began, or the handler has said
// something of the session's cookies itself. It returns what the response is
// about to do now.
func (a *AuthKit) finalizeClear(w http.ResponseWriter, r *http.Request, kept *pendingCookie) *pendingCookie {
	h := w.Header()
	number := a.rotations.claimClear(kept.session, kept.since, kept.clearNumber)
	switch {
	case number == 0 && kept.clearNumber != 0:
		a.cookies.RemoveExpiry(h)
	case number != 0 && !a.cookies.SetsSession(h):
		a.cookies.ClearSession(h, r)
	}
	decided := *kept
	decided.clearNumber = number
	return &decided
}

// keep sets the cookie of a session, whose text is empty where it is not sealed
// yet. It returns nil if that cannot be.
func (a *AuthKit) setSession(h http.Header, r *http.Request, s *Session, text string) *pendingCookie {
	var err error
	if text == "" {
		text, err = a.format.seal(s)
	}
	if err == nil {
		if err = a.cookies.SetSession(h, r, text); err == nil {
			return &pendingCookie{session: s, sealed: text}
		}
		err = tooLarge(s, err)
	}
	a.log.LogAttrs(r.Context(), slog.LevelError, "authkit: session not kept", slog.Any("error", err))
	return nil
}

// tooLarge returns an [ErrSessionTooLarge] that lists what fills the cookies.
func tooLarge(s *Session, err error) error {
	return fmt.Errorf("%w: %w: %s", ErrSessionTooLarge, err, s.sealed.Breakdown())
}

// lastCookie sees to it that a response which comes late does not take the
// browser back: behind a logout or a sign-in, or to tokens that were exchanged
// since the request began. What those have become it carries. One whose handler
// has dropped the cookie, as http.TimeoutHandler does with any header, gets it
// again. It returns what the response is about to set now.
func (a *AuthKit) finalizeSession(h http.Header, r *http.Request, kept *pendingCookie) *pendingCookie {
	newest, spent := a.rotations.newest(kept.session)
	a.rotations.reached("examined")
	gone := spent || a.isSignedOut(kept.session)
	switch {
	case !gone && newest == kept.session:
		if kept.sealed != "" && !a.cookies.SetsSession(h) {
			return a.setSession(h, r, kept.session, kept.sealed)
		}
	case a.cookies.RemoveSetCookieFor(h, kept.sealed) && !gone:
		if next := a.setSession(h, r, newest, ""); next != nil {
			return next
		}
	}
	return kept
}
