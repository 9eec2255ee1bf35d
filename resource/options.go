// The options of New.

package resource

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
)

// Option configures [New].
type Option func(*config)

// The default limits of the memory of verified tokens.
const (
	defaultCacheEntries = 10_000
	defaultCacheBytes   = 64 << 20
)

type config struct {
	audiences     []string
	scopes        []string
	name          string
	documentation string
	jwksURL       string

	client                   *http.Client
	clock                    Clock
	log                      *slog.Logger
	onRefusal                func(http.ResponseWriter, *http.Request, Refusal)
	cacheEntries, cacheBytes int
}

// WithAudiences accepts other values of aud beside the resource, compared as whole strings. WorkOS puts the client ID of the
// environment ("client_…") into aud if no resource indicator is entered in the dashboard, and for machines. A token with this
// aud is good for every API of the environment that accepts it, so prefer a resource indicator.
func WithAudiences(audiences ...string) Option {
	return func(c *config) { c.audiences = append(c.audiences, audiences...) }
}

// WithScopesSupported names the scopes of this API in the metadata (scopes_supported, RFC 9728 section 2). A client requests
// them when it signs a user in, if no challenge names others: name those that most calls need. offline_access is not one of
// them, because a client asks for a refresh token by itself.
func WithScopesSupported(scopes ...string) Option {
	return func(c *config) { c.scopes = append(c.scopes, scopes...) }
}

// WithName sets the name of this API that a client can show to its user (resource_name, RFC 9728 section 2).
func WithName(name string) Option {
	return func(c *config) { c.name = name }
}

// WithDocumentation sets the address of a page for developers (resource_documentation, RFC 9728 section 2).
func WithDocumentation(url string) Option {
	return func(c *config) { c.documentation = url }
}

// WithJWKSURL sets the address of the issuer's keys. The default is that of WorkOS: /oauth2/jwks below the issuer.
func WithJWKSURL(url string) Option {
	return func(c *config) { c.jwksURL = url }
}

// WithTokenCache limits the memory of verified tokens. A token that comes again costs no signature check then. The default is
// 10,000 tokens and 64 MiB. A token counts as what it takes in memory: its length, and about 1 KiB. When a limit is reached, tokens
// that are used less leave. Zero in either turns the memory off. Tokens that were refused are not stored, so made-up ones take no
// memory.
func WithTokenCache(tokens, bytes int) Option {
	return func(c *config) { c.cacheEntries, c.cacheBytes = tokens, bytes }
}

// WithRefusalHandler sets what answers a request that is refused. Its header fields (WWW-Authenticate, Retry-After,
// Cache-Control) are set already. The default, also for nil, writes the refusal as a problem document, with [Refusal.ServeHTTP].
// The guard Accept of package authkit answers in the form of its own package and does not call the handler.
func WithRefusalHandler(handler func(w http.ResponseWriter, r *http.Request, refusal Refusal)) Option {
	return func(c *config) { c.onRefusal = handler }
}

// WithHTTPClient sets the client that fetches the keys. The default is [http.DefaultClient]. A fetch takes at most five seconds
// and follows no redirect to another host.
func WithHTTPClient(client *http.Client) Option {
	return func(c *config) { c.client = client }
}

// WithLogger sets the logger. The default is [slog.Default], which leaves Debug out. Refused requests and the reasons why a token is
// not accepted are logged at Debug. Logged at Warn are failures to fetch keys, and once each, mistakes in the set-up that a token of
// the issuer or a client shows: another issuer, a missing resource indicator, a token for another resource, another host. No line
// contains a token.
func WithLogger(logger *slog.Logger) Option {
	return func(c *config) { c.log = logger }
}

// WithClock sets the clock, for tests. The default is the system's clock.
func WithClock(clock Clock) Option {
	return func(c *config) { c.clock = clock }
}

// check returns the faults of the options.
func (c *config) check() (faults []error) {
	for _, audience := range c.audiences {
		if strings.TrimSpace(audience) == "" {
			faults = append(faults, errors.New("WithAudiences: an audience is empty"))
		}
	}
	for _, scope := range c.scopes {
		if err := checkScope(scope); err != nil {
			faults = append(faults, fmt.Errorf("WithScopesSupported: %w", err))
		}
	}
	if c.documentation != "" {
		if u, err := url.Parse(c.documentation); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || strings.Contains(c.documentation, " ") {
			faults = append(faults, errors.New("WithDocumentation: want an absolute URL"))
		}
	}
	if c.jwksURL != "" {
		if err := checkURL("address", c.jwksURL); err != nil {
			faults = append(faults, fmt.Errorf("WithJWKSURL: %w", err))
		}
	}
	for _, option := range []struct {
		name  string
		isNil bool
	}{{"WithHTTPClient", c.client == nil}, {"WithLogger", c.log == nil}, {"WithClock", c.clock == nil}} {
		if option.isNil {
			faults = append(faults, errors.New(option.name+": the value is nil"))
		}
	}
	return faults
}

// checkScope refuses what is no scope (RFC 6749 section 3.3: printable ASCII except space, " and \).
func checkScope(scope string) error {
	switch {
	case scope == "":
		return errors.New("a scope is empty")
	case strings.ContainsFunc(scope, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }):
		return fmt.Errorf("%q is no scope (RFC 6749 section 3.3)", scope)
	}
	return nil
}
