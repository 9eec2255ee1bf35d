// API calls for organization memberships.

package authkittest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

type roleObject struct {
	Slug string `json:"slug"`
}

type membershipObject struct {
	Object           string         `json:"object"`
	ID               string         `json:"id"`
	UserID           string         `json:"user_id"`
	OrganizationID   string         `json:"organization_id"`
	OrganizationName string         `json:"organization_name,omitempty"` // not in events
	Status           string         `json:"status"`
	DirectoryManaged bool           `json:"directory_managed"`
	Role             *roleObject    `json:"role,omitempty"` // not in lists of the members of a group, as Roles
	Roles            []roleObject   `json:"roles,omitempty"`
	CustomAttributes map[string]any `json:"custom_attributes"`
	User             *userObject    `json:"user,omitempty"` // not in events
	CreatedAt        string         `json:"created_at"`
	UpdatedAt        string         `json:"updated_at"`
}

// membershipRow is a membership and its user.
type membershipRow struct {
	user *account
	*Membership
}

func (m membershipRow) created() time.Time { return firstTime(m.createdAt, m.user.createdAt) }

func (f *Server) membershipObject(m membershipRow) membershipObject {
	o, _ := f.organization(m.OrganizationID)
	roles := f.withGroupRoles(*m.Membership)
	user := m.user.object()
	object := membershipObject{
		Object: "organization_membership", ID: m.ID, UserID: m.user.ID, OrganizationID: m.OrganizationID, OrganizationName: o.Name,
		Status: m.Status, Role: &roleObject{roles.role()}, CustomAttributes: map[string]any{}, User: &user,
		CreatedAt: timestamp(m.created()), UpdatedAt: timestamp(firstTime(m.updatedAt, m.created())),
	}
	for _, slug := range roles.allRoles() {
		object.Roles = append(object.Roles, roleObject{slug})
	}
	return object
}

// memberships returns the memberships of all users, oldest first.
func (f *Server) memberships() []membershipRow {
	var rows []membershipRow
	for _, user := range f.accounts {
		for i := range user.Memberships {
			rows = append(rows, membershipRow{user, &user.Memberships[i]})
		}
	}
	slices.SortStableFunc(rows, func(a, b membershipRow) int { return a.created().Compare(b.created()) })
	return rows
}

// membershipOf returns the membership whose ID is in the path.
func (f *Server) membershipOf(c *call) (membershipRow, *apiError) {
	return f.membershipByID(c.PathValue("id"))
}

func (f *Server) membershipByID(id string) (membershipRow, *apiError) {
	for _, m := range f.memberships() {
		if m.ID == id {
			return m, nil
		}
	}
	return membershipRow{}, notFound("Organization Membership", id)
}

// roleFields are the two alternative members for roles. A request can use one of them.
type roleFields struct {
	Slug  optional[string]   `json:"role_slug"`
	Slugs optional[[]string] `json:"role_slugs"`
}

// rolesIn returns the roles in a request for an organization, the one with the highest priority first.
func (f *Server) rolesIn(organizationID string, in roleFields) ([]string, *apiError) {
	slugs := in.Slugs.value
	switch {
	case in.Slug.sent && in.Slugs.sent:
		return nil, invalid(fieldProblem{Field: "role_slugs", Code: "conflict"})
	case in.Slug.sent:
		slugs = []string{in.Slug.value}
	case in.Slugs.sent && len(slugs) == 0:
		return nil, invalid(fieldProblem{Field: "role_slugs", Code: "required"})
	case f.settings.singleRole && len(slugs) > 1:
		return nil, &apiError{
			status: http.StatusUnprocessableEntity, Code: "multiple_roles_not_enabled", Message: "Multiple roles are not enabled.",
		}
	}
	for _, slug := range slugs {
		if !f.knowsRole(organizationID, slug) {
			return nil, &apiError{status: http.StatusUnprocessableEntity, Code: "invalid_role", Message: "There is no role '" + slug + "'."}
		}
	}
	return slugs, nil
}

// createMembership answers RouteCreateMembership. WorkOS does not document the error for a user who is already an active
// member. The status is that of the official emulator.
func (f *Server) createMembership(c *call) (any, *apiError) {
	var in struct {
		UserID         optional[string] `json:"user_id"`
		OrganizationID optional[string] `json:"organization_id"`
		roleFields
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	switch {
	case in.UserID.value == "":
		return nil, required("user_id")
	case in.OrganizationID.value == "":
		return nil, required("organization_id")
	}
	slugs, apiErr := f.rolesIn(in.OrganizationID.value, in.roleFields)
	if apiErr != nil {
		return nil, apiErr
	}
	user := f.accountByID(in.UserID.value)
	if user == nil {
		return nil, notFound("User", in.UserID.value)
	}
	if _, exists := f.organization(in.OrganizationID.value); !exists {
		return nil, notFound("Organization", in.OrganizationID.value)
	}
	m, change := f.memberIn(user, in.OrganizationID.value)
	switch {
	case change == "created":
	case m.Status == MembershipPending:
		return nil, pendingMembership("cannot_reactivate_pending_organization_membership")
	case m.Status == MembershipActive:
		return nil, &apiError{
			status: http.StatusConflict, Code: "organization_membership_already_exists", Message: "The user is a member already.",
		}
	}
	m.Status, m.updatedAt = MembershipActive, f.clock.Now()
	f.assign(m.Membership, slugs)
	f.emitMembership(change, m)
	return f.membershipObject(m), nil
}

// getMembership answers RouteGetMembership.
func (f *Server) getMembership(c *call) (any, *apiError) {
	m, apiErr := f.membershipOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	return f.membershipObject(m), nil
}

// listMemberships answers RouteListMemberships. Several statuses are separated by commas, or sent as several parameters
// named statuses or statuses[].
func (f *Server) listMemberships(c *call) (any, *apiError) {
	q := c.URL.Query()
	userID, organizationID := q.Get("user_id"), q.Get("organization_id")
	if userID == "" && organizationID == "" {
		return nil, plainError("missing_user_id_or_organization_id", "Either user_id or organization_id is required.")
	}
	statuses := []string{MembershipActive}
	if asked := strings.Join(append(q["statuses"], q["statuses[]"]...), ","); asked != "" {
		statuses = strings.Split(asked, ",")
	}
	for _, status := range statuses {
		if !slices.Contains([]string{MembershipActive, MembershipInactive, MembershipPending}, status) {
			return nil, invalid(fieldProblem{Field: "statuses", Code: "invalid"})
		}
	}
	rows := slices.DeleteFunc(f.memberships(), func(m membershipRow) bool {
		return userID != "" && m.user.ID != userID || organizationID != "" && m.OrganizationID != organizationID ||
			!slices.Contains(statuses, m.Status)
	})
	return page(c, rows, func(m membershipRow) string { return m.ID }, f.membershipObject)
}

// updateMembership answers RouteUpdateMembership.
func (f *Server) updateMembership(c *call) (any, *apiError) {
	m, apiErr := f.membershipOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	var in roleFields
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	slugs, apiErr := f.rolesIn(m.OrganizationID, in)
	if apiErr != nil {
		return nil, apiErr
	}
	if len(slugs) > 0 {
		f.assign(m.Membership, slugs)
		f.emitMembership("updated", m)
	}
	return f.membershipObject(m), nil
}

// deactivateMembership answers RouteDeactivateMembership.
func (f *Server) deactivateMembership(c *call) (any, *apiError) {
	return f.setStatus(c, MembershipInactive, "cannot_deactivate_pending_organization_membership")
}

// reactivateMembership answers RouteReactivateMembership.
func (f *Server) reactivateMembership(c *call) (any, *apiError) {
	return f.setStatus(c, MembershipActive, "cannot_reactivate_pending_organization_membership")
}

func (f *Server) setStatus(c *call, status, codeOfPending string) (any, *apiError) {
	m, apiErr := f.membershipOf(c)
	switch {
	case apiErr != nil:
		return nil, apiErr
	case m.Status == MembershipPending:
		return nil, pendingMembership(codeOfPending)
	case m.Status != status:
		m.Status, m.updatedAt = status, f.clock.Now()
		f.emitMembership("updated", m)
	}
	return f.membershipObject(m), nil
}

func pendingMembership(code string) *apiError {
	return plainError(code, "The membership is pending.")
}

// deleteMembership answers RouteDeleteMembership.
func (f *Server) deleteMembership(c *call) (any, *apiError) {
	m, apiErr := f.membershipOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	f.removeMembership(m)
	return nil, nil
}

// removeMembership deletes a membership.
func (f *Server) removeMembership(m membershipRow) {
	removed := *m.Membership
	m.user.Memberships = slices.DeleteFunc(slices.Clone(m.user.Memberships), func(m Membership) bool { return m.ID == removed.ID })
	f.emitMembership("deleted", membershipRow{m.user, &removed})
}
