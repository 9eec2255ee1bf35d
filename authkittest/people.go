// The directory: who can sign in, to which organizations, with which rights.

package authkittest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Organization is a customer of the application under test.
type Organization struct {
	ID   string // "org_…"; derived from Name when empty
	Name string
}

// Membership is what a person is and may do in one organization. It becomes the claims of the tokens minted for it.
type Membership struct {
	OrganizationID string
	Role           string   // highest-priority role; by default the first of Roles, else "member"
	Roles          []string // every role; Role is added when it is missing
	Permissions    []string
	Entitlements   []string
	FeatureFlags   []string
}

// Person is somebody who can sign in.
type Person struct {
	ID                string // "user_…"; derived from Email when empty, so that it is the same in every run
	Email             string
	FirstName         string
	LastName          string
	ProfilePictureURL string
	ExternalID        string
	Locale            string
	Metadata          map[string]string
	Memberships       []Membership

	// AuthenticationMethod is how the person signs in where the authorization request does not say; the default is "Password".
	AuthenticationMethod string

	// Claims are added to every access token, as a JWT template adds them: they may replace any claim but iss, sub, exp,
	// iat, nbf and jti. Production refuses a template that renders to more than 3072 bytes; the fake does not, so that a
	// test can mint tokens of any size.
	Claims map[string]any
}

// Name is the person's full name, or the address of one who gave none.
func (p Person) Name() string {
	if name := p.fullName(); name != "" {
		return name
	}
	return p.Email
}

func (p Person) fullName() string {
	return strings.TrimSpace(p.FirstName + " " + p.LastName)
}

// membership finds what the person is in one organization.
func (p Person) membership(organizationID string) (Membership, bool) {
	for _, m := range p.Memberships {
		if m.OrganizationID == organizationID {
			return m, true
		}
	}
	return Membership{}, false
}

// clone copies everything that a caller could change behind the fake's back; Claims are copied one level deep.
func (p Person) clone() Person {
	p.Metadata = maps.Clone(p.Metadata)
	p.Claims = maps.Clone(p.Claims)
	p.Memberships = slices.Clone(p.Memberships)
	for i, m := range p.Memberships {
		p.Memberships[i].Roles = slices.Clone(m.Roles)
		p.Memberships[i].Permissions = slices.Clone(m.Permissions)
		p.Memberships[i].Entitlements = slices.Clone(m.Entitlements)
		p.Memberships[i].FeatureFlags = slices.Clone(m.FeatureFlags)
	}
	return p
}

// withDefaults fills in what the caller left open.
func (p Person) withDefaults() Person {
	if p.ID == "" {
		p.ID = stableID("user", strings.ToLower(p.Email))
	}
	if p.AuthenticationMethod == "" {
		p.AuthenticationMethod = "Password"
	}
	return p
}

// allRoles lists every role, the one of highest priority first or wherever Roles has it.
func (m Membership) allRoles() []string {
	if slices.Contains(m.Roles, m.role()) {
		return m.Roles
	}
	return append([]string{m.role()}, m.Roles...)
}

func (m Membership) role() string {
	switch {
	case m.Role != "":
		return m.Role
	case len(m.Roles) > 0:
		return m.Roles[0]
	default:
		return "member"
	}
}

// account is a person with what the directory knows about them besides.
type account struct {
	Person
	createdAt    time.Time
	updatedAt    time.Time
	lastSignInAt time.Time
}

// People returns everybody in the directory, in the order in which they joined.
func (f *AuthKit) People() []Person {
	f.mu.Lock()
	defer f.mu.Unlock()
	people := make([]Person, len(f.accounts))
	for i, a := range f.accounts {
		people[i] = a.Person.clone()
	}
	return people
}

// Organizations returns the organizations in the directory.
func (f *AuthKit) Organizations() []Organization {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.organizations)
}

// AddPerson puts p into the directory and returns it with its ID and other defaults filled in. It panics when the
// address is taken.
func (f *AuthKit) AddPerson(p Person) Person {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.accountByEmail(p.Email) != nil {
		panic(fmt.Sprintf("authkittest: the address %q is taken", p.Email))
	}
	return f.addPerson(p).Person.clone()
}

// UpdatePerson lets change alter the person with this address: a role, memberships, claims. Tokens minted from then on
// show it; those already minted do not, as in production. It panics when nobody has the address. change must not call
// the fake.
func (f *AuthKit) UpdatePerson(email string, change func(*Person)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.mustAccount(email)
	p := a.Person.clone()
	change(&p)
	p.ID = a.ID // sessions refer to it
	a.Person = p.clone().withDefaults()
	a.updatedAt = f.clock.Now()
	f.addOrganizationsOf(a.Person)
}

func (f *AuthKit) addPerson(p Person) *account {
	now := f.clock.Now()
	a := &account{Person: p.clone().withDefaults(), createdAt: now, updatedAt: now}
	f.accounts = append(f.accounts, a)
	f.addOrganizationsOf(a.Person)
	return a
}

func (f *AuthKit) addOrganization(o Organization) {
	if o.ID == "" {
		o.ID = stableID("org", o.Name)
	}
	if o.Name == "" {
		o.Name = o.ID
	}
	f.organizations = append(f.organizations, o)
}

func (f *AuthKit) addOrganizationsOf(p Person) {
	for _, m := range p.Memberships {
		if _, known := f.organization(m.OrganizationID); !known {
			f.addOrganization(Organization{ID: m.OrganizationID})
		}
	}
}

func (f *AuthKit) accountByID(id string) *account {
	return f.findAccount(func(a *account) bool { return a.ID == id })
}

func (f *AuthKit) accountByEmail(email string) *account {
	return f.findAccount(func(a *account) bool { return strings.EqualFold(a.Email, email) })
}

func (f *AuthKit) findAccount(match func(*account) bool) *account {
	if i := slices.IndexFunc(f.accounts, match); i >= 0 {
		return f.accounts[i]
	}
	return nil
}

func (f *AuthKit) mustAccount(email string) *account {
	a := f.accountByEmail(email)
	if a == nil {
		panic(fmt.Sprintf("authkittest: nobody has the address %q", email))
	}
	return a
}

func (f *AuthKit) organization(id string) (Organization, bool) {
	for _, o := range f.organizations {
		if o.ID == id {
			return o, true
		}
	}
	return Organization{}, false
}
