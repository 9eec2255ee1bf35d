// The budgets of calls of the store, which run on the real clock.

package replica

import (
	"context"
	"fmt"
	"time"
)

// Budgets say how long an instance waits on the real clock for its store and for other instances. Tests in which the store
// does not answer have shorter ones.
type Budgets struct {
	// Response is how long a response waits for the store, in total.
	Response time.Duration
	// Claim is how long a claim may take. After ClaimRetry without an answer, it is asked once more with the same nonce.
	Claim, ClaimRetry time.Duration
	// Background is how long a call takes that no request waits for.
	Background time.Duration
	// CatchUp is how long the first session waits until the log is read.
	CatchUp time.Duration
	// FirstPoll is the pause before the second look at a record that another instance holds. Each pause is twice as long as
	// the one before it, and LastPoll at most.
	FirstPoll, LastPoll time.Duration
}

// DefaultBudgets returns the budgets of every store that says nothing else.
func DefaultBudgets() Budgets {
	return Budgets{
		Response: 100 * time.Millisecond,
		Claim:    time.Second, ClaimRetry: 700 * time.Millisecond,
		Background: 2 * time.Second,
		CatchUp:    2 * time.Second,
		FirstPoll:  10 * time.Millisecond, LastPoll: 100 * time.Millisecond,
	}
}

// ShortBudgets returns budgets for a test in which the store does not answer. That of a response is the default, because the
// store must answer in time before and after. A claim that is asked once more still has longer than a response.
func ShortBudgets() Budgets {
	return Budgets{
		Response: 100 * time.Millisecond,
		Claim:    450 * time.Millisecond, ClaimRetry: 300 * time.Millisecond,
		Background: 500 * time.Millisecond,
		CatchUp:    300 * time.Millisecond,
		FirstPoll:  5 * time.Millisecond, LastPoll: 10 * time.Millisecond,
	}
}

// Budgeted is a [Store] with budgets of its own. The stores of tests implement it. An application cannot, because it cannot
// name the type of the result.
type Budgeted interface {
	StoreBudgets() Budgets
}

// budgetsOf returns the budgets for a store.
func budgetsOf(s Store) Budgets {
	if b, ok := s.(Budgeted); ok {
		return b.StoreBudgets()
	}
	return DefaultBudgets()
}

// within limits a context to a budget on the real clock.
func within(ctx context.Context, budget time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, budget, fmt.Errorf("the store did not answer within %s: %w", budget, context.DeadlineExceeded))
}

// background returns a context for a call that no request waits for.
func (b Budgets) background() (context.Context, context.CancelFunc) {
	return within(context.Background(), b.Background)
}
