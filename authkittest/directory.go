// The users of the fake.

package authkittest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// User is a user who can sign in. Its printed form shows only the email address.
type User struct {
	ID                string // "user_…"; derived from Email when empty, so the same in every run
	Email             string
	FirstName         string
	LastName          string
	FullName          string // the user's name; FirstName and LastName together when empty
	ProfilePictureURL string
	ExternalID        string
	Locale            string
	Metadata          map[string]string
	Memberships       []Membership
	Identities        []Identity // the user's accounts at OAuth providers

	// Password is the password for the password grant. When it is empty, the grant refuses the user. The sign-in page does
	// not ask for a password.
	Password        string `json:"-"`
	EmailUnverified bool   // the next sign-in through the API requires email verification
	RequireMFA      bool   // a sign-in through the API needs a second factor, even if the organization does not require it

	// Factors are the authenticator apps of the user. If there is one, a sign-in through the API requires its code.
	Factors []Factor

	// AuthenticationMethod is the authentication method on the sign-in page if the authorization request does not name one.
	// The default is "Password".
	AuthenticationMethod string

	// Claims are added to every access token, like the claims of a JWT template. They can replace all claims except iss, sub,
	// exp, iat, nbf and jti. Production refuses a template that renders to more than 3072 bytes. The fake has no limit, so
	// that a test can create tokens of any size.
	Claims map[string]any
}

// Identity is an account of a user at an OAuth provider.
type Identity struct {
	Provider string // such as "GoogleOAuth"
	ID       string // user ID at the provider
}

// String returns the email address. It shows neither the password nor the secret of a factor.
func (p User) String() string { return "authkittest.User(" + p.Email + ")" }

// GoString returns String, for %#v.
func (p User) GoString() string { return p.String() }

// Name returns the full name, or the email address if there is no name.
func (p User) Name() string {
	if name := p.fullName(); name != "" {
		return name
	}
	return p.Email
}

func (p User) fullName() string {
	return cmp.Or(p.FullName, strings.TrimSpace(p.FirstName+" "+p.LastName))
}

// membership returns the active membership in an organization.
func (p User) membership(organizationID string) (Membership, bool) {
	if i := p.membershipIn(organizationID); i >= 0 && p.Memberships[i].Status == MembershipActive {
		return p.Memberships[i], true
	}
	return Membership{}, false
}

// membershipIn returns the index of the membership in an organization, with any status, or -1.
func (p User) membershipIn(organizationID string) int {
	return slices.IndexFunc(p.Memberships, func(m Membership) bool { return m.OrganizationID == organizationID })
}

func (p User) activeMemberships() []Membership {
	return slices.DeleteFunc(slices.Clone(p.Memberships), func(m Membership) bool { return m.Status != MembershipActive })
}

// clone returns a deep copy, so that a caller cannot change the data of the fake. Claims are copied one level deep.
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

// withDefaults returns p with defaults for its empty fields.
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

// account is a user with timestamps.
type account struct {
	User
	createdAt    time.Time
	updatedAt    time.Time
	lastSignInAt time.Time
}

// Users returns all users in the order in which they were added.
func (f *Server) Users() []User {
	f.mu.Lock()
	defer f.mu.Unlock()
	people := make([]User, len(f.accounts))
	for i, a := range f.accounts {
		people[i] = a.User.clone()
	}
	return people
}

// AddUser adds a user and returns it with its ID and other defaults. It panics if the email address is already used.
func (f *Server) AddUser(p User) User {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.accountByEmail(p.Email) != nil {
		panic(fmt.Sprintf("authkittest: AddUser: the email address %q is already used", p.Email))
	}
	return f.addPerson(p).User.clone()
}

// UpdateUser calls change to modify the user with this email address, for example a role, memberships or claims. Only tokens
// that are issued afterwards contain the change, as in production. change must not call methods of the Server. UpdateUser
// panics if the user does not exist.
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

// applyDefaults sets defaults for the empty fields of an account and creates the organizations of its memberships.
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
		panic(fmt.Sprintf("authkittest: no user has the email address %q", email))
	}
	return a
}
