// Used states: each state completes one sign-in.

package authkit

import (
	"sync"
	"time"

	"github.com/authkit-go/authkit/internal/expiring"
)

// usedStates remembers the states that were used, since a browser may send the cookie of
// a used state again. Each is remembered until its sign-in would have timed out. If
// there are too many, the one that was used first is evicted. From then on, a sign-in
// that started no later than the evicted one does not count as fresh.
type usedStates struct {
	mu           sync.Mutex
	states       *expiring.Map[time.Time] // guarded by mu: when the sign-in of each state started
	evictedStart time.Time                // guarded by mu: the latest start of an evicted sign-in

	beforeUse func() // set by tests, nil otherwise
}

func newUsedStates(clock Clock, limit int) *usedStates {
	u := &usedStates{states: expiring.New[time.Time](clock.Now, limit)}
	u.states.OnEvict(func(_ string, started time.Time) { // consume holds mu
		if started.After(u.evictedStart) {
			u.evictedStart = started
		}
	})
	return u
}

// stateUse says whether a state can be used.
type stateUse int

const (
	stateFresh  stateUse = iota // it was not used before
	stateUsed                   // it was used before
	stateTooOld                 // it may have been used before: its sign-in timed out, or was evicted
)

// peek returns what consume would return, and uses nothing.
func (u *usedStates) peek(pending *pendingSignIn) stateUse {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.find(pending)
}

// find requires that the caller holds mu.
func (u *usedStates) find(pending *pendingSignIn) stateUse {
	if _, used := u.states.Get(pending.state); used {
		return stateUsed
	}
	if !pending.startedAt.After(u.evictedStart) {
		return stateTooOld
	}
	return stateFresh
}

// consume uses a state if it is fresh, and remembers it until a time.
func (u *usedStates) consume(pending *pendingSignIn, until time.Time) stateUse {
	if u.beforeUse != nil {
		u.beforeUse()
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	found := u.find(pending)
	if found == stateFresh {
		u.states.Put(pending.state, pending.startedAt, until)
	}
	return found
}
