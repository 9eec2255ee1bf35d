// The engine: what must outlive a reload of Caddy's configuration, shared by handlers with the same settings.

package caddyauthkit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/authkit-go/authkit"
)

// engine is an AuthKit with its store, and the goroutine that follows the events of WorkOS. The AuthKit remembers who has signed out,
// which states and which refresh tokens were used, and who waits for a refresh: a reload must not lose that.
type engine struct {
	authKit *authkit.AuthKit
	log     *relay
	metrics *engineMetrics
	store   *sharedStore // nil without one
	stop    context.CancelFunc
	work    sync.WaitGroup

	mu       sync.Mutex
	requests int  // that use the engine
	ended    bool // no handler uses it
}

// use notes a request, until it calls done. Requests of a replaced configuration go on after its handlers are cleaned up.
func (e *engine) use() (done func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.requests++
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.requests--; e.requests == 0 && e.ended {
			e.closeStore()
		}
	}
}

// engines has the engines by the key of their settings. During a reload, the old handler and the new one use the same engine, if its
// settings are the same. The last one that is cleaned up ends it.
var engines = caddy.NewUsagePool()

// migrateTimeout bounds the creation of the tables.
const migrateTimeout = 30 * time.Second

// settings are what an engine is made of, with the secrets. They are never logged.
type settings struct {
	WorkOS          WorkOS
	Session         Session
	SignIn          SignIn
	Login, Logout   string
	APIKey          string
	CookiePasswords []string
	Store           string
	Migrate         bool
	Follow          bool
	Environment     []string // of the WORKOS_ variables
}

// newSettings reads the secrets of a configuration, whose placeholders are replaced.
func newSettings(h *Handler, faults *Faults) *settings {
	s := &settings{
		WorkOS: h.WorkOS, Session: h.Session, SignIn: h.SignIn, Login: h.Paths.Login, Logout: h.Paths.Logout,
		APIKey: h.WorkOS.APIKey, CookiePasswords: h.WorkOS.CookiePasswords, Store: h.Store.URL, Migrate: h.Store.Migrate, Follow: h.Events.follows(),
	}
	s.Session.StreamAfter = nil // it belongs to the handler, and its change must not end the engine
	if name := h.WorkOS.APIKeyFile; name != "" {
		if s.APIKey != "" {
			faults.add("workos.api_key_file", "give either api_key or api_key_file")
		}
		s.APIKey = secretFile("workos.api_key_file", name, faults)
	}
	s.CookiePasswords = append(slices.Clip(s.CookiePasswords), secretFiles("workos.cookie_password_files", h.WorkOS.CookiePasswordFiles, faults)...)
	if name := h.Store.URLFile; name != "" {
		if s.Store != "" {
			faults.add("store.url_file", "give either url or url_file")
		}
		s.Store = secretFile("store.url_file", name, faults)
	}
	for _, variable := range os.Environ() {
		if strings.HasPrefix(variable, "WORKOS_") {
			s.Environment = append(s.Environment, variable)
		}
	}
	slices.Sort(s.Environment)
	return s
}

// key returns the key of the settings in the pool. It is a digest, since Caddy may print keys.
func (s *settings) key() (string, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("authkit: the settings cannot be compared: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// options returns the options of authkit that follow from the settings.
func (s *settings) options() []authkit.Option {
	opts := []authkit.Option{authkit.WithLoginPath(s.Login), authkit.WithLogoutPath(s.Logout)}
	addIf := func(is bool, option authkit.Option) {
		if is {
			opts = append(opts, option)
		}
	}
	w, session := &s.WorkOS, &s.Session
	addIf(w.ClientID != "", authkit.WithClientID(w.ClientID))
	addIf(w.BaseURL != "", authkit.WithBaseURL(w.BaseURL))
	addIf(w.PostLogoutRedirectURL != "", authkit.WithPostLogoutRedirectURL(w.PostLogoutRedirectURL))
	addIf(s.APIKey != "", authkit.WithAPIKey(s.APIKey))
	if passwords := s.CookiePasswords; len(passwords) > 0 {
		opts = append(opts, authkit.WithCookiePassword(passwords[0], passwords[1:]...))
	}
	if urls := w.RedirectURLs; len(urls) > 0 {
		opts = append(opts, authkit.WithRedirectURL(urls[0], urls[1:]...))
	}
	addIf(session.CookieName != "", authkit.WithCookieName(session.CookieName))
	addIf(session.CookieDomain != "", authkit.WithCookieDomain(session.CookieDomain))
	addIf(session.IdleTimeout != 0, authkit.WithIdleTimeout(time.Duration(session.IdleTimeout)))
	addIf(session.AbsoluteTimeout != 0, authkit.WithAbsoluteTimeout(time.Duration(session.AbsoluteTimeout)))
	addIf(session.RevocationDeadline != 0, authkit.WithRevocationDeadline(time.Duration(session.RevocationDeadline)))
	addIf(len(session.TrustedOrigins) > 0, authkit.WithTrustedOrigins(session.TrustedOrigins...))
	addIf(session.Compact, authkit.WithCompactCookie())
	addIf(session.BearerTokens, authkit.WithBearerTokens())
	addIf(s.SignIn != SignIn{}, authkit.WithLoginParams(authkit.LoginParams{
		Organization: s.SignIn.Organization, Connection: s.SignIn.Connection, Provider: s.SignIn.Provider,
	}))
	return opts
}

// redirectURLs returns the redirect URLs, of which the configuration or the environment has at least one.
func (s *settings) redirectURLs() []string {
	if len(s.WorkOS.RedirectURLs) > 0 {
		return s.WorkOS.RedirectURLs
	}
	if variable := strings.TrimSpace(os.Getenv("WORKOS_REDIRECT_URI")); variable != "" {
		return []string{variable}
	}
	return nil
}

// trustedOrigins returns the origins of the redirect URLs and those of the configuration.
func (s *settings) trustedOrigins() []string {
	origins := slices.Clone(s.Session.TrustedOrigins)
	for _, address := range s.redirectURLs() {
		if u, err := url.Parse(address); err == nil && u.Host != "" {
			origins = append(origins, u.Scheme+"://"+u.Host)
		}
	}
	return origins
}

// newEngine starts an engine. The error is a [Faults] if a setting has a fault.
func newEngine(ctx context.Context, s *settings) (*engine, error) {
	var faults Faults
	metrics, err := newEngineMetrics()
	if err != nil {
		return nil, err
	}
	e := &engine{log: &relay{}, metrics: metrics}
	opts := append(s.options(), authkit.WithLogger(slog.New(e.log)), authkit.WithObserver(metrics.observer.Observe))
	if e.store = openStore(s.Store, s.Migrate, &faults); e.store != nil {
		opts = append(opts, authkit.WithStore(e.store.store))
	}
	if e.authKit, err = authkit.FromEnv(opts...); err != nil {
		faults.addOptions(err)
	} else if len(s.redirectURLs()) == 0 {
		faults.add("workos.redirect_urls", "is missing; give the address of the callback, such as https://app.example.com/callback, here or in WORKOS_REDIRECT_URI")
	}
	if err = faults.err(); err == nil && e.store != nil && e.store.migrate != nil {
		bounded, cancel := context.WithTimeout(ctx, migrateTimeout)
		defer cancel()
		if err = e.store.migrate(bounded); err != nil {
			err = fmt.Errorf("authkit: create the tables of the store: %w", err)
		}
	}
	if err == nil {
		err = metrics.watch(e.authKit)
	}
	if err != nil {
		metrics.stop()
		e.closeStore()
		return nil, err
	}
	var work context.Context
	work, e.stop = context.WithCancel(context.Background()) // it ends with the last handler, not with the first
	if s.Follow {
		e.work.Go(func() { _ = e.authKit.Follow(work, nil, "") })
	}
	return e, nil
}

func (e *engine) closeStore() {
	if e.store != nil {
		e.store.close()
	}
}

// Destruct ends the engine. The pool calls it after the last handler is cleaned up. The store is closed after the last request.
func (e *engine) Destruct() error {
	e.stop()
	e.work.Wait()
	e.metrics.stop()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended = true; e.requests == 0 {
		e.closeStore()
	}
	return nil
}

var _ caddy.Destructor = (*engine)(nil)
