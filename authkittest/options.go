// Options of New and Start.

package authkittest

import (
	"net/http"
	"slices"
	"time"
)

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
	invitationURL    string
	roles            []roleSetting
	singleRole       bool
	strictRotation   bool
	sessionLock      bool
	refreshLatency   time.Duration
	rateLimit        int // calls a second; 0 means no limit
	withoutMetadata  bool
	stillClock       bool
	oauthTokens      []string // providers that return their tokens
	scopes           []string // of clients, besides the standard ones

	resourceIndicators []string

	clientID, apiKey string // empty for random ones
	middleware       func(http.Handler) http.Handler
}

// roleSetting is a role of WithRole.
type roleSetting struct {
	slug        string
	permissions []string
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
// this option, and until a call registers a redirect URI, every http or https URI on a loopback host is accepted: localhost,
// *.localhost, 127.0.0.0/8 and ::1.
func WithRedirectURIs(uris ...string) Option {
	return func(s *settings) { s.redirectURIs = append(s.redirectURIs, uris...) }
}

// WithSignOutRedirects registers the addresses that a logout can redirect to. return_to must be one of them, equal in every
// character. Otherwise the logout redirects to the first one. Without this option, every http or https address on a loopback
// host is accepted, and a logout without return_to ends at a page of the fake. It has a link to the root of the host of the first
// redirect URI, which is a convenience of the fake.
func WithSignOutRedirects(uris ...string) Option {
	return func(s *settings) { s.signOutRedirects = append(s.signOutRedirects, uris...) }
}

// WithPasswordResetURL sets the page of the application on which a user chooses a new password. The link in the message of a
// password reset is this URL with the token in its query. The fake itself has no such page.
func WithPasswordResetURL(uri string) Option {
	return func(s *settings) { s.passwordResetURL = uri }
}

// WithInvitationURL sets the page of the application that an invitation leads to. The link in the message is this URL with the
// invitation_token in its query. The page starts a sign-in with it: as invitation_token of an authorization request, or of a
// sign-in call. The default is a page of the fake that says so.
func WithInvitationURL(uri string) Option {
	return func(s *settings) { s.invitationURL = uri }
}

// WithRole defines a role of the environment and its permissions, after those that it defined before in priority. With this option,
// the API only accepts defined roles for a membership, and sets the permissions of the membership to those of its roles. Without
// it, and until a call creates a role of the environment, the API accepts every role. A role that is not defined does not change
// permissions.
//
// The users with which the fake starts, also the default ones, keep the Permissions of their memberships: those of ada@harborpress.test
// are not those of WithRole("admin", …). Set them with [WithUsers] or [Server.UpdateUser].
func WithRole(slug string, permissions ...string) Option {
	return func(s *settings) {
		s.roles = slices.DeleteFunc(s.roles, func(r roleSetting) bool { return r.slug == slug })
		s.roles = append(s.roles, roleSetting{slug, slices.Clone(permissions)})
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

// WithClientID sets the client ID of the application, such as "client_dev", for an application whose configuration must outlive
// the fake. The default is a random one.
func WithClientID(id string) Option {
	return func(s *settings) { s.clientID = id }
}

// WithAPIKey sets the secret API key of the application, such as "sk_test_dev", as [WithClientID] sets the client ID. The
// default is a random one.
func WithAPIKey(key string) Option {
	return func(s *settings) { s.apiKey = key }
}

// WithMiddleware puts a handler around all routes and pages of the fake, for a program that logs requests or refuses some. It gets
// the requests before their faults apply, and with the Date and the X-Request-ID of the response. The option replaces an earlier one.
func WithMiddleware(middleware func(http.Handler) http.Handler) Option {
	return func(s *settings) { s.middleware = middleware }
}

// WithStrictRotation removes the replay window of refresh tokens. A refresh token that is presented a second time is answered
// invalid_grant ("Refresh token already exchanged."), also if both calls arrive at the same time. The session does not end:
// the newest refresh token still works. The default is a replay window of 30 seconds, in which an exchanged refresh token
// returns its new tokens again.
func WithStrictRotation() Option {
	return func(s *settings) { s.strictRotation = true }
}

// WithSessionLock makes the fake lock a session while a refresh of it is in progress. A second refresh of the same session,
// with the same or another refresh token, is answered 429 with Retry-After and has no effect. Applications have seen WorkOS
// answer parallel refreshes with 429 (workos/authkit-session, pull request 33). A refresh is in progress from its arrival to
// its response, and at least for the time of [WithRefreshLatency], even if the caller disconnects. Without that option
// and without a fault that delays the response, a refresh takes too little time for a second one to meet it.
func WithSessionLock() Option {
	return func(s *settings) { s.sessionLock = true }
}

// WithRefreshLatency sets how long the fake takes to answer a refresh, on its clock. The refresh token is exchanged when the
// call arrives, and the response is sent after d: a caller that stops waiting has consumed its refresh token. Calls that are
// answered 429 do not wait. The default is no latency. With a [*FakeClock], move the clock while a refresh waits, as
// [Server.InjectFault] says.
func WithRefreshLatency(d time.Duration) Option {
	return func(s *settings) { s.refreshLatency = d }
}

// WithRateLimit sets how many API calls the fake accepts in each second of its clock, over all routes together. Calls beyond
// that are answered 429 with Retry-After and have no effect. Pages, RouteAuthorize, RouteLogout, RouteJWKS, RouteDiscovery
// and the routes of WorkOS Connect (RouteOAuth…) have no limit. Calls that a fault answers do not count. The default, and any value below 1, is no limit. The limits of
// WorkOS differ by route and plan: https://workos.com/docs/reference/rate-limits.
func WithRateLimit(callsPerSecond int) Option {
	return func(s *settings) { s.rateLimit = max(callsPerSecond, 0) }
}

// WithoutUserMetadata makes the responses of [RouteAuthenticate], including refreshes, leave out the metadata of the user.
// WorkOS documents that production returns metadata with users but not with authentications
// (https://workos.com/docs/authkit/metadata). A session of authkit then has no metadata. An application that needs them calls
// workos.Client.GetUser, or puts them into the access token with a JWT template. The default is to return them.
func WithoutUserMetadata() Option {
	return func(s *settings) { s.withoutMetadata = true }
}

// WithStillClock makes the clock of an application of [Run] move only when the test moves it, also during a fault. A request
// that meets a fault then waits: send it in a goroutine, call [FakeClock.AwaitTimers], then [FakeClock.Advance].
func WithStillClock() Option {
	return func(s *settings) { s.stillClock = true }
}

// WithOAuthTokens makes these providers, such as "GoogleOAuth", return their tokens: the response of a sign-in with one of them
// has the member oauth_tokens. A refresh has none. In production it is a setting of each provider, "Return Google OAuth
// tokens". The tokens are random texts that no provider accepts, and expire after an hour. Their scopes are openid, profile,
// email and the provider_scopes of the authorization request. By default, no provider returns its tokens.
func WithOAuthTokens(providers ...string) Option {
	return func(s *settings) { s.oauthTokens = append(s.oauthTokens, providers...) }
}

// WithResourceIndicators registers the addresses of APIs (RFC 8707), as [Server.AddResourceIndicator] does. In the WorkOS dashboard
// they are the MCP resource indicators. A client that requests another resource is answered invalid_target. Without a
// resource indicator, the fake ignores the resource of a request, and the aud of every token is [Server.ClientID]. New and Start
// return an error if an address is not an absolute URI, or has a fragment.
func WithResourceIndicators(uris ...string) Option {
	return func(s *settings) { s.resourceIndicators = append(s.resourceIndicators, uris...) }
}

// WithScopes adds scopes that the clients of WorkOS Connect can request, besides email, offline_access, openid and profile. A
// client that requests another scope is answered invalid_scope. The scopes of a machine are those of [Server.AddMachine].
func WithScopes(scopes ...string) Option {
	return func(s *settings) { s.scopes = append(s.scopes, scopes...) }
}
