// One exchange for many requests, and what refresh tokens became.
//
// Exchanges, sign-ins, sign-outs, switches and late responses run at the same
// time. What is remembered is in several memories, and mu makes each change and
// each reading of them one step. Beyond that these orders are kept:
//
//   - An outcome is remembered before its flight ends. A request that recalled
//     nothing either joins the flight, or opens one of its own, which recalls
//     again and finds the outcome.
//   - The successor of a refresh token becomes visible in the step that makes
//     the outcome visible. Otherwise a request would take the successor for a
//     token that nobody has exchanged, and exchange it.
//   - A session is superseded before the response of the sign-in or sign-out is
//     written. An exchange that ends later finds its refresh token superseded,
//     and its outcome is superseded from the start.
//   - A session is marked as signed out before it is superseded. What reads both
//     reads the rotation first and the sign-out last.
//   - A browser can present a session only after its outcome was remembered.
//     Everything that the session came from is retired in one step.
//   - Hooks run after the outcome is remembered and before the flight ends.
//     Requests that waited find the hook done; a slow hook keeps no later
//     request from the new session.
//   - What a response sets or clears is decided when its header is written, from
//     what is known then. Setting is prepared when the request is loaded,
//     clearing is not.
//   - A switch and a refresh of one refresh token share a flight. The second of
//     them goes on from what the first came to.
//   - A token that could not be verified yet is remembered by its own refresh
//     token alone. Every request that leads there joins one flight, so that it
//     is verified once and the hook is called once.

package authkit

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/authkit-go/authkit/internal/expiring"
	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/internal/sessioncache"
	"github.com/authkit-go/authkit/workos"
)

const (
	// replayWindow is how long a retired refresh token is answered from memory
	// once its successor has come back, as WorkOS answers it too.
	replayWindow = 30 * time.Second
	// spentMemory is how long a refresh token is known to be spent: longer than
	// a handler takes to answer.
	consumedLifetime = time.Hour
	// successorMemory is how long it is known which refresh token one was
	// exchanged for, while its browser has not come back with that.
	successorLifetime = 24 * time.Hour
	// longestWay bounds how many exchanges are followed from a cookie: as many
	// as a browser can miss in a day, and then some.
	maxChainLength = 1000
	// markLimit bounds a map whose values are small: how many entries it holds.
	tokenLimit = 1 << 16
	// renewalLimit bounds how many renewals are remembered, each as large as a
	// session and its sealed form together.
	outcomeLimit = 1 << 13

	// The bytes that are remembered of exchanges, 64 MiB in all.
	outcomeBytes      = 36 << 20
	tokenBytes        = 8 << 20 // each of successors, origins and spent
	refusalBytes      = 3 << 20
	refusalCountBytes = 1 << 20

	// triesLimit is how many organizations a session may be refused in
	// triesWindow. A person is in a handful; what asks for more is guessing, and
	// is answered without a call.
	maxRefusals   = 20
	refusalWindow = time.Minute
)

// refreshes makes one exchange serve every request that presents the same
// refresh token. Requests that come while it runs wait for it. Requests that
// come later with the retired token, because their response was lost or was
// under way, get the new session.
type rotations struct {
	clock   Clock
	flights singleflight.Group

	mu            sync.Mutex                   // makes each operation on what follows one step
	outcomes      *expiring.Map[*outcome]      // by the refresh token that was exchanged
	successors    *expiring.Map[string]        // of a refresh token: the one that it was exchanged for
	predecessors  *expiring.Map[string]        // and the other way round
	consumed      *expiring.Map[consumption]   // refresh tokens that no cookie may bring back
	refusals      *expiring.Map[*outcome]      // of switches, by session and organization
	refusalCounts *expiring.Map[*refusalCount] // refused switches, by session
	counts        counts                       // what happened so far

	step func(name string) // set by tests only: called between two steps
}

// fate is why a refresh token must not be set again.
type consumption struct {
	// replaced reports whether the browser has something else in its place: its
	// successor, another session, or none after a sign-out.
	replaced bool
	// cleared is the number of the response that last expired the cookie
	// because WorkOS had ended the session, 0 for none.
	cleared uint64
}

// triesMade counts the organizations that a session was refused.
type refusalCount struct{ count int }

// wanted is what a request wants of an exchange.
type exchangeTarget struct {
	organization string
	// switching reports whether a person asked for the organization. A refresh
	// stays in the organization of its session.
	switching bool
}

// renewal is what an exchange came to. Without an error and without a session
// its tokens have yet to be verified.
type outcome struct {
	target  exchangeTarget // by the request that the exchange was made for
	sealed  payload.Session
	session *Session
	text    string // the session, sealed
	err     error  // then sealed has the newest refresh token and nothing else
}

func (r *outcome) verified() bool { return r.session != nil || r.err != nil }

// serves reports whether an outcome answers a request. A refresh takes any
// session; a switch takes only one that was asked for in its organization. The
// failure of a switch is no failure of a refresh, unless the session has ended.
// A refresh that failed for a passing reason holds a switch up too.
func (r *outcome) answers(want exchangeTarget) bool {
	switch {
	case errors.Is(r.err, errSessionEnded):
		return true
	case r.err == nil:
		return !want.switching || r.target.organization == want.organization
	case r.target.switching:
		return r.target == want
	}
	return !want.switching || errors.Is(r.err, ErrUnavailable)
}

// size is about how many bytes an outcome takes in memory.
func (r *outcome) size() int {
	size := sessioncache.Overhead + len(r.text) + r.sealed.Size() + errorSize(r.err)
	if r.session == nil {
		return size
	}
	return size + listsSize(r.session.claims)
}

// errorSize is about how many bytes an error takes in memory. A refusal keeps
// the reply, which its texts were read from.
func errorSize(err error) int {
	var reply *workos.Error
	if !errors.As(err, &reply) {
		return 0
	}
	var body json.RawMessage
	_ = reply.Decode(&body) // a reply that is not JSON is not kept
	return 3*len(body) + len(reply.Message)
}

func newRotations(clock Clock) *rotations {
	lengthOf := func(token string) int { return len(token) }
	return &rotations{
		clock:         clock,
		outcomes:      expiring.New[*outcome](clock.Now, outcomeLimit).LimitBytes(outcomeBytes, (*outcome).size),
		successors:    expiring.New[string](clock.Now, tokenLimit).LimitBytes(tokenBytes, lengthOf),
		predecessors:  expiring.New[string](clock.Now, tokenLimit).LimitBytes(tokenBytes, lengthOf),
		consumed:      expiring.New[consumption](clock.Now, tokenLimit).LimitBytes(tokenBytes, func(consumption) int { return 0 }),
		refusals:      expiring.New[*outcome](clock.Now, outcomeLimit).LimitBytes(refusalBytes, (*outcome).size),
		refusalCounts: expiring.New[*refusalCount](clock.Now, outcomeLimit).LimitBytes(refusalCountBytes, func(*refusalCount) int { return 8 }),
	}
}

// at tells a test how far a request or an exchange has come.
func (f *rotations) reached(name string) {
	if f.step != nil {
		f.step(name)
	}
}

// exchangeResult is what an exchangeFunc returns.
type exchangeResult struct {
	// next is nil where the earlier exchange came to no more than a refresh token.
	outcome *outcome
	// until is how long next is remembered. An error is remembered until
	// another exchange may be made.
	until time.Time
	// notify tells the application, once the outcome is remembered. It may be nil.
	notify func()
}

// failed is the outcome of an exchange that brought no session.
func failedOutcome(old *Session, want exchangeTarget, err error) *outcome {
	return &outcome{target: want, sealed: payload.Session{RefreshToken: old.sealed.RefreshToken}, err: err}
}

// commit makes visible what an exchange came to, in one step.
func (f *rotations) commitOutcome(old *Session, want exchangeTarget, known *outcome, result exchangeResult) {
	f.mu.Lock()
	defer f.mu.Unlock()
	token, next, until := old.sealed.RefreshToken, result.outcome, result.until
	if next == nil {
		f.outcomes.Delete(token)
		return
	}
	if known == nil && next.sealed.RefreshToken != token {
		f.linkSuccessor(token, next.sealed.RefreshToken)
	}
	if want.switching {
		f.storeRefusal(old, want, next, until)
	}
	if want.switching && next.err != nil && !errors.Is(next.err, errSessionEnded) {
		return // no refresh is refused for it
	}
	if before, _ := f.consumed.Get(token); before.replaced {
		until = earliest(until, f.clock.Now().Add(replayWindow))
	}
	f.storeOutcome(old, next, until)
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// exchanged notes that a refresh token was spent on another. The other is not
// spent, whatever it was before: no way from token to token leads back. The
// caller holds mu.
func (f *rotations) linkSuccessor(token, became string) {
	now := f.clock.Now()
	f.outcomes.Delete(token)
	f.outcomes.Delete(became)
	f.successors.Delete(became)
	f.consumed.Delete(became)
	f.consumed.Add(token, consumption{}, now.Add(consumedLifetime))
	if before, _ := f.consumed.Get(token); before.replaced { // while the exchange was under way
		f.markReplaced(became)
		f.predecessors.Delete(became)
		return
	}
	f.successors.Put(token, became, now.Add(successorLifetime))
	f.predecessors.Put(became, token, now.Add(successorLifetime))
}

// remember puts the outcome of an exchange where it is looked for: a session by
// the refresh token that was exchanged, and everything else by the refresh token
// that is left. The caller holds mu.
func (f *rotations) storeOutcome(old *Session, next *outcome, until time.Time) {
	now := f.clock.Now()
	if !until.After(now) {
		return
	}
	token := next.sealed.RefreshToken
	if next.session != nil {
		token = old.sealed.RefreshToken
	}
	f.outcomes.Put(token, next, earliest(until, now.Add(successorLifetime)))
}

// rememberTry remembers that a session was refused an organization. A failure
// that passes pauses the switches of the session to any organization. The
// caller holds mu.
func (f *rotations) storeRefusal(old *Session, want exchangeTarget, next *outcome, until time.Time) {
	organization := want.organization
	switch {
	case next.err == nil && (next.session == nil || next.session.OrganizationID() == organization), errors.Is(next.err, errSessionEnded):
		return
	case errors.Is(next.err, ErrUnavailable):
		organization = ""
	default:
		tries, ok := f.refusalCounts.Get(old.ID())
		if !ok {
			tries = &refusalCount{}
			f.refusalCounts.Put(old.ID(), tries, f.clock.Now().Add(refusalWindow))
		}
		tries.count++
	}
	if next.err != nil {
		f.refusals.Put(refusalKey(old, organization), &outcome{err: next.err}, until)
	}
}

// refusal is what a switch is answered without an exchange, nil where there
// must be one. The caller holds mu.
func (f *rotations) switchRefusal(s *Session, want exchangeTarget) *outcome {
	for _, organization := range []string{want.organization, ""} {
		if known, ok := f.refusals.Get(refusalKey(s, organization)); ok {
			return &outcome{target: want, err: known.err}
		}
	}
	if tries, ok := f.refusalCounts.Get(s.ID()); ok && tries.count >= maxRefusals {
		return failedOutcome(s, want, fmt.Errorf("%w: %d organizations were refused to this session within %s", errRefreshRefused, maxRefusals, refusalWindow))
	}
	return nil
}

// tryKey names an organization and a session since its sign-in. A new sign-in
// may be what the organization asked for.
func refusalKey(s *Session, organization string) string {
	return s.ID() + "\n" + strconv.FormatInt(s.SignedInAt().Unix(), 36) + "\n" + organization
}

// became is what is remembered of an exchange of a session's refresh token.
// Where WorkOS does not rotate it, the successor has the same one, and has
// become nothing yet. The caller holds mu.
func (f *rotations) outcomeOf(token string, s *Session) *outcome {
	known, ok := f.outcomes.Get(token)
	if !ok || known.err == nil && known.sealed.AccessToken == s.sealed.AccessToken {
		return nil
	}
	return known
}

// withToken is a session with another refresh token.
func withToken(s *Session, token string) *Session {
	if token == s.sealed.RefreshToken {
		return s
	}
	sealed := *s.sealed
	sealed.RefreshToken = token
	return makeSession(sealed, s.claims)
}

// recall finds what a session became, as far as a request can use it. Where no
// more is remembered than its next refresh token, it goes on from that.
func (f *rotations) findOutcome(s *Session, want exchangeTarget) (*Session, *outcome) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var known *outcome
	token := s.sealed.RefreshToken
	for range maxChainLength {
		if known = f.outcomeOf(token, s); known != nil {
			break
		}
		next, ok := f.successors.Get(token)
		if !ok {
			break
		}
		token = next
	}
	if known != nil && known.err != nil && !known.answers(want) {
		known = nil
	}
	if known == nil && want.switching {
		known = f.switchRefusal(s, want)
	}
	return withToken(s, token), known
}

// presented notes that a browser has come back with a session. If it came from
// an exchange, the cookie has arrived: everything that it came from has been
// replaced, and is answered for a short while more.
func (f *rotations) markDelivered(s *Session) {
	f.mu.Lock()
	defer f.mu.Unlock()
	until := f.clock.Now().Add(replayWindow)
	f.takePredecessors(s.sealed.RefreshToken, func(origin string) {
		f.outcomes.Shorten(origin, until)
		f.successors.Shorten(origin, until)
		f.markReplaced(origin)
	})
}

// forgetRetired lets no retired refresh token lead to a session any more.
func (f *rotations) forgetPredecessors(s *Session) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.takePredecessors(f.newestSuccessor(s).sealed.RefreshToken, func(origin string) {
		f.outcomes.Delete(origin)
		f.successors.Delete(origin)
	})
}

// eachOrigin calls do with each refresh token that a token came from, the last
// one first, and forgets that it did. The caller holds mu.
func (f *rotations) takePredecessors(token string, do func(origin string)) {
	at := token
	for range maxChainLength {
		origin, ok := f.predecessors.Get(at)
		if !ok {
			return
		}
		f.predecessors.Delete(at)
		if origin == token { // handed out a second time
			return
		}
		do(origin)
		at = origin
	}
}

// after is what a session became in one exchange. The caller holds mu.
func (f *rotations) successorOf(s *Session) (*Session, bool) {
	if known := f.outcomeOf(s.sealed.RefreshToken, s); known != nil && known.session != nil {
		return known.session, true
	}
	token, ok := f.successors.Get(s.sealed.RefreshToken)
	if !ok {
		return s, false
	}
	return withToken(s, token), true
}

// newest is what became of a session, and of that in turn, as far as it is
// known. The caller holds mu.
func (f *rotations) newestSuccessor(s *Session) *Session {
	for range maxChainLength {
		next, ok := f.successorOf(s)
		if !ok {
			break
		}
		s = next
	}
	return s
}

// latest returns what became of a session, and reports whether that must not be
// set: its refresh token was spent, or the session superseded or cleared.
func (f *rotations) newest(s *Session) (newest *Session, spent bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	newest = f.newestSuccessor(s)
	_, spent = f.consumed.Get(newest.sealed.RefreshToken)
	return newest, spent
}

// replace notes that the browser has something else in the place of a refresh
// token. The caller holds mu.
func (f *rotations) markReplaced(token string) {
	before, _ := f.consumed.Get(token)
	before.replaced = true
	f.consumed.Put(token, before, f.clock.Now().Add(consumedLifetime))
}

// supersede notes that another session has taken a session's place in its
// browser, or that a sign-out has left none: no response that is still under
// way may set it again, nor what comes of it.
func (f *rotations) supersede(s *Session) {
	if s.sealed.RefreshToken == "" {
		return // it cannot be refreshed, and other sessions have none either
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.markReplaced(s.sealed.RefreshToken)
	for range maxChainLength {
		next, ok := f.successorOf(s)
		if !ok {
			return
		}
		f.markReplaced(next.sealed.RefreshToken)
		s = next
	}
}

// counts are what a response that may expire a cookie has to know of the others.
type counts struct {
	clearings uint64 // responses that expired the cookie of an ended session
	signIns   uint64
}

// soFar is what happened so far.
func (f *rotations) currentCounts() counts {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts
}

// noteSignIn counts a sign-in.
func (f *rotations) countSignIn() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts.signIns++
}

// clear asks whether a response may expire the cookie of a session that WorkOS
// has ended, and notes that it does. It may not where the session was
// superseded, or where the browser may hold a new session by now: another response
// has expired the cookie since the request began, or expired it before and there
// was a sign-in since. since is what soFar was when the request began, and own the
// number that an earlier call returned to the same response, or 0. The number
// returned is 0 if the response may not.
func (f *rotations) claimClear(s *Session, since counts, own uint64) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.mayClear(s, since, own) {
		return 0
	}
	if own == 0 {
		f.counts.clearings++
		own = f.counts.clearings
	}
	until := f.clock.Now().Add(consumedLifetime)
	for range maxChainLength {
		f.consumed.Put(s.sealed.RefreshToken, consumption{cleared: own}, until)
		next, ok := f.successorOf(s)
		if !ok {
			break
		}
		s = next
	}
	return own
}

// mayClear is the question of clear. The caller holds mu.
func (f *rotations) mayClear(s *Session, since counts, own uint64) bool {
	for range maxChainLength {
		before, _ := f.consumed.Get(s.sealed.RefreshToken)
		byAnother := before.cleared != 0 && before.cleared != own
		if before.replaced || byAnother && (before.cleared > since.clearings || f.counts.signIns > since.signIns) {
			return false
		}
		next, ok := f.successorOf(s)
		if !ok {
			break
		}
		s = next
	}
	return true
}

var (
	// errEnded says that WorkOS has ended the session.
	errSessionEnded = errors.New("the session was ended by WorkOS")
	// errRefused says that WorkOS did not refresh the session, for a reason that
	// neither ends it nor passes by itself.
	errRefreshRefused = errors.New("the session was not refreshed")
)
