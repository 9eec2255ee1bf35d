// UntilEnd for API keys: a context that ends with the key of a long request.

package authkit

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/authkit-go/authkit/internal/replica"
)

// watchInterval is how often a watched session or key uses the log of a store, so that the
// log is followed. It is shorter than the time after which an unused log is left.
const watchInterval = time.Minute

// lookAfter calls look after a time, on a goroutine of its own, because it may wait for the store.
func (a *AuthKit) lookAfter(d time.Duration, look func()) (stop func() bool) {
	return a.clock.AfterFunc(d, func() {
		a.rotations.reached("look due")
		go func() {
			look()
			a.rotations.reached("looked")
		}()
	})
}

// keyWatch ends a context with its API key. It is a [keyWatcher].
type keyWatch struct {
	authKit *AuthKit
	ctx     context.Context
	cancel  context.CancelCauseFunc
	key     *APIKey
	hash    string // of the key's ID

	mu        sync.Mutex
	stopTimer func() bool // guarded by mu: nil before the first timer
}

// untilKeyEnds makes ctx end with the key. It looks for changes after it has become a
// watcher. In the other order, a change between these two steps would be missed.
func (a *AuthKit) untilKeyEnds(ctx context.Context, cancel context.CancelCauseFunc, found *requestKey) {
	w := &keyWatch{authKit: a, ctx: ctx, cancel: cancel, key: found.key, hash: replica.Hash(found.key.ID)}
	a.apiKeys.changed.watch(w.hash, w)
	context.AfterFunc(ctx, w.release)
	if !found.given && a.apiKeys.changed.since(w.hash, found.changes) {
		w.changed()
	}
	w.look()
}

func (w *keyWatch) end(reason string) {
	w.cancel(fmt.Errorf("%w: %s", ErrUnauthenticated, reason))
}

// changed ends the context. The event of a change does not say what has changed, and the
// value of the key is not kept, so the key cannot be validated again here.
func (w *keyWatch) changed() { w.end("the API key was revoked or changed") }

// release releases what a watch needs. It runs when the context has ended.
func (w *keyWatch) release() {
	w.authKit.apiKeys.changed.unwatch(w.hash, w)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopTimer != nil {
		w.stopTimer()
	}
}

// look ends the context if the key has expired, and starts the next timer otherwise. With a
// store, it uses the log, so that the log is followed.
func (w *keyWatch) look() {
	a := w.authKit
	a.followLog()
	var wait time.Duration // 0 without a next look
	if !w.key.ExpiresAt.IsZero() {
		if wait = w.key.ExpiresAt.Sub(a.clock.Now()); wait <= 0 {
			w.end("the API key has expired")
			return
		}
	}
	if a.replicas != nil && (wait == 0 || watchInterval < wait) {
		wait = watchInterval
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if wait != 0 && w.ctx.Err() == nil {
		w.stopTimer = a.lookAfter(wait, w.look)
	}
}
