// Webhooks at several instances that share a store: a delivery to one of them acts at all.

package behaviour

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestAWebhookAtOneInstanceEndsSessionsAtAll(t *testing.T) {
	for name, c := range map[string]struct {
		change func(f *eventFleet, sessionID string)
		other  int // the status of another session of the same user
	}{
		"the session is revoked": {func(f *eventFleet, id string) { f.Fake.RevokeSession(id) }, http.StatusOK},
		"the user is deleted":    {func(f *eventFleet, _ string) { f.Fake.DeleteUser(Kim) }, http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			f := newEventFleet(t, 3, true)
			f.deliverTo(f.members[1])
			cookie := f.members[0].SignedIn(Kim).CookieHeader()
			id := f.sessionIDOf(t, f.members[0].App, cookie)
			other := f.members[2].SignedIn(Kim).CookieHeader()
			stranger := f.members[0].SignedIn(lee).CookieHeader()
			f.warm(t, cookie, other, stranger)

			c.change(f, id)
			f.delivered(t)
			late := f.add(t, true)
			for i, m := range append(f.members, late) {
				assert.Equal(t, http.StatusUnauthorized, m.Status(t, cookie), "instance %d", i)
				assert.Equal(t, c.other, m.Status(t, other), "another session of the user at instance %d", i)
				assert.Equal(t, http.StatusOK, m.Status(t, stranger), "the session of another user at instance %d", i)
			}
			assert.Zero(t, f.Fake.Calls(authkittest.RouteRefresh))
			assert.Zero(t, f.Fake.Calls(authkittest.RouteListEvents))
		})
	}
}

// A role that is taken away is gone from the next request on, at every instance, after one exchange.
func TestAWebhookAtOneInstanceChangesTheRoleAtAllWithOneExchange(t *testing.T) {
	for name, c := range map[string]struct{ tokenAge, eventAge time.Duration }{
		"a token of the same second":           {0, 0},
		"a token of the second before":         {time.Second, 0},
		"an exchange in the next second":       {time.Minute, time.Second},
		"a token of the same second, later on": {0, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			f := newEventFleet(t, 3, true)
			f.deliverTo(f.members[2])
			cookie := f.members[0].SignedIn(Kim).CookieHeader()
			stranger := f.members[0].SignedIn(lee).CookieHeader()
			f.warm(t, cookie, stranger)
			f.delivered(t) // an attempt that is under way ends when the clock moves by 30 seconds
			f.Clock.Advance(c.tokenAge)
			f.changeRole(t, "member")
			f.delivered(t)
			f.Clock.Advance(c.eventAge)

			var mu sync.Mutex
			var all sync.WaitGroup
			cookies := map[string]bool{}
			for range 5 {
				for i, m := range f.members {
					all.Go(func() {
						resp, err := m.Do(Request{Target: "/role", Cookie: cookie, Header: Scripted()})
						assert.NoError(t, err)
						assert.Equal(t, http.StatusOK, resp.Status, "instance %d", i)
						assert.Equal(t, "member", resp.Body, "instance %d", i)
						mu.Lock()
						defer mu.Unlock()
						cookies[resp.session(t)] = true
					})
				}
			}
			all.Wait()
			assert.Equal(t, 1, f.Fake.Calls(authkittest.RouteRefresh), "all requests came at once")
			assert.NotContains(t, cookies, "", "each response sets the new cookie")
			for next := range cookies {
				for range 2 {
					for i, m := range f.members {
						status, role, err := m.role(next)
						assert.NoError(t, err)
						assert.Equal(t, http.StatusOK, status, "instance %d", i)
						assert.Equal(t, "member", role, "instance %d", i)
					}
				}
			}
			f.warm(t, stranger)
			assert.Equal(t, 1, f.Fake.Calls(authkittest.RouteRefresh), "the new cookie, and other users, are not refreshed")

			f.Clock.Advance(2 * time.Second)
			f.changeRole(t, "admin")
			f.delivered(t)
			for next := range cookies {
				_, role, err := f.members[1].role(next)
				assert.NoError(t, err)
				assert.Equal(t, "admin", role)
			}
			assert.Equal(t, 2, f.Fake.Calls(authkittest.RouteRefresh), "one more for the next change")
		})
	}
}

func TestAWebhookAtOneInstanceKeepsARemovedMemberOutAtAll(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, f *eventFleet){
		"removed from the organization": func(t *testing.T, f *eventFleet) { f.removeMembership(t) },
		"the organization is deleted":   func(_ *testing.T, f *eventFleet) { f.Fake.DeleteOrganization("org_acme") },
	} {
		t.Run(name, func(t *testing.T) {
			f := newEventFleet(t, 3, true)
			f.deliverTo(f.members[0])
			cookie := f.members[0].SignedIn(Kim).CookieHeader()
			stranger := f.members[0].SignedIn(lee).CookieHeader()
			f.warm(t, cookie, stranger)
			change(t, f)
			f.delivered(t)
			for range 2 {
				for i, m := range f.members {
					status, _, err := m.role(cookie)
					assert.NoError(t, err)
					assert.Equal(t, http.StatusUnauthorized, status, "instance %d", i)
				}
			}
			f.warm(t, stranger)
			assert.Equal(t, 1, f.Fake.Calls(authkittest.RouteRefresh), "WorkOS refuses once, and the other instances know it")
		})
	}
}

// WorkOS may answer invalid_grant when the rights of a session have ended. The other instances are then asked whether
// they know the successor of the token. Until they have answered, the old rights must not serve.
func TestADueSessionIsNotServedWhileOtherInstancesAreAskedAboutItsRefusal(t *testing.T) {
	f := newEventFleet(t, 2, true)
	f.deliverTo(f.members[0])
	cookie := f.members[0].SignedIn(Kim).CookieHeader()
	f.warm(t, cookie)
	f.Clock.Advance(time.Second)
	f.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 400, Body: `{"error":"invalid_grant"}`})
	f.changeRole(t, "member")
	f.delivered(t)
	resp := f.members[0].Send(Request{Target: "/role", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
	assert.NotEmpty(t, resp.Header.Get("Retry-After"))
	assert.Empty(t, resp.SetCookies(t), "the cookie stays: another instance may know the successor")

	other := f.members[1].SendAsync(Request{Target: "/role", Cookie: cookie, Header: Scripted()}) // it waits for the answer
	assert.Eventually(t, func() bool {
		f.Clock.Advance(time.Second)
		return f.members[0].Status(t, cookie) == http.StatusUnauthorized
	}, WaitTimeout, 20*time.Millisecond, "the refusal is believed in the end")
	assert.Equal(t, http.StatusUnauthorized, (<-other).Status)
	assert.Equal(t, 1, f.Fake.Calls(authkittest.RouteRefresh))
}

func TestAWebhookAtOneInstanceDropsTheAnswerAboutAnAPIKeyAtAll(t *testing.T) {
	f := newEventFleet(t, 3, true)
	f.deliverTo(f.members[1])
	key, other := f.members[0].addKey("one"), f.members[0].addKey("two")
	status := func(m *eventMember, key string) int { return m.WithKey(t.Context(), "/key", key).Status }
	for _, m := range f.members {
		require.Equal(t, http.StatusOK, status(m, key))
		require.Equal(t, http.StatusOK, status(m, other))
	}
	require.Equal(t, 2, f.Fake.Calls(authkittest.RouteValidateAPIKey), "one for each key")
	f.Clock.Advance(time.Second)
	require.NoError(t, f.members[0].Client().DeleteAPIKey(t.Context(), "api_key_one"))
	f.delivered(t)
	f.Clock.Advance(time.Millisecond)

	late := f.add(t, true) // it has no answer of its own: only the one in the store
	for i, m := range append([]*eventMember{late}, f.members...) {
		assert.Equal(t, http.StatusUnauthorized, status(m, key), "instance %d", i)
		assert.Equal(t, http.StatusOK, status(m, other), "another key at instance %d", i)
	}
	assert.LessOrEqual(t, f.Fake.Calls(authkittest.RouteValidateAPIKey), 2+len(f.members), "the other key is not asked about again")
}
