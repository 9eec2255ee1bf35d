// The check of a configuration, which reports all faults at once.

package authkit

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/authkit-go/authkit/internal/cookie"
	"github.com/authkit-go/authkit/seal"
	"github.com/authkit-go/authkit/workos"
)

// faults are the faults of a configuration. Each is a [*ConfigError].
type faults []error

// add adds a fault of the option. The problem is formatted as by fmt.Sprintf.
func (f *faults) add(option string, reason ConfigReason, format string, args ...any) {
	f.addFault(option, fault{reason, fmt.Sprintf(format, args...)})
}

// addFault adds a fault of the option, unless it is the zero fault.
func (f *faults) addFault(option string, found fault) {
	if found != (fault{}) {
		*f = append(*f, newConfigError(option, found.reason, found.problem))
	}
}

// check returns all faults of the configuration, joined as by errors.Join, or nil.
// Each is a [*ConfigError].
func (c *config) check() error {
	var f faults
	c.checkVariables(&f)
	c.checkClient(&f)
	c.checkPasswords(&f)
	c.checkURLs(&f)
	c.checkPaths(&f)
	c.checkTokens(&f)
	c.checkCookieName(&f)
	c.checkCookieAttributes(&f)
	c.checkPartitioned(&f)
	c.checkSeals(&f)
	c.checkTimes(&f)
	c.checkClearSiteData(&f)
	c.checkCache(&f)
	c.checkStore(&f)
	c.checkNil(&f)
	return errors.Join(f...)
}

// checkVariables adds the faults of variables that could not be parsed.
func (c *config) checkVariables(f *faults) {
	for _, option := range []string{"WithBaseURL", "WithCookieMaxAge", "WithCookieSameSite"} {
		if err, ok := c.unreadable[option]; ok {
			*f = append(*f, err)
		}
	}
}

// checkClient checks the API key and the client ID.
func (c *config) checkClient(f *faults) {
	switch {
	case c.public:
	case c.apiKey == "":
		f.add("WithAPIKey", ReasonMissing, "no API key is set; give one that starts with sk_, or use WithPublicClient()")
	case !isIdentifier(c.apiKey, "sk_"):
		f.add("WithAPIKey", ReasonMalformed, "is not an API key; an API key starts with sk_ and contains no spaces")
	}
	switch {
	case c.clientID == "":
		f.add("WithClientID", ReasonMissing, "no client ID is set; give one that starts with client_")
	case !isIdentifier(c.clientID, "client_"):
		f.add("WithClientID", ReasonMalformed, "is not a client ID; a client ID starts with client_ and contains no spaces")
	}
}

func (c *config) checkPasswords(f *faults) {
	if len(c.passwords) == 0 {
		f.add("WithCookiePassword", ReasonMissing, "no password is set; give one of at least %d random bytes", seal.MinPasswordLength)
		return
	}
	err := seal.CheckPasswords(c.passwords...)
	if err == nil && (c.shared || c.foreignNames != nil) {
		_, err = seal.Iron(c.passwords...) // counts characters instead of bytes, as the other libraries do
	}
	if err != nil && !errors.Is(err, errors.ErrUnsupported) { // checkSeals reports that one
		reason := ReasonOutOfRange
		switch {
		case slices.Contains(c.passwords, ""):
			reason = ReasonMissing
		case slices.ContainsFunc(c.passwords, func(password string) bool { return !utf8.ValidString(password) }):
			reason = ReasonMalformed
		}
		f.add("WithCookiePassword", reason, "%s", strings.ReplaceAll(strings.ReplaceAll(err.Error(), "seal: ", ""), "\n", "; "))
	}
}

// checkURLs checks the URLs and the trusted origins.
func (c *config) checkURLs(f *faults) {
	for _, found := range c.hostURLFaults(c.redirectURLs()) {
		f.addFault("WithRedirectURL", found)
	}
	if found := c.checkURL(c.baseURL); found != (fault{}) {
		f.addFault("WithBaseURL", found)
	} else if _, err := workos.NewClient("client_", workos.WithBaseURL(c.baseURL)); err != nil {
		f.add("WithBaseURL", ReasonMalformed, "%q must be scheme, host and port, and nothing else", c.baseURL)
	}
	for _, found := range c.hostURLFaults(c.postLogoutURLs()) {
		f.addFault("WithPostLogoutRedirectURL", found)
	}
	for _, origin := range c.returnOrigins {
		if err := http.NewCrossOriginProtection().AddTrustedOrigin(origin); err != nil || originOf(origin) == "" || strings.ContainsAny(origin, "@*") {
			f.add("WithReturnOrigins", ReasonMalformed, "%s is not an origin such as https://app.example.com", quoteURL(origin))
			continue
		}
		f.addFault("WithReturnOrigins", c.checkURL(origin))
	}
	for _, origin := range c.trustedOrigins {
		if err := http.NewCrossOriginProtection().AddTrustedOrigin(origin); err != nil || strings.ContainsAny(origin, "@*") {
			f.add("WithTrustedOrigins", ReasonMalformed, "%s is not an origin such as https://app.example.com", quoteURL(origin))
		}
	}
}

// checkPaths checks the base path, the paths of the handlers and the login parameters.
func (c *config) checkPaths(f *faults) {
	f.addFault("WithBasePath", c.basePathFault())
	for _, given := range [][2]string{{"WithLoginPath", c.loginPath}, {"WithLogoutPath", c.logoutPath}} {
		if path := given[1]; path != localPath(path) || strings.ContainsAny(path, "?#") {
			f.add(given[0], ReasonMalformed, "%q is not a path on this origin, or it has a query or a fragment", path)
		}
	}
	f.addFault("WithLoginParams", c.loginParams.fault())
	if c.loginFuncSet && c.loginFunc == nil {
		f.add("WithLoginFunc", ReasonMissing, "the function is nil")
	}
}

// checkTokens checks which access tokens are accepted.
func (c *config) checkTokens(f *faults) {
	for _, id := range c.bearerClientIDs {
		switch {
		case strings.TrimSpace(id) == "":
			f.add("WithBearerTokens", ReasonMissing, "a client ID is empty; a client ID starts with client_ and contains no spaces")
		case !isIdentifier(id, "client_"):
			f.add("WithBearerTokens", ReasonMalformed, "%q is not a client ID; a client ID starts with client_ and contains no spaces", id)
		}
	}
	for _, issuer := range c.issuers {
		if strings.TrimSpace(issuer) == "" {
			f.add("WithAdditionalIssuers", ReasonMissing, "an issuer is empty")
		}
	}
	if c.audiences != nil && len(c.audiences) == 0 {
		f.add("WithAudiences", ReasonMissing, "names no audience; name at least one, or leave the option out")
	}
	for _, audience := range c.audiences {
		if strings.TrimSpace(audience) == "" {
			f.add("WithAudiences", ReasonMissing, "an audience is empty")
		}
	}
}

// checkCookieName checks the names of the session cookie and of accepted cookies.
func (c *config) checkCookieName(f *faults) {
	switch name := c.cookieName; {
	case name == "":
	case name == cookie.SharedName && !c.shared:
		f.add("WithCookieName", ReasonConflict, "%s is the session cookie of WorkOS's other AuthKit libraries, which has a format of its own; share it with WithSharedSession(), or choose another name", name)
	case cookieNameFault(name) != (fault{}):
		f.addFault("WithCookieName", cookieNameFault(name))
	case cookie.HasPrefix(name, cookie.HostPrefix) && (!c.secure() || c.cookieDomain != ""):
		f.add("WithCookieName", ReasonConflict, "browsers accept %q only over https and without a Domain", name)
	case cookie.HasPrefix(name, cookie.SecurePrefix) && !c.secure():
		f.add("WithCookieName", ReasonConflict, "browsers accept %q only over https", name)
	}
	for _, name := range c.foreignNames {
		f.addFault("WithForeignSessions", cookieNameFault(name))
	}
}

// isOnlyHost reports whether every page is at this host, as in development at localhost.
// Browsers then accept it as the Domain, even if it is a single label (RFC 6265, section
// 5.3).
func (c *config) isOnlyHost(domain string) bool {
	hosts := c.hosts()
	if len(hosts) == 0 {
		return domain == "localhost"
	}
	return !slices.ContainsFunc(hosts, func(host string) bool { return host != domain })
}

// checkCookieAttributes checks Domain and SameSite.
func (c *config) checkCookieAttributes(f *faults) {
	if c.cookieDomain != "" {
		domain := strings.ToLower(strings.TrimPrefix(c.cookieDomain, "."))
		uncovered := slices.IndexFunc(c.hosts(), func(host string) bool {
			return host != "" && host != domain && !strings.HasSuffix(host, "."+domain)
		})
		switch {
		case (&http.Cookie{Name: "x", Value: "x", Domain: c.cookieDomain}).Valid() != nil:
			f.add("WithCookieDomain", ReasonMalformed, "%q is not a domain name", c.cookieDomain)
		case net.ParseIP(domain) != nil:
			f.add("WithCookieDomain", ReasonConflict, "%q is an address, and browsers accept a Domain only for names; leave the option out", c.cookieDomain)
		case !strings.Contains(strings.TrimSuffix(domain, "."), ".") && !c.isOnlyHost(domain):
			f.add("WithCookieDomain", ReasonConflict, "%q is a single label, for which browsers refuse cookies; give a domain such as example.com, or leave the option out", c.cookieDomain)
		case uncovered >= 0:
			f.add("WithCookieDomain", ReasonConflict, "%q does not cover the redirect URL's host %q, so browsers would refuse the cookie", c.cookieDomain, c.hosts()[uncovered])
		}
	}
	switch c.sameSite {
	case http.SameSiteLaxMode, http.SameSiteStrictMode:
	case http.SameSiteNoneMode:
		if !c.secure() {
			f.add("WithCookieSameSite", ReasonConflict, "browsers accept None only over https")
		}
	default:
		f.add("WithCookieSameSite", ReasonOutOfRange, "is not one of http.SameSiteLaxMode, http.SameSiteStrictMode and http.SameSiteNoneMode")
	}
}

// checkPartitioned checks what the Partitioned attribute needs.
func (c *config) checkPartitioned(f *faults) {
	switch {
	case !c.partitioned:
	case c.sameSite != http.SameSiteNoneMode:
		f.add("WithCookiePartitioned", ReasonConflict, "needs WithCookieSameSite(http.SameSiteNoneMode): browsers send no other cookie to a frame of another site")
	case c.shared:
		f.add("WithCookiePartitioned", ReasonConflict, "cannot be used with WithSharedSession: the other libraries set the cookie without the attribute")
	}
}

// clearSiteDataTypes are the types of Clear-Site-Data that browsers know
// (https://www.w3.org/TR/clear-site-data/#header).
var clearSiteDataTypes = []string{"cache", "clientHints", "cookies", "executionContexts", "prefetchCache", "prerenderCache", "storage", "*"}

// checkClearSiteData checks the types of Clear-Site-Data.
func (c *config) checkClearSiteData(f *faults) {
	for _, name := range c.clearSiteData {
		if !slices.Contains(clearSiteDataTypes, name) {
			f.add("WithClearSiteData", ReasonOutOfRange, "%q is not one of %s", name, strings.Join(clearSiteDataTypes, ", "))
		}
	}
}

func (c *config) checkTimes(f *faults) {
	if c.maxAgeSet && c.maxAge < time.Second {
		f.add("WithCookieMaxAge", ReasonOutOfRange, "%s is too short; give at least a second", c.maxAge)
	}
	const dropped = "cannot be used with WithSharedSession: the other libraries drop it when they refresh a session; set WorkOS's own limits in its dashboard"
	switch {
	case c.absoluteTimeout < 0:
		f.add("WithAbsoluteTimeout", ReasonOutOfRange, "%s is negative", c.absoluteTimeout)
	case c.absoluteTimeout > 0 && c.shared:
		f.add("WithAbsoluteTimeout", ReasonConflict, dropped)
	}
	switch {
	case c.idleTimeout != 0 && c.idleTimeout < time.Minute:
		f.add("WithIdleTimeout", ReasonOutOfRange, "%s is too short; give at least a minute, or 0 for no limit", c.idleTimeout)
	case c.idleTimeout > 0 && c.shared:
		f.add("WithIdleTimeout", ReasonConflict, dropped)
	}
	if c.signInTimeout < minSignInTimeout || c.signInTimeout > maxSignInTimeout {
		f.add("WithSignInTimeout", ReasonOutOfRange, "%s is not between a minute and a day", c.signInTimeout)
	}
	if c.eventInterval < minEventInterval || c.eventInterval > maxEventInterval {
		f.add("WithEventInterval", ReasonOutOfRange, "%s is not between 100ms and a minute", c.eventInterval)
	}
	for _, ttl := range []time.Duration{c.permittedTTL, c.deniedTTL} {
		if ttl < 0 || ttl > maxResourcePermissionTTL {
			f.add("WithResourcePermissionTTL", ReasonOutOfRange, "%s is not between 0 and five minutes", ttl)
		}
	}
	if c.apiKeyGrace < 0 {
		f.add("WithAPIKeyGrace", ReasonOutOfRange, "%s is negative", c.apiKeyGrace)
	}
}

// checkSeals checks the options that choose the format of cookies.
func (c *config) checkSeals(f *faults) {
	if c.compact && c.shared {
		f.add("WithCompactCookie", ReasonConflict, "cannot be used with WithSharedSession: the other libraries read only their own format; leave one of the two out")
	}
	const notApproved = "cannot be used with GODEBUG=fips140=only, which does not allow the cryptography of the format"
	_, compactErr := seal.Compact("session", c.passwords...)
	if c.compact && errors.Is(compactErr, errors.ErrUnsupported) {
		f.add("WithCompactCookie", ReasonConflict, notApproved)
	}
	_, ironErr := seal.Iron(c.passwords...)
	if c.shared && errors.Is(ironErr, errors.ErrUnsupported) {
		f.add("WithSharedSession", ReasonConflict, notApproved)
	}
	if c.foreignNames != nil && errors.Is(ironErr, errors.ErrUnsupported) {
		f.add("WithForeignSessions", ReasonConflict, notApproved)
	}
}

func (c *config) checkCache(f *faults) {
	if c.cacheEntries < 0 || c.cacheBytes < 0 {
		f.add("WithSessionCache", ReasonOutOfRange, "%d entries and %d bytes: neither may be negative; 0 turns the cache off", c.cacheEntries, c.cacheBytes)
	}
}

// minRevocationDeadline is more than the time between two reads of the log.
const minRevocationDeadline = 10 * time.Second

// checkStore checks the options of the store.
func (c *config) checkStore(f *faults) {
	if !c.revocationDeadlineSet {
		return
	}
	if c.revocationDeadline < minRevocationDeadline {
		f.add("WithRevocationDeadline", ReasonOutOfRange, "is %s; it must be at least %s, since the log is read every few seconds",
			c.revocationDeadline, minRevocationDeadline)
	}
	if c.store == nil {
		f.add("WithRevocationDeadline", ReasonConflict, "needs WithStore")
	}
}

// checkNil checks the hooks and the other values that must not be nil.
func (c *config) checkNil(f *faults) {
	for _, given := range []struct {
		option string
		isNil  bool
	}{
		{"WithErrorHandler", c.onError == nil},
		{"WithOnSignIn", c.onSignIn == nil},
		{"WithOnSignInFailure", c.onSignInFailure == nil},
		{"WithOnRefresh", c.onRefresh == nil},
		{"WithOnSignOut", c.onSignOut == nil},
		{"WithObserver", c.hasNilObserver()},
		{"WithHTTPClient", c.httpClient == nil},
		{"WithLogger", c.log == nil},
		{"WithClock", c.clock == nil},
		{"WithStore", c.storeSet && c.store == nil},
	} {
		if given.isNil {
			f.add(given.option, ReasonMissing, "is nil; leave the option out for the default")
		}
	}
}

// cookieNameFault returns why a session cookie cannot have this name.
func cookieNameFault(name string) fault {
	switch {
	case (&http.Cookie{Name: name, Value: "x"}).Valid() != nil:
		return faultOf(ReasonMalformed, "%q is not a cookie name (RFC 6265, section 4.1.1)", name)
	case cookie.IsReserved(name):
		return faultOf(ReasonConflict, "%q is used for sign-ins; choose another name", name)
	case len(name) > 128:
		return faultOf(ReasonOutOfRange, "has %d characters; at most 128 are allowed", len(name))
	}
	return fault{}
}

// isIdentifier reports whether s is longer than its prefix and is printable ASCII
// without spaces and quotes. A .env file can add a quote or a line break.
func isIdentifier(s, prefix string) bool {
	if !strings.HasPrefix(s, prefix) || len(s) == len(prefix) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' || r == '\'' })
}
