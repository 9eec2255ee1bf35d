// Groups: the groups of the members of an organization, and the API calls for them.

package authkittest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Group is a group of members of an organization.
type Group struct {
	ID             string // "group_…"; random when empty
	OrganizationID string
	Name           string
	Description    string
	Members        []string // IDs of the organization memberships

	createdAt, updatedAt time.Time
}

// The largest number of characters in a name and a description of a group.
const (
	maxGroupName        = 256
	maxGroupDescription = 150
)

type groupObject struct {
	Object         string  `json:"object"`
	ID             string  `json:"id"`
	OrganizationID string  `json:"organization_id"`
	Name           string  `json:"name"`
	Description    *string `json:"description"`
	CreatedAt      string  `json:"created_at"`
	UpdatedAt      string  `json:"updated_at"`
}

// groupMemberData is the data of the events of a member of a group.
type groupMemberData struct {
	GroupID      string `json:"group_id"`
	MembershipID string `json:"organization_membership_id"`
}

func (g *Group) object() groupObject {
	return groupObject{"group", g.ID, g.OrganizationID, g.Name, orNull(g.Description), timestamp(g.createdAt), timestamp(g.updatedAt)}
}

// AddGroup adds a group with its members, and returns it with its ID. It panics if the organization does not exist, if the ID
// exists, or if a member is not the ID of a membership in the organization.
func (f *Server) AddGroup(g Group) Group {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mustOrganization(g.OrganizationID)
	if f.groupByID(g.ID) != nil {
		panic(fmt.Sprintf("authkittest: AddGroup: there is a group %q already", g.ID))
	}
	for _, id := range g.Members {
		if m, apiErr := f.membershipByID(id); apiErr != nil || m.OrganizationID != g.OrganizationID {
			panic(fmt.Sprintf("authkittest: AddGroup: the organization has no membership %q", id))
		}
	}
	members := g.Members
	g.ID, g.Members = cmp.Or(g.ID, newID("group")), nil
	added := f.addGroup(g)
	for _, id := range members {
		f.addToGroup(added, id)
	}
	g = *added
	g.Members = slices.Clone(g.Members)
	return g
}

func (f *Server) addGroup(g Group) *Group {
	g.createdAt = f.clock.Now()
	g.updatedAt = g.createdAt
	f.groups = append(f.groups, &g)
	f.emit("group.created", g.OrganizationID, g.object())
	return &g
}

// removeGroup deletes a group. Its members lose the roles that they have by it.
func (f *Server) removeGroup(g *Group) {
	f.changeGroupRoles(g, func() { f.endGroupRoles(func(a *groupRole) bool { return a.groupID == g.ID }) })
	f.groups = slices.DeleteFunc(f.groups, func(other *Group) bool { return other == g })
	f.emit("group.deleted", g.OrganizationID, g.object())
}

func (f *Server) addToGroup(g *Group, membershipID string) {
	if !slices.Contains(g.Members, membershipID) {
		g.Members = append(g.Members, membershipID)
		f.emit("group.member_added", g.OrganizationID, groupMemberData{g.ID, membershipID})
		if f.hasOrganizationRoles(g) {
			f.emitNewRoles(membershipID)
		}
	}
}

// removeFromGroup removes a member from a group. It reports whether the group had the member.
func (f *Server) removeFromGroup(g *Group, membershipID string) bool {
	i := slices.Index(g.Members, membershipID)
	if i < 0 {
		return false
	}
	g.Members = slices.Delete(g.Members, i, i+1)
	f.emit("group.member_removed", g.OrganizationID, groupMemberData{g.ID, membershipID})
	if f.hasOrganizationRoles(g) {
		f.emitNewRoles(membershipID)
	}
	return true
}

// groupByID returns a group of any organization, or nil.
func (f *Server) groupByID(id string) *Group {
	if i := slices.IndexFunc(f.groups, func(g *Group) bool { return g.ID == id }); i >= 0 {
		return f.groups[i]
	}
	return nil
}

// groupsOf returns the groups that a member belongs to, oldest first.
func (f *Server) groupsOf(membershipID string) []*Group {
	return slices.DeleteFunc(slices.Clone(f.groups), func(g *Group) bool { return !slices.Contains(g.Members, membershipID) })
}

// groupsIn returns the groups of an organization, oldest first.
func (f *Server) groupsIn(organizationID string) []*Group {
	return slices.DeleteFunc(slices.Clone(f.groups), func(g *Group) bool { return g.OrganizationID != organizationID })
}

// groupOf returns the group in the path.
func (f *Server) groupOf(c *call) (*Group, *apiError) {
	i, apiErr := f.organizationOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	id := c.PathValue("group_id")
	g := f.groupByID(id)
	if g == nil || g.OrganizationID != f.organizations[i].ID {
		return nil, notFound("Group", id)
	}
	return g, nil
}

func groupPage(c *call, groups []*Group) (any, *apiError) {
	return page(c, groups, func(g *Group) string { return g.ID }, (*Group).object)
}

// groupFields are the members of the requests that create and update a group.
type groupFields struct {
	Name        optional[string] `json:"name"`
	Description nullable[string] `json:"description"`
}

// applyTo changes a group. If a member is invalid, it returns an error.
func (in groupFields) applyTo(g *Group) *apiError {
	switch {
	case in.Name.sent && strings.TrimSpace(in.Name.value) == "":
		return unprocessable("The name is empty.")
	case utf8.RuneCountInString(in.Name.value) > maxGroupName:
		return unprocessable("The name is longer than 256 characters.")
	case utf8.RuneCountInString(in.Description.value) > maxGroupDescription:
		return unprocessable("The description is longer than 150 characters.")
	}
	set(&g.Name, in.Name)
	setNullable(&g.Description, in.Description)
	return nil
}

// listGroups answers RouteListGroups.
func (f *Server) listGroups(c *call) (any, *apiError) {
	i, apiErr := f.organizationOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	return groupPage(c, f.groupsIn(f.organizations[i].ID))
}

// listMembershipGroups answers RouteListMembershipGroups.
func (f *Server) listMembershipGroups(c *call) (any, *apiError) {
	m, apiErr := f.membershipOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	return groupPage(c, f.groupsOf(m.ID))
}

// getGroup answers RouteGetGroup.
func (f *Server) getGroup(c *call) (any, *apiError) {
	g, apiErr := f.groupOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	return g.object(), nil
}

// createGroup answers RouteCreateGroup.
func (f *Server) createGroup(c *call) (any, *apiError) {
	i, apiErr := f.organizationOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	var in groupFields
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	if !in.Name.sent {
		return nil, unprocessable("The name is required.")
	}
	g := Group{ID: newID("group"), OrganizationID: f.organizations[i].ID}
	if apiErr := in.applyTo(&g); apiErr != nil {
		return nil, apiErr
	}
	return f.addGroup(g).object(), nil
}

// updateGroup answers RouteUpdateGroup.
func (f *Server) updateGroup(c *call) (any, *apiError) {
	g, apiErr := f.groupOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	var in groupFields
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	if apiErr := in.applyTo(g); apiErr != nil {
		return nil, apiErr
	}
	g.updatedAt = f.clock.Now()
	f.emit("group.updated", g.OrganizationID, g.object())
	return g.object(), nil
}

// deleteGroup answers RouteDeleteGroup.
func (f *Server) deleteGroup(c *call) (any, *apiError) {
	g, apiErr := f.groupOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	f.removeGroup(g)
	return nil, nil
}

// listGroupMembers answers RouteListGroupMembers. The memberships have neither roles nor a user.
func (f *Server) listGroupMembers(c *call) (any, *apiError) {
	g, apiErr := f.groupOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	members := slices.DeleteFunc(f.memberships(), func(m membershipRow) bool { return !slices.Contains(g.Members, m.ID) })
	return page(c, members, func(m membershipRow) string { return m.ID }, func(m membershipRow) membershipObject {
		o := f.membershipObject(m)
		o.User, o.Role, o.Roles = nil, nil, nil
		return o
	})
}

// addGroupMember answers RouteAddGroupMember. A member that the group has already is no error.
func (f *Server) addGroupMember(c *call) (any, *apiError) {
	g, apiErr := f.groupOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	var in struct {
		MembershipID optional[string] `json:"organization_membership_id"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	if in.MembershipID.value == "" {
		return nil, unprocessable("The organization_membership_id is required.")
	}
	m, apiErr := f.membershipByID(in.MembershipID.value)
	switch {
	case apiErr != nil:
		return nil, apiErr
	case m.OrganizationID != g.OrganizationID:
		return nil, notFound("Organization Membership", m.ID)
	}
	f.addToGroup(g, m.ID)
	return g.object(), nil
}

// removeGroupMember answers RouteRemoveGroupMember.
func (f *Server) removeGroupMember(c *call) (any, *apiError) {
	g, apiErr := f.groupOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	if id := c.PathValue("membership_id"); !f.removeFromGroup(g, id) {
		return nil, notFound("Organization Membership", id)
	}
	return nil, nil
}
