// Which session cookie a response sets or clears.

package authkit

import (
	"fmt"
	"log/slog"
	"net/http"
)

// keepRenewed sets the cookie of a renewed session. One that has outgrown its
// cookies serves this request, and those that the memory answers.
func (a *AuthKit) keepRenewed(w http.ResponseWriter, r *http.Request, v *visit, next *renewal) {
	if kept := a.keep(w.Header(), r, next.session, next.text); kept != nil {
		v.kept.Store(kept)
	}
}

// keepUnrenewed sets what a session that could not be renewed must not lose: a
// refresh token that came without an access token that could be verified, and
// the time of its use where there is an idle limit, since an outage is nobody's
// idleness.
func (a *AuthKit) keepUnrenewed(w http.ResponseWriter, r *http.Request, v *visit, old *Session) {
	newest, _ := a.refreshes.latest(old)
	if newest == old && a.idleTimeout == 0 {
		return
	}
	sealed := *newest.sealed
	sealed.RefreshedAt = a.clock.Now()
	if kept := a.keep(w.Header(), r, makeSession(sealed, newest.claims), ""); kept != nil {
		v.kept.Store(kept)
	}
}

// clearEnded lets the response clear the cookie of a session that WorkOS has
// ended. Whether it still may is decided when its header is written. A response
// that is not this middleware's is about to be written, and is decided on here.
func (a *AuthKit) clearEnded(w http.ResponseWriter, r *http.Request, v *visit, ended *Session, since counts) {
	a.cookies.RemoveSetCookie(w.Header())
	cleared := &keptSession{session: ended, clears: true, since: since}
	if v.owner == a {
		v.kept.Store(cleared)
		return
	}
	a.lastClear(w, r, cleared)
}

// lastClear clears the cookie of a session that WorkOS has ended, unless
// something has taken its place since the request began, or the handler has said
// something of the session's cookies itself. It returns what the response is
// about to do now.
func (a *AuthKit) lastClear(w http.ResponseWriter, r *http.Request, kept *keptSession) *keptSession {
	h := w.Header()
	number := a.refreshes.clear(kept.session, kept.since, kept.clearing)
	switch {
	case number == 0 && kept.clearing != 0:
		a.cookies.RemoveExpiry(h)
	case number != 0 && !a.cookies.SetsSession(h):
		a.cookies.ClearSession(h, r)
	}
	decided := *kept
	decided.clearing = number
	return &decided
}

// keep sets the cookie of a session, whose text is empty where it is not sealed
// yet. It returns nil if that cannot be.
func (a *AuthKit) keep(h http.Header, r *http.Request, s *Session, text string) *keptSession {
	var err error
	if text == "" {
		text, err = a.format.seal(s)
	}
	if err == nil {
		if err = a.cookies.SetSession(h, r, text); err == nil {
			return &keptSession{session: s, text: text}
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
func (a *AuthKit) lastCookie(h http.Header, r *http.Request, kept *keptSession) *keptSession {
	newest, spent := a.refreshes.latest(kept.session)
	a.refreshes.at("examined")
	gone := spent || a.hasEnded(kept.session)
	switch {
	case !gone && newest == kept.session:
		if kept.text != "" && !a.cookies.SetsSession(h) {
			return a.keep(h, r, kept.session, kept.text)
		}
	case a.cookies.RemoveSetCookieFor(h, kept.text) && !gone:
		if next := a.keep(h, r, newest, ""); next != nil {
			return next
		}
	}
	return kept
}
