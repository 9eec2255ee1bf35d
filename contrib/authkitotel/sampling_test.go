// Spans that are not recorded: sampled out, before the SDK starts and after it has stopped. And failures of the SDK.

package authkitotel_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/authkitotel"
	"github.com/authkit-go/authkit/internal/behaviour"
)

// chosenSampler drops the traces that begin while it is closed.
type chosenSampler struct {
	mu   sync.Mutex
	drop bool // guarded by mu
}

func (s *chosenSampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	s.mu.Lock()
	defer s.mu.Unlock()
	result := sdktrace.SamplingResult{Decision: sdktrace.RecordAndSample, Tracestate: trace.SpanContextFromContext(p.ParentContext).TraceState()}
	if s.drop {
		result.Decision = sdktrace.Drop
	}
	return result
}

func (*chosenSampler) Description() string { return "chosen" }

func (s *chosenSampler) set(drop bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop = drop
}

// newSampledApp starts an application with a tracer provider of its own. log replaces its log, if it is not nil.
func newSampledApp(t *testing.T, log io.Writer, opts ...sdktrace.TracerProviderOption) *app {
	p := newProviders()
	p.tracers = sdktrace.NewTracerProvider(append(opts, sdktrace.WithSyncer(p.spans))...)
	o := p.observer(t)
	options := appOptions(o)
	options.Log = log
	a := &app{providers: p, App: behaviour.NewApp(t, options)}
	a.watch(o)
	return a
}

func TestRequestsThatWaitForAnExchangeThatIsNotSampledLinkToIt(t *testing.T) {
	sampler := &chosenSampler{}
	a := newSampledApp(t, nil, sdktrace.WithSampler(sdktrace.ParentBased(sampler)))
	cookie := a.staleCookie()
	a.spans.Reset()
	sampler.set(true)
	a.share(cookie, 4, func() { sampler.set(false) })
	a.spansOf(t, "GET /account", 3)
	assert.Empty(t, a.spansOf(t, "authkit.refresh", 0), "the trace of the first request is not sampled")
	links := map[trace.SpanID]bool{}
	for _, wait := range a.spansOf(t, "authkit.refresh_wait", 3) {
		require.Len(t, wait.Links, 1)
		exchange := wait.Links[0].SpanContext
		links[exchange.SpanID()] = true
		assert.True(t, exchange.IsValid())
		assert.False(t, exchange.IsSampled(), "a backend can see that the span was not exported")
	}
	require.Len(t, links, 1, "all link to one span")
	assert.EqualValues(t, 1, a.collected(t)["authkit.refresh.duration{authkit.outcome=ok}"], "metrics have it")
}

// lateTracers has no SDK before it is started, as the global provider of OpenTelemetry.
type lateTracers struct {
	tracenoop.TracerProvider
	sdk trace.TracerProvider
}

func (l *lateTracers) Tracer(string, ...trace.TracerOption) trace.Tracer {
	return &lateTracer{tracers: l}
}

type lateTracer struct {
	tracenoop.Tracer
	tracers *lateTracers
}

func (l *lateTracer) Start(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	if l.tracers.sdk == nil {
		return l.Tracer.Start(ctx, name, opts...)
	}
	return l.tracers.sdk.Tracer("late").Start(ctx, name, opts...)
}

func TestAWaitForAnExchangeBeforeTheStartOfTheSDKEndsWithoutALink(t *testing.T) {
	p := newProviders()
	late := &lateTracers{}
	o := p.observer(t, authkitotel.WithTracerProvider(late))
	observeExchange(o, 1)
	late.sdk = p.tracers
	observeWait(o, 1)
	assert.Empty(t, p.spansOf(t, "authkit.refresh_wait", 1)[0].Links)
}

func TestNothingIsReportedAfterTheSDKHasStopped(t *testing.T) {
	p := newProviders()
	o := p.observer(t)
	ak := behaviour.NewApp(t, behaviour.AppOptions{}).AuthKit
	stop, err := o.Watch(ak)
	require.NoError(t, err)
	observeWait(o, 1) // is held until its exchange ends
	require.NoError(t, p.tracers.Shutdown(t.Context()))
	require.NoError(t, p.meters.Shutdown(t.Context()))
	observeExchange(o, 1)
	observeWait(o, 1)
	o.Observe(t.Context(), authkit.Observation{Kind: authkit.ObservedRefusal, Outcome: authkit.OutcomeRefused})
	assert.Empty(t, p.spans.GetSpans())
	stop()
	_, err = o.Watch(ak)
	assert.NoError(t, err)
}

// panickingProcessor panics when a span of an AuthKit ends.
type panickingProcessor struct{ sdktrace.SpanProcessor }

func (panickingProcessor) OnEnd(s sdktrace.ReadOnlySpan) {
	if s.SpanKind() == trace.SpanKindInternal {
		panic("the processor of the application")
	}
}

func TestAPanicOfASpanProcessorFailsNoRequest(t *testing.T) {
	var log behaviour.Log // without the check for panics
	a := newSampledApp(t, &log, sdktrace.WithSpanProcessor(panickingProcessor{sdktrace.NewSimpleSpanProcessor(nil)}))
	cookie := a.staleCookie()
	a.share(cookie, 3, func() {})
	assert.Equal(t, http.StatusUnauthorized, a.get("/account", "").Status)
	assert.Contains(t, log.String(), "authkit: hook panicked")
	assert.EqualValues(t, 1, a.collected(t)["authkit.refresh.duration{authkit.outcome=ok}"])
}

func TestTwoAuthKitsWithoutNamesMixNoLinks(t *testing.T) {
	p := newProviders()
	one, two := p.observer(t), p.observer(t)
	for i, o := range []*authkitotel.Observer{one, two} {
		_, err := o.WatchStats(func() authkit.Stats { return authkit.Stats{SignOuts: uint64(10 + i)} })
		require.NoError(t, err)
		observeExchange(o, 1)
	}
	exchanges := p.spansOf(t, "authkit.refresh", 2)
	observeWait(two, 1)
	observeWait(one, 1)
	waits := p.spansOf(t, "authkit.refresh_wait", 2)
	assert.Equal(t, exchanges[1].SpanContext.SpanID(), waits[0].Links[0].SpanContext.SpanID())
	assert.Equal(t, exchanges[0].SpanContext.SpanID(), waits[1].Links[0].SpanContext.SpanID())
	assert.EqualValues(t, 10+11, p.collected(t)["authkit.sign_outs"], "the SDK adds their counters")
}

func TestWatchStopsWhileMetricsAreCollected(t *testing.T) {
	p := newProviders()
	o := p.observer(t)
	reading, goOn := make(chan bool), make(chan bool)
	stop, err := o.WatchStats(func() authkit.Stats {
		reading <- true
		<-goOn
		return authkit.Stats{}
	})
	require.NoError(t, err)
	var both sync.WaitGroup
	both.Go(func() { p.collected(t) })
	<-reading
	both.Go(stop)
	both.Go(stop)
	close(goOn)
	both.Wait()
	assert.Empty(t, p.collected(t))
}
