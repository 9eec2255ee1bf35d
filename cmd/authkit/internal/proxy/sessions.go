// The AuthKit of the proxy, from the configuration and the environment.

package proxy

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/authkit-go/authkit"
)

// placeOf has the key of the configuration for an option of authkit, so that a fault names what the reader has written.
var placeOf = map[string]string{
	"WithAPIKey": "workos.api_key_file", "WithClientID": "workos.client_id", "WithCookiePassword": "workos.cookie_password_files",
	"WithRedirectURL": "workos.redirect_urls", "WithPostLogoutRedirectURL": "workos.post_logout_redirect_url", "WithBaseURL": "workos.base_url",
	"WithCookieName": "session.cookie_name", "WithCookieDomain": "session.cookie_domain", "WithIdleTimeout": "session.idle_timeout",
	"WithAbsoluteTimeout": "session.absolute_timeout", "WithRevocationDeadline": "session.revocation_deadline",
	"WithTrustedOrigins": "session.trusted_origins",
	"WithLoginPath":      "paths.login", "WithLogoutPath": "paths.logout", "WithLoginParams": "sign_in",
}

// problemOf has texts for faults that authkit explains with options of Go, by the option and the reason.
var problemOf = map[string]string{
	"WithAPIKey missing":                 "no API key is set; give one that starts with sk_",
	"WithRedirectURL insecure":           plainHTTP,
	"WithPostLogoutRedirectURL insecure": plainHTTP,
	"WithBaseURL insecure":               plainHTTP,
	"WithCookieName conflict":            "is the name of WorkOS's other libraries, or begins with __Host- or __Secure- and does not fit the address or the domain; choose another name",
	"WithRevocationDeadline conflict":    "needs a store (store.url)",
}

const plainHTTP = "is plain http on a host that is not loopback; use https"

// newAuthKit returns the AuthKit, and adds the faults of its configuration. It returns nil if there is one.
func (c *Config) newAuthKit(log *slog.Logger, faults *faultList, more ...authkit.Option) *authkit.AuthKit {
	opts := []authkit.Option{authkit.WithLogger(log), authkit.WithLoginPath(c.Paths.Login), authkit.WithLogoutPath(c.Paths.Logout)}
	addIf := func(value string, option authkit.Option) {
		if value != "" {
			opts = append(opts, option)
		}
	}
	addIf(c.WorkOS.ClientID, authkit.WithClientID(c.WorkOS.ClientID))
	addIf(c.WorkOS.BaseURL, authkit.WithBaseURL(c.WorkOS.BaseURL))
	addIf(c.WorkOS.PostLogoutRedirectURL, authkit.WithPostLogoutRedirectURL(c.WorkOS.PostLogoutRedirectURL))
	addIf(c.Session.CookieName, authkit.WithCookieName(c.Session.CookieName))
	addIf(c.Session.CookieDomain, authkit.WithCookieDomain(c.Session.CookieDomain))
	if urls := c.WorkOS.RedirectURLs; len(urls) > 0 {
		opts = append(opts, authkit.WithRedirectURL(urls[0], urls[1:]...))
	}
	if name := c.WorkOS.APIKeyFile; name != "" {
		key, err := secretFile(name)
		if err != nil {
			faults.add("workos.api_key_file", "%v", err)
		} else {
			opts = append(opts, authkit.WithAPIKey(key))
		}
	}
	if passwords := secretFiles("workos.cookie_password_files", c.WorkOS.CookiePasswordFiles, faults); len(passwords) > 0 {
		opts = append(opts, authkit.WithCookiePassword(passwords[0], passwords[1:]...))
	}
	if c.Session.IdleTimeout != 0 {
		opts = append(opts, authkit.WithIdleTimeout(c.Session.IdleTimeout))
	}
	if c.Session.AbsoluteTimeout != 0 {
		opts = append(opts, authkit.WithAbsoluteTimeout(c.Session.AbsoluteTimeout))
	}
	if c.Session.RevocationDeadline != 0 {
		opts = append(opts, authkit.WithRevocationDeadline(c.Session.RevocationDeadline))
	}
	if len(c.Session.TrustedOrigins) > 0 {
		opts = append(opts, authkit.WithTrustedOrigins(c.Session.TrustedOrigins...))
	}
	if c.Session.Compact {
		opts = append(opts, authkit.WithCompactCookie())
	}
	if c.Session.BearerTokens {
		opts = append(opts, authkit.WithBearerTokens())
	}
	if c.SignIn != (SignIn{}) {
		opts = append(opts, authkit.WithLoginParams(authkit.LoginParams{
			Organization: c.SignIn.Organization, Connection: c.SignIn.Connection, Provider: c.SignIn.Provider,
		}))
	}
	ak, err := authkit.FromEnv(append(opts, more...)...)
	if err != nil {
		c.addConfigErrors(err, faults)
		return nil
	}
	if len(c.redirectURLs()) == 0 {
		return nil // checkServer has reported it
	}
	return ak
}

// secretFiles returns the secrets of several files.
func secretFiles(place string, names []string, faults *faultList) []string {
	var secrets []string
	for _, name := range names {
		secret, err := secretFile(name)
		if err != nil {
			faults.add(place, "%v", err)
			continue
		}
		secrets = append(secrets, secret)
	}
	return secrets
}

// addConfigErrors adds the faults that authkit.New has joined.
func (c *Config) addConfigErrors(err error, faults *faultList) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			c.addConfigErrors(one, faults)
		}
		return
	}
	var fault *authkit.ConfigError
	if !errors.As(err, &fault) {
		faults.add("workos", "%v", err)
		return
	}
	if fault.Option == "WithRevocationDeadline" && fault.Reason == authkit.ReasonConflict && c.Store != (Store{}) {
		return // a check opens no store
	}
	place := cmp.Or(placeOf[fault.Option], fault.Option)
	if len(fault.Variables) > 0 {
		place += " (or " + strings.Join(fault.Variables, ", ") + ")"
	}
	faults.add(place, "%s", cmp.Or(problemOf[fault.Option+" "+string(fault.Reason)], fault.Problem))
}

// redirectURLs returns the redirect URLs, of which the file or the environment has at least one.
func (c *Config) redirectURLs() []string {
	if len(c.WorkOS.RedirectURLs) > 0 {
		return c.WorkOS.RedirectURLs
	}
	if variable := strings.TrimSpace(os.Getenv("WORKOS_REDIRECT_URI")); variable != "" {
		return []string{variable}
	}
	return nil
}

// trustedOrigins returns the origins of the redirect URLs and those of the configuration.
func (c *Config) trustedOrigins() []string {
	origins := slices.Clone(c.Session.TrustedOrigins)
	for _, address := range c.redirectURLs() {
		if u, err := url.Parse(address); err == nil && u.Host != "" {
			origins = append(origins, u.Scheme+"://"+u.Host)
		}
	}
	return origins
}

// ownHandlers returns the handlers of the proxy's own paths, and adds the faults of the paths.
func (c *Config) ownHandlers(ak *authkit.AuthKit, keys http.Handler, webhookSecrets []string, faults *faultList) map[string]http.Handler {
	own := map[string]http.Handler{}
	add := func(place, path string, handler http.Handler) {
		switch {
		case path == "":
		case !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?#%;*\\ ") || strings.HasPrefix(path, "//"):
			faults.add(place, "%q is not a path that begins with / and has no escape, query or wildcard", path)
		case own[path] != nil:
			faults.add(place, "%q is also another path of the proxy", path)
		default:
			own[path] = handler
		}
	}
	for i, address := range c.redirectURLs() {
		u, err := url.Parse(address)
		switch {
		case err != nil: // authkit.New has reported it
		case own[u.Path] != nil && i > 0: // several hosts may have the same path
		default:
			add("workos.redirect_urls", u.EscapedPath(), ak.Callback())
		}
	}
	add("paths.login", c.Paths.Login, ak.Login())
	add("paths.logout", c.Paths.Logout, ak.Logout())
	add("paths.me", c.Paths.Me, ak.Me())
	add("paths.health", c.Paths.Health, ak.Healthz())
	if keys != nil {
		add("paths.keys", c.Paths.Keys, keys)
	}
	if len(webhookSecrets) > 0 {
		add("paths.webhook", c.Paths.Webhook, ak.Webhook(nil, webhookSecrets...))
	}
	return own
}
