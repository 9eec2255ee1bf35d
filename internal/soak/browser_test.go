// A browser and the check of its responses.

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
	newest uint64            // guarded by mu: order of the last response that set cookies
	steps  []string          // guarded by mu: the last requests, for a report

	// What the check expects.
	session      string            // ID of the session, "" if the browser is signed out
	organization string            // "" if it is unknown
	revokedAt    time.Time         // when WorkOS ended the session; zero if it did not
	signedOut    *signedOutSession // the previous session, if it was signed out
	// successorProcess is the number of the process that exchanged the refresh token
	// of the browser, if no other process can know its successor: the response was
	// lost, or it was sent before the exchange was finished. 0 otherwise.
	successorProcess uint64
	// successorLost reports that this process was replaced before the browser's next visit.
	successorLost bool
	userID        string
	// behind reports that a response with a new refresh token may have been lost. It is used only with a store.
	behind bool
	// forgot reports that the user has removed all cookies. A late response can set one again.
	forgot bool
	// cut is the number of its requests whose process was killed. Such processes exist only with a store.
	cut    atomic.Int64
	served bool         // the last visit showed the session
	stage  atomic.Int64 // stage of the cookie passwords when the cookie was last set
}

// mayEnd reports whether the session may have ended.
func (b *browser) mayHaveEnded() bool { return b.successorLost || !b.revokedAt.IsZero() }

// signedOutSession is a session that was signed out.
type signedOutSession struct {
	cookie  string
	at      time.Time
	process uint64 // number of the process that handled the logout
	// everywhere reports that all processes were told. endsAtWorkOS reports that WorkOS has ended the session. Both are used
	// only with a store.
	everywhere, endsAtWorkOS bool
}

// response is what the check uses of a response.
type response struct {
	sentAt   time.Time // time before the request, on the fake clock
	status   int
	cause    string
	location string
	page     pageContent
	set      bool // a session cookie was set
	cleared  bool // a session cookie was removed
	ended    bool // the check has found that the session has ended
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

func (b *browser) hasSessionCookie() bool { return strings.Contains(b.cookies(), sessionCookie) }

// storeCookies stores the cookies of a response, unless a response that was sent later
// has already arrived.
func (b *browser) storeCookies(h http.Header) {
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

// get loads a page like a script. It does not follow redirects.
func (b *browser) get(s *slot, path string) (response, error) {
	return b.send(s, http.MethodGet, path, nil, b.cookies(), true)
}

// post posts a form. It does not follow redirects.
func (b *browser) post(s *slot, path string, form url.Values) (response, error) {
	return b.send(s, http.MethodPost, path, form, b.cookies(), true)
}

// send sends one request. If arrives is false, the response counts as lost and its
// cookies are not stored.
func (b *browser) send(s *slot, method, path string, form url.Values, cookie string, arrives bool) (response, error) {
	life := s.process.Load().life
	r, err := http.NewRequestWithContext(life, method, s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		return response{}, err
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
	resp := response{sentAt: s.world.clock.Now()}
	reply, err := s.world.visits.RoundTrip(r)
	if err != nil {
		b.record(fmt.Sprintf("%s %s %s at %s: %v", resp.sentAt.Format(time.TimeOnly), method, path, s.url, err))
		return resp, err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err == nil {
		err = life.Err() // a killed process sends nothing
	}
	if err != nil {
		return resp, err
	}
	resp.status, resp.cause, resp.location = reply.StatusCode, reply.Header.Get(causeHeader), reply.Header.Get("Location")
	if resp.status == http.StatusOK {
		if err := json.Unmarshal(body, &resp.page); err != nil {
			return resp, fmt.Errorf("%s answered %.100q", path, body)
		}
	}
	for _, line := range reply.Header["Set-Cookie"] {
		if c, err := http.ParseSetCookie(line); err == nil && strings.HasPrefix(c.Name, sessionCookie) {
			resp.set = resp.set || c.MaxAge > 0
			resp.cleared = resp.cleared || c.MaxAge < 0 && c.Name == sessionCookie
		}
	}
	if arrives {
		b.storeCookies(reply.Header)
	}
	b.record(fmt.Sprintf("%s %s %s at %s: %d, cookie set %t, removed %t, arrived %t %s", resp.sentAt.Format(time.TimeOnly),
		method, path, s.url, resp.status, resp.set, resp.cleared, arrives, reply.Header.Get(errorHeader)))
	return resp, nil
}

func (b *browser) record(step string) {
	const maxSteps = 12
	b.mu.Lock()
	defer b.mu.Unlock()
	b.steps = append(b.steps[max(0, len(b.steps)-maxSteps+1):], step)
}

// recentRequests returns the last requests of the browser.
func (b *browser) recentRequests() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.steps, "\n    ")
}

// kind is the kind of a finding.
type kind int

const (
	wrongSession   kind = iota // the session of another browser
	wrongfulLogout             // signed out without a reason
	revived                    // signed in after the session ended
	unexpected503              // a 503 without an outage
	inconsistent               // anything else
	kinds
)

func (k kind) String() string {
	return [...]string{"session of another browser", "wrongful logout", "revived session", "503 without an outage", "inconsistent"}[k]
}

// finding is a violated rule.
type finding struct {
	kind kind
	text string
}

func newFinding(k kind, format string, args ...any) *finding {
	return &finding{k, fmt.Sprintf(format, args...)}
}

func (f *finding) String() string { return f.kind.String() + ": " + f.text }

// conditions can make an otherwise wrong response valid.
type conditions struct {
	outage        bool // a fault was active during the request
	successorLost bool // browser.successorLost
}

func (c conditions) or(other conditions) conditions {
	return conditions{c.outage || other.outage, c.successorLost || other.successorLost}
}

// check checks the response to a page request of a browser. session is the ID of
// the browser's session, and revokedAt the time when WorkOS ended it. ended reports
// that the response shows the end of the session.
func check(resp response, email, session string, revokedAt time.Time, c conditions) (ended bool, f *finding) {
	switch p := resp.page; {
	case p.Session != "" && (p.Session != session || p.Email != email):
		if session == "" {
			return false, newFinding(revived, "%s is signed out and sees %s in %s", email, p.Email, p.Session)
		}
		return false, newFinding(wrongSession, "%s in %s sees %s in %s", email, session, p.Email, p.Session)
	case p.Session != "" && !revokedAt.IsZero() && !resp.sentAt.Before(revokedAt.Add(tokenLifetime+leeway)):
		return false, newFinding(revived, "%s was revoked %s ago", session, resp.sentAt.Sub(revokedAt))
	case p.Session != "" && resp.cleared:
		return false, newFinding(inconsistent, "%s is served and its cookie removed", session)
	case p.Session != "":
		return false, nil
	}
	switch gone := resp.status == http.StatusUnauthorized || resp.status == http.StatusOK && !resp.page.Unavailable; {
	case session == "" && resp.set:
		return false, newFinding(revived, "%s is signed out and gets a session cookie", email)
	case session == "":
		return false, nil
	case (resp.cleared || gone) && revokedAt.IsZero() && !c.successorLost:
		return false, newFinding(wrongfulLogout, "%s in %s: %d, cookie removed: %t", email, session, resp.status, resp.cleared)
	case gone:
		return true, nil
	case c.outage, resp.cause == coolDown, resp.status == http.StatusOK: // a public page has no cause
		return false, nil
	case resp.status == http.StatusServiceUnavailable:
		return false, newFinding(unexpected503, "%s in %s", email, session)
	}
	return false, newFinding(inconsistent, "%s in %s: %d", email, session, resp.status)
}

// signIn signs the browser's user in through the form of the application.
func (b *browser) signIn(s *slot) (bool, *finding) {
	outage := s.world.fault.Load() != nil
	resp, err := b.post(s, "/signin", url.Values{"email": {b.email}})
	switch {
	case cut(err):
		b.cut.Add(1)
		return false, nil
	case err != nil:
		return false, newFinding(inconsistent, "sign-in: %v", err)
	case resp.status == http.StatusServiceUnavailable && (outage || resp.cause == coolDown):
		return false, nil
	case resp.status != http.StatusOK:
		return false, newFinding(inconsistent, "sign-in: %d", resp.status)
	case resp.page.Email != b.email:
		return false, newFinding(wrongSession, "%s signed in as %s", b.email, resp.page.Email)
	}
	b.userID = resp.page.UserID
	b.session, b.organization, b.revokedAt = resp.page.Session, resp.page.Organization, time.Time{}
	b.successorProcess, b.successorLost = 0, false
	return true, nil
}

// signOut posts the logout form and follows the redirect to WorkOS's logout.
func (b *browser) signOut(s *slot) *finding {
	before := &signedOutSession{cookie: b.cookies(), process: s.number()}
	resp, err := b.post(s, "/logout", url.Values{})
	switch {
	case cut(err):
		b.cut.Add(1)
		return nil
	case err != nil:
		return newFinding(inconsistent, "logout: %v", err)
	case resp.status != http.StatusSeeOther, !strings.Contains(resp.location, "session_id="+b.session):
		return newFinding(inconsistent, "logout of %s: %d, to %q", b.session, resp.status, resp.location)
	case b.hasSessionCookie():
		return newFinding(revived, "%s still has its cookie after a logout", b.session)
	}
	r, err := http.NewRequest(http.MethodGet, resp.location, nil)
	if err != nil {
		return newFinding(inconsistent, "logout: %v", err)
	}
	reply, err := s.world.visits.RoundTrip(r)
	if err != nil {
		return newFinding(inconsistent, "logout at WorkOS: %v", err)
	}
	reply.Body.Close()
	before.at = s.world.clock.Now()
	b.signedOut, b.session = before, ""
	return nil
}

// replay sends the cookie of a session that was signed out. The process that
// handled the logout must always refuse it. Other processes must refuse it when
// its token has expired.
func (b *browser) replay(s *slot) *finding {
	f := b.signedOut
	if f == nil {
		return nil
	}
	over := s.world.clock.Now().Sub(f.at) >= tokenLifetime+leeway
	resp, err := b.send(s, http.MethodGet, "/account", nil, f.cookie, false)
	switch refuses := over || s.number() == f.process; {
	case err != nil:
		return newFinding(inconsistent, "replay: %v", err)
	case resp.page.Session != "" && refuses:
		return newFinding(revived, "%s was signed out %s ago and is served", resp.page.Session, resp.sentAt.Sub(f.at))
	case resp.page.Session != "" && resp.page.Email != b.email:
		return newFinding(wrongSession, "%s sees %s", b.email, resp.page.Email)
	case resp.set && refuses:
		return newFinding(revived, "a session that was signed out is refreshed")
	}
	return nil
}
