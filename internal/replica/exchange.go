// One exchange of a refresh token for all instances.

package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

var (
	// ErrWaited is the error of an exchange that another instance holds for too long.
	ErrWaited = errors.New("another instance exchanges the refresh token and has not finished")
	// ErrUnreadable is the error for a success that does not open, and for any other
	// record that no instance with the passwords of this one has made.
	ErrUnreadable = errors.New("another instance exchanged the refresh token, and its record does not open")
)

// Result is what a call of WorkOS returned, as the protocol sees it.
type Result struct {
	// Kind is Success, Ended if WorkOS refused because the session has ended, Pause,
	// or None for a failure that no other instance needs to know.
	Kind    Kind
	Payload []byte // of a success
	Reason  PauseReason
	Pause   time.Duration
}

// Outcome is what an exchange came to.
type Outcome struct {
	// Kind is one of:
	//
	//   - Success: Payload is the successor, or Own is true
	//   - Superseded: the session was signed out or replaced, or the token is spent
	//   - Ended: the session has ended, as another instance has found
	//   - Pause: another instance has failed, and Until is the end of the pause
	//   - Lease: WorkOS has refused the token, and the other instances are asked, unless
	//     the store does not answer. Until is when the token may be exchanged again
	//   - None: no result, for the reason in Err, or Own is true
	Kind    Kind
	Own     bool // the result of the call is the outcome
	Payload []byte
	Reason  PauseReason
	Until   time.Time
	Err     error
}

// Exchange exchanges a refresh token with call, unless another instance has done it
// or does it now. Then it waits for the outcome and returns that. If the store does
// not answer, it calls at once.
//
// group names the session, so that what is not confirmed can be tried again before a
// response of the session.
//
// usable reports whether a success in the store answers the caller. If WorkOS did
// not rotate the token, it may be the session that the caller has already. Then the
// token is exchanged again.
//
// If WorkOS has refused the token, the outcome has the kind Lease. verdict is called
// later, at most once, with the outcome Success, Superseded, Ended or None.
func (p *Protocol) Exchange(ctx context.Context, token, group string, usable func(payload []byte) bool, call func(context.Context) Result, verdict func(Outcome)) Outcome {
	key := p.recordKey(token)
	lease := &lease{protocol: p, token: token, group: group, key: key, value: newLease()}
	end, realEnd := p.clock.Now().Add(WaitLimit), time.Now().Add(WaitLimit) // a test's clock may stand still
	pause := p.budgets.FirstPoll
	var replaces []byte
	for {
		found, err := p.claim(ctx, key, replaces, lease.value)
		if err != nil {
			p.reached("claim failed")
			return lease.lead(ctx, call, verdict)
		}
		replaces = nil
		p.reached("claimed")
		switch AfterClaim(found.kind, bytes.Equal(found.raw, lease.value)) {
		case Exchange:
			lease.held.Store(true)
			return lease.lead(ctx, call, verdict)
		case UseResult:
			payload, err := p.successor(token, found)
			switch {
			case err != nil:
				return Outcome{Err: fmt.Errorf("%w: %w", ErrUnreadable, err)}
			case usable(payload):
				return Outcome{Kind: Success, Payload: payload}
			}
			replaces = found.raw
			continue
		case UseEnd:
			if found.forged {
				return Outcome{Err: fmt.Errorf("%w: %w", ErrUnreadable, errSeal)}
			}
			return Outcome{Kind: Ended}
		case UsePause:
			return Outcome{Kind: Pause, Reason: found.pause, Until: p.clock.Now().Add(min(found.left, pauseLimit))}
		case Withhold:
			payload, err := p.successor(token, found)
			switch {
			case found.forged || err != nil && found.kind == Spent:
				return Outcome{Err: fmt.Errorf("%w: %w", ErrUnreadable, errSeal)}
			case err == nil && !usable(payload): // WorkOS did not rotate the token, so it is not spent
				replaces = found.raw
				continue
			}
			return Outcome{Kind: Superseded}
		}
		if !p.clock.Now().Before(end) || !time.Now().Before(realEnd) {
			return Outcome{Err: ErrWaited}
		}
		if !p.poll(ctx, &pause) {
			return Outcome{Err: context.Cause(ctx)}
		}
	}
}

// pauseLimit is how long a pause of another instance counts before its record is read
// again. So a pause that an attacker has forged ends soon after its record.
const pauseLimit = 10 * time.Minute

// poll waits before the next look at a record. It waits on the real clock, because it
// waits for another instance. It reports false if ctx has ended.
func (p *Protocol) poll(ctx context.Context, pause *time.Duration) bool {
	timer := time.NewTimer(*pause)
	defer timer.Stop()
	*pause = min(*pause*2, p.budgets.LastPoll)
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// claim puts a lease in the place of a record, or of nothing. A claim without an
// answer may have succeeded. It is asked once more, with the same nonce.
func (p *Protocol) claim(ctx context.Context, key string, replaces, lease []byte) (found record, err error) {
	ctx, cancel := within(ctx, p.budgets.Claim)
	defer cancel()
	first, cancelFirst := within(ctx, p.budgets.ClaimRetry)
	found, _, err = p.swap(first, key, replaces, lease, LeaseTime)
	cancelFirst()
	if err != nil {
		found, _, err = p.swap(ctx, key, replaces, lease, LeaseTime)
	}
	return found, err
}

// lease is a claim of a token, and what is done under it.
type lease struct {
	protocol *Protocol
	token    string
	group    string
	key      string
	value    []byte
	held     atomic.Bool   // the store has confirmed the lease
	claims   atomic.Uint64 // how often the lease was lost and claimed again
}

// lead calls WorkOS and publishes the result.
func (l *lease) lead(ctx context.Context, call func(context.Context) Result, verdict func(Outcome)) Outcome {
	p := l.protocol
	stop := l.keepExtending()
	handedOn := false
	defer func() { // the call may panic
		if !handedOn {
			stop()
		}
	}()
	result := l.call(ctx, call)
	p.reached("called")
	switch result.Kind {
	case Success:
		outcome, confirmed := l.publishSuccess(ctx, result.Payload, stop)
		handedOn = !confirmed
		return outcome
	case Ended:
		handedOn = true
		until := p.clock.Now().Add(LeaseLimit)
		if !l.held.Load() {
			until = p.clock.Now().Add(QuestionTime)
		}
		p.startQuestion(l, stop, verdict)
		return Outcome{Kind: Lease, Until: until}
	}
	stop() // before the lease is removed: an extension would claim it again
	switch result.Kind {
	case Pause:
		if result.Pause >= time.Millisecond {
			l.publishFailure(ctx, newPause(result.Reason, p.clock.Now().Add(result.Pause)), result.Pause)
			break
		}
		fallthrough
	default:
		l.publishFailure(ctx, nil, 0)
	}
	return Outcome{Own: true}
}

// call calls WorkOS. Meanwhile this instance answers questions about the token with its
// lease: it may soon know the successor.
func (l *lease) call(ctx context.Context, call func(context.Context) Result) Result {
	calls, hash := &l.protocol.calls, Hash(l.token)
	calls.Store(hash, l)
	defer calls.CompareAndDelete(hash, l)
	return call(ctx)
}

// keepExtending extends the lease if it is held, until it is stopped, at most until LeaseLimit.
func (l *lease) keepExtending() (stop func()) {
	p := l.protocol
	ctx, cancel := context.WithCancel(context.Background())
	end := p.clock.Now().Add(LeaseLimit)
	var extend func()
	extend = func() {
		if ctx.Err() != nil || p.clock.Now().Add(LeaseTime).After(end) {
			return
		}
		go func() {
			if !l.held.Load() || l.extend(ctx) {
				p.clock.AfterFunc(ExtendEvery, extend)
			}
		}()
	}
	stopTimer := p.clock.AfterFunc(ExtendEvery, extend)
	return func() {
		cancel()
		stopTimer()
	}
}

// extend extends the lease once. It reports whether to extend it again.
func (l *lease) extend(ctx context.Context) bool {
	ctx, cancel := within(ctx, l.protocol.budgets.Claim)
	defer cancel()
	found, _, err := l.protocol.swap(ctx, l.key, l.value, l.value, LeaseTime)
	if err == nil && Extend(found.kind, bytes.Equal(found.raw, l.value)) == ClaimAgain {
		l.claims.Add(1)
		found, _, err = l.protocol.swap(ctx, l.key, nil, l.value, LeaseTime)
	}
	if err != nil {
		return !errors.Is(ctx.Err(), context.Canceled)
	}
	return Extend(found.kind, bytes.Equal(found.raw, l.value)) == Extended
}

// publishSuccess puts the successor into the record. If the store does not confirm
// it, the attempt is repeated in the background. The lease is extended meanwhile, and
// stop ends that.
func (l *lease) publishSuccess(ctx context.Context, payload []byte, stop func()) (o Outcome, confirmed bool) {
	p := l.protocol
	success, err := p.newSuccess(l.token, payload)
	if err != nil {
		p.log.Error("authkit: outcome of a refresh not published", "error", err)
		return Outcome{Kind: Success, Own: true}, true
	}
	bounded, cancel := within(context.WithoutCancel(ctx), p.budgets.Response)
	defer cancel()
	found, step, err := p.putSuccess(bounded, l.key, l.value, success)
	p.reached("published")
	if err != nil {
		p.retries.add(l.key, l.group, func(ctx context.Context) error {
			err := l.publishAgain(ctx, success, payload)
			if err == nil {
				stop()
			}
			return err
		})
		return Outcome{Kind: Success, Own: true}, false
	}
	if step == Replace {
		return Outcome{Kind: Success, Own: true}, true
	}
	other, err := p.successor(l.token, found)
	switch {
	case found.kind == Superseded || err == nil && step == SetNothing:
		return Outcome{Kind: Superseded}, true
	case err == nil:
		return Outcome{Kind: Success, Payload: other}, true
	}
	// No instance can use the record, so this instance uses its own success.
	p.log.Warn("authkit: the outcome of a refresh was not published", "error", err)
	return Outcome{Kind: Success, Own: true}, true
}

// publishAgain repeats a publication that was not confirmed. Its response may be under
// way. If the session was superseded meanwhile, the successor is superseded too, so
// that the response finds a mark.
func (l *lease) publishAgain(ctx context.Context, success, payload []byte) error {
	p := l.protocol
	found, step, err := p.putSuccess(ctx, l.key, nil, success)
	if err != nil || step != SetNothing || found.kind != Superseded {
		return err
	}
	next, ok := p.config.TokenOf(payload)
	if !ok || next == l.token {
		return nil
	}
	_, err = p.supersede(ctx, next, func(string) (string, bool) { return "", false })
	return err
}

// putSuccess puts a success into a record unless a rule forbids it. first is what the
// record probably contains. It returns the record that was found last.
func (p *Protocol) putSuccess(ctx context.Context, key string, first, success []byte) (found record, step PublishStep, err error) {
	replaces := first
	for {
		found, swapped, err := p.swap(ctx, key, replaces, success, SuccessTime)
		if err != nil || swapped {
			return found, Replace, err
		}
		if step := PublishSuccess(found.kind); step != Replace && !found.forged {
			return found, step, nil
		}
		replaces = found.raw
	}
}

// publishFailure puts a pause in the place of the lease, or removes the lease if
// pause is nil. It waits for the store no longer than a response may.
func (l *lease) publishFailure(ctx context.Context, pause []byte, ttl time.Duration) {
	if !l.held.Load() {
		return
	}
	bounded, cancel := within(context.WithoutCancel(ctx), l.protocol.budgets.Response)
	defer cancel()
	_, _, _ = l.protocol.swap(bounded, l.key, l.value, pause, ttl) // otherwise the lease expires by itself
	l.protocol.reached("failure published")
}
