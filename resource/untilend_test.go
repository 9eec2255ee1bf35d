// UntilEnd: when the context of a long request ends, and why.

package resource_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/resource"
)

// verified returns a context with a user's token, which expires in five minutes.
func (p *protected) verified(ctx context.Context) context.Context {
	p.Helper()
	token, err := p.api.Verify(ctx, p.token(p.user()))
	require.NoError(p, err)
	return resource.NewContext(ctx, token)
}

func TestUntilEndOfAResourceEndsWhenTheTokenIsNoLongerAccepted(t *testing.T) {
	p := protect(t)
	ctx := p.api.UntilEnd(p.verified(t.Context()))
	p.clock.Advance(6*time.Minute - time.Second)
	require.NoError(t, ctx.Err())
	p.clock.Advance(time.Second)
	<-ctx.Done()
	assert.ErrorIs(t, context.Cause(ctx), resource.ErrInvalidToken)
	assert.ErrorIs(t, context.Cause(ctx), jwks.ErrExpired)
}

func TestUntilEndOfAResourceStopsItsTimerWithTheRequest(t *testing.T) {
	clock := &stopClock{stopped: make(chan time.Duration, 10)}
	p := protect(t, resource.WithClock(clock))
	clock.Clock = p.clock
	verified := p.verified(t.Context())
	<-clock.stopped // the timer of the fetch of the keys

	request, cancel := context.WithCancel(verified)
	ctx := p.api.UntilEnd(request)
	cancel()
	assert.Equal(t, 6*time.Minute, <-clock.stopped)
	assert.ErrorIs(t, context.Cause(ctx), context.Canceled)
}

// stopClock reports which timers are stopped before they are over.
type stopClock struct {
	resource.Clock
	stopped chan time.Duration
}

func (c *stopClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	cancel := c.Clock.AfterFunc(d, f)
	return func() bool {
		stopped := cancel()
		if stopped {
			c.stopped <- d
		}
		return stopped
	}
}

func TestUntilEndOfAResourceHasEndedWithoutItsToken(t *testing.T) {
	p, other := protect(t), protect(t)
	assert.ErrorIs(t, context.Cause(p.api.UntilEnd(t.Context())), resource.ErrNoToken)
	assert.ErrorIs(t, context.Cause(p.api.UntilEnd(other.verified(t.Context()))), resource.ErrNoToken)
}
