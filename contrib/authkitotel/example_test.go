// An application whose AuthKit is traced and measured, as in the README.

package authkitotel_test

import (
	"context"
	"log"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/authkitotel"
)

func Example_prometheus() {
	exporter, err := prometheus.New(prometheus.WithoutScopeInfo())
	if err != nil {
		log.Fatal(err)
	}
	meters := metric.NewMeterProvider(metric.WithReader(exporter))
	tracers := trace.NewTracerProvider() // with the exporter of your traces
	defer func() { _ = tracers.Shutdown(context.Background()) }()

	observer, err := authkitotel.New(authkitotel.WithMeterProvider(meters), authkitotel.WithTracerProvider(tracers))
	if err != nil {
		log.Fatal(err)
	}
	ak, err := authkit.FromEnv(authkit.WithObserver(observer.Observe))
	if err != nil {
		log.Fatal(err)
	}
	stop, err := observer.Watch(ak)
	if err != nil {
		log.Fatal(err)
	}
	defer stop()

	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.Handler())
	mux.Handle("/", ak.Middleware(http.NotFoundHandler()))
	log.Print((&http.Server{Addr: "localhost:8080", Handler: mux, ReadHeaderTimeout: 5 * time.Second}).ListenAndServe())
}
