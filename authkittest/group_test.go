// Groups and their members, by the calls of package workos.

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

func TestAGroupIsCreatedChangedAndDeleted(t *testing.T) {
	a := newApp(t)
	ctx, client, press := context.Background(), a.workos(), a.Organizations()[0].ID
	var created *workos.Group
	events, data := a.eventsOf(func() {
		created = must(client.CreateGroup(ctx, press, workos.CreateGroupParams{Name: "Editors", Description: "They write"}))
	})
	assert.Equal(t, []string{"group.created"}, events)
	assert.Equal(t, &workos.Group{
		ID: created.ID, OrganizationID: press, Name: "Editors", Description: "They write", CreatedAt: start, UpdatedAt: start,
	}, created)
	assert.Equal(t, created, data[workos.EventGroupCreated])

	a.clock.Advance(time.Minute)
	var updated *workos.Group
	events, _ = a.eventsOf(func() {
		updated = must(client.UpdateGroup(ctx, press, created.ID, workos.UpdateGroupParams{Name: "Writers", Description: workos.Null[string]()}))
	})
	assert.Equal(t, []string{"group.updated"}, events)
	assert.Equal(t, &workos.Group{ID: created.ID, OrganizationID: press, Name: "Writers", CreatedAt: start, UpdatedAt: start.Add(time.Minute)}, updated)
	assert.Equal(t, updated, must(client.GetGroup(ctx, press, created.ID)))

	namesake := must(client.CreateGroup(ctx, press, workos.CreateGroupParams{Name: "Writers"}))
	list := func(organizationID string) []workos.Group {
		return collect(t, client.ListGroups(ctx, organizationID, workos.Paging{PageSize: 1}))
	}
	assert.Equal(t, []workos.Group{*namesake, *updated}, list(press))
	assert.Empty(t, list(a.Organizations()[1].ID))

	events, _ = a.eventsOf(func() { require.NoError(t, client.DeleteGroup(ctx, press, created.ID)) })
	assert.Equal(t, []string{"group.deleted"}, events)
	assert.Equal(t, []workos.Group{*namesake}, list(press))
	events, _ = a.eventsOf(func() { a.DeleteOrganization(press) })
	assert.Subset(t, events, []string{"group.deleted", "organization.deleted"})
}

func TestAGroupHasTheMembersThatAreAddedToIt(t *testing.T) {
	a := newApp(t)
	ctx, client, press := context.Background(), a.workos(), a.Organizations()[0].ID
	editor, reader := a.Users()[0].Memberships[0].ID, a.Users()[1].Memberships[0].ID
	var seeded authkittest.Group
	events, _ := a.eventsOf(func() {
		seeded = a.AddGroup(authkittest.Group{OrganizationID: press, Name: "Writers", Members: []string{editor}})
	})
	assert.Equal(t, []string{"group.created", "group.member_added"}, events)
	other := a.AddGroup(authkittest.Group{ID: "group_readers", OrganizationID: press, Name: "Readers", Members: []string{editor, reader}})
	assert.Equal(t, "group_readers", other.ID)

	members := func(id string) (ids []string) {
		for _, m := range collect(t, client.ListGroupMembers(ctx, press, id, workos.Paging{PageSize: 1, Order: workos.OrderAscending})) {
			ids = append(ids, m.ID)
		}
		return ids
	}
	groups := func(membershipID string) (names []string) {
		for _, g := range collect(t, client.ListOrganizationMembershipGroups(ctx, membershipID, workos.Paging{Order: workos.OrderAscending})) {
			names = append(names, g.Name)
		}
		return names
	}
	assert.Equal(t, []string{editor}, members(seeded.ID))
	assert.Equal(t, []string{"Readers"}, groups(reader))
	events, data := a.eventsOf(func() {
		group := must(client.AddGroupMember(ctx, press, seeded.ID, reader))
		assert.Equal(t, seeded.ID, group.ID)
		must(client.AddGroupMember(ctx, press, seeded.ID, reader))
	})
	assert.Equal(t, []string{"group.member_added"}, events, "the second call changes nothing")
	assert.Equal(t, &workos.GroupMember{GroupID: seeded.ID, OrganizationMembershipID: reader}, data[workos.EventGroupMemberAdded])
	assert.Equal(t, []string{editor, reader}, members(seeded.ID))
	assert.Equal(t, []string{"Writers", "Readers"}, groups(reader))
	listed := collect(t, client.ListGroupMembers(ctx, press, seeded.ID, workos.Paging{}))
	assert.Equal(t, workos.OrganizationMembership{
		ID: reader, UserID: a.Users()[1].ID, OrganizationID: press, OrganizationName: "Harbor Press", Status: workos.MembershipStatusActive,
		CustomAttributes: map[string]any{}, CreatedAt: start, UpdatedAt: start,
	}, listed[0], "it has neither roles nor a user")

	events, _ = a.eventsOf(func() { require.NoError(t, client.RemoveGroupMember(ctx, press, seeded.ID, editor)) })
	assert.Equal(t, []string{"group.member_removed"}, events)
	assertCode(t, client.RemoveGroupMember(ctx, press, seeded.ID, editor), 404, "")
	assert.Equal(t, []string{"Readers"}, groups(editor))

	events, _ = a.eventsOf(func() { require.NoError(t, client.DeleteOrganizationMembership(ctx, reader)) })
	assert.Equal(t, []string{"group.member_removed", "group.member_removed", "organization_membership.deleted"}, events)
	assert.Empty(t, members(seeded.ID))
	assert.Equal(t, []string{editor}, members(other.ID))
	a.UpdateUser(ada, func(u *authkittest.User) { u.Memberships = nil })
	assert.Empty(t, members(other.ID))
}

func TestAGroupCallThatIsNotPossibleIsRefused(t *testing.T) {
	a := newApp(t)
	ctx, client, press, studio := context.Background(), a.workos(), a.Organizations()[0].ID, a.Organizations()[1].ID
	owner := a.Users()[2].Memberships[1].ID
	id := a.AddGroup(authkittest.Group{OrganizationID: press, Name: "Writers"}).ID
	for _, err := range []error{
		second(client.CreateGroup(ctx, "org_1", workos.CreateGroupParams{Name: "Writers"})),
		second(client.GetGroup(ctx, press, "group_1")),
		second(client.GetGroup(ctx, studio, id)),
		second(client.UpdateGroup(ctx, studio, id, workos.UpdateGroupParams{Name: "Owners"})),
		client.DeleteGroup(ctx, studio, id),
		second(client.AddGroupMember(ctx, press, id, "om_1")),
		second(client.AddGroupMember(ctx, press, id, owner)),
		second(client.AddGroupMember(ctx, studio, id, owner)),
		client.RemoveGroupMember(ctx, studio, id, owner),
	} {
		assertCode(t, err, 404, "")
	}
	for _, err := range client.ListGroups(ctx, "org_1", workos.Paging{}) {
		assertCode(t, err, 404, "")
	}
	for _, err := range client.ListGroupMembers(ctx, studio, id, workos.Paging{}) {
		assertCode(t, err, 404, "")
	}
	for _, err := range client.ListOrganizationMembershipGroups(ctx, "om_1", workos.Paging{}) {
		assertCode(t, err, 404, "")
	}
	path := "/organizations/" + press + "/groups"
	for _, body := range []object{
		{}, {"name": " "}, {"name": strings.Repeat("ä", 257)}, {"name": "Writers", "description": strings.Repeat("ä", 151)},
	} {
		assertRefused(t, a.api("POST", path, body), 422, "")
		if len(body) > 0 {
			assertRefused(t, a.api("PATCH", path+"/"+id, body), 422, "")
		}
	}
	assertRefused(t, a.api("POST", path+"/"+id+"/organization-memberships", object{}), 422, "")
	assert.Equal(t, "Writers", must(client.GetGroup(ctx, press, id)).Name)
	assert.Equal(t, 201, a.api("POST", path, object{"name": strings.Repeat("ä", 256), "description": strings.Repeat("ä", 150)}).status)

	assert.Panics(t, func() { a.AddGroup(authkittest.Group{OrganizationID: "org_1", Name: "Writers"}) })
	assert.Panics(t, func() { a.AddGroup(authkittest.Group{ID: id, OrganizationID: press, Name: "Writers"}) })
	assert.Panics(t, func() {
		a.AddGroup(authkittest.Group{OrganizationID: press, Name: "Writers", Members: []string{owner}})
	})
}
