// Tests of sessions that an application makes due.

package authkit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
