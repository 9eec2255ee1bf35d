// Options: one function for each decision that an application makes.

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
// secret of this application and is needed unless [WithPublicClient] is given.
func WithAPIKey(key string) Option {
	return func(c *config) { c.apiKey = key }
}

// WithClientID sets the WorkOS client ID, which starts with client_.
func WithClientID(id string) Option {
	return func(c *config) { c.clientID = id }
}

// WithPublicClient runs without an API key: the code exchange is protected by
// PKCE alone (RFC 7636). The client must be registered as public at WorkOS. An
// API key given as well, or found in the environment, is not used.
func WithPublicClient() Option {
	return func(c *config) { c.public = true }
}

// WithCookiePassword sets the passwords of the cookies, each of at least 32
// random bytes (`openssl rand -base64 32` makes one). The current one seals;
// all of them open, so that a password can be rotated and nobody is signed out:
// first add the new one behind the current on every instance, then put it in
// front, and drop the old one when the longest session that it sealed is over.
func WithCookiePassword(current string, previous ...string) Option {
	return func(c *config) { c.passwords = append([]string{current}, previous...) }
}

// WithRedirectURL sets the absolute URL at which [AuthKit.Callback] is
// mounted, exactly as it is registered at WorkOS. It must be https, or http on
// a loopback host. Its scheme decides whether cookies are Secure; request
// headers never do. An application that has no sign-in of its own, because it
// only reads the session of a neighbour, can do without.
func WithRedirectURL(url string) Option {
	return func(c *config) { c.redirectURL = url }
}

// WithInsecureHTTP permits plain http on hosts other than loopback, in the
// redirect URL and the base URL. Tokens and cookies then cross the network in
// the clear: this is for a closed test network only.
func WithInsecureHTTP() Option {
	return func(c *config) { c.insecureHTTP = true }
}

// WithBaseURL sets the host of the WorkOS API: scheme, host and port, nothing
// else. The default is https://api.workos.com. A custom authentication domain
// or a fake in a test goes here.
func WithBaseURL(url string) Option {
	return func(c *config) {
		c.baseURL = strings.TrimSuffix(url, "/")
		c.clearVariableFault("WithBaseURL")
	}
}

// WithAdditionalIssuers accepts access tokens of further issuers, compared whole with
// one trailing slash ignored. Accepted without it are B and
// B/user_management/{client ID}, for both the base URL and
// https://api.workos.com as B. A token that is refused for its issuer is
// logged with the issuer seen: that value goes here. An issuer may mint tokens
// for several applications, so that [WithAudiences] belongs beside it; without
// it, one line at level Warn says so.
func WithAdditionalIssuers(issuers ...string) Option {
	return func(c *config) { c.issuers = append(c.issuers, issuers...) }
}

// WithAudiences accepts an access token with an aud claim only if it names one
// of the audiences, compared whole (RFC 7519, section 4.1.3). A token without
// aud, as WorkOS's session tokens usually are, is accepted only if it has a
// client_id that is accepted. An aud that is neither a string nor an array of
// strings is refused. It is for issuers that mint tokens for several
// applications ([WithAdditionalIssuers]), and holds for cookies and for bearer tokens.
// Without the option, aud is not looked at.
func WithAudiences(audiences ...string) Option {
	return func(c *config) { c.audiences = append(append([]string{}, c.audiences...), audiences...) }
}

// WithBearerTokens accepts access tokens in the Authorization header too, from
// native clients and services: "Authorization: Bearer <access token>" (RFC
// 6750). They are verified as a cookie's is, and must be of this client ID or
// of one of those given, since native clients have IDs of their own. A session
// of theirs has a user ID, an organization and rights, but no profile; it is
// never refreshed and never becomes a cookie. What is not accepted is answered
// 401 with WWW-Authenticate.
//
// A request that has both is decided by the header alone: its cookie is not
// looked at, also when the token is bad. API keys (sk_…) in the header are for
// [AuthKit.RequireAPIKey] and leave the cookie as it is.
func WithBearerTokens(clientIDs ...string) Option {
	return func(c *config) { c.bearer, c.bearerClientIDs = true, append(c.bearerClientIDs, clientIDs...) }
}

// WithAPIKeyGrace lets an API key go on working for so long after WorkOS last
// called it valid, while WorkOS does not answer about it: it cannot be reached,
// fails, or answers the question about this very key 429. What becomes of other
// keys' questions does not count. The default, zero, is that
// [AuthKit.RequireAPIKey] answers 503 then. A grace does not help a key that has
// not been validated since the process started.
func WithAPIKeyGrace(d time.Duration) Option {
	return func(c *config) { c.apiKeyGrace = d }
}

// WithSharedSession shares one session with the AuthKit libraries of other
// languages: those for Next.js, SvelteKit, TanStack Start and Node. The session
// is kept as they keep it, in one cookie called wos-session ([WithCookieName]
// changes that) and sealed in their format ([seal.Iron]), so that either side
// may sign in, refresh, switch organization or sign out, and the other goes on.
// What the others keep in it besides stays there. A session that they sealed
// is verified as one of our own is: its signature, issuer, client, user and
// expiry.
//
// All of them need the same cookie password, client ID, cookie name and domain:
// [FromEnv] reads the variables that they read. An application that has no
// sign-in of its own can do without [WithRedirectURL]; its cookies are Secure
// then.
//
// A session that does not fit into one cookie is an [ErrSessionTooLarge]: the
// others read no second one. They would also drop limits of ours when they
// renew a session, so that [WithAbsoluteTimeout] and [WithIdleTimeout] are refused,
// and [WithCookieMaxAge] is about the cookie alone: WorkOS's own limits apply.
func WithSharedSession() Option {
	return func(c *config) { c.shared = true }
}

// WithForeignSessions accepts sessions that others have sealed under one of our
// cookie passwords, in cookies of the names given, or of wos-session where none
// is given: the AuthKit libraries for Next.js and Node ([seal.Iron]) and
// WorkOS's official Go SDK ([seal.WorkOSGo]). It is for moving from one of them
// to this package without signing anybody out. A session is accepted until it
// is written the next time, by a refresh for one; from then on it is in our own
// cookie and format, and the other cookie is removed.
//
// A session of theirs gets the same checks as one of our own: signature,
// issuer, client, user and expiry, and our limits, which count from when its
// token says that the user signed in. It is looked at where a request brings no
// session of ours that opens. Such cookies may lack the protection of the
// __Host- prefix, so take the option out once everybody has moved.
func WithForeignSessions(cookieNames ...string) Option {
	return func(c *config) {
		if len(cookieNames) == 0 {
			cookieNames = []string{cookie.SharedName}
		}
		c.foreignNames = append(c.foreignNames, cookieNames...)
	}
}

// WithCookieName sets the name of the session cookie, exactly as given. The
// default is authkit-session, and __Host-authkit-session where cookies are
// Secure and have no Domain; with [WithSharedSession] it is wos-session.
func WithCookieName(name string) Option {
	return func(c *config) { c.cookieName = name }
}

// WithCookieDomain lets all hosts below a domain see the cookies. Without it
// only the host that set them does, which is safer.
func WithCookieDomain(domain string) Option {
	return func(c *config) { c.cookieDomain = domain }
}

// WithCookieSameSite sets the SameSite attribute of the session cookie; Lax is
// the default. With Strict, a person who follows a link from another site
// arrives signed out at the first page. The cookie of a sign-in under way is
// Lax at least, since it must survive the way back from AuthKit.
func WithCookieSameSite(mode http.SameSite) Option {
	return func(c *config) {
		c.sameSite = mode
		c.clearVariableFault("WithCookieSameSite")
	}
}

// WithCookieMaxAge ends a session after a time: it is the Max-Age of the
// session cookie and the limit of [WithAbsoluteTimeout] in one; the former alone
// with [WithSharedSession]. It is at least a
// second and counts in whole ones. By default the cookie lives for 400 days,
// the most that browsers keep one, and WorkOS alone ends sessions.
func WithCookieMaxAge(d time.Duration) Option {
	return func(c *config) {
		c.maxAge, c.maxAgeSet = d, true
		c.clearVariableFault("WithCookieMaxAge")
	}
}

// WithAbsoluteTimeout ends a session so long after its sign-in, whatever happens
// in between. The time of the sign-in is inside the seal, so that no edit of
// the cookie's attributes extends it. Zero is no limit but that of WorkOS; it is
// the default unless [WithCookieMaxAge] is given.
func WithAbsoluteTimeout(d time.Duration) Option {
	return func(c *config) { c.absoluteTimeout, c.absoluteTimeoutSet = d, true }
}

// WithIdleTimeout ends a session that has not been used for so long. Use counts
// when the session is refreshed, as it does at WorkOS; a session in use is
// refreshed at the latest at half the limit. The default, zero, is no limit
// but that of WorkOS. It is at least a minute.
func WithIdleTimeout(d time.Duration) Option {
	return func(c *config) { c.idleTimeout = d }
}

// WithSessionCache bounds the memory of sessions that were verified already, by
// the exact text of their cookies: so many of them, and about so many bytes
// together. A cookie that comes again is then neither unsealed nor verified
// again, but still held against the time, the signing keys, the limits and the
// sign-outs of this process. The default is 10,000 sessions and 64 MiB, which
// is about 6 KB a session; 0 for either turns the cache off. A session counts as
// 2 KB at least, so the bytes bound the number of sessions too. An empty cache
// takes up to 16 bytes for each session that it may hold, and 8 MiB at most.
func WithSessionCache(entries, bytes int) Option {
	return func(c *config) { c.cacheEntries, c.cacheBytes = entries, bytes }
}

// WithPostLogoutRedirectURL sets where [AuthKit.Logout] brings the browser in the end.
// WorkOS returns there only if it is registered as a sign-out redirect. The
// default is the one chosen in the WorkOS dashboard.
func WithPostLogoutRedirectURL(url string) Option {
	return func(c *config) { c.postLogoutRedirectURL = url }
}

// WithLoginPath tells at which path [AuthKit.Login] is mounted: error pages
// link there. The default is /login.
func WithLoginPath(path string) Option {
	return func(c *config) { c.loginPath = path }
}

// WithSignInPage is for an application with sign-in forms of its own: a guard
// sends a navigation to the login path ([WithLoginPath]), with the page to come
// back to in return_to, instead of to AuthKit. Pass return_to through
// [AuthKit.SanitizeReturnPath].
func WithSignInPage() Option {
	return func(c *config) { c.signInPage = true }
}

// WithSignInTimeout sets how long a person may take from [AuthKit.Login] to
// [AuthKit.Callback]: to find a password, to set up an authenticator, to wait
// for a mail. The default is an hour; it is at least a minute and at most a day.
// A callback that comes later exchanges no code. It starts the sign-in again,
// to the same page; if that one takes too long as well, the answer is
// [ErrInvalidState].
//
// A code itself lives for ten minutes at WorkOS, from when the person has
// signed in there.
func WithSignInTimeout(d time.Duration) Option {
	return func(c *config) { c.signInTimeout = d }
}

// WithLogoutPath tells at which path [AuthKit.Logout] is mounted, so that the
// middleware does not renew a session only to see it ended. The default is
// /logout.
func WithLogoutPath(path string) Option {
	return func(c *config) { c.logoutPath = path }
}

// WithLoginParams sets the parameters of every sign-in, also of those that a
// guard starts. [WithLoginFunc], [AuthKit.Login] and [AuthKit.LoginFunc] override
// them field by field.
func WithLoginParams(params LoginParams) Option {
	return func(c *config) { c.loginParams = params }
}

// WithLoginFunc sets parameters of every sign-in that depend on the request, also
// for those that a guard starts: the organization by the host name, and so on.
// They override [WithLoginParams], and are overridden by [AuthKit.Login] and
// [AuthKit.LoginFunc], field by field. If they contradict each other, the answer
// to that request is 500 ([ErrInvalidLoginParams]).
func WithLoginFunc(params func(*http.Request) LoginParams) Option {
	return func(c *config) { c.loginFunc, c.loginFuncSet = params, true }
}

// WithTrustedOrigins lets pages of further origins ("https://app.example.com")
// post to this package's handlers. The redirect URL's own origin always may.
func WithTrustedOrigins(origins ...string) Option {
	return func(c *config) { c.trustedOrigins = append(c.trustedOrigins, origins...) }
}

// WithErrorHandler replaces the error pages. The handler may answer some
// failures itself and leave the rest to [Failure.ServeHTTP].
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

// WithHTTPClient sets the client for calls to WorkOS. Its transport, proxy and
// so on are used; deadlines and redirects are this package's own.
func WithHTTPClient(client *http.Client) Option {
	return func(c *config) { c.httpClient = client }
}

// WithLogger sets the logger; slog.Default() is the default. No token, code,
// verifier, cookie, password or key is ever logged, at any level.
func WithLogger(logger *slog.Logger) Option {
	return func(c *config) { c.log = logger }
}

// WithClock sets the time, for tests. The default is the system's.
func WithClock(clock Clock) Option {
	return func(c *config) { c.clock = clock }
}
