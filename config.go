// The configuration: the values that the options set, and their defaults.

package authkit

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/authkit-go/authkit/internal/cookie"
	"github.com/authkit-go/authkit/workos"
)

// config holds the values that the options set.
type config struct {
	apiKey, clientID string
	public           bool
	passwords        []string
	redirectURL      string
	redirectOthers   []string // the redirect URLs of the other hosts
	basePath         string
	insecureHTTP     bool
	baseURL          string
	issuers          []string
	audiences        []string // nil if aud is not checked
	apiKeyGrace      time.Duration
	permittedTTL     time.Duration // of a yes to a question about a permission on a resource
	deniedTTL        time.Duration // of a no
	bearer           bool
	bearerClientIDs  []string

	shared                       bool     // with WorkOS's other AuthKit libraries
	foreignNames                 []string // accepted cookies of other libraries, nil for none
	cookieName, cookieDomain     string
	sameSite                     http.SameSite
	partitioned                  bool
	compact                      bool // the format of the seals
	maxAge                       time.Duration
	cacheEntries, cacheBytes     int
	maxAgeSet, withoutMaxAge     bool
	absoluteTimeout, idleTimeout time.Duration
	absoluteTimeoutSet           bool

	postLogoutRedirectURL string
	postLogoutOthers      []string // those of the other hosts
	clearSiteData         []string // the types of the header at logout, none for no header
	loginPath, logoutPath string
	signInPage            bool
	signInTimeout         time.Duration
	eventInterval         time.Duration
	loginParams           LoginParams
	loginFunc             func(*http.Request) LoginParams
	loginFuncSet          bool
	trustedOrigins        []string
	returnOrigins         []string

	onError         func(http.ResponseWriter, *http.Request, Failure)
	onSignIn        func(context.Context, SignInEvent) error
	onSignInFailure func(context.Context, SignInFailureEvent)
	onRefresh       func(context.Context, RefreshEvent)
	onSignOut       func(context.Context, SignOutEvent)
	observers       []func(context.Context, Observation)

	store                 Store // nil for none
	storeSet              bool
	revocationDeadline    time.Duration
	revocationDeadlineSet bool

	httpClient *http.Client
	log        *slog.Logger
	clock      Clock

	// unreadable holds the variables that could not be parsed, by the name of
	// their option. If the option is given too, it removes the fault.
	unreadable map[string]*ConfigError
}

// newConfig returns the defaults, changed by the options in their order.
func newConfig(opts []Option) *config {
	c := &config{
		baseURL:  workos.DefaultBaseURL,
		sameSite: http.SameSiteLaxMode,

		cacheEntries: defaultCacheEntries,
		cacheBytes:   defaultCacheBytes,

		signInTimeout: defaultSignInTimeout,
		eventInterval: defaultEventInterval,
		permittedTTL:  defaultPermittedTTL,
		deniedTTL:     defaultDeniedTTL,
		clearSiteData: []string{"cache"},

		loginPath:  "/login",
		logoutPath: "/logout",
		onError:    func(w http.ResponseWriter, r *http.Request, f Failure) { f.ServeHTTP(w, r) },
		onSignIn:   func(context.Context, SignInEvent) error { return nil },
		onRefresh:  func(context.Context, RefreshEvent) {},
		onSignOut:  func(context.Context, SignOutEvent) {},

		onSignInFailure: func(context.Context, SignInFailureEvent) {},
		httpClient:      http.DefaultClient,
		log:             slog.Default(),
		clock:           systemClock{},
		unreadable:      map[string]*ConfigError{},
	}
	for _, opt := range opts {
		if opt != nil {
			opt(c)
		}
	}
	if c.maxAgeSet && c.maxAge > 0 && !c.absoluteTimeoutSet && !c.shared {
		c.absoluteTimeout = c.maxAge
	}
	return c
}

// clearVariableFault removes the fault of a variable that the option overrides.
func (c *config) clearVariableFault(option string) { delete(c.unreadable, option) }

// redirectURLs returns the redirect URLs of all hosts, the default first.
func (c *config) redirectURLs() []string { return urlList(c.redirectURL, c.redirectOthers) }

// pageOrigins returns the origins that a page of this package may lead to besides its own:
// that of WorkOS's API, those that a sign-in may return to, and the URLs that a sign-out
// leads to. Each is as the addresses of its pages begin.
func (c *config) pageOrigins() []string {
	return slices.Concat(originsOf(c.returnOrigins), []string{c.baseURL}, c.postLogoutURLs())
}

// postLogoutURLs returns the post-logout redirect URLs of all hosts, the default first.
func (c *config) postLogoutURLs() []string {
	return urlList(c.postLogoutRedirectURL, c.postLogoutOthers)
}

// urlList returns a URL and the others. It returns nil if all are missing.
func urlList(first string, others []string) []string {
	if first == "" && len(others) == 0 {
		return nil
	}
	return append([]string{first}, others...)
}

// secure reports whether cookies have the Secure attribute. They have it unless the
// redirect URL is plain http.
func (c *config) secure() bool { return !strings.HasPrefix(strings.ToLower(c.redirectURL), "http://") }

// cookieSettings returns the names and attributes of the cookies.
func (c *config) cookieSettings() cookie.Settings {
	s := cookie.Settings{
		SessionName:   c.cookieName,
		Single:        c.shared,
		AcceptedNames: c.foreignNames,
		ClientID:      c.clientID,
		BasePath:      c.basePath,
		Domain:        c.cookieDomain,
		Host:          hostname(c.redirectURL),
		Secure:        c.secure(),
		SameSite:      c.sameSite,
		Partitioned:   c.partitioned,
		MaxAge:        cookie.MaxLifetime,
	}
	if hosts := c.hosts(); len(hosts) > 1 {
		s.OtherHosts = hosts[1:]
	}
	if c.shared {
		s.SessionName = cmp.Or(c.cookieName, cookie.SharedName)
	}
	if c.maxAgeSet {
		s.MaxAge = c.maxAge
	}
	if c.withoutMaxAge {
		s.MaxAge = 0
	}
	return s
}

// clearSiteDataHeader returns the value of Clear-Site-Data at logout, or "".
func (c *config) clearSiteDataHeader() string {
	var quoted []string
	for _, name := range c.clearSiteData {
		quoted = append(quoted, `"`+name+`"`)
	}
	return strings.Join(quoted, ", ")
}

// isLoopback reports whether a host is this machine: localhost and names below it
// (RFC 6761, section 6.3), 127.0.0.0/8 and ::1.
func isLoopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// hosts returns the names of the hosts of the redirect URLs, in lower case, without a dot
// at the end.
func (c *config) hosts() (hosts []string) {
	for _, raw := range c.redirectURLs() {
		hosts = append(hosts, strings.ToLower(strings.TrimSuffix(hostname(raw), ".")))
	}
	return hosts
}

// hostname returns the host of a URL without its port, or "" if raw is not a URL.
func hostname(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// escapedPath returns the path of a URL as it is written, or "" if raw is not a URL.
func escapedPath(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.EscapedPath()
}

// Option configures an [AuthKit]. The With functions return options. A later option
// overrides an earlier one of the same function. But [WithAdditionalIssuers],
// [WithAudiences], [WithBearerTokens], [WithForeignSessions], [WithObserver],
// [WithReturnOrigins] and [WithTrustedOrigins] add to the earlier one. A nil Option is ignored.
type Option func(*config)

const (
	// The bounds of the session cache without [WithSessionCache].
	defaultCacheEntries = 10_000
	defaultCacheBytes   = 64 << 20
)

// The limits of [WithEventInterval].
const (
	defaultEventInterval = time.Second
	minEventInterval     = 100 * time.Millisecond
	maxEventInterval     = time.Minute
)

// The limits of [WithResourcePermissionTTL].
const (
	defaultPermittedTTL      = 10 * time.Second
	defaultDeniedTTL         = 3 * time.Second
	maxResourcePermissionTTL = 5 * time.Minute
)

const (
	defaultSignInTimeout = time.Hour
	minSignInTimeout     = time.Minute
	maxSignInTimeout     = 24 * time.Hour
)
