// The Server: one resource, and what New checks.

package resource

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/authkit-go/authkit/internal/sessioncache"
	"github.com/authkit-go/authkit/jwks"
)

// Server is one protected resource: it verifies the access tokens of one issuer for it. [New] makes it. It is safe for
// concurrent use, starts no permanent goroutine and does not need to be closed.
type Server struct {
	issuer   string // without a trailing slash
	resource string // exactly as given
	metadata *url.URL

	document []byte // the metadata, as JSON
	keys     *jwks.KeySet
	verifier *jwks.Verifier
	verified *sessioncache.Cache[*Token]

	clock     Clock
	log       *slog.Logger
	onRefusal func(http.ResponseWriter, *http.Request, Refusal)

	issuerLogged    atomic.Bool // whether the log says that tokens have another issuer
	indicatorLogged atomic.Bool // whether the log says which resource indicator the dashboard needs
	audienceLogged  atomic.Bool // whether the log says that tokens are for another resource
	hostLogged      atomic.Bool // whether the log says that a client came to another host
	stray           atomic.Pointer[strayClient]
}

// maxURL is the maximum length of the resource and of the issuer. Every challenge contains the first.
const maxURL = 1024

// New returns a Server for a resource. It makes no request: the keys of the issuer are fetched when the first token needs them.
//
// The issuer is the AuthKit domain of the environment, such as https://acme.authkit.app, or its custom domain. The dashboard
// shows it under Domains (https://workos.com/docs/custom-domains/authkit), and it is the iss of the tokens and the issuer in
// /.well-known/oauth-authorization-server of that domain.
//
// The resource is the address of this API as its clients know it, such as https://mcp.acme.com/mcp. It must be entered in the
// WorkOS dashboard as a resource indicator (RFC 8707), character by character. Tokens for it name it in aud, which is compared in the same way.
//
// There is one exception, for a resource without a path: aud may be https://mcp.acme.com or https://mcp.acme.com/, because many
// clients request a token for the second when the metadata has the first. Enter both in the dashboard then. The MCP specification
// recommends a resource without a slash at its end.
//
// Both are https, or http on a loopback host, without user name, query and fragment, and in the form that clients write: in lower
// case up to the path, and without the default port. The error names every fault at once.
func New(issuer, resource string, opts ...Option) (*Server, error) {
	c := config{log: slog.Default(), clock: systemClock{}, client: http.DefaultClient, cacheEntries: defaultCacheEntries, cacheBytes: defaultCacheBytes}
	for _, opt := range opts {
		if opt != nil {
			opt(&c)
		}
	}
	faults := []error{checkURL("issuer", issuer), checkURL("resource", resource)}
	if strings.Contains(issuer, "/.well-known/") {
		faults = append(faults, errors.New("the issuer: want the AuthKit domain alone, without /.well-known/"))
	}
	faults = append(faults, c.check()...)
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("resource: %w", err)
	}
	issuer = strings.TrimSuffix(issuer, "/")
	s := &Server{
		issuer:    issuer,
		resource:  resource,
		metadata:  metadataURL(resource),
		verified:  sessioncache.New[*Token](c.cacheEntries, c.cacheBytes),
		clock:     c.clock,
		log:       c.log,
		onRefusal: c.onRefusal,
	}
	if s.onRefusal == nil {
		s.onRefusal = func(w http.ResponseWriter, r *http.Request, refusal Refusal) { refusal.ServeHTTP(w, r) }
	}
	if c.jwksURL == "" {
		c.jwksURL = issuer + "/oauth2/jwks"
	}
	s.keys = jwks.NewKeySet(c.jwksURL, jwks.WithClock(c.clock), jwks.WithHTTPClient(c.client), jwks.WithLogger(c.log))
	s.verifier = jwks.NewVerifier(s.keys,
		jwks.WithIssuers(issuer),
		jwks.WithRequiredAudience(append(sameResource(resource), c.audiences...)...),
		jwks.WithAnyClientID(),
		jwks.WithoutSessionID(),
	)
	s.document = c.document(issuer, resource)
	return s, nil
}

// sameResource returns the forms of aud that name a resource: an empty path and / are the same (RFC 3986 section 6.2.3). Clients
// whose URL type adds the slash send it in their requests for a token.
func sameResource(resource string) []string {
	if origin := strings.TrimSuffix(resource, "/"); strings.Count(origin, "/") == 2 {
		return []string{origin, origin + "/"}
	}
	return []string{resource}
}

// Issuer returns the issuer whose tokens this Server accepts, without a trailing slash.
func (s *Server) Issuer() string { return s.issuer }

// checkURL returns what is wrong with an address.
func checkURL(name, raw string) error {
	u, err := url.Parse(raw)
	fault := func(text string) error {
		return fmt.Errorf("the %s: want an absolute https URL (http on a loopback host): %s", name, text)
	}
	switch {
	case raw == "":
		return fault("it is empty")
	case !strings.Contains(raw, "://"):
		return fault("it lacks https://")
	case err != nil:
		return fault("it is not a URL")
	case u.User != nil:
		return fault("it contains a user name or a password")
	case u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		return fault("it is not absolute")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return fault("it is plain http on another host")
	case strings.ContainsAny(raw, "?#"):
		return fault("it contains a query or a fragment")
	case strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r) }):
		return fault("it contains a character that is not allowed in a URL (RFC 3986)")
	case len(raw) > maxURL:
		return fault(fmt.Sprintf("it is longer than %d bytes", maxURL))
	case strings.Contains(u.Path, "//"):
		return fault("it contains an empty segment, which routers and proxies remove")
	case slices.ContainsFunc(strings.Split(u.EscapedPath(), "/"), func(segment string) bool { return segment == "." || segment == ".." }):
		return fault("it contains a dot segment")
	}
	if origin := canonicalOrigin(u); !strings.HasPrefix(raw, origin) || strings.HasSuffix(u.Host, ":") || u.Port() == defaultPorts[u.Scheme] {
		return fault("write it as clients do, with " + origin)
	}
	return nil
}

// defaultPorts are the ports that an address leaves out (RFC 3986 section 6.2.3).
var defaultPorts = map[string]string{"https": "443", "http": "80"}

// canonicalOrigin returns the scheme and the host in lower case, without the default port. Clients compare the resource and the
// issuer as texts (RFC 9728 section 3.3, RFC 8414 section 3.3), and many parse them before.
func canonicalOrigin(u *url.URL) string {
	host := strings.TrimSuffix(strings.ToLower(u.Host), ":")
	return u.Scheme + "://" + strings.TrimSuffix(host, ":"+defaultPorts[u.Scheme])
}

// isLoopback reports whether a host is this machine: localhost and names below it (RFC 6761 section 6.3), 127.0.0.0/8 and ::1.
func isLoopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
