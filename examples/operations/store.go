// The store, as this instance reaches it.

package main

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/authkit-go/authkit"
)

var errLost = errors.New("notices of the store's log were lost")

// instanceStore is a store whose log may not arrive.
type instanceStore struct {
	authkit.Store
	deaf atomic.Bool
}

// Follow follows the log. While the instance is deaf, no notice arrives and no read of the log ends. The first notice that
// arrives after a lost one ends it with an error, so that the whole log is read again.
func (s *instanceStore) Follow(ctx context.Context, f func(notice []byte), caughtUp func()) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	lost := false // f and caughtUp are called on one goroutine at a time
	pass := func(next func()) {
		switch {
		case s.deaf.Load():
			lost = true
		case lost:
			cancel(errLost)
		default:
			next()
		}
	}
	err := s.Store.Follow(ctx, func(notice []byte) { pass(func() { f(notice) }) }, func() { pass(caughtUp) })
	if cause := context.Cause(ctx); errors.Is(cause, errLost) {
		return cause
	}
	return err
}
