// The steps of the browser, of WorkOS outside of an exchange, of time, and of faults.

package replicamodel

import (
	"slices"

	"github.com/authkit-go/authkit/internal/replica"
)

// steps calls emit for each step that is possible in a state.
func (m *model) steps(s *state, emit emit[state]) {
	m.browser(s, emit)
	m.time(s, emit)
	m.faults(s, emit)
	for i := range uint8(m.Instances) {
		m.background(s, i, emit)
	}
	for n := range uint8(maxRequests) {
		switch r := &s.requests[n]; r.phase {
		case sent:
			m.load(s, n, emit)
		case claiming:
			m.claim(s, n, emit)
		case calling:
			m.process(s, n, emit)
		case replied:
			m.receive(s, n, emit)
		case asking:
			m.ask(s, n, emit)
		case asked:
			m.decide(s, n, emit)
		case responding:
			m.respond(*s, n, emit)
		case arriving:
			arrive(*s, n, emit)
		}
		m.keep(*s, n, emit)
	}
}

// browser has the requests of the browser. A request carries the cookie of the moment
// when it is sent, and can be on its way for any time.
func (m *model) browser(s *state, emit emit[state]) {
	free := slices.IndexFunc(s.requests[:], func(r request) bool { return r.phase == idle })
	if free < 0 {
		return
	}
	send := func(k kind, cookie uint8, count func(*budget) *uint8, text string) {
		if *count(&s.left) > 0 {
			next := *s
			*count(&next.left)--
			next.requests[free] = request{phase: sent, kind: k, cookie: cookie}
			emit(next, sentence{text, uint8(free), 0, cookie}, "")
		}
	}
	if s.cookie != none {
		send(page, s.cookie, func(b *budget) *uint8 { return &b.Pages }, "The browser sends $R with $T.")
		send(signOut, s.cookie, func(b *budget) *uint8 { return &b.SignOuts }, "The browser sends $R with $T, to sign out.")
	}
	if !s.signedIn {
		send(signIn, s.cookie, func(b *budget) *uint8 { return &b.SignIns }, "The browser sends $R with $T, the end of a sign-in of another person.")
	}
	for t := uint8(0); t <= s.had; t++ {
		send(page, t, func(b *budget) *uint8 { return &b.Copies }, "The browser sends $R with $T, a cookie that it once had.")
	}
	if s.left.AdminEnds > 0 {
		next := *s
		next.left.AdminEnds--
		next.revoked |= firstPerson
		next.ended |= firstPerson
		emit(next, sentence{text: "An administrator ends the session at WorkOS."}, "")
	}
	for _, p := range []people{firstPerson, secondPerson} {
		if s.ended&p != 0 && s.revoked&p == 0 {
			next := *s
			next.revoked |= p
			emit(next, sentence{text: "WorkOS ends the session that was signed out or replaced."}, "")
		}
	}
}

// arrive lets the browser receive a response. Responses arrive in any order.
func arrive(s state, n uint8, emit emit[state]) {
	r := s.requests[n]
	s.requests[n] = request{}
	if r.result == clearCookie {
		s.cookie = none
		emit(s, sentence{"The response to $R clears the cookie.", n, 0, 0}, "")
		return
	}
	s.cookie = r.token
	if r.token != second {
		s.had = max(s.had, r.token)
	}
	emit(s, sentence{"The response to $R sets $T.", n, 0, r.token}, "")
}

// time has what time does to the records.
func (m *model) time(s *state, emit emit[state]) {
	for t := range uint8(maxTokens) {
		next := *s
		switch k := s.records[t]; k.kind {
		case replica.Ended:
			next.put(t, replica.None)
			emit(next, sentence{"The end of the session in the record of $T expires.", 0, 0, t}, "")
		case replica.Pause:
			next.put(t, replica.None)
			emit(next, sentence{"The pause in the record of $T expires.", 0, 0, t}, "")
		case replica.Success:
			if k.delivered && s.isPast(t) {
				next.put(t, replica.Spent)
				emit(next, sentence{"The success in the record of $T becomes a spent mark.", 0, 0, t}, "")
			}
		case replica.Lease:
			m.expire(s, t, emit)
		}
	}
}

// isPast reports whether the browser, the requests and the responses have newer
// tokens (assumption 4).
func (s *state) isPast(t uint8) bool {
	if s.cookie <= t {
		return false
	}
	for n := range s.requests {
		r := &s.requests[n]
		switch {
		case r.phase == idle:
		case r.phase == arriving:
			if r.result == setCookie && r.token <= t {
				return false
			}
		case r.cookie <= t && r.kind == page:
			return false
		}
	}
	return true
}

// expire lets a lease expire whose holder does not extend it (assumption 1).
func (m *model) expire(s *state, t uint8, emit emit[state]) {
	next := *s
	owner := s.owner(t)
	next.put(t, replica.None)
	if owner == nil {
		emit(next, sentence{"The lease of $T expires, because its holder is gone.", 0, 0, t}, "")
		return
	}
	at := owner.instance
	switch {
	case s.instances[at].down:
		next.excused.add(t)
		emit(next, sentence{"The lease of $T expires, because $I cannot extend it.", 0, at, t}, "")
	case owner.phase == asking || owner.phase == asked:
		emit(next, sentence{"The lease of $T reaches its limit and expires.", 0, at, t}, "")
	case !m.leaseIsExtended:
		emit(next, sentence{"The lease of $T expires.", 0, at, t}, "")
	case s.left.Stalls > 0:
		next.left.Stalls--
		next.excused.add(t)
		emit(next, sentence{"$I stalls, and the lease of $T expires.", 0, at, t}, "")
	}
}

// faults has the faults.
func (m *model) faults(s *state, emit emit[state]) {
	for _, all := range []bool{true, false} {
		if s.left.Flushes == 0 {
			break
		}
		next := *s
		next.left.Flushes--
		text := "The store loses its log."
		if all {
			text = "The store loses its records and its log."
			next.told, next.excused = 0, 1<<maxTokens-1
			for t := range uint8(maxTokens) {
				next.put(t, replica.None)
			}
		}
		next.notices, next.questions = 0, 0
		for i := range next.instances {
			next.instances[i].unread = 0
		}
		m.loses(&next)
		emit(next, sentence{text: text}, "")
	}
	for i := range uint8(m.Instances) {
		next := *s
		at := &next.instances[i]
		if at.down {
			at.down = false
			emit(next, sentence{"$I reaches the store again.", 0, i, 0}, "")
		} else if s.left.Outages > 0 {
			next.left.Outages--
			at.down = true
			emit(next, sentence{"$I cannot reach the store any more.", 0, i, 0}, "")
		}
		if s.left.Crashes > 0 {
			m.crash(*s, i, emit)
		}
	}
}

// crash lets an instance crash and start again. A call that it has made may reach
// WorkOS, and its responses may reach the browser.
func (m *model) crash(s state, i uint8, emit emit[state]) {
	s.left.Crashes--
	before := s
	reaches, calls := s, false
	for n := range s.requests {
		r := &s.requests[n]
		if !r.atInstance() || r.instance != i {
			continue
		}
		if r.exchanging() {
			s.excused.add(r.token)
			reaches.excused.add(r.token)
		}
		if t := r.token; r.phase == calling && s.revoked&personOf(t) == 0 {
			calls = true
			reaches.issued = max(reaches.issued, t+2)
			reaches.presented.add(t)
		}
		s.requests[n], reaches.requests[n] = request{}, request{}
	}
	for _, next := range []*state{&s, &reaches} {
		next.instances[i] = instance{down: next.instances[i].down}
		next.forgetQuestions()
		m.losesAt(next, &before, i)
	}
	emit(s, sentence{"$I crashes and starts again.", 0, i, 0}, "")
	if calls {
		emit(reaches, sentence{"$I crashes and starts again. Its call reaches WorkOS.", 0, i, 0}, "")
	}
}

// forgetQuestions removes the questions that no request waits for.
func (s *state) forgetQuestions() {
	var open tokens
	for n := range s.requests {
		if r := &s.requests[n]; r.phase == asked {
			open.add(r.token)
		}
	}
	s.questions &= open
	for i := range s.instances {
		s.instances[i].unread &= open
	}
}
