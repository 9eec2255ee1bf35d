// Opening what the cookies of a request hold.

package authkit

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"github.com/authkit-go/authkit/internal/cookie"
	"github.com/authkit-go/authkit/internal/payload"
)

// errConflict says that cookies of more than one session came, so that none
// can be told to be the browser's own.
var errConflict = errors.New("authkit: the request brings cookies of different sessions")

// chooseSession chooses among what was opened of one request: the session that
// was refreshed last, if all are of one session and one user. Those that were
// signed out here do not count. It returns errConflict where sessions differ.
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

func refreshedLater(s, than *Session) bool {
	return cmp.Or(s.RefreshedAt().Compare(than.RefreshedAt()), s.IssuedAt().Compare(than.IssuedAt())) > 0
}

// sessionsSent are the sessions that a request's cookies hold, in whatever
// form, verified or not: to end or to replace, and never to serve. The one that
// would be served is the first.
func (a *AuthKit) sessionsInCookies(r *http.Request) (sessions []*Session) {
	own := a.cookies.Session(r.Header)
	if sealed, err := a.openSession(r.Header, &own); err == nil {
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
	if own.Ambiguous() || own.Chunked() { // a planted chunk may look like the session's next
		for _, sealed := range a.openCandidates(a.cookies.Candidates(r.Header, true)) {
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

// errNoSession says that a request brings no session at all.
var errNoSession = errors.New("authkit: no session cookie")

// errSeveral says that session cookies came of which no reading opens.
var errSeveral = errors.New("authkit: session cookies came more than once or in parts, and no reading of them opens")

// openSession opens the session that a request brings: in this application's
// own cookie, which the caller has found, or else in one that it accepts from
// others. Nothing of it is verified but the seal.
func (a *AuthKit) openSession(h http.Header, own *cookie.Value) (payload.Session, error) {
	var refusals []error
	if own.Found() {
		sealed, err := a.format.open(own.Text())
		if err == nil {
			return sealed, nil
		}
		refusals = append(refusals, err)
	}
	if own.Ambiguous() {
		if opened := a.openCandidates(a.cookies.Candidates(h, false)); len(opened) > 0 {
			return a.chooseSession(opened)
		}
		refusals = append(refusals, errSeveral)
	}
	for _, name := range a.cookies.AcceptedNames() {
		opened, refused := a.openForeign(h, name)
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

// openCandidates opens what can be opened of the candidates for our own cookie.
func (a *AuthKit) openCandidates(texts []string) (opened []payload.Session) {
	for _, text := range texts {
		if sealed, err := a.format.open(text); err == nil {
			opened = append(opened, sealed)
		}
	}
	return opened
}

// openForeign opens what can be opened of the cookies of one name that is
// accepted from others. It tells why the rest was refused.
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
