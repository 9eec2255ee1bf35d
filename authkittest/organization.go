// Organizations and their requirements at sign-in.

package authkittest

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Organization is a customer of the application under test.
type Organization struct {
	ID   string // "org_…"; derived from Name when empty
	Name string

	RequireMFA     bool     // a sign-in needs a second factor, unless it is single sign-on
	RequireSSO     bool     // a sign-in must use single sign-on, through one of Connections
	Connections    []string // IDs of single sign-on connections, "conn_…"; with RequireSSO, one is added when empty
	AllowedMethods []string // allowed authentication methods, such as "GoogleOAuth" or "SSO"; all when empty

	createdAt, updatedAt time.Time
}

func (o Organization) clone() Organization {
	o.Connections = slices.Clone(o.Connections)
	o.AllowedMethods = slices.Clone(o.AllowedMethods)
	return o
}

// withDefaults returns o with defaults for its empty fields.
func (o Organization) withDefaults() Organization {
	o.ID = cmp.Or(o.ID, stableID("org", o.Name))
	o.Name = cmp.Or(o.Name, o.ID)
	if o.RequireSSO && len(o.Connections) == 0 {
		o.Connections = []string{stableID("conn", o.ID)}
	}
	return o
}

type organizationObject struct {
	Object     string            `json:"object"`
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Domains    []string          `json:"domains"`  // always empty
	Metadata   map[string]string `json:"metadata"` // always empty
	ExternalID *string           `json:"external_id"`
	CreatedAt  string            `json:"created_at"`
	UpdatedAt  string            `json:"updated_at"`
}

func (o Organization) object() organizationObject {
	return organizationObject{
		Object: "organization", ID: o.ID, Name: o.Name, Domains: []string{}, Metadata: map[string]string{},
		CreatedAt: timestamp(o.createdAt), UpdatedAt: timestamp(o.updatedAt),
	}
}

// Organizations returns all organizations.
func (f *Server) Organizations() []Organization {
	f.mu.Lock()
	defer f.mu.Unlock()
	organizations := make([]Organization, len(f.organizations))
	for i, o := range f.organizations {
		organizations[i] = o.clone()
	}
	return organizations
}

// UpdateOrganization calls change to modify an organization, for example its requirements at sign-in. change must not call
// methods of the Server. UpdateOrganization panics if the organization does not exist.
func (f *Server) UpdateOrganization(id string, change func(*Organization)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.mustOrganization(id)
	o := f.organizations[i].clone()
	change(&o)
	o.ID = id // memberships refer to it
	o.createdAt, o.updatedAt = f.organizations[i].createdAt, f.clock.Now()
	o = o.clone().withDefaults()
	f.organizations[i] = o
	f.emit("organization.updated", id, o.object())
}

// AddOrganization adds an organization and returns it with its ID and other defaults. It panics if the ID exists.
func (f *Server) AddOrganization(o Organization) Organization {
	f.mu.Lock()
	defer f.mu.Unlock()
	if id := o.withDefaults().ID; f.hasOrganization(id) {
		panic(fmt.Sprintf("authkittest: AddOrganization: there is an organization %q already", id))
	}
	return f.addOrganization(o).clone()
}

// DeleteOrganization deletes an organization with its memberships, invitations and API keys. The next refresh of a session in
// it is answered organization_not_found. DeleteOrganization panics if the organization does not exist.
func (f *Server) DeleteOrganization(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.mustOrganization(id)
	deleted := f.organizations[i]
	f.revokeAPIKeys(func(k *apiKey) bool { return k.OrganizationID == id })
	for _, a := range f.accounts {
		if at := a.membershipIn(id); at >= 0 {
			f.removeMembership(membershipRow{a, &a.Memberships[at]})
		}
	}
	for _, i := range f.invitations {
		if i.organizationID == id && i.state(f.clock.Now()) == invitationPending {
			f.withdraw(i)
		}
	}
	f.organizations = slices.Delete(f.organizations, i, i+1)
	f.emit("organization.deleted", id, deleted.object())
}

func (f *Server) addOrganization(o Organization) Organization {
	o = o.clone().withDefaults()
	o.createdAt = f.clock.Now()
	o.updatedAt = o.createdAt
	f.organizations = append(f.organizations, o)
	f.emit("organization.created", o.ID, o.object())
	return o
}

func (f *Server) hasOrganization(id string) bool {
	_, found := f.organization(id)
	return found
}

func (f *Server) organization(id string) (Organization, bool) {
	for _, o := range f.organizations {
		if o.ID == id {
			return o, true
		}
	}
	return Organization{}, false
}

// organizationWith returns the organization of a single sign-on connection.
func (f *Server) organizationWith(connectionID string) (Organization, bool) {
	for _, o := range f.organizations {
		if slices.Contains(o.Connections, connectionID) {
			return o, true
		}
	}
	return Organization{}, false
}

func (f *Server) mustOrganization(id string) (index int) {
	i := slices.IndexFunc(f.organizations, func(o Organization) bool { return o.ID == id })
	if i < 0 {
		panic(fmt.Sprintf("authkittest: no organization %q", id))
	}
	return i
}
