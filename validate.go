// What can be wrong with a configuration: all of it is said at construction, and all at once.

package authkit

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/authkit-go/authkit/internal/cookie"
	"github.com/authkit-go/authkit/seal"
	"github.com/authkit-go/authkit/workos"
)

// faults collects what is wrong with a configuration.
type faults []error

func (f *faults) add(option, format string, args ...any) {
	*f = append(*f, &ConfigError{Option: option, Variable: variables[option], Problem: fmt.Sprintf(format, args...)})
}

// addPasswords tells what package seal says of the passwords.
func (f *faults) addPasswords(err error) {
	f.add("WithCookiePassword", "%s", strings.ReplaceAll(strings.ReplaceAll(err.Error(), "seal: ", ""), "\n", "; "))
}

// check reports every fault of the configuration, each as a [ConfigError].
func (c *config) check() error {
	var f faults
	for _, option := range []string{"WithBaseURL", "WithCookieMaxAge", "WithCookieSameSite"} {
		if err, ok := c.unreadable[option]; ok {
			f = append(f, err)
		}
	}
	switch {
	case c.public:
	case c.apiKey == "":
		f.add("WithAPIKey", "no API key is set; one that starts with sk_ is needed, or WithPublicClient()")
	case !isIdentifier(c.apiKey, "sk_"):
		f.add("WithAPIKey", "is not an API key; those start with sk_ and hold no spaces")
	}
	switch {
	case c.clientID == "":
		f.add("WithClientID", "no client ID is set; one that starts with client_ is needed")
	case !isIdentifier(c.clientID, "client_"):
		f.add("WithClientID", "is not a client ID; those start with client_ and hold no spaces")
	}
	if len(c.passwords) == 0 {
		f.add("WithCookiePassword", "no password is set; one of at least %d random bytes is needed", seal.MinPasswordLength)
	} else if err := seal.CheckPasswords(c.passwords...); err != nil {
		f.addPasswords(err)
	} else if c.shared || c.foreignNames != nil {
		if _, err := seal.Iron(c.passwords...); err != nil {
			f.addPasswords(err)
		}
	}
	if c.redirectURL != "" {
		if problem := c.checkURL(c.redirectURL); problem != "" {
			f.add("WithRedirectURL", "%s", problem)
		}
	}
	if problem := c.checkURL(c.baseURL); problem != "" {
		f.add("WithBaseURL", "%s", problem)
	} else if _, err := workos.NewClient("client_", workos.WithBaseURL(c.baseURL)); err != nil {
		f.add("WithBaseURL", "%q is more or less than scheme, host and port", c.baseURL)
	}
	if c.postLogoutRedirectURL != "" {
		if problem := c.checkURL(c.postLogoutRedirectURL); problem != "" {
			f.add("WithPostLogoutRedirectURL", "%s", problem)
		}
	}
	for _, given := range [][2]string{{"WithLoginPath", c.loginPath}, {"WithLogoutPath", c.logoutPath}} {
		if path := given[1]; path != ReturnPath(path) || strings.ContainsAny(path, "?#") {
			f.add(given[0], "%q is not a path on this origin and nothing else", path)
		}
	}
	for _, id := range c.bearerClientIDs {
		if !isIdentifier(id, "client_") {
			f.add("WithBearerTokens", "%q is not a client ID; those start with client_ and hold no spaces", id)
		}
	}
	if problem := c.loginParams.problem(); problem != "" {
		f.add("WithLoginParams", "%s", problem)
	}
	if c.loginFuncSet && c.loginFunc == nil {
		f.add("WithLoginFunc", "the function is nil")
	}
	for _, origin := range c.trustedOrigins {
		if err := http.NewCrossOriginProtection().AddTrustedOrigin(origin); err != nil || strings.Contains(origin, "@") {
			f.add("WithTrustedOrigins", "%s is not an origin such as https://app.example.com", quoteURL(origin))
		}
	}
	for _, issuer := range c.issuers {
		if strings.TrimSpace(issuer) == "" {
			f.add("WithAdditionalIssuers", "an issuer is empty")
		}
	}
	if c.audiences != nil && len(c.audiences) == 0 {
		f.add("WithAudiences", "names no audience; name one at least, or leave the option out")
	}
	for _, audience := range c.audiences {
		if strings.TrimSpace(audience) == "" {
			f.add("WithAudiences", "an audience is empty")
		}
	}
	c.checkCookie(&f)
	if c.maxAgeSet && c.maxAge < time.Second {
		f.add("WithCookieMaxAge", "%s is too short; at least a second is needed", c.maxAge)
	}
	const dropped = "has no place beside WithSharedSession: the other libraries drop it when they renew a session; set WorkOS's own limits, in its dashboard"
	switch {
	case c.absoluteTimeout < 0:
		f.add("WithAbsoluteTimeout", "%s is negative", c.absoluteTimeout)
	case c.absoluteTimeout > 0 && c.shared:
		f.add("WithAbsoluteTimeout", dropped)
	}
	if c.cacheEntries < 0 || c.cacheBytes < 0 {
		f.add("WithSessionCache", "%d entries and %d bytes: neither may be negative; 0 turns the cache off", c.cacheEntries, c.cacheBytes)
	}
	if c.signInTimeout < minSignInTimeout || c.signInTimeout > maxSignInTimeout {
		f.add("WithSignInTimeout", "%s is not between a minute and a day", c.signInTimeout)
	}
	if c.apiKeyGrace < 0 {
		f.add("WithAPIKeyGrace", "%s is negative", c.apiKeyGrace)
	}
	switch {
	case c.idleTimeout != 0 && c.idleTimeout < time.Minute:
		f.add("WithIdleTimeout", "%s is too short; at least a minute is needed, or 0 for none", c.idleTimeout)
	case c.idleTimeout > 0 && c.shared:
		f.add("WithIdleTimeout", dropped)
	}
	for _, given := range []struct {
		option  string
		missing bool
	}{
		{"WithErrorHandler", c.onError == nil},
		{"WithOnSignIn", c.onSignIn == nil},
		{"WithOnSignInFailure", c.onSignInFailure == nil},
		{"WithOnRefresh", c.onRefresh == nil},
		{"WithOnSignOut", c.onSignOut == nil},
		{"WithHTTPClient", c.httpClient == nil},
		{"WithLogger", c.log == nil},
		{"WithClock", c.clock == nil},
	} {
		if given.missing {
			f.add(given.option, "is nil; leave the option out for the default")
		}
	}
	return errors.Join(f...)
}

// checkCookie reports what a browser would not accept of the session cookie.
func (c *config) checkCookie(f *faults) {
	switch name := c.cookieName; {
	case name == "":
	case name == cookie.SharedName && !c.shared:
		f.add("WithCookieName", "%s is the name of the AuthKit family's cookie, which is sealed in a format of its own; share it by WithSharedSession(), or choose another", name)
	case cookieNameProblem(name) != "":
		f.add("WithCookieName", "%s", cookieNameProblem(name))
	case cookie.HasPrefix(name, cookie.HostPrefix) && (!c.secure() || c.cookieDomain != ""):
		f.add("WithCookieName", "browsers accept %q only over https and without a Domain", name)
	case cookie.HasPrefix(name, cookie.SecurePrefix) && !c.secure():
		f.add("WithCookieName", "browsers accept %q only over https", name)
	}
	for _, name := range c.foreignNames {
		if problem := cookieNameProblem(name); problem != "" {
			f.add("WithForeignSessions", "%s", problem)
		}
	}
	if c.cookieDomain != "" {
		domain := strings.ToLower(strings.TrimPrefix(c.cookieDomain, "."))
		host := strings.ToLower(hostname(c.redirectURL))
		switch {
		case (&http.Cookie{Name: "x", Value: "x", Domain: c.cookieDomain}).Valid() != nil:
			f.add("WithCookieDomain", "%q is not a domain name", c.cookieDomain)
		case host != "" && host != domain && !strings.HasSuffix(host, "."+domain):
			f.add("WithCookieDomain", "%q does not cover the redirect URL's host %q, so browsers would refuse the cookie", c.cookieDomain, host)
		}
	}
	switch c.sameSite {
	case http.SameSiteLaxMode, http.SameSiteStrictMode:
	case http.SameSiteNoneMode:
		if !c.secure() {
			f.add("WithCookieSameSite", "browsers accept None only over https")
		}
	default:
		f.add("WithCookieSameSite", "is none of http.SameSiteLaxMode, http.SameSiteStrictMode and http.SameSiteNoneMode")
	}
}

// cookieNameProblem says why a name is none for a session cookie, or "".
func cookieNameProblem(name string) string {
	switch {
	case (&http.Cookie{Name: name, Value: "x"}).Valid() != nil:
		return fmt.Sprintf("%q is not a cookie name (RFC 6265, section 4.1.1)", name)
	case cookie.IsReserved(name):
		return fmt.Sprintf("%q is taken by sign-ins under way; choose another", name)
	case len(name) > 128:
		return fmt.Sprintf("is %d characters long; at most 128 are allowed", len(name))
	}
	return ""
}

// checkURL says what is wrong with a URL that must be absolute and https, or
// http where that is safe. It returns "" for a good one.
func (c *config) checkURL(raw string) string {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return "is not a URL; one that starts with https:// is needed (or http:// on a loopback host)"
	case u.User != nil:
		return "holds a user name or password, which has no place here"
	case u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		return fmt.Sprintf("%s is not an absolute URL that starts with https:// (or http:// on a loopback host)", quoteURL(raw))
	case strings.ContainsFunc(u.Host, func(r rune) bool { return r > '~' }):
		return fmt.Sprintf("%q has a host that is not ASCII; write it as browsers do (xn--…)", raw)
	case strings.Contains(raw, "#"):
		return fmt.Sprintf("%q has a fragment, which servers never see", raw)
	case u.Scheme == "http" && !isLoopback(u.Hostname()) && !c.insecureHTTP:
		return fmt.Sprintf("%q is plain http on a host that is not loopback; use https, or WithInsecureHTTP() on a closed test network", raw)
	}
	return ""
}

// quoteURL shows a value that was to be a URL, unless it may hold a password.
func quoteURL(raw string) string {
	if strings.Contains(raw, "@") {
		return "a value with a user name"
	}
	return strconv.Quote(raw)
}

// isIdentifier tells whether s is a prefix and more, all of it printable ASCII
// without spaces: a stray quote or line break from a .env file is a fault too.
func isIdentifier(s, prefix string) bool {
	if !strings.HasPrefix(s, prefix) || len(s) == len(prefix) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' || r == '\'' })
}
