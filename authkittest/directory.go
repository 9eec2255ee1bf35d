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
	EmailUnverified bool   // the next sign-in through the API, a provider or a connection requires email verification
	RequireMFA      bool   // a sign-in through the API or a provider needs a second factor, even if the organization does not require it

	// Factors are the authenticator apps of the user. If there is one, a sign-in through the API or a provider requires its
	// code.
	Factors []Factor

	// RadarChallenge makes WorkOS Radar challenge every sign-in of the user, also on the hosted pages. It is empty for none.
	RadarChallenge RadarChallenge
	PhoneNumber    string // the number that WorkOS has for RadarSMS, such as "+15005550006"; if empty, each sign-in asks for one

	// AuthenticationMethod is the authentication method on the sign-in page if the authorization request does not name one.
	// The default is "Password".
	AuthenticationMethod string

	// Claims are added to every access token, after the claims of the JWT template. They can replace all claims except iss, sub,
	// exp, iat, nbf and jti. A template must not render to more than 3072 bytes. Claims have no limit, so that a test can
	// create tokens of any size.
	Claims map[string]any
}

// Identity is an account of a user at an OAuth provider.
type Identity struct {
	Provider string // such as "GoogleOAuth"
	ID       string // user ID at the provider
}

// String returns the email address. It shows neither the password nor the secret of a factor.
func (u User) String() string { return "authkittest.User(" + u.Email + ")" }

// GoString returns String, for %#v.
func (u User) GoString() string { return u.String() }

// Name returns the full name, or the email address if there is no name.
func (u User) Name() string {
	if name := u.fullName(); name != "" {
		return name
	}
	return u.Email
}

func (u User) fullName() string {
	return cmp.Or(u.FullName, strings.TrimSpace(u.FirstName+" "+u.LastName))
}

// membership returns the active membership in an organization.
func (u User) membership(organizationID string) (Membership, bool) {
	if i := u.membershipIn(organizationID); i >= 0 && u.Memberships[i].Status == MembershipActive {
		return u.Memberships[i], true
	}
	return Membership{}, false
}

// membershipIn returns the index of the membership in an organization, with any status, or -1.
func (u User) membershipIn(organizationID string) int {
	return slices.IndexFunc(u.Memberships, func(m Membership) bool { return m.OrganizationID == organizationID })
}

func (u User) activeMemberships() []Membership {
	return slices.DeleteFunc(slices.Clone(u.Memberships), func(m Membership) bool { return m.Status != MembershipActive })
}

// clone returns a deep copy, so that a caller cannot change the data of the fake. Claims are copied one level deep.
func (u User) clone() User {
	u.Metadata = maps.Clone(u.Metadata)
	u.Claims = maps.Clone(u.Claims)
	u.Identities = slices.Clone(u.Identities)
	u.Factors = slices.Clone(u.Factors)
	u.Memberships = slices.Clone(u.Memberships)
	for i, m := range u.Memberships {
		u.Memberships[i].Roles = slices.Clone(m.Roles)
		u.Memberships[i].Permissions = slices.Clone(m.Permissions)
		u.Memberships[i].Entitlements = slices.Clone(m.Entitlements)
		u.Memberships[i].FeatureFlags = slices.Clone(m.FeatureFlags)
	}
	return u
}

// withDefaults returns u with defaults for its empty fields.
func (u User) withDefaults() User {
	if u.ID == "" {
		u.ID = stableID("user", strings.ToLower(u.Email))
	}
	if u.AuthenticationMethod == "" {
		u.AuthenticationMethod = "Password"
	}
	for i := range u.Memberships {
		m := &u.Memberships[i]
		m.ID = cmp.Or(m.ID, stableID("om", u.ID+m.OrganizationID))
		m.Status = cmp.Or(m.Status, MembershipActive)
	}
	for i := range u.Factors {
		u.Factors[i] = u.Factors[i].withDefaults(u.Email)
	}
	return u
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
	users := make([]User, len(f.accounts))
	for i, a := range f.accounts {
		users[i] = a.User.clone()
	}
	return users
}

// AddUser adds a user and returns it with its ID and other defaults. It panics if the email address is already used.
func (f *Server) AddUser(u User) User {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.accountByEmail(u.Email) != nil {
		panic(fmt.Sprintf("authkittest: AddUser: the email address %q is already used", u.Email))
	}
	return f.addUser(u).User.clone()
}

// UpdateUser calls change to modify the user with this email address, for example a role, memberships or claims. Only tokens
// that are issued afterwards contain the change, as in production. change must not call methods of the Server. UpdateUser
// panics if the user does not exist.
func (f *Server) UpdateUser(email string, change func(*User)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.mustAccount(email)
	u := a.User.clone()
	change(&u)
	u.ID = a.ID // sessions refer to it
	before := a.User
	a.User = u.clone()
	a.updatedAt = f.clock.Now()
	f.applyDefaults(a)
	f.emitChanges(a, before)
}

// DeleteUser deletes the user with this email address, as the API does: the sessions of the user end. It panics if the user
// does not exist.
func (f *Server) DeleteUser(email string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.removeUser(f.mustAccount(email))
}

func (f *Server) addUser(u User) *account {
	now := f.clock.Now()
	a := &account{User: u.clone(), createdAt: now, updatedAt: now}
	f.applyDefaults(a)
	f.accounts = append(f.accounts, a)
	f.emit("user.created", "", a.object())
	for i := range a.Memberships {
		f.emitMembership("created", membershipRow{a, &a.Memberships[i]})
	}
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
