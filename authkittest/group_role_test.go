// Roles of groups, by the calls of package workos.

package authkittest_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

func TestMembersOfAGroupHaveItsRolesOnResources(t *testing.T) {
	a, client, adaID, benID := newPress(t)
	ctx, press := context.Background(), a.Organizations()[0].ID
	group := a.AddGroup(authkittest.Group{OrganizationID: press, Name: "Writers", Members: []string{benID}})
	edits := func(membershipID string) bool {
		return must(client.CheckAuthorization(ctx, membershipID, "page:edit", homeResource))
	}
	assert.False(t, edits(benID))
	assigned := must(client.AssignGroupRole(ctx, group.ID, "project-editor", siteResource))
	site := must(client.GetResourceByExternalID(ctx, press, "project", "site"))
	assert.Equal(t, &workos.GroupRoleAssignment{
		ID: assigned.ID, GroupID: group.ID, Role: workos.Role{Slug: "project-editor"},
		Resource: workos.Resource{ID: site.ID, ExternalID: "site", TypeSlug: "project"}, CreatedAt: start, UpdatedAt: start,
	}, assigned)
	assert.Regexp(t, "^gra_", assigned.ID)
	assert.Equal(t, assigned, must(client.GetGroupRoleAssignment(ctx, group.ID, assigned.ID)))
	assert.True(t, edits(benID))
	assert.False(t, edits(adaID), "she is not in the group")
	assertCode(t, second(client.AssignGroupRole(ctx, group.ID, "project-editor", workos.Resource{ID: site.ID})), 409, workos.CodeDuplicateGroupRoleAssignment)

	listed := collect(t, client.ListRoleAssignments(ctx, benID, workos.ListRoleAssignmentsParams{Resource: siteResource}))
	require.Len(t, listed, 1)
	assert.Equal(t, workos.RoleAssignmentSource{Type: "group", GroupRoleAssignmentID: assigned.ID}, listed[0].Source)
	assert.Equal(t, listed, collect(t, client.ListResourceRoleAssignments(ctx, site.ID, workos.ListResourceRoleAssignmentsParams{})))
	members := collect(t, client.ListResourceMembers(ctx, site.ID, workos.ListResourceMembersParams{PermissionSlug: "page:edit"}))
	require.Len(t, members, 1)
	assert.Equal(t, benID, members[0].ID)
	assertCode(t, client.RemoveRoleAssignment(ctx, benID, listed[0].ID), 404, "")
	direct := must(client.AssignRole(ctx, benID, "project-editor", siteResource))
	assert.Equal(t, "direct", direct.Source.Type, "it is another assignment than that of the group")
	require.NoError(t, client.RemoveRoleAssignment(ctx, benID, direct.ID))

	must(client.AddGroupMember(ctx, press, group.ID, adaID))
	assert.True(t, edits(adaID))
	require.NoError(t, client.RemoveGroupMember(ctx, press, group.ID, benID))
	assert.False(t, edits(benID))
	require.NoError(t, client.RemoveGroupRole(ctx, group.ID, "project-editor", siteResource))
	assertCode(t, client.RemoveGroupRole(ctx, group.ID, "project-editor", siteResource), 404, "")
	assert.False(t, edits(adaID))

	must(client.AssignGroupRole(ctx, group.ID, "project-editor", siteResource))
	require.NoError(t, client.DeleteGroup(ctx, press, group.ID))
	assert.False(t, edits(adaID))
	assertCode(t, firstError(client.ListGroupRoleAssignments(ctx, group.ID, workos.Paging{})), 404, "")
}

func TestTheRolesOfAGroupAreReplacedTogether(t *testing.T) {
	a, client, _, benID := newPress(t)
	ctx, press := context.Background(), a.Organizations()[0].ID
	group := a.AddGroup(authkittest.Group{OrganizationID: press, Name: "Writers", Members: []string{benID}})
	kept := must(client.AssignGroupRole(ctx, group.ID, "project-editor", siteResource))
	must(client.AssignGroupRole(ctx, group.ID, "workspace-admin", spaceResource))
	a.clock.Advance(time.Minute)
	var set []workos.GroupRoleAssignment
	events, _ := a.eventsOf(func() {
		set = must(client.SetGroupRoles(ctx, group.ID, []workos.GroupRole{
			{RoleSlug: "project-editor", Resource: siteResource}, {RoleSlug: "manager"}, {RoleSlug: "manager"},
		}))
	})
	assert.Equal(t, []string{"organization_membership.updated"}, events)
	require.Len(t, set, 2)
	assert.Equal(t, *kept, set[0], "a role that stays keeps its assignment")
	assert.Equal(t, workos.Role{Slug: "manager"}, set[1].Role)
	assert.Equal(t, "organization", set[1].Resource.TypeSlug)
	assert.Equal(t, press, set[1].Resource.ExternalID)
	assert.Equal(t, []workos.GroupRoleAssignment{set[1], set[0]}, collect(t, client.ListGroupRoleAssignments(ctx, group.ID, workos.Paging{PageSize: 1})))
	assert.False(t, must(client.CheckAuthorization(ctx, benID, "page:edit", spaceResource)))
	assert.True(t, must(client.CheckAuthorization(ctx, benID, "page:read", otherResource)))
	assert.Empty(t, must(client.SetGroupRoles(ctx, group.ID, nil)))
	assert.Empty(t, collect(t, client.ListGroupRoleAssignments(ctx, group.ID, workos.Paging{})))
}

func TestARoleOfAGroupInTheOrganizationIsInTheTokensOfItsMembers(t *testing.T) {
	a, client, adaID, benID := newPress(t)
	ctx, press := context.Background(), a.Organizations()[0].ID
	group := a.AddGroup(authkittest.Group{OrganizationID: press, Name: "Writers", Members: []string{benID}})
	claims := func(refreshToken string) (map[string]any, string) {
		response := a.refresh(refreshToken, "organization_id", press)
		require.Equal(t, http.StatusOK, response.status, "%v", response.body)
		claims, err := a.claims(response.text("access_token"))
		require.NoError(t, err)
		return claims, response.text("refresh_token")
	}
	token := a.token("ben@harborpress.test")
	var assigned *workos.GroupRoleAssignment
	events, _ := a.eventsOf(func() { assigned = must(client.AssignGroupRole(ctx, group.ID, "project-editor", workos.Resource{})) })
	assert.Equal(t, []string{"organization_membership.updated"}, events)
	got, token := claims(token)
	assert.Equal(t, "none", got["role"])
	assert.Equal(t, []any{"none", "project-editor"}, got["roles"])
	assert.Equal(t, []any{"page:edit"}, got["permissions"])
	assert.Equal(t, []workos.Role{{Slug: "none"}, {Slug: "project-editor"}}, must(client.GetOrganizationMembership(ctx, benID)).Roles)
	assert.True(t, must(client.CheckAuthorization(ctx, benID, "page:edit", homeResource)))

	events, _ = a.eventsOf(func() { must(client.AddGroupMember(ctx, press, group.ID, adaID)) })
	assert.Equal(t, []string{"group.member_added", "organization_membership.updated"}, events)
	events, _ = a.eventsOf(func() { require.NoError(t, client.RemoveGroupMember(ctx, press, group.ID, adaID)) })
	assert.Equal(t, []string{"group.member_removed", "organization_membership.updated"}, events)
	events, _ = a.eventsOf(func() { require.NoError(t, client.RemoveGroupRoleAssignment(ctx, group.ID, assigned.ID)) })
	assert.Equal(t, []string{"organization_membership.updated"}, events)
	got, _ = claims(token)
	assert.Equal(t, []any{"none"}, got["roles"])
	assert.Empty(t, got["permissions"])

	must(client.AssignGroupRole(ctx, group.ID, "project-editor", workos.Resource{}))
	events, _ = a.eventsOf(func() { require.NoError(t, client.DeleteGroup(ctx, press, group.ID)) })
	assert.Equal(t, []string{"organization_membership.updated", "group.deleted"}, events)
}

func TestWithoutMultipleRolesTheHighestRoleOfAMemberAndItsGroupsCounts(t *testing.T) {
	a := newApp(t, authkittest.WithoutMultipleRoles(), authkittest.WithRole("admin", "posts:write"), authkittest.WithRole("member", "posts:read"),
		authkittest.WithRole("guest"))
	ctx, client, press := context.Background(), a.workos(), a.Organizations()[0].ID
	id := a.Users()[1].Memberships[0].ID
	must(client.UpdateOrganizationMembership(ctx, id, workos.UpdateOrganizationMembershipParams{RoleSlug: "member"}))
	organization := workos.Resource{TypeSlug: "organization", ExternalID: press}
	group := a.AddGroup(authkittest.Group{OrganizationID: press, Name: "Writers", Members: []string{id}})
	for _, step := range []struct {
		roles     []workos.GroupRole
		role      string
		canWrite  bool
		canReadIt bool
	}{
		{[]workos.GroupRole{{RoleSlug: "guest"}}, "member", false, true},
		{[]workos.GroupRole{{RoleSlug: "guest"}, {RoleSlug: "admin"}}, "admin", true, false},
		{nil, "member", false, true},
	} {
		must(client.SetGroupRoles(ctx, group.ID, step.roles))
		m := must(client.GetOrganizationMembership(ctx, id))
		assert.Equal(t, []workos.Role{{Slug: step.role}}, m.Roles)
		assert.Equal(t, step.canWrite, must(client.CheckAuthorization(ctx, id, "posts:write", organization)), step.role)
		assert.Equal(t, step.canReadIt, must(client.CheckAuthorization(ctx, id, "posts:read", organization)), step.role)
	}
}

func TestAGroupRoleCallThatIsNotPossibleIsRefused(t *testing.T) {
	a, client, _, _ := newPress(t)
	ctx, press, studio := context.Background(), a.Organizations()[0].ID, a.Organizations()[1].ID
	group, other := a.AddGroup(authkittest.Group{OrganizationID: press, Name: "Writers"}), a.AddGroup(authkittest.Group{OrganizationID: studio, Name: "Crew"})
	assigned := must(client.AssignGroupRole(ctx, group.ID, "project-editor", siteResource))
	for name, err := range map[string]error{
		"list":                      firstError(client.ListGroupRoleAssignments(ctx, "group_1", workos.Paging{})),
		"get of no group":           second(client.GetGroupRoleAssignment(ctx, "group_1", assigned.ID)),
		"get":                       second(client.GetGroupRoleAssignment(ctx, group.ID, "gra_1")),
		"get of another group":      second(client.GetGroupRoleAssignment(ctx, other.ID, assigned.ID)),
		"assign to no group":        second(client.AssignGroupRole(ctx, "group_1", "project-editor", siteResource)),
		"assign no role":            second(client.AssignGroupRole(ctx, group.ID, "king", siteResource)),
		"assign on no resource":     second(client.AssignGroupRole(ctx, group.ID, "project-editor", workos.Resource{ID: "authz_resource_1"})),
		"assign in another tree":    second(client.AssignGroupRole(ctx, other.ID, "project-editor", siteResource)),
		"set of no group":           second(client.SetGroupRoles(ctx, "group_1", nil)),
		"set of no role":            second(client.SetGroupRoles(ctx, group.ID, []workos.GroupRole{{RoleSlug: "king"}})),
		"remove":                    client.RemoveGroupRole(ctx, group.ID, "project-editor", workos.Resource{}),
		"remove by ID":              client.RemoveGroupRoleAssignment(ctx, group.ID, "gra_1"),
		"remove from another group": client.RemoveGroupRoleAssignment(ctx, other.ID, assigned.ID),
		"remove from no group":      client.RemoveGroupRoleAssignment(ctx, "group_1", assigned.ID),
	} {
		t.Run(name, func(t *testing.T) { assertCode(t, err, 404, "") })
	}
	path := "/authorization/groups/" + group.ID + "/role_assignments"
	many := make([]object, 101)
	for i := range many {
		many[i] = object{"role_slug": "manager"}
	}
	for _, body := range []object{{}, {"role_slug": "manager", "resource_id": "x", "resource_external_id": "x"}, {"role_slug": "manager", "resource_type_slug": "x"}} {
		assertRefused(t, a.api(http.MethodPost, path, body), 422, "")
		assertRefused(t, a.api(http.MethodDelete, path, body), 422, "")
		assertRefused(t, a.api(http.MethodPut, path, object{"role_assignments": []object{body}}), 422, "")
	}
	assertRefused(t, a.api(http.MethodPut, path, object{}), 422, "")
	assertRefused(t, a.api(http.MethodPut, path, object{"role_assignments": many}), 422, "")
	assert.Equal(t, []workos.GroupRoleAssignment{*assigned}, collect(t, client.ListGroupRoleAssignments(ctx, group.ID, workos.Paging{})))
}
