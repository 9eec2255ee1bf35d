// Changes of the store that are tried again in the background.

package replica

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// retryEvery is the time between two attempts of the changes that wait.
	retryEvery = time.Second
	// retryLimit is how many changes wait. A further one replaces the oldest
	// publication, or the oldest change if there is none: a sign-out matters more.
	retryLimit = 1 << 13
	// retryParallel is how many changes are tried at the same time.
	retryParallel = 16
	// retryFor is how long a change is tried.
	retryFor = time.Hour
)

// retries tries changes again that the store did not confirm. It has a timer only
// while a change waits.
type retries struct {
	clock   Clock
	budgets Budgets

	mu      sync.Mutex
	waiting map[string]*retry // guarded by mu: by name
	order   []string          // guarded by mu: names, the oldest first
	running bool              // guarded by mu: a timer or an attempt is pending
}

// retry is a change that waits.
type retry struct {
	group  string // "" for none
	until  time.Time
	change func(context.Context) error
}

func newRetries(clock Clock, budgets Budgets) *retries {
	return &retries{clock: clock, budgets: budgets, waiting: map[string]*retry{}}
}

// add makes a change wait for its next attempt. It replaces a change of the same
// name. Changes of one group can be attempted together.
func (r *retries) add(name, group string, change func(context.Context) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.waiting[name]; !known {
		if len(r.waiting) >= retryLimit {
			r.remove(r.leastNeeded())
		}
		r.order = append(r.order, name)
	}
	r.waiting[name] = &retry{group, r.clock.Now().Add(retryFor), change}
	r.schedule()
}

// leastNeeded returns the name of the oldest change with a group, or of the oldest
// change. The caller holds mu.
func (r *retries) leastNeeded() string {
	for _, name := range r.order {
		if r.waiting[name].group != "" {
			return name
		}
	}
	return r.order[0]
}

// schedule starts the timer. The caller holds mu.
func (r *retries) schedule() {
	if !r.running && len(r.waiting) > 0 {
		r.running = true
		r.clock.AfterFunc(retryEvery, func() { go r.run() })
	}
}

// run tries each change once, until the breaker is open: then the store is not back
// yet. The failure of one change does not delay the others, because the store may
// refuse that one alone.
func (r *retries) run() {
	var attempts sync.WaitGroup
	var down atomic.Bool
	slots := make(chan struct{}, retryParallel)
	for _, name := range r.names() {
		slots <- struct{}{}
		if down.Load() {
			break
		}
		attempts.Go(func() {
			defer func() { <-slots }()
			ctx, cancel := r.budgets.background()
			defer cancel()
			if errors.Is(r.attempt(ctx, name), errBreaker) {
				down.Store(true)
			}
		})
	}
	attempts.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = false
	r.schedule()
}

// attempt tries a change now, if it waits. It returns nil if it does not wait.
func (r *retries) attempt(ctx context.Context, name string) error {
	r.mu.Lock()
	waits := r.waiting[name]
	r.mu.Unlock()
	if waits == nil {
		return nil
	}
	var err error
	if r.clock.Now().Before(waits.until) {
		err = waits.change(ctx)
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting[name] == waits { // no newer change of the same name
		r.remove(name)
	}
	return nil
}

// attemptGroup tries the changes of a group now, the oldest first, until one fails.
func (r *retries) attemptGroup(ctx context.Context, group string) {
	for _, name := range r.namesOf(group) {
		if r.attempt(ctx, name) != nil {
			return
		}
	}
}

// remove removes a change. The caller holds mu.
func (r *retries) remove(name string) {
	delete(r.waiting, name)
	for i, other := range r.order {
		if other == name {
			r.order = append(r.order[:i], r.order[i+1:]...)
			return
		}
	}
}

// names returns the names of the changes that wait, the oldest first.
func (r *retries) names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.order...)
}

// namesOf returns the names of the changes of a group that wait, the oldest first.
func (r *retries) namesOf(group string) (names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) == 0 || group == "" {
		return nil
	}
	for _, name := range r.order {
		if r.waiting[name].group == group {
			names = append(names, name)
		}
	}
	return names
}

// len returns the number of changes that wait.
func (r *retries) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiting)
}
