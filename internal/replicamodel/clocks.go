// The model of rule 5: the times in notices, with instances whose clocks differ.
//
// There is one WorkOS session. A person signs in to it, signs out of it, and signs in
// to it again, as AuthKit allows after the logout of a script. A cookie has the time
// of its sign-in, by the clock of an instance. A sign-out refuses the sign-ins up to
// the time in its notice.
//
// The assumption is that an instance has read the log when it dates a sign-in, and
// when it revokes a session. A sign-in takes seconds, a revocation comes 30 s after
// the sign-out, and the log is read within two seconds.

package replicamodel

import "fmt"

const maxTime = 20 // the time at which the model ends

// clockRules are the decisions of rule 5.
type clockRules struct {
	// noticeTime returns the time in the notice of a sign-out.
	noticeTime func(signedIn, clock uint8) uint8
	// endTime returns the time in the notice of EndSession.
	endTime func(clock uint8) uint8
	// signInTime returns the time of a sign-in. mark is the time of the latest notice,
	// or 0.
	signInTime func(clock, mark uint8) uint8
	// announces: a sign-in to a session that was signed out is announced, so that the
	// session is not revoked because of the sign-out.
	announces bool
}

// maxSkew is how much two clocks differ, at most.
const maxSkew = 3

// clockProtocol returns the rules as they are.
func clockProtocol() clockRules {
	return clockRules{
		noticeTime: func(signedIn, _ uint8) uint8 { return signedIn },
		endTime:    func(clock uint8) uint8 { return clock + maxSkew },
		signInTime: func(clock, mark uint8) uint8 { return max(clock, mark+1) },
		announces:  true,
	}
}

// clockInstance is what an instance remembers.
type clockInstance struct {
	mark    uint8 // sign-ins up to this time are signed out
	revokes uint8 // the time of the sign-in whose session it will revoke, or 0
}

// clockState is a state of the model of rule 5. Times are 0 for none.
type clockState struct {
	now       uint8
	cookie    uint8 // the time of the sign-in in the browser's cookie
	signedOut uint8 // the time of the last sign-in that was signed out
	mark      uint8 // the latest time of the notices of sign-outs in the log
	resumed   uint8 // the latest time of the notices of further sign-ins in the log
	revoked   bool  // WorkOS has ended the session
	instances [maxInstances]clockInstance
}

// clockModel is the model of rule 5. skews are how far the clocks are ahead.
type clockModel struct {
	skews []uint8
	clockRules
}

func (m *clockModel) system() system[clockState] {
	return system[clockState]{
		initial:   clockState{now: 1},
		steps:     m.steps,
		canonical: func(s clockState) clockState { return s },
		check:     func(*clockState) string { return "" },
		stuck:     func(*clockState) string { return "" },
		render:    func(what sentence) string { return fmt.Sprintf(what.text, 'A'+rune(what.i), what.t) },
	}
}

// steps calls emit for each step that is possible in a state.
func (m *clockModel) steps(s *clockState, emit emit[clockState]) {
	for i := range uint8(len(m.skews)) {
		at := &s.instances[i]
		unread := s.mark > at.mark || at.revokes != 0 && s.resumed > at.revokes
		if unread {
			next := *s
			next.instances[i].read(s)
			emit(next, sentence{text: "%c reads the log.", i: i}, "")
		}
		if s.now < maxTime-2*maxSkew && !s.revoked {
			m.signInAt(*s, i, emit)
			m.endAt(*s, i, emit)
		}
		if at.revokes != 0 && !unread {
			next := *s
			next.revoked, next.instances[i].revokes = true, 0
			broken := ""
			if s.cookie != 0 && !s.revoked {
				broken = staysSignedIn
			}
			emit(next, sentence{text: "%c revokes the session that was signed in at %d.", i: i, t: at.revokes}, broken)
		}
		m.request(*s, i, emit)
	}
}

// read lets an instance read the log.
func (i *clockInstance) read(s *clockState) {
	i.mark = max(i.mark, s.mark)
	if s.resumed > i.revokes {
		i.revokes = 0
	}
}

// signInAt lets the person sign in at an instance, which has read the log.
func (m *clockModel) signInAt(s clockState, i uint8, emit emit[clockState]) {
	if s.cookie != 0 {
		return
	}
	s.instances[i].read(&s)
	s.cookie = m.signInTime(s.now+m.skews[i], s.instances[i].mark)
	if m.announces && s.instances[i].mark != 0 {
		s.resumed = s.cookie
	}
	s.instances[i].revokes = 0 // as in one process
	s.now++
	emit(s, sentence{text: "The person signs in at %c. The cookie has the time %d.", i: i, t: s.cookie}, "")
}

// endAt lets the person sign out at an instance, or the application end the session.
func (m *clockModel) endAt(s clockState, i uint8, emit emit[clockState]) {
	if s.cookie == 0 {
		return
	}
	signedOut := s
	at := &signedOut.instances[i]
	notice := m.noticeTime(s.cookie, s.now+m.skews[i])
	at.mark, signedOut.mark = max(at.mark, notice), max(s.mark, notice)
	at.revokes = s.cookie
	signedOut.signedOut, signedOut.cookie = s.cookie, 0
	signedOut.now++
	emit(signedOut, sentence{text: "The person signs out at %c. The notice has the time %d.", i: i, t: notice}, "")

	ended := s
	notice = m.endTime(s.now + m.skews[i])
	ended.instances[i].mark, ended.mark = max(s.instances[i].mark, notice), max(s.mark, notice)
	ended.signedOut, ended.cookie, ended.revoked = s.cookie, 0, true
	emit(ended, sentence{text: "The application ends the session at %c. The notice has the time %d.", i: i, t: notice}, "")
}

// request sends a request with the cookie of the browser, and one with a copy of the
// cookie that was signed out.
func (m *clockModel) request(s clockState, i uint8, emit emit[clockState]) {
	mark := s.instances[i].mark
	if s.cookie != 0 && !s.revoked && mark >= s.cookie {
		emit(s, sentence{text: "%c refuses the cookie with the time %d.", i: i, t: s.cookie}, staysSignedIn)
	}
	if s.signedOut > mark && mark == s.mark {
		emit(s, sentence{text: "%c has read the log, and serves a copy of the cookie with the time %d.", i: i, t: s.signedOut}, staysSignedOut)
	}
}
