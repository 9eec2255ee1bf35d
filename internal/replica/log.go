// The log: what this instance has read of it, and what it adds.
//
// The log is followed while sessions are used. It is not followed without need: an
// instance without requests has no goroutine. These orders must hold:
//
//  1. An instance reads the log to its end before it serves its first session (Use).
//     Otherwise it would serve a session that was signed out before it started.
//  2. An instance remembers a notice before it appends it. If the append fails, or
//     if the store loses the log later, the notice is missing in the next reading,
//     and is put back.
//  3. A notice counts as seen only in the reading in which it was passed on. A new
//     reading starts with no notice seen.

package replica

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authkit-go/authkit/internal/expiring"
)

const (
	// idleTime is how long the log is followed without a session.
	idleTime = 2 * time.Minute
	// silenceLimit is how long a link without a sign of life counts as alive.
	silenceLimit = 10 * time.Second
	// currentTime is how long ago the log was read to its end by a link that is
	// alive. It is more than the time between two signs of life.
	currentTime    = 4 * time.Second
	firstReconnect = 100 * time.Millisecond
	lastReconnect  = 2 * time.Second

	// knownLimit is how many notices are remembered to be put back.
	knownLimit = 1 << 17
)

var errSilent = errors.New("the log was silent for 10 seconds")

// Log is an instance's view of the log.
type Log struct {
	p *Protocol

	// usedAt is when a session was last used, in Unix seconds. current reports whether
	// a session need not wait: the log was read to its end once since it is followed,
	// or the wait is over.
	usedAt  atomic.Int64
	current atomic.Bool

	mu       sync.Mutex
	stop     context.CancelFunc // guarded by mu: nil if the log is not followed
	caught   chan struct{}      // guarded by mu: closed when the log was read to its end, or the wait is over
	readAt   time.Time          // guarded by mu: when the log was last read to its end
	reading  uint64             // guarded by mu: the number of the current reading, from 1
	complete bool               // guarded by mu: this reading has come to the end once
	lastErr  error              // guarded by mu: why the last reading ended
	// known holds the notices in force, by their bytes without the codes. mu guards
	// the values.
	known *expiring.Map[*knownNotice]
}

// knownNotice is a notice that is put back if the log loses it.
type knownNotice struct {
	signed []byte
	until  time.Time
	seen   uint64 // the last reading that passed it on
	told   bool   // the store has confirmed it
}

func newLog(p *Protocol) *Log {
	return &Log{
		p:     p,
		known: expiring.New[*knownNotice](p.clock.Now, knownLimit),
	}
}

// Use records that a session is used, and starts to follow the log if necessary. It
// waits until the log was read to its end once, for two seconds at most. The end of a
// request does not end the wait: a handler runs also if its client has left.
func (l *Log) Use() {
	if now := l.p.clock.Now().Unix(); l.usedAt.Load() != now {
		l.usedAt.Store(now)
	}
	if l.current.Load() {
		return
	}
	l.mu.Lock()
	if l.stop == nil {
		l.start()
	}
	caught := l.caught
	l.mu.Unlock()
	<-caught
}

// start starts to follow the log. The caller holds mu.
func (l *Log) start() {
	ctx, cancel := context.WithCancel(context.Background())
	l.stop = cancel
	l.caught = make(chan struct{})
	caught := l.caught
	limit := time.AfterFunc(l.p.budgets.CatchUp, func() { l.release(caught) })
	go func() {
		defer limit.Stop()
		l.follow(ctx)
	}()
	l.watchIdle(ctx)
}

// release ends the wait of the requests that wait for the first reading. Later
// requests do not wait, until the log is no longer followed.
func (l *Log) release(caught chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.caught != caught || l.stop == nil {
		return
	}
	select {
	case <-caught:
	default:
		close(caught)
		l.current.Store(true)
	}
}

// watchIdle stops to follow the log when no session was used for idleTime.
func (l *Log) watchIdle(ctx context.Context) {
	used := l.usedAt.Load()
	l.p.clock.AfterFunc(idleTime, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		switch {
		case ctx.Err() != nil:
		case l.usedAt.Load() != used:
			go l.watchIdle(ctx)
		default:
			l.stop()
			l.stop = nil
			l.current.Store(false)
			select {
			case <-l.caught:
			default:
				close(l.caught)
			}
			l.p.reached("log left")
		}
	})
}

// follow reads the log, again and again, until ctx ends.
func (l *Log) follow(ctx context.Context) {
	pause := firstReconnect
	for ctx.Err() == nil {
		began := l.beginReading()
		err := l.read(ctx)
		if ctx.Err() != nil {
			return
		}
		if l.endReading(began, err) { // it was complete
			pause = firstReconnect
		}
		l.p.wait(ctx, pause)
		pause = min(2*pause, lastReconnect)
	}
}

func (l *Log) beginReading() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reading++
	l.complete = false
	return l.reading
}

// endReading records why a reading has ended. It reports whether it had come to the
// end of the log.
func (l *Log) endReading(reading uint64, err error) bool {
	l.mu.Lock()
	first, complete := l.lastErr == nil, l.complete
	l.lastErr, l.complete = err, false
	l.mu.Unlock()
	if first {
		l.p.log.Warn("authkit: the log of the store cannot be read", "error", err)
	}
	return complete
}

// wait waits on the application's clock, or until ctx ends.
func (p *Protocol) wait(ctx context.Context, d time.Duration) {
	over := make(chan struct{})
	stop := p.clock.AfterFunc(d, func() { close(over) })
	defer stop()
	select {
	case <-over:
	case <-ctx.Done():
	}
}

// read reads the log once, until the link breaks or is silent for too long.
func (l *Log) read(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var alive atomic.Int64 // signs of life
	stopWatch := l.watchSilence(ctx, &alive, func() { cancel(errSilent) })
	defer stopWatch()
	ended := errExited // written by the goroutine until done is closed
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				ended = errors.New("the store panicked")
			}
		}()
		ended = l.p.config.Store.Follow(ctx,
			func(notice []byte) {
				if ctx.Err() == nil {
					alive.Add(1)
					l.receive(append([]byte{}, notice...))
				}
			},
			func() {
				if ctx.Err() == nil {
					alive.Add(1)
					l.caughtUp(ctx)
				}
			})
	}()
	select {
	case <-done:
	case <-ctx.Done(): // the store may ignore it
		return context.Cause(ctx)
	}
	if ended == nil {
		ended = errors.New("the store has ended the log")
	}
	return ended
}

// watchSilence calls silent if alive does not change for silenceLimit.
func (l *Log) watchSilence(ctx context.Context, alive *atomic.Int64, silent func()) (stop func()) {
	var mu sync.Mutex
	var stopTimer func() bool
	var watch func(before int64)
	watch = func(before int64) {
		mu.Lock()
		defer mu.Unlock()
		stopTimer = l.p.clock.AfterFunc(silenceLimit, func() {
			now := alive.Load()
			switch {
			case ctx.Err() != nil:
			case now == before:
				silent()
			default:
				go watch(now)
			}
		})
	}
	watch(0)
	return func() {
		mu.Lock()
		defer mu.Unlock()
		stopTimer()
	}
}

// receive handles a notice of the log.
func (l *Log) receive(signed []byte) {
	n, ok := l.p.vault.decodeNotice(signed)
	now := l.p.clock.Now()
	if !ok || !now.Before(n.Until) {
		return
	}
	if !l.remember(signed, n.Until, true) {
		return // it was handled before
	}
	l.handle(n)
}

func (l *Log) handle(n Notice) {
	if n.Kind != tokenRefused {
		l.p.config.Handle(n)
		return
	}
	go l.p.answer(n.Hash) // also a question of this instance: it may have superseded the token since
}

// remember stores a notice to be put back if the log loses it. seen says that the
// log has it. It reports whether the notice is new.
func (l *Log) remember(signed []byte, until time.Time, seen bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := string(signed[:noticeSize])
	known, ok := l.known.Get(name)
	if !ok {
		known = &knownNotice{signed: signed, until: until}
		l.known.Put(name, known, until)
	}
	if seen {
		known.seen, known.told = l.reading, true
	}
	return !ok
}

// isTold reports whether the log has or had a notice.
func (l *Log) isTold(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	known, ok := l.known.Get(name)
	return ok && known.told
}

// markTold records that the store has confirmed a notice.
func (l *Log) markTold(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.known.Get(name); ok {
		known.told = true
	}
}

// caughtUp is called when the log was read to its end.
func (l *Log) caughtUp(ctx context.Context) {
	l.mu.Lock()
	restored := l.lastErr != nil
	l.lastErr = nil
	l.readAt = l.p.clock.Now()
	first := !l.complete
	l.complete = true
	caught := l.caught
	var missing []string
	if first {
		for name, known := range l.known.All() {
			if known.seen != l.reading {
				missing = append(missing, name)
			}
		}
	}
	l.mu.Unlock()
	if restored {
		l.p.log.Info("authkit: the log of the store is read again")
	}
	l.release(caught)
	if len(missing) > 0 {
		l.p.clock.AfterFunc(rand.N(putBackTime), func() { go l.putBackAll(ctx, missing) })
	}
	l.p.reached("caught up")
}

// retry appends a notice again until the store has confirmed it.
func (l *Log) retry(name string, known *knownNotice) {
	l.p.retries.add("N"+name, "", func(ctx context.Context) error {
		if !l.p.clock.Now().Before(known.until) {
			return nil
		}
		err := l.p.link.append(ctx, known.signed)
		if err == nil {
			l.markTold(name)
		}
		return err
	})
}

// Announce appends a notice. It waits for the store no longer than a response may,
// and returns an error if the store has not confirmed the notice then. The append is
// repeated in the background until it has. An equal notice is appended once. If the log
// loses it, it is put back.
func (l *Log) Announce(ctx context.Context, n Notice) error {
	signed := l.p.vault.sign(l.p.vault.encodeNotice(n))
	name := string(signed[:noticeSize])
	l.remember(signed, n.Until, false)
	l.p.reached("notice remembered")
	if l.isTold(name) {
		return nil
	}
	ctx, cancel := within(context.WithoutCancel(ctx), l.p.budgets.Response)
	defer cancel()
	err := l.p.link.append(ctx, signed)
	if err == nil {
		l.markTold(name)
	} else if known, ok := l.known.Get(name); ok {
		l.retry(name, known)
	}
	l.p.reached("announced")
	return err
}

// ask appends a question about a token. The log must be followed: otherwise the
// refusal cannot be believed.
func (l *Log) ask(hash string) error {
	now := l.p.clock.Now()
	n := Notice{Kind: tokenRefused, Hash: hash, At: now, Until: now.Add(LeaseLimit)}
	ctx, cancel := l.p.budgets.background()
	defer cancel()
	return l.p.link.append(ctx, l.p.vault.sign(l.p.vault.encodeNotice(n)))
}

// readingNumber returns the number of the current reading. Another number means that
// the log may have lost what it had before.
func (l *Log) readingNumber() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reading
}

// readSince reports whether the log was read to its end after a time, by a link that
// is alive.
func (l *Log) readSince(at time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.complete && !l.readAt.Before(at) && l.p.clock.Now().Sub(l.readAt) <= currentTime
}

// State is what an operator may want to know about the log.
type State struct {
	Following bool      // the log is followed
	Current   bool      // this reading has come to the end of the log
	ReadAt    time.Time // when the log was last read to its end, zero if never
	Err       error     // why the log cannot be read, nil if it can
	Notices   int       // notices in force
}

// State returns the state of the log.
func (l *Log) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return State{
		Following: l.stop != nil, Current: l.complete && l.stop != nil,
		ReadAt: l.readAt, Err: l.lastErr, Notices: l.known.Len(),
	}
}

// ReadAt returns when the log was last read to its end.
func (l *Log) ReadAt() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.readAt
}
