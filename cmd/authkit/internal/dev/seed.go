// The seed file: the users, organizations and settings with which the fake starts.

package dev

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"net/mail"
	"os"
	"slices"
	"strings"

	"github.com/authkit-go/authkit/authkittest"
)

// seed is a seed file.
type seed struct {
	Organizations    []seedOrganization `yaml:"organizations"`
	Users            []seedUser         `yaml:"users"`
	Permissions      []string           `yaml:"permissions"`
	Roles            []seedRole         `yaml:"roles"`
	FeatureFlags     []seedFlag         `yaml:"feature_flags"`
	APIKeys          []seedKey          `yaml:"api_keys"`
	RedirectURIs     []string           `yaml:"redirect_uris"`
	SignOutRedirects []string           `yaml:"sign_out_redirects"`
	Resources        []string           `yaml:"resources"`
	Scopes           []string           `yaml:"scopes"`
	Providers        []string           `yaml:"providers"`
}

type seedOrganization struct {
	Line           int
	ID             string            `yaml:"id"`
	Name           string            `yaml:"name"`
	ExternalID     string            `yaml:"external_id"`
	Domains        []string          `yaml:"domains"`
	Metadata       map[string]string `yaml:"metadata"`
	RequireMFA     bool              `yaml:"require_mfa"`
	RequireSSO     bool              `yaml:"require_sso"`
	AllowedMethods []string          `yaml:"allowed_methods"`
}

type seedUser struct {
	Line            int
	ID              string            `yaml:"id"`
	Email           string            `yaml:"email"`
	FirstName       string            `yaml:"first_name"`
	LastName        string            `yaml:"last_name"`
	ExternalID      string            `yaml:"external_id"`
	Locale          string            `yaml:"locale"`
	Password        string            `yaml:"password"`
	EmailUnverified bool              `yaml:"email_unverified"`
	RequireMFA      bool              `yaml:"require_mfa"`
	Metadata        map[string]string `yaml:"metadata"`
	Claims          map[string]any    `yaml:"claims"`
	Memberships     []seedMembership  `yaml:"memberships"`
}

type seedMembership struct {
	Line         int
	Organization string   `yaml:"organization"`
	Role         string   `yaml:"role"`
	Roles        []string `yaml:"roles"`
	Permissions  []string `yaml:"permissions"`
	Entitlements []string `yaml:"entitlements"`
	Status       string   `yaml:"status"`
}

type seedRole struct {
	Line        int
	Slug        string   `yaml:"slug"`
	Permissions []string `yaml:"permissions"`
}

type seedFlag struct {
	Line    int
	Slug    string   `yaml:"slug"`
	Enabled bool     `yaml:"enabled"`
	Default bool     `yaml:"default"`
	Targets []string `yaml:"targets"`
}

type seedKey struct {
	Line         int
	Name         string   `yaml:"name"`
	Organization string   `yaml:"organization"`
	User         string   `yaml:"user"`
	Permissions  []string `yaml:"permissions"`
}

// readSeed reads a seed file. The error has every fault, each with the file and its line.
func readSeed(path string) (*seed, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--seed: %w", err)
	}
	s := &seed{}
	faults := decodeYAML(text, s)
	s.check(&faults)
	for i, fault := range faults {
		faults[i] = fmt.Errorf("%s: %w", path, fault)
	}
	return s, errors.Join(faults...)
}

// check adds what is wrong with the content.
func (s *seed) check(f *lineFaults) {
	s.checkOrganizations(f)
	s.checkRoles(f)
	s.checkUsers(f)
	flags := map[string]bool{}
	for _, flag := range s.FeatureFlags {
		if flag.Slug == "" || flags[flag.Slug] {
			f.add(flag.Line, "a feature flag needs a slug of its own")
		}
		flags[flag.Slug] = true
		for _, target := range flag.Targets {
			if s.organizationID(target) == "" && s.user(target) == nil {
				f.add(flag.Line, "the target %q of a feature flag is neither an organization nor the email of a user of this file", target)
			}
		}
	}
	for _, key := range s.APIKeys {
		switch {
		case key.Name == "":
			f.add(key.Line, "an API key needs a name")
		case s.organizationID(key.Organization) == "":
			f.add(key.Line, "the organization %q of the API key %q is not in this file", key.Organization, key.Name)
		case key.User != "" && s.user(key.User) == nil:
			f.add(key.Line, "the user %q of the API key %q is not in this file", key.User, key.Name)
		}
		s.checkPermissions(f, key.Line, key.Permissions)
	}
	for _, list := range [][]string{s.RedirectURIs, s.SignOutRedirects, s.Resources} {
		for _, address := range list {
			if err := checkAddress(address); err != nil {
				*f = append(*f, err)
			}
		}
	}
}

func (s *seed) checkOrganizations(f *lineFaults) {
	names := map[string]bool{}
	for _, o := range s.Organizations {
		if o.Name == "" {
			f.add(o.Line, "an organization needs a name")
		}
		for _, name := range slices.Compact([]string{o.Name, o.ID}) {
			if name != "" && names[name] {
				f.add(o.Line, "two organizations are called %q", name)
			}
			names[name] = true
		}
	}
}

func (s *seed) checkRoles(f *lineFaults) {
	slugs := map[string]bool{}
	for _, r := range s.Roles {
		if r.Slug == "" || slugs[r.Slug] {
			f.add(r.Line, "a role needs a slug of its own")
		}
		slugs[r.Slug] = true
		s.checkPermissions(f, r.Line, r.Permissions)
	}
}

// checkPermissions adds permissions that the list of permissions lacks, if there is one: a misspelt one is hard to find otherwise.
func (s *seed) checkPermissions(f *lineFaults, line int, permissions []string) {
	for _, p := range permissions {
		if len(s.Permissions) > 0 && !slices.Contains(s.Permissions, p) {
			f.add(line, "the permission %q is not in permissions", p)
		}
	}
}

func (s *seed) checkUsers(f *lineFaults) {
	emails, ids := map[string]bool{}, map[string]bool{}
	for _, u := range s.Users {
		address, err := mail.ParseAddress(u.Email)
		switch {
		case err != nil || address.Address != u.Email:
			f.add(u.Line, "a user needs an email address, and %q has no form of one", u.Email)
		case emails[strings.ToLower(u.Email)]:
			f.add(u.Line, "two users have the email address %q", u.Email)
		}
		emails[strings.ToLower(u.Email)] = true
		if u.ID != "" && ids[u.ID] {
			f.add(u.Line, "two users have the ID %q", u.ID)
		}
		ids[u.ID] = true
		in := map[string]bool{}
		for _, m := range u.Memberships {
			s.checkMembership(f, m)
			id := s.organizationID(m.Organization)
			if id != "" && in[id] {
				f.add(m.Line, "two memberships in %q of one user", m.Organization)
			}
			in[id] = true
		}
	}
}

func (s *seed) checkMembership(f *lineFaults, m seedMembership) {
	if s.organizationID(m.Organization) == "" {
		f.add(m.Line, "the organization %q is not in this file", m.Organization)
	}
	if statuses := []string{"", authkittest.MembershipActive, authkittest.MembershipInactive, authkittest.MembershipPending}; !slices.Contains(statuses, m.Status) {
		f.add(m.Line, "the status %q is unknown; give active, inactive or pending", m.Status)
	}
	for _, slug := range append([]string{m.Role}, m.Roles...) {
		if slug != "" && len(s.Roles) > 0 && s.role(slug) == nil {
			f.add(m.Line, "the role %q is not in roles", slug)
		}
	}
	s.checkPermissions(f, m.Line, m.Permissions)
}

// organizationID returns the ID of the organization with a name or an ID, or "".
func (s *seed) organizationID(name string) string {
	for _, o := range s.organizations() {
		if name != "" && (o.Name == name || o.ID == name) {
			return o.ID
		}
	}
	return ""
}

// user returns the user with an email address, or nil.
func (s *seed) user(email string) *seedUser {
	for i, u := range s.Users {
		if strings.EqualFold(u.Email, email) {
			return &s.Users[i]
		}
	}
	return nil
}

func (s *seed) role(slug string) *seedRole {
	for i, r := range s.Roles {
		if r.Slug == slug {
			return &s.Roles[i]
		}
	}
	return nil
}

// organizations returns the organizations with their IDs. One without an ID gets one from its name, the same in every run.
func (s *seed) organizations() []authkittest.Organization {
	var organizations []authkittest.Organization
	for _, o := range s.Organizations {
		id := o.ID
		if id == "" {
			sum := sha256.Sum256([]byte(o.Name))
			id = "org_01" + base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:15])
		}
		organization := authkittest.Organization{
			ID: id, Name: o.Name, ExternalID: o.ExternalID, Metadata: o.Metadata,
			RequireMFA: o.RequireMFA, RequireSSO: o.RequireSSO, AllowedMethods: o.AllowedMethods,
		}
		for _, domain := range o.Domains {
			organization.Domains = append(organization.Domains, authkittest.Domain{Name: domain})
		}
		organizations = append(organizations, organization)
	}
	return organizations
}

// users returns the users. A membership without permissions has those of its roles.
func (s *seed) users() []authkittest.User {
	var users []authkittest.User
	for _, u := range s.Users {
		user := authkittest.User{
			ID: u.ID, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName, ExternalID: u.ExternalID, Locale: u.Locale,
			Password: u.Password, EmailUnverified: u.EmailUnverified, RequireMFA: u.RequireMFA, Metadata: u.Metadata, Claims: u.Claims,
		}
		for _, m := range u.Memberships {
			permissions := slices.Clone(m.Permissions)
			if permissions == nil {
				for _, slug := range append([]string{m.Role}, m.Roles...) {
					if r := s.role(slug); r != nil {
						permissions = append(permissions, r.Permissions...)
					}
				}
				slices.Sort(permissions)
				permissions = slices.Compact(permissions)
			}
			user.Memberships = append(user.Memberships, authkittest.Membership{
				OrganizationID: s.organizationID(m.Organization), Role: m.Role, Roles: m.Roles,
				Permissions: permissions, Entitlements: m.Entitlements, Status: m.Status,
			})
		}
		users = append(users, user)
	}
	return users
}

// options returns what the fake must know before it starts.
func (s *seed) options() []authkittest.Option {
	opts := []authkittest.Option{
		authkittest.WithOrganizations(s.organizations()...), authkittest.WithResourceIndicators(s.Resources...), authkittest.WithScopes(s.Scopes...),
	}
	if len(s.Users) > 0 {
		opts = append(opts, authkittest.WithUsers(s.users()...))
	}
	for _, r := range s.Roles {
		opts = append(opts, authkittest.WithRole(r.Slug, r.Permissions...))
	}
	return opts
}

// apply adds the rest to a fake that has started, and returns the values of the API keys in their order.
func (s *seed) apply(fake *authkittest.Server) (keys []string) {
	ids := map[string]string{}
	for _, u := range fake.Users() {
		ids[strings.ToLower(u.Email)] = u.ID
	}
	for _, flag := range s.FeatureFlags {
		var targets []string
		for _, target := range flag.Targets {
			if id := s.organizationID(target); id != "" {
				targets = append(targets, id)
			} else {
				targets = append(targets, ids[strings.ToLower(target)])
			}
		}
		fake.AddFeatureFlag(authkittest.FeatureFlag{Slug: flag.Slug, Enabled: flag.Enabled, Default: flag.Default, Targets: targets})
	}
	for _, slug := range s.Providers {
		fake.AddDataProvider(authkittest.DataProvider{Slug: slug})
	}
	for _, key := range s.APIKeys {
		keys = append(keys, fake.AddAPIKey(authkittest.APIKey{
			Name: key.Name, OrganizationID: s.organizationID(key.Organization), UserID: ids[strings.ToLower(key.User)], Permissions: key.Permissions,
		}))
	}
	return keys
}
