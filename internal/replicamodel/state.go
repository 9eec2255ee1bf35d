// The state of the model: the browser, WorkOS, the store, the instances and the
// requests.

package replicamodel

import (
	"math/bits"

	"github.com/authkit-go/authkit/internal/replica"
)

const (
	maxInstances = 3
	maxRequests  = 4
	maxTokens    = 4 // the last is the token of the second person
	maxChain     = maxTokens - 1

	second = maxChain // the refresh token of the second person
	none   = 0xff     // no cookie
)

// tokens is a set of refresh tokens.
type tokens uint8

func (s tokens) has(t uint8) bool { return s>>t&1 != 0 }
func (s *tokens) add(t uint8)     { *s |= 1 << t }
func (s *tokens) remove(t uint8)  { *s &^= 1 << t }

// people is a set of people. The first person has the tokens 0, 1, 2, and the second
// person has the token second. Each person has one WorkOS session.
type people uint8

const (
	firstPerson  people = 1
	secondPerson people = 2
)

func personOf(t uint8) people {
	if t == second {
		return secondPerson
	}
	return firstPerson
}

// phase is what a request does next.
type phase uint8

const (
	idle       phase = iota // the slot of a request that has ended
	sent                    // it is on its way to an instance
	claiming                // the instance claims the token
	calling                 // the token is on its way to WorkOS
	replied                 // the reply is on its way to the instance
	asking                  // WorkOS has refused, and the instance is about to ask
	asked                   // the question is in the log
	responding              // the response is about to be sent
	arriving                // the response is on its way to the browser
)

// kind is what a request is for.
type kind uint8

const (
	page kind = iota
	signOut
	signIn
)

// result is what WorkOS has replied, or what a response does.
type result uint8

const (
	nothing result = iota
	success
	refused
	failed
	setCookie
	clearCookie
)

// request is a request and its response.
type request struct {
	phase    phase
	kind     kind
	result   result
	instance uint8
	cookie   uint8 // the refresh token in the request's cookie
	token    uint8 // the token that is exchanged, and later the one that is set
	held     bool  // the store has confirmed the lease
	own      bool  // the record is the request's own lease
}

// atInstance reports whether an instance works on the request.
func (r *request) atInstance() bool { return r.phase >= claiming && r.phase <= responding }

// exchanging reports whether the request has an exchange of a token.
func (r *request) exchanging() bool { return r.phase >= claiming && r.phase <= asked }

// record is what the store has for a token.
type record struct {
	kind      replica.Kind
	delivered bool // of a success: the browser has presented the successor
}

// instance is the memory of an instance.
type instance struct {
	down       bool   // the store cannot be reached
	caughtUp   bool   // it has read the log since it started
	successors tokens // tokens whose successor it knows
	superseded tokens // tokens that a sign-out, a sign-in or a clear has superseded here
	marks      people // sessions that it knows as signed out
	unread     tokens // questions that it has not read
	unsent     people // notices that are not in the log yet
	unmarked   tokens // chains that wait for their superseded mark
	waiting    tokens // successes that are not published yet
}

// budget limits how often something happens.
type budget struct {
	Pages, Copies, SignOuts, SignIns, AdminEnds    uint8
	LostReplies, Outages, Flushes, Stalls, Crashes uint8
	WorkOSFailures, WorkOSLostReplies              uint8
}

// state is a state of the model.
type state struct {
	// The world.
	cookie   uint8  // the refresh token in the browser's cookie, or none
	had      uint8  // the newest token of the first person that the browser has had
	issued   uint8  // how many tokens of the first person WorkOS has issued
	signedIn bool   // the second person has signed in
	revoked  people // sessions that WorkOS has ended

	// The store.
	records   [maxTokens]record
	notices   people // the notices of sign-outs in the log
	questions tokens // the questions in the log

	instances [maxInstances]instance
	requests  [maxRequests]request
	left      budget

	// What has happened, for the invariants.
	presented tokens // tokens that WorkOS has accepted
	excused   tokens // tokens that may be presented again
	ended     people // sessions that were signed out or replaced, or that WorkOS has ended
	told      people // ended sessions whose superseded mark the store has
	lost      bool   // no copy of a successor is left
}

// live reports whether a person's session must stay signed in.
func (s *state) live(p people) bool {
	return (s.ended|s.revoked)&p == 0 && !(s.lost && p == firstPerson) && (p == firstPerson || s.signedIn)
}

// put puts a record into the store. A lease that it replaces is lost.
func (s *state) put(t uint8, k replica.Kind) {
	s.records[t] = record{kind: k}
	for i := range s.requests {
		if r := &s.requests[i]; r.token == t && r.exchanging() {
			r.own = false
		}
	}
}

// flight reports whether an instance has an exchange of a token.
func (s *state) flight(i, t uint8) bool {
	for n := range s.requests {
		if r := &s.requests[n]; r.exchanging() && r.instance == i && r.token == t {
			return true
		}
	}
	return false
}

// owner returns the request that has the lease of a token, or nil.
func (s *state) owner(t uint8) *request {
	for n := range s.requests {
		if r := &s.requests[n]; r.own && r.token == t && r.exchanging() {
			return r
		}
	}
	return nil
}

// knownTo reports whether the successor of a token is known: to the store, to an
// instance, or to an exchange whose reply is on its way.
func (s *state) knownTo(t uint8) bool {
	if k := s.records[t].kind; k == replica.Success || k == replica.Spent {
		return true
	}
	for i := range s.instances {
		if s.instances[i].successors.has(t) {
			return true
		}
	}
	for n := range s.requests {
		if r := &s.requests[n]; r.phase == replied && r.result == success && r.token == t {
			return true
		}
	}
	return false
}

// losesAt records that a crash of an instance has destroyed the last copy of a
// successor, unless the instance should have published it.
func (m *model) losesAt(s, before *state, i uint8) {
	for t := uint8(0); t+1 < s.issued; t++ {
		at := &before.instances[i]
		published := at.successors.has(t) && !at.waiting.has(t) && s.left.Flushes == m.Budget.Flushes
		if !m.Replay && !s.knownTo(t) && !published {
			s.lost = true
		}
	}
}

// loses records that a flush has destroyed the last copy of a successor, unless WorkOS
// returns it again.
func (m *model) loses(s *state) {
	for t := uint8(0); t+1 < s.issued; t++ {
		if !m.Replay && !s.knownTo(t) {
			s.lost = true
		}
	}
}

// weight orders instances, so that states that differ in their names alone are one.
func (s *state) weight(i int) (w uint64) {
	at := &s.instances[i]
	for _, b := range []bool{at.down, at.caughtUp} {
		w <<= 1
		if b {
			w |= 1
		}
	}
	w = w<<4 | uint64(at.successors)
	w = w<<4 | uint64(at.superseded)
	w = w<<2 | uint64(at.marks)
	w = w<<4 | uint64(at.unread)
	w = w<<2 | uint64(at.unsent)
	w = w<<4 | uint64(at.unmarked)
	w = w<<4 | uint64(at.waiting)
	var work uint64
	for n := range s.requests {
		if r := &s.requests[n]; r.atInstance() && int(r.instance) == i {
			work += bits.RotateLeft64(r.weight()*0x9e3779b97f4a7c15, 29) // in any order
		}
	}
	return w<<32 ^ work>>28
}

// weight orders requests. It leaves the instance out.
func (r *request) weight() (w uint64) {
	w = uint64(r.phase)<<32 | uint64(r.kind)<<28 | uint64(r.result)<<24 | uint64(r.cookie)<<16 | uint64(r.token)<<8
	if r.held {
		w |= 2
	}
	if r.own {
		w |= 1
	}
	return w
}

// canonical returns the state with its instances and requests in a fixed order.
func (m *model) canonical(s state) state {
	var weights [maxInstances]uint64
	var order, place [maxInstances]int
	for i := range m.Instances {
		weights[i], order[i] = s.weight(i), i
	}
	for i := 1; i < m.Instances; i++ {
		for j := i; j > 0 && weights[order[j]] < weights[order[j-1]]; j-- {
			order[j], order[j-1] = order[j-1], order[j]
		}
	}
	before := s.instances
	for to, from := range order[:m.Instances] {
		s.instances[to], place[from] = before[from], to
	}
	for n := range s.requests {
		if r := &s.requests[n]; r.atInstance() {
			r.instance = uint8(place[r.instance])
		}
	}
	key := func(r *request) uint64 { return r.weight()<<2 | uint64(r.instance) }
	for i := 1; i < maxRequests; i++ {
		for j := i; j > 0 && key(&s.requests[j]) < key(&s.requests[j-1]); j-- {
			s.requests[j], s.requests[j-1] = s.requests[j-1], s.requests[j]
		}
	}
	return s
}
