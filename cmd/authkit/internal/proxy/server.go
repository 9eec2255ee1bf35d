// The server: its listeners, its start and its end.

package proxy

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authkit-go/authkit"
)

// Options are what [Run] needs besides the configuration.
type Options struct {
	File   string               // the file of the configuration, which is watched; "" for one from flags
	Log    io.Writer            // required
	Reload <-chan struct{}      // makes Run read the file again; nil for never
	Clock  authkit.Clock        // nil for the system's clock
	Ready  func(address string) // called with the address of the proxy when it accepts requests; nil for none
	// AdminReady is called with the address of the listener for operators, before Ready.
	AdminReady func(address string)
}

// server is a running proxy.
type server struct {
	options           Options
	config            *Config // of the site; only the goroutine of watch changes it after the start
	log               *slog.Logger
	clock             authkit.Clock
	authKit           *authkit.AuthKit
	limits            Limits
	access            bool
	site              atomic.Pointer[site]
	certificate       *certificate
	certificateDigest [sha256.Size]byte
	watching          []string          // the files of which a reload has something to apply
	digest            [sha256.Size]byte // of the files as they were last read
	defaultRedirect   string
	stopping          atomic.Bool
	handlers          sync.WaitGroup // requests, with those whose connection was hijacked
}

// systemClock is the clock of a process.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }

// Run runs the proxy until ctx ends, and then ends it gracefully: it is not ready any more for limits.shutdown_delay, then accepts
// no connection, and ends requests and streams that take longer than limits.shutdown_timeout. The error is a [Faults] if the
// configuration has a fault.
func Run(ctx context.Context, c *Config, options Options) error {
	s := &server{options: options, config: c, clock: options.Clock}
	if s.clock == nil {
		s.clock = systemClock{}
	}
	listenFaults := &faultList{lines: c.lines}
	checkAddress("listen", c.Listen, listenFaults)
	if err := listenFaults.err(); err != nil {
		return err
	}
	listener, err := listen(c.Listen)
	if err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	defer listener.Close()
	if address, ok := listener.Addr().(*net.TCPAddr); ok {
		s.defaultRedirect = defaultRedirect(c, fmt.Sprint(address.Port))
	}
	s.complete(c)
	s.limits, s.access = c.Limits, c.Log.Access
	s.watching, s.digest = c.watched(options.File), c.used(options.File)
	faults := &faultList{lines: c.lines}
	c.checkServer(faults)
	if s.log, err = newLogger(c.Log, options.Log); err != nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	metrics, err := newTelemetry()
	if err != nil {
		return fmt.Errorf("proxy: metrics: %w", err)
	}
	more := []authkit.Option{authkit.WithObserver(metrics.observer.Observe)}
	if options.Clock != nil {
		more = append(more, authkit.WithClock(options.Clock))
	}
	shared := c.openStore(faults)
	if shared != nil {
		defer shared.close()
		more = append(more, authkit.WithStore(shared.store))
	}
	s.authKit = c.newAuthKit(s.log, faults, more...)
	s.site.Store(c.newSite(orStandIn(s.authKit), s.log, s.clock, nil, faults))
	defer func() { s.site.Load().close(nil) }()
	if c.TLS.CertificateFile != "" && len(faults.found) == 0 {
		s.certificateDigest = digestOf(c.TLS.CertificateFile, c.TLS.KeyFile) // before they are read, so that a later change is noticed
		if s.certificate, err = newCertificate(c.TLS); err != nil {
			faults.add("tls", "%v", err)
		}
	}
	if err := faults.err(); err != nil {
		return err
	}
	if shared != nil && shared.migrate != nil {
		bounded, cancel := context.WithTimeout(ctx, migrateTimeout)
		err := shared.migrate(bounded)
		cancel()
		if err != nil {
			return fmt.Errorf("proxy: create the tables of the store: %w", err)
		}
	}
	stopMetrics, err := metrics.observer.Watch(s.authKit)
	if err != nil {
		return fmt.Errorf("proxy: metrics: %w", err)
	}
	defer stopMetrics()
	return s.run(ctx, listener, metrics)
}

// complete sets what follows from the listener.
func (s *server) complete(c *Config) {
	if len(c.redirectURLs()) == 0 && s.defaultRedirect != "" {
		c.WorkOS.RedirectURLs = []string{s.defaultRedirect}
	}
}

// defaultRedirect returns the redirect URL of a proxy that listens on localhost, and "" for all others.
func defaultRedirect(c *Config, port string) string {
	host, _, _ := net.SplitHostPort(c.Listen)
	if host != "localhost" && host != "127.0.0.1" {
		return ""
	}
	scheme := "http"
	if c.TLS.CertificateFile != "" {
		scheme = "https"
	}
	return fmt.Sprintf("%s://%s/callback", scheme, net.JoinHostPort(host, port))
}

// listen listens at host:port or unix:/path. The socket of a program that has ended is replaced.
func listen(address string) (net.Listener, error) {
	socket, isUnix := strings.CutPrefix(address, "unix:")
	if !isUnix {
		return net.Listen("tcp", address)
	}
	if info, err := os.Stat(socket); err == nil && info.Mode()&os.ModeSocket != 0 {
		if conn, err := net.Dial("unix", socket); err == nil {
			conn.Close()
			return nil, fmt.Errorf("listen at %s: another program listens there", socket)
		}
		_ = os.Remove(socket)
	}
	return net.Listen("unix", socket)
}

// handler returns the handler of all requests.
func (s *server) handler() http.Handler {
	limits := s.limits
	var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.handlers.Add(1)
		defer s.handlers.Done()
		s.site.Load().serve(newTimedWriter(w, limits.WriteTimeout), withBodyTimeout(w, r, limits.BodyTimeout))
	})
	if s.access {
		client := func(r *http.Request) string { return s.site.Load().forwarded.clientOf(r) }
		handler = logged(handler, s.log, client, s.clock.Now)
	}
	return handler
}

// run serves until ctx ends.
func (s *server) run(ctx context.Context, listener net.Listener, metrics *telemetry) error {
	follows := s.config.Events.Follow
	limits := s.limits
	// Requests do not end with ctx, but with the shutdown.
	requests, endRequests := context.WithCancel(context.WithoutCancel(ctx))
	defer endRequests()
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	front := &http.Server{
		Handler: s.handler(), ReadHeaderTimeout: limits.HeaderTimeout, IdleTimeout: limits.IdleTimeout, MaxHeaderBytes: limits.HeaderBytes,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), Protocols: protocols, DisableGeneralOptionsHandler: true,
		BaseContext: func(net.Listener) context.Context { return requests },
	}
	failed := make(chan error, 2)
	admin, err := s.startAdmin(metrics, failed)
	if err != nil {
		return err
	}
	if admin != nil {
		defer admin.Close()
	}
	work, endWork := context.WithCancel(context.WithoutCancel(ctx))
	defer endWork()
	var background sync.WaitGroup
	if follows {
		background.Go(func() { _ = s.authKit.Follow(work, nil, "") })
	}
	background.Go(func() { s.watch(work) })
	defer background.Wait()
	defer endWork()

	if s.certificate != nil {
		front.TLSConfig = s.certificate.config()
		go func() { failed <- front.ServeTLS(listener, "", "") }()
	} else {
		go func() { failed <- front.Serve(listener) }()
	}
	s.log.Info("proxy: listening", slog.String("address", listener.Addr().String()))
	if s.options.Ready != nil {
		s.options.Ready(listener.Addr().String())
	}
	select {
	case err := <-failed:
		return fmt.Errorf("proxy: %w", err)
	case <-ctx.Done():
	}
	s.shutDown(front, endRequests)
	return nil
}

// shutDown ends the server as [Run] says.
func (s *server) shutDown(front *http.Server, endRequests func()) {
	limits := s.limits
	s.stopping.Store(true)
	s.log.Info("proxy: stopping", slog.Duration("delay", limits.ShutdownDelay), slog.Duration("timeout", limits.ShutdownTimeout))
	front.SetKeepAlivesEnabled(false)
	s.wait(limits.ShutdownDelay)
	bounded, cancel := context.WithCancel(context.Background())
	defer s.clock.AfterFunc(limits.ShutdownTimeout, cancel)()
	defer cancel()
	err := front.Shutdown(bounded)
	// A WebSocket is not a request of the server any more. It may go on until the timeout too.
	idle := make(chan struct{})
	go func() { s.handlers.Wait(); close(idle) }()
	if err == nil {
		select {
		case <-idle:
			s.log.Info("proxy: stopped")
			return
		case <-bounded.Done():
		}
	}
	s.log.Warn("proxy: ending the requests that take longer than the timeout of a shutdown")
	endRequests()
	_ = front.Close()
	select {
	case <-idle:
	case <-time.After(5 * time.Second): // a handler that ignores the end of its request
	}
	s.log.Info("proxy: stopped")
}

// wait waits on the clock.
func (s *server) wait(d time.Duration) {
	if d <= 0 {
		return
	}
	over := make(chan struct{})
	s.clock.AfterFunc(d, func() { close(over) })
	<-over
}

// startAdmin starts the listener for operators. It returns nil if the configuration has no admin.listen.
func (s *server) startAdmin(metrics *telemetry, failed chan<- error) (*http.Server, error) {
	if s.config.Admin.Listen == "" {
		return nil, nil
	}
	listener, err := listen(s.config.Admin.Listen)
	if err != nil {
		return nil, fmt.Errorf("proxy: admin.listen: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics.metrics)
	mux.Handle("GET /healthz", s.authKit.Healthz())
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if s.stopping.Load() {
			http.Error(w, "stopping", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ready\n")
	})
	admin := &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	go func() {
		if err := admin.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
	if s.options.AdminReady != nil {
		s.options.AdminReady(listener.Addr().String())
	}
	return admin, nil
}
