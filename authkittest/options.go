// Options of New and Start.

package authkittest

import "time"

// Option configures a fake AuthKit.
type Option func(*settings)

type settings struct {
	addr             string
	appName          string
	issuer           string
	clock            Clock
	tokenLifetime    time.Duration
	users            []User
	organizations    []Organization
	redirectURIs     []string
	signOutRedirects []string
	passwordResetURL string
	roles            map[string][]string // permissions of each role
	singleRole       bool
}

// WithClock sets the clock of the fake, usually a *FakeClock. The default is real time.
func WithClock(clock Clock) Option {
	return func(s *settings) { s.clock = clock }
}

// WithUsers sets the users of the fake. They replace the default users and organizations.
func WithUsers(users ...User) Option {
	return func(s *settings) { s.users = append(s.users, users...) }
}

// WithOrganizations adds organizations. An organization that is only named in a membership is created, too, with its ID as
// its name.
func WithOrganizations(organizations ...Organization) Option {
	return func(s *settings) { s.organizations = append(s.organizations, organizations...) }
}

// WithRedirectURIs registers redirect URIs. An authorization request must use one of them, equal in every character. Without
// this option, every http or https URI on a loopback host is accepted: localhost, *.localhost, 127.0.0.0/8 and ::1.
func WithRedirectURIs(uris ...string) Option {
	return func(s *settings) { s.redirectURIs = append(s.redirectURIs, uris...) }
}

// WithSignOutRedirects registers the addresses that a logout can redirect to. return_to must be one of them, equal in every
// character. Otherwise the logout redirects to the first one. Without this option, every http or https address on a loopback
// host is accepted.
func WithSignOutRedirects(uris ...string) Option {
	return func(s *settings) { s.signOutRedirects = append(s.signOutRedirects, uris...) }
}

// WithPasswordResetURL sets the page of the application on which a user chooses a new password. The link in the message of a
// password reset is this URL with the token in its query. The fake itself has no such page.
func WithPasswordResetURL(uri string) Option {
	return func(s *settings) { s.passwordResetURL = uri }
}

// WithRole defines a role and its permissions. With this option, the API only accepts defined roles for a membership, and
// sets the permissions of the membership to those of its roles. Without it, the API accepts every role and does not change
// permissions.
func WithRole(slug string, permissions ...string) Option {
	return func(s *settings) {
		if s.roles == nil {
			s.roles = map[string][]string{}
		}
		s.roles[slug] = permissions
	}
}

// WithoutMultipleRoles makes the API refuse more than one role for a membership, like a WorkOS environment in which multiple
// roles are not enabled.
func WithoutMultipleRoles() Option {
	return func(s *settings) { s.singleRole = true }
}

// WithAccessTokenLifetime sets how long an access token is valid. The default is five minutes, as in production.
func WithAccessTokenLifetime(d time.Duration) Option {
	return func(s *settings) { s.tokenLifetime = d }
}

// WithIssuer sets the iss claim of access tokens. The default is URL() + "/user_management/" + ClientID(), the form of WorkOS
// environments created since 2025. Older environments use only the base URL. With a custom authentication domain, both
// forms exist.
func WithIssuer(issuer string) Option {
	return func(s *settings) { s.issuer = issuer }
}

// WithAppName sets the name of the application on the sign-in pages. The default is the host of the redirect URI.
func WithAppName(name string) Option {
	return func(s *settings) { s.appName = name }
}

// WithAddr sets the address to listen on. The host must be 127.0.0.1. The default is "127.0.0.1:0", a free port.
func WithAddr(addr string) Option {
	return func(s *settings) { s.addr = addr }
}
