// A browser, and the checker that knows what it must see.

package soak

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const sessionCookie = "authkit-session"

// browser is one person's: a jar for one host. Its pages may be asked for by
// several goroutines at once.
type browser struct {
	number int
	email  string

	mu     sync.Mutex
	jar    map[string]string // guarded by mu
	newest uint64            // guarded by mu: the number of the response that last set a cookie
	steps  []string          // guarded by mu: the last few, for a report

	// What the checker knows.
	session      string    // ID of the session, "" where nobody is signed in
	organization string    // "" where it is not known
	revokedAt    time.Time // zero unless WorkOS has ended it
	former       *former   // the session before, if it was signed out
	// knows is the number of the process that has served a reply which was lost on the way, or
	// has sent one before an exchange was over: it alone knows what the browser's
	// refresh token may have become.
	knows uint64
	// forfeited says that it was replaced before the browser came back.
	forfeited bool
	served    bool         // a page of the last visit showed the session
	stage     atomic.Int64 // of the cookie passwords when its cookie was last set
}

// mayEnd tells whether the session may be over by now.
func (b *browser) mayEnd() bool { return b.forfeited || !b.revokedAt.IsZero() }

// former is a session that was signed out.
type former struct {
	cookie  string
	at      time.Time
	process uint64 // that served the logout
}

// answer is a response as the checker sees it.
type answer struct {
	asked    time.Time // before the request was sent, on the fake clock
	status   int
	cause    string
	location string
	page     seen
	set      bool // a session cookie was set
	cleared  bool // one was removed
}

func (b *browser) cookies() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	pairs := make([]string, 0, len(b.jar))
	for name, value := range b.jar {
		pairs = append(pairs, name+"="+value)
	}
	return strings.Join(pairs, "; ")
}

func (b *browser) holdsSession() bool { return strings.Contains(b.cookies(), sessionCookie) }

// receive puts the cookies of a response into the jar, unless one that was sent
// later has arrived before.
func (b *browser) receive(h http.Header) {
	lines := h["Set-Cookie"]
	if len(lines) == 0 {
		return
	}
	number, _ := strconv.ParseUint(h.Get(orderHeader), 10, 64)
	b.mu.Lock()
	defer b.mu.Unlock()
	if number < b.newest {
		return
	}
	b.newest = number
	for _, line := range lines {
		if c, err := http.ParseSetCookie(line); err != nil || c.MaxAge < 0 {
			delete(b.jar, strings.TrimSpace(line[:strings.Index(line, "=")]))
		} else {
			b.jar[c.Name] = c.Value
		}
	}
}

// get asks for a page as a script does, which is never redirected.
func (b *browser) get(s *slot, path string) (answer, error) {
	return b.send(s, http.MethodGet, path, nil, b.cookies(), true)
}

// post posts a form. What leads to another site comes back as the Location.
func (b *browser) post(s *slot, path string, form url.Values) (answer, error) {
	return b.send(s, http.MethodPost, path, form, b.cookies(), true)
}

// send sends one request; where the response is lost on the way, so are its
// cookies.
func (b *browser) send(s *slot, method, path string, form url.Values, cookie string, arrives bool) (answer, error) {
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Sec-Fetch-Dest", "empty")
	if path == "/logout" {
		r.Header.Set("Sec-Fetch-Dest", "document")
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	a := answer{asked: s.world.clock.Now()}
	resp, err := s.world.visits.RoundTrip(r)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return a, err
	}
	a.status, a.cause, a.location = resp.StatusCode, resp.Header.Get(causeHeader), resp.Header.Get("Location")
	if a.status == http.StatusOK {
		if err := json.Unmarshal(body, &a.page); err != nil {
			return a, fmt.Errorf("%s answered %.100q", path, body)
		}
	}
	for _, line := range resp.Header["Set-Cookie"] {
		if c, err := http.ParseSetCookie(line); err == nil && strings.HasPrefix(c.Name, sessionCookie) {
			a.set = a.set || c.MaxAge > 0
			a.cleared = a.cleared || c.MaxAge < 0 && c.Name == sessionCookie
		}
	}
	if arrives {
		b.receive(resp.Header)
	}
	b.note(fmt.Sprintf("%s %s %s at %s: %d, cookie set %t, removed %t, arrived %t", a.asked.Format(time.TimeOnly),
		method, path, s.url, a.status, a.set, a.cleared, arrives))
	return a, nil
}

func (b *browser) note(step string) {
	const few = 12
	b.mu.Lock()
	defer b.mu.Unlock()
	b.steps = append(b.steps[max(0, len(b.steps)-few+1):], step)
}

// story is what the browser did last.
func (b *browser) story() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.steps, "\n    ")
}

// kind is what a checker found wrong.
type kind int

const (
	crossed      kind = iota // somebody else's session
	wrongful                 // signed out without cause
	revived                  // signed in after the session's end
	undecided                // a 503 without an outage
	inconsistent             // anything else
	kinds
)

func (k kind) String() string {
	return [...]string{"crossed session", "wrongful logout", "revived session", "503 without an outage", "inconsistent"}[k]
}

// finding is a violation.
type finding struct {
	kind kind
	text string
}

func found(k kind, format string, args ...any) *finding {
	return &finding{k, fmt.Sprintf(format, args...)}
}

func (f *finding) String() string { return f.kind.String() + ": " + f.text }

// circumstances are what excuses an answer.
type circumstances struct {
	outage    bool // a fault was in force at some time of the request
	forfeited bool // as that of a browser
}

// judge decides whether an answer to a page request is one that this browser
// may see, and whether it tells that WorkOS has ended the session. session is
// the ID of the browser's session, revokedAt when WorkOS has ended it.
func judge(a answer, email, session string, revokedAt time.Time, c circumstances) (ended bool, f *finding) {
	switch p := a.page; {
	case p.Session != "" && (p.Session != session || p.Email != email):
		if session == "" {
			return false, found(revived, "%s is signed out and sees %s in %s", email, p.Email, p.Session)
		}
		return false, found(crossed, "%s in %s sees %s in %s", email, session, p.Email, p.Session)
	case p.Session != "" && !revokedAt.IsZero() && !a.asked.Before(revokedAt.Add(tokenLifetime+leeway)):
		return false, found(revived, "%s was revoked %s ago", session, a.asked.Sub(revokedAt))
	case p.Session != "" && a.cleared:
		return false, found(inconsistent, "%s is served and its cookie removed", session)
	case p.Session != "":
		return false, nil
	}
	switch gone := a.status == http.StatusUnauthorized || a.status == http.StatusOK && !a.page.Undecided; {
	case session == "" && a.set:
		return false, found(revived, "%s is signed out and gets a session cookie", email)
	case session == "":
		return false, nil
	case (a.cleared || gone) && revokedAt.IsZero() && !c.forfeited:
		return false, found(wrongful, "%s in %s: %d, cookie removed: %t", email, session, a.status, a.cleared)
	case gone:
		return true, nil
	case c.outage, a.cause == coolDown, a.status == http.StatusOK: // a public page tells no cause
		return false, nil
	case a.status == http.StatusServiceUnavailable:
		return false, found(undecided, "%s in %s", email, session)
	}
	return false, found(inconsistent, "%s in %s: %d", email, session, a.status)
}

// signIn makes the browser somebody's, by the application's own form.
func (b *browser) signIn(s *slot) (bool, *finding) {
	outage := s.world.fault.Load() != nil
	a, err := b.post(s, "/signin", url.Values{"email": {b.email}})
	switch {
	case err != nil:
		return false, found(inconsistent, "sign-in: %v", err)
	case a.status == http.StatusServiceUnavailable && (outage || a.cause == coolDown):
		return false, nil
	case a.status != http.StatusOK:
		return false, found(inconsistent, "sign-in: %d", a.status)
	case a.page.Email != b.email:
		return false, found(crossed, "%s signed in as %s", b.email, a.page.Email)
	}
	b.session, b.organization, b.revokedAt = a.page.Session, a.page.Organization, time.Time{}
	b.knows, b.forfeited = 0, false
	return true, nil
}

// signOut posts the form and goes through WorkOS's logout, as browsers do.
func (b *browser) signOut(s *slot) *finding {
	before := &former{cookie: b.cookies(), process: s.number()}
	a, err := b.post(s, "/logout", url.Values{})
	switch {
	case err != nil:
		return found(inconsistent, "logout: %v", err)
	case a.status != http.StatusSeeOther, !strings.Contains(a.location, "session_id="+b.session):
		return found(inconsistent, "logout of %s: %d, to %q", b.session, a.status, a.location)
	case b.holdsSession():
		return found(revived, "%s keeps its cookie after a logout", b.session)
	}
	r, err := http.NewRequest(http.MethodGet, a.location, nil)
	if err != nil {
		return found(inconsistent, "logout: %v", err)
	}
	resp, err := s.world.visits.RoundTrip(r)
	if err != nil {
		return found(inconsistent, "logout at WorkOS: %v", err)
	}
	resp.Body.Close()
	before.at = s.world.clock.Now()
	b.former, b.session = before, ""
	return nil
}

// replay sends the cookie of a session that was signed out: the process that
// did it refuses it for good, and any other once its token has expired.
func (b *browser) replay(s *slot) *finding {
	f := b.former
	if f == nil {
		return nil
	}
	over := s.world.clock.Now().Sub(f.at) >= tokenLifetime+leeway
	a, err := b.send(s, http.MethodGet, "/account", nil, f.cookie, false)
	switch refuses := over || s.number() == f.process; {
	case err != nil:
		return found(inconsistent, "replay: %v", err)
	case a.page.Session != "" && refuses:
		return found(revived, "%s was signed out %s ago and is served", a.page.Session, a.asked.Sub(f.at))
	case a.page.Session != "" && a.page.Email != b.email:
		return found(crossed, "%s sees %s", b.email, a.page.Email)
	case a.set && refuses:
		return found(revived, "a session that was signed out is renewed")
	}
	return nil
}
