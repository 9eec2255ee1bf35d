// The memory of permissions on resources: its bounds, and what a change outdates.

package authkit

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/replica"
	"github.com/authkit-go/authkit/internal/testrun"
	"github.com/authkit-go/authkit/workos"
)

func newTestAnswers() (*resourceAnswers, *setClock) {
	clock := newSetClock()
	return newResourceAnswers(clock, newPermissionChanges(clock, permissionChangeLimit)), clock
}

// knows reports whether an answer about a user is remembered.
func (m *resourceAnswers) knows(user, key string) bool {
	_, ok := m.get(userSession(user), key)
	return ok
}

func TestAUserWhoInventsResourcesPushesOutNoAnswerOfAnother(t *testing.T) {
	m, clock := newTestAnswers()
	yes := resourceAnswer{permitted: true, until: clock.now.Add(time.Minute)}
	m.put(userSession("user_2"), "p", yes)
	for i := range 10_000 {
		m.put(userSession("user_1"), fmt.Sprint(i), yes)
	}
	assert.True(t, m.knows("user_2", "p"))
	assert.False(t, m.knows("user_1", "0"), "the oldest of the user's own answers")
	assert.True(t, m.knows("user_1", "9999"))
	own, ok := m.users.Get("user_1")
	require.True(t, ok)
	assert.LessOrEqual(t, own.Len(), answersPerUser)
	assert.LessOrEqual(t, own.Bytes(), answerBytesPerUser)
}

func TestTheMemoryOfResourcePermissionsIsBounded(t *testing.T) {
	m, clock := newTestAnswers()
	long := strings.Repeat("x", 3*maxResourceText)
	users, answers := testrun.Length(160, 300), testrun.Length(100, 200) // more than fit, of one user and of all
	for user := range users {
		s := userSession(fmt.Sprint("user_", user))
		for i := range answers {
			m.put(s, long+fmt.Sprint(i), resourceAnswer{err: errors.New(long), until: clock.now.Add(time.Minute)})
		}
		m.putMembership(s, membershipOf{id: long})
	}
	assert.LessOrEqual(t, m.users.Bytes(), answerBytes)
	assert.Greater(t, m.users.Bytes(), answerBytes/2)
	for user := range testrun.Length(membershipBytes>>10, membershipLimit) + 10 {
		m.putMembership(userSession(fmt.Sprint("user_", user)), membershipOf{id: strings.Repeat("x", 1<<10)})
	}
	assert.LessOrEqual(t, m.memberships.Bytes(), membershipBytes)
	assert.False(t, m.knows("user_0", long+"0"))
	assert.True(t, m.knows(fmt.Sprint("user_", users-1), long+fmt.Sprint(answers-1)))
}

func TestAnAnswerOfTheSameTextAboutAnotherQuestionIsNotUsed(t *testing.T) {
	keys := map[string]string{}
	for name, key := range map[string]string{
		"organization":        questionKey("org_2", "edit", workos.Resource{ID: "p"}),
		"permission":          questionKey("org_1", "view", workos.Resource{ID: "p"}),
		"ID":                  questionKey("org_1", "edit", workos.Resource{ID: "p"}),
		"external ID":         questionKey("org_1", "edit", workos.Resource{ExternalID: "p", TypeSlug: "t"}),
		"type":                questionKey("org_1", "edit", workos.Resource{ExternalID: "t", TypeSlug: "p"}),
		"texts in one":        questionKey("org_1", "edit", workos.Resource{ExternalID: "pt", TypeSlug: "p"}),
		"texts in the others": questionKey("org_1", "editp", workos.Resource{ID: "t"}),
	} {
		assert.Empty(t, keys[key], name)
		keys[key] = name
	}
}

// Without this, the loss of a mark would let an outdated answer stay.
func TestAForgottenMarkOfAChangeOutdatesAllEarlierAnswers(t *testing.T) {
	clock := newSetClock()
	changes := newPermissionChanges(clock, 2)
	m := newResourceAnswers(clock, changes)
	put := func(user string) {
		m.put(userSession(user), "p", resourceAnswer{permitted: true, change: changes.latest.Load(), until: clock.now.Add(time.Minute)})
	}
	put("user_1")
	put("user_2")
	changes.note(replica.Hash("user_1"))
	put("user_3")
	assert.False(t, m.knows("user_1", "p"))
	assert.True(t, m.knows("user_2", "p"))
	changes.note(replica.Hash("user_8"))
	changes.note(replica.Hash("user_9")) // the mark of user_1 leaves
	assert.False(t, m.knows("user_1", "p"))
	assert.False(t, m.knows("user_2", "p"), "it is not known whether a change concerned this user")
	assert.True(t, m.knows("user_3", "p"), "the answer is newer than the mark that left")
}

// Order 2 of resourcechange.go.
func TestAnAnswerDuringAChangeIsOutdatedByIt(t *testing.T) {
	m, clock := newTestAnswers()
	m.changes.step = func(string) {
		m.put(userSession("user_1"), "p", resourceAnswer{permitted: true, change: m.changes.latest.Load(), until: clock.now.Add(time.Minute)})
	}
	m.changes.note(replica.Hash("user_1"))
	assert.False(t, m.knows("user_1", "p"), "the answer may be from before the change")
}

// A remembered answer and the ID of a membership may be from just before the change.
func TestAMarkOfAChangeLastsLongerThanWhatIsRemembered(t *testing.T) {
	m, clock := newTestAnswers()
	s := userSession("user_1")
	m.changes.note(replica.Hash("user_1"))
	m.putMembership(s, membershipOf{"om_1", 0})
	clock.now = clock.now.Add(membershipLifetime - time.Millisecond)
	_, ok := m.membership(s)
	assert.False(t, ok)
	assert.Less(t, answersLifetime, membershipLifetime)
}
