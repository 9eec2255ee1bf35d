// The handler of one configuration: the gate, the upstreams and the answers when an upstream fails.

package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/internal/gate"
	"github.com/authkit-go/authkit/internal/page"
)

// site is what one configuration makes of the proxy. A reload replaces it. Requests that have begun keep theirs.
type site struct {
	authKit   *authkit.AuthKit
	gate      *gate.Gate
	upstreams []*upstream
	forwarded *forwarding
	hosts     *hostList
	signer    *gate.Signer // nil without identity.jwt
	proxy     *httputil.ReverseProxy
	log       *slog.Logger

	clock       authkit.Clock
	streamAfter time.Duration // after which a response without a length ends with its session; 0 for never
}

// upstreamKey is the context key of the *upstream of a request, and clientKey that of the client's request.
type (
	upstreamKey struct{}
	clientKey   struct{}
)

// newSite returns the site of a configuration, and adds its faults. earlier is the site that it replaces, or nil.
func (c *Config) newSite(ak *authkit.AuthKit, log *slog.Logger, clock authkit.Clock, earlier *site, faults *faultList) *site {
	var connected []*upstream
	if earlier != nil {
		connected = earlier.upstreams
	}
	s := &site{
		authKit: ak, log: log, clock: clock, streamAfter: c.Session.StreamAfter, upstreams: c.newUpstreams(connected, faults),
		forwarded: c.newForwarding(faults), hosts: c.newHosts(faults), signer: c.newSigner(clock, faults),
	}
	var keys http.Handler
	if s.signer != nil {
		keys = s.signer.Keys()
	}
	webhooks := secretFiles("events.webhook_secret_files", c.Events.WebhookSecretFiles, faults)
	if secret := strings.TrimSpace(os.Getenv("WORKOS_WEBHOOK_SECRET")); secret != "" && len(c.Events.WebhookSecretFiles) == 0 {
		webhooks = []string{secret}
	}
	rules := make([]gate.Rule, len(c.Rules))
	for i, rule := range c.Rules {
		rules[i] = gate.Rule(rule)
	}
	var err error
	s.gate, err = gate.New(gate.Config{
		AuthKit: ak, Rules: rules, Own: c.ownHandlers(ak, keys, webhooks, faults), Headers: c.Identity.Headers,
		PassAuthorization: c.Identity.PassAuthorization, Signer: s.signer, TrustedOrigins: c.trustedOrigins(),
	})
	if err != nil {
		faults.addError("rules", err)
	}
	s.proxy = &httputil.ReverseProxy{
		Rewrite:        s.rewrite,
		Transport:      roundTripper(s.roundTrip),
		ModifyResponse: s.modifyResponse,
		ErrorHandler:   s.fail,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BufferPool:     newBufferPool(),
	}
	return s
}

func (c *Config) newSigner(clock authkit.Clock, faults *faultList) *gate.Signer {
	jwt := c.Identity.JWT
	switch {
	case jwt.KeyFiles == nil && jwt.Issuer == "" && jwt.Audience == "":
		return nil
	case len(jwt.KeyFiles) == 0:
		faults.add("identity.jwt.key_files", "give the file of the private key, or remove identity.jwt")
		return nil
	}
	keys := gate.ReadSigningKeys(jwt.KeyFiles, readFile, func(i int, fault string) {
		faults.add(fmt.Sprintf("identity.jwt.key_files[%d]", i), "%s", fault)
	})
	if jwt.Issuer == "" || jwt.Audience == "" { // also if a key has a fault
		faults.add("identity.jwt", "a signer needs an issuer and an audience")
		return nil
	}
	if len(keys) < len(jwt.KeyFiles) {
		return nil
	}
	signer, err := gate.NewSigner(keys, jwt.Issuer, jwt.Audience, clock)
	if err != nil {
		faults.add("identity.jwt", "%s", strings.TrimPrefix(err.Error(), "gate: "))
	}
	return signer
}

// serve answers a request of a client.
func (s *site) serve(w http.ResponseWriter, r *http.Request) {
	if !s.hosts.has(r) {
		writeProblem(w, r, http.StatusMisdirectedRequest, "This server does not answer for the host of the request.")
		return
	}
	r = r.WithContext(context.WithValue(r.Context(), clientKey{}, r))
	s.gate.Serve(w, r, http.HandlerFunc(s.forward))
}

// forward passes a request on that the gate has passed.
func (s *site) forward(w http.ResponseWriter, r *http.Request) {
	noteUser(r.Context())
	u := upstreamOf(s.upstreams, r.URL.Path)
	if u == nil {
		writeProblem(w, r, http.StatusNotFound, "No application is at this address.")
		return
	}
	ctx := context.WithValue(r.Context(), upstreamKey{}, u)
	if isAsserted(ctx) {
		// A long response or a WebSocket ends with the session or the API key whose identity the upstream was told.
		bounded, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		ctx = bounded
		if r.Header.Get("Upgrade") != "" {
			defer s.endWith(ctx, cancel)()
		} else {
			ctx = context.WithValue(ctx, endKey{}, &streamEnd{cancel: cancel})
			defer ctx.Value(endKey{}).(*streamEnd).release()
		}
	}
	s.proxy.ServeHTTP(w, r.WithContext(ctx))
}

// isAsserted reports whether the upstream is told an identity.
func isAsserted(ctx context.Context) bool {
	if _, ok := authkit.APIKeyFromContext(ctx); ok {
		return true
	}
	_, ok := authkit.FromContext(ctx)
	return ok
}

// endWith ends a context with its session or API key. The function that it returns releases what that needs.
func (s *site) endWith(ctx context.Context, cancel context.CancelCauseFunc) (release func()) {
	end := s.authKit.UntilEnd(ctx)
	stop := context.AfterFunc(end, func() { cancel(context.Cause(end)) })
	return func() { stop() }
}

// endKey is the context key of a *streamEnd.
type endKey struct{}

// streamEnd ends a response with its session, once it is known to be a stream.
type streamEnd struct {
	cancel context.CancelCauseFunc
	stop   func() // nil for a response that ends by itself
}

func (e *streamEnd) release() {
	if e.stop != nil {
		e.stop()
	}
}

// begin decides from the header of a response whether it is a stream.
func (e *streamEnd) begin(s *site, resp *http.Response) {
	ctx := resp.Request.Context()
	switch {
	case gate.IsStream(resp.Header):
		e.stop = s.endWith(ctx, e.cancel)
	case s.streamAfter > 0 && gate.HasNoLength(resp.Request.Method, resp.StatusCode, resp.Header):
		stop := gate.EndAfter(ctx, s.authKit, s.clock, s.streamAfter, e.cancel) // what it starts ends with ctx
		e.stop = func() { stop() }
	}
}

// rewrite prepares the request to the upstream.
func (s *site) rewrite(pr *httputil.ProxyRequest) {
	u := pr.In.Context().Value(upstreamKey{}).(*upstream)
	client := pr.In.Context().Value(clientKey{}).(*http.Request)
	pr.Out.URL.Scheme, pr.Out.URL.Host = u.target.Scheme, u.target.Host
	pr.Out.URL.RawQuery = pr.In.URL.RawQuery // as the client has sent it
	pr.Out.Host = pr.In.Host
	if u.rewriteHost {
		pr.Out.Host = u.target.Host
	}
	s.forwarded.set(pr.Out.Header, client)
}

// roundTripper is a function as an http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (s *site) roundTrip(r *http.Request) (*http.Response, error) {
	return r.Context().Value(upstreamKey{}).(*upstream).transport.RoundTrip(r)
}

// modifyResponse looks at the header of a response.
func (s *site) modifyResponse(resp *http.Response) error {
	s.gate.RemoveOwnCookies(resp.Header) // the header of an upgrade is not written by the gate's writer
	if end, ok := resp.Request.Context().Value(endKey{}).(*streamEnd); ok {
		end.begin(s, resp)
	}
	return nil
}

// fail answers a request whose upstream has failed. The answer does not say how.
func (s *site) fail(w http.ResponseWriter, r *http.Request, err error) {
	var network net.Error
	client := r.Context().Value(clientKey{}).(*http.Request)
	switch cause := context.Cause(r.Context()); {
	case errors.Is(cause, authkit.ErrUnauthenticated), errors.Is(cause, authkit.ErrUnavailable):
		s.log.DebugContext(r.Context(), "proxy: the session of a request has ended", slog.Any("error", cause))
		writeProblem(w, r, http.StatusUnauthorized, "The session has ended. Sign in again.")
	case faultOfBody(client) == http.StatusRequestTimeout:
		writeProblem(w, r, http.StatusRequestTimeout, "The body of the request did not arrive in time.")
	case faultOfBody(client) != 0:
		writeProblem(w, r, http.StatusBadRequest, "The body of the request cannot be read.")
	case r.Context().Err() != nil:
		s.log.DebugContext(r.Context(), "proxy: the client has left", slog.Any("error", err))
		w.WriteHeader(http.StatusBadGateway) // which the client does not see
	case errors.As(err, &network) && network.Timeout():
		s.log.WarnContext(r.Context(), "proxy: the upstream did not answer in time", slog.String("upstream", upstreamName(r)), slog.Any("error", err))
		writeProblem(w, r, http.StatusGatewayTimeout, "The application did not answer in time.")
	default:
		s.log.WarnContext(r.Context(), "proxy: the upstream has failed", slog.String("upstream", upstreamName(r)), slog.Any("error", err))
		writeProblem(w, r, http.StatusBadGateway, "The application cannot be reached.")
	}
}

func upstreamName(r *http.Request) string {
	return r.Context().Value(upstreamKey{}).(*upstream).target.Host
}

// writeProblem writes a page for a person, and a problem document for a program (RFC 9457).
func writeProblem(w http.ResponseWriter, r *http.Request, status int, detail string) {
	w.Header().Set("Cache-Control", "no-store")
	if accept := r.Header.Get("Accept"); strings.Contains(accept, "text/html") {
		page.Write(w, status, page.Page{Title: http.StatusText(status), Text: detail})
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"status": status, "title": http.StatusText(status), "detail": detail})
}

// close releases the idle connections of a site that was replaced by next, or by none for nil.
func (s *site) close(next *site) {
	for _, u := range s.upstreams {
		if next == nil || !slices.ContainsFunc(next.upstreams, func(n *upstream) bool { return n.transport == u.transport }) {
			u.transport.CloseIdleConnections()
		}
	}
}
