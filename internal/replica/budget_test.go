// How long an instance waits for its store.

package replica_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/replica"
)

// budgetStore never answers. It records how long each call may take.
type budgetStore struct {
	mu      sync.Mutex
	budgets []time.Duration // guarded by mu
}

func (s *budgetStore) wait(ctx context.Context) error {
	deadline, _ := ctx.Deadline()
	s.mu.Lock()
	s.budgets = append(s.budgets, time.Until(deadline))
	s.mu.Unlock()
	<-ctx.Done()
	return ctx.Err()
}

func (s *budgetStore) Get(ctx context.Context, _ string) ([]byte, time.Duration, bool, error) {
	return nil, 0, false, s.wait(ctx)
}

func (s *budgetStore) Swap(ctx context.Context, _ string, _, _ []byte, _ time.Duration) ([]byte, time.Duration, bool, error) {
	return nil, 0, false, s.wait(ctx)
}

func (s *budgetStore) Append(ctx context.Context, _ []byte) error { return s.wait(ctx) }

func (s *budgetStore) Follow(ctx context.Context, _ func([]byte), _ func()) error {
	<-ctx.Done()
	return ctx.Err()
}

// take returns the sum of the budgets of the calls so far, and forgets them.
func (s *budgetStore) take() (sum time.Duration, calls int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, budget := range s.budgets {
		sum += max(0, budget)
	}
	calls = len(s.budgets)
	s.budgets = nil
	return sum, calls
}

func TestAResponseWaits100MillisecondsForTheStoreAndAClaimWaitsASecond(t *testing.T) {
	t.Parallel()
	const response, claim = 100 * time.Millisecond, time.Second
	ctx := context.Background()
	notice := replica.Notice{Kind: replica.SessionEnded, Hash: replica.Hash("session_1"), At: time.Now(), Until: time.Now().Add(time.Hour)}
	for name, c := range map[string]struct {
		call   func(*instance)
		budget time.Duration
	}{
		"a look before a response": {func(i *instance) { i.BeforeResponse(ctx, "t1", group) }, response},
		"a clear":                  {func(i *instance) { i.MayClear(ctx, "t1", "t1", group, nil, unknown) }, response},
		"a sign-out":               {func(i *instance) { i.Supersede(ctx, []string{"t1"}, unknown) }, response},
		"a notice":                 {func(i *instance) { _ = i.Log.Announce(ctx, notice) }, response},
		"an API key":               {func(i *instance) { i.APIKeyResult(ctx, "sk_1") }, response},
		"a used state":             {func(i *instance) { _, _ = i.UseState(ctx, "state", time.Hour) }, claim},
		"an exchange, which claims and publishes": {func(i *instance) {
			i.Exchange(ctx, "t1", group, nil, func(context.Context) replica.Result {
				return replica.Result{Kind: replica.Success, Payload: []byte("t2")}
			}, nil)
		}, claim + response},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				w := newWorld(t)
				w.budgets = replica.DefaultBudgets()
				store := &budgetStore{}
				i := w.newInstanceWith(store)
				c.call(i)
				sum, calls := store.take()
				require.Positive(t, calls)
				assert.LessOrEqual(t, sum, c.budget)
				assert.Greater(t, sum, c.budget/3)
			})
		})
	}
}

func TestAfterThreeFailuresInARowTheStoreIsNotAskedForASecond(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.newInstance()
	w.store.SetDown(true)
	for range 3 {
		i.BeforeResponse(context.Background(), "t1", group)
	}
	assert.True(t, i.LinkState().Open)
	w.store.ResetCommands()
	i.BeforeResponse(context.Background(), "t1", group)
	assert.Equal(t, authkittest.StoreCommands{}, w.store.Commands())
	w.store.SetDown(false)
	w.clock.Advance(time.Second)
	assert.False(t, i.LinkState().Open)
	i.BeforeResponse(context.Background(), "t1", group)
	assert.Equal(t, 1, w.store.Commands().Get)
	assert.NoError(t, i.LinkState().Err)
}

func TestASlowStoreSignsNoUserOut(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		// A claim that waits 100 ms, with a breaker that opens at the first failure, signed 8
		// of 400 users out: each of two instances took the store for down and exchanged the
		// token. Every command takes 300 ms here.
		w := newWorld(t)
		w.budgets = replica.DefaultBudgets()
		store := &slowStore{MemoryStore: w.store, delay: 300 * time.Millisecond}
		instances := []*instance{w.newInstanceWith(store), w.newInstanceWith(store), w.newInstanceWith(store)}
		w.runInRealTime(func() {
			var done sync.WaitGroup
			for _, i := range instances {
				done.Go(func() { assertSuccess(t, i.exchange("t1"), "t2") })
			}
			done.Wait()
		})
		assert.Equal(t, 1, w.workos.times("t1"))
	})
}

// slowStore answers after a delay on the real clock.
type slowStore struct {
	*authkittest.MemoryStore
	delay time.Duration
}

func (s *slowStore) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) ([]byte, time.Duration, bool, error) {
	timer := time.NewTimer(s.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return s.MemoryStore.Swap(ctx, key, old, value, ttl)
	case <-ctx.Done():
		return nil, 0, false, ctx.Err()
	}
}

func TestTheEndOfARequestIsNotAFailureOfTheStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.budgets.Response = time.Minute // a busy machine may need 100 ms to end the context
	i := w.newInstanceWith(&budgetStore{})
	for range 5 {
		ctx, cancel := context.WithCancelCause(context.Background())
		go cancel(errors.New("the client has left"))
		i.APIKeyResult(ctx, "sk_1")
	}
	s := i.LinkState()
	assert.False(t, s.Open)
	assert.Zero(t, s.Failures)
	assert.NoError(t, s.Err)
}
