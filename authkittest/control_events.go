// The control handler: events, memberships and deletions.

package authkittest

import (
	"encoding/json"
	"net/http"
	"slices"
)

// controlEvents answers GET /events.
func (f *Server) controlEvents(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	events := []json.RawMessage{}
	for _, e := range f.keptEvents() {
		if types := r.URL.Query()["type"]; len(types) == 0 || slices.Contains(types, e.Type) {
			events = append(events, e.wire)
		}
	}
	f.mu.Unlock()
	write(w, http.StatusOK, events)
}

// controlEmit answers POST /emit.
func (f *Server) controlEmit(w http.ResponseWriter, r *http.Request) {
	typ, data := r.FormValue("type"), r.FormValue("data")
	if data == "" {
		data = "null"
	}
	if typ == "" || !json.Valid([]byte(data)) {
		write(w, http.StatusBadRequest, &apiError{Message: "POST /emit takes type and data, which is JSON."})
		return
	}
	write(w, http.StatusOK, map[string]string{"id": f.EmitEvent(typ, json.RawMessage(data)).ID})
}

// controlMembership answers POST /membership.
func (f *Server) controlMembership(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	object, apiErr := f.setMembership(r.FormValue("email"), r.FormValue("organization"), r.FormValue("role"), r.FormValue("remove") != "")
	f.mu.Unlock()
	if apiErr != nil {
		apiErr.write(w)
		return
	}
	write(w, http.StatusOK, object)
}

// setMembership gives a user a role in an organization, or removes the user from it, and returns the membership. The
// organization is an ID or a name.
func (f *Server) setMembership(email, organization, role string, remove bool) (any, *apiError) {
	user := f.accountByEmail(email)
	i := f.organizationNamed(organization)
	if user == nil || i < 0 {
		return nil, &apiError{
			status: http.StatusNotFound, Message: "No such user or organization. POST /membership takes email, organization, and role or remove.",
		}
	}
	at := user.membershipIn(f.organizations[i].ID)
	switch {
	case remove == (role != ""):
		return nil, &apiError{Message: "POST /membership takes either role or remove."}
	case remove && at < 0:
		return nil, &apiError{status: http.StatusNotFound, Message: "The user is not a member of the organization."}
	case remove:
		m := membershipRow{user, &user.Memberships[at]}
		object := f.membershipObject(m)
		f.removeMembership(m)
		return object, nil
	}
	slugs, apiErr := f.rolesIn(f.organizations[i].ID, roleFields{Slug: optional[string]{sent: true, value: role}})
	if apiErr != nil {
		return nil, apiErr
	}
	m, change := f.memberIn(user, f.organizations[i].ID)
	m.Status = MembershipActive
	f.assign(m.Membership, slugs)
	if len(f.settings.roles) == 0 {
		m.Permissions = f.permissionsAtStart(m.OrganizationID, role)
	}
	f.emitMembership(change, m)
	return f.membershipObject(m), nil
}

// organizationNamed returns the index of the organization with an ID or a name, or -1.
func (f *Server) organizationNamed(name string) int {
	return slices.IndexFunc(f.organizations, func(o Organization) bool { return o.ID == name || o.Name == name })
}

// permissionsAtStart returns the permissions of the first member of an organization who had a role when the fake started.
func (f *Server) permissionsAtStart(organizationID, role string) []string {
	for _, m := range f.startMemberships {
		if m.OrganizationID == organizationID && m.Role == role {
			return slices.Clone(m.Permissions)
		}
	}
	return nil
}

// memberIn returns the membership of a user in an organization, and whether it was "created" or is "updated".
func (f *Server) memberIn(user *account, organizationID string) (m membershipRow, change string) {
	at := user.membershipIn(organizationID)
	if at >= 0 {
		return membershipRow{user, &user.Memberships[at]}, "updated"
	}
	now := f.clock.Now()
	user.Memberships = append(user.Memberships, Membership{
		ID: newID("om"), OrganizationID: organizationID, Status: MembershipActive, createdAt: now, updatedAt: now,
	})
	return membershipRow{user, &user.Memberships[len(user.Memberships)-1]}, "created"
}

// controlDelete answers POST /delete.
func (f *Server) controlDelete(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	deleted := f.deleteNamed(r.FormValue("email"), r.FormValue("api_key"))
	f.mu.Unlock()
	if deleted == 0 {
		write(w, http.StatusNotFound, &apiError{Message: "No such user or API key. POST /delete takes email or api_key, which is an ID or a name."})
		return
	}
	write(w, http.StatusOK, map[string]int{"deleted": deleted})
}

// deleteNamed deletes a user, or the API keys with an ID or a name, and returns how many it has deleted.
func (f *Server) deleteNamed(email, key string) (deleted int) {
	if user := f.accountByEmail(email); user != nil {
		f.removeUser(user)
		return 1
	}
	if key == "" { // a key may have no name
		return 0
	}
	return f.revokeAPIKeys(func(k *apiKey) bool { return k.ID == key || k.Name == key })
}
