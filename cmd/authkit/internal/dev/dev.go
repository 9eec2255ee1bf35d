// Package dev runs a fake AuthKit for an application in any language: the command "authkit dev".
package dev

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/authkit-go/authkit/authkittest"
)

// Config is what the flags of the command set. The zero value of each field is its default.
type Config struct {
	Redirects        []string // the redirect URIs, with those of the seed file
	DefaultRedirect  string   // the redirect URI if there are none; http://localhost:8080/callback
	SignOutRedirects []string // those registered; empty: every one on a loopback host
	Webhook          string   // the URL for webhooks; /webhooks/workos on the host of the redirect URI
	NoWebhooks       bool     // sends none
	Invitation       string   // the page of invitations; /invitation on the host of the redirect URI
	WebhookSecret    string   // a random one

	Roles        []string // such as editor=posts:read,posts:write
	FeatureFlags []string
	Providers    []string // of Pipes
	Resources    []string // resource indicators
	Scopes       []string
	Seed         string // the path of a seed file

	Faults              []string // such as refresh=503
	ClockOffset         time.Duration
	AccessTokenLifetime time.Duration // five minutes
	Strict              bool

	Port     int // of the fake; any free one
	PagePort int // of the page; any free one

	EnvFile string // the path of a file for the variables
	Export  bool   // print the variables as lines for a shell
	JSON    bool   // print one JSON object

	Command []string // the application; empty to run until ctx is done
}

// Streams are where the command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	Colour   bool // whether Err shows colours
}

// UsageError means that the configuration is wrong. It has every fault.
type UsageError struct{ err error }

// Error returns every fault, each in a line.
func (e *UsageError) Error() string { return e.err.Error() }

// Unwrap returns the faults, joined as by [errors.Join].
func (e *UsageError) Unwrap() error { return e.err }

// server is a fake that runs, with what belongs to it.
type server struct {
	Config
	fake      *authkittest.Server
	seed      *seed
	observer  *observer
	pageURL   string
	variables map[string]string
	keys      []apiKey
	machine   *machine // nil for none
	out       *printer
}

// Run runs the fake until the command of cfg ends, or without a command until ctx is done. It returns the exit status of the
// command, or 1 after findings of the strict mode. The error is a [*UsageError] if the configuration is wrong.
func Run(ctx context.Context, cfg Config, streams Streams) (status int, err error) {
	s := &server{Config: cfg, seed: &seed{}, out: newPrinter(streams, cfg.JSON)}
	faulty, err := s.check()
	if err != nil {
		return 2, &UsageError{err}
	}
	stop, err := s.start(faulty)
	if err != nil {
		return 1, err
	}
	defer stop()
	if err := s.announce(); err != nil {
		return 1, err
	}
	if len(cfg.Command) == 0 {
		<-ctx.Done()
	} else if status, err = runCommand(cfg.Command, s.variables, streams); err != nil {
		return status, err
	}
	if _, findings := s.observer.log(); cfg.Strict && findings > 0 {
		s.out.line("Findings of --strict: %d. They make the exit status 1.", findings)
		return cmp.Or(status, 1), nil
	}
	return status, nil
}

// check completes the configuration, and returns every fault of it.
func (s *server) check() (faulty []namedFault, err error) {
	var errs []error
	if s.Seed != "" {
		read, err := readSeed(s.Seed)
		errs = append(errs, err)
		s.seed = cmp.Or(read, s.seed)
	}
	var defaults []string
	if s.DefaultRedirect != "" && len(s.Redirects)+len(s.seed.RedirectURIs) == 0 {
		defaults = []string{s.DefaultRedirect}
	}
	for flag, addresses := range map[string][]string{"--redirect": s.Redirects, "WORKOS_REDIRECT_URI": defaults, "--sign-out-redirect": s.SignOutRedirects} {
		for _, address := range addresses {
			if err := checkAddress(address); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", flag, err))
			}
		}
	}
	s.Redirects = append(s.Redirects, s.seed.RedirectURIs...)
	if len(s.Redirects) == 0 {
		s.Redirects = []string{cmp.Or(s.DefaultRedirect, "http://localhost:8080/callback")}
	}
	s.SignOutRedirects = append(s.SignOutRedirects, s.seed.SignOutRedirects...)
	s.Resources = append(s.Resources, s.seed.Resources...)
	s.Scopes = append(s.Scopes, s.seed.Scopes...)
	if strings.ContainsAny(s.WebhookSecret, "'\"\\\n\r") {
		errs = append(errs, errors.New("WORKOS_WEBHOOK_SECRET has a quote, a backslash or a line break; correct it, or unset it for a random one"))
	}
	for flag, address := range map[string]string{"--webhook": s.Webhook, "--invitation": s.Invitation} {
		if _, ok := webOrigin(address); address != "" && !ok {
			errs = append(errs, fmt.Errorf("%s: %q is no http or https URL", flag, address))
		}
	}
	if s.NoWebhooks && s.Webhook != "" {
		errs = append(errs, errors.New("--no-webhooks: give it or --webhook, and not both"))
	}
	for _, resource := range s.Resources {
		if _, ok := webOrigin(resource); !ok || strings.ContainsAny(resource, "#'") {
			errs = append(errs, fmt.Errorf("--resource: %q must be an http or https URL without a fragment", resource))
		}
	}
	for flag, slugs := range map[string][]string{"--flag": s.FeatureFlags, "--provider": s.Providers, "--scope": s.Scopes} {
		for i, slug := range slugs {
			if slug == "" || slices.Contains(slugs[:i], slug) {
				errs = append(errs, fmt.Errorf("%s: %q is empty or repeated", flag, slug))
			}
		}
	}
	for _, role := range s.Roles {
		if slug, _, _ := strings.Cut(role, "="); slug == "" {
			errs = append(errs, fmt.Errorf("--role: %q has no slug; give one such as editor=posts:read,posts:write", role))
		}
	}
	for _, text := range s.Faults {
		f, err := parseFault(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("--fault: %w", err))
		}
		faulty = append(faulty, f)
	}
	errs = append(errs, s.checkOutput())
	return faulty, errors.Join(errs...)
}

// checkOutput checks the flags for ports, times and output.
func (s *server) checkOutput() error {
	var errs []error
	for flag, port := range map[string]int{"--port": s.Port, "--page-port": s.PagePort} {
		if port < 0 || port > 65535 {
			errs = append(errs, fmt.Errorf("%s: %d is no port from 1 to 65535", flag, port))
		}
	}
	if s.AccessTokenLifetime < 0 {
		errs = append(errs, fmt.Errorf("--access-token-lifetime: %v is negative", s.AccessTokenLifetime))
	}
	if (s.Export || s.JSON) && (len(s.Command) > 0 || s.EnvFile != "") || s.Export && s.JSON {
		errs = append(errs, errors.New("--export and --json need standard output for themselves: give one of them, without a command and without --env-file"))
	}
	if s.EnvFile != "" {
		errs = append(errs, checkEnvFile(s.EnvFile))
	}
	return errors.Join(errs...)
}

// checkAddress returns an error for what cannot be registered as an address, or not be written into a file of variables.
func checkAddress(address string) error {
	u, err := url.Parse(address)
	// localhost:3000/callback has the scheme "localhost" for package url.
	if err != nil || u.Scheme == "" || u.Opaque != "" || strings.HasPrefix(u.Scheme, "http") && u.Host == "" || u.Fragment != "" || strings.ContainsAny(address, "'\"\\ \n\r\t") {
		return fmt.Errorf("%q is no absolute URI without a fragment, spaces and quotes", address)
	}
	return nil
}

// start starts the fake and the page.
func (s *server) start(faulty []namedFault) (stop func(), err error) {
	id, kept := newIdentity(s.Port)
	if s.Port != 0 && !kept {
		s.out.line("The configuration directory cannot be written, so the keys and the cookie password change at the next start.")
	}
	clock := newClock(s.ClockOffset)
	s.observer = &observer{clock: clock, signOut: s.SignOutRedirects}
	if s.Strict {
		s.observer.report = s.out.finding
	}
	fake, err := authkittest.Start(s.options(id, clock)...)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("the port %d is in use, perhaps by another authkit dev; choose another one with --port", s.Port)
	}
	if err != nil {
		return nil, err
	}
	s.fake = fake
	injected := &faults{fake: fake, texts: map[authkittest.Route]string{}}
	s.observer.faults = injected
	s.observer.fake.Store(fake)
	if err := s.fill(injected, faulty); err != nil {
		fake.Close()
		return nil, err
	}
	s.setVariables(id)
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", fmt.Sprint(s.PagePort)))
	if err != nil {
		fake.Close()
		return nil, fmt.Errorf("the page cannot listen; choose another port with --page-port: %w", err)
	}
	addr := listener.Addr().String()
	s.pageURL = "http://" + addr
	p := &page{fake: fake, observer: s.observer, faults: injected, clock: clock, redirects: s.Redirects}
	pages := &http.Server{Handler: p.handler(addr), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second}
	go func() { _ = pages.Serve(listener) }() // it returns when the server is closed
	return func() {
		pages.Close()
		fake.Close()
	}, nil
}

// options returns what the fake must know before it starts.
func (s *server) options(id identity, clock *clock) []authkittest.Option {
	opts := append(s.seed.options(),
		authkittest.WithAddr(fmt.Sprintf("127.0.0.1:%d", s.Port)), authkittest.WithClientID(id.clientID), authkittest.WithAPIKey(id.apiKey),
		authkittest.WithClock(clock), authkittest.WithMiddleware(s.observer.middleware),
		authkittest.WithRedirectURIs(s.Redirects...), authkittest.WithSignOutRedirects(s.SignOutRedirects...),
		authkittest.WithResourceIndicators(s.Resources...), authkittest.WithScopes(s.Scopes...),
	)
	for _, role := range s.Roles {
		slug, permissions, _ := strings.Cut(role, "=")
		opts = append(opts, authkittest.WithRole(slug, strings.FieldsFunc(permissions, func(r rune) bool { return r == ',' })...))
	}
	if address := applicationURL(s.Invitation, s.Redirects[0], "/invitation"); address != "" {
		opts = append(opts, authkittest.WithInvitationURL(address))
	}
	if s.AccessTokenLifetime > 0 {
		opts = append(opts, authkittest.WithAccessTokenLifetime(s.AccessTokenLifetime))
	}
	return opts
}

// fill adds to the fake what the configuration names besides users and organizations.
func (s *server) fill(injected *faults, faulty []namedFault) error {
	for i, value := range s.seed.apply(s.fake) {
		k := s.seed.APIKeys[i]
		s.keys = append(s.keys, apiKey{Name: k.Name, Organization: k.Organization, Permissions: k.Permissions, Value: value})
	}
	for _, slug := range s.FeatureFlags {
		if slices.ContainsFunc(s.seed.FeatureFlags, func(f seedFlag) bool { return f.Slug == slug }) {
			return &UsageError{fmt.Errorf("--flag: %q is in the seed file already", slug)}
		}
		s.fake.AddFeatureFlag(authkittest.FeatureFlag{Slug: slug, Enabled: true})
	}
	for _, slug := range s.Providers {
		if slices.Contains(s.seed.Providers, slug) {
			return &UsageError{fmt.Errorf("--provider: %q is in the seed file already", slug)}
		}
		s.fake.AddDataProvider(authkittest.DataProvider{Slug: slug})
	}
	if u, m, ok := s.firstMember(); ok && len(s.keys) == 0 {
		value := s.fake.AddAPIKey(authkittest.APIKey{Name: "dev", OrganizationID: m.OrganizationID, Permissions: m.Permissions})
		s.keys = []apiKey{{Name: "dev", Organization: s.organizationName(m.OrganizationID), Permissions: u.Memberships[0].Permissions, Value: value}}
	}
	if organizations := s.fake.Organizations(); len(organizations) > 0 && len(s.Resources)+len(s.Scopes) > 0 {
		s.machine = &machine{Organization: organizations[0].Name}
		s.machine.ClientID, s.machine.ClientSecret = s.fake.AddMachine(organizations[0].ID, s.Scopes...)
	}
	for _, f := range faulty {
		if err := injected.inject(f); err != nil {
			return &UsageError{fmt.Errorf("--fault: %w", err)}
		}
	}
	return nil
}

// setVariables sets the variables of the application, and the webhook endpoint whose secret is one of them.
func (s *server) setVariables(id identity) {
	s.variables = s.fake.Env()
	s.variables["WORKOS_REDIRECT_URI"] = s.Redirects[0]
	s.variables["NEXT_PUBLIC_WORKOS_REDIRECT_URI"] = s.Redirects[0] // the name in WorkOS's library for Next.js
	s.variables["WORKOS_COOKIE_PASSWORD"] = id.cookiePassword
	s.variables["WORKOS_WEBHOOK_SECRET"] = cmp.Or(s.WebhookSecret, id.webhookSecret)
	if len(s.Resources) > 0 {
		s.variables["AUTHKIT_DOMAIN"] = s.fake.URL()
	}
	if s.NoWebhooks {
		return
	}
	if s.Webhook = applicationURL(s.Webhook, s.Redirects[0], "/webhooks/workos"); s.Webhook != "" {
		s.fake.AddWebhookEndpoint(s.Webhook, s.variables["WORKOS_WEBHOOK_SECRET"])
	}
}

// firstMember returns the first user with a membership.
func (s *server) firstMember() (authkittest.User, authkittest.Membership, bool) {
	for _, u := range s.fake.Users() {
		if len(u.Memberships) > 0 {
			return u, u.Memberships[0], true
		}
	}
	return authkittest.User{}, authkittest.Membership{}, false
}

// organizationName returns the name of the organization with an ID.
func (s *server) organizationName(id string) string {
	for _, o := range s.fake.Organizations() {
		if o.ID == id {
			return o.Name
		}
	}
	return id
}

// applicationURL returns an address of the application: the one that was set, or else a path on the host of the redirect URI. It
// is "" if the redirect URI has no host, such as that of a native application.
func applicationURL(set, redirect, path string) string {
	if set != "" {
		return set
	}
	origin, ok := webOrigin(redirect)
	if !ok {
		return ""
	}
	return origin + path
}
