// A store that is slower than a response waits for.

package behaviour

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/replica"
	"github.com/authkit-go/authkit/internal/testrun"
)

// slowStore answers each call after a time, on the real clock.
type slowStore struct {
	*authkittest.MemoryStore
	latency  time.Duration
	response time.Duration // the budget of a response
}

func (s slowStore) StoreBudgets() replica.Budgets {
	b := replica.DefaultBudgets()
	b.Response = s.response
	return b
}

func (s slowStore) wait(ctx context.Context) error {
	timer := time.NewTimer(s.latency)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s slowStore) Get(ctx context.Context, key string) ([]byte, time.Duration, bool, error) {
	if err := s.wait(ctx); err != nil {
		return nil, 0, false, err
	}
	return s.MemoryStore.Get(ctx, key)
}

func (s slowStore) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) ([]byte, time.Duration, bool, error) {
	if err := s.wait(ctx); err != nil {
		return nil, 0, false, err
	}
	return s.MemoryStore.Swap(ctx, key, old, value, ttl)
}

// A claim waits longer for the store than a response does. What responses do not wait for must not let claims fail: then each
// instance would exchange the refresh token.
func TestAStoreThatIsTooSlowForResponsesStillMakesOneExchange(t *testing.T) {
	t.Parallel()
	pace := testrun.Length[time.Duration](4, 1) // how much faster than the clock of the application the real times of this test are
	r := NewReplicas(t, 1, AppOptions{})
	slow := authkit.WithStore(slowStore{r.Store, 200 * time.Millisecond / pace, 100 * time.Millisecond / pace})
	a, b := r.Add(t, AppOptions{AuthKit: []authkit.Option{slow}}), r.Add(t, AppOptions{AuthKit: []authkit.Option{slow}})
	var cookies []string
	for range 20 {
		cookies = append(cookies, r.Instances[0].SignedIn(Kim).CookieHeader())
	}
	r.Clock.Advance(7 * time.Minute)
	var wg sync.WaitGroup
	for i, cookie := range cookies {
		for _, instance := range []*App{a, b} {
			wg.Go(func() {
				select {
				case <-time.After(time.Duration(i) * 60 * time.Millisecond / pace):
				case <-t.Context().Done():
				}
				resp, err := instance.Do(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
				assert.NoError(t, err)
				assert.Equal(t, http.StatusOK, resp.Status)
			})
		}
	}
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	const tick = 50 * time.Millisecond
	for ticks := time.Tick(tick / pace); ; { // the clock moves with real time
		select {
		case <-ticks:
			r.Clock.Advance(tick)
			continue
		case <-done:
		}
		break
	}
	assert.Equal(t, len(cookies), r.Fake.Calls(authkittest.RouteRefresh))
}
