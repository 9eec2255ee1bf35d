// What a caller may decide about a fake AuthKit before it starts.

package authkittest

import "time"

// Option decides one thing about a fake AuthKit.
type Option func(*settings)

type settings struct {
	addr             string
	appName          string
	issuer           string
	clock            Clock
	tokenLifetime    time.Duration
	people           []User
	organizations    []Organization
	redirectURIs     []string
	signOutRedirects []string
	passwordResetURL string
	roles            map[string][]string // permissions of each
	singleRole       bool
}

// WithClock makes the fake take the time from clock, usually a *FakeClock. By default it runs on real time.
func WithClock(clock Clock) Option {
	return func(s *settings) { s.clock = clock }
}

// WithUsers seeds the directory with people instead of the default ones.
func WithUsers(people ...User) Option {
	return func(s *settings) { s.people = append(s.people, people...) }
}

// WithOrganizations seeds the directory with organizations. An organization that a membership names and nobody listed
// exists too, with its ID for a name.
func WithOrganizations(organizations ...Organization) Option {
	return func(s *settings) { s.organizations = append(s.organizations, organizations...) }
}

// WithRedirectURIs registers the redirect URIs that an authorization request may name, compared whole. With none
// registered every http or https URI on a loopback host is accepted: localhost, *.localhost, 127.0.0.0/8 and ::1.
func WithRedirectURIs(uris ...string) Option {
	return func(s *settings) { s.redirectURIs = append(s.redirectURIs, uris...) }
}

// WithSignOutRedirects registers the addresses that a logout may return to, compared whole; the first is where a logout
// without return_to goes. With none registered every http or https address on a loopback host is accepted.
func WithSignOutRedirects(uris ...string) Option {
	return func(s *settings) { s.signOutRedirects = append(s.signOutRedirects, uris...) }
}

// WithPasswordResetURL sets the page of the application on which a person chooses a new password: the link of a password
// reset leads there, with the token in its query. The fake has no such page of its own.
func WithPasswordResetURL(uri string) Option {
	return func(s *settings) { s.passwordResetURL = uri }
}

// WithRole makes a role exist. The API then refuses to give a membership any role that does not, and gives it the
// permissions of those it has. Without this option it takes every role and leaves permissions alone.
func WithRole(slug string, permissions ...string) Option {
	return func(s *settings) {
		if s.roles == nil {
			s.roles = map[string][]string{}
		}
		s.roles[slug] = permissions
	}
}

// WithoutMultipleRoles makes the API refuse to give a membership several roles, as an environment does in which that is not
// enabled.
func WithoutMultipleRoles() Option {
	return func(s *settings) { s.singleRole = true }
}

// WithAccessTokenLifetime sets how long an access token is valid; the default is five minutes, as in production.
func WithAccessTokenLifetime(d time.Duration) Option {
	return func(s *settings) { s.tokenLifetime = d }
}

// WithIssuer sets the iss claim. The default is URL() + "/user_management/" + ClientID(), the form of environments made
// since 2025; older ones use the bare base URL, and a custom authentication host appears in either form.
func WithIssuer(issuer string) Option {
	return func(s *settings) { s.issuer = issuer }
}

// WithAppName sets the name under which the sign-in page speaks of the application; by default the page shows the host
// of its redirect URI.
func WithAppName(name string) Option {
	return func(s *settings) { s.appName = name }
}

// WithAddr sets the address to listen on. The host must be 127.0.0.1; the default is "127.0.0.1:0", any free port.
func WithAddr(addr string) Option {
	return func(s *settings) { s.addr = addr }
}
