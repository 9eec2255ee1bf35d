// The budget of a user for questions about resources, and the lookup that questions share.

package authkit

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAUserWhoInventsResourcesSpendsOnlyTheirOwnBudget(t *testing.T) {
	q := newAsking(t)
	ask := func(user, project string) error {
		_, err := q.has(t.Context(), user, project)
		return err
	}
	for i := range questionBudget {
		require.NoError(t, ask("user_1", fmt.Sprint("invented ", i)))
	}
	var delay *UnavailableError
	require.ErrorAs(t, ask("user_1", "one more"), &delay)
	assert.ErrorIs(t, delay, errBudgetSpent)
	assert.Equal(t, time.Second, delay.RetryAfter)
	assert.NoError(t, ask("user_1", fmt.Sprint("invented ", questionBudget-1)), "a remembered answer costs nothing")
	assert.NoError(t, ask("user_2", "p"), "another user has a budget of their own")

	q.clock.now = q.clock.now.Add(questionPause)
	assert.NoError(t, ask("user_1", "one more"))
	assert.ErrorIs(t, ask("user_1", "the next"), ErrUnavailable)
	q.clock.now = q.clock.now.Add(time.Minute)
	for i := range questionBudget {
		require.NoError(t, ask("user_1", fmt.Sprint("again ", i)))
	}
	assert.ErrorIs(t, ask("user_1", "too many"), ErrUnavailable)
	assert.Len(t, q.api.checks, 2*questionBudget+2)

	q.clock.now = q.clock.now.Add(-time.Hour) // the system's clock is set back
	assert.ErrorIs(t, ask("user_1", "still too many"), ErrUnavailable)
	q.clock.now = q.clock.now.Add(time.Minute)
	assert.NoError(t, ask("user_1", "a minute later"))
}

// Two questions share the lookup of their membership. The one that started it ends.
func TestALookupThatEndsWithItsQuestionIsRepeatedForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newAsking(t)
		q.api.hang = 1
		first := q.begin(t.Context(), "user_1", "first")
		synctest.Wait() // it waits for its lookup
		second := q.begin(t.Context(), "user_1", "second")
		synctest.Wait() // it waits for the same lookup
		require.Equal(t, 1, q.api.lookups)
		q.clock.ringFirst() // ten seconds of the first question have passed
		assert.ErrorIs(t, (<-first).err, ErrUnavailable)
		assert.Equal(t, resourceReply{true, nil}, <-second)
		assert.Equal(t, 2, q.api.lookups)
	})
}
