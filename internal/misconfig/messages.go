// The kinds of mistakes, and the warning for each.

package misconfig

import "slices"

// kind is a kind of mistake.
type kind int

const (
	otherHost kind = iota
	otherPort
	inFrame
	cookieDomain
	plainHTTP
	stateLost
	statePassword
	sessionLost
	chunksLost
	sessionReplaced
	otherClient
	preflight
	returnOrigin
	callbackElsewhere
	basePathKept
	loginElsewhere
	opaqueOrigin
	kinds
)

// class divides a kind, so that a warning about one set of hosts hides none about
// another set.
type class int

const (
	anyClass  class = iota // the only class of most kinds, and hosts that have nothing in common
	loopback               // hosts that are both this machine
	neighbour              // hosts of one domain
	classes
)

// messages holds the warning of each kind. docs/troubleshooting.md lists them with their reasons, and
// a test compares.
var messages = [kinds]string{
	otherHost: "authkit: a sign-in was started at another host than that of the redirect URL, where its cookie does not come back to the callback: " +
		"use one host in addresses and links, or give WithRedirectURL a URL of each host",
	otherPort: "authkit: a sign-in was started at another port than that of the redirect URL, where no callback has arrived: " +
		"use the port of the application in WithRedirectURL",
	inFrame: "authkit: a callback in a frame came without the cookie of its sign-in, since browsers send no Lax cookie to a frame of another site: " +
		"sign in outside of the frame, or use WithCookieSameSite(http.SameSiteNoneMode) and WithCookiePartitioned()",
	cookieDomain: "authkit: the cookie of a sign-in did not come back, because WithCookieDomain does not cover the host where it was started: " +
		"use a host of that domain, or remove WithCookieDomain",
	plainHTTP: "authkit: a page was opened over plain http although the redirect URL is https, and browsers do not keep Secure cookies there: " +
		"open the application over https, or use a redirect URL with http:// on localhost for development",
	stateLost: "authkit: a callback came without the cookie of its sign-in, which this process has started at the same host: " +
		"check that proxies and caches pass Set-Cookie and Cookie unchanged, and that the browser accepts cookies",
	statePassword: "authkit: a callback came with the cookie of its sign-in, and no cookie password opens it: " +
		"use the same WithCookiePassword at all instances, and keep the previous password while you change it",
	sessionLost: "authkit: a sign-in was completed, and the next page came without its session cookie: " +
		"check that proxies and handlers pass Set-Cookie and Cookie unchanged, and that the browser accepts cookies",
	chunksLost: "authkit: a session was set in several cookies, and only some of them came back: " +
		"raise the limits of the proxies for headers, as docs/production.md of authkit shows",
	sessionReplaced: "authkit: another session cookie has replaced that of a sign-in, and no cookie password opens it: " +
		"use WithCookieName if another application on this host (ports do not count) uses the name, or the same WithCookiePassword at all instances",
	otherClient: "authkit: the session cookie of another client ID has replaced that of a sign-in: " +
		"use WithCookieName and WithCookiePassword of its own for each application on this host (ports do not count)",
	preflight: "authkit: a guard has answered a CORS preflight 401, as every preflight: " +
		"wrap the guards with your CORS middleware, and not the CORS middleware with the guards",
	returnOrigin: "authkit: a sign-in was asked to return to another origin, which WithReturnOrigins does not name, and returns to the root: " +
		"name the origin of the page in WithReturnOrigins, or use a path as return_to if the page is of this application",
	callbackElsewhere: "authkit: a browser came back from AuthKit to the redirect URL, and Callback did not answer it: " +
		"mount ak.Callback() at exactly the path of WithRedirectURL",
	basePathKept: "authkit: a browser came back from AuthKit to the redirect URL, and its path has arrived with that of WithBasePath: " +
		"let the proxy remove the path of WithBasePath, or leave the option out",
	loginElsewhere: "authkit: a link of authkit led to the login path, and the application has no page there: " +
		"mount ak.Login() at that path, or name its path with WithLoginPath",
	opaqueOrigin: "authkit: a form of a signed-in user was refused because its page hides its origin (Origin: null): " +
		"do not send Referrer-Policy: no-referrer with pages that have a POST form",
}

// Messages returns the warnings of all kinds.
func Messages() []string { return slices.Clone(messages[:]) }
