// Permissions on resources after a change at WorkOS: the remembered answers are dropped.

package behaviour

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// newChangingResources returns an application that has just answered kim and lee in org_acme that they have the permission
// on project 1. WorkOS has taken it away since.
func newChangingResources(t *testing.T) (a ResourceApp, c *Changes, ofKim, ofLee string) {
	a = NewResourceApp(t)
	c = ChangesOf(a.App)
	a.Fake.UpdateUser(lee, func(u *authkittest.User) {
		u.Memberships = []authkittest.Membership{{OrganizationID: "org_acme", Role: "admin", Permissions: []string{"posts:write"}}}
	})
	ofKim, ofLee = a.SignedIn(Kim).CookieHeader(), a.SignedIn(lee).CookieHeader()
	a.Clock.Advance(time.Second)
	for _, cookie := range []string{ofKim, ofLee} {
		require.Equal(t, http.StatusOK, a.project(cookie, "").Status)
	}
	for _, email := range []string{Kim, lee} {
		a.Fake.UpdateUser(email, func(u *authkittest.User) { u.Memberships[0].Permissions = nil })
	}
	require.Equal(t, http.StatusOK, a.project(ofKim, "").Status, "the answer is remembered")
	return a, c, ofKim, ofLee
}

func TestAChangeDropsTheAnswersThatItConcerns(t *testing.T) {
	role := func(organization string) map[string]any {
		return map[string]any{"object": "role", "slug": "admin", "organization_id": organization}
	}
	permission := map[string]any{"object": "permission", "id": "perm_1", "slug": "posts:write"}
	ofKim := MembershipOf("user_kim", "org_acme")
	group := func(organization string) map[string]any {
		return map[string]any{"object": "group", "id": "group_1", "organization_id": organization}
	}
	ofGroup := func(name string) func(ResourceApp, *Changes) error {
		return func(a ResourceApp, c *Changes) error {
			i := slices.IndexFunc(a.Fake.Users(), func(u authkittest.User) bool { return u.Email == Kim })
			c.Now(name, map[string]any{"group_id": "group_1", "organization_membership_id": a.Fake.Users()[i].Memberships[0].ID})
			return nil
		}
	}
	event := func(name string, data map[string]any) func(ResourceApp, *Changes) error {
		return func(_ ResourceApp, c *Changes) error { c.Now(name, data); return nil }
	}
	const none, kim, everybody = 0, 1, 2
	untouched, changes, kimThere, leeThere := newChangingResources(t) // for the changes that drop nothing
	for name, test := range map[string]struct {
		change func(ResourceApp, *Changes) error
		drops  int
	}{
		"organization_membership.updated":             {event(workos.EventOrganizationMembershipUpdated, ofKim), kim},
		"organization_membership.deleted":             {event(workos.EventOrganizationMembershipDeleted, ofKim), kim},
		"user.updated":                                {event(workos.EventUserUpdated, UserData("user_kim")), kim},
		"RefreshUser":                                 {func(a ResourceApp, _ *Changes) error { return a.RefreshUser(context.Background(), "user_kim") }, kim},
		"RefreshOrganization":                         {func(a ResourceApp, _ *Changes) error { return a.RefreshOrganization(context.Background(), "org_acme") }, everybody},
		"RefreshAll":                                  {func(a ResourceApp, _ *Changes) error { return a.RefreshAll(context.Background()) }, everybody},
		"organization_role.updated":                   {event(workos.EventOrganizationRoleUpdated, role("org_acme")), everybody},
		"organization_role.deleted":                   {event(workos.EventOrganizationRoleDeleted, role("org_acme")), everybody},
		"role.updated":                                {event(workos.EventRoleUpdated, role("")), everybody},
		"role.deleted":                                {event(workos.EventRoleDeleted, role("")), everybody},
		"permission.updated":                          {event(workos.EventPermissionUpdated, permission), everybody},
		"permission.deleted":                          {event(workos.EventPermissionDeleted, permission), everybody},
		"group.member_added":                          {ofGroup(workos.EventGroupMemberAdded), kim},
		"group.member_removed":                        {ofGroup(workos.EventGroupMemberRemoved), kim},
		"group.deleted":                               {event(workos.EventGroupDeleted, group("org_acme")), everybody},
		"a group of another organization":             {event(workos.EventGroupDeleted, group("org_other")), none},
		"a group that was created, which has no role": {event(workos.EventGroupCreated, group("org_acme")), none},
		"the name of a group":                         {event(workos.EventGroupUpdated, group("org_acme")), none},
		"another member of a group": {event(workos.EventGroupMemberRemoved, map[string]any{
			"group_id": "group_1", "organization_membership_id": "om_other",
		}), none},
		"a member who is added":                            {event(workos.EventOrganizationMembershipCreated, ofKim), none},
		"a role of another organization":                   {event(workos.EventOrganizationRoleUpdated, role("org_other")), none},
		"another user":                                     {event(workos.EventUserUpdated, UserData("user_other")), none},
		"a membership of the user in another one":          {event(workos.EventOrganizationMembershipUpdated, MembershipOf("user_kim", "org_other")), none},
		"a membership of another user":                     {event(workos.EventOrganizationMembershipUpdated, MembershipOf("user_other", "org_acme")), none},
		"a role that was created, which no member has":     {event(workos.EventRoleCreated, role("")), none},
		"a permission that was created, which no role has": {event(workos.EventPermissionCreated, permission), none},
	} {
		t.Run(name, func(t *testing.T) {
			a, c, ofKim, ofLee := untouched, changes, kimThere, leeThere
			if test.drops != none {
				a, c, ofKim, ofLee = newChangingResources(t)
			}
			require.NoError(t, test.change(a, c))
			status := func(dropped bool) int {
				if dropped {
					return http.StatusForbidden
				}
				return http.StatusOK
			}
			for range 2 {
				assert.Equal(t, status(test.drops >= kim), a.project(ofKim, "").Status)
				assert.Equal(t, status(test.drops == everybody), a.project(ofLee, "").Status)
			}
			assert.Equal(t, 2+test.drops, a.checks())
		})
	}
}

// A change of a role or a permission would otherwise refresh the sessions of all users at once.
func TestAChangeOfARoleItselfRefreshesNoSession(t *testing.T) {
	a, c, ofKim, _ := newChangingResources(t)
	c.Now(workos.EventRoleUpdated, map[string]any{"object": "role", "slug": "admin"})
	c.Now(workos.EventPermissionDeleted, map[string]any{"object": "permission", "id": "perm_1"})
	assert.Equal(t, http.StatusForbidden, a.project(ofKim, "").Status)
	assert.Zero(t, a.Fake.Calls(authkittest.RouteRefresh))
}

// WorkOS has answered yes when the permission is taken away, and its reply is on the way.
func TestAPermissionThatIsTakenAwayDuringItsQuestionIsGone(t *testing.T) {
	a := NewResourceApp(t)
	c := ChangesOf(a.App)
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Fake.InjectFault(authkittest.RouteCheckAuthorization, authkittest.Fault{TakeEffect: true, Hang: true, Times: 1})
	answer := a.SendAsync(Request{Target: "/project", Cookie: cookie, Header: Scripted()})
	a.Fake.AwaitCalls(t, authkittest.RouteCheckAuthorization, 1)
	a.permit("posts:read")
	c.Now(workos.EventOrganizationMembershipUpdated, MembershipOf("user_kim", "org_acme"))
	a.Fake.ClearFault(authkittest.RouteCheckAuthorization)
	assert.Equal(t, http.StatusForbidden, (<-answer).Status)
	assert.Equal(t, http.StatusForbidden, a.project(cookie, "").Status)
	assert.Equal(t, 2, a.checks())
}

func TestAChangeAtOneInstanceDropsTheAnswersAtAll(t *testing.T) {
	for name, change := range map[string]func(one *App, c *Changes){
		"a role of the organization": func(_ *App, c *Changes) {
			c.Now(workos.EventOrganizationRoleUpdated, map[string]any{"object": "role", "slug": "admin", "organization_id": "org_acme"})
		},
		"a permission": func(_ *App, c *Changes) {
			c.Now(workos.EventPermissionUpdated, map[string]any{"object": "permission", "id": "perm_1"})
		},
		"RefreshUser":   func(one *App, _ *Changes) { require.NoError(one.T, one.RefreshUser(context.Background(), "user_kim")) },
		"the same user": func(_ *App, c *Changes) { c.Now(workos.EventUserUpdated, UserData("user_kim")) },
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReplicas(t, 2, AppOptions{Routes: resourceRoutes})
			one, two := r.Instances[0], ResourceApp{r.Instances[1]}
			addProjects(one.Fake)
			c := ChangesOf(one)
			cookie := one.SignedIn(Kim).CookieHeader()
			r.Clock.Advance(time.Second)
			require.Equal(t, http.StatusOK, two.project(cookie, "").Status)
			two.permit("posts:read")
			require.Equal(t, http.StatusOK, two.project(cookie, "").Status, "the answer is remembered")
			change(one, c)
			r.settle(t)
			assert.Equal(t, http.StatusForbidden, two.project(cookie, "").Status)
		})
	}
}
