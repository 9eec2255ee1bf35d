// Roles and permissions: the calls of package workos, and the claims of access tokens.

package authkittest_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

func TestARoleOfTheEnvironmentIsCreatedReadAndChanged(t *testing.T) {
	a := newApp(t, authkittest.WithRole("admin", "posts:write", "posts:read"), authkittest.WithRole("member", "posts:read"))
	ctx, client := context.Background(), a.workos()
	all := must(client.ListRoles(ctx))
	require.Len(t, all, 2)
	assert.Equal(t, workos.RoleDefinition{
		ID: all[0].ID, Slug: "admin", Name: "admin", Type: workos.RoleTypeEnvironment, ResourceTypeSlug: "organization",
		Permissions: []string{"posts:write", "posts:read"}, CreatedAt: start, UpdatedAt: start,
	}, all[0])
	var editor *workos.RoleDefinition
	events, last := a.eventsOf(func() {
		editor = must(client.CreateRole(ctx, workos.CreateRoleParams{Slug: "editor", Name: "Editor", Description: "Edits", ResourceTypeSlug: "project"}))
	})
	assert.Equal(t, []string{"role.created"}, events)
	assert.Equal(t, &workos.RoleDefinition{
		Slug: "editor", ResourceTypeSlug: "project", Permissions: []string{}, CreatedAt: start, UpdatedAt: start,
	}, last["role.created"])
	assert.Equal(t, editor, must(client.GetRole(ctx, "editor")))
	a.clock.Advance(time.Minute)
	events, _ = a.eventsOf(func() {
		editor = must(client.UpdateRole(ctx, "editor", workos.UpdateRoleParams{Name: "Ed", Description: workos.Null[string]()}))
		editor = must(client.SetRolePermissions(ctx, "editor", []string{"posts:read"}))
		editor = must(client.AddRolePermission(ctx, "editor", "posts:write"))
		editor = must(client.AddRolePermission(ctx, "editor", "posts:write"))
	})
	assert.Equal(t, []string{"role.updated", "role.updated", "role.updated"}, events, "a permission that the role has changes nothing")
	assert.Equal(t, &workos.RoleDefinition{
		ID: editor.ID, Slug: "editor", Name: "Ed", Type: workos.RoleTypeEnvironment, ResourceTypeSlug: "project",
		Permissions: []string{"posts:read", "posts:write"}, CreatedAt: start, UpdatedAt: start.Add(time.Minute),
	}, editor)
	assert.Empty(t, must(client.SetRolePermissions(ctx, "editor", nil)).Permissions)
}

func TestTheNextAccessTokenHasThePermissionsOfTheRole(t *testing.T) {
	a := newApp(t, authkittest.WithRole("member", "posts:read"), authkittest.WithRole("admin", "posts:write"))
	ctx, client, press := context.Background(), a.workos(), a.Organizations()[0].ID
	token := a.signIn("Ada").text("refresh_token")
	permissions := func() any {
		got := a.refresh(token)
		token = got.text("refresh_token")
		claims, err := a.claims(got.text("access_token"))
		require.NoError(t, err)
		return claims["permissions"]
	}
	role := must(client.CreateOrganizationRole(ctx, press, workos.CreateRoleParams{Name: "Chief Editor"}))
	assert.Equal(t, "org-chief-editor", role.Slug)
	must(client.UpdateOrganizationMembership(ctx, a.Users()[0].Memberships[0].ID, workos.UpdateOrganizationMembershipParams{RoleSlug: role.Slug}))
	assert.Equal(t, []any{}, permissions())
	must(client.SetOrganizationRolePermissions(ctx, press, role.Slug, []string{"posts:write"}))
	assert.Equal(t, []any{"posts:write"}, permissions())
	must(client.AddOrganizationRolePermission(ctx, press, role.Slug, "posts:read"))
	assert.Equal(t, []any{"posts:write", "posts:read"}, permissions())
	must(client.RemoveOrganizationRolePermission(ctx, press, role.Slug, "posts:write"))
	assert.Equal(t, []any{"posts:read"}, permissions())
	require.NoError(t, client.DeletePermission(ctx, "posts:read"))
	assert.Equal(t, []any{}, permissions())
	assert.Empty(t, must(client.GetRole(ctx, "member")).Permissions)
}

func TestARoleOfAnOrganizationIsCreatedReadChangedAndDeleted(t *testing.T) {
	a := newApp(t, authkittest.WithRole("admin", "posts:write"))
	ctx, client, press, studio := context.Background(), a.workos(), a.Organizations()[0].ID, a.Organizations()[1].ID
	var role *workos.RoleDefinition
	events, last := a.eventsOf(func() {
		role = must(client.CreateOrganizationRole(ctx, press, workos.CreateRoleParams{Slug: "org-a", Name: "A", Description: "about"}))
		role = must(client.UpdateOrganizationRole(ctx, press, "org-a", workos.UpdateRoleParams{Name: "B"}))
	})
	assert.Equal(t, []string{"organization_role.created", "organization_role.updated"}, events)
	assert.Equal(t, &workos.RoleDefinition{
		Slug: "org-a", OrganizationID: press, Name: "B", Description: "about", ResourceTypeSlug: "organization", Permissions: []string{},
		CreatedAt: start, UpdatedAt: start,
	}, last["organization_role.updated"])
	assert.Equal(t, workos.RoleTypeOrganization, role.Type)
	assert.Equal(t, role, must(client.GetOrganizationRole(ctx, press, "org-a")))
	assert.Equal(t, "admin", must(client.GetOrganizationRole(ctx, press, "admin")).Slug)
	assert.Len(t, must(client.ListOrganizationRoles(ctx, press)), 2)
	assert.Len(t, must(client.ListOrganizationRoles(ctx, studio)), 1)
	assert.Len(t, must(client.ListRoles(ctx)), 1)

	id := a.Users()[0].Memberships[0].ID
	must(client.UpdateOrganizationMembership(ctx, id, workos.UpdateOrganizationMembershipParams{RoleSlug: "org-a"}))
	assertCode(t, client.DeleteOrganizationRole(ctx, press, "org-a"), 409, workos.CodeRoleHasAssignments)
	must(client.UpdateOrganizationMembership(ctx, id, workos.UpdateOrganizationMembershipParams{RoleSlug: "admin"}))
	events, _ = a.eventsOf(func() { require.NoError(t, client.DeleteOrganizationRole(ctx, press, "org-a")) })
	assert.Equal(t, []string{"organization_role.deleted"}, events)
	assertCode(t, second(client.UpdateOrganizationMembership(ctx, id, workos.UpdateOrganizationMembershipParams{RoleSlug: "org-a"})), 422, workos.CodeInvalidRole)
}

func TestARoleThatIsNotPossibleIsRefused(t *testing.T) {
	a := newApp(t, authkittest.WithRole("admin", "posts:write"))
	ctx, client, press, studio := context.Background(), a.workos(), a.Organizations()[0].ID, a.Organizations()[1].ID
	must(client.CreateOrganizationRole(ctx, press, workos.CreateRoleParams{Slug: "org-a", Name: "A"}))
	create := func(slug, name, description string) error {
		return second(client.CreateRole(ctx, workos.CreateRoleParams{Slug: slug, Name: name, Description: description}))
	}
	createAt := func(organizationID, slug string) error {
		return second(client.CreateOrganizationRole(ctx, organizationID, workos.CreateRoleParams{Slug: slug, Name: "A"}))
	}
	for name, c := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"a used slug":                        {create("admin", "A", ""), 409, workos.CodeRoleSlugConflict},
		"an invalid slug":                    {create("A b", "A", ""), 422, ""},
		"a long slug":                        {create(strings.Repeat("a", 49), "A", ""), 422, ""},
		"a long name":                        {create("a", strings.Repeat("é", 49), ""), 422, ""},
		"a long description":                 {create("a", "A", strings.Repeat("a", 151)), 422, ""},
		"the slug of an organization":        {create("org-b", "A", ""), 400, workos.CodeBadRequest},
		"a used slug of an organization":     {createAt(press, "org-a"), 409, workos.CodeOrganizationRoleSlugConflict},
		"the slug of the environment":        {createAt(press, "a"), 400, workos.CodeBadRequest},
		"an unknown organization":            {createAt("org_1", "org-b"), 404, ""},
		"an unknown role":                    {second(client.GetRole(ctx, "org-a")), 404, ""},
		"the role of another":                {second(client.GetOrganizationRole(ctx, studio, "org-a")), 404, ""},
		"an update of an unknown role":       {second(client.UpdateRole(ctx, "b", workos.UpdateRoleParams{})), 404, ""},
		"an update with a long name":         {second(client.UpdateRole(ctx, "admin", workos.UpdateRoleParams{Name: strings.Repeat("a", 49)})), 422, ""},
		"a change of the environment's role": {second(client.UpdateOrganizationRole(ctx, press, "admin", workos.UpdateRoleParams{})), 404, ""},
		"a deletion of it":                   {client.DeleteOrganizationRole(ctx, press, "admin"), 404, ""},
		"an unknown permission":              {second(client.AddRolePermission(ctx, "admin", "posts:none")), 404, ""},
		"unknown permissions":                {second(client.SetRolePermissions(ctx, "admin", []string{"posts:none"})), 404, ""},
		"the removal of an unknown one":      {second(client.RemoveOrganizationRolePermission(ctx, press, "org-a", "posts:write")), 404, ""},
	} {
		t.Run(name, func(t *testing.T) { assertCode(t, c.err, c.status, c.code) })
	}
	assert.Equal(t, []string{"posts:write"}, must(client.GetRole(ctx, "admin")).Permissions)
}

func TestAPermissionIsCreatedReadChangedAndDeleted(t *testing.T) {
	a := newApp(t)
	ctx, client := context.Background(), a.workos()
	assert.Empty(t, collect(t, client.ListPermissions(ctx, workos.Paging{})))
	create := func(slug, name string) (*workos.Permission, error) {
		return client.CreatePermission(ctx, workos.CreatePermissionParams{Slug: slug, Name: name, Description: "about", ResourceTypeSlug: "project"})
	}
	var p *workos.Permission
	events, last := a.eventsOf(func() { p = must(create("posts:write", "Write")) })
	assert.Equal(t, []string{"permission.created"}, events)
	assert.Equal(t, p, last["permission.created"])
	assert.Equal(t, &workos.Permission{
		ID: p.ID, Slug: "posts:write", Name: "Write", Description: "about", ResourceTypeSlug: "project", CreatedAt: start, UpdatedAt: start,
	}, p)
	a.clock.Advance(time.Minute)
	events, _ = a.eventsOf(func() {
		p = must(client.UpdatePermission(ctx, p.Slug, workos.UpdatePermissionParams{Name: "W", Description: workos.Null[string]()}))
	})
	assert.Equal(t, []string{"permission.updated"}, events)
	assert.Equal(t, &workos.Permission{
		ID: p.ID, Slug: "posts:write", Name: "W", ResourceTypeSlug: "project", CreatedAt: start, UpdatedAt: start.Add(time.Minute),
	}, p)
	assert.Equal(t, p, must(client.GetPermission(ctx, p.Slug)))
	assert.Equal(t, []workos.Permission{*p}, collect(t, client.ListPermissions(ctx, workos.Paging{})))

	assertCode(t, second(create("posts:write", "A")), 409, workos.CodePermissionSlugConflict)
	assertCode(t, second(create("Posts", "A")), 422, "")
	assertCode(t, second(create("posts:read", " ")), 422, "")
	assertCode(t, second(client.UpdatePermission(ctx, "none", workos.UpdatePermissionParams{})), 404, "")
	assertCode(t, second(client.GetPermission(ctx, "none")), 404, "")
	assertCode(t, client.DeletePermission(ctx, "none"), 404, "")

	must(client.CreateRole(ctx, workos.CreateRoleParams{Slug: "editor", Name: "Editor"}))
	must(client.AddRolePermission(ctx, "editor", p.Slug))
	events, _ = a.eventsOf(func() { require.NoError(t, client.DeletePermission(ctx, p.Slug)) })
	assert.Equal(t, []string{"permission.deleted", "role.updated"}, events)
}
