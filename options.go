// The options of New and FromEnv, one function each.

package authkit

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/authkit-go/authkit/internal/cookie"
)

// WithAPIKey sets the WorkOS API key, which starts with sk_. It is the client
// secret of this application and is required unless [WithPublicClient] is given.
func WithAPIKey(key string) Option {
	return func(c *config) { c.apiKey = key }
}

// WithClientID sets the WorkOS client ID, which starts with client_.
func WithClientID(id string) Option {
	return func(c *config) { c.clientID = id }
}

// WithPublicClient runs without an API key: PKCE alone protects the code
// exchange (RFC 7636). The client must be registered as public at WorkOS. An API
// key that is also given, or found in the environment, is not used.
func WithPublicClient() Option {
	return func(c *config) { c.public = true }
}

// WithCookiePassword sets the passwords of the cookies, each of at least 32
// random bytes (`openssl rand -base64 32` makes one). The current one seals; all
// of them open, so that a password can be rotated without signing users out. To
// rotate, first add the new password behind the current one on every instance,
// then put it in front. Remove the old one when the longest session that it
// sealed is over.
func WithCookiePassword(current string, previous ...string) Option {
	return func(c *config) { c.passwords = append([]string{current}, previous...) }
}

// WithRedirectURL sets the absolute URL at which [AuthKit.Callback] is mounted,
// exactly as it is registered at WorkOS. It must be https, or http on a loopback
// host. Its scheme decides whether cookies are Secure; request headers never do.
// An application without a sign-in of its own, which only reads the session of a
// neighbour, does not need it.
func WithRedirectURL(url string) Option {
	return func(c *config) { c.redirectURL = url }
}

// WithInsecureHTTP permits plain http on hosts other than loopback, in the
// redirect URL and the API's base URL. Tokens and cookies then cross the network
// unencrypted. Use it in a closed test network only.
func WithInsecureHTTP() Option {
	return func(c *config) { c.insecureHTTP = true }
}

// WithBaseURL sets the base URL of the WorkOS API: scheme, host and port,
// nothing else. The default is https://api.workos.com. Set it for a custom
// authentication domain, or for a fake in a test.
func WithBaseURL(url string) Option {
	return func(c *config) {
		c.baseURL = strings.TrimSuffix(url, "/")
		c.clearVariableFault("WithBaseURL")
	}
}

// WithAdditionalIssuers accepts access tokens of further issuers. They are
// compared whole, with one trailing slash ignored. Always accepted are B and
// B/user_management/{client ID}, where B is the API's base URL or
// https://api.workos.com. A token that is refused for its issuer is logged with
// that issuer. An issuer may mint tokens for several applications, so use it
// together with [WithAudiences]; without that, New logs one line at level Warn.
func WithAdditionalIssuers(issuers ...string) Option {
	return func(c *config) { c.issuers = append(c.issuers, issuers...) }
}

// WithAudiences accepts an access token with an aud claim only if it names one
// of the audiences, compared whole (RFC 7519, section 4.1.3). A token without
// aud is accepted only if it has a client_id that is accepted; WorkOS's session
// tokens usually have no aud. An aud that is neither a string nor an array of
// strings is refused. Use it for issuers that mint tokens for several
// applications ([WithAdditionalIssuers]). It applies to cookies and to bearer
// tokens. Without the option, aud is not checked.
func WithAudiences(audiences ...string) Option {
	return func(c *config) { c.audiences = append(append([]string{}, c.audiences...), audiences...) }
}

// WithBearerTokens also accepts access tokens in the Authorization header, from
// native clients and services: "Authorization: Bearer <access token>" (RFC
// 6750). They are verified like a cookie's token. They must be of this client ID
// or of one of clientIDs, since native clients have IDs of their own. Such a
// session has a user ID, an organization and permissions, but no profile. It is
// never refreshed and never becomes a cookie. A token that is not accepted is
// answered 401 with WWW-Authenticate.
//
// If a request has both, only the header counts: the cookie is ignored, even if
// the token is bad. API keys (sk_…) in the header are for
// [AuthKit.RequireAPIKey] and do not replace the cookie.
func WithBearerTokens(clientIDs ...string) Option {
	return func(c *config) { c.bearer, c.bearerClientIDs = true, append(c.bearerClientIDs, clientIDs...) }
}

// WithAPIKeyGrace sets how long an API key stays valid after WorkOS last
// called it valid, while WorkOS does not answer about it: WorkOS cannot be
// reached, fails, or answers 429 about this very key. Answers about other keys
// do not count. The default is zero: [AuthKit.RequireAPIKey] then answers 503. A
// key that this process has not validated yet has no grace period.
func WithAPIKeyGrace(d time.Duration) Option {
	return func(c *config) { c.apiKeyGrace = d }
}

// WithSharedSession shares one session with the AuthKit libraries of other
// languages: those for Next.js, SvelteKit, TanStack Start and Node. The session
// is stored as they store it: in one cookie named wos-session (see
// [WithCookieName]), sealed in their format ([seal.Iron]). Either side can sign
// in, refresh, switch organization and sign out, and the other side follows.
// Further members that the others store in the session are kept. A session that
// they sealed is verified like one of this package: signature, issuer, client,
// user and expiry.
//
// All of them need the same cookie password, client ID, cookie name and domain;
// [FromEnv] reads the variables that they read. An application without a sign-in
// of its own does not need [WithRedirectURL]; its cookies are Secure then.
//
// A session that does not fit into one cookie is an [ErrSessionTooLarge], since
// the others read only one. They would also drop this package's limits when they
// refresh a session. Therefore [WithAbsoluteTimeout] and [WithIdleTimeout] are
// refused, and [WithCookieMaxAge] sets the age of the cookie only. WorkOS's own
// limits apply.
func WithSharedSession() Option {
	return func(c *config) { c.shared = true }
}

// WithForeignSessions accepts sessions of other libraries that are sealed under
// one of the cookie passwords, in cookies of these names, by default
// wos-session: the AuthKit libraries for Next.js and Node ([seal.Iron]) and
// WorkOS's official Go SDK ([seal.WorkOSGo]). It is for moving from one of them
// to this package without signing users out. Such a session is accepted until it
// is written the next time, for example by a refresh. From then on it is in this
// package's cookie and format, and the other cookie is removed.
//
// Such a session gets the same checks as one of this package: signature, issuer,
// client, user, expiry and the configured limits. The limits count from the
// sign-in time in its token. It is read only if the request has no session of
// this package that opens. Such cookies may lack the protection of the __Host-
// prefix, so remove the option when all users have moved.
func WithForeignSessions(cookieNames ...string) Option {
	return func(c *config) {
		if len(cookieNames) == 0 {
			cookieNames = []string{cookie.SharedName}
		}
		c.foreignNames = append(c.foreignNames, cookieNames...)
	}
}

// WithCookieName sets the name of the session cookie, exactly as given. The
// default is __Host-authkit-session if cookies are Secure and have no Domain,
// else authkit-session. With [WithSharedSession] it is wos-session.
func WithCookieName(name string) Option {
	return func(c *config) { c.cookieName = name }
}

// WithCookieDomain makes the cookies visible to all hosts below a domain. By
// default only the host that set them gets them, which is safer.
func WithCookieDomain(domain string) Option {
	return func(c *config) { c.cookieDomain = domain }
}

// WithCookieSameSite sets the SameSite attribute of the session cookie. The
// default is Lax. With Strict, a user who follows a link from another site is
// signed out on the first page. The cookie of a pending sign-in is never
// stricter than Lax, since the redirect from AuthKit must bring it.
func WithCookieSameSite(mode http.SameSite) Option {
	return func(c *config) {
		c.sameSite = mode
		c.clearVariableFault("WithCookieSameSite")
	}
}

// WithCookieMaxAge sets how long a session lasts: it is the Max-Age of the
// session cookie and the limit of [WithAbsoluteTimeout]. With
// [WithSharedSession] it is the Max-Age only. It is at least a second and is
// counted in whole seconds. By default the cookie lives for 400 days, the
// longest that browsers allow, and only WorkOS ends sessions.
func WithCookieMaxAge(d time.Duration) Option {
	return func(c *config) {
		c.maxAge, c.maxAgeSet = d, true
		c.clearVariableFault("WithCookieMaxAge")
	}
}

// WithAbsoluteTimeout ends a session this long after its sign-in, whether it is
// used or not. The time of the sign-in is sealed, so changes of the cookie's
// attributes do not extend it. Zero means that only WorkOS's limit applies. It
// is the default unless [WithCookieMaxAge] is given.
func WithAbsoluteTimeout(d time.Duration) Option {
	return func(c *config) { c.absoluteTimeout, c.absoluteTimeoutSet = d, true }
}

// WithIdleTimeout ends a session that was not used for this long. A refresh
// counts as use, as it does at WorkOS. A session in use is refreshed at half of
// the limit at the latest. The default is zero: only WorkOS's limit applies.
// Otherwise it is at least a minute.
func WithIdleTimeout(d time.Duration) Option {
	return func(c *config) { c.idleTimeout = d }
}

// WithSessionCache bounds the cache of verified sessions, by their number and by
// their bytes. The key is the exact text of the cookies. A cached session is
// neither unsealed nor verified again, but its expiry, signing key and limits,
// and the sign-outs of this process, are checked on each request. The default is
// 10,000 sessions and 64 MiB, about 6 KB a session. Zero for either turns the
// cache off. A session counts as at least 2 KB, so the bytes bound the number
// too. An empty cache takes up to 16 bytes for each session that it may hold,
// and at most 8 MiB.
func WithSessionCache(entries, bytes int) Option {
	return func(c *config) { c.cacheEntries, c.cacheBytes = entries, bytes }
}

// WithPostLogoutRedirectURL sets where WorkOS sends the browser after
// [AuthKit.Logout]. It must be registered as a sign-out redirect at WorkOS. The
// default is the one chosen in the WorkOS dashboard.
func WithPostLogoutRedirectURL(url string) Option {
	return func(c *config) { c.postLogoutRedirectURL = url }
}

// WithLoginPath sets the path at which [AuthKit.Login] is mounted. Error pages
// link to it. The default is /login.
func WithLoginPath(path string) Option {
	return func(c *config) { c.loginPath = path }
}

// WithSignInPage is for an application with its own sign-in forms. Guards
// redirect navigations to the login path ([WithLoginPath]) instead of to AuthKit,
// with the requested page in return_to. Pass return_to through
// [AuthKit.SanitizeReturnPath].
func WithSignInPage() Option {
	return func(c *config) { c.signInPage = true }
}

// WithSignInTimeout sets how long a user may take from [AuthKit.Login] to
// [AuthKit.Callback]: to find a password, to set up an authenticator, to wait
// for a mail. The default is an hour. It is at least a minute and at most a day.
// A later callback exchanges no code. It starts the sign-in again, to the same
// page. If that one takes too long too, the answer is [ErrInvalidState].
//
// At WorkOS, a code expires ten minutes after the user has signed in.
func WithSignInTimeout(d time.Duration) Option {
	return func(c *config) { c.signInTimeout = d }
}

// WithLogoutPath sets the path at which [AuthKit.Logout] is mounted. The
// middleware refreshes no session there, since the request ends it. The default
// is /logout.
func WithLogoutPath(path string) Option {
	return func(c *config) { c.logoutPath = path }
}

// WithLoginParams sets the parameters of every sign-in, including those that a
// guard starts. [WithLoginFunc], [AuthKit.Login] and [AuthKit.LoginFunc]
// override them field by field.
func WithLoginParams(params LoginParams) Option {
	return func(c *config) { c.loginParams = params }
}

// WithLoginFunc sets parameters of every sign-in that depend on the request,
// including those that a guard starts: the organization by the host name, and so
// on. They override [WithLoginParams], and [AuthKit.Login] and
// [AuthKit.LoginFunc] override them, field by field. If they contradict each
// other, the answer to that request is 500 ([ErrInvalidLoginParams]).
func WithLoginFunc(params func(*http.Request) LoginParams) Option {
	return func(c *config) { c.loginFunc, c.loginFuncSet = params, true }
}

// WithTrustedOrigins lets pages of further origins, such as
// https://app.example.com, post to this package's handlers. The origin of the
// redirect URL is always trusted.
func WithTrustedOrigins(origins ...string) Option {
	return func(c *config) { c.trustedOrigins = append(c.trustedOrigins, origins...) }
}

// WithErrorHandler replaces the error pages. The handler may answer some
// failures itself and pass the others to [Failure.ServeHTTP].
func WithErrorHandler(handler func(w http.ResponseWriter, r *http.Request, f Failure)) Option {
	return func(c *config) { c.onError = handler }
}

// WithOnSignIn sets a hook for sign-ins. It is called after a sign-in is verified
// and before its cookie is set, for example to create a row for a new user. An
// error refuses the sign-in with [ErrSignInHookFailed]. The hook runs within the request
// that signs in. Its response waits for the hook.
func WithOnSignIn(hook func(context.Context, SignInEvent) error) Option {
	return func(c *config) { c.onSignIn = hook }
}

// WithOnSignInFailure sets a hook for sign-ins that make no session, through
// [AuthKit.Callback] or [AuthKit.SignIn]. The response waits for the hook. A panic
// is logged and changes nothing.
//
// The hook is called only if the sign-in was pending in this browser. A callback
// with a wrong, used or missing state is not a failed sign-in, since any link can
// cause it. It is answered, and logged at Debug.
func WithOnSignInFailure(hook func(context.Context, SignInFailureEvent)) Option {
	return func(c *config) { c.onSignInFailure = hook }
}

// WithOnRefresh sets a hook for refreshes and switches of the organization. It is
// called once for each exchange, however many requests wait for it. They all wait
// for the hook too, so it should be quick. A panic is logged and changes nothing.
// The context is not that of any request.
func WithOnRefresh(hook func(context.Context, RefreshEvent)) Option {
	return func(c *config) { c.onRefresh = hook }
}

// WithOnSignOut sets a hook for sessions that end: through [AuthKit.Logout], or
// because WorkOS refused to refresh one, then once for each exchange. The response
// waits for the hook. A panic is logged and changes nothing.
func WithOnSignOut(hook func(context.Context, SignOutEvent)) Option {
	return func(c *config) { c.onSignOut = hook }
}

// WithHTTPClient sets the client for calls to WorkOS. Its transport, with proxy
// and TLS settings, is used. Deadlines and redirects are set by this package.
// The default is [http.DefaultClient].
func WithHTTPClient(client *http.Client) Option {
	return func(c *config) { c.httpClient = client }
}

// WithLogger sets the logger. The default is [slog.Default]. No token, code,
// code verifier, cookie, password or key is logged, at any level.
func WithLogger(logger *slog.Logger) Option {
	return func(c *config) { c.log = logger }
}

// WithClock sets the clock, for tests. The default is the system's clock.
func WithClock(clock Clock) Option {
	return func(c *config) { c.clock = clock }
}
