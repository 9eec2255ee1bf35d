// Tests of sessions that an application makes due.

package authkit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/replica"
)

func TestAnApplicationMakesTheSessionsOfAUserDue(t *testing.T) {
	for name, test := range map[string]struct {
		make    func(*AuthKit) error
		of      string // the organization of the session
		due     bool
		bearers bool // bearer tokens are refused
	}{
		"the user":             {func(a *AuthKit) error { return a.RefreshUser(t.Context(), "user_1") }, "org_1", true, false},
		"another user":         {func(a *AuthKit) error { return a.RefreshUser(t.Context(), "user_2") }, "org_1", false, false},
		"the organization":     {func(a *AuthKit) error { return a.RefreshOrganization(t.Context(), "org_1") }, "org_1", true, true},
		"another organization": {func(a *AuthKit) error { return a.RefreshOrganization(t.Context(), "org_2") }, "org_1", false, false},
		"no organization":      {func(a *AuthKit) error { return a.RefreshOrganization(t.Context(), "org_1") }, "", false, false},
		"all":                  {func(a *AuthKit) error { return a.RefreshAll(t.Context()) }, "org_1", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newSetClock()
			a := newOffline(t, clock)
			issuedAfter := func(d time.Duration) *Session {
				s := sessionFor(t, "session_1", clock.now, clock.now.Add(d), clock.now.Add(5*time.Minute))
				s.claims.Subject, s.claims.OrganizationID = "user_1", test.of
				return s
			}
			require.False(t, a.isDue(issuedAfter(0)))
			require.NoError(t, test.make(a))
			assert.Equal(t, test.due, a.isDue(issuedAfter(-time.Minute)))
			assert.Equal(t, test.due, a.isDue(issuedAfter(0)))
			assert.False(t, a.isDue(issuedAfter(time.Second)))
			assert.Equal(t, test.bearers, a.rightsChanged(issuedAfter(0)))

			refreshed := issuedAfter(0)
			refreshed.sealed.CurrentTo = a.changesShown("user_1", test.of).at
			assert.False(t, a.isDue(refreshed), "one refresh is enough")
		})
	}
}

func TestSessionsAreMadeDueByIDsThatAreNotEmpty(t *testing.T) {
	a := newOffline(t, newSetClock())
	assert.EqualError(t, a.RefreshUser(t.Context(), ""), "authkit: RefreshUser: the user ID is empty")
	assert.EqualError(t, a.RefreshOrganization(t.Context(), ""), "authkit: RefreshOrganization: the organization ID is empty")
}

func TestACallMakesTheSessionsDueThatAreCurrentUpToAnEarlierChange(t *testing.T) {
	clock := newSetClock()
	clock.now = clock.now.Truncate(time.Second)
	for name, test := range map[string]struct {
		before func(*AuthKit)
		lead   time.Duration // of the time of the call
	}{
		"no change":                {func(*AuthKit) {}, 0},
		"a call for the same user": {func(a *AuthKit) { require.NoError(t, a.RefreshUser(t.Context(), "user_1")) }, time.Millisecond},
		"calls for other users": {func(a *AuthKit) {
			for _, id := range []string{"user_2", "user_3", "user_4"} {
				require.NoError(t, a.RefreshUser(t.Context(), id))
			}
		}, 0},
		"a call for all": {func(a *AuthKit) { require.NoError(t, a.RefreshAll(t.Context())) }, time.Millisecond},
		"an earlier change": {func(a *AuthKit) {
			a.due.note(membershipKey("user_1", "org_1"), clock.now.Add(-time.Second), clock.now.Add(time.Hour))
		}, 0},
		"a clock that is a little ahead": {func(a *AuthKit) {
			a.due.note(membershipKey("user_1", "org_1"), clock.now.Add(500*time.Millisecond), clock.now.Add(time.Hour))
		}, 501 * time.Millisecond},
		"a clock that is far ahead": {func(a *AuthKit) {
			a.due.note(membershipKey("user_1", "org_1"), clock.now.Add(time.Second), clock.now.Add(time.Hour))
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			a := newOffline(t, clock)
			test.before(a)
			require.NoError(t, a.RefreshUser(t.Context(), "user_1"))
			assert.Equal(t, clock.now.Add(test.lead), a.due.latest(noticeKey(replica.UserChanged, "user_1")).at.In(clock.now.Location()))
		})
	}
}
