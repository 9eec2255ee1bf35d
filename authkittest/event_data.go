// The data of events: what has changed, and how an authentication has ended.

package authkittest

import (
	"reflect"
	"slices"
	"strings"
)

// userChanged notes that a user has changed, but not its memberships.
func (f *Server) userChanged(user *account) {
	user.updatedAt = f.clock.Now()
	f.emit("user.updated", "", user.object())
}

// emitMembership adds the event organization_membership.created, .updated or .deleted. Its data are the object without the user
// and the name of the organization, as at WorkOS.
func (f *Server) emitMembership(change string, m membershipRow) {
	if change == "deleted" {
		f.endAssignments(func(a *roleAssignment) bool { return a.membershipID == m.ID })
		for _, g := range f.groupsOf(m.ID) {
			f.removeFromGroup(g, m.ID)
		}
		f.disconnect(func(owner accountOwner) bool {
			return owner.userID == m.user.ID && owner.organizationID == m.OrganizationID
		})
	}
	o := f.membershipObject(m)
	o.User, o.OrganizationName = nil, ""
	f.emit("organization_membership."+change, m.OrganizationID, o)
}

// emitChanges adds the events of the differences between a user and its earlier state.
func (f *Server) emitChanges(user *account, before User) {
	withoutMemberships := func(u User) User {
		u.Memberships = nil
		return u
	}
	if !reflect.DeepEqual(withoutMemberships(user.User), withoutMemberships(before)) {
		f.userChanged(user)
	}
	for i := range before.Memberships {
		old := before.Memberships[i]
		if !slices.ContainsFunc(user.Memberships, func(m Membership) bool { return m.ID == old.ID }) {
			f.emitMembership("deleted", membershipRow{user, &old})
		}
	}
	for i := range user.Memberships {
		m := &user.Memberships[i]
		at := slices.IndexFunc(before.Memberships, func(old Membership) bool { return m.ID == old.ID })
		if at < 0 {
			m.createdAt = f.clock.Now()
			m.updatedAt = m.createdAt
			f.emitMembership("created", membershipRow{user, m})
			continue
		}
		old := before.Memberships[at]
		m.createdAt, m.updatedAt = old.createdAt, old.updatedAt // a test can replace the whole Membership
		if !reflect.DeepEqual(*m, old) {
			m.updatedAt = f.clock.Now()
			f.emitMembership("updated", membershipRow{user, m})
		}
	}
}

// attemptObject is the outcome of an authentication.
type attemptObject struct {
	Type      string          `json:"type"`
	Status    string          `json:"status"`
	UserID    *string         `json:"user_id"`
	Email     *string         `json:"email"`
	IPAddress *string         `json:"ip_address"`
	UserAgent *string         `json:"user_agent"`
	SSO       *attemptSSO     `json:"sso,omitempty"`
	Error     *attemptFailure `json:"error,omitempty"`
}

type attemptSSO struct {
	OrganizationID *string `json:"organization_id"`
	ConnectionID   *string `json:"connection_id"`
	SessionID      *string `json:"session_id"`
}

type attemptFailure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// emitGrant adds the event of a grant: that its proof was right, or the error. user is nil for an unknown email address.
func (f *Server) emitGrant(kind string, user *account, p parameters, apiErr *apiError) {
	o := attemptObject{Type: kind, Status: "succeeded", Email: orNull(p["email"]), IPAddress: orNull(p["ip_address"]), UserAgent: orNull(p["user_agent"])}
	if user != nil {
		o.UserID, o.Email = &user.ID, &user.Email
	}
	if apiErr != nil {
		o.Status, o.Error = "failed", &attemptFailure{apiErr.Code, apiErr.Message}
	}
	f.emit("authentication."+kind+"_"+o.Status, "", o)
}

// emitSignIn adds the event of a sign-in on the pages, with the authentication method of result. A method without an event, such
// as ExternalAuth, has none.
func (f *Server) emitSignIn(result signInResult) {
	kind := attemptKind(result.method)
	if kind == "" {
		return
	}
	user := f.accountByID(result.userID)
	o := attemptObject{
		Type: kind, Status: "succeeded", UserID: &user.ID, Email: &user.Email,
		IPAddress: orNull(result.ipAddress), UserAgent: orNull(result.userAgent),
	}
	organizationID := ""
	if kind == "sso" {
		organizationID = result.organizationID
		o.SSO = &attemptSSO{OrganizationID: orNull(organizationID)}
		if organization, _ := f.organization(organizationID); len(organization.Connections) > 0 {
			o.SSO.ConnectionID = &organization.Connections[0]
		}
	}
	f.emit("authentication."+kind+"_succeeded", organizationID, o)
}

// attemptKind returns the part of the type of an event that is for an authentication method, or "" for none.
func attemptKind(method string) string {
	switch {
	case method == "MagicAuth":
		return "magic_auth"
	case method == "Passkey", method == "Password", method == "SSO":
		return strings.ToLower(method)
	case strings.HasSuffix(method, "OAuth"):
		return "oauth"
	default:
		return ""
	}
}
