// Instances without an application: a Protocol for each, a store in memory, and a
// WorkOS that counts how often each refresh token is presented.

package replica_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/replica"
	"github.com/authkit-go/authkit/internal/testrun"
)

// TestMain runs up to 16 tests at a time, because those that are not in a bubble wait for real time, and need no processor.
func TestMain(m *testing.M) {
	testrun.Parallel(16)
	testrun.Main(m)
}

// password is the cookie password of all instances.
const password = "a cookie password for the tests of replicas"

// world is a store, a clock and a WorkOS.
type world struct {
	t      *testing.T
	clock  *authkittest.FakeClock
	store  *authkittest.MemoryStore
	workos *workOS
	// budgets are those of the instances that start from now on.
	budgets replica.Budgets
}

func newWorld(t *testing.T) *world {
	clock := authkittest.NewFakeClock(time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC))
	return &world{
		t: t, clock: clock, store: authkittest.NewMemoryStore(clock), workos: &workOS{clock: clock, presented: map[string]int{}},
		budgets: testrun.Length(patientBudgets(), replica.DefaultBudgets()),
	}
}

// patientBudgets returns budgets for a store that answers: longer than the default, for a busy machine, and with short polls.
func patientBudgets() replica.Budgets {
	b, short := replica.DefaultBudgets(), replica.ShortBudgets()
	b.Response, b.Claim, b.ClaimRetry = time.Second, 4*time.Second, 2*time.Second
	b.FirstPoll, b.LastPoll = short.FirstPoll, short.LastPoll
	return b
}

// newImpatientWorld returns a world whose store does not answer in the test, which is in a bubble. Its instances wait as long as
// those of an application.
func newImpatientWorld(t *testing.T) *world {
	w := newWorld(t)
	w.budgets = replica.DefaultBudgets()
	return w
}

// inBubble runs a test that waits on the real clock in a bubble of package synctest. There, that clock jumps to the next wait.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

// workOS exchanges refresh tokens. The successor of "t1" is "t2".
type workOS struct {
	clock  *authkittest.FakeClock
	window bool // an exchanged token can be exchanged again

	mu        sync.Mutex
	presented map[string]int // guarded by mu
	ended     bool           // guarded by mu: the session has ended
}

// exchange returns the successor of a token, or false if the token is refused.
func (w *workOS) exchange(token string) (successor string, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.presented[token]++
	if w.ended || w.presented[token] > 1 && !w.window {
		return "", false
	}
	return next(token), true
}

// times returns how often a token was presented.
func (w *workOS) times(token string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.presented[token]
}

func (w *workOS) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
}

// next returns the successor of a token.
func next(token string) string {
	n, err := strconv.Atoi(strings.TrimPrefix(token, "t"))
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("t%d", n+1)
}

// instance is one instance. It dies at a step, if that is set.
type instance struct {
	*replica.Protocol
	world *world

	mu      sync.Mutex
	dead    bool                         // guarded by mu
	step    func(name string)            // guarded by mu: called at each step, may be nil
	marks   map[string]time.Time         // guarded by mu: notices, by kind and hash
	known   map[string]replica.Knowledge // guarded by mu: by hash
	verdict chan replica.Outcome
}

func (w *world) newInstance() *instance { return w.newInstanceWith(w.store) }

// newInstanceWith starts an instance with another view of the store.
func (w *world) newInstanceWith(store replica.Store) *instance {
	return w.newInstanceConfigured(store, func(*replica.Config) {})
}

// newInstanceConfigured starts an instance with another configuration.
func (w *world) newInstanceConfigured(store replica.Store, configure func(*replica.Config)) *instance {
	i := &instance{
		world: w, marks: map[string]time.Time{}, known: map[string]replica.Knowledge{}, verdict: make(chan replica.Outcome, 9),
	}
	c := replica.Config{
		Store: &mortalStore{store, i}, Clock: &mortalClock{w.clock, i}, Log: slog.New(slog.DiscardHandler),
		Passwords: []string{password}, ClientID: "client_test", APIHost: "api.workos.test",
		Handle: func(n replica.Notice) {
			i.mu.Lock()
			defer i.mu.Unlock()
			i.marks[string(rune(n.Kind))+n.Hash] = n.At
		},
		Answer: func(hash string) replica.Knowledge {
			i.mu.Lock()
			defer i.mu.Unlock()
			return i.known[hash]
		},
		TokenOf: func(payload []byte) (string, bool) { return string(payload), len(payload) > 0 },
		Step: func(name string) {
			i.mu.Lock()
			step := i.step
			i.mu.Unlock()
			if step != nil {
				step(name)
			}
			if name != "caught up" && i.isDead() { // that step runs on the goroutine of the clock
				exit()
			}
		},
	}
	configure(&c)
	i.Protocol = replica.New(c)
	w.t.Cleanup(func() {
		i.die()
		i.Log.Leave()
	})
	return i
}

// onStep sets the function that is called at each step.
func (i *instance) onStep(f func(name string)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.step = f
}

// die ends the instance: its calls of the store have no effect from now on, and its
// timers do nothing.
func (i *instance) die() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.dead = true
}

func (i *instance) isDead() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.dead
}

// knows makes the instance know the successor of a token.
func (i *instance) knows(token string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.known[replica.Hash(token)] = replica.Knowledge{Kind: replica.Success, Token: token, Successor: []byte(next(token))}
}

// exchange exchanges a token as the core does.
func (i *instance) exchange(token string) replica.Outcome {
	i.Log.Use()
	return i.Exchange(context.Background(), token, "session_1",
		func([]byte) bool { return true },
		func(context.Context) replica.Result {
			successor, ok := i.world.workos.exchange(token)
			if !ok {
				return replica.Result{Kind: replica.Ended}
			}
			i.knows(token)
			return replica.Result{Kind: replica.Success, Payload: []byte(successor)}
		},
		func(o replica.Outcome) { i.verdict <- o })
}

// pollError is how much the fake clock may move in [world.run] while an instance waits
// for its next poll, which runs on the real clock.
const pollError = 4 * time.Second

// tick is how long [world.run] lets f get to its next wait. In the longer time, the longest pause between two polls is longer too.
var tick = testrun.Length(3*time.Millisecond, 5*time.Millisecond)

// run calls f and moves the clock in small steps until f returns. It returns how long
// that took.
func (w *world) run(f func()) (took time.Duration) {
	w.t.Helper()
	start := w.clock.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	deadline := time.Now().Add(20 * time.Second)
	for {
		select {
		case <-done:
			return w.clock.Now().Sub(start)
		case <-time.After(tick): // lets f get to its next wait
			require.True(w.t, time.Now().Before(deadline), "f does not return")
			w.clock.Advance(100 * time.Millisecond)
		}
	}
}

// runInRealTime calls f and moves the clock as the real clock moves, until f returns.
func (w *world) runInRealTime(f func()) {
	w.t.Helper()
	done := exited(f)
	for last, deadline := time.Now(), time.Now().Add(20*time.Second); ; {
		select {
		case <-done:
			return
		case now := <-time.After(5 * time.Millisecond):
			require.True(w.t, now.Before(deadline), "f does not return")
			w.clock.Advance(now.Sub(last))
			last = now
		}
	}
}

// awaitVerdict moves the clock until a question has its verdict.
func (i *instance) awaitVerdict() (o replica.Outcome, took time.Duration) {
	i.world.t.Helper()
	took = i.world.run(func() { o = <-i.verdict })
	return o, took
}

// mortalStore is the store as an instance sees it, until that is dead.
type mortalStore struct {
	replica.Store
	instance *instance
}

func (s *mortalStore) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) ([]byte, time.Duration, bool, error) {
	s.leave()
	current, left, swapped, err := s.Store.Swap(ctx, key, old, value, ttl)
	s.instance.stepIfAlive("swapped " + string(value[:min(1, len(value))]))
	s.leave()
	return current, left, swapped, err
}

func (s *mortalStore) Get(ctx context.Context, key string) ([]byte, time.Duration, bool, error) {
	s.leave()
	return s.Store.Get(ctx, key)
}

func (s *mortalStore) Append(ctx context.Context, notice []byte) error {
	s.leave()
	return s.Store.Append(ctx, notice)
}

func (s *mortalStore) StoreBudgets() replica.Budgets { return s.instance.world.budgets }

// leave ends the goroutine of a call if the instance is dead.
func (s *mortalStore) leave() {
	if s.instance.isDead() {
		runtime.Goexit()
	}
}

func (i *instance) stepIfAlive(name string) {
	i.mu.Lock()
	step := i.step
	i.mu.Unlock()
	if step != nil {
		step(name)
	}
}

// mortalClock is the clock as an instance sees it, until that is dead.
type mortalClock struct {
	*authkittest.FakeClock
	instance *instance
}

func (c *mortalClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return c.FakeClock.AfterFunc(d, func() {
		if !c.instance.isDead() {
			f()
		}
	})
}

func assertSuccess(t *testing.T, o replica.Outcome, successor string) {
	t.Helper()
	if assert.Equal(t, replica.Success, o.Kind, "%v", o.Err) && !o.Own {
		assert.Equal(t, successor, string(o.Payload))
	}
}

// exited calls f on a goroutine of its own. The channel is closed when that ends.
func exited(f func()) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	return done
}

func exit() { runtime.Goexit() }

// dieAt returns a step function with which an instance dies at a step.
func dieAt(i *instance, at string) func(string) {
	return func(name string) {
		if name == at {
			i.die()
			exit()
		}
	}
}
