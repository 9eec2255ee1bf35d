// Organizations, and what they demand of a sign-in.

package authkittest

import (
	"cmp"
	"fmt"
	"slices"
)

// Organization is a customer of the application under test.
type Organization struct {
	ID   string // "org_…"; derived from Name when empty
	Name string

	RequireMFA     bool     // a sign-in takes a second factor, unless it is single sign-on
	RequireSSO     bool     // a sign-in takes one of Connections
	Connections    []string // IDs of its single sign-on connections, "conn_…"; with RequireSSO there is one at least
	AllowedMethods []string // authentication methods that lead in, such as "GoogleOAuth" or "SSO"; every one when empty
}

func (o Organization) clone() Organization {
	o.Connections = slices.Clone(o.Connections)
	o.AllowedMethods = slices.Clone(o.AllowedMethods)
	return o
}

// withDefaults fills in what the caller left open.
func (o Organization) withDefaults() Organization {
	o.ID = cmp.Or(o.ID, stableID("org", o.Name))
	o.Name = cmp.Or(o.Name, o.ID)
	if o.RequireSSO && len(o.Connections) == 0 {
		o.Connections = []string{stableID("conn", o.ID)}
	}
	return o
}

// Organizations returns the organizations in the directory.
func (f *Server) Organizations() []Organization {
	f.mu.Lock()
	defer f.mu.Unlock()
	organizations := make([]Organization, len(f.organizations))
	for i, o := range f.organizations {
		organizations[i] = o.clone()
	}
	return organizations
}

// UpdateOrganization lets change alter an organization, such as what it demands of a sign-in from now on. It panics when
// there is none with this ID. change must not call the fake.
func (f *Server) UpdateOrganization(id string, change func(*Organization)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.mustOrganization(id)
	o := f.organizations[i].clone()
	change(&o)
	o.ID = id // memberships refer to it
	f.organizations[i] = o.clone().withDefaults()
}

func (f *Server) addOrganization(o Organization) {
	f.organizations = append(f.organizations, o.clone().withDefaults())
}

func (f *Server) organization(id string) (Organization, bool) {
	for _, o := range f.organizations {
		if o.ID == id {
			return o, true
		}
	}
	return Organization{}, false
}

// organizationWith finds the organization that a single sign-on connection belongs to.
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
