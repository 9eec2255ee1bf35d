// Events of WorkOS: what each changes, and when.

package authkit

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/replica"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

// wantedEffects are the effects of the events with the data {"id":"x_1","slug":"x","user_id":"user_1","organization_id":"org_1",
// "group_id":"group_1","organization_membership_id":"om_1"}.
var wantedEffects = map[string]effect{
	workos.EventSessionRevoked:                {replica.SessionEnded, "x_1"},
	workos.EventUserDeleted:                   {replica.UserEnded, "x_1"},
	workos.EventUserUpdated:                   {replica.UserChanged, "x_1"},
	workos.EventOrganizationMembershipUpdated: {replica.MembershipChanged, "user_1 org_1"},
	workos.EventOrganizationMembershipDeleted: {replica.MembershipChanged, "user_1 org_1"},
	workos.EventOrganizationDeleted:           {replica.OrganizationChanged, "x_1"},
	workos.EventGroupDeleted:                  {replica.PermissionsChanged, "org_1"},
	workos.EventGroupMemberAdded:              {replica.PermissionsChanged, "om_1"},
	workos.EventGroupMemberRemoved:            {replica.PermissionsChanged, "om_1"},
	workos.EventRoleUpdated:                   {replica.PermissionsChanged, ""},
	workos.EventRoleDeleted:                   {replica.PermissionsChanged, ""},
	workos.EventOrganizationRoleUpdated:       {replica.PermissionsChanged, "org_1"},
	workos.EventOrganizationRoleDeleted:       {replica.PermissionsChanged, "org_1"},
	workos.EventPermissionUpdated:             {replica.PermissionsChanged, ""},
	workos.EventPermissionDeleted:             {replica.PermissionsChanged, ""},
	workos.EventAPIKeyRevoked:                 {replica.APIKeyChanged, "x_1"},
	workos.EventAPIKeyUpdated:                 {replica.APIKeyChanged, "x_1"},
}

func TestEachTypeOfEventHasItsEffectOrNone(t *testing.T) {
	data := json.RawMessage(`{"id":"x_1","slug":"x","user_id":"user_1","organization_id":"org_1",
		"group_id":"group_1","organization_membership_id":"om_1"}`)
	for _, name := range append(workos.EventTypes(), "dsync.user.updated", "a type of the future", "") {
		found, err := effectOf(workos.Event{ID: "event_1", Type: name, Data: data})
		want, has := wantedEffects[name]
		assert.Equal(t, want, found, name)
		assert.Equal(t, has, slices.Contains(effectTypes, name), name)
		if has {
			assert.NoError(t, err, name)
		}
	}
	assert.Len(t, effectTypes, len(wantedEffects))
}

func TestAnEventWithBrokenDataHasNoEffect(t *testing.T) {
	clock := newSetClock()
	for name := range wantedEffects {
		for _, data := range []string{
			``, `null`, `"x_1"`, `[]`, `{`, `{}`, `{"id":""}`, `{"id":null}`, `{"id":7}`, `{"id":{"id":"x_1"},"user_id":"user_1","organization_id":"org_1"}`,
		} {
			a := newOffline(t, clock)
			event := workos.Event{ID: "event_1", Type: name, CreatedAt: clock.now, Data: json.RawMessage(data)}
			found, err := effectOf(event)
			assert.Error(t, err, "%s %s", name, data)
			assert.Zero(t, found.kind, "%s %s", name, data)
			epoch := a.signedOut.epoch.Load()
			assert.NoError(t, a.applyEvent(t.Context(), event), "it is not delivered again")
			assert.Equal(t, epoch, a.signedOut.epoch.Load())
			assert.Zero(t, a.apiKeys.changed.after.Load())
			assert.Zero(t, a.resources.changes.latest.Load())
		}
	}
	for _, data := range []string{`{"id":"om_1","user_id":"user_1"}`, `{"id":"om_1","organization_id":"org_1"}`, `{"id":"om_1","user_id":"","organization_id":"org_1"}`} {
		_, err := effectOf(workos.Event{ID: "event_1", Type: workos.EventOrganizationMembershipDeleted, Data: json.RawMessage(data)})
		assert.Error(t, err, data)
	}
	_, err := effectOf(workos.Event{ID: "event_1", Type: workos.EventOrganizationRoleUpdated, Data: json.RawMessage(`{"slug":"admin"}`)})
	assert.Error(t, err, "a role of no organization")
}

// userEvent returns an event of user_1.
func userEvent(name string, at time.Time) workos.Event {
	return workos.Event{ID: "event_1", Type: name, CreatedAt: at, Data: json.RawMessage(`{"id":"user_1"}`)}
}

func TestTheTimeOfAChangeIsThatOfItsEventWithinTheSkew(t *testing.T) {
	now := newSetClock().now
	for name, c := range map[string]struct{ created, want time.Time }{
		"now":                     {now, now},
		"a minute ago":            {now.Add(-time.Minute), now.Add(-time.Minute)},
		"a part of a millisecond": {now.Add(-1500 * time.Microsecond), now.Add(-time.Millisecond)},
		"no time":                 {time.Time{}, now},
		"within the skew":         {now.Add(clockSkew), now.Add(clockSkew)},
		"beyond the skew":         {now.Add(clockSkew + time.Millisecond), now.Add(clockSkew)},
		"a year ahead":            {now.AddDate(1, 0, 0), now.Add(clockSkew)},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newSetClock()
			a := newOffline(t, clock)
			require.NoError(t, a.applyEvent(t.Context(), userEvent(workos.EventUserUpdated, c.created)))
			assert.Equal(t, c.want, a.changesShown("user_1", "").at)
			assert.True(t, a.isDue(memberSession(now.Add(-10*time.Minute))))
		})
	}
}

func TestAnEventThatConcernsNoLiveTokenHasNoEffect(t *testing.T) {
	clock := newSetClock()
	for seen, effective := range map[time.Duration]time.Duration{
		0:              leastLifetime + 2*clockSkew,
		24 * time.Hour: 24*time.Hour + 2*clockSkew,
	} {
		for _, name := range []string{workos.EventUserUpdated, workos.EventUserDeleted} {
			for age, applied := range map[time.Duration]bool{effective - time.Millisecond: true, effective: false, 90 * 24 * time.Hour: false} {
				a := newOffline(t, clock)
				a.lifetimes.saw(&jwks.Claims{IssuedAt: clock.now, ExpiresAt: clock.now.Add(seen)})
				require.NoError(t, a.applyEvent(t.Context(), userEvent(name, clock.now.Add(-age))))
				assert.Equal(t, applied, a.signedOut.epoch.Load() > 1, "%s after %s, tokens of %s", name, age, seen)
			}
		}
	}
}

func TestAMarkOfAnEventLastsAsLongAsTheLongestTokenThatWasSeen(t *testing.T) {
	clock := newSetClock()
	a := newOffline(t, clock)
	start := clock.now
	s := memberSession(start.Add(-time.Minute))
	a.lifetimes.saw(&jwks.Claims{IssuedAt: start, ExpiresAt: start.Add(24 * time.Hour)})
	require.NoError(t, a.applyEvent(t.Context(), userEvent(workos.EventUserUpdated, start)))
	clock.now = start.Add(24*time.Hour + 2*clockSkew - time.Millisecond)
	assert.True(t, a.isDue(s))
	clock.now = clock.now.Add(time.Millisecond)
	assert.False(t, a.isDue(s))
}

// A sign-in is dated by this application's clock, and the event by WorkOS's.
func TestTheEndOfAUserEndsSignInsWithinTheSkewOfTheClocks(t *testing.T) {
	clock := newSetClock()
	a := newOffline(t, clock)
	event := clock.now.Add(-10 * time.Second)
	before := memberSession(event)
	before.sealed.SignedInAt = event.Add(endSkew)
	after := memberSession(event)
	after.sealed.SignedInAt = event.Add(endSkew + time.Millisecond)
	require.NoError(t, a.applyEvent(t.Context(), userEvent(workos.EventUserDeleted, event)))
	assert.True(t, a.isSignedOut(before))
	assert.False(t, a.isSignedOut(after))
	assert.Equal(t, event.Add(endSkew+time.Millisecond), a.signInTime("session_2", "user_1", allNotices))
}

// An issuer that an application has added may make tokens that live for years. Without a limit, the time would overflow, or WorkOS would
// refuse the list of events.
func TestNoTokenLifetimeIsLongerThanWorkOSKeepsEvents(t *testing.T) {
	clock := newSetClock()
	for _, expiresAt := range []time.Time{clock.now.AddDate(1, 0, 0), clock.now.AddDate(400, 0, 0)} {
		a := newOffline(t, clock)
		a.lifetimes.saw(&jwks.Claims{IssuedAt: clock.now, ExpiresAt: expiresAt})
		assert.Greater(t, a.effectTime(), eventHistory-time.Hour)
		assert.Less(t, a.effectTime(), eventHistory)

		require.NoError(t, a.applyEvent(t.Context(), workos.Event{
			ID: "event_1", Type: workos.EventUserUpdated, CreatedAt: clock.now, Data: json.RawMessage(`{"id":"user_1"}`),
		}))
		assert.True(t, a.isDue(memberSession(clock.now.Add(-time.Minute))), "an event has its effect")
	}
}
