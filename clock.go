// The clock, and times that are bounded by it.

package authkit

import (
	"context"
	"errors"
	"time"

	"github.com/authkit-go/authkit/jwks"
)

// Clock tells the time and calls back. The clock of package authkittest is one.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f once d has passed, unless stop is called before; stop
	// tells whether it came in time. f does not block.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return time.AfterFunc(d, f).Stop
}

const (
	// clockSkew is how far two clocks may be apart.
	clockSkew = jwks.DefaultLeeway
)

// within bounds a context to a time on the application's clock. The cause of
// its end is a text.
func (a *AuthKit) within(ctx context.Context, limit time.Duration, cause string) (bounded context.Context, stop func()) {
	bounded, cancel := context.WithCancelCause(ctx)
	stopTimer := a.clock.AfterFunc(limit, func() { cancel(errors.New(cause)) })
	return bounded, func() {
		stopTimer()
		cancel(nil)
	}
}
