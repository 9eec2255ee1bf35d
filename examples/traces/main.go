// Command traces is an application at http://localhost:8080 whose traces go to a collector, through OTLP over HTTP.
//
//	OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 go run .
//
// runs it with a built-in fake AuthKit. If WORKOS_API_KEY, WORKOS_CLIENT_ID and WORKOS_COOKIE_PASSWORD are set, it uses WorkOS.
// ADDR sets the address to listen on. OTEL_SERVICE_NAME sets the name of the service; the default is that of the program.
//
// Start reading at newTraces.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/authkitotel"
	"github.com/authkit-go/authkit/examples/internal/demo"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once

	traces, err := newTraces(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, traces.shutdown()) }() // after Serve, which finishes the requests in progress

	server, err := demo.Listen()
	if err != nil {
		return err
	}
	defer server.Close()
	ak, err := authkit.FromEnv(append(server.Options(), authkit.WithObserver(traces.observer.Observe))...)
	if err != nil {
		return err
	}
	return server.Serve(ctx, traces.handler(ak))
}

// traces has what makes the spans of requests and of the AuthKit.
type traces struct {
	provider *sdktrace.TracerProvider
	observer *authkitotel.Observer
}

// newTraces reads the variables of OpenTelemetry that begin with OTEL_.
func newTraces(ctx context.Context) (*traces, error) {
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
	observer, err := authkitotel.New(authkitotel.WithTracerProvider(provider))
	if err != nil {
		return nil, err
	}
	return &traces{provider, observer}, nil
}

// shutdown sends the spans that were not sent yet.
func (t *traces) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return t.provider.Shutdown(ctx)
}

// handler returns the handler of the whole application. otelhttp is around the middleware, so that the spans of the AuthKit
// are in the trace of the request that caused them.
func (t *traces) handler(ak *authkit.AuthKit) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /login", ak.Login())
	mux.Handle("GET /callback", ak.Callback())
	mux.Handle("/logout", ak.Logout())
	mux.Handle("GET /{$}", ak.RequireAuth(http.HandlerFunc(home)))
	return otelhttp.NewHandler(ak.Middleware(mux), "http", otelhttp.WithTracerProvider(t.provider),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string {
			_, pattern := mux.Handler(r)
			return pattern
		}))
}

func home(w http.ResponseWriter, r *http.Request) {
	s, _ := authkit.FromContext(r.Context())
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, "Hello, %s\n", s.User().Email)
}
