// Command authkitotel is an application whose requests are metrics of OpenTelemetry.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/contrib/authkitotel"
)

func main() {
	fake, err := authkittest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	reader := metric.NewManualReader()
	observer, err := authkitotel.New(authkitotel.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(reader))))
	if err != nil {
		log.Fatal(err)
	}
	ak, err := authkit.New(
		authkit.WithAPIKey(fake.APIKey()), authkit.WithClientID(fake.ClientID()), authkit.WithBaseURL(fake.URL()),
		authkit.WithCookiePassword(strings.Repeat("consumer", 4)), authkit.WithRedirectURL("http://localhost/callback"),
		authkit.WithObserver(observer.Observe),
	)
	if err != nil {
		log.Fatal(err)
	}
	stop, err := observer.Watch(ak)
	if err != nil {
		log.Fatal(err)
	}
	defer stop()
	ak.Middleware(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))

	var collected metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &collected); err != nil {
		log.Fatal(err)
	}
	for _, scope := range collected.ScopeMetrics {
		for _, m := range scope.Metrics {
			if sum, ok := m.Data.(metricdata.Sum[int64]); ok && m.Name == "authkit.requests" {
				total := int64(0)
				for _, point := range sum.DataPoints {
					total += point.Value
				}
				fmt.Println(m.Name, total)
			}
		}
	}
}
