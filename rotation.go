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
	spentMemory = time.Hour
	// successorMemory is how long it is known which refresh token one was
	// exchanged for, while its browser has not come back with that.
	successorMemory = 24 * time.Hour
	// longestWay bounds how many exchanges are followed from a cookie: as many
	// as a browser can miss in a day, and then some.
	longestWay = 1000
	// markLimit bounds a map whose values are small: how many entries it holds.
	markLimit = 1 << 16
	// renewalLimit bounds how many renewals are remembered, each as large as a
	// session and its sealed form together.
	renewalLimit = 1 << 13

	// The bytes that are remembered of exchanges, 64 MiB in all.
	renewalBytes = 36 << 20
	markBytes    = 8 << 20 // each of successors, origins and spent
	refusalBytes = 3 << 20
	triesBytes   = 1 << 20

	// triesLimit is how many organizations a session may be refused in
	// triesWindow. A person is in a handful; what asks for more is guessing, and
	// is answered without a call.
	triesLimit  = 20
	triesWindow = time.Minute
)

// refreshes makes one exchange serve every request that presents the same
// refresh token. Requests that come while it runs wait for it. Requests that
// come later with the retired token, because their response was lost or was
// under way, get the new session.
type refreshes struct {
	clock   Clock
	flights singleflight.Group

	mu         sync.Mutex                // makes each operation on what follows one step
	renewals   *expiring.Map[*renewal]   // by the refresh token that was exchanged
	successors *expiring.Map[string]     // of a refresh token: the one that it was exchanged for
	origins    *expiring.Map[string]     // and the other way round
	spent      *expiring.Map[fate]       // refresh tokens that no cookie may bring back
	refusals   *expiring.Map[*renewal]   // of switches, by session and organization
	tries      *expiring.Map[*triesMade] // refused switches, by session
	so         counts                    // what happened so far

	step func(name string) // set by tests only: called between two steps
}

// fate is why a refresh token must not be set again.
type fate struct {
	// replaced reports whether the browser has something else in its place: its
	// successor, another session, or none after a sign-out.
	replaced bool
	// cleared is the number of the response that last expired the cookie
	// because WorkOS had ended the session, 0 for none.
	cleared uint64
}

// triesMade counts the organizations that a session was refused.
type triesMade struct{ count int }

// wanted is what a request wants of an exchange.
type wanted struct {
	organization string
	// switching reports whether a person asked for the organization. A refresh
	// stays in the organization of its session.
	switching bool
}

// renewal is what an exchange came to. Without an error and without a session
// its tokens have yet to be verified.
type renewal struct {
	wanted  wanted // by the request that the exchange was made for
	sealed  payload.Session
	session *Session
	text    string // the session, sealed
	err     error  // then sealed has the newest refresh token and nothing else
}

func (r *renewal) settled() bool { return r.session != nil || r.err != nil }

// serves reports whether an outcome answers a request. A refresh takes any
// session; a switch takes only one that was asked for in its organization. The
// failure of a switch is no failure of a refresh, unless the session has ended.
// A refresh that failed for a passing reason holds a switch up too.
func (r *renewal) serves(want wanted) bool {
	switch {
	case errors.Is(r.err, errEnded):
		return true
	case r.err == nil:
		return !want.switching || r.wanted.organization == want.organization
	case r.wanted.switching:
		return r.wanted == want
	}
	return !want.switching || errors.Is(r.err, ErrUnavailable)
}

// size is about how many bytes an outcome takes in memory.
func (r *renewal) size() int {
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

func newRefreshes(clock Clock) *refreshes {
	lengthOf := func(token string) int { return len(token) }
	return &refreshes{
		clock:      clock,
		renewals:   expiring.New[*renewal](clock.Now, renewalLimit).LimitBytes(renewalBytes, (*renewal).size),
		successors: expiring.New[string](clock.Now, markLimit).LimitBytes(markBytes, lengthOf),
		origins:    expiring.New[string](clock.Now, markLimit).LimitBytes(markBytes, lengthOf),
		spent:      expiring.New[fate](clock.Now, markLimit).LimitBytes(markBytes, func(fate) int { return 0 }),
		refusals:   expiring.New[*renewal](clock.Now, renewalLimit).LimitBytes(refusalBytes, (*renewal).size),
		tries:      expiring.New[*triesMade](clock.Now, renewalLimit).LimitBytes(triesBytes, func(*triesMade) int { return 8 }),
	}
}

// at tells a test how far a request or an exchange has come.
func (f *refreshes) at(name string) {
	if f.step != nil {
		f.step(name)
	}
}

// exchangeResult is what an exchangeFunc returns.
type exchangeResult struct {
	// next is nil where the earlier exchange came to no more than a refresh token.
	next *renewal
	// until is how long next is remembered. An error is remembered until
	// another exchange may be made.
	until time.Time
	// notify tells the application, once the outcome is remembered. It may be nil.
	notify func()
}

// failed is the outcome of an exchange that brought no session.
func failed(old *Session, want wanted, err error) *renewal {
	return &renewal{wanted: want, sealed: payload.Session{RefreshToken: old.sealed.RefreshToken}, err: err}
}

// commit makes visible what an exchange came to, in one step.
func (f *refreshes) commit(old *Session, want wanted, known *renewal, result exchangeResult) {
	f.mu.Lock()
	defer f.mu.Unlock()
	token, next, until := old.sealed.RefreshToken, result.next, result.until
	if next == nil {
		f.renewals.Delete(token)
		return
	}
	if known == nil && next.sealed.RefreshToken != token {
		f.exchanged(token, next.sealed.RefreshToken)
	}
	if want.switching {
		f.rememberTry(old, want, next, until)
	}
	if want.switching && next.err != nil && !errors.Is(next.err, errEnded) {
		return // no refresh is refused for it
	}
	if before, _ := f.spent.Get(token); before.replaced {
		until = earlier(until, f.clock.Now().Add(replayWindow))
	}
	f.remember(old, next, until)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// exchanged notes that a refresh token was spent on another. The other is not
// spent, whatever it was before: no way from token to token leads back. The
// caller holds mu.
func (f *refreshes) exchanged(token, became string) {
	now := f.clock.Now()
	f.renewals.Delete(token)
	f.renewals.Delete(became)
	f.successors.Delete(became)
	f.spent.Delete(became)
	f.spent.Add(token, fate{}, now.Add(spentMemory))
	if before, _ := f.spent.Get(token); before.replaced { // while the exchange was under way
		f.replace(became)
		f.origins.Delete(became)
		return
	}
	f.successors.Put(token, became, now.Add(successorMemory))
	f.origins.Put(became, token, now.Add(successorMemory))
}

// remember puts the outcome of an exchange where it is looked for: a session by
// the refresh token that was exchanged, and everything else by the refresh token
// that is left. The caller holds mu.
func (f *refreshes) remember(old *Session, next *renewal, until time.Time) {
	now := f.clock.Now()
	if !until.After(now) {
		return
	}
	token := next.sealed.RefreshToken
	if next.session != nil {
		token = old.sealed.RefreshToken
	}
	f.renewals.Put(token, next, earlier(until, now.Add(successorMemory)))
}

// rememberTry remembers that a session was refused an organization. A failure
// that passes pauses the switches of the session to any organization. The
// caller holds mu.
func (f *refreshes) rememberTry(old *Session, want wanted, next *renewal, until time.Time) {
	organization := want.organization
	switch {
	case next.err == nil && (next.session == nil || next.session.OrganizationID() == organization), errors.Is(next.err, errEnded):
		return
	case errors.Is(next.err, ErrUnavailable):
		organization = ""
	default:
		tries, ok := f.tries.Get(old.ID())
		if !ok {
			tries = &triesMade{}
			f.tries.Put(old.ID(), tries, f.clock.Now().Add(triesWindow))
		}
		tries.count++
	}
	if next.err != nil {
		f.refusals.Put(tryKey(old, organization), &renewal{err: next.err}, until)
	}
}

// refusal is what a switch is answered without an exchange, nil where there
// must be one. The caller holds mu.
func (f *refreshes) refusal(s *Session, want wanted) *renewal {
	for _, organization := range []string{want.organization, ""} {
		if known, ok := f.refusals.Get(tryKey(s, organization)); ok {
			return &renewal{wanted: want, err: known.err}
		}
	}
	if tries, ok := f.tries.Get(s.ID()); ok && tries.count >= triesLimit {
		return failed(s, want, fmt.Errorf("%w: %d organizations were refused to this session within %s", errRefused, triesLimit, triesWindow))
	}
	return nil
}

// tryKey names an organization and a session since its sign-in. A new sign-in
// may be what the organization asked for.
func tryKey(s *Session, organization string) string {
	return s.ID() + "\n" + strconv.FormatInt(s.SignedInAt().Unix(), 36) + "\n" + organization
}

// became is what is remembered of an exchange of a session's refresh token.
// Where WorkOS does not rotate it, the successor has the same one, and has
// become nothing yet. The caller holds mu.
func (f *refreshes) became(token string, s *Session) *renewal {
	known, ok := f.renewals.Get(token)
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
func (f *refreshes) recall(s *Session, want wanted) (*Session, *renewal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var known *renewal
	token := s.sealed.RefreshToken
	for range longestWay {
		if known = f.became(token, s); known != nil {
			break
		}
		next, ok := f.successors.Get(token)
		if !ok {
			break
		}
		token = next
	}
	if known != nil && known.err != nil && !known.serves(want) {
		known = nil
	}
	if known == nil && want.switching {
		known = f.refusal(s, want)
	}
	return withToken(s, token), known
}

// presented notes that a browser has come back with a session. If it came from
// an exchange, the cookie has arrived: everything that it came from has been
// replaced, and is answered for a short while more.
func (f *refreshes) presented(s *Session) {
	f.mu.Lock()
	defer f.mu.Unlock()
	until := f.clock.Now().Add(replayWindow)
	f.eachOrigin(s.sealed.RefreshToken, func(origin string) {
		f.renewals.Shorten(origin, until)
		f.successors.Shorten(origin, until)
		f.replace(origin)
	})
}

// forgetRetired lets no retired refresh token lead to a session any more.
func (f *refreshes) forgetRetired(s *Session) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.eachOrigin(f.newest(s).sealed.RefreshToken, func(origin string) {
		f.renewals.Delete(origin)
		f.successors.Delete(origin)
	})
}

// eachOrigin calls do with each refresh token that a token came from, the last
// one first, and forgets that it did. The caller holds mu.
func (f *refreshes) eachOrigin(token string, do func(origin string)) {
	at := token
	for range longestWay {
		origin, ok := f.origins.Get(at)
		if !ok {
			return
		}
		f.origins.Delete(at)
		if origin == token { // handed out a second time
			return
		}
		do(origin)
		at = origin
	}
}

// after is what a session became in one exchange. The caller holds mu.
func (f *refreshes) after(s *Session) (*Session, bool) {
	if known := f.became(s.sealed.RefreshToken, s); known != nil && known.session != nil {
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
func (f *refreshes) newest(s *Session) *Session {
	for range longestWay {
		next, ok := f.after(s)
		if !ok {
			break
		}
		s = next
	}
	return s
}

// latest returns what became of a session, and reports whether that must not be
// set: its refresh token was spent, or the session superseded or cleared.
func (f *refreshes) latest(s *Session) (newest *Session, spent bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	newest = f.newest(s)
	_, spent = f.spent.Get(newest.sealed.RefreshToken)
	return newest, spent
}

// replace notes that the browser has something else in the place of a refresh
// token. The caller holds mu.
func (f *refreshes) replace(token string) {
	before, _ := f.spent.Get(token)
	before.replaced = true
	f.spent.Put(token, before, f.clock.Now().Add(spentMemory))
}

// supersede notes that another session has taken a session's place in its
// browser, or that a sign-out has left none: no response that is still under
// way may set it again, nor what comes of it.
func (f *refreshes) supersede(s *Session) {
	if s.sealed.RefreshToken == "" {
		return // it cannot be refreshed, and other sessions have none either
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.replace(s.sealed.RefreshToken)
	for range longestWay {
		next, ok := f.after(s)
		if !ok {
			return
		}
		f.replace(next.sealed.RefreshToken)
		s = next
	}
}

// counts are what a response that may expire a cookie has to know of the others.
type counts struct {
	clearings uint64 // responses that expired the cookie of an ended session
	signIns   uint64
}

// soFar is what happened so far.
func (f *refreshes) soFar() counts {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.so
}

// noteSignIn counts a sign-in.
func (f *refreshes) noteSignIn() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.so.signIns++
}

// clear asks whether a response may expire the cookie of a session that WorkOS
// has ended, and notes that it does. It may not where the session was
// superseded, or where the browser may hold a new session by now: another response
// has expired the cookie since the request began, or expired it before and there
// was a sign-in since. since is what soFar was when the request began, and own the
// number that an earlier call returned to the same response, or 0. The number
// returned is 0 if the response may not.
func (f *refreshes) clear(s *Session, since counts, own uint64) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.mayClear(s, since, own) {
		return 0
	}
	if own == 0 {
		f.so.clearings++
		own = f.so.clearings
	}
	until := f.clock.Now().Add(spentMemory)
	for range longestWay {
		f.spent.Put(s.sealed.RefreshToken, fate{cleared: own}, until)
		next, ok := f.after(s)
		if !ok {
			break
		}
		s = next
	}
	return own
}

// mayClear is the question of clear. The caller holds mu.
func (f *refreshes) mayClear(s *Session, since counts, own uint64) bool {
	for range longestWay {
		before, _ := f.spent.Get(s.sealed.RefreshToken)
		byAnother := before.cleared != 0 && before.cleared != own
		if before.replaced || byAnother && (before.cleared > since.clearings || f.so.signIns > since.signIns) {
			return false
		}
		next, ok := f.after(s)
		if !ok {
			break
		}
		s = next
	}
	return true
}

var (
	// errEnded says that WorkOS has ended the session.
	errEnded = errors.New("the session was ended by WorkOS")
	// errRefused says that WorkOS did not refresh the session, for a reason that
	// neither ends it nor passes by itself.
	errRefused = errors.New("the session was not refreshed")
)
