// A browser and its checker.

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

// browser is a browser of one user, with the cookies of one host. Several
// goroutines can load pages with it at the same time.
type browser struct {
	number int
	email  string

	mu     sync.Mutex
	jar    map[string]string // guarded by mu
	newest uint64            // guarded by mu: number of the latest response with cookies
	steps  []string          // guarded by mu: the last requests, for a report

	// The state of the checker.
	session      string    // ID of the session, "" if the browser is signed out
	organization string    // "" if it is unknown
	revokedAt    time.Time // when WorkOS ended the session; zero if it did not
	former       *former   // the previous session, if it was signed out
	// knows is the number of a process that alone knows the successor of the
	// browser's refresh token: its response was lost, or it responded before an
	// exchange was finished. 0 if there is none.
	knows uint64
	// forfeited reports that this process was replaced before the browser's next visit.
	forfeited bool
	served    bool         // the last visit showed the session
	stage     atomic.Int64 // stage of the cookie passwords when the cookie was last set
}

// mayEnd reports whether the session may have ended.
func (b *browser) mayEnd() bool { return b.forfeited || !b.revokedAt.IsZero() }

// former is a session that was signed out.
type former struct {
	cookie  string
	at      time.Time
	process uint64 // number of the process that handled the logout
}

// answer is a response, as the checker uses it.
type answer struct {
	asked    time.Time // time before the request, on the fake clock
	status   int
	cause    string
	location string
	page     seen
	set      bool // a session cookie was set
	cleared  bool // a session cookie was removed
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

// receive stores the cookies of a response, unless a response that was sent later
// has already arrived.
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

// get loads a page like a script, which is never redirected.
func (b *browser) get(s *slot, path string) (answer, error) {
	return b.send(s, http.MethodGet, path, nil, b.cookies(), true)
}

// post posts a form. It does not follow redirects.
func (b *browser) post(s *slot, path string, form url.Values) (answer, error) {
	return b.send(s, http.MethodPost, path, form, b.cookies(), true)
}

// send sends one request. If arrives is false, the response counts as lost and its
// cookies are not stored.
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

// story returns the last requests of the browser.
func (b *browser) story() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.steps, "\n    ")
}

// kind is the kind of a finding.
type kind int

const (
	crossed      kind = iota // the session of another browser
	wrongful                 // signed out without a reason
	revived                  // signed in after the session ended
	undecided                // a 503 without an outage
	inconsistent             // anything else
	kinds
)

func (k kind) String() string {
	return [...]string{"crossed session", "wrongful logout", "revived session", "503 without an outage", "inconsistent"}[k]
}

// finding is a violated rule.
type finding struct {
	kind kind
	text string
}

func found(k kind, format string, args ...any) *finding {
	return &finding{k, fmt.Sprintf(format, args...)}
}

func (f *finding) String() string { return f.kind.String() + ": " + f.text }

// circumstances can make an otherwise wrong response valid.
type circumstances struct {
	outage    bool // a fault was active during the request
	forfeited bool // browser.forfeited
}

// judge checks the response to a page request of a browser. session is the ID of
// the browser's session, and revokedAt the time when WorkOS ended it. ended reports
// that the response shows the end of the session.
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
	case c.outage, a.cause == coolDown, a.status == http.StatusOK: // a public page has no cause
		return false, nil
	case a.status == http.StatusServiceUnavailable:
		return false, found(undecided, "%s in %s", email, session)
	}
	return false, found(inconsistent, "%s in %s: %d", email, session, a.status)
}

// signIn signs the browser's user in through the form of the application.
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

// signOut posts the logout form and follows the redirect to WorkOS's logout.
func (b *browser) signOut(s *slot) *finding {
	before := &former{cookie: b.cookies(), process: s.number()}
	a, err := b.post(s, "/logout", url.Values{})
	switch {
	case err != nil:
		return found(inconsistent, "logout: %v", err)
	case a.status != http.StatusSeeOther, !strings.Contains(a.location, "session_id="+b.session):
		return found(inconsistent, "logout of %s: %d, to %q", b.session, a.status, a.location)
	case b.holdsSession():
		return found(revived, "%s still has its cookie after a logout", b.session)
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

// replay sends the cookie of a session that was signed out. The process that
// handled the logout must always refuse it. Other processes must refuse it when
// its token has expired.
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
		return found(revived, "a session that was signed out is refreshed")
	}
	return nil
}
