// The handler of Caddy: its life with a configuration, and the paths that it answers itself.

package caddyauthkit

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/internal/gate"
)

func init() {
	caddy.RegisterModule(Handler{})
	order()
}

// Handler puts WorkOS AuthKit in front of the handlers after it. Every path needs a session unless a rule says otherwise. It answers
// the paths of the sign-in itself.
//
// The handlers after it get identity headers such as X-Authkit-User, which a client cannot send, and no cookie of authkit. The
// placeholder {http.auth.user.id} has the ID of the user for them and for the access log, and {http.auth.user.email} and its like have
// the other fields, encoded as in the headers.
//
// Texts of the configuration may have placeholders such as {env.NAME} and {file./path}, which are replaced when Caddy loads the
// configuration. It has to be loaded again when a file has changed.
//
// A reload keeps sessions, sign-outs and what was used, as long as the sections workos, session (except stream_after), sign_in and store, the paths of
// login and logout, and events.follow stay the same. Otherwise, it is as after a restart.
type Handler struct {
	WorkOS   WorkOS   `json:"workos,omitzero"`
	Session  Session  `json:"session,omitzero"`
	SignIn   SignIn   `json:"sign_in,omitzero"`
	Rules    []Rule   `json:"rules,omitempty"`
	Paths    Paths    `json:"paths,omitzero"`
	Identity Identity `json:"identity,omitzero"`
	Store    Store    `json:"store,omitzero"`
	Events   Events   `json:"events,omitzero"`

	engine    *engine
	engineKey string
	// unregister is nil without a registry of Caddy.
	unregister func()
	gate       *gate.Gate
	callbacks  map[string]bool // the paths whose query has a code
	log        *slog.Logger
}

// CaddyModule returns the module: http.handlers.authkit.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.authkit", New: func() caddy.Module { return new(Handler) }}
}

// Provision builds the gate, and starts an engine or uses that of the configuration before. It does not call WorkOS. The error is a
// [Faults] with all faults of the configuration.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.log = ctx.Slogger()
	var faults Faults
	if hasWrittenPassword(h.Store.URL) {
		faults.add("store.url", "has a password that is written out; give a placeholder such as {env.STORE_URL}, or url_file: Caddy shows and stores its configuration")
		h.Store.URL = ""
	}
	expand("", reflect.ValueOf(h).Elem(), false, &faults)
	h.Paths.setDefaults()
	if h.Session.streamAfter() < 0 {
		faults.add("session.stream_after", "must not be negative; 0s is for ever")
	}
	s := newSettings(h, &faults)
	if err := h.startEngine(ctx, s); err != nil {
		var found Faults
		if !errors.As(err, &found) {
			return err
		}
		faults = append(faults, found...)
	}
	h.buildGate(s, &faults)
	return faults.err()
}

// startEngine sets the engine, if its settings have no fault.
func (h *Handler) startEngine(ctx caddy.Context, s *settings) error {
	key, err := s.key()
	if err != nil {
		return err
	}
	value, _, err := engines.LoadOrNew(key, func() (caddy.Destructor, error) { return newEngine(ctx, s) })
	if err != nil {
		return err
	}
	h.engine, h.engineKey = value.(*engine), key
	h.engine.log.add(h, h.log.Handler())
	if registry := ctx.GetMetricsRegistry(); registry != nil {
		h.unregister, err = register(registry, h.engine, s.name())
	}
	return err
}

// Cleanup ends the engine, if no other handler uses it. Caddy calls it after a reload for the old handler, and after a failed Provision.
func (h *Handler) Cleanup() error {
	if h.engine == nil {
		return nil
	}
	h.engine.log.remove(h)
	if h.unregister != nil {
		h.unregister()
	}
	_, err := engines.Delete(h.engineKey)
	return err
}

// buildGate sets the gate, and adds the faults of rules, paths and identity.
func (h *Handler) buildGate(s *settings, faults *Faults) {
	ak := standIn
	if h.engine != nil {
		ak = h.engine.authKit
	}
	rules := make([]gate.Rule, len(h.Rules))
	for i, rule := range h.Rules {
		rules[i] = gate.Rule(rule)
	}
	signer := h.newSigner(faults)
	var err error
	h.gate, err = gate.New(gate.Config{
		AuthKit: ak, Rules: rules, Own: h.ownHandlers(ak, s, signer, faults), Headers: h.Identity.Headers,
		PassAuthorization: h.Identity.PassAuthorization, Signer: signer, TrustedOrigins: s.trustedOrigins(),
	})
	if err != nil {
		faults.addGate(err)
	}
}

// standIn is never used for a request. With it, the faults of rules are found although the settings have faults too.
var standIn = func() *authkit.AuthKit {
	ak, err := authkit.New(authkit.WithAPIKey("sk_check"), authkit.WithClientID("client_check"),
		authkit.WithCookiePassword(strings.Repeat("-", 32)), authkit.WithRedirectURL("https://check.invalid/callback"),
		authkit.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		panic("authkit: the stand-in for a check: " + err.Error())
	}
	return ak
}()

func (h *Handler) newSigner(faults *Faults) *gate.Signer {
	jwt := h.Identity.JWT
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
	signer, err := gate.NewSigner(keys, jwt.Issuer, jwt.Audience, nil)
	if err != nil {
		faults.add("identity.jwt", "%s", strings.TrimPrefix(err.Error(), "gate: "))
	}
	return signer
}

// ownHandlers returns the handlers of the paths that this handler answers itself.
func (h *Handler) ownHandlers(ak *authkit.AuthKit, s *settings, signer *gate.Signer, faults *Faults) map[string]http.Handler {
	own := map[string]http.Handler{}
	h.callbacks = map[string]bool{}
	add := func(place, path string, handler http.Handler) {
		switch {
		case path == "":
		case !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?#%;*\\ ") || strings.HasPrefix(path, "//"):
			faults.add(place, "%q is not a path that begins with / and has no escape, query or wildcard", path)
		case own[path] != nil:
			faults.add(place, "%q is also another path of the handler", path)
		default:
			own[path] = handler
		}
	}
	for _, address := range s.redirectURLs() {
		u, err := url.Parse(address)
		if err != nil || h.callbacks[u.EscapedPath()] { // authkit.New has reported the error; several hosts may have the same path
			continue
		}
		add("workos.redirect_urls", u.EscapedPath(), ak.Callback())
		h.callbacks[u.EscapedPath()] = true
	}
	add("paths.login", h.Paths.Login, ak.Login())
	add("paths.logout", h.Paths.Logout, ak.Logout())
	add("paths.me", *h.Paths.Me, ak.Me())
	add("paths.health", *h.Paths.Health, ak.Healthz())
	if signer != nil {
		add("paths.keys", h.Paths.Keys, signer.Keys())
	}
	if secrets := secretFiles("events.webhook_secret_files", h.Events.WebhookSecretFiles, faults); len(secrets) > 0 {
		add("paths.webhook", h.Paths.Webhook, ak.Webhook(nil, secrets...))
	}
	return own
}

var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
