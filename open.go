// Opening the session cookies of a request.

package authkit

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/authkit-go/authkit/internal/cookie"
	"github.com/authkit-go/authkit/internal/payload"
)

var (
	// errNoSession is the error for a request without a session cookie.
	errNoSession = errors.New("authkit: no session cookie")
	// errAmbiguous is the error for a request with several session cookies, or
	// with chunks that can be combined in several ways, if none of the candidates
	// opens.
	errAmbiguous = errors.New("authkit: several session cookies or chunks, and no combination of them opens")
	// errConflict is the error for a request with the cookies of several sessions.
	// It is unknown which of them is the browser's own.
	errConflict = errors.New("authkit: the request has cookies of different sessions")
)

// chooseSession returns the opened session that was refreshed last. It ignores
// sessions that were signed out in this process. If that leaves none, it returns
// the first one. It returns errConflict if the others differ in session ID or user.
func (a *AuthKit) chooseSession(opened []payload.Session) (chosen payload.Session, err error) {
	var first *Session
	for _, sealed := range opened {
		s := unverifiedSession(sealed)
		if s == nil || a.isSignedOut(s) {
			continue
		}
		switch {
		case first == nil:
			first, chosen = s, sealed
		case s.ID() != first.ID() || s.UserID() != first.UserID():
			return payload.Session{}, errConflict
		case refreshedLater(s, first):
			first, chosen = s, sealed
		}
	}
	if first == nil && len(opened) > 0 {
		return opened[0], nil
	}
	return chosen, nil
}

// refreshedLater reports whether s was refreshed after than, or at the same time
// with a token that was issued later.
func refreshedLater(s, than *Session) bool {
	return cmp.Or(s.RefreshedAt().Compare(than.RefreshedAt()), s.IssuedAt().Compare(than.IssuedAt())) > 0
}

// sessionsInCookies returns every session in the cookies of a request, in every
// accepted format. The session that would serve the request is the first. The
// sessions are not verified: the caller may sign them out or replace them, and
// must not serve them.
func (a *AuthKit) sessionsInCookies(r *http.Request) (sessions []*Session) {
	own := a.cookies.Session(r.Header)
	if sealed, err := a.openSession(r, &own); err == nil {
		if s := unverifiedSession(sealed); s != nil {
			sessions = append(sessions, s)
		}
	}
	add := func(sealed payload.Session) {
		s := unverifiedSession(sealed)
		if s == nil || slices.ContainsFunc(sessions, func(other *Session) bool {
			return other.ID() == s.ID() && other.sealed.RefreshToken == s.sealed.RefreshToken && other.SignedInAt().Equal(s.SignedInAt())
		}) {
			return
		}
		sessions = append(sessions, s)
	}
	if own.Ambiguous() || own.Chunked() { // an attacker's chunk may look like the next chunk of the session
		for _, sealed := range a.openCandidates(r.Context(), a.cookies.Candidates(r.Header, true)) {
			add(sealed)
		}
	}
	for _, name := range a.cookies.AcceptedNames() {
		opened, _ := a.openForeign(r.Header, name)
		for _, sealed := range opened {
			add(sealed)
		}
	}
	return sessions
}

// openSession opens the session of a request: from this application's own cookie,
// which the caller has read, or else from an accepted cookie of another library.
// Only its seal is verified, or, if it has none, the signature of its access token.
func (a *AuthKit) openSession(r *http.Request, own *cookie.Value) (payload.Session, error) {
	var refusals []error
	if own.Found() {
		sealed, err := a.openOwn(r.Context(), own.Text())
		if err == nil {
			return sealed, nil
		}
		refusals = append(refusals, err)
	}
	if own.Ambiguous() {
		if opened := a.openCandidates(r.Context(), a.cookies.Candidates(r.Header, false)); len(opened) > 0 {
			return a.chooseSession(opened)
		}
		refusals = append(refusals, errAmbiguous)
	}
	for _, name := range a.cookies.AcceptedNames() {
		opened, refused := a.openForeign(r.Header, name)
		if len(opened) > 0 {
			return a.chooseSession(opened)
		}
		refusals = append(refusals, refused...)
	}
	if refusals == nil {
		return payload.Session{}, errNoSession
	}
	return payload.Session{}, errors.Join(refusals...)
}

// openCandidates returns the candidates for our own cookie that open.
func (a *AuthKit) openCandidates(ctx context.Context, texts []string) (opened []payload.Session) {
	for _, text := range texts {
		if sealed, err := a.openOwn(ctx, text); err == nil {
			opened = append(opened, sealed)
		}
	}
	return opened
}

// openForeign returns the sessions in the cookies of one name that is accepted from
// other libraries. refused lists why formats did not open.
func (a *AuthKit) openForeign(h http.Header, name string) (opened []payload.Session, refused []error) {
	for _, text := range cookie.Values(h, name) {
		for i := range a.foreign {
			sealed, err := a.foreign[i].open(text)
			if err == nil {
				sealed.Foreign = true
				opened = append(opened, sealed)
				break
			}
			refused = append(refused, err)
		}
	}
	return opened, refused
}
