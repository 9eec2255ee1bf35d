// The visits of TestSoak: what one browser does in a round, and what must be true then.

package soak

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
)

// visit makes one visit.
func (s *soak) visit(b *browser, v visit) {
	if b.successorProcess != 0 { // only this process knows the successor of the refresh token
		slot := slices.IndexFunc(s.slots, func(at *slot) bool { return at.number() == b.successorProcess })
		if slot < 0 {
			s.successorsLost.Add(1)
			b.successorProcess, b.successorLost = 0, true
		} else {
			v.slots = []int{slot}
		}
	}
	at := s.slots[v.slots[0]]
	if b.signedOut != nil && v.action != loadUntilServed {
		s.replays.Add(1)
		s.requests.Add(1)
		s.report(b, b.replay(at))
	}
	if b.session == "" && !s.signIn(b, at) {
		return
	}
	if v.action == loseResponse {
		s.responsesLost.Add(1)
		b.successorProcess = at.number()
		s.page(b, at, "/account", false)
		return
	}
	outlivesRequests := s.repliesOutliveRequests()
	if outlivesRequests {
		b.successorProcess, v.slots = at.number(), v.slots[:1]
	}
	if v.slowPage {
		defer s.startSlowPage(b, at)()
	}
	var pages sync.WaitGroup
	var served atomic.Bool
	for i := range v.parallel {
		pages.Go(func() {
			resp := s.page(b, s.slots[v.slots[i%len(v.slots)]], []string{"/account", "/"}[i/2%2], true)
			if resp.page.Session != "" {
				served.Store(true)
			}
		})
	}
	pages.Wait()
	b.served = served.Load()
	if b.served {
		b.successorLost = false
		if !outlivesRequests {
			b.successorProcess = 0
		}
	}
	if !b.hasSessionCookie() { // a response has removed the cookie
		if !b.mayHaveEnded() {
			s.report(b, newFinding(wrongfulLogout, "%s has lost its cookie", b.session))
		}
		b.session = ""
		return
	}
	if v.revoke && b.revokedAt.IsZero() {
		s.revoked.Add(1)
		b.revokedAt = s.clock.Now()
		s.fake.RevokeSession(b.session)
		return
	}
	switch v.action {
	case signOut:
		s.logouts.Add(1)
		s.requests.Add(1)
		if f := b.signOut(at); f != nil {
			s.report(b, f)
			return
		}
		s.page(b, at, "/account", true)
		s.replays.Add(1)
		s.report(b, b.replay(at))
	case switchOrganization:
		s.switchOrganization(b, at)
	}
}

// repliesOutliveRequests reports whether the reply to an exchange can arrive after the pages that
// waited for it were answered.
func (s *soak) repliesOutliveRequests() bool {
	f := s.fault.Load()
	return f != nil && f.outlivesRequest
}

// startSlowPage loads a slow page and returns a function that finishes it. The late
// response must not undo what the browser did in between.
func (s *soak) startSlowPage(b *browser, at *slot) (finish func()) {
	s.requests.Add(1)
	number := strconv.FormatInt(s.slow.Add(1), 10)
	slow := &slowPage{make(chan struct{}), make(chan struct{})}
	s.slowPages.Store(number, slow)
	session, organization, email, cookie := b.session, b.organization, b.email, b.cookies()
	responses := make(chan response, 1)
	over := make(chan struct{})
	go func() {
		defer close(over)
		defer close(responses)
		resp, err := b.send(at, http.MethodGet, "/slow/"+number, nil, cookie, true)
		if err != nil {
			s.reportError(b, err)
			return
		}
		responses <- resp
	}()
	select {
	case <-slow.started:
	case <-over: // the process was killed before
	}
	b.forgot = false
	return func() {
		signedOut := b.session == "" && !b.hasSessionCookie()
		older := b.session != session || b.organization != organization // than what the browser has now
		close(slow.finish)
		resp, ok := <-responses
		s.slowPages.Delete(number)
		if !ok {
			return
		}
		revokedAt := b.revokedAt
		if s.shared != nil && !revokedAt.IsZero() && revokedAt.Before(resp.sentAt) {
			revokedAt = resp.sentAt // the application has ended the session since
		}
		if s.storeFails() {
			b.behind, b.organization = true, ""
		}
		_, f := check(resp, email, session, revokedAt, conditions{outage: true, successorLost: b.successorLost})
		s.report(b, f)
		switch {
		case b.forgot:
			s.forget(b)
		case older && resp.set && s.storeFails():
			s.shared.restored.Add(1) // the process could not ask the store, and has set the cookie of before
			s.forget(b)
		case signedOut && b.hasSessionCookie():
			s.report(b, newFinding(revived, "a late response has restored %s", session))
		case b.session != "":
			s.page(b, at, "/account", true)
		}
	}
}

// conditions returns what can make a response to the browser valid that would be wrong otherwise.
func (s *soak) conditions(b *browser) conditions {
	c := conditions{outage: s.fault.Load() != nil, successorLost: b.successorLost}
	if s.shared != nil {
		s.shared.addConditions(&c, b)
	}
	return c
}

// storeFails reports whether there is a store and it fails now.
func (s *soak) storeFails() bool { return s.shared != nil && s.shared.fault.Load() != nil }

// reportError reports a request that failed, unless its process was killed.
func (s *soak) reportError(b *browser, err error) {
	if cut(err) {
		b.cut.Add(1)
		return
	}
	s.report(b, newFinding(inconsistent, "%v", err))
}

// cut reports whether err is that of a request whose process was killed.
func cut(err error) bool { return errors.Is(err, context.Canceled) }

func (s *soak) signIn(b *browser, at *slot) bool {
	s.requests.Add(1)
	ok, f := b.signIn(at)
	s.report(b, f)
	if ok {
		s.signIns.Add(1)
		b.stage.Store(int64(s.stage))
	}
	return ok
}

// page loads a page and checks the response.
func (s *soak) page(b *browser, at *slot, path string, arrives bool) response {
	s.requests.Add(1)
	before := s.conditions(b)
	resp, err := b.send(at, http.MethodGet, path, nil, b.cookies(), arrives)
	if err != nil {
		s.reportError(b, err)
		return resp
	}
	ended, f := check(resp, b.email, b.session, b.revokedAt, before.or(s.conditions(b)))
	resp.ended = ended
	if f == nil && resp.page.Session != "" && b.organization != "" && resp.page.Organization != b.organization {
		if s.storeFails() { // a late response of a process that could not ask the store has set an older cookie
			b.organization, b.behind = "", true
		} else {
			f = newFinding(inconsistent, "%s is in %s instead of %s", b.session, resp.page.Organization, b.organization)
		}
	}
	if resp.set && arrives {
		b.stage.Store(int64(s.stage))
	}
	if resp.status == http.StatusServiceUnavailable {
		s.unavailable.Add(1)
	}
	s.report(b, f)
	return resp
}

// switchOrganization switches the organization and checks the result. A member of
// only one organization is refused and keeps the session.
func (s *soak) switchOrganization(b *browser, at *slot) {
	to := beta
	if b.organization == beta {
		to = acme
	}
	member := to == acme || b.number%len(s.emails)%2 == 0
	s.switches.Add(1)
	s.requests.Add(1)
	before := s.conditions(b)
	resp, err := b.post(at, "/organization", url.Values{"organization_id": {to}})
	outage := before.or(s.conditions(b)).outage
	switch {
	case cut(err):
		s.reportError(b, err)
		return
	case err != nil:
		s.report(b, newFinding(inconsistent, "switch: %v", err))
	case resp.status == http.StatusOK && member:
		b.organization = to
		b.stage.Store(int64(s.stage))
	case resp.status == http.StatusOK:
		s.report(b, newFinding(inconsistent, "%s switched to an organization without a membership", b.session))
	case b.mayHaveEnded():
	case outage, resp.cause == coolDown:
		b.organization = "" // the switch may have succeeded
	case member, resp.status != http.StatusForbidden, resp.cleared:
		s.report(b, newFinding(inconsistent, "switch of %s: %d, cookie removed: %t", b.session, resp.status, resp.cleared))
	}
	if resp.cleared && b.mayHaveEnded() {
		b.session = ""
		return
	}
	s.page(b, at, "/account", true)
	if !b.hasSessionCookie() {
		b.session = ""
	}
}
