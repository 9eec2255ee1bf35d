// The directory: who can sign in.

package authkittest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// User is somebody who can sign in. Printing one shows no more than the address.
type User struct {
	ID                string // "user_…"; derived from Email when empty, so that it is the same in every run
	Email             string
	FirstName         string
	LastName          string
	FullName          string // in place of FirstName and LastName, where they are shown together
	ProfilePictureURL string
	ExternalID        string
	Locale            string
	Metadata          map[string]string
	Memberships       []Membership
	Identities        []Identity // what the person has connected for sign-in through a provider

	// Password signs the person in by the password grant; without one that grant refuses them. The sign-in page asks for none.
	Password        string `json:"-"`
	EmailUnverified bool   // the address still has to be verified: by the code that the first sign-in mails
	RequireMFA      bool   // signing in by the API takes a second factor, whatever the organization says

	// Factors are the authenticator apps of the person. Signing in by the API asks those who have one for its code.
	Factors []Factor

	// AuthenticationMethod is how the person signs in where the authorization request does not say; the default is "Password".
	AuthenticationMethod string

	// Claims are added to every access token, as a JWT template adds them: they may replace any claim but iss, sub, exp,
	// iat, nbf and jti. Production refuses a template that renders to more than 3072 bytes; the fake does not, so that a
	// test can mint tokens of any size.
	Claims map[string]any
}

// Identity is an account of a person at an OAuth provider.
type Identity struct {
	Provider string // such as "GoogleOAuth"
	ID       string // at the provider
}

// String tells the address, and neither the password nor a factor's secret.
func (p User) String() string { return "authkittest.User(" + p.Email + ")" }

// GoString is String, for %#v.
func (p User) GoString() string { return p.String() }

// Name is the person's full name, or the address of one who gave none.
func (p User) Name() string {
	if name := p.fullName(); name != "" {
		return name
	}
	return p.Email
}

func (p User) fullName() string {
	return cmp.Or(p.FullName, strings.TrimSpace(p.FirstName+" "+p.LastName))
}

// membership finds what the person is in one organization, if it is active there.
func (p User) membership(organizationID string) (Membership, bool) {
	if i := p.membershipIn(organizationID); i >= 0 && p.Memberships[i].Status == MembershipActive {
		return p.Memberships[i], true
	}
	return Membership{}, false
}

// membershipIn is the index of the membership in an organization, whatever its status, or -1.
func (p User) membershipIn(organizationID string) int {
	return slices.IndexFunc(p.Memberships, func(m Membership) bool { return m.OrganizationID == organizationID })
}

func (p User) activeMemberships() []Membership {
	return slices.DeleteFunc(slices.Clone(p.Memberships), func(m Membership) bool { return m.Status != MembershipActive })
}

// clone copies everything that a caller could change behind the fake's back; Claims are copied one level deep.
func (p User) clone() User {
	p.Metadata = maps.Clone(p.Metadata)
	p.Claims = maps.Clone(p.Claims)
	p.Identities = slices.Clone(p.Identities)
	p.Factors = slices.Clone(p.Factors)
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
func (p User) withDefaults() User {
	if p.ID == "" {
		p.ID = stableID("user", strings.ToLower(p.Email))
	}
	if p.AuthenticationMethod == "" {
		p.AuthenticationMethod = "Password"
	}
	for i := range p.Memberships {
		m := &p.Memberships[i]
		m.ID = cmp.Or(m.ID, stableID("om", p.ID+m.OrganizationID))
		m.Status = cmp.Or(m.Status, MembershipActive)
	}
	for i := range p.Factors {
		p.Factors[i] = p.Factors[i].withDefaults(p.Email)
	}
	return p
}

// account is a person with what the directory knows about them besides.
type account struct {
	User
	createdAt    time.Time
	updatedAt    time.Time
	lastSignInAt time.Time
}

// Users returns everybody in the directory, in the order in which they joined.
func (f *Server) Users() []User {
	f.mu.Lock()
	defer f.mu.Unlock()
	people := make([]User, len(f.accounts))
	for i, a := range f.accounts {
		people[i] = a.User.clone()
	}
	return people
}

// AddUser puts p into the directory and returns it with its ID and other defaults filled in. It panics when the
// address is taken.
func (f *Server) AddUser(p User) User {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.accountByEmail(p.Email) != nil {
		panic(fmt.Sprintf("authkittest: the address %q is taken", p.Email))
	}
	return f.addPerson(p).User.clone()
}

// UpdateUser lets change alter the person with this address: a role, memberships, claims. Tokens minted from then on
// show it; those already minted do not, as in production. It panics when nobody has the address. change must not call
// the fake.
func (f *Server) UpdateUser(email string, change func(*User)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.mustAccount(email)
	p := a.User.clone()
	change(&p)
	p.ID = a.ID // sessions refer to it
	a.User = p.clone()
	a.updatedAt = f.clock.Now()
	f.applyDefaults(a)
}

func (f *Server) addPerson(p User) *account {
	now := f.clock.Now()
	a := &account{User: p.clone(), createdAt: now, updatedAt: now}
	f.applyDefaults(a)
	f.accounts = append(f.accounts, a)
	return a
}

// settle fills in what a change to an account has left open, and makes the organizations that it names exist.
func (f *Server) applyDefaults(a *account) {
	a.User = a.User.withDefaults()
	for _, m := range a.Memberships {
		if _, known := f.organization(m.OrganizationID); !known {
			f.addOrganization(Organization{ID: m.OrganizationID})
		}
	}
}

func (f *Server) accountByID(id string) *account {
	return f.findAccount(func(a *account) bool { return a.ID == id })
}

func (f *Server) accountByEmail(email string) *account {
	return f.findAccount(func(a *account) bool { return strings.EqualFold(a.Email, email) })
}

func (f *Server) findAccount(match func(*account) bool) *account {
	if i := slices.IndexFunc(f.accounts, match); i >= 0 {
		return f.accounts[i]
	}
	return nil
}

func (f *Server) mustAccount(email string) *account {
	a := f.accountByEmail(email)
	if a == nil {
		panic(fmt.Sprintf("authkittest: nobody has the address %q", email))
	}
	return a
}
