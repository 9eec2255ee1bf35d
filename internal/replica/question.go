// Questions: whether another instance knows the successor of a token that WorkOS
// has refused (rule 3).

package replica

import (
	"bytes"
	"sync"
	"time"
)

// question is a refusal that is not believed yet.
type question struct {
	lease   *lease
	stop    func() // stops the extension of the lease
	verdict func(Outcome)
	end     time.Time // when the question is given up

	once sync.Once
	// The fields below are used by the question's own steps, one at a time.
	askedAt time.Time // when the log had the question, zero before
	reading uint64    // the reading of the log at that time
	claims  uint64    // lease.claims at that time
}

// startQuestion asks the other instances about a refused token. Without a lease, the
// store does not answer, so no instance can be asked. The next request tries again.
func (p *Protocol) startQuestion(l *lease, stop func(), verdict func(Outcome)) {
	if !l.held.Load() {
		stop()
		return
	}
	q := &question{lease: l, stop: stop, verdict: verdict, end: p.clock.Now().Add(LeaseLimit)}
	go q.step()
}

// step asks, or looks for an answer. It runs once a second until it has a verdict.
func (q *question) step() {
	p := q.lease.protocol
	if q.mustAsk() {
		q.ask()
	} else if q.look() {
		return
	}
	if !p.clock.Now().Before(q.end) {
		q.finish(Outcome{})
		return
	}
	p.clock.AfterFunc(ExtendEvery, func() { go q.step() })
}

// mustAsk reports whether the question must be asked, or asked again. It must be asked
// again if the log may have lost it, or if the lease was lost: the record may have
// been that of another instance meanwhile.
func (q *question) mustAsk() bool {
	return q.askedAt.IsZero() || q.reading != q.lease.protocol.Log.readingNumber() || q.claims != q.lease.claims.Load()
}

func (q *question) ask() {
	p := q.lease.protocol
	q.askedAt, q.reading, q.claims = time.Time{}, p.Log.readingNumber(), q.lease.claims.Load()
	if p.Log.ask(Hash(q.lease.token)) == nil {
		q.askedAt = p.clock.Now()
		p.reached("asked")
	}
}

// look reads the record. It reports whether there is a verdict.
func (q *question) look() bool {
	l, p := q.lease, q.lease.protocol
	ctx, cancel := p.budgets.background()
	defer cancel()
	found, err := p.read(ctx, l.key)
	if err != nil {
		return false
	}
	switch found.kind {
	case Success:
		payload, err := p.successor(l.token, found)
		if err != nil {
			q.finish(Outcome{Err: ErrUnreadable})
		} else {
			q.finish(Outcome{Kind: Success, Payload: payload})
		}
		return true
	case Spent, Superseded:
		q.finish(Outcome{Kind: Superseded}) // if it is forged, the next request finds that
		return true
	}
	if p.clock.Now().Before(q.askedAt.Add(QuestionTime)) || !p.Log.readSince(q.askedAt) {
		return false
	}
	if found.kind == None {
		_, _, _ = p.swap(ctx, l.key, nil, l.value, LeaseTime)
		l.claims.Add(1)
		return false // claimed again, so the question must be asked again
	}
	if found.forged || !BelieveRefusal(found.kind, bytes.Equal(found.raw, l.value)) {
		q.finish(Outcome{}) // another instance tries it now
		return true
	}
	p.reached("believed")
	_, swapped, err := p.swap(ctx, l.key, found.raw, p.vault.newEnded(l.key), EndedTime)
	if err != nil || !swapped {
		return false // look again
	}
	q.finish(Outcome{Kind: Ended})
	return true
}

func (q *question) finish(o Outcome) {
	q.once.Do(func() {
		q.stop()
		q.verdict(o)
	})
}

// answer answers the question of another instance: it puts back what this instance
// knows about the token.
//
// If this instance calls WorkOS with the token now, without a lease in the store, it
// answers with its lease: it may soon know the successor.
func (p *Protocol) answer(hash string) {
	known := p.config.Answer(hash)
	var back []byte
	var calling *lease
	ttl := SuccessTime
	switch known.Kind {
	case None:
		value, ok := p.calls.Load(hash)
		if !ok {
			return
		}
		calling = value.(*lease)
		back, ttl = calling.value, LeaseTime
	case Success:
		success, err := p.newSuccess(known.Token, known.Successor)
		if err != nil {
			return
		}
		back = success
	case Superseded:
		back, ttl = p.vault.newSuperseded(p.vault.key("x", hash)), SupersededTime
	default:
		return
	}
	ctx, cancel := p.budgets.background()
	defer cancel()
	key := p.vault.key("x", hash)
	found, err := p.read(ctx, key)
	for err == nil && AnswerQuestion(found.kind) {
		var swapped bool
		if calling != nil && found.kind == Lease && bytes.Equal(found.raw, back) {
			return // it is there
		}
		if found, swapped, err = p.swap(ctx, key, found.raw, back, ttl); swapped {
			if calling != nil {
				calling.held.Store(true) // and is extended from now on
			}
			break
		}
	}
	p.reached("answered")
}
