// The site: an application with AuthKit sign-in, as one is usually written, and its fake AuthKit.

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/examples/internal/demo"
	"github.com/authkit-go/authkit/workos"
)

// options configure a site.
type options struct {
	home     string        // URL of the site, without a trailing slash
	lifetime time.Duration // of an access token
	spans    io.Writer     // nil for no traces
	log      *slog.Logger
	world    movableClock // of WorkOS and of the store; nil for the system's
}

// site is the application, with all that it needs and that an incident can break.
type site struct {
	options
	fake      *authkittest.Server
	machine   *clock // of the application
	network   *network
	store     *authkittest.MemoryStore
	instance  *instanceStore // the store, as this instance reaches it
	telemetry *telemetry
	apiKey    string // of a customer
	secret    string // of the webhook endpoint

	deployment    atomic.Pointer[deployment]
	functionFails atomic.Bool // the application's function for events

	mu         sync.Mutex // guards the fields below, and is held while an incident begins or ends
	settings   settings
	active     map[string]*activeIncident
	brokenKeys int // incidents that last and break the key endpoint
}

// settings are the part of the configuration that an incident changes.
type settings struct {
	baseURL, apiKey, redirectURL string
	passwords                    []string // the first one seals, all open
	cacheEntries                 int
}

// deployment is a start of the application with some settings. It serves until the next one.
type deployment struct {
	ak      *authkit.AuthKit
	handler http.Handler
	stop    func()
}

// newSite starts a fake AuthKit and the application.
func newSite(o options) (*site, error) {
	if o.world == nil {
		o.world = &clock{Clock: systemClock{}}
	}
	s := &site{options: o, machine: &clock{Clock: o.world}, network: newNetwork(), secret: rand.Text(), active: map[string]*activeIncident{}}
	s.store = authkittest.NewMemoryStore(s.world)
	s.instance = &instanceStore{Store: s.store}
	var err error
	if s.telemetry, err = newTelemetry(o.spans); err != nil {
		return nil, err
	}
	s.fake, err = authkittest.Start(
		authkittest.WithAppName("The authkit example"),
		authkittest.WithRedirectURIs(o.home+"/callback"),
		authkittest.WithSignOutRedirects(o.home+"/"),
		authkittest.WithAccessTokenLifetime(o.lifetime),
		authkittest.WithClock(s.world),
	)
	if err != nil {
		return nil, err
	}
	organization := s.fake.Organizations()[0].ID
	s.apiKey = s.fake.AddAPIKey(authkittest.APIKey{Name: "A customer", OrganizationID: organization})
	s.fake.AddResource(authkittest.Resource{OrganizationID: organization, TypeSlug: "project", ExternalID: "1"})
	s.fake.AddWebhookEndpoint(o.home+"/webhooks/workos", s.secret)
	s.settings = settings{
		baseURL: s.fake.URL(), apiKey: s.fake.APIKey(), redirectURL: o.home + "/callback",
		passwords: []string{rand.Text() + rand.Text()}, cacheEntries: 10_000,
	}
	if err := s.deploy(); err != nil {
		s.fake.Close()
		return nil, err
	}
	return s, nil
}

// deploy starts the application with s.settings, in the place of the one that runs. Its counters begin at 0 and its memory is
// empty, as in a new process. s.mu must be held, except at the start.
func (s *site) deploy() error {
	c := s.settings
	ak, err := authkit.New(
		authkit.WithBaseURL(c.baseURL),
		authkit.WithAPIKey(c.apiKey),
		authkit.WithClientID(s.fake.ClientID()),
		authkit.WithCookiePassword(c.passwords[0], c.passwords[1:]...),
		authkit.WithRedirectURL(c.redirectURL),
		authkit.WithPostLogoutRedirectURL(s.home+"/"),
		authkit.WithBearerTokens(),
		authkit.WithSessionCache(c.cacheEntries, 64<<20),
		authkit.WithStore(s.instance),
		authkit.WithHTTPClient(&http.Client{Transport: s.network}),
		authkit.WithClock(s.machine),
		authkit.WithLogger(s.log),
		authkit.WithObserver(s.telemetry.observer.Observe),
	)
	if err != nil {
		return err
	}
	if old := s.deployment.Load(); old != nil {
		old.stop()
	}
	unwatch, err := s.telemetry.observer.Watch(ak)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		ak.Follow(ctx, s.handleEvent, "")
	}()
	// otelhttp gives each request a span. It is around the middleware, so that the spans of authkit are in the trace of their
	// request. Its metrics have the host of the request as an attribute, which a client chooses, so they are off.
	handler := otelhttp.NewHandler(demo.WithHeaders(s.routes(ak), s.fake.URL()), "request",
		otelhttp.WithTracerProvider(s.telemetry.tracers), otelhttp.WithMeterProvider(noop.NewMeterProvider()))
	s.deployment.Store(&deployment{ak, handler, func() {
		cancel()
		<-followed
		unwatch()
	}})
	return nil
}

// handleEvent is the application's function for events. A real one copies users, for example.
func (s *site) handleEvent(context.Context, workos.Event, string) error {
	if s.functionFails.Load() {
		return errors.New("the database of the application does not answer (the example says so)")
	}
	return nil
}

// routes returns the handler of the application.
func (s *site) routes(ak *authkit.AuthKit) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /login", ak.Login())
	mux.Handle("GET /signup", ak.Login(authkit.LoginParams{ScreenHint: "sign-up"}))
	mux.Handle("GET /callback", ak.Callback())
	mux.Handle("/logout", ak.Logout())
	mux.Handle("POST /webhooks/workos", ak.Webhook(nil, s.secret))

	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		session, _ := authkit.FromContext(r.Context())
		demo.ShowHome(w, session, authkit.ErrorFromContext(r.Context()))
	})
	mux.HandleFunc("GET /style.css", demo.Style)
	mux.Handle("GET /account", ak.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, _ := authkit.FromContext(r.Context())
		demo.ShowAccount(w, session)
	})))
	mux.Handle("GET /api/me", ak.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, _ := authkit.FromContext(r.Context())
		demo.WriteMe(w, session)
	})))
	// For programs of customers, with an API key.
	mux.Handle("GET /api/report", ak.RequireAPIKey()(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "the report\n")
	})))
	project := func(*http.Request) workos.Resource { return workos.Resource{TypeSlug: "project", ExternalID: "1"} }
	mux.Handle("GET /project", ak.RequireResourcePermission(project, "posts:write")(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "the project\n")
	})))
	return ak.Middleware(mux)
}

// ServeHTTP serves the application that runs now.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.deployment.Load().handler.ServeHTTP(w, r)
}

// close ends all incidents, the application and the fake AuthKit.
func (s *site) close(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for name := range s.active {
		err = errors.Join(err, s.endLocked(name))
	}
	s.deployment.Load().stop()
	s.fake.Close()
	return errors.Join(err, s.telemetry.stop(ctx))
}
