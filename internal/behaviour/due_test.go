// Sessions that are due: a change at WorkOS has its effect at their next request.

package behaviour

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// newChanging returns an application of kim, her session in org_acme, and the changes that are delivered to it. The session
// is cached, and its token was issued a second before any change.
func newChanging(t *testing.T, opts ...authkit.Option) (a *App, c *Changes, cookie string) {
	a = NewSwitchingApp(t, opts...)
	c = ChangesOf(a)
	cookie = a.AcmeCookie()
	require.Equal(t, "admin", a.Me(cookie)["role"])
	a.Clock.Advance(time.Second)
	return a, c, cookie
}

// exchanges returns how many refresh tokens were exchanged.
func (a *App) exchanges() int { return a.Fake.Refreshes().Exchanged }

// meAfter returns what /me shows, and the cookies of the browser after the response.
func (a *App) meAfter(cookie string) (me map[string]any, jar string) {
	a.T.Helper()
	resp := a.Send(Request{Target: "/me", Cookie: cookie})
	return decoded(a.T, resp), JarAfter(cookie, resp)
}

func TestARoleThatIsTakenAwayIsGoneFromTheNextRequest(t *testing.T) {
	for name, opts := range map[string][]authkit.Option{
		"with the session cache":    nil,
		"without the session cache": {authkit.WithSessionCache(0, 0)},
		"with an idle timeout":      {authkit.WithIdleTimeout(time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			a, c, cookie := newChanging(t, opts...)
			c.SetRole("org_acme", "guest")
			me, jar := a.meAfter(cookie)
			assert.Equal(t, "guest", me["role"])
			require.NotEqual(t, cookie, jar, "the response sets the new session")
			assert.Equal(t, 1, a.exchanges())
			for range 3 {
				me, next := a.meAfter(jar)
				assert.Equal(t, "guest", me["role"])
				assert.Equal(t, jar, next)
				a.Clock.Advance(time.Second)
			}
			assert.Equal(t, 1, a.exchanges(), "one exchange for a session and a change")
		})
	}
}

// The event of a new member of a group names no user. The roles of the member change with its membership.
func TestTheRoleOfAGroupIsInTheSessionOfANewMemberAtTheNextRequest(t *testing.T) {
	a, c, cookie := newChanging(t)
	group := a.Fake.AddGroup(authkittest.Group{OrganizationID: "org_acme", Name: "Editors"})
	ctx, client := t.Context(), a.Client()
	_, err := client.CreatePermission(ctx, workos.CreatePermissionParams{Slug: "pages:edit", Name: "Edit pages"})
	require.NoError(t, err)
	_, err = client.CreateRole(ctx, workos.CreateRoleParams{Slug: "page-editor", Name: "Page editor"})
	require.NoError(t, err)
	_, err = client.SetRolePermissions(ctx, "page-editor", []string{"pages:edit"})
	require.NoError(t, err)
	_, err = client.AssignGroupRole(ctx, group.ID, "page-editor", workos.Resource{})
	require.NoError(t, err)
	require.NotContains(t, a.Me(cookie)["permissions"], "pages:edit")

	_, err = client.AddGroupMember(ctx, "org_acme", group.ID, a.Fake.Users()[0].Memberships[0].ID)
	require.NoError(t, err)
	for _, event := range a.Fake.Events(workos.EventGroupMemberAdded, workos.EventOrganizationMembershipUpdated) {
		var data map[string]any
		require.NoError(t, json.Unmarshal(event.Data, &data))
		c.Deliver(event.Type, event.CreatedAt, data)
	}
	me, _ := a.meAfter(cookie)
	assert.Contains(t, me["permissions"], "pages:edit")
	assert.Equal(t, 1, a.exchanges())
}

func TestAChangeOfAUserIsInTheProfileAtTheNextRequest(t *testing.T) {
	a, c, cookie := newChanging(t)
	a.Fake.UpdateUser(Kim, func(u *authkittest.User) { u.Email = "kim.oduya@example.com" })
	require.Contains(t, a.Send(Request{Target: "/account", Cookie: cookie}).Body, Kim)
	c.Now(workos.EventUserUpdated, UserData("user_kim"))
	resp := a.Send(Request{Target: "/account", Cookie: cookie})
	assert.Contains(t, resp.Body, "kim.oduya@example.com")
	assert.Contains(t, a.Send(Request{Target: "/account", Cookie: resp.NewCookie(t)}).Body, "kim.oduya@example.com")
	assert.Equal(t, 1, a.exchanges())
}

func TestAChangeOfAnotherUserOrOrganizationRefreshesNoSession(t *testing.T) {
	a, c, cookie := newChanging(t)
	c.Now(workos.EventUserUpdated, UserData("user_lee"))
	c.Now(workos.EventOrganizationMembershipUpdated, MembershipOf("user_lee", "org_acme"))
	c.Now(workos.EventOrganizationMembershipDeleted, MembershipOf("user_kim", "org_beta"))
	c.Now(workos.EventOrganizationDeleted, map[string]any{"object": "organization", "id": "org_beta"})
	c.Now(workos.EventOrganizationUpdated, map[string]any{"object": "organization", "id": "org_acme"})
	c.Now(workos.EventOrganizationMembershipCreated, MembershipOf("user_kim", "org_acme"))
	c.Now(workos.EventRoleUpdated, map[string]any{"object": "role", "slug": "admin"})
	c.Now(workos.EventSessionRevoked, map[string]any{"object": "session", "id": "session_other", "user_id": "user_kim"})
	c.Now(workos.EventFlagUpdated, map[string]any{"object": "feature_flag", "id": "flag_1", "slug": "beta"})
	c.Now(workos.EventGroupMemberAdded, map[string]any{"group_id": "group_1", "organization_membership_id": "om_1"})
	c.Now("dsync.user.updated", map[string]any{"id": "directory_user_1"})
	_, jar := a.meAfter(cookie)
	assert.Equal(t, cookie, jar)
	assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))
	assert.Equal(t, "admin", a.Me(cookie)["role"])
}

func TestFiftyConcurrentRequestsOfADueSessionMakeOneExchange(t *testing.T) {
	a, c, cookie := newChanging(t)
	c.SetRole("org_acme", "guest")
	var wg sync.WaitGroup
	bodies := make(chan string, 50)
	for range cap(bodies) {
		wg.Go(func() {
			if resp, err := a.Do(Request{Target: "/me", Cookie: cookie}); assert.NoError(t, err) {
				bodies <- resp.Body
			}
		})
	}
	wg.Wait()
	close(bodies)
	for body := range bodies {
		assert.Contains(t, body, `"role":"guest"`)
	}
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
}

func TestEachOfTwoChangesInOneSecondMakesOneExchange(t *testing.T) {
	a, c, cookie := newChanging(t)
	for i, role := range []string{"editor", "guest"} {
		a.Clock.Advance(100 * time.Millisecond)
		c.SetRole("org_acme", role)
		var me map[string]any
		me, cookie = a.meAfter(cookie)
		assert.Equal(t, role, me["role"])
		assert.Equal(t, role, a.Me(cookie)["role"])
		assert.Equal(t, i+1, a.exchanges())
	}
}

func TestTwoChangesBeforeARequestMakeOneExchange(t *testing.T) {
	a, c, cookie := newChanging(t)
	c.SetRole("org_acme", "editor")
	a.Clock.Advance(2 * time.Second)
	c.SetRole("org_acme", "guest")
	c.Now(workos.EventUserUpdated, UserData("user_kim"))
	me, cookie := a.meAfter(cookie)
	assert.Equal(t, "guest", me["role"])
	a.Me(cookie)
	assert.Equal(t, 1, a.exchanges())
}

// A token has the second of its issue. So a session of the same second is refreshed once, and one of the next second is not.
func TestASignInIsRefreshedOnlyIfItsTokenIsOfTheSecondOfAChange(t *testing.T) {
	for after, want := range map[time.Duration]int{0: 1, 999 * time.Millisecond: 1, time.Second: 0} {
		t.Run(after.String(), func(t *testing.T) {
			a := NewSwitchingApp(t)
			c := ChangesOf(a)
			c.SetRole("org_acme", "editor")
			a.Clock.Advance(after)
			_, jar := a.meAfter(a.SignedIn(Kim).CookieHeader())
			assert.Equal(t, want, a.exchanges())
			assert.Equal(t, "editor", a.Me(jar)["role"])
			assert.Equal(t, want, a.exchanges(), "once")
		})
	}
}

// An event arrives late, in the wrong order, or a second time.
func TestALateEventOfAnOlderChangeMakesNoExchange(t *testing.T) {
	a, c, cookie := newChanging(t)
	before := a.Clock.Now()
	a.Clock.Advance(3 * time.Second)
	c.SetRole("org_acme", "guest")
	_, cookie = a.meAfter(cookie)
	a.Clock.Advance(time.Second)
	for _, at := range []time.Time{before, before, a.Clock.Now().Add(-time.Second), a.Clock.Now().Add(-24 * time.Hour)} {
		c.Deliver(workos.EventOrganizationMembershipUpdated, at, MembershipOf("user_kim", "org_acme"))
	}
	c.Deliver(workos.EventUserUpdated, before, UserData("user_kim"))
	me, jar := a.meAfter(cookie)
	assert.Equal(t, "guest", me["role"])
	assert.Equal(t, cookie, jar)
	assert.Equal(t, 1, a.exchanges())
}

func TestALostResponseOfADueSessionIsAnsweredByItsSuccessor(t *testing.T) {
	a, c, cookie := newChanging(t)
	c.SetRole("org_acme", "editor")
	a.Me(cookie) // the response is lost
	a.Clock.Advance(time.Minute)
	me, next := a.meAfter(cookie)
	assert.Equal(t, "editor", me["role"])
	assert.Equal(t, 1, a.exchanges())

	a.Clock.Advance(time.Second)
	c.SetRole("org_acme", "guest")
	me, jar := a.meAfter(cookie) // the first cookie again
	assert.Equal(t, "guest", me["role"])
	assert.NotEqual(t, next, jar)
	assert.Equal(t, 2, a.exchanges())
	me, _ = a.meAfter(next) // a copy of the second cookie
	assert.Equal(t, "guest", me["role"])
	me, _ = a.meAfter(jar)
	assert.Equal(t, "guest", me["role"])
	me, _ = a.meAfter(cookie)
	assert.Equal(t, "guest", me["role"])
	assert.Equal(t, 2, a.exchanges())
}

// Another instance without a store has exchanged the refresh token before the change. WorkOS repeats its reply.
func TestARepeatedReplyOfWorkOSDoesNotHideAChange(t *testing.T) {
	a, c, cookie := newChanging(t)
	other := NewInstance(t, a.Fake, a.Clock, AppOptions{Routes: func(other *App, mux *http.ServeMux) {
		mux.HandleFunc("POST /now/refresh", func(w http.ResponseWriter, r *http.Request) {
			_, err := other.Refresh(w, r)
			assert.NoError(t, err)
		})
	}})
	other.Send(Request{Method: http.MethodPost, Target: "/now/refresh", Cookie: cookie}).NewCookie(t)
	a.Clock.Advance(2 * time.Second)
	c.SetRole("org_acme", "guest")
	a.Clock.Advance(time.Second)
	me, jar := a.meAfter(cookie)
	require.Equal(t, 1, a.Fake.Refreshes().Replayed)
	assert.Equal(t, "guest", me["role"])
	assert.Equal(t, 2, a.exchanges())
	assert.Equal(t, "guest", a.Me(jar)["role"])
	assert.Equal(t, 2, a.exchanges())
}

// The clock that dates an event is ahead of the clock that dates tokens, or the event has no time.
func TestAnEventWithoutATimeOrOfTheFutureMakesAtMostTwoExchanges(t *testing.T) {
	for name, at := range map[string]func(now time.Time) time.Time{
		"no time":              func(time.Time) time.Time { return time.Time{} },
		"two seconds ahead":    func(now time.Time) time.Time { return now.Add(2 * time.Second) },
		"more than the skew":   func(now time.Time) time.Time { return now.Add(2 * time.Minute) },
		"a year in the future": func(now time.Time) time.Time { return now.AddDate(1, 0, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			a, c, cookie := newChanging(t)
			a.Fake.UpdateUser(Kim, func(u *authkittest.User) { u.Memberships[0].Role = "guest" })
			c.Deliver(workos.EventOrganizationMembershipUpdated, at(a.Clock.Now()), MembershipOf("user_kim", "org_acme"))
			me, jar := a.meAfter(cookie)
			assert.Equal(t, "guest", me["role"])
			for range 5 {
				a.Me(jar)
			}
			assert.LessOrEqual(t, a.exchanges(), 2)

			before := a.exchanges()
			a.Clock.Advance(2 * time.Minute)
			c.SetRole("org_acme", "editor")
			me, _ = a.meAfter(jar)
			assert.Equal(t, "editor", me["role"], "the event hides no later change")
			assert.Equal(t, before+1, a.exchanges())
		})
	}
}

// The clock of this instance, or the time of an event, is ahead of the clock that dates tokens. A change of the seconds
// between them must not seem to be older than the token.
func TestAChangeThatIsDatedAheadHidesNoChangeOfTheSecondsUntilThen(t *testing.T) {
	for name, key := range map[string]func(c *Changes){
		"the same member": func(c *Changes) {
			c.Deliver(workos.EventOrganizationMembershipUpdated, c.app.Clock.Now().Add(30*time.Second), MembershipOf("user_kim", "org_acme"))
		},
		"the user": func(c *Changes) {
			c.Deliver(workos.EventUserUpdated, c.app.Clock.Now().Add(30*time.Second), UserData("user_kim"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, c, cookie := newChanging(t)
			key(c)
			me, jar := a.meAfter(cookie)
			assert.Equal(t, "admin", me["role"])
			for range 3 {
				before := a.exchanges()
				a.Clock.Advance(5 * time.Second)
				c.SetRole("org_acme", "guest")
				me, jar = a.meAfter(jar)
				assert.Equal(t, "guest", me["role"])
				assert.LessOrEqual(t, a.exchanges(), before+2)
				before = a.exchanges()
				a.Clock.Advance(time.Second)
				a.Me(jar)
				assert.Equal(t, before, a.exchanges())
				c.SetRole("org_acme", "admin")
				me, jar = a.meAfter(jar)
				assert.Equal(t, "admin", me["role"])
			}
		})
	}
}

func TestAMarkLivesAsLongAsAnAccessTokenMayLive(t *testing.T) {
	for _, lifetime := range []time.Duration{5 * time.Minute, 24 * time.Hour} {
		t.Run(lifetime.String(), func(t *testing.T) {
			a := NewApp(t, AppOptions{Fake: []authkittest.Option{authkittest.WithAccessTokenLifetime(lifetime)}})
			c := ChangesOf(a)
			cookie := a.SignedIn(Kim).CookieHeader()
			a.Clock.Advance(time.Second)
			c.Now(workos.EventUserUpdated, UserData("user_kim"))
			a.Clock.Advance(lifetime*4/5 - 10*time.Second) // just before the token would be refreshed anyway
			a.Send(Request{Target: "/account", Cookie: cookie}).NewCookie(t)
			assert.Equal(t, 1, a.exchanges())
			assert.Equal(t, 1, a.Stats().Events.Marks)
			assert.Zero(t, a.Stats().Events.Forgotten)
		})
	}
}

func TestADueSessionOfAnExpiredTokenMakesOneExchange(t *testing.T) {
	a, c, cookie := newChanging(t)
	c.SetRole("org_acme", "guest")
	a.ExpireToken(2 * time.Minute)
	me, jar := a.meAfter(cookie)
	assert.Equal(t, "guest", me["role"])
	a.Me(jar)
	assert.Equal(t, 1, a.exchanges())
}

// A due session of the shared format keeps what WorkOS's token does not say: that it shows the change.
func TestASharedSessionIsRefreshedOnceForAChange(t *testing.T) {
	for after, name := range map[time.Duration]string{0: "in the second of the change", 2 * time.Second: "later"} {
		t.Run(name, func(t *testing.T) {
			a := NewSharedSessionApp(t)
			c := ChangesOf(a)
			cookie := a.SignedIn(Kim).CookieHeader()
			a.Clock.Advance(time.Second)
			c.SetRole("org_acme", "guest")
			a.Clock.Advance(after)
			jar := a.Send(Request{Target: "/account", Cookie: cookie}).sharedCookie(t)
			for range 3 {
				resp := a.Send(Request{Target: "/account", Cookie: jar})
				assert.Equal(t, http.StatusOK, resp.Status)
				assert.Empty(t, resp.SetCookies(t))
			}
			assert.Equal(t, 1, a.exchanges(), fmt.Sprint("the change is shown, ", name))

			// The neighbour refreshes the session, and drops what it does not know.
			theirs := a.Neighbour().refresh(jar, "org_acme")
			before := a.exchanges()
			resp := a.Send(Request{Target: "/account", Cookie: theirs})
			require.Equal(t, http.StatusOK, resp.Status)
			if after > 0 {
				assert.Empty(t, resp.SetCookies(t))
				assert.Equal(t, before, a.exchanges())
				return
			}
			assert.Equal(t, before+1, a.exchanges(), "a token of the same second may not show the change")
			assert.Empty(t, a.Send(Request{Target: "/account", Cookie: resp.sharedCookie(t)}).SetCookies(t))
			assert.Equal(t, before+1, a.exchanges())
		})
	}
}
