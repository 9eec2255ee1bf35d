// The budgets of users for questions about permissions on resources.

package authkit

import (
	"time"

	"github.com/authkit-go/authkit/internal/expiring"
)

const (
	// questionBudget is how many questions about one user a full budget holds.
	questionBudget = 600
	// questionPause is the time in which a budget grows by one question. That is 600 a
	// minute, a tenth of WorkOS's limit.
	questionPause = 100 * time.Millisecond
	// maxBudgets bounds the budgets that are not full.
	maxBudgets = 1 << 16
)

// questionBudgets has a token bucket of questionBudget questions for each user, so that a
// user who invents resources does not use up WorkOS's rate limit for all users. Of a
// bucket that is not full it stores when it is full again.
type questionBudgets struct {
	now  func() time.Time
	full *expiring.Map[time.Time]
}

func newQuestionBudgets(now func() time.Time) *questionBudgets {
	return &questionBudgets{now: now, full: expiring.New[time.Time](now, maxBudgets)}
}

// spend takes one question out of a user's budget and returns zero. If the budget is
// empty, it returns the time to wait for one. No two calls may run concurrently.
func (b *questionBudgets) spend(user string) (wait time.Duration) {
	now := b.now()
	full, _ := b.full.Get(user)
	spent := min(max(0, full.Sub(now)), questionBudget*questionPause) // full may be far away: the clock was set back
	if spent += questionPause; spent > questionBudget*questionPause {
		wait = spent - questionBudget*questionPause
		spent -= questionPause
	}
	b.full.Put(user, now.Add(spent), now.Add(spent))
	return wait
}
