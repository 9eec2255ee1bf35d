// The options, the rules and the invariants of the model.

package replicamodel

import (
	"fmt"
	"strings"

	"github.com/authkit-go/authkit/internal/replica"
)

// options are the size of a model and its faults.
type options struct {
	Instances int
	Tokens    int  // the length of the chain of the first person
	Replay    bool // WorkOS has a replay window
	// LongOutage: a question can time out while an instance that knows the answer
	// cannot reach the store.
	LongOutage bool
	Budget     budget
}

// rules are the decisions of the protocol. The functions are those of package
// replica. The flags stand for rules that are steps there. A test takes each of them
// out.
type rules struct {
	afterClaim     func(found replica.Kind, own bool) replica.ClaimStep
	publishSuccess func(found replica.Kind) replica.PublishStep
	publishFailure func(found replica.Kind, own bool) replica.PublishStep
	extend         func(found replica.Kind, own bool) replica.ExtendStep
	beforeResponse func(found replica.Kind) replica.ResponseStep
	mayClear       func(found replica.Kind) bool
	supersede      func(found replica.Kind) replica.SupersedeStep
	answerQuestion func(found replica.Kind) bool
	believeRefusal func(found replica.Kind, own bool) bool

	waitFails           bool // a request that has waited too long fails, and does not call WorkOS
	leaseIsExtended     bool // a lease is extended during the exchange
	questionWaits       bool // a refusal is believed only after all instances have read the question
	questionAskedAgain  bool // a question that the log has lost is asked again
	claimAsksAgain      bool // if a refused token had to be claimed again, the question is asked again
	supersededAnswers   bool // an instance that knows a token as superseded answers
	supersededFirst     bool // and it does so even if it knows the successor
	exchangeAnswers     bool // an instance that exchanges a token itself answers with its lease
	clearMarks          bool // a clear puts a superseded mark in the place of the end
	clearNeedsStore     bool // a response does not clear if the store cannot be asked
	clearFollows        bool // a clear follows the records from the token of its cookie
	lateSuccessIsMarked bool // a late success that finds a superseded mark marks its successor
	publishesFirst      bool // the successes that wait are published before a response
	publishesBehind     bool // a success that could not be published is published later
	readsLogFirst       bool // an instance reads the log before it serves its first session
	marksAreRead        bool // before a response, the instance looks for a sign-out once more
	noticesArePutBack   bool // an instance puts back the notices that the log has lost
}

// protocol returns the rules as they are.
func protocol() rules {
	return rules{
		afterClaim:     replica.AfterClaim,
		publishSuccess: replica.PublishSuccess,
		publishFailure: replica.PublishFailure,
		extend:         replica.Extend,
		beforeResponse: replica.BeforeResponse,
		mayClear:       replica.MayClear,
		supersede:      replica.Supersede,
		answerQuestion: replica.AnswerQuestion,
		believeRefusal: replica.BelieveRefusal,

		waitFails: true, leaseIsExtended: true, questionWaits: true, questionAskedAgain: true, claimAsksAgain: true,
		supersededAnswers: true, supersededFirst: true, exchangeAnswers: true, clearMarks: true,
		clearNeedsStore: true, clearFollows: true, lateSuccessIsMarked: true, publishesFirst: true, publishesBehind: true,
		readsLogFirst: true, marksAreRead: true, noticesArePutBack: true,
	}
}

// The invariants.
const (
	presentedOnce  = "a refresh token is presented to WorkOS again after it was accepted"
	staysSignedIn  = "a person is signed out whose session has not ended"
	staysSignedOut = "a session is set or served after it was signed out or replaced"
	notOlder       = "a response sets a session that is older than the browser's"
	everyWaitEnds  = "a request waits for ever, or a success is never published"
)

// model is a model of the protocol.
type model struct {
	options
	rules
}

// system returns the model for the checker. The browser has signed in as the first
// person.
func (m *model) system() system[state] {
	s := state{issued: 1, left: m.Budget}
	for i := range m.Instances {
		s.instances[i].caughtUp = true
	}
	return system[state]{
		initial: s, steps: m.steps, canonical: m.canonical, render: render, check: m.check,
		stuck: func(s *state) string {
			for i := range s.instances {
				if s.instances[i].waiting != 0 {
					return everyWaitEnds
				}
			}
			if s.requests != [maxRequests]request{} {
				return everyWaitEnds
			}
			return ""
		},
	}
}

// run explores the model.
func (m *model) run(limit int) report { return explore(m.system(), limit) }

// check returns the invariant that a state breaks, or "". While an instance works on
// a request, the session may be in the middle of an exchange.
func (m *model) check(s *state) string {
	for n := range s.requests {
		if s.requests[n].atInstance() {
			return ""
		}
	}
	if s.cookie == none || !s.live(personOf(s.cookie)) {
		return ""
	}
	for t := s.cookie; ; t++ {
		switch s.records[t].kind {
		case replica.Superseded, replica.Ended, replica.Spent:
			return staysSignedIn
		}
		if t == second || t+1 >= s.issued {
			return ""
		}
		if !m.Replay && !s.knownTo(t) {
			return staysSignedIn
		}
	}
}

// anonymous returns the invariant that an anonymous request breaks, or "".
func anonymous(s *state, r *request) string {
	if r.cookie != none && r.cookie == s.cookie && s.live(personOf(r.cookie)) {
		return staysSignedIn
	}
	return ""
}

// setting returns the invariant that a response breaks that sets a cookie, or "".
func setting(s *state, r *request) string {
	person, at := personOf(r.token), &s.instances[r.instance]
	told := s.told&person != 0 && !at.down
	if at.marks&person != 0 || told {
		return staysSignedOut
	}
	if at.down || s.cookie == none || personOf(s.cookie) != person {
		return ""
	}
	for t := r.token; t < s.cookie; t++ {
		if k := s.records[t].kind; k != replica.Success && k != replica.Spent {
			return "" // the store does not know
		}
	}
	if r.token < s.cookie {
		return notOlder
	}
	return ""
}

// clearing returns the invariant that a response breaks that clears the cookie, or
// "". It must not clear the cookie of the second person if the store or the instance
// knows that the second sign-in has replaced the first one, or if another instance
// knows it and has neither answered nor put back its notice.
func clearing(s *state, r *request) string {
	at := &s.instances[r.instance]
	knows := (s.told|at.marks)&firstPerson != 0
	for t := r.cookie; t < r.token; t++ {
		knows = knows || s.records[t].kind == replica.Superseded
	}
	for i := range s.instances {
		other := &s.instances[i]
		lacks := other.marks&^other.unsent&^s.notices&firstPerson != 0
		knows = knows || lacks || !other.down && other.unmarked == 0 && other.superseded.has(r.token)
	}
	if s.live(firstPerson) || knows && s.live(secondPerson) {
		return staysSignedIn
	}
	return ""
}

// render returns a sentence in words.
func render(what sentence) string {
	token := fmt.Sprintf("T%d", what.t+1)
	switch what.t {
	case second:
		token = "U"
	case none:
		token = "no cookie"
	}
	names := strings.NewReplacer("$R", fmt.Sprintf("request %d", what.r+1), "$I", string(rune('A'+what.i)), "$T", token)
	text := names.Replace(what.text)
	return strings.ToUpper(text[:1]) + text[1:]
}
