// Used states: a callback finishes a sign-in once.

package authkit

import (
	"sync"
	"time"

	"github.com/authkit-go/authkit/internal/expiring"
)

// usedStates remembers the states of the sign-ins that are over, each for as
// long as the sign-in could have lived, in case its cookie comes back. Where
// there are too many the oldest leaves, and then no sign-in that began before
// it counts as fresh any more.
type usedStates struct {
	mu        sync.Mutex
	states    *expiring.Map[time.Time] // guarded by mu: when each sign-in began
	forgotten time.Time                // guarded by mu: the latest beginning among those that left before their time

	beforeUse func() // for tests; nil otherwise
}

func newUsedStates(clock Clock, limit int) *usedStates {
	u := &usedStates{states: expiring.New[time.Time](clock.Now, limit)}
	u.states.OnEvict(func(_ string, began time.Time) { // within use
		if began.After(u.forgotten) {
			u.forgotten = began
		}
	})
	return u
}

// stateUse is what became of an attempt to use a state.
type stateUse int

const (
	stateFresh  stateUse = iota // it is used now
	stateUsed                   // it was used before
	stateTooOld                 // it may have been used before: so much is not remembered
)

// look finds out what use would find.
func (u *usedStates) peek(pending *pendingSignIn) stateUse {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.find(pending)
}

// find is for a caller that holds mu.
func (u *usedStates) find(pending *pendingSignIn) stateUse {
	if _, used := u.states.Get(pending.state); used {
		return stateUsed
	}
	if !pending.startedAt.After(u.forgotten) {
		return stateTooOld
	}
	return stateFresh
}

// use uses a state that is fresh, and remembers it until a time.
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
