// The visits of the soak with a store: no request of a browser is bound to a process.

package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
)

// extra is what a browser does besides the actions of plan_test.go.
type extra int

const (
	noExtra    extra = iota
	endSession       // the application ends the session by its ID
	takeOver         // another user signs in over the session
)

// visitShared makes one visit.
func (s *soak) visitShared(b *browser, v visit) {
	at := s.slots[v.slots[0]]
	if b.signedOut != nil && v.action != loadUntilServed {
		s.replayEverywhere(b)
	}
	cuts := b.cut.Load()
	if b.session == "" && !s.signIn(b, at) {
		if b.cut.Load() != cuts {
			s.forget(b)
		}
		return
	}
	if v.action == loseResponse {
		s.responsesLost.Add(1)
		s.page(b, at, "/account", false)
		b.behind = true
		return
	}
	if v.slowPage {
		defer s.startSlowPage(b, s.slots[v.slots[len(v.slots)-1]])()
	}
	s.loadPages(b, v)
	if b.session == "" || !b.served || v.action == loadUntilServed {
		return
	}
	if v.revoke && b.revokedAt.IsZero() {
		s.revoked.Add(1)
		b.revokedAt = s.clock.Now()
		s.fake.RevokeSession(b.session)
		return
	}
	cuts = b.cut.Load()
	switch {
	case v.extra == endSession:
		s.endSession(b, at)
	case v.extra == takeOver:
		s.takeOver(b, at)
	case v.action == signOut:
		s.signOutShared(b, at)
	case v.action == switchOrganization:
		s.switchOrganization(b, at)
	}
	if b.cut.Load() != cuts { // whether the change was made is not known
		s.forget(b)
	}
}

// loadPages loads the pages of a visit, and finds whether the session has ended.
func (s *soak) loadPages(b *browser, v visit) {
	cuts := b.cut.Load()
	responses := make([]response, v.parallel)
	var pages sync.WaitGroup
	for i := range v.parallel {
		pages.Go(func() {
			responses[i] = s.page(b, s.slots[v.slots[i%len(v.slots)]], []string{"/account", "/"}[i/2%2], true)
		})
	}
	pages.Wait()
	ended, set := false, false
	b.served = false
	for _, resp := range responses {
		b.served = b.served || resp.page.Session != ""
		ended = ended || resp.ended
		set = set || resp.set
	}
	switch {
	case set:
		b.behind = false
	case b.cut.Load() != cuts, s.conditions(b).outage: // the old session can be served while the exchange goes on
		b.behind = true
	}
	if (ended || !b.hasSessionCookie()) && !b.served {
		s.endedSession(b)
	}
}

// endedSession records that the browser has no session any more. A session may end only if WorkOS or the application has
// ended it, or if a process was killed in the middle of an exchange.
func (s *soak) endedSession(b *browser) {
	lostTo := s.shared.ledger.lost(b.session)
	switch {
	case !b.revokedAt.IsZero():
	case lostTo != 0:
		s.mu.Lock()
		s.shared.lost = append(s.shared.lost, fmt.Sprintf("%s of %s by process %d", b.session, b.email, lostTo))
		s.mu.Unlock()
	default:
		s.report(b, newFinding(wrongfulLogout, "%s of %s has ended", b.session, b.email))
	}
	s.shared.ledger.forget(b.session)
	b.session, b.behind = "", false
}

// forget removes all cookies of a browser, as its user can.
func (s *soak) forget(b *browser) {
	s.shared.ledger.forget(b.session)
	b.mu.Lock()
	clear(b.jar)
	b.newest = s.order.Load()
	b.mu.Unlock()
	b.session, b.signedOut, b.behind = "", nil, false
	b.forgot = true
}

// signOutShared signs out, and sends the cookie to all processes.
func (s *soak) signOutShared(b *browser, at *slot) {
	s.logouts.Add(1)
	s.requests.Add(1)
	session, cuts := b.session, b.cut.Load()
	p := at.process.Load()
	failures := p.ak.Stats().Store.Failures
	if f := b.signOut(at); f != nil || b.cut.Load() != cuts {
		s.report(b, f)
		return
	}
	s.shared.ledger.forget(session)
	b.signedOut.endsAtWorkOS = true
	s.announced(b, at, p, failures)
	s.page(b, s.slots[(b.number+1)%len(s.slots)], "/account", true)
}

// takeOver signs another user in over the session. The other user has the same memberships.
func (s *soak) takeOver(b *browser, at *slot) {
	p := at.process.Load()
	before := &signedOutSession{cookie: b.cookies(), process: p.number}
	session, email, failures := b.session, b.email, p.ak.Stats().Store.Failures
	other := s.emails[b.number%len(s.emails)]
	if b.email == other {
		other = s.emails[(b.number+2)%len(s.emails)]
	}
	b.email = other
	if !s.signIn(b, at) {
		b.email = email
		return
	}
	s.shared.takeovers.Add(1)
	s.shared.ledger.forget(session)
	before.at = s.clock.Now()
	b.signedOut = before
	s.announced(b, at, p, failures)
	s.page(b, s.slots[(b.number+1)%len(s.slots)], "/account", true)
}

// announced sends the cookie of a session that process p has ended to all processes. failures is the number of failed
// calls of the process before. Without a failure, all processes must refuse the cookie at once.
func (s *soak) announced(b *browser, at *slot, p *process, failures uint64) {
	b.signedOut.everywhere = s.shared.fault.Load() == nil && !s.shared.healing.Load() && at.process.Load() == p &&
		p.ak.Stats().Store.Failures == failures
	if !b.signedOut.everywhere && s.shared.fault.Load() == nil {
		s.shared.notAtOnce.Add(1)
	}
	s.replayEverywhere(b)
}

// replayEverywhere sends the cookie of a session that was ended to all processes at the same time.
func (s *soak) replayEverywhere(b *browser) {
	f := b.signedOut
	var replays sync.WaitGroup
	for _, at := range s.slots {
		replays.Go(func() {
			s.replays.Add(1)
			s.requests.Add(1)
			p := at.process.Load()
			over := f.endsAtWorkOS && s.clock.Now().Sub(f.at) >= tokenLifetime+leeway
			knows := p.number == f.process || f.everywhere && s.shared.fault.Load() == nil
			resp, err := b.send(at, http.MethodGet, "/account", nil, f.cookie, false)
			switch refuses := over || knows && at.process.Load() == p && s.shared.fault.Load() == nil; {
			case err != nil:
				s.reportError(b, err)
			case resp.page.Session != "" && refuses:
				s.report(b, newFinding(revived, "%s was ended %s ago and is served by process %d (process %d has ended it, %+v)",
					resp.page.Session, resp.sentAt.Sub(f.at), p.number, f.process, p.ak.Stats().Store))
			case resp.set && refuses:
				s.report(b, newFinding(revived, "a session that was ended %s ago is refreshed by process %d", resp.sentAt.Sub(f.at), p.number))
			}
		})
	}
	replays.Wait()
}

// endSession ends the session by its ID. All processes must refuse it at once if they were told.
func (s *soak) endSession(b *browser, at *slot) {
	p := at.process.Load()
	failures := p.ak.Stats().Store.Failures
	err := p.ak.EndSession(context.Background(), b.session)
	s.shared.ends.Add(1)
	if p.life.Err() != nil {
		b.cut.Add(1)
		return
	}
	s.ended(b, p, err, failures)
	resp := s.page(b, s.slots[(b.number+1)%len(s.slots)], "/account", true)
	if resp.ended {
		s.endedSession(b)
	}
}

// ended records that process p has ended the session of a browser by an ID. No process may serve it if all were told.
func (s *soak) ended(b *browser, p *process, err error, failures uint64) {
	told := err == nil && s.shared.fault.Load() == nil && !s.shared.healing.Load() && p.ak.Stats().Store.Failures == failures
	if err != nil && s.shared.fault.Load() == nil && p.ak.Stats().Store.Failures == failures {
		s.report(b, newFinding(inconsistent, "end of %s: %v", b.session, err))
	}
	b.revokedAt = s.clock.Now()
	if told {
		b.revokedAt = b.revokedAt.Add(-tokenLifetime - leeway)
	}
}

// endUser ends all sessions of a user, between two rounds.
func (s *soak) endUser(r *rand.Rand) {
	email := s.browsers[r.IntN(len(s.browsers))].email
	p := s.slots[r.IntN(len(s.slots))].process.Load()
	for _, b := range s.browsers {
		if b.email != email || b.session == "" || b.userID == "" {
			continue
		}
		failures := p.ak.Stats().Store.Failures
		err := p.ak.EndUser(context.Background(), b.userID)
		s.shared.ends.Add(1)
		for _, other := range s.browsers {
			if other.email == email && other.session != "" {
				s.ended(other, p, err, failures)
			}
		}
		return
	}
}
