// The steps of a request until it has the outcome of an exchange.

package replicamodel

import "github.com/authkit-go/authkit/internal/replica"

// load lets a request arrive at an instance.
func (m *model) load(s *state, n uint8, emit emit[state]) {
	cookie := s.requests[n].cookie
	for i := range uint8(m.Instances) {
		next := *s
		r, at := &next.requests[n], &next.instances[i]
		if m.readsLogFirst && !at.caughtUp && !at.down {
			continue // the instance reads the log first
		}
		r.instance = i
		if r.kind != page {
			m.signOutOrIn(next, n, emit)
			continue
		}
		if at.marks&personOf(cookie) != 0 {
			broken := anonymous(&next, r)
			*r = request{}
			emit(next, sentence{"$R with $T reaches $I, which knows the session as signed out.", n, i, cookie}, broken)
			continue
		}
		if cookie != second && cookie > 0 && !at.down && next.records[cookie-1].kind == replica.Success {
			next.records[cookie-1].delivered = true
		}
		m.refresh(next, n, i, emit)
		broken := ""
		if s.notices&personOf(cookie) != 0 && !at.caughtUp && !at.down {
			broken = staysSignedOut
		}
		*r = request{}
		emit(next, sentence{"$R with $T reaches $I. The session needs no refresh and serves it.", n, i, cookie}, broken)
	}
}

// refresh begins the refresh of the session of a request that has just arrived.
func (m *model) refresh(s state, n, i uint8, emit emit[state]) {
	r := &s.requests[n]
	t := r.cookie
	switch {
	case t == second || int(t)+1 >= m.Tokens:
	case s.instances[i].successors.has(t):
		m.receiveSuccessor(s, n, t, "$R with $T reaches $I, which knows the successor.", emit)
	case s.flight(i, t): // it joins that exchange
	default:
		r.phase, r.token = claiming, t
		emit(s, sentence{"$R with $T reaches $I. The session needs a refresh.", n, i, t}, "")
	}
}

// receiveSuccessor gives a request the successor of a token. The access token of the
// successor may have expired. Then the request refreshes again.
func (m *model) receiveSuccessor(s state, n, t uint8, text string, emit emit[state]) {
	i := s.requests[n].instance
	what := sentence{text, n, i, t}
	s.instances[i].successors.add(t)
	for next := t + 1; ; next++ {
		r := &s.requests[n]
		done := s
		done.requests[n] = request{phase: responding, result: setCookie, instance: i, cookie: r.cookie, token: next}
		emit(done, what, "")
		what.text = text + " The access token of the successor has expired."
		switch {
		case int(next)+1 >= m.Tokens || s.flight(i, next):
			return
		case s.instances[i].successors.has(next):
			continue
		}
		s.requests[n] = request{phase: claiming, instance: i, cookie: r.cookie, token: next}
		emit(s, what, "")
		return
	}
}

// claim claims the token of a request, or looks at the record again.
func (m *model) claim(s *state, n uint8, emit emit[state]) {
	next := *s
	r := &next.requests[n]
	t, i := r.token, r.instance
	if s.instances[i].down {
		r.phase = calling
		next.excused.add(t)
		emit(next, sentence{"$I cannot claim $T, because it does not reach the store. It calls WorkOS.", n, i, t}, "")
		return
	}
	found := s.records[t].kind
	text := "$I finds the record of $T."
	if found == replica.None {
		found, r.own = replica.Lease, true
		next.records[t] = record{kind: replica.Lease}
		text = "$I claims $T for $R."
		if s.left.LostReplies > 0 {
			lost := next
			lost.left.LostReplies--
			emit(lost, sentence{"$I claims $T for $R. The reply of the store is lost.", n, i, t}, "")
		}
	}
	what := sentence{text, n, i, t}
	switch m.afterClaim(found, r.own) {
	case replica.Exchange:
		r.phase, r.held = calling, true
		what.text += " It calls WorkOS."
		emit(next, what, "")
	case replica.Wait:
		if m.waitFails {
			*r = request{}
		} else {
			r.phase = calling
		}
		emit(next, sentence{"$R has waited too long for the outcome of $T.", n, i, t}, "")
	case replica.UseResult:
		m.receiveSuccessor(next, n, t, "$I finds the successor in the record of $T.", emit)
	case replica.UseEnd:
		r.phase, r.result = responding, clearCookie
		what.text = "$I finds in the record of $T that the session has ended."
		emit(next, what, "")
	case replica.UsePause:
		*r = request{}
		what.text = "$I finds a pause in the record of $T. $R fails."
		emit(next, what, "")
	case replica.Withhold:
		broken := anonymous(s, r)
		*r = request{}
		what.text = "$I finds that $T is superseded or spent. $R is anonymous, and the cookie stays."
		emit(next, what, broken)
	}
}

// process lets WorkOS process a call.
func (m *model) process(s *state, n uint8, emit emit[state]) {
	next := *s
	r := &next.requests[n]
	t, i := r.token, r.instance
	r.phase = replied
	if s.left.WorkOSFailures > 0 {
		failing := next
		failing.left.WorkOSFailures--
		failing.requests[n].result = failed
		emit(failing, sentence{"WorkOS fails to answer $I.", n, i, t}, "")
	}
	if s.revoked&personOf(t) != 0 {
		r.result = refused
		emit(next, sentence{"WorkOS refuses $T, because the session has ended.", n, i, t}, "")
		return
	}
	broken := ""
	if s.presented.has(t) && !s.excused.has(t) {
		broken = presentedOnce
	}
	next.presented.add(t)
	r.result = success
	what := sentence{"WorkOS exchanges $T for $I.", n, i, t}
	switch {
	case s.issued == t+1:
		next.issued++
	case m.Replay:
		what.text = "WorkOS replays the exchange of $T for $I."
	default:
		r.result = refused
		what.text = "WorkOS refuses $T, because it was exchanged."
	}
	emit(next, what, broken)
	if s.left.WorkOSLostReplies > 0 {
		next.left.WorkOSLostReplies--
		next.requests[n].result = failed
		next.excused.add(t)
		what.text += " The reply is lost."
		emit(next, what, broken)
	}
}

// receive lets the reply of WorkOS arrive at the instance, which publishes it.
func (m *model) receive(s *state, n uint8, emit emit[state]) {
	next := *s
	r := &next.requests[n]
	t, i := r.token, r.instance
	down := s.instances[i].down
	switch r.result {
	case refused:
		if !r.held {
			*r = request{}
			emit(next, sentence{"$I receives the refusal of $T. It has no lease and asks nobody. $R fails.", n, i, t}, "")
			return
		}
		r.phase = asking
		emit(next, sentence{"$I receives the refusal of $T.", n, i, t}, "")
	case failed:
		if !down && r.held && m.publishFailure(s.records[t].kind, r.own) == replica.Replace {
			next.put(t, replica.Pause)
		}
		next.requests[n] = request{}
		emit(next, sentence{"$I receives the failure for $T and publishes a pause if it has the lease. $R fails.", n, i, t}, "")
	case success:
		if down {
			next.instances[i].waiting.add(t)
			next.excused.add(t)
			m.receiveSuccessor(next, n, t, "$I receives the successor of $T and cannot publish it.", emit)
			return
		}
		if m.publish(&next, i, t) == replica.SetNothing {
			next.requests[n] = request{}
			emit(next, sentence{"$I receives the successor of $T, and finds that $T is superseded or spent. $R is anonymous.", n, i, t}, anonymous(s, &s.requests[n]))
			return
		}
		m.receiveSuccessor(next, n, t, "$I publishes the successor of $T.", emit)
		if s.left.LostReplies > 0 {
			next.left.LostReplies--
			next.instances[i].waiting.add(t)
			m.receiveSuccessor(next, n, t, "$I publishes the successor of $T. The reply of the store is lost.", emit)
		}
	}
}

// publish publishes a success and returns what was done.
func (m *model) publish(s *state, i, t uint8) replica.PublishStep {
	s.instances[i].waiting.remove(t)
	step := m.publishSuccess(s.records[t].kind)
	if step == replica.Replace {
		s.put(t, replica.Success)
	}
	return step
}

// publishAgain publishes a success that waited. The successor may be in use already. If
// the token was superseded, the successor is superseded too.
func (m *model) publishAgain(s *state, i, t uint8) {
	found := s.records[t].kind
	if m.publish(s, i, t) == replica.SetNothing && found == replica.Superseded && m.lateSuccessIsMarked {
		s.instances[i].superseded.add(t)
		m.mark(s, i, t+1)
	}
}

// ask puts a question into the log.
func (m *model) ask(s *state, n uint8, emit emit[state]) {
	next := *s
	r := &next.requests[n]
	t, i := r.token, r.instance
	if s.instances[i].down {
		*r = request{}
		emit(next, sentence{"$I cannot ask about $T. $R fails.", n, i, t}, "")
		return
	}
	r.phase = asked
	next.questions.add(t)
	for other := range uint8(m.Instances) {
		next.instances[other].unread.add(t) // this instance may know the answer by now
	}
	emit(next, sentence{"$I asks the others about $T.", n, i, t}, "")
}

// decide lets an instance look for an answer to its question.
func (m *model) decide(s *state, n uint8, emit emit[state]) {
	next := *s
	r := &next.requests[n]
	t, i := r.token, r.instance
	if s.instances[i].down {
		*r = request{}
		next.forgetQuestions()
		emit(next, sentence{"$I cannot read an answer about $T. $R fails.", n, i, t}, "")
		return
	}
	found := s.records[t].kind
	switch {
	case found == replica.Success:
		s := next
		s.requests[n].phase = replied
		s.forgetQuestions()
		m.receiveSuccessor(s, n, t, "$I finds an answer, the successor of $T.", emit)
		return
	case found == replica.Spent || found == replica.Superseded:
		broken := anonymous(s, r)
		*r = request{}
		next.forgetQuestions()
		emit(next, sentence{"$I finds the answer that $T is superseded or spent. $R is anonymous.", n, i, t}, broken)
		return
	case m.questionAskedAgain && !s.questions.has(t):
		r.phase = asking
		emit(next, sentence{"$I finds that the log has lost its question about $T.", n, i, t}, "")
		return
	case !m.timesOut(s, i, t):
		return
	case !m.believeRefusal(found, r.own):
		*r = request{}
		next.forgetQuestions()
		emit(next, sentence{"$I does not believe the refusal of $T, because of the record. $R fails.", n, i, t}, "")
		return
	}
	next.put(t, replica.Ended)
	if s.left.LostReplies > 0 {
		lost := next
		lost.left.LostReplies--
		emit(lost, sentence{"$I believes the refusal of $T and publishes the end of the session. The reply of the store is lost.", n, i, t}, "")
	}
	r.phase, r.result = responding, clearCookie
	next.forgetQuestions()
	emit(next, sentence{"No instance answers. $I believes the refusal of $T and publishes the end of the session.", n, i, t}, "")
}

// timesOut reports whether QuestionTime can have passed (assumptions 2 and 3).
func (m *model) timesOut(s *state, i, t uint8) bool {
	if !m.questionWaits {
		return true
	}
	if s.notices&^s.instances[i].marks != 0 {
		return false // this instance reads the log too
	}
	for other := range uint8(m.Instances) {
		at := &s.instances[other]
		lacks := at.marks&^s.notices != 0
		knows := lacks || at.successors.has(t) || at.superseded.has(t) || s.flight(other, t)
		switch {
		case !at.down && at.unread.has(t), !at.down && lacks && m.noticesArePutBack:
			return false
		case at.down && knows && !m.LongOutage:
			return false
		}
	}
	return true
}

// keep lets the holder of a lease extend it, if the lease is no longer in the store.
func (m *model) keep(s state, n uint8, emit emit[state]) {
	r := &s.requests[n]
	if !r.held || r.own || s.instances[r.instance].down || r.phase < calling || r.phase > asked {
		return
	}
	t := r.token
	if m.extend(s.records[t].kind, false) == replica.ClaimAgain && s.records[t].kind == replica.None {
		s.put(t, replica.Lease)
		r.own = true
		if r.phase == asked && m.claimAsksAgain {
			r.phase = asking
			s.forgetQuestions()
		}
		emit(s, sentence{"$I claims $T again, because its lease is gone.", n, r.instance, t}, "")
	}
}
