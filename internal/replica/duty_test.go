// The lease of a duty: which instance has it, and how it passes to another one.

package replica_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/replica"
)

// The times of a duty: how long its lease lasts, and how often the store is asked.
const (
	dutyTime    = 15 * time.Second
	dutyRenewal = 3 * time.Second
)

// duty returns a duty of an instance. All duties of a test are the same one.
func (i *instance) duty() *replica.Duty { return i.NewDuty("test", time.Second) }

// holders asks each of the duties once, all at the same time.
func holders(duties []*replica.Duty) map[replica.Holder]int {
	var mu sync.Mutex
	var asked sync.WaitGroup
	counts := map[replica.Holder]int{}
	for _, d := range duties {
		asked.Go(func() {
			holder := d.Holder(context.Background())
			mu.Lock()
			defer mu.Unlock()
			counts[holder]++
		})
	}
	asked.Wait()
	return counts
}

func TestOneOfManyInstancesHasADuty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var duties []*replica.Duty
	for range 20 {
		duties = append(duties, w.newInstance().duty())
	}
	for range 20 { // 60 s, which is longer than a lease
		assert.Equal(t, map[replica.Holder]int{replica.HolderSelf: 1, replica.HolderOther: 19}, holders(duties))
		w.clock.Advance(dutyRenewal)
	}
	assert.Equal(t, 1, w.store.Len())
}

func TestTheHolderOfADutyIsAskedForEveryThreeSeconds(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*world){
		"this instance":    func(*world) {},
		"another instance": func(w *world) { w.newInstance().duty().Holder(context.Background()) },
		"unknown":          func(w *world) { w.store.SetDown(true) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			prepare(w)
			d := w.newInstance().duty()
			w.store.ResetCommands()
			first := d.Holder(t.Context())
			w.clock.Advance(dutyRenewal - 1)
			for range 100 {
				assert.Equal(t, first, d.Holder(t.Context()))
			}
			assert.Equal(t, authkittest.StoreCommands{Swap: 1}, w.store.Commands())
			w.clock.Advance(1)
			assert.Equal(t, first, d.Holder(t.Context()))
			assert.Equal(t, authkittest.StoreCommands{Swap: 2}, w.store.Commands())
		})
	}
}

func TestADutyPassesToAnotherInstanceAfter15Seconds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.newInstance().duty(), w.newInstance().duty()
	require.Equal(t, replica.HolderSelf, one.Holder(t.Context()))
	var waited time.Duration
	for two.Holder(t.Context()) != replica.HolderSelf {
		w.clock.Advance(time.Second)
		waited += time.Second
		require.LessOrEqual(t, waited, dutyTime+dutyRenewal)
	}
	assert.GreaterOrEqual(t, waited, dutyTime)
}

func TestALeaseLastsForThreeIntervalsIfThatIsLonger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.newInstance().NewDuty("test", time.Minute), w.newInstance().NewDuty("test", time.Minute)
	for range 5 {
		require.Equal(t, replica.HolderSelf, one.Holder(t.Context()))
		w.clock.Advance(30 * time.Second) // the instances do not read at the same time
		require.Equal(t, replica.HolderOther, two.Holder(t.Context()))
		w.clock.Advance(45 * time.Second)
	}
	w.clock.Advance(3*time.Minute - 45*time.Second)
	assert.Equal(t, replica.HolderSelf, two.Holder(t.Context()), "the other instance has stopped")
}

func TestAReleasedDutyIsFreeAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.newInstance().duty(), w.newInstance().duty()
	require.Equal(t, replica.HolderSelf, one.Holder(t.Context()))
	one.Release()
	assert.Zero(t, w.store.Len())
	require.Equal(t, replica.HolderSelf, two.Holder(t.Context()))
	assert.Equal(t, replica.HolderOther, one.Holder(t.Context()), "the release forgets the last answer")
}

func TestAReleaseAfterARenewalWithoutAnAnswerFreesTheDuty(t *testing.T) {
	t.Parallel()
	for name, renew := range map[string]func(*world, *replica.Duty){
		"the context has ended": func(_ *world, d *replica.Duty) {
			ended, cancel := context.WithCancel(context.Background())
			cancel()
			d.Holder(ended)
		},
		"the reply is lost": func(w *world, d *replica.Duty) {
			w.store.LoseReplies(1)
			d.Holder(context.Background())
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			one, two := w.newInstance().duty(), w.newInstance().duty()
			require.Equal(t, replica.HolderSelf, one.Holder(t.Context()))
			w.clock.Advance(dutyRenewal)
			renew(w, one)
			one.Release()
			assert.Equal(t, replica.HolderSelf, two.Holder(t.Context()))
		})
	}
}

func TestAReleaseByAnInstanceWithoutTheDutyChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two, idle := w.newInstance().duty(), w.newInstance().duty(), w.newInstance().duty()
	require.Equal(t, replica.HolderSelf, one.Holder(t.Context()))
	require.Equal(t, replica.HolderOther, two.Holder(t.Context()))
	w.store.ResetCommands()
	two.Release()
	idle.Release()
	assert.Equal(t, authkittest.StoreCommands{}, w.store.Commands())
	w.clock.Advance(dutyRenewal)
	assert.Equal(t, replica.HolderSelf, one.Holder(t.Context()))
}

func TestAHolderThatPausesLongerThanItsLeaseLosesTheDuty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.newInstance().duty(), w.newInstance().duty()
	require.Equal(t, replica.HolderSelf, one.Holder(t.Context()))
	w.clock.Advance(dutyTime)
	require.Equal(t, replica.HolderSelf, two.Holder(t.Context()))
	assert.Equal(t, replica.HolderOther, one.Holder(t.Context()), "it asks before it continues")

	w.clock.Advance(dutyTime)
	require.Equal(t, replica.HolderSelf, one.Holder(t.Context()))
	two.Release() // it has not asked since: the lease of the other instance stays
	assert.Equal(t, replica.HolderOther, w.newInstance().duty().Holder(t.Context()))
}

func TestWhileTheStoreFailsTheHolderOfADutyIsUnknownAndAfterwardsThereIsOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fail func(w *world, on bool)
		wrap func(w *world) replica.Store
	}{
		"down":   {fail: func(w *world, on bool) { w.store.SetDown(on) }},
		"frozen": {fail: func(w *world, on bool) { w.store.SetFrozen(on) }},
		"panicking": {wrap: func(w *world) replica.Store {
			return &panickingStore{w.store, func() { panic("the store of a test panics") }}
		}},
		"ending its goroutine": {wrap: func(w *world) replica.Store { return &panickingStore{w.store, exit} }},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				w := newImpatientWorld(t)
				one, two := w.newInstance().duty(), w.newInstance().duty()
				if c.wrap != nil {
					one = w.newInstanceWith(c.wrap(w)).duty()
					assert.Equal(t, replica.HolderUnknown, one.Holder(t.Context()))
					assert.Equal(t, replica.HolderSelf, two.Holder(t.Context()), "for which the store works")
					one.Release()
					return
				}
				require.Equal(t, map[replica.Holder]int{replica.HolderSelf: 1, replica.HolderOther: 1}, holders([]*replica.Duty{one, two}))
				c.fail(w, true)
				for range 2 {
					w.clock.Advance(dutyTime)
					assert.Equal(t, map[replica.Holder]int{replica.HolderUnknown: 2}, holders([]*replica.Duty{one, two}))
				}
				c.fail(w, false)
				w.clock.Advance(dutyRenewal)
				assert.Equal(t, map[replica.Holder]int{replica.HolderSelf: 1, replica.HolderOther: 1}, holders([]*replica.Duty{one, two}))
			})
		})
	}
}

// panickingStore does not return from Swap.
type panickingStore struct {
	*authkittest.MemoryStore
	leave func()
}

func (s *panickingStore) Swap(context.Context, string, []byte, []byte, time.Duration) ([]byte, time.Duration, bool, error) {
	s.leave()
	return nil, 0, false, nil
}

func TestADutyHasOneHolderInASlowStore(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.budgets = replica.DefaultBudgets()
		store := &slowStore{MemoryStore: w.store, delay: 300 * time.Millisecond}
		duties := []*replica.Duty{w.newInstanceWith(store).duty(), w.newInstanceWith(store).duty(), w.newInstanceWith(store).duty()}
		assert.Equal(t, map[replica.Holder]int{replica.HolderSelf: 1, replica.HolderOther: 2}, holders(duties))
	})
}

func TestAReleaseInAStoreThatDoesNotAnswerEndsAndTheLeaseExpires(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newImpatientWorld(t)
		one, two := w.newInstance().duty(), w.newInstance().duty()
		require.Equal(t, replica.HolderSelf, one.Holder(t.Context()))
		w.store.SetFrozen(true)
		began := time.Now()
		one.Release()
		assert.Less(t, time.Since(began), 4*time.Second)
		w.store.SetFrozen(false)
		assert.Equal(t, replica.HolderOther, two.Holder(t.Context()))
		w.clock.Advance(dutyTime)
		assert.Equal(t, replica.HolderSelf, two.Holder(t.Context()))
	})
}

func TestAStoreThatLosesALeaseHasANewHolderWithinThreeSeconds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.newInstance().duty(), w.newInstance().duty()
	require.Equal(t, replica.HolderSelf, one.Holder(t.Context()))
	require.Equal(t, replica.HolderOther, two.Holder(t.Context()))
	w.store.Flush()
	w.clock.Advance(dutyRenewal)
	require.Equal(t, replica.HolderSelf, two.Holder(t.Context()))
	assert.Equal(t, replica.HolderOther, one.Holder(t.Context()), "it asks at the same time")
}

func TestApplicationsAndDutiesInOneStoreDoNotMeet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	of := func(clientID, apiHost string) *instance {
		return w.newInstanceConfigured(w.store, func(c *replica.Config) { c.ClientID, c.APIHost = clientID, apiHost })
	}
	for name, d := range map[string]*replica.Duty{
		"an application":                 of("client_1", "api.workos.test").NewDuty("events", time.Second),
		"another application":            of("client_2", "api.workos.test").NewDuty("events", time.Second),
		"an application at another host": of("client_1", "api.example.test").NewDuty("events", time.Second),
		"another duty":                   of("client_1", "api.workos.test").NewDuty("others", time.Second),
	} {
		assert.Equal(t, replica.HolderSelf, d.Holder(t.Context()), name)
		position, err := d.Position(t.Context())
		assert.NoError(t, err, name)
		assert.Empty(t, position, name)
		assert.NoError(t, d.StorePosition(t.Context(), name), name)
		position, err = d.Position(t.Context())
		assert.NoError(t, err, name)
		assert.Equal(t, name, position)
	}
	assert.Equal(t, 8, w.store.Len())
}
