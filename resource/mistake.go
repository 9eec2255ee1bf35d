// Mistakes in the set-up that requests and tokens show. Each is logged once.

package resource

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/authkit-go/authkit/jwks"
)

// The warnings. docs/troubleshooting.md lists them.
const (
	warnIssuer = "resource: a token has another iss and is signed by a key of the issuer; give New the iss of the " +
		"tokens, which is the AuthKit domain or its custom domain. A session token is for package authkit"
	warnIndicator = "resource: the tokens are for the whole environment and not for this resource; enter the resource " +
		"indicator in the WorkOS dashboard, exactly as here, or accept their audience with WithAudiences"
	warnAudience = "resource: a token of the issuer is for another resource; if the address of this API has changed, " +
		"the client must sign in anew"
	warnHost = "resource: a client came to another host than that of the resource, and refuses the metadata; give the " +
		"client the address of the resource, or give New the address that clients use"
)

// logMismatch logs once each that genuine tokens have another issuer, that they are for another resource, and which resource
// indicator is missing at WorkOS. All are checked after the signature, so the keys of the issuer have signed the token.
func (s *Server) logMismatch(ctx context.Context, err error) {
	var refused *jwks.RefusedError
	if !errors.As(err, &refused) {
		return
	}
	switch {
	case refused.Part == "iss" && !s.issuerLogged.Swap(true):
		s.log.LogAttrs(ctx, slog.LevelWarn, warnIssuer, slog.String("issuer", s.issuer), slog.String("iss", refused.Got))
	case refused.Part != "aud":
	case strings.Contains(refused.Got, `"client_`):
		if !s.indicatorLogged.Swap(true) {
			s.log.LogAttrs(ctx, slog.LevelWarn, warnIndicator, slog.String("resource_indicator", s.resource), slog.String("audience", refused.Got))
		}
	case strings.Contains(refused.Got, `"http`) && !s.audienceLogged.Swap(true):
		s.log.LogAttrs(ctx, slog.LevelWarn, warnAudience, slog.String("resource", s.resource), slog.String("audience", refused.Got))
	}
}

// hostEvidence is how long after its refused request a client reads the metadata.
const hostEvidence = 30 * time.Second

// strayClient is a client that came to another host than that of the resource, without a token.
type strayClient struct {
	host, userAgent string
	at              time.Time
}

// noteHost remembers a client without a token at another host. That alone is no mistake: a proxy may change Host, and a health
// check uses the address of the machine.
func (s *Server) noteHost(r *http.Request) {
	if !s.hostLogged.Load() && isHost(r.Host) && !s.isAtResource(r) {
		s.stray.Store(&strayClient{r.Host, r.UserAgent(), s.clock.Now()})
	}
}

// logHost logs once that a client came to another host and then reads the metadata at that of the resource. So Host arrives
// unchanged, and the client does not accept the metadata, because its resource is not the address that the client knows
// (RFC 9728 section 3.3).
func (s *Server) logHost(r *http.Request) {
	stray := s.stray.Load()
	if stray == nil || !s.isAtResource(r) || s.clock.Now().Sub(stray.at) > hostEvidence {
		return
	}
	// Some clients read the metadata with another User-Agent. On this machine, few programs can be meant.
	if stray.userAgent != r.UserAgent() && !isLoopback(s.metadata.Hostname()) || s.hostLogged.Swap(true) {
		return
	}
	s.log.LogAttrs(r.Context(), slog.LevelWarn, warnHost, slog.String("resource", s.resource), slog.String("host", stray.host))
}

// isAtResource reports whether a request names the host of the resource.
func (s *Server) isAtResource(r *http.Request) bool {
	return canonicalOrigin(&url.URL{Scheme: s.metadata.Scheme, Host: r.Host}) == canonicalOrigin(s.metadata)
}

// isHost reports whether a Host header can be logged: a client chooses it.
func isHost(host string) bool {
	return host != "" && len(host) <= 255 && !strings.ContainsFunc(host, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-.:[]", r)
	})
}
