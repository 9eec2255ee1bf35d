// Which budgets a store gets.

package replica

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// budgetedStore is a store with budgets of its own.
type budgetedStore struct{ Store }

func (budgetedStore) StoreBudgets() Budgets { return ShortBudgets() }

func TestOnlyAStoreWithBudgetsOfItsOwnHasOthersThanTheDefault(t *testing.T) {
	t.Parallel()
	clock := newHeldClock()
	assert.Equal(t, Budgets{
		Response: 100 * time.Millisecond,
		Claim:    time.Second, ClaimRetry: 700 * time.Millisecond,
		Background: 2 * time.Second,
		CatchUp:    2 * time.Second,
		FirstPoll:  10 * time.Millisecond, LastPoll: 100 * time.Millisecond,
	}, New(Config{Store: struct{ Store }{}, Clock: clock}).budgets)
	assert.Equal(t, ShortBudgets(), New(Config{Store: budgetedStore{}, Clock: clock}).budgets)
}
