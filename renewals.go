// One exchange for many requests, and what refresh tokens became.

package authkit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/singleflight"
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
	// renewalLimit bounds how many renewals are remembered, each as large as a
	// session and its sealed form together.
	renewalLimit = 1 << 13
)

// refreshes makes one exchange serve every request that presents the same
// refresh token: those that come while it runs wait for it, and those that
// come later with the retired token, because their response was lost or under
// way, are told what it became.
type refreshes struct {
	clock      Clock
	flights    singleflight.Group
	renewals   *memory[*renewal] // by the refresh token that was exchanged
	successors *memory[string]   // of a refresh token: the one that it was exchanged for
	origins    *memory[string]   // and the other way round
	spent      *memory[bool]     // refresh tokens that no cookie may bring back, true where the browser has another
}

// renewal is what an exchange came to. Without an error and without a session
// its tokens have yet to be verified.
type renewal struct {
	organization string // that the exchange was for
	sealed       sealedSession
	session      *Session
	text         string // the session, sealed
	err          error  // then sealed is the session before, with the newest refresh token
}

func (r *renewal) settled() bool { return r.session != nil || r.err != nil }

// serves tells whether the outcome of an exchange is one for a request that
// wants the session of an organization. An ordinary refresh is content with
// any; a switch is not, and its failure is nobody else's.
func (r *renewal) serves(old *Session, organization string) bool {
	switch {
	case r.organization == organization, errors.Is(r.err, errEnded):
		return true
	case r.err != nil:
		return r.organization == old.OrganizationID()
	}
	return organization == old.OrganizationID()
}

func newRefreshes(clock Clock) *refreshes {
	return &refreshes{
		clock:      clock,
		renewals:   newMemory[*renewal](clock, renewalLimit),
		successors: newMemory[string](clock, markLimit),
		origins:    newMemory[string](clock, markLimit),
		spent:      newMemory[bool](clock, markLimit),
	}
}

// exchangeFunc makes an exchange, or verifies what an earlier one came to, and
// tells until when the outcome is to be remembered, zero for not at all. It
// returns nil where the earlier one has come to no more than a refresh token.
type exchangeFunc func(ctx context.Context, old *Session, organization string, earlier *renewal) (*renewal, time.Time)

// await returns what a session became in an organization: its own for a
// refresh, another for a switch. The exchange belongs to nobody in particular:
// it goes on when the request that started it is cancelled. At most one runs
// for a refresh token, so that a switch that meets another exchange goes on
// from what that came to.
func (f *refreshes) await(ctx context.Context, old *Session, organization string, exchange exchangeFunc) (*renewal, error) {
	const exchangesMet = 5 // in a row, each by another request
	for range exchangesMet {
		var next *renewal
		old, next = f.recall(old)
		if next == nil || !next.settled() {
			flight := f.flights.DoChan(old.sealed.refreshToken, func() (any, error) {
				return f.run(context.WithoutCancel(ctx), old, organization, exchange), nil
			})
			select {
			case result := <-flight:
				next = result.Val.(*renewal)
			case <-ctx.Done():
				return nil, unavailable(context.Cause(ctx), 0)
			}
		}
		switch {
		case next == nil:
		case !next.settled():
			return next, unavailable(errors.New("the renewed token could not be verified yet"), 0)
		case next.serves(old, organization):
			return next, next.err
		case next.session != nil:
			old = next.session
		}
	}
	return nil, unavailable(errors.New("the session is being renewed by too many requests at once"), 0)
}

// run makes the one exchange of a refresh token, unless it was made meanwhile.
// A panic, of the application's own transport say, would end the program here,
// where no request's recovery stands above it.
func (f *refreshes) run(ctx context.Context, old *Session, organization string, exchange exchangeFunc) (next *renewal) {
	defer func() {
		if p := recover(); p != nil {
			err := unavailable(fmt.Errorf("the exchange panicked: %v", p), 0)
			next = &renewal{organization: organization, sealed: *old.sealed, err: err}
			f.remember(old, next, f.clock.Now().Add(retryPause))
		}
	}()
	latest, known := f.recall(old)
	switch {
	case known != nil && known.settled():
		return known
	case latest != old: // it was made meanwhile, and came to no more than a refresh token
		return nil
	}
	next, until := exchange(ctx, old, organization, known)
	switch {
	case next == nil:
		f.renewals.forget(old.sealed.refreshToken)
		return nil
	case known == nil && next.sealed.refreshToken != old.sealed.refreshToken:
		f.exchanged(old.sealed.refreshToken, next.sealed.refreshToken)
	}
	f.remember(old, next, until)
	return next
}

// exchanged notes that a refresh token was spent on another. That is not spent
// itself, whatever it was before: no way from token to token leads back.
func (f *refreshes) exchanged(token, became string) {
	now := f.clock.Now()
	f.renewals.forget(became)
	f.successors.forget(became)
	f.spent.forget(became)
	f.successors.put(token, became, now.Add(successorMemory))
	f.spent.add(token, false, now.Add(spentMemory))
	if superseded, _ := f.spent.get(token); superseded { // while the exchange was under way
		f.spent.put(became, true, now.Add(spentMemory))
		f.successors.forget(token)
		return
	}
	f.origins.put(became, token, now.Add(successorMemory))
}

// remember puts the outcome of an exchange where it will be looked for: by the
// refresh token that was exchanged, and where that got no further than a new
// one, by that.
func (f *refreshes) remember(old *Session, next *renewal, until time.Time) {
	token, became := old.sealed.refreshToken, next.sealed.refreshToken
	if !until.After(f.clock.Now()) {
		return
	}
	f.renewals.put(token, next, until)
	if became != token && next.session == nil {
		f.renewals.put(became, next, until)
	}
}

// became is what is remembered of an exchange of a session's refresh token.
// Where WorkOS does not rotate it, the successor has the same one, and has
// become nothing yet.
func (f *refreshes) became(s *Session) *renewal {
	known, ok := f.renewals.get(s.sealed.refreshToken)
	if !ok || known.err == nil && known.sealed.accessToken == s.sealed.accessToken {
		return nil
	}
	return known
}

// succeed is a session with the refresh token that its own was exchanged for.
func (f *refreshes) succeed(s *Session) (*Session, bool) {
	token, ok := f.successors.get(s.sealed.refreshToken)
	if !ok {
		return s, false
	}
	sealed := *s.sealed
	sealed.refreshToken = token
	return makeSession(sealed, s.claims), true
}

// recall finds what a session became. Where no more is remembered than its next
// refresh token, it goes on from that.
func (f *refreshes) recall(s *Session) (*Session, *renewal) {
	for range longestWay {
		if known := f.became(s); known != nil {
			return s, known
		}
		next, ok := f.succeed(s)
		if !ok {
			break
		}
		s = next
	}
	return s, nil
}

// presented notes that a browser has come back with a session. If it came from
// a renewal, the cookie has arrived: the retired token is answered for a short
// while more, and has been superseded.
func (f *refreshes) presented(s *Session) {
	if origin, ok := f.origins.get(s.sealed.refreshToken); ok {
		until := f.clock.Now().Add(replayWindow)
		f.origins.forget(s.sealed.refreshToken)
		f.renewals.shorten(origin, until)
		f.successors.shorten(origin, until)
		f.spent.put(origin, true, f.clock.Now().Add(spentMemory))
	}
}

// forgetRetired lets no retired refresh token lead to a session any more.
func (f *refreshes) forgetRetired(s *Session) {
	token := f.newest(s).sealed.refreshToken
	for origin, ok := f.origins.get(token); ok; origin, ok = f.origins.get(token) {
		f.origins.forget(token)
		f.renewals.forget(origin)
		f.successors.forget(origin)
		token = origin
	}
}

// newest is what became of a session, and of that in turn, as far as it is
// known.
func (f *refreshes) newest(s *Session) *Session {
	for range longestWay {
		if known := f.became(s); known != nil && known.session != nil {
			s = known.session
			continue
		}
		next, ok := f.succeed(s)
		if !ok {
			break
		}
		s = next
	}
	return s
}

// supersede notes that another session has taken a session's place in its
// browser, or none has after a logout: no response that is still under way may
// set it again, nor what comes of it.
func (f *refreshes) supersede(s *Session) {
	if s.sealed.refreshToken == "" {
		return // it cannot be renewed, and others have none either
	}
	until := f.clock.Now().Add(spentMemory)
	f.spent.put(s.sealed.refreshToken, true, until)
	f.spent.put(f.newest(s).sealed.refreshToken, true, until)
}

// isSpent tells whether the refresh token of a session was exchanged here, or
// the session superseded.
func (f *refreshes) isSpent(s *Session) bool {
	_, spent := f.spent.get(s.sealed.refreshToken)
	return spent
}

// isSuperseded tells whether the browser is known to have something in the place
// of a session: its successor, another session, or none after a logout. Its end
// is not the browser's, then.
func (f *refreshes) isSuperseded(s *Session) bool {
	superseded, _ := f.spent.get(s.sealed.refreshToken)
	return superseded
}
