// The steps of a response, of a sign-out and of a sign-in, and what an instance does
// in the background.

package replicamodel

import "github.com/authkit-go/authkit/internal/replica"

// respond decides about the cookie of a response (rule 4).
func (m *model) respond(s state, n uint8, emit emit[state]) {
	r := &s.requests[n]
	i, t := r.instance, r.token
	at := &s.instances[i]
	if m.marksAreRead && at.marks&personOf(t) != 0 {
		broken := anonymous(&s, r)
		*r = request{}
		emit(s, sentence{"$I knows the session of $R as signed out. The response sets no cookie.", n, i, t}, broken)
		return
	}
	if m.publishesFirst && !at.down {
		for earlier := range t {
			if at.waiting.has(earlier) && personOf(t) == firstPerson {
				m.publishAgain(&s, i, earlier)
			}
		}
	}
	if r.result == clearCookie {
		m.respondClear(s, n, emit)
		return
	}
	what := sentence{"$I sends the response to $R, which sets $T.", n, i, t}
	step := replica.Send
	if at.down {
		what.text = "$I cannot follow the records. It sends the response to $R, which sets $T."
		for r.token != second && at.successors.has(r.token) {
			r.token++
		}
	} else {
		step = m.follow(&s, n)
	}
	if step == replica.SendNoCookie || at.superseded.has(r.token) {
		*r = request{}
		emit(s, sentence{"$I finds that the session of $R is superseded or spent. The response sets no cookie.", n, i, t}, "")
		return
	}
	broken := setting(&s, r)
	what.t = r.token
	if at.down {
		s.told &^= personOf(r.token)                                // the browser gets a token that the store does not know
		s.lost = s.lost || s.cookie != second && r.token < s.cookie // or one that is older than its own
	}
	*r = request{phase: arriving, result: setCookie, token: r.token}
	emit(s, what, broken)
}

// follow follows the records from the session of a response to the newest one, and
// the successors that the instance knows.
func (m *model) follow(s *state, n uint8) replica.ResponseStep {
	r := &s.requests[n]
	for {
		at := &s.instances[r.instance]
		step := m.beforeResponse(s.records[r.token].kind)
		switch {
		case step == replica.SendNewer:
			at.successors.add(r.token)
		case step != replica.Send || r.token == second || !at.successors.has(r.token):
			return step
		}
		r.token++
	}
}

// respondClear decides about a response that clears the cookie of an ended session.
func (m *model) respondClear(s state, n uint8, emit emit[state]) {
	r := &s.requests[n]
	i, t := r.instance, r.token
	down := s.instances[i].down
	keeps := down && m.clearNeedsStore || !down && !m.mayClear(s.records[t].kind) || s.instances[i].superseded.has(t)
	for earlier := r.cookie; earlier < t && !down && m.clearFollows; earlier++ {
		keeps = keeps || m.beforeResponse(s.records[earlier].kind) == replica.SendNoCookie
	}
	if keeps {
		*r = request{}
		emit(s, sentence{"$I does not clear the cookie in its response to $R.", n, i, t}, "")
		return
	}
	broken := clearing(&s, r)
	s.ended |= personOf(t)
	if !down && !s.lost && s.storeHasChain() {
		s.told |= personOf(t)
	}
	if m.clearMarks {
		s.instances[i].superseded.add(t)
		if !down {
			s.put(t, replica.Superseded)
		}
	}
	*r = request{phase: arriving, result: clearCookie}
	emit(s, sentence{"$I sends the response to $R, which clears the cookie of the ended session.", n, i, t}, broken)
}

// signOutOrIn lets an instance sign a session out, or replace it by the session of the
// second person, and answer.
func (m *model) signOutOrIn(s state, n uint8, emit emit[state]) {
	r := &s.requests[n]
	i, cookie := r.instance, r.cookie
	what := sentence{"$R with $T reaches $I, which signs the session out and answers.", n, i, cookie}
	response := request{phase: arriving, result: clearCookie}
	if r.kind == signIn {
		what.text = "$R with $T reaches $I, which signs the second person in and answers."
		s.signedIn = true
		response = request{phase: arriving, result: setCookie, token: second}
	}
	if cookie != none {
		m.end(&s, i, cookie)
	}
	*r = response
	emit(s, what, "")
}

// end ends the session of a cookie at an instance and in the store.
func (m *model) end(s *state, i, cookie uint8) {
	at, person := &s.instances[i], personOf(cookie)
	s.ended |= person
	at.marks |= person
	t := cookie
	for ; t < second && at.successors.has(t); t++ {
		at.superseded.add(t)
	}
	at.superseded.add(t)
	if at.down {
		at.unsent |= person
		at.unmarked.add(cookie)
		return
	}
	if person == secondPerson || s.storeHasChain() {
		s.told |= person
	}
	s.notices |= person
	m.mark(s, i, cookie)
}

// storeHasChain reports whether the records lead from the first token to the last one
// that an instance knows. Otherwise the store was bypassed, or has lost a record.
func (s *state) storeHasChain() bool {
	t := uint8(0)
	for t+1 < s.issued && (s.records[t].kind == replica.Success || s.records[t].kind == replica.Spent) {
		t++
	}
	for i := range s.instances {
		if s.instances[i].successors.has(t) {
			return false
		}
	}
	for n := range s.requests {
		if r := &s.requests[n]; r.phase == replied && r.result == success && r.token == t {
			return true // it finds the mark later
		}
	}
	return t+1 == s.issued
}

// mark puts a superseded mark at the end of the chain of a token (rule 4).
func (m *model) mark(s *state, i, t uint8) {
	for {
		switch m.supersede(s.records[t].kind) {
		case replica.AlreadyMarked:
			return
		case replica.MarkNext:
			t++
			continue
		}
		if t < second && s.instances[i].successors.has(t) {
			m.mark(s, i, t+1) // the record may be lost, or not published yet
		}
		s.put(t, replica.Superseded)
		return
	}
}

// background has what an instance does without a request.
func (m *model) background(s *state, i uint8, emit emit[state]) {
	at := &s.instances[i]
	if at.down {
		return
	}
	if !at.caughtUp || at.unread != 0 || s.notices&^at.marks != 0 {
		m.readLog(*s, i, emit)
	}
	if at.unsent != 0 || at.unmarked != 0 {
		next := *s
		next.instances[i].unsent, next.instances[i].unmarked = 0, 0
		next.notices |= at.unsent
		for t := range uint8(maxTokens) {
			if at.unmarked.has(t) {
				m.mark(&next, i, t)
			}
		}
		emit(next, sentence{"$I sends the notice and puts the superseded marks that waited for the store.", 0, i, 0}, "")
	}
	if lacks := at.marks &^ s.notices &^ at.unsent; lacks != 0 && m.noticesArePutBack {
		next := *s
		next.notices |= lacks
		emit(next, sentence{"$I puts back the notices that the log has lost.", 0, i, 0}, "")
	}
	for t := range uint8(maxTokens) {
		if at.waiting.has(t) && m.publishesBehind {
			next := *s
			m.publishAgain(&next, i, t)
			emit(next, sentence{"$I publishes the successor of $T, which waited for the store.", 0, i, t}, "")
		}
	}
}

// readLog lets an instance read the log and answer its questions (rule 3).
func (m *model) readLog(s state, i uint8, emit emit[state]) {
	at := &s.instances[i]
	at.caughtUp = true
	at.marks |= s.notices
	broken := ""
	for t := range uint8(maxTokens) {
		if at.unread.has(t) && m.answerQuestion(s.records[t].kind) {
			m.answer(&s, i, t)
			if at.superseded.has(t) && s.records[t].kind == replica.Success {
				broken = staysSignedOut
			}
		}
	}
	at.unread = 0
	emit(s, sentence{"$I reads the log and answers its questions.", 0, i, 0}, broken)
}

// answer puts what an instance knows about a token into its record.
func (m *model) answer(s *state, i, t uint8) {
	at := &s.instances[i]
	switch {
	case at.superseded.has(t) && m.supersededFirst:
		if m.supersededAnswers {
			s.put(t, replica.Superseded)
		}
		return
	case at.successors.has(t):
		s.put(t, replica.Success)
		return
	case !m.exchangeAnswers:
		return
	}
	for n := range s.requests {
		if r := &s.requests[n]; r.instance == i && r.token == t && (r.phase == calling || r.phase == replied) {
			s.put(t, replica.Lease)
			r.own, r.held = true, true
			return
		}
	}
}
