// Resources of fine-grained authorization, by the calls of package workos.

package authkittest_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

func TestAResourceIsCreatedChangedAndDeleted(t *testing.T) {
	a := newApp(t)
	ctx, client, press := context.Background(), a.workos(), a.Organizations()[0].ID
	root := must(client.GetResourceByExternalID(ctx, press, "organization", press))
	assert.Equal(t, &workos.AuthorizationResource{
		ID: root.ID, ExternalID: press, TypeSlug: "organization", OrganizationID: press, Name: "Harbor Press", CreatedAt: start, UpdatedAt: start,
	}, root, "every organization is a resource")

	created := must(client.CreateResource(ctx, workos.CreateResourceParams{
		OrganizationID: press, TypeSlug: "project", ExternalID: "books/7", Name: "Books", Description: "Novels",
	}))
	assert.Regexp(t, "^authz_resource_", created.ID)
	want := &workos.AuthorizationResource{
		ID: created.ID, ExternalID: "books/7", TypeSlug: "project", OrganizationID: press, ParentResourceID: root.ID, Name: "Books",
		Description: "Novels", CreatedAt: start, UpdatedAt: start,
	}
	assert.Equal(t, want, created)
	assert.Equal(t, want, must(client.GetResource(ctx, created.ID)))
	assert.Equal(t, want, must(client.GetResourceByExternalID(ctx, press, "project", "books/7")))

	a.clock.Advance(time.Minute)
	updated := must(client.UpdateResource(ctx, created.ID, workos.UpdateResourceParams{Name: "All books"}))
	want.Name, want.UpdatedAt = "All books", start.Add(time.Minute)
	assert.Equal(t, want, updated)
	want.Description = ""
	assert.Equal(t, want, must(client.UpdateResourceByExternalID(ctx, press, "project", "books/7", workos.UpdateResourceParams{Description: workos.Null[string]()})))

	require.NoError(t, client.DeleteResource(ctx, created.ID, workos.DeleteResourceParams{}))
	assertCode(t, second(client.GetResource(ctx, created.ID)), 404, "")
	again := must(client.CreateResource(ctx, workos.CreateResourceParams{OrganizationID: press, TypeSlug: "project", ExternalID: "books/7", Name: "Books"}))
	assert.NotEqual(t, created.ID, again.ID)
	require.NoError(t, client.DeleteResourceByExternalID(ctx, press, "project", "books/7", workos.DeleteResourceParams{}))
	assertCode(t, client.DeleteResourceByExternalID(ctx, press, "project", "books/7", workos.DeleteResourceParams{}), 404, "")
}

func TestResourcesOfAnOrganizationAreATree(t *testing.T) {
	a := newApp(t)
	ctx, client, press, studio := context.Background(), a.workos(), a.Organizations()[0].ID, a.Organizations()[1].ID
	create := func(typeSlug, externalID string, parent workos.Resource) *workos.AuthorizationResource {
		return must(client.CreateResource(ctx, workos.CreateResourceParams{
			OrganizationID: press, TypeSlug: typeSlug, ExternalID: externalID, Name: externalID, Parent: parent,
		}))
	}
	space := create("workspace", "space", workos.Resource{ExternalID: press, TypeSlug: "organization"})
	other := create("workspace", "other", workos.Resource{})
	project := create("project", "site", workos.Resource{ID: space.ID})
	page := create("page", "home", workos.Resource{ExternalID: "site", TypeSlug: "project"})
	assert.Equal(t, space.ID, project.ParentResourceID)
	assert.Equal(t, project.ID, page.ParentResourceID)
	foreign := a.AddResource(authkittest.Resource{OrganizationID: studio, TypeSlug: "project", ExternalID: "site"})
	assert.Equal(t, "site", foreign.Name)
	assert.Equal(t, must(client.GetResource(ctx, foreign.ID)).ParentResourceID, foreign.ParentID)

	list := func(p workos.ListResourcesParams) (names []string) {
		p.Order, p.PageSize = workos.OrderAscending, 2
		for _, r := range collect(t, client.ListResources(ctx, p)) {
			names = append(names, r.TypeSlug+" "+r.Name)
		}
		return names
	}
	workspace := workos.Resource{ExternalID: "space", TypeSlug: "workspace"}
	assert.Equal(t, []string{"organization Harbor Press", "workspace space", "workspace other", "project site", "page home"},
		list(workos.ListResourcesParams{OrganizationID: press}))
	assert.Equal(t, []string{"project site", "project site"}, list(workos.ListResourcesParams{TypeSlug: "project"}))
	assert.Equal(t, []string{"project site"}, list(workos.ListResourcesParams{OrganizationID: press, TypeSlug: "project"}))
	assert.Equal(t, []string{"page home"}, list(workos.ListResourcesParams{OrganizationID: press, ExternalID: "home"}))
	assert.Equal(t, []string{"project site"}, list(workos.ListResourcesParams{OrganizationID: press, Parent: workspace}))
	assert.Equal(t, []string{"page home"}, list(workos.ListResourcesParams{TypeSlug: "page", Parent: workos.Resource{ID: project.ID}}))
	assert.Equal(t, []string{"workspace space", "workspace other"},
		list(workos.ListResourcesParams{OrganizationID: press, Parent: workos.Resource{ExternalID: press, TypeSlug: "organization"}}))
	assertCode(t, firstError(client.ListResources(ctx, workos.ListResourcesParams{ExternalID: "home"})), 400,
		workos.CodeMissingOrganizationIDOrResourceTypeSlug)

	moved := must(client.UpdateResource(ctx, project.ID, workos.UpdateResourceParams{Parent: workos.Resource{ID: other.ID}}))
	assert.Equal(t, other.ID, moved.ParentResourceID)
	assert.Empty(t, list(workos.ListResourcesParams{OrganizationID: press, Parent: workspace}))
	for _, below := range []string{project.ID, page.ID} {
		assertCode(t, second(client.UpdateResource(ctx, project.ID, workos.UpdateResourceParams{Parent: workos.Resource{ID: below}})), 422, "")
	}
	assertCode(t, second(client.UpdateResource(ctx, project.ID, workos.UpdateResourceParams{Parent: workos.Resource{ID: foreign.ID}})), 404, "")

	assertCode(t, client.DeleteResource(ctx, other.ID, workos.DeleteResourceParams{}), 409, workos.CodeResourceHasDependents)
	require.NoError(t, client.DeleteResource(ctx, other.ID, workos.DeleteResourceParams{Cascade: true}))
	assert.Equal(t, []string{"organization Harbor Press", "workspace space"}, list(workos.ListResourcesParams{OrganizationID: press}))
	a.DeleteOrganization(studio)
	assert.Empty(t, list(workos.ListResourcesParams{TypeSlug: "project"}))
}

func TestAResourceIsDeletedWithTheRolesOnIt(t *testing.T) {
	a := newApp(t)
	ctx, client, press, id := context.Background(), a.workos(), a.Organizations()[0].ID, a.Users()[0].Memberships[0].ID
	a.resource("workspace", "space", "")
	project := a.resource("project", "site", "space")
	must(client.AssignRole(ctx, id, "editor", project))
	assertCode(t, client.DeleteResourceByExternalID(ctx, press, "project", "site", workos.DeleteResourceParams{}), 409, workos.CodeResourceHasDependents)
	require.NoError(t, client.RemoveRole(ctx, id, "editor", project))
	group := a.AddGroup(authkittest.Group{OrganizationID: press, Name: "Writers"})
	must(client.AssignGroupRole(ctx, group.ID, "editor", project))
	assertCode(t, client.DeleteResourceByExternalID(ctx, press, "project", "site", workos.DeleteResourceParams{}), 409, workos.CodeResourceHasDependents)

	must(client.AssignRole(ctx, id, "editor", project))
	require.NoError(t, client.DeleteResourceByExternalID(ctx, press, "workspace", "space", workos.DeleteResourceParams{Cascade: true}))
	assert.Empty(t, collect(t, client.ListRoleAssignments(ctx, id, workos.ListRoleAssignmentsParams{Resource: project})))
	assert.Empty(t, collect(t, client.ListGroupRoleAssignments(ctx, group.ID, workos.Paging{})))
	assertCode(t, second(client.CheckAuthorization(ctx, id, "posts:write", project)), 404, "")
}

func TestAResourceCallThatIsNotPossibleIsRefused(t *testing.T) {
	a := newApp(t)
	ctx, client, press := context.Background(), a.workos(), a.Organizations()[0].ID
	a.resource("project", "site", "")
	site := must(client.GetResourceByExternalID(ctx, press, "project", "site"))
	valid := object{"organization_id": press, "resource_type_slug": "project", "external_id": "book", "name": "Book"}
	with := func(name string, value any) object {
		body := object{}
		for key, old := range valid {
			body[key] = old
		}
		if body[name] = value; value == "" {
			delete(body, name)
		}
		return body
	}
	for _, c := range []struct {
		name   string
		value  any
		status int
	}{
		{"organization_id", "", 422}, {"resource_type_slug", "", 422}, {"external_id", "", 422}, {"name", "", 422}, {"external_id", "bücher", 422},
		{"external_id", strings.Repeat("x", 129), 422}, {"name", " ", 422}, {"name", strings.Repeat("ä", 49), 422},
		{"description", strings.Repeat("ä", 151), 422}, {"parent_resource_type_slug", "project", 422}, {"organization_id", "org_1", 404},
		{"parent_resource_id", "authz_resource_1", 404},
	} {
		assertRefused(t, a.api(http.MethodPost, "/authorization/resources", with(c.name, c.value)), c.status, "")
	}
	assertRefused(t, a.api(http.MethodPost, "/authorization/resources", with("resource_type_slug", "organization")), 400, "bad_request")
	assertRefused(t, a.api(http.MethodPost, "/authorization/resources", with("external_id", "site")), 409, "authorization_resource_external_id_conflict")
	a.mustCall(http.StatusCreated, http.MethodPost, "/authorization/resources", with("parent_resource_id", nil))

	path := "/authorization/resources/" + site.ID
	for _, body := range []object{
		{"name": " "}, {"name": strings.Repeat("ä", 49)}, {"description": strings.Repeat("ä", 151)}, {"parent_resource_id": nil},
		{"parent_resource_id": site.ParentResourceID, "parent_resource_type_slug": "organization"}, {"parent_resource_external_id": "site"},
	} {
		assertRefused(t, a.api(http.MethodPatch, path, body), 422, "")
	}
	assertRefused(t, a.api(http.MethodDelete, path+"?cascade_delete=perhaps", nil), 400, "bad_request")
	assertRefused(t, a.api(http.MethodGet, "/authorization/resources?organization_id="+press+"&parent_external_id=x", nil), 422, "")
	assert.Equal(t, site, must(client.GetResource(ctx, site.ID)), "no refused call changes it")

	for _, err := range []error{
		second(client.GetResource(ctx, "authz_resource_1")),
		second(client.GetResourceByExternalID(ctx, "org_1", "project", "site")),
		second(client.GetResourceByExternalID(ctx, press, "page", "site")),
		second(client.GetResourceByExternalID(ctx, a.Organizations()[1].ID, "project", "site")),
		second(client.UpdateResource(ctx, "authz_resource_1", workos.UpdateResourceParams{Name: "x"})),
		client.DeleteResource(ctx, "authz_resource_1", workos.DeleteResourceParams{}),
	} {
		assertCode(t, err, 404, "")
	}
	assertCode(t, second(client.UpdateResource(ctx, site.ParentResourceID, workos.UpdateResourceParams{Name: "x"})), 403, "")
	assertCode(t, client.DeleteResource(ctx, site.ParentResourceID, workos.DeleteResourceParams{Cascade: true}), 403, "")

	for _, r := range []authkittest.Resource{
		{OrganizationID: "org_1", TypeSlug: "project", ExternalID: "x"}, {OrganizationID: press, ExternalID: "x"},
		{OrganizationID: press, TypeSlug: "project"}, {OrganizationID: press, TypeSlug: "organization", ExternalID: "x"},
		{OrganizationID: press, TypeSlug: "project", ExternalID: "site"}, {ID: site.ID, OrganizationID: press, TypeSlug: "project", ExternalID: "x"},
		{OrganizationID: press, TypeSlug: "project", ExternalID: "x", ParentID: "authz_resource_1"},
		{OrganizationID: a.Organizations()[1].ID, TypeSlug: "project", ExternalID: "x", ParentID: site.ID},
	} {
		assert.Panics(t, func() { a.AddResource(r) }, "%+v", r)
	}
}
