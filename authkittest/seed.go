// The default users and organizations.

package authkittest

// DefaultPassword is the password of the default users, which a fake has without WithUsers.
const DefaultPassword = "correct horse battery staple"

// defaultDirectory returns two organizations and four users: an administrator, a member, a member of two organizations, and a
// user without an organization.
func defaultDirectory() ([]Organization, []User) {
	press := Organization{ID: stableID("org", "Harbor Press"), Name: "Harbor Press"}
	studio := Organization{ID: stableID("org", "Pine Street Studio"), Name: "Pine Street Studio"}
	editor := Membership{
		OrganizationID: press.ID,
		Role:           "admin",
		Permissions:    []string{"posts:read", "posts:write", "members:manage"},
		Entitlements:   []string{"audit-logs"},
	}
	reader := Membership{OrganizationID: press.ID, Role: "member", Permissions: []string{"posts:read"}}
	owner := Membership{OrganizationID: studio.ID, Role: "admin", Permissions: []string{"posts:read", "posts:write"}}
	users := []User{
		{Email: "ada@harborpress.test", FirstName: "Ada", LastName: "Okafor", Locale: "en-GB", Memberships: []Membership{editor}},
		{Email: "ben@harborpress.test", FirstName: "Ben", LastName: "Lindqvist", Memberships: []Membership{reader}},
		{Email: "chiara@example.com", FirstName: "Chiara", LastName: "Rossi", Locale: "it-IT", Memberships: []Membership{reader, owner}},
		{Email: "dev@example.com", FirstName: "Dev", LastName: "Patel"},
	}
	for i := range users {
		users[i].Password = DefaultPassword
	}
	return []Organization{press, studio}, users
}
