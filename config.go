// The configuration: what the options decide.

package authkit

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/authkit-go/authkit/internal/cookie"
	"github.com/authkit-go/authkit/workos"
)

// config is what the options decide.
type config struct {
	apiKey, clientID string
	public           bool
	passwords        []string
	redirectURL      string
	insecureHTTP     bool
	baseURL          string
	issuers          []string
	audiences        []string // nil where aud is not looked at
	apiKeyGrace      time.Duration
	bearer           bool
	bearerClientIDs  []string

	shared                       bool     // in the family's format
	foreignNames                 []string // of cookies of others that are accepted, nil for none
	cookieName, cookieDomain     string
	sameSite                     http.SameSite
	maxAge                       time.Duration
	cacheEntries, cacheBytes     int
	maxAgeSet                    bool
	absoluteTimeout, idleTimeout time.Duration
	absoluteTimeoutSet           bool

	postLogoutRedirectURL string
	loginPath, logoutPath string
	signInPage            bool
	signInTimeout         time.Duration
	loginParams           LoginParams
	loginFunc             func(*http.Request) LoginParams
	loginFuncSet          bool
	trustedOrigins        []string

	onError         func(http.ResponseWriter, *http.Request, Failure)
	onSignIn        func(context.Context, SignInEvent) error
	onSignInFailure func(context.Context, SignInFailureEvent)
	onRefresh       func(context.Context, RefreshEvent)
	onSignOut       func(context.Context, SignOutEvent)

	httpClient *http.Client
	log        *slog.Logger
	clock      Clock

	// unreadable holds the variables that could not be read, by the option
	// that they stand for: an option that is given as well beats them.
	unreadable map[string]*ConfigError
}

func newConfig(opts []Option) *config {
	c := &config{
		baseURL:  workos.DefaultBaseURL,
		sameSite: http.SameSiteLaxMode,

		cacheEntries: defaultCacheEntries,
		cacheBytes:   defaultCacheBytes,

		signInTimeout: defaultSignInTimeout,

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

func (c *config) clearVariableFault(option string) { delete(c.unreadable, option) }

// secure tells whether cookies are Secure: always, unless the application says
// through its redirect URL that it is served over plain http.
func (c *config) secure() bool { return !strings.HasPrefix(strings.ToLower(c.redirectURL), "http://") }

// cookieSettings decides the names and attributes of the cookies.
func (c *config) cookieSettings() cookie.Settings {
	s := cookie.Settings{
		SessionName:   c.cookieName,
		Single:        c.shared,
		AcceptedNames: c.foreignNames,
		ClientID:      c.clientID,
		Domain:        c.cookieDomain,
		Host:          hostname(c.redirectURL),
		Secure:        c.secure(),
		SameSite:      c.sameSite,
		MaxAge:        cookie.MaxLifetime,
	}
	if c.shared {
		s.SessionName = cmp.Or(c.cookieName, cookie.SharedName)
	}
	if c.maxAgeSet {
		s.MaxAge = c.maxAge
	}
	return s
}

// isLoopback tells whether a host is this machine: localhost and names under
// it (RFC 6761, section 6.3), 127.0.0.0/8 and ::1.
func isLoopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func hostname(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// Option is one decision about an [AuthKit]; the With functions make them. A
// later option overrides an earlier one.
type Option func(*config)

const (
	// defaultCacheEntries and defaultCacheBytes bound the session cache where
	// the application does not say.
	defaultCacheEntries = 10_000
	defaultCacheBytes   = 64 << 20
)

const (
	defaultSignInTimeout = time.Hour
	minSignInTimeout     = time.Minute
	maxSignInTimeout     = 24 * time.Hour
)
