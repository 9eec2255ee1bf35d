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
// secret of this application. It is required unless [WithPublicClient] is given.
func WithAPIKey(key string) Option {
	return func(c *config) { c.apiKey = key }
}

// WithClientID sets the WorkOS client ID, which starts with client_.
func WithClientID(id string) Option {
	return func(c *config) { c.clientID = id }
}

// WithPublicClient makes the application a public client, without an API key. Only
// PKCE then protects the code exchange (RFC 7636). The client must be registered as
// public at WorkOS. An API key that is also given, or is set in the environment, is
// ignored.
func WithPublicClient() Option {
	return func(c *config) { c.public = true }
}

// WithCookiePassword sets the passwords that seal the cookies. Each has at least 32
// random bytes (openssl rand -base64 32 makes one). The current password seals new
// cookies. All passwords open cookies, so a password can be rotated without signing
// users out:
//
//  1. Deploy WithCookiePassword(old, new) to every instance.
//  2. Deploy WithCookiePassword(new, old) to every instance.
//  3. When all sessions that the old password sealed have ended, deploy
//     WithCookiePassword(new).
func WithCookiePassword(current string, previous ...string) Option {
	return func(c *config) { c.passwords = append([]string{current}, previous...) }
}

// WithRedirectURL sets the absolute URL at which [AuthKit.Callback] is mounted,
// exactly as it is registered at WorkOS. It must be https, or http on a loopback
// host. Its scheme decides whether cookies have the Secure attribute. Request
// headers do not. An application that has no sign-in and only reads the session of
// another application does not need it.
//
// An application with several hosts names the redirect URL of each host, which must all be
// registered at WorkOS:
//
//	authkit.WithRedirectURL("https://app.example.com/callback", "https://acme.example.com/callback")
//
// A sign-in uses the URL whose host is the Host of its request, and the first URL if there is
// none. So the user returns to the host on which the sign-in started. The names are compared
// in lower case, without a dot at the end and without the default port of the scheme. No
// other header counts, so a proxy must pass Host on. All URLs have one scheme, and each host has one.
// Pages of all these origins may post to this package's handlers, as with
// [WithTrustedOrigins]. A sign-in returns to a page of its own host only, unless
// [WithReturnOrigins] names another one.
//
// By default, each host has a session of its own. With [WithCookieDomain], all share one,
// which is in one organization at a time.
func WithRedirectURL(url string, others ...string) Option {
	return func(c *config) { c.redirectURL, c.redirectOthers = url, others }
}

// WithBasePath sets the path below which browsers find this application, if a proxy
// removes it from requests. With /tool, the page /tool/account of a browser is /account
// for the application. This package then adds /tool to all paths that it sends to
// browsers: the page to return to after a sign-in, the login path in links and
// redirects, and the root of the application, to which sign-ins and sign-outs lead
// by default.
//
// Paths that come from a browser have it already: the return_to parameter,
// [AuthKit.SanitizeReturnPath], [SignInEvent.SetReturnTo]. So has [LoginParams].ReturnTo.
// Write it into the links and forms of the application too. The path of
// [WithRedirectURL] must begin with it. [WithLoginPath] and [WithLogoutPath] are paths of
// the application, without it.
//
// The default names of the cookies then contain a hash of the path, so that applications
// below different paths of one host leave each other alone. The names change when the
// option is added, so users sign in again. The Path attribute stays "/", as __Host-
// requires.
//
// The path begins with "/" and does not end with it. It has no empty segment, no dot
// segment, no percent-encoding, no query and no fragment. "" and "/" mean the root, which is
// the default. Leave the option out if the proxy does not remove the path. That
// is so with http.StripPrefix in the application too: this package then sees the whole path.
func WithBasePath(path string) Option {
	if path == "/" {
		path = ""
	}
	return func(c *config) { c.basePath = path }
}

// WithInsecureHTTP permits plain http on hosts other than loopback, in the
// redirect URL, the post-logout redirect URL and the base URL. Tokens and cookies
// then cross the network unencrypted. Use it in a closed test network only.
func WithInsecureHTTP() Option {
	return func(c *config) { c.insecureHTTP = true }
}

// WithBaseURL sets the base URL of the WorkOS API. It has a scheme, a host and
// possibly a port, and nothing else. The default is https://api.workos.com. Set it
// for a custom authentication domain, or for a fake in a test.
func WithBaseURL(url string) Option {
	return func(c *config) {
		c.baseURL = strings.TrimSuffix(url, "/")
		c.clearVariableFault("WithBaseURL")
	}
}

// WithAdditionalIssuers also accepts access tokens of these issuers (the iss claim).
// An issuer is compared whole, with one trailing slash ignored. The issuers B and
// B/user_management/{client ID} are always accepted, where B is the URL of
// [WithBaseURL] or https://api.workos.com. If a token is refused for its issuer, the
// issuer is logged.
//
// An issuer may issue tokens for several applications. So use this option together
// with [WithAudiences]. Without that, [New] logs a warning.
func WithAdditionalIssuers(issuers ...string) Option {
	return func(c *config) { c.issuers = append(c.issuers, issuers...) }
}

// WithAudiences checks the aud claim of access tokens. A token with aud is accepted
// only if aud names one of the audiences, compared whole (RFC 7519, section 4.1.3).
// An aud that is neither a string nor an array of strings is refused. A token
// without aud is accepted only if it has a client_id that is accepted. WorkOS's
// session tokens usually have no aud.
//
// Use it for issuers that issue tokens for several applications
// ([WithAdditionalIssuers]). It applies to the tokens in cookies and to bearer
// tokens. Without the option, aud is not checked.
func WithAudiences(audiences ...string) Option {
	return func(c *config) { c.audiences = append(append([]string{}, c.audiences...), audiences...) }
}

// WithBearerTokens also accepts access tokens in the Authorization header, from
// native clients and services: "Authorization: Bearer <access token>" (RFC 6750).
// They are verified like the token in a cookie. They must have the client ID of
// [WithClientID] or one of clientIDs, since native clients have client IDs of their
// own. Such a session has a user ID, an organization and permissions, but no
// profile. It is never refreshed, and no cookie is set for it. A token that is not
// accepted is answered 401 with WWW-Authenticate.
//
// If a request has a bearer token and a cookie, the cookie is ignored, even if the
// token is not accepted. An API key (sk_…) in the header is for
// [AuthKit.RequireAPIKey]; the cookie still counts then. A token of WorkOS Connect is for
// [AuthKit.Accept]; it is no session.
func WithBearerTokens(clientIDs ...string) Option {
	return func(c *config) { c.bearer, c.bearerClientIDs = true, append(c.bearerClientIDs, clientIDs...) }
}

// WithAPIKeyGrace sets how long [AuthKit.RequireAPIKey] accepts a key after its last
// successful validation, while WorkOS cannot validate it again: WorkOS cannot be
// reached, fails, or answers 429 for this key. An answer for another key does not
// count. The default is zero: the answer is then 503. A key that this process has
// not validated yet has no grace period.
func WithAPIKeyGrace(d time.Duration) Option {
	return func(c *config) { c.apiKeyGrace = d }
}

// WithSharedSession shares one session with the AuthKit libraries of other
// languages: those for Next.js, SvelteKit, TanStack Start and Node. The session
// is stored as they store it: in one cookie named wos-session (see
// [WithCookieName]), sealed in their format ([seal.Iron]). Each side can sign in,
// refresh, switch the organization and sign out, and the other side uses the
// result. Other members that those libraries store in the session are kept. A
// session that they sealed is verified like one of this package: signature, issuer,
// client, user and expiry.
//
// Newer versions of those libraries may write the same session as JSON, without a seal.
// It is accepted too, if the signature of its access token verifies, and it is sealed
// again at the next refresh, which those versions can read. Its user can write anything
// into such a cookie, so only the token counts: until the refresh, [Session.Profile]
// reports no profile and [Session.User] has the ID alone. [AuthKit.Refresh] gets the
// profile at once.
//
// All sides need the same cookie password, client ID, cookie name and domain.
// [FromEnv] reads the variables that those libraries read. An application without a
// sign-in does not need [WithRedirectURL]. Its cookies are Secure then.
//
// A session that does not fit into one cookie causes an [ErrSessionTooLarge], since
// those libraries read only one cookie. They also drop the limits of this package
// when they refresh a session. Therefore [WithAbsoluteTimeout] and
// [WithIdleTimeout] are refused, and [WithCookieMaxAge] sets only the age of the
// cookie. WorkOS's own limits apply.
func WithSharedSession() Option {
	return func(c *config) { c.shared = true }
}

// WithForeignSessions accepts sessions of other libraries, to replace one of them by
// this package without ending sessions. The libraries are the AuthKit libraries
// for Next.js and Node ([seal.Iron]) and WorkOS's official Go SDK
// ([seal.WorkOSGo]). Their sessions must be sealed with one of the cookie passwords,
// in a cookie with one of these names. Without a name, it is wos-session.
//
// The next time that such a session is written, for example by a refresh, it moves
// to this package's cookie and format, and the other cookie is removed. Until then
// it is read only if the request has no session of this package that opens.
//
// It gets the same checks as a session of this package: signature, issuer, client,
// user, expiry and the configured limits. The limits count from the sign-in time in
// its token. The other cookie may lack the protection of the __Host- prefix, so
// remove the option when all sessions have moved.
func WithForeignSessions(cookieNames ...string) Option {
	return func(c *config) {
		if len(cookieNames) == 0 {
			cookieNames = []string{cookie.SharedName}
		}
		c.foreignNames = append(c.foreignNames, cookieNames...)
	}
}

// WithCookieName sets the name of the session cookie, exactly as given. The
// default is __Host-authkit-session if cookies are Secure and have no Domain, and
// authkit-session otherwise. [WithBasePath] adds a hyphen and six characters. With
// [WithSharedSession] it is wos-session.
func WithCookieName(name string) Option {
	return func(c *config) { c.cookieName = name }
}

// WithCookieDomain sets the Domain attribute of the cookies: browsers send them to the
// domain and to all hosts below it. By default browsers send them only to the host
// that set them, which is safer. An IP address is a fault, and so is a single label, such
// as com, unless it is the host of every redirect URL, as localhost in development.
// Browsers also refuse public suffixes, such as co.uk, which this package does not know.
func WithCookieDomain(domain string) Option {
	return func(c *config) { c.cookieDomain = domain }
}

// WithCookieSameSite sets the SameSite attribute of the session cookie. The
// default is Lax. With Strict, the first request of a user who follows a link from
// another site is anonymous. The cookie of a pending sign-in is never stricter than
// Lax, since browsers must send it with the redirect from AuthKit.
func WithCookieSameSite(mode http.SameSite) Option {
	return func(c *config) {
		c.sameSite = mode
		c.clearVariableFault("WithCookieSameSite")
	}
}

// WithCookiePartitioned adds the Partitioned attribute to the cookies (CHIPS), for an
// application that pages of other sites show in a frame. It needs
// [WithCookieSameSite] with http.SameSiteNoneMode, and cannot be used with
// [WithSharedSession]. A browser that blocks the cookies of frames then stores these,
// apart for each site that shows the frame. So a sign-in in a tab does not sign in the
// frame, and AuthKit's pages cannot be shown in a frame: sign users in there with forms
// of the application ([AuthKit.SignIn]).
//
// A session from before the option was used stays. It moves to a partitioned cookie
// when it is next written. To stop using the option, set another [WithCookieName] too,
// since only partitioned lines delete partitioned cookies.
func WithCookiePartitioned() Option {
	return func(c *config) { c.partitioned = true }
}

// WithCookieMaxAge sets how long a session lasts. It sets the Max-Age attribute of
// the session cookie, and [WithAbsoluteTimeout] unless that is given too. With
// [WithSharedSession] it sets only Max-Age. The minimum is one second. Max-Age is in
// whole seconds. By default Max-Age is 400 days, the longest that browsers allow,
// and only WorkOS ends sessions.
func WithCookieMaxAge(d time.Duration) Option {
	return func(c *config) {
		c.maxAge, c.maxAgeSet = d, true
		c.clearVariableFault("WithCookieMaxAge")
	}
}

// WithoutCookieMaxAge leaves the Max-Age attribute out of the session cookie, so that
// it ends when the browser is closed. It changes nothing else: the limit that
// [WithCookieMaxAge] seals into the session stays. A browser that restores its tabs
// at the next start keeps the cookie. Set [WithAbsoluteTimeout] or [WithIdleTimeout]
// if sessions must end.
func WithoutCookieMaxAge() Option {
	return func(c *config) { c.withoutMaxAge = true }
}

// WithAbsoluteTimeout ends a session when this time has passed since its sign-in, even
// if it is in use. The time of the sign-in is sealed, so a changed cookie attribute does not
// extend the session. Zero means that only WorkOS's limit applies. The default is
// zero, or the duration of [WithCookieMaxAge] if that is given.
func WithAbsoluteTimeout(d time.Duration) Option {
	return func(c *config) { c.absoluteTimeout, c.absoluteTimeoutSet = d, true }
}

// WithIdleTimeout ends a session that was not used for this long. A refresh counts as
// use, as it does at WorkOS. A session in use is refreshed when half of the limit
// has passed, or earlier. The default is zero: only WorkOS's limit applies. Any
// other value is at least a minute.
func WithIdleTimeout(d time.Duration) Option {
	return func(c *config) { c.idleTimeout = d }
}

// WithSessionCache limits the cache of verified sessions and bearer tokens of this process, by their number and by their
// bytes in memory. WithSessionCache(50_000, 256<<20) holds 50,000 sessions. The key is the exact text of the cookies or of
// the token. A cached one is neither opened nor verified again, but its expiry, its signing key, its limits and the sign-outs
// of this process are checked on each request. One that is not cached is opened and verified: no user is signed out.
//
// The default is 10,000 entries and 64 MiB for both together. A session takes about 4.5 KB and a bearer token about 3 KB,
// depending on its cookie and its token. The bytes that are counted are within 5 % of the memory. Users with the same roles,
// permissions, entitlements or feature flags share the memory of these lists. If either limit is zero, the cache is off for
// both. An entry counts as at least 1 KB, so the bytes limit the number too. A refresh makes a new entry, and the old one
// leaves when there is no room. An empty cache takes up to 16 bytes for each entry that it may hold, and at most 8 MiB.
func WithSessionCache(entries, bytes int) Option {
	return func(c *config) { c.cacheEntries, c.cacheBytes = entries, bytes }
}

// WithPostLogoutRedirectURL sets where WorkOS sends the browser after
// [AuthKit.Logout]. It must be registered as a sign-out redirect at WorkOS. The
// default is the one that is set in the WorkOS dashboard.
//
// An application with several hosts can name a URL for each. A sign-out uses the one whose
// host is the Host of its request, and the first URL if no URL has that host.
// [WithRedirectURL] says how hosts are compared.
func WithPostLogoutRedirectURL(url string, others ...string) Option {
	return func(c *config) { c.postLogoutRedirectURL, c.postLogoutOthers = url, others }
}

// WithClearSiteData sets what the browser clears for this origin when a session is
// signed out: the types of the Clear-Site-Data header, such as "cache" and "storage"
// (https://www.w3.org/TR/clear-site-data/). Without types, the header is not sent. The
// default is "cache".
//
// With "cache", the back button shows no page of the account after the sign-out. But
// Chromium answers the sign-out only when it has cleared its cache, which takes seconds
// if it has cached thousands of files of this origin. Without "cache", a page of the
// account can be shown again from the cache for the back button.
//
// "cookies" also deletes the cookies of other applications on this domain.
func WithClearSiteData(types ...string) Option {
	return func(c *config) { c.clearSiteData = types }
}

// WithLoginPath sets the path at which [AuthKit.Login] is mounted. Error pages
// link to it. The default is /login.
func WithLoginPath(path string) Option {
	return func(c *config) { c.loginPath = path }
}

// WithSignInPage is for an application with its own sign-in forms. Guards redirect
// anonymous navigations to the login path ([WithLoginPath]) instead of to AuthKit.
// The query parameter return_to has the requested page. Pass its value through
// [AuthKit.SanitizeReturnPath] before you redirect to it.
//
// If a sign-in at a provider or a connection needs a further step, [WithErrorHandler]
// gets [ErrSignInStepRequired], with the error of package workos in its chain. Without
// this option the sign-in continues at AuthKit.
func WithSignInPage() Option {
	return func(c *config) { c.signInPage = true }
}

// WithSignInTimeout sets how long a user may take from [AuthKit.Login] to
// [AuthKit.Callback]: to find a password, to set up an authenticator app, to wait for
// an email. The default is an hour, the minimum a minute, the maximum a day. A later
// callback exchanges no code. It starts the sign-in again, with the same return
// path. If the second sign-in takes too long too, the answer is [ErrInvalidState].
//
// WorkOS has its own limit: a code expires ten minutes after the user has signed in.
func WithSignInTimeout(d time.Duration) Option {
	return func(c *config) { c.signInTimeout = d }
}

// WithEventInterval sets how often [AuthKit.Follow] reads the events of WorkOS. The default is
// a second, the minimum a tenth of it, the maximum a minute. WorkOS allows 6,000 calls a
// minute for all instances together. Each instance that follows uses 60, and with a function 120.
func WithEventInterval(d time.Duration) Option {
	return func(c *config) { c.eventInterval = d }
}

// WithLogoutPath sets the path at which [AuthKit.Logout] is mounted. The
// middleware refreshes no session there, since the request ends it. The default
// is /logout.
func WithLogoutPath(path string) Option {
	return func(c *config) { c.logoutPath = path }
}

// WithLoginParams sets parameters of all sign-ins, including those that a guard
// starts. [WithLoginFunc], [AuthKit.Login] and [AuthKit.LoginFunc] override them
// field by field. So does another WithLoginParams after it.
func WithLoginParams(params LoginParams) Option {
	return func(c *config) { c.loginParams = c.loginParams.with(params) }
}

// WithLoginFunc sets parameters that depend on the request, for all sign-ins,
// including those that a guard starts. An example is the organization of a host
// name. They override [WithLoginParams] field by field. [AuthKit.Login] and
// [AuthKit.LoginFunc] override them. If the parameters of a request contradict each
// other, the answer is 500 ([ErrInvalidLoginParams]).
func WithLoginFunc(params func(*http.Request) LoginParams) Option {
	return func(c *config) { c.loginFunc, c.loginFuncSet = params, true }
}

// WithTrustedOrigins accepts POST requests from pages of these origins, such as
// https://app.example.com, to this package's handlers and to the handlers behind
// [AuthKit.RefuseCrossOrigin]. The origins of the redirect URLs are always trusted. A
// wildcard is refused.
func WithTrustedOrigins(origins ...string) Option {
	return func(c *config) { c.trustedOrigins = append(c.trustedOrigins, origins...) }
}

// WithReturnOrigins permits sign-ins to return to pages of these other origins, such as
// https://app.example.com for a single-page application whose API this is. The
// return_to parameter of [AuthKit.Login] is then the URL of the page. An origin has a
// scheme, a host and possibly a port, and nothing else. It is compared whole, and a
// wildcard is refused. It must be https, or http on a loopback host. By default there are
// no such origins.
//
// A page of such an origin can read no response and can post to no handler because of
// this option. That is for a CORS middleware and for [WithTrustedOrigins].
func WithReturnOrigins(origins ...string) Option {
	return func(c *config) { c.returnOrigins = append(c.returnOrigins, origins...) }
}

// WithErrorHandler replaces the error pages and the problem documents. The handler
// can answer some failures itself and pass the others to [Failure.ServeHTTP].
func WithErrorHandler(handler func(w http.ResponseWriter, r *http.Request, f Failure)) Option {
	return func(c *config) { c.onError = handler }
}

// WithOnSignIn sets a hook for sign-ins, for example to create a row for a new user.
// It is called after the sign-in is verified and before its cookie is set. If it
// returns an error, the sign-in fails with [ErrSignInHookFailed]. [SignInEvent.SetReturnTo]
// changes where the browser goes next. A panic of the hook
// is a panic of the handler; no session is made. The hook gets the context of the
// request. The response waits for the hook.
func WithOnSignIn(hook func(context.Context, SignInEvent) error) Option {
	return func(c *config) { c.onSignIn = hook }
}

// WithOnSignInFailure sets a hook for sign-ins that fail, through [AuthKit.Callback]
// or [AuthKit.SignIn]. The response waits for the hook. A panic of the hook is logged
// and has no other effect.
//
// Callback calls the hook only if the sign-in was pending in this browser. A
// callback with a wrong, used or missing state is not a failed sign-in, since any
// link can cause it. It is answered with an error and logged at Debug.
func WithOnSignInFailure(hook func(context.Context, SignInFailureEvent)) Option {
	return func(c *config) { c.onSignInFailure = hook }
}

// WithOnRefresh sets a hook for refreshes and for switches of the organization. It is
// called once for each exchange. All requests that share the exchange wait for the
// hook, so it should be quick. Its context does not belong to a request. A panic of
// the hook is logged and has no other effect.
func WithOnRefresh(hook func(context.Context, RefreshEvent)) Option {
	return func(c *config) { c.onRefresh = hook }
}

// WithOnSignOut sets a hook for sessions that end through [AuthKit.Logout], or
// because WorkOS refuses to refresh them. In the second case it is called once for
// each exchange. The response waits for the hook. A panic of the hook is logged and
// has no other effect.
func WithOnSignOut(hook func(context.Context, SignOutEvent)) Option {
	return func(c *config) { c.onSignOut = hook }
}

// WithHTTPClient sets the client for calls to WorkOS. This package uses its
// transport, with the proxy and TLS settings, and sets deadlines and redirects
// itself. The default is [http.DefaultClient].
func WithHTTPClient(client *http.Client) Option {
	return func(c *config) { c.httpClient = client }
}

// WithLogger sets the logger. The default is [slog.Default]. No level logs a token, a
// code, a code verifier, a cookie, a password or a key.
func WithLogger(logger *slog.Logger) Option {
	return func(c *config) { c.log = logger }
}

// WithClock sets the clock, for tests. The default is the system clock.
func WithClock(clock Clock) Option {
	return func(c *config) { c.clock = clock }
}

// WithStore sets the store that the instances of this application share. With it,
// they act as one: a session that is signed out on one instance is refused by all of
// them, one instance exchanges a refresh token for all, and a late response of one
// instance does not undo what happened at another one. Without a store, each
// instance has its own memory. Give every instance the same cookie passwords and the
// same store.
//
// If the store cannot be reached, each instance works alone. No user is signed out.
func WithStore(store Store) Option {
	return func(c *config) { c.store, c.storeSet = store, true }
}

// WithRevocationDeadline makes guards answer 503 if this instance has not read the
// store's log for d, because it may not know which sessions were signed out at other
// instances. Without this option, such an instance serves sessions until their
// access tokens expire. d is at least ten seconds. It needs [WithStore].
func WithRevocationDeadline(d time.Duration) Option {
	return func(c *config) { c.revocationDeadline, c.revocationDeadlineSet = d, true }
}
