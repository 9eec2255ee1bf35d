// Organizations and their requirements at sign-in.

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

	RequireMFA     bool     // a sign-in needs a second factor, unless it is single sign-on
	RequireSSO     bool     // a sign-in must use single sign-on, through one of Connections
	Connections    []string // IDs of single sign-on connections, "conn_…"; with RequireSSO, one is added when empty
	AllowedMethods []string // allowed authentication methods, such as "GoogleOAuth" or "SSO"; all when empty
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
