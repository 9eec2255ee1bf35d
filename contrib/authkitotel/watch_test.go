// New and Watch: what they accept, when metrics are reported, and several AuthKits in one process.

package authkitotel_test

import (
	"context"
	"errors"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/authkitotel"
	"github.com/authkit-go/authkit/internal/behaviour"
)

func TestNewReportsAnOptionThatIsNotValid(t *testing.T) {
	for want, opt := range map[string]authkitotel.Option{
		"authkitotel: New: an option is nil":                   nil,
		"authkitotel: WithTracerProvider: the provider is nil": authkitotel.WithTracerProvider(nil),
		"authkitotel: WithMeterProvider: the provider is nil":  authkitotel.WithMeterProvider(nil),
	} {
		_, err := authkitotel.New(opt)
		assert.EqualError(t, err, want)
	}
}

// refusingMeters is a provider that makes no histogram, or no gauge, or registers no callback.
type refusingMeters struct {
	noop.MeterProvider
	refuse string
}

type refusingMeter struct {
	noop.Meter
	refuse string
}

var errRefusedInstrument = errors.New("no")

func (p refusingMeters) Meter(string, ...metric.MeterOption) metric.Meter {
	return refusingMeter{refuse: p.refuse}
}

func (m refusingMeter) errorIf(what string) error {
	if m.refuse == what {
		return errRefusedInstrument
	}
	return nil
}

func (m refusingMeter) Float64Histogram(string, ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	return noop.Float64Histogram{}, m.errorIf("histogram")
}

func (m refusingMeter) Float64ObservableGauge(string, ...metric.Float64ObservableGaugeOption) (metric.Float64ObservableGauge, error) {
	return noop.Float64ObservableGauge{}, m.errorIf("gauge")
}

func (m refusingMeter) RegisterCallback(metric.Callback, ...metric.Observable) (metric.Registration, error) {
	return nil, m.errorIf("callback")
}

func TestAMeterProviderThatRefusesIsReported(t *testing.T) {
	_, err := authkitotel.New(authkitotel.WithMeterProvider(refusingMeters{refuse: "histogram"}))
	assert.ErrorIs(t, err, errRefusedInstrument)
	assert.ErrorContains(t, err, "authkit.sign_in.duration")
	ak := behaviour.NewApp(t, behaviour.AppOptions{}).AuthKit
	for refuse, want := range map[string]string{"gauge": "the metric authkit.keys.age: no", "callback": "Watch: no"} {
		o, err := authkitotel.New(authkitotel.WithMeterProvider(refusingMeters{refuse: refuse}))
		require.NoError(t, err)
		_, err = o.Watch(ak)
		assert.ErrorIs(t, err, errRefusedInstrument)
		assert.ErrorContains(t, err, want)
	}
}

func TestNewUsesTheGlobalProvidersWithoutOptions(t *testing.T) {
	p := newProviders()
	tracers, meters := otel.GetTracerProvider(), otel.GetMeterProvider()
	otel.SetTracerProvider(p.tracers)
	otel.SetMeterProvider(p.meters)
	t.Cleanup(func() {
		otel.SetTracerProvider(tracenoop.NewTracerProvider())
		otel.SetMeterProvider(noop.NewMeterProvider())
	})
	require.NotEqual(t, tracers, otel.GetTracerProvider())
	require.NotEqual(t, meters, otel.GetMeterProvider())
	o, err := authkitotel.New()
	require.NoError(t, err)
	o.Observe(context.Background(), aRefresh)
	p.spansOf(t, "authkit.refresh", 1)
	assert.EqualValues(t, 1, p.collected(t)["authkit.refresh.duration{authkit.outcome=ok}"])
}

func TestWatchStopsAndCanStartAgain(t *testing.T) {
	p := newProviders()
	o := p.observer(t)
	ak := behaviour.NewApp(t, behaviour.AppOptions{}).AuthKit
	_, err := o.Watch(nil)
	require.ErrorContains(t, err, "the AuthKit is nil")
	assert.Empty(t, p.collected(t))

	stop, err := o.Watch(ak)
	require.NoError(t, err)
	assert.Contains(t, p.collected(t), "authkit.sign_outs")
	_, err = o.Watch(ak)
	assert.ErrorContains(t, err, "watches an AuthKit already")

	stop()
	assert.Empty(t, p.collected(t))
	again, err := o.Watch(ak)
	require.NoError(t, err)
	stop()
	assert.Contains(t, p.collected(t), "authkit.sign_outs", "the second call of stop does nothing")
	_, err = o.Watch(ak)
	assert.ErrorContains(t, err, "watches an AuthKit already")
	again()
	assert.Empty(t, p.collected(t))
}

func TestOneCollectionReadsTheStatisticsOnce(t *testing.T) {
	p := newProviders()
	reads := 0
	_, err := p.observer(t).WatchStats(func() authkit.Stats {
		reads++
		return authkit.Stats{}
	})
	require.NoError(t, err)
	assert.Zero(t, reads)
	p.collect(t)
	assert.Equal(t, 1, reads)
}

func TestThePackageNeedsTheAPIOfOpenTelemetryOnly(t *testing.T) {
	list, err := exec.Command("go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	assert.Contains(t, string(list), "go.opentelemetry.io/otel/metric\n")
	for _, other := range []string{"go.opentelemetry.io/otel/sdk", "go.opentelemetry.io/otel/exporters", "prometheus", "google.golang.org"} {
		assert.NotContains(t, string(list), other)
	}
}

func TestTwoAuthKitsWithOneProviderAreToldApartByName(t *testing.T) {
	p := newProviders()
	named := func(name string) *app {
		o := p.observer(t, authkitotel.WithName(name))
		a := &app{providers: p, App: behaviour.NewApp(t, appOptions(o))}
		a.watch(o)
		return a
	}
	web, admin := named("web"), named("admin")
	for range 3 {
		web.get("/", "")
	}
	web.share(web.staleCookie(), 2, func() {})
	admin.get("/", "")
	admin.share(admin.staleCookie(), 3, func() {})

	got := p.collected(t)
	assert.EqualValues(t, 3+2, got["authkit.requests{authkit.name=web authkit.outcome=anonymous}"], "3, and those of the sign-in")
	assert.EqualValues(t, 1+2, got["authkit.requests{authkit.name=admin authkit.outcome=anonymous}"])
	assert.EqualValues(t, 1, got["authkit.refresh.duration{authkit.name=web authkit.outcome=ok}"])
	assert.EqualValues(t, 1, got["authkit.refresh.waits{authkit.name=web}"])
	assert.EqualValues(t, 2, got["authkit.refresh.waits{authkit.name=admin}"])
	for name := range got {
		assert.Contains(t, name, "authkit.name=")
	}

	exchanges := map[string]string{}
	for _, exchange := range p.spansOf(t, "authkit.refresh", 2) {
		exchanges[exchange.SpanContext.SpanID().String()] = described(exchange)
	}
	for _, wait := range p.spansOf(t, "authkit.refresh_wait", 3) {
		name, _, _ := strings.Cut(strings.Split(described(wait), "authkit.name=")[1], " ")
		require.Len(t, wait.Links, 1)
		assert.Contains(t, exchanges[wait.Links[0].SpanContext.SpanID().String()], "authkit.name="+name, "both exchanges have the number 1")
	}
}

func TestMetricsAreCollectedWhileRequestsGoOn(t *testing.T) {
	a := newApp(t)
	cookie := a.SignedIn(behaviour.Kim).CookieHeader()
	served := func() float64 {
		got := a.collected(t)
		return got["authkit.requests{authkit.outcome=cached}"] + got["authkit.requests{authkit.outcome=verified}"]
	}
	before := served()
	var load sync.WaitGroup
	for range 4 {
		load.Go(func() {
			for range 20 {
				resp, err := a.Do(behaviour.Request{Target: "/account", Cookie: cookie, Header: behaviour.Scripted()})
				assert.NoError(t, err)
				assert.Equal(t, http.StatusOK, resp.Status)
			}
		})
	}
	for range 20 {
		a.collect(t)
	}
	load.Wait()
	assert.EqualValues(t, 80, served()-before)
}
