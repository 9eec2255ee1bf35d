// Who has access to what, through the tree of resources, by the calls of package workos.

package authkittest_test

import (
	"context"
	"iter"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// firstError returns the error of a list that fails at once.
func firstError[T any](list iter.Seq2[T, error]) error {
	for _, err := range list {
		return err
	}
	return nil
}

// newPress returns an application whose first organization has the workspaces space and other, and in space the project site with the
// page home. Ada is a manager in the organization, who reads everything. Ben has no permission there.
func newPress(t *testing.T) (a *app, client *workos.Client, adaID, benID string) {
	a = newApp(t, authkittest.WithRole("manager", "page:read"), authkittest.WithRole("none"),
		authkittest.WithRole("workspace-admin", "page:read", "page:edit"), authkittest.WithRole("project-editor", "page:edit"))
	client, adaID, benID = a.workos(), a.Users()[0].Memberships[0].ID, a.Users()[1].Memberships[0].ID
	for id, role := range map[string]string{adaID: "manager", benID: "none", a.Users()[2].Memberships[0].ID: "none"} {
		must(client.UpdateOrganizationMembership(context.Background(), id, workos.UpdateOrganizationMembershipParams{RoleSlug: role}))
	}
	a.resource("workspace", "space", "")
	a.resource("workspace", "other", "")
	a.resource("project", "site", "space")
	press := a.Organizations()[0].ID
	site := must(client.GetResourceByExternalID(context.Background(), press, "project", "site"))
	a.AddResource(authkittest.Resource{OrganizationID: press, TypeSlug: "page", ExternalID: "home", ParentID: site.ID})
	return a, client, adaID, benID
}

var (
	spaceResource = workos.Resource{TypeSlug: "workspace", ExternalID: "space"}
	otherResource = workos.Resource{TypeSlug: "workspace", ExternalID: "other"}
	siteResource  = workos.Resource{TypeSlug: "project", ExternalID: "site"}
	homeResource  = workos.Resource{TypeSlug: "page", ExternalID: "home"}
)

func TestARoleOnAResourceCountsBelowIt(t *testing.T) {
	a, client, adaID, benID := newPress(t)
	ctx := context.Background()
	edits := func(membershipID string) (names []string) {
		for _, r := range []workos.Resource{{TypeSlug: "organization", ExternalID: a.Organizations()[0].ID}, spaceResource, otherResource, siteResource, homeResource} {
			if must(client.CheckAuthorization(ctx, membershipID, "page:edit", r)) {
				names = append(names, r.ExternalID)
			}
		}
		return names
	}
	assert.Empty(t, edits(benID))
	must(client.AssignRole(ctx, benID, "workspace-admin", spaceResource))
	assert.Equal(t, []string{"space", "site", "home"}, edits(benID))
	assert.Empty(t, edits(adaID), "another member")
	require.NoError(t, client.RemoveRole(ctx, benID, "workspace-admin", spaceResource))
	must(client.AssignRole(ctx, benID, "project-editor", siteResource))
	assert.Equal(t, []string{"site", "home"}, edits(benID))

	must(client.UpdateResourceByExternalID(ctx, a.Organizations()[0].ID, "page", "home", workos.UpdateResourceParams{Parent: otherResource}))
	assert.Equal(t, []string{"site"}, edits(benID), "a page that is moved away is no longer below it")
	must(client.SetRolePermissions(ctx, "project-editor", nil))
	assert.Empty(t, edits(benID), "a role that loses a permission")
}

func TestEffectivePermissionsAreThoseOfAllRolesUpToTheOrganization(t *testing.T) {
	a, client, adaID, benID := newPress(t)
	ctx := context.Background()
	effective := func(membershipID string, resource workos.Resource) (slugs []string) {
		for _, p := range collect(t, client.ListEffectivePermissions(ctx, membershipID, resource, workos.Paging{PageSize: 1, Order: workos.OrderAscending})) {
			slugs = append(slugs, p.Slug)
		}
		return slugs
	}
	assert.Equal(t, []string{"page:read"}, effective(adaID, homeResource))
	assert.Empty(t, effective(benID, homeResource))
	must(client.AssignRole(ctx, adaID, "workspace-admin", spaceResource))
	must(client.AssignRole(ctx, adaID, "project-editor", siteResource))
	assert.Equal(t, []string{"page:read", "page:edit"}, effective(adaID, homeResource), "each once")
	assert.Equal(t, []string{"page:read"}, effective(adaID, otherResource))
	id := must(client.GetResourceByExternalID(ctx, a.Organizations()[0].ID, "page", "home")).ID
	assert.Equal(t, []string{"page:read", "page:edit"}, effective(adaID, workos.Resource{ID: id}))
	assert.Equal(t, collect(t, client.ListPermissions(ctx, workos.Paging{})), collect(t, client.ListEffectivePermissions(ctx, adaID, homeResource, workos.Paging{})))

	a.UpdateUser(ada, func(u *authkittest.User) { u.Memberships[0].Permissions = []string{"undefined"} })
	assert.Equal(t, []string{"page:read", "page:edit", "undefined"}, effective(adaID, homeResource))
	a.UpdateUser(ada, func(u *authkittest.User) { u.Memberships[0].Status = authkittest.MembershipInactive })
	assert.Empty(t, effective(adaID, homeResource))
}

func TestEffectivePermissionsAreListedAtThePathOfTheLibraryForNode(t *testing.T) {
	a, client, adaID, benID := newPress(t)
	ctx := context.Background()
	must(client.AssignRole(ctx, adaID, "project-editor", siteResource))
	id := must(client.GetResourceByExternalID(ctx, a.Organizations()[0].ID, "page", "home")).ID
	list := func(resourceID, membershipID string) apiResponse {
		return a.api("GET", "/authorization/resources/"+resourceID+"/organization_memberships/"+membershipID+"/permissions", nil)
	}
	described := a.api("GET", "/authorization/organization_memberships/"+adaID+"/resources/"+id+"/permissions", nil)
	assert.NotEmpty(t, described.body["data"])
	assert.Equal(t, described.body, list(id, adaID).body)
	assert.Empty(t, list(id, benID).body["data"])
	assertRefused(t, list("authz_resource_1", adaID), 404, "")
	assertRefused(t, list(id, "om_1"), 404, "")
	assert.Equal(t, 5, a.Calls(authkittest.RouteListEffectivePermissions))
}

func TestMembersOfAResourceHaveAPermissionDirectlyOrIndirectly(t *testing.T) {
	a, client, adaID, benID := newPress(t)
	ctx, press := context.Background(), a.Organizations()[0].ID
	site := must(client.GetResourceByExternalID(ctx, press, "project", "site"))
	members := func(permission, assignment string) (ids []string) {
		p := workos.ListResourceMembersParams{PermissionSlug: permission, Assignment: assignment, Paging: workos.Paging{PageSize: 1, Order: workos.OrderAscending}}
		for _, m := range collect(t, client.ListResourceMembers(ctx, site.ID, p)) {
			ids = append(ids, m.ID)
		}
		assert.Len(t, collect(t, client.ListResourceMembersByExternalID(ctx, press, "project", "site", p)), len(ids))
		return ids
	}
	assert.Empty(t, members("page:read", ""))
	assert.Equal(t, []string{adaID}, members("page:read", workos.AssignmentIndirect), "by the role in the organization")
	must(client.AssignRole(ctx, benID, "project-editor", siteResource))
	must(client.AssignRole(ctx, adaID, "workspace-admin", spaceResource))
	assert.Equal(t, []string{benID}, members("page:edit", ""))
	assert.Equal(t, []string{benID}, members("page:edit", workos.AssignmentDirect))
	assert.Equal(t, []string{adaID, benID}, members("page:edit", workos.AssignmentIndirect))
	assert.Empty(t, members("page:fly", workos.AssignmentIndirect))

	listed := collect(t, client.ListResourceMembers(ctx, site.ID, workos.ListResourceMembersParams{PermissionSlug: "page:edit"}))
	require.Len(t, listed, 1)
	assert.Equal(t, "ben@harborpress.test", listed[0].User.Email)
	assert.Empty(t, listed[0].Role, "the list has no roles")
	a.UpdateUser("ben@harborpress.test", func(u *authkittest.User) { u.Memberships[0].Status = authkittest.MembershipInactive })
	assert.Empty(t, members("page:edit", ""))
}

func TestResourcesOfAMemberAreTheChildrenWithThePermission(t *testing.T) {
	a, client, adaID, benID := newPress(t)
	ctx := context.Background()
	organization := workos.Resource{TypeSlug: "organization", ExternalID: a.Organizations()[0].ID}
	children := func(membershipID, permission string, parent workos.Resource) (names []string) {
		for _, r := range collect(t, client.ListOrganizationMembershipResources(ctx, membershipID, workos.ListOrganizationMembershipResourcesParams{
			PermissionSlug: permission, Parent: parent, Paging: workos.Paging{PageSize: 1, Order: workos.OrderAscending},
		})) {
			names = append(names, r.ExternalID)
		}
		return names
	}
	assert.Equal(t, []string{"space", "other"}, children(adaID, "page:read", organization))
	assert.Empty(t, children(adaID, "page:edit", organization))
	must(client.AssignRole(ctx, benID, "workspace-admin", spaceResource))
	assert.Equal(t, []string{"space"}, children(benID, "page:edit", organization))
	assert.Equal(t, []string{"site"}, children(benID, "page:edit", spaceResource))
	assert.Empty(t, children(benID, "page:edit", homeResource))
}

func TestRoleAssignmentsOfAResourceAreThoseOnTheResourceItself(t *testing.T) {
	a, client, adaID, benID := newPress(t)
	ctx, press := context.Background(), a.Organizations()[0].ID
	editor := must(client.AssignRole(ctx, benID, "project-editor", siteResource))
	admin := must(client.AssignRole(ctx, adaID, "workspace-admin", siteResource))
	must(client.AssignRole(ctx, adaID, "workspace-admin", spaceResource))
	list := func(role string) []workos.RoleAssignment {
		p := workos.ListResourceRoleAssignmentsParams{RoleSlug: role, Paging: workos.Paging{PageSize: 1}}
		all := collect(t, client.ListResourceRoleAssignmentsByExternalID(ctx, press, "project", "site", p))
		assert.Equal(t, all, collect(t, client.ListResourceRoleAssignments(ctx, editor.Resource.ID, p)))
		return all
	}
	assert.ElementsMatch(t, []workos.RoleAssignment{*editor, *admin}, list(""))
	assert.Equal(t, []workos.RoleAssignment{*editor}, list("project-editor"))
	assert.Empty(t, list("manager"))

	var roles []string
	for _, assigned := range collect(t, client.ListResourceRoleAssignmentsByExternalID(ctx, press, "organization", press, workos.ListResourceRoleAssignmentsParams{})) {
		roles = append(roles, assigned.Role.Slug)
	}
	assert.ElementsMatch(t, []string{"manager", "none", "none"}, roles, "the roles in the organization")
}

func TestARoleOnTheOrganizationIsARoleOfTheMembership(t *testing.T) {
	a, client, adaID, _ := newPress(t)
	ctx := context.Background()
	organization := workos.Resource{TypeSlug: "organization", ExternalID: a.Organizations()[0].ID}
	var assigned *workos.RoleAssignment
	events, _ := a.eventsOf(func() { assigned = must(client.AssignRole(ctx, adaID, "project-editor", organization)) })
	assert.Equal(t, []string{"organization_membership.updated"}, events)
	assert.Equal(t, []string{"manager", "project-editor"}, a.Users()[0].Memberships[0].Roles)
	assert.Equal(t, []string{"page:read", "page:edit"}, a.Users()[0].Memberships[0].Permissions)
	assert.Equal(t, assigned, must(client.AssignRole(ctx, adaID, "project-editor", organization)), "it has the role already")
	assert.True(t, must(client.CheckAuthorization(ctx, adaID, "page:edit", homeResource)))

	require.NoError(t, client.RemoveRoleAssignment(ctx, adaID, assigned.ID))
	assert.Equal(t, []string{"manager"}, a.Users()[0].Memberships[0].Roles)
	require.NoError(t, client.RemoveRole(ctx, adaID, "manager", organization))
	assertCode(t, client.RemoveRole(ctx, adaID, "manager", organization), 404, "")
	assert.Equal(t, "member", a.Users()[0].Memberships[0].Role, "the default role")

	single := newApp(t, authkittest.WithoutMultipleRoles())
	id := single.Users()[0].Memberships[0].ID
	organization.ExternalID = single.Organizations()[0].ID
	assertCode(t, second(single.workos().AssignRole(ctx, id, "editor", organization)), 422, workos.CodeMultipleRolesNotEnabled)
}

func TestARoleThatAResourceHasCannotBeDeleted(t *testing.T) {
	a, client, adaID, _ := newPress(t)
	ctx, press := context.Background(), a.Organizations()[0].ID
	role := must(client.CreateOrganizationRole(ctx, press, workos.CreateRoleParams{Name: "Guest"}))
	must(client.AssignRole(ctx, adaID, role.Slug, siteResource))
	assertCode(t, client.DeleteOrganizationRole(ctx, press, role.Slug), 409, workos.CodeRoleHasAssignments)
	require.NoError(t, client.RemoveRole(ctx, adaID, role.Slug, siteResource))
	group := a.AddGroup(authkittest.Group{OrganizationID: press, Name: "Guests"})
	assigned := must(client.AssignGroupRole(ctx, group.ID, role.Slug, siteResource))
	assertCode(t, client.DeleteOrganizationRole(ctx, press, role.Slug), 409, workos.CodeRoleHasAssignments)
	require.NoError(t, client.RemoveGroupRoleAssignment(ctx, group.ID, assigned.ID))
	require.NoError(t, client.DeleteOrganizationRole(ctx, press, role.Slug))
}

func TestAnAccessCallThatIsNotPossibleIsRefused(t *testing.T) {
	a, client, adaID, _ := newPress(t)
	ctx, press, studio := context.Background(), a.Organizations()[0].ID, a.Organizations()[1].ID
	foreign := a.AddResource(authkittest.Resource{OrganizationID: studio, TypeSlug: "project", ExternalID: "film"}).ID
	missing := workos.Resource{TypeSlug: "project", ExternalID: "film"}
	members := workos.ListResourceMembersParams{PermissionSlug: "page:read"}
	for name, err := range map[string]error{
		"check":                       second(client.CheckAuthorization(ctx, adaID, "page:read", missing)),
		"check of a foreign resource": second(client.CheckAuthorization(ctx, adaID, "page:read", workos.Resource{ID: foreign})),
		"assign":                      second(client.AssignRole(ctx, adaID, "manager", workos.Resource{ID: foreign})),
		"permissions":                 firstError(client.ListEffectivePermissions(ctx, adaID, missing, workos.Paging{})),
		"permissions of no member":    firstError(client.ListEffectivePermissions(ctx, "om_1", siteResource, workos.Paging{})),
		"members":                     firstError(client.ListResourceMembers(ctx, "authz_resource_1", members)),
		"members by external ID":      firstError(client.ListResourceMembersByExternalID(ctx, press, "project", "film", members)),
		"roles":                       firstError(client.ListResourceRoleAssignments(ctx, "authz_resource_1", workos.ListResourceRoleAssignmentsParams{})),
		"resources": firstError(client.ListOrganizationMembershipResources(ctx, adaID, workos.ListOrganizationMembershipResourcesParams{
			PermissionSlug: "page:read", Parent: missing,
		})),
		"resources of no member": firstError(client.ListOrganizationMembershipResources(ctx, "om_1", workos.ListOrganizationMembershipResourcesParams{
			PermissionSlug: "page:read", Parent: siteResource,
		})),
	} {
		t.Run(name, func(t *testing.T) { assertCode(t, err, 404, "") })
	}
	site := "/authorization/organizations/" + press + "/resources/project/site/organization_memberships"
	ofAda := "/authorization/organization_memberships/" + adaID + "/resources"
	for _, path := range []string{
		site, site + "?permission_slug=page:read&assignment=any", ofAda + "?parent_resource_id=" + foreign, ofAda + "?permission_slug=page:read",
		ofAda + "?permission_slug=page:read&parent_resource_id=" + foreign + "&parent_resource_type_slug=project",
	} {
		assertRefused(t, a.api(http.MethodGet, path, nil), 422, "")
	}
}
