// Authorization checks and roles on resources, by the calls of package workos.

package authkittest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// resource adds a resource to the first organization and returns its name. parent is the external ID of a workspace, or empty.
func (a *app) resource(typeSlug, externalID, parent string) workos.Resource {
	a.Helper()
	press, parentID := a.Organizations()[0].ID, ""
	if parent != "" {
		parentID = must(a.workos().GetResourceByExternalID(context.Background(), press, "workspace", parent)).ID
	}
	a.AddResource(authkittest.Resource{OrganizationID: press, TypeSlug: typeSlug, ExternalID: externalID, ParentID: parentID})
	return workos.Resource{ExternalID: externalID, TypeSlug: typeSlug}
}

func TestAMemberHasThePermissionsOfItsRolesOnAResource(t *testing.T) {
	a := newApp(t, authkittest.WithRole("member", "posts:read"), authkittest.WithRole("editor", "posts:write"))
	ctx, client, id := context.Background(), a.workos(), a.Users()[0].Memberships[0].ID
	must(client.UpdateOrganizationMembership(ctx, id, workos.UpdateOrganizationMembershipParams{RoleSlug: "member"}))
	one, two := a.resource("project", "1", ""), a.resource("project", "2", "")
	check := func(permission string, resource workos.Resource) bool {
		return must(client.CheckAuthorization(ctx, id, permission, resource))
	}
	assert.True(t, check("posts:read", one), "by the role in the organization")
	assert.False(t, check("posts:write", one))

	assigned := must(client.AssignRole(ctx, id, "editor", one))
	assert.Equal(t, &workos.RoleAssignment{
		ID: assigned.ID, OrganizationMembershipID: id, Role: workos.Role{Slug: "editor"}, Source: workos.RoleAssignmentSource{Type: "direct"},
		Resource: workos.Resource{ID: assigned.Resource.ID, ExternalID: "1", TypeSlug: "project"}, CreatedAt: start, UpdatedAt: start,
	}, assigned)
	assert.Equal(t, assigned, must(client.AssignRole(ctx, id, "editor", one)), "it has the role already")
	assert.True(t, check("posts:write", one))
	assert.True(t, check("posts:write", workos.Resource{ID: assigned.Resource.ID}))
	assert.False(t, check("posts:write", two))
	assert.False(t, must(client.CheckAuthorization(ctx, a.Users()[1].Memberships[0].ID, "posts:write", one)), "another member")

	list := func(p workos.ListRoleAssignmentsParams) []workos.RoleAssignment {
		return collect(t, client.ListRoleAssignments(ctx, id, p))
	}
	all := list(workos.ListRoleAssignmentsParams{Paging: workos.Paging{Order: workos.OrderAscending}})
	require.Len(t, all, 2)
	assert.Equal(t, workos.Role{Slug: "member"}, all[0].Role)
	assert.Equal(t, []workos.RoleAssignment{*assigned}, list(workos.ListRoleAssignmentsParams{Resource: one}))
	assert.Empty(t, list(workos.ListRoleAssignmentsParams{Resource: workos.Resource{ID: "authz_resource_1"}}))

	a.UpdateUser(ada, func(u *authkittest.User) { u.Memberships[0].Status = authkittest.MembershipInactive })
	assert.False(t, check("posts:write", one), "an inactive member has no permission")
	a.UpdateUser(ada, func(u *authkittest.User) { u.Memberships[0].Status = authkittest.MembershipActive })
	require.NoError(t, client.RemoveRole(ctx, id, "editor", one))
	assertCode(t, client.RemoveRole(ctx, id, "editor", one), 404, "")
	assert.False(t, check("posts:write", one))
	assigned = must(client.AssignRole(ctx, id, "editor", two))
	require.NoError(t, client.RemoveRoleAssignment(ctx, id, assigned.ID))
	assertCode(t, client.RemoveRoleAssignment(ctx, id, assigned.ID), 404, "")

	must(client.AssignRole(ctx, id, "editor", two))
	membership := a.Users()[0].Memberships[0]
	a.UpdateUser(ada, func(u *authkittest.User) { u.Memberships = nil })
	assertCode(t, second(client.CheckAuthorization(ctx, id, "posts:write", two)), 404, "")
	a.UpdateUser(ada, func(u *authkittest.User) { u.Memberships = []authkittest.Membership{membership} })
	assert.False(t, check("posts:write", two), "a new membership begins without roles on resources")
}

func TestAnAuthorizationCallThatIsNotPossibleIsRefused(t *testing.T) {
	a := newApp(t, authkittest.WithRole("member", "posts:read"))
	ctx, client, id := context.Background(), a.workos(), a.Users()[0].Memberships[0].ID
	project := a.resource("project", "1", "")
	assertCode(t, second(client.CheckAuthorization(ctx, "om_1", "posts:read", project)), 404, "")
	assertCode(t, second(client.AssignRole(ctx, "om_1", "member", project)), 404, "")
	assertCode(t, second(client.AssignRole(ctx, id, "king", project)), 404, "")
	assertCode(t, client.RemoveRole(ctx, id, "king", project), 404, "")
	assertCode(t, client.RemoveRoleAssignment(ctx, "om_1", "role_assignment_1"), 404, "")
	for _, err := range client.ListRoleAssignments(ctx, "om_1", workos.ListRoleAssignmentsParams{}) {
		assertCode(t, err, 404, "")
	}
	path := "/authorization/organization_memberships/" + id
	for _, body := range []object{
		{"permission_slug": "posts:read", "role_slug": "member"},
		{"permission_slug": "posts:read", "role_slug": "member", "resource_external_id": "1"},
		{"permission_slug": "posts:read", "role_slug": "member", "resource_id": "1", "resource_external_id": "1", "resource_type_slug": "project"},
		{"resource_id": "1"},
	} {
		assertRefused(t, a.api("POST", path+"/check", body), 422, "")
		assertRefused(t, a.api("POST", path+"/role_assignments", body), 422, "")
	}
}
