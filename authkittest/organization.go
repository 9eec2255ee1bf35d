// Organizations and their requirements at sign-in.

package authkittest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Organization is a customer of the application under test.
type Organization struct {
	ID   string // "org_…"; derived from Name when empty
	Name string

	ExternalID       string // the application's ID of the organization
	StripeCustomerID string
	Metadata         map[string]string
	Domains          []Domain

	RequireMFA     bool     // a sign-in needs a second factor, unless it is single sign-on
	RequireSSO     bool     // a sign-in must use single sign-on, through one of Connections
	Connections    []string // IDs of single sign-on connections, "conn_…"; with RequireSSO, one is added when empty
	AllowedMethods []string // allowed authentication methods, such as "GoogleOAuth" or "SSO"; all when empty

	createdAt, updatedAt time.Time
}

func (o Organization) clone() Organization {
	o.Connections = slices.Clone(o.Connections)
	o.Metadata = maps.Clone(o.Metadata)
	o.Domains = slices.Clone(o.Domains)
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
	for i, d := range o.Domains {
		o.Domains[i] = d.withDefaults()
	}
	return o
}

type organizationObject struct {
	Object           string            `json:"object"`
	ID               string            `json:"id"`
	Name             string            `json:"name"`
	Domains          []domainObject    `json:"domains"`
	Metadata         map[string]string `json:"metadata"`
	ExternalID       *string           `json:"external_id"`
	StripeCustomerID string            `json:"stripe_customer_id,omitempty"`
	OutsideProfiles  bool              `json:"allow_profiles_outside_organization"` // deprecated; always false
	CreatedAt        string            `json:"created_at"`
	UpdatedAt        string            `json:"updated_at"`
}

func (o Organization) object() organizationObject {
	object := organizationObject{
		Object: "organization", ID: o.ID, Name: o.Name, Domains: []domainObject{}, Metadata: map[string]string{},
		ExternalID: orNull(o.ExternalID), StripeCustomerID: o.StripeCustomerID,
		CreatedAt: timestamp(o.createdAt), UpdatedAt: timestamp(o.updatedAt),
	}
	maps.Copy(object.Metadata, o.Metadata)
	for _, d := range o.Domains {
		object.Domains = append(object.Domains, d.object(o.ID))
	}
	return object
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
	f.replaceOrganization(i, o)
}

// replaceOrganization replaces the organization at index i by o, which has the same ID.
func (f *Server) replaceOrganization(i int, o Organization) Organization {
	before := f.organizations[i]
	o = o.clone().withDefaults()
	o.createdAt, o.updatedAt = before.createdAt, f.clock.Now()
	o.Domains = datedDomains(o.Domains, before.Domains, o.updatedAt)
	f.organizations[i] = o
	f.emit("organization.updated", o.ID, o.object())
	f.emitDomains(o.ID, o.Domains, before.Domains)
	return o
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

// DeleteOrganization deletes an organization with its memberships, groups, resources, invitations and API keys. The next refresh
// of a session in it is answered organization_not_found. DeleteOrganization panics if the organization does not exist.
func (f *Server) DeleteOrganization(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.removeOrganization(f.mustOrganization(id))
}

func (f *Server) removeOrganization(i int) {
	deleted := f.organizations[i]
	id := deleted.ID
	f.revokeAPIKeys(func(k *apiKey) bool { return k.OrganizationID == id })
	for _, a := range f.accounts {
		if at := a.membershipIn(id); at >= 0 {
			f.removeMembership(membershipRow{a, &a.Memberships[at]})
		}
	}
	for _, g := range f.groupsIn(id) {
		f.removeGroup(g)
	}
	f.resources = slices.DeleteFunc(f.resources, func(r *Resource) bool { return r.OrganizationID == id })
	for _, i := range f.invitations {
		if i.organizationID == id && i.state(f.clock.Now()) == invitationPending {
			f.withdraw(i)
		}
	}
	f.roleDefinitions = slices.DeleteFunc(f.roleDefinitions, func(r *role) bool { return r.organizationID == id })
	delete(f.auditSettings, id)
	f.organizations = slices.Delete(f.organizations, i, i+1)
	f.emit("organization.deleted", id, deleted.object())
}

func (f *Server) addOrganization(o Organization) Organization {
	o = o.clone().withDefaults()
	o.createdAt = f.clock.Now()
	o.updatedAt = o.createdAt
	o.Domains = datedDomains(o.Domains, nil, o.createdAt)
	f.organizations = append(f.organizations, o)
	f.emit("organization.created", o.ID, o.object())
	f.emitDomains(o.ID, o.Domains, nil)
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
