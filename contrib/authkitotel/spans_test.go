// The spans: their parents, links, times, attributes and status.

package authkitotel_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric/noop"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/authkitotel"
	"github.com/authkit-go/authkit/internal/behaviour"
)

func TestAHundredRequestsThatWaitHaveSpansThatLinkToOneExchange(t *testing.T) {
	const requests = 100
	a := newApp(t)
	cookie := a.staleCookie()
	a.spans.Reset()
	a.share(cookie, requests, func() {})

	exchange := a.spansOf(t, "authkit.refresh", 1)[0]
	waits := a.spansOf(t, "authkit.refresh_wait", requests-1)
	visits := map[trace.TraceID]trace.SpanContext{}
	for _, visit := range a.spansOf(t, "GET /account", requests) {
		visits[visit.SpanContext.TraceID()] = visit.SpanContext
	}
	require.Len(t, visits, requests, "each visit has a trace of its own")
	assert.Equal(t, "authkit.exchange=1 authkit.outcome=ok authkit.waiters=99", described(exchange))
	assert.Empty(t, exchange.Links)

	inTraces := map[trace.TraceID]bool{}
	for _, span := range append(waits, exchange) {
		id := span.SpanContext.TraceID()
		assert.Equal(t, visits[id].SpanID(), span.Parent.SpanID())
		inTraces[id] = true
	}
	assert.Len(t, inTraces, requests, "each visit has one of the spans")
	for _, wait := range waits {
		require.Len(t, wait.Links, 1)
		assert.Equal(t, exchange.SpanContext.TraceID(), wait.Links[0].SpanContext.TraceID())
		assert.Equal(t, exchange.SpanContext.SpanID(), wait.Links[0].SpanContext.SpanID())
		assert.Equal(t, "authkit.exchange=1 authkit.outcome=ok", described(wait))
	}
}

func TestARequestThatLeavesLinksToTheExchangeThatEndsLater(t *testing.T) {
	a := newApp(t)
	cookie := a.staleCookie()
	a.spans.Reset()
	a.share(cookie, 2, func() {
		ctx, leave := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL+"/deep/page", nil)
		require.NoError(t, err)
		r.Header.Set("Cookie", cookie)
		ended := make(chan error)
		go func() {
			resp, err := a.Server.Client().Transport.RoundTrip(r)
			if err == nil {
				resp.Body.Close()
			}
			ended <- err
		}()
		a.awaitWaiting(2)
		leave()
		assert.ErrorIs(t, <-ended, context.Canceled)
		visit := a.spansOf(t, "GET /deep/page", 1)[0]
		assert.Empty(t, a.spansOf(t, "authkit.refresh_wait", 0), "the span is held until the exchange has ended")
		assert.Positive(t, visit.EndTime)
	})
	exchange := a.spansOf(t, "authkit.refresh", 1)[0]
	visit := a.spansOf(t, "GET /deep/page", 1)[0]
	for _, wait := range a.spansOf(t, "authkit.refresh_wait", 2) {
		require.Len(t, wait.Links, 1)
		assert.Equal(t, exchange.SpanContext.SpanID(), wait.Links[0].SpanContext.SpanID())
		if wait.Parent.SpanID() == visit.SpanContext.SpanID() {
			assert.Equal(t, "authkit.exchange=1 authkit.outcome=left error.type=unavailable", described(wait))
			assert.Equal(t, codes.Unset, wait.Status.Code)
			assert.True(t, wait.EndTime.Before(exchange.EndTime), "it ends when the request has left")
		}
	}
}

// ran has the spans of run, with the span that is their parent. Each line is the name, the attributes and the status.
const ran = `
GET /account > authkit.key_fetch authkit.outcome=ok
GET /account > authkit.refresh authkit.exchange=1 authkit.outcome=ok authkit.waiters=2
GET /account > authkit.refresh authkit.exchange=2 authkit.outcome=failed authkit.waiters=0 error.type=unavailable Error:unavailable
GET /account > authkit.refresh_wait authkit.exchange=1 authkit.outcome=ok
GET /account > authkit.refresh_wait authkit.exchange=1 authkit.outcome=ok
GET /callback > authkit.key_fetch authkit.outcome=ok
GET /callback > authkit.sign_in authkit.outcome=ok
GET /callback > authkit.sign_in authkit.outcome=ok
GET /callback > authkit.sign_in authkit.outcome=ok
GET /callback > authkit.sign_in authkit.outcome=refused error.type=sign_in_refused
GET /key > authkit.api_key authkit.outcome=denied
GET /key > authkit.api_key authkit.outcome=ok
GET /project > authkit.resource_permission authkit.outcome=ok
POST /logout > authkit.sign_out authkit.outcome=ok
POST /webhooks/workos > authkit.event authkit.outcome=ok
POST /webhooks/workos > authkit.webhook authkit.outcome=ok
POST /webhooks/workos > authkit.webhook authkit.outcome=refused error.type=invalid_webhook_signature
`

func TestEachSpanIsInTheTraceOfTheRequestThatCausedIt(t *testing.T) {
	a := newApp(t)
	a.run()
	visits := map[trace.SpanID]string{}
	for _, span := range a.spans.GetSpans() {
		if span.SpanKind == trace.SpanKindServer {
			visits[span.SpanContext.SpanID()] = span.Name
		}
	}
	var got []string
	for _, span := range a.spans.GetSpans() {
		if span.SpanKind != trace.SpanKindServer {
			got = append(got, visits[span.Parent.SpanID()]+" > "+span.Name+" "+described(span))
			assert.Equal(t, "github.com/authkit-go/authkit/contrib/authkitotel", span.InstrumentationScope.Name)
		}
	}
	slices.Sort(got)
	assert.Equal(t, strings.TrimSpace(ran), strings.Join(got, "\n"))
}

func TestARefusalIsAnEventOfTheSpanOfItsRequest(t *testing.T) {
	a := newApp(t, authkitotel.WithName("web"))
	a.get("/account", "")
	visit := a.spansOf(t, "GET /account", 1)[0]
	require.Len(t, visit.Events, 1)
	assert.Equal(t, "authkit.refusal", visit.Events[0].Name)
	assert.Equal(t, "authkit.name=web authkit.outcome=refused error.type=unauthenticated", attributesText(visit.Events[0].Attributes))
	assert.Equal(t, codes.Unset, visit.Status.Code)
	assert.Len(t, a.spans.GetSpans(), 1, "it is no span")
}

func TestOnlyAFailedCallOfTheStoreHasASpan(t *testing.T) {
	p := newProviders()
	r := behaviour.NewReplicas(t, 1, appOptions(p.observer(t)))
	one := r.Instances[0]
	cookie := one.SignedIn(behaviour.Kim).CookieHeader()
	require.Equal(t, http.StatusOK, one.Status(t, cookie))
	ok := p.collected(t)["authkit.store.call.duration{authkit.outcome=ok}"]
	assert.EqualValues(t, one.Stats().Store.Commands, ok, "each call has a duration")
	assert.Empty(t, p.spansOf(t, "authkit.store", 0))

	r.Store.SetDown(true)
	one.SignOut(t, cookie)
	r.Store.SetDown(false)
	failed := slices.DeleteFunc(p.spans.GetSpans(), func(s tracetest.SpanStub) bool { return s.Name != "authkit.store" })
	require.NotEmpty(t, failed)
	assert.Equal(t, "authkit.outcome=failed error.type=failed Error:failed", described(failed[0]))
}

func TestASpanHasTheTimesOfItsObservation(t *testing.T) {
	p := newProviders()
	begin := time.Now().Add(-time.Hour)
	p.observer(t).Observe(context.Background(), authkit.Observation{
		Kind: authkit.ObservedKeyFetch, Outcome: authkit.OutcomeOK, Begin: begin, Duration: 90 * time.Millisecond,
	})
	span := p.spansOf(t, "authkit.key_fetch", 1)[0]
	assert.True(t, span.StartTime.Equal(begin))
	assert.Equal(t, 90*time.Millisecond, span.EndTime.Sub(span.StartTime))
}

func TestTheStatusOfASpanIsErrorOnlyIfSomethingHasFailed(t *testing.T) {
	for outcome, want := range map[string]string{
		authkit.OutcomeOK: "Unset", authkit.OutcomeDenied: "Unset", authkit.OutcomeAdopted: "Unset",
		authkit.OutcomeEnded: "Unset x", authkit.OutcomeLeft: "Unset x", authkit.OutcomeRefused: "Error x",
		authkit.OutcomeFailed: "Error x", authkit.OutcomeLimited: "Error x", authkit.OutcomeUnverified: "Error x",
	} {
		p := newProviders()
		p.observer(t).Observe(context.Background(), authkit.Observation{Kind: authkit.ObservedRefresh, Outcome: outcome, Code: "x", Err: errors.New("a text with anything")})
		span := p.spansOf(t, "authkit.refresh", 1)[0]
		got := span.Status.Code.String()
		if strings.Contains(described(span), "error.type=x") {
			got += " x"
		}
		assert.Equal(t, want, got, outcome)
		assert.NotContains(t, fmt.Sprintf("%+v", span), "a text with anything", "a span has no text of an error")
	}
}

func TestASpanHasTheUserTheSessionAndTheOrganizationOnlyIfAskedFor(t *testing.T) {
	session := "authkit.organization.id=org_acme authkit.outcome=ok"
	for name, c := range map[string]struct {
		opts []authkitotel.Option
		want string
	}{
		"without options":  {nil, "authkit.outcome=ok"},
		"the organization": {[]authkitotel.Option{authkitotel.WithOrganizationID()}, session},
		"the user":         {[]authkitotel.Option{authkitotel.WithUserID()}, "authkit.outcome=ok user.id=user_kim"},
		"the session":      {[]authkitotel.Option{authkitotel.WithSessionID()}, "authkit.outcome=ok session.id=SESSION"},
		"all":              {[]authkitotel.Option{authkitotel.WithUserID(), authkitotel.WithSessionID(), authkitotel.WithOrganizationID()}, session + " session.id=SESSION user.id=user_kim"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, c.opts...)
			a.SignOut(t, a.SignedIn(behaviour.Kim).CookieHeader())
			span := a.spansOf(t, "authkit.sign_out", 1)[0]
			assert.Equal(t, strings.ReplaceAll(c.want, "SESSION", a.SessionID()), described(span))
		})
	}
}

// The log of the application is checked, when the test ends, for all cookies, codes, states, keys and tokens of its requests.
func TestNoSpanAndNoMetricContainsASecret(t *testing.T) {
	a := newApp(t, authkitotel.WithUserID(), authkitotel.WithSessionID(), authkitotel.WithOrganizationID())
	a.run()
	for _, span := range a.spans.GetSpans() {
		fmt.Fprintf(a.Logs, "%+v\n", span)
		for _, attribute := range span.Attributes {
			assert.Regexp(t, regexp.MustCompile(`^[\w.]*$`), attribute.Value.String(), "no path, no query and no text")
		}
	}
	metrics := lines(a.collected(t))
	fmt.Fprintln(a.Logs, metrics)
	assert.NotContains(t, metrics+fmt.Sprint(a.spans.GetSpans()), endpointSecret)
	assert.Contains(t, a.Logs.String(), "authkit.sign_in")
}

// observeExchange and observeWait report an exchange, and a wait for it, with no request.
func observeExchange(o *authkitotel.Observer, number uint64) {
	o.Observe(context.Background(), authkit.Observation{Kind: authkit.ObservedRefresh, Outcome: authkit.OutcomeOK, Exchange: number})
}

func observeWait(o *authkitotel.Observer, number uint64) {
	o.Observe(context.Background(), authkit.Observation{Kind: authkit.ObservedRefreshWait, Outcome: authkit.OutcomeLeft, Exchange: number})
}

func TestTheMemoryOfExchangesIsLimited(t *testing.T) {
	p := newProviders()
	o := p.observer(t)
	links := func(n int) (numbers []int) {
		for _, wait := range p.spansOf(t, "authkit.refresh_wait", n) {
			numbers = append(numbers, len(wait.Links))
		}
		p.spans.Reset()
		return numbers
	}
	observeExchange(o, 1)
	observeExchange(o, authkitotel.MaxExchanges)
	observeWait(o, 1)
	assert.Equal(t, []int{1}, links(1))
	observeExchange(o, authkitotel.MaxExchanges+1)
	observeWait(o, 1)
	assert.Equal(t, []int{0}, links(1), "a newer exchange has replaced it")
	observeExchange(o, 1)
	observeWait(o, authkitotel.MaxExchanges+1)
	assert.Equal(t, []int{1}, links(1), "an older exchange does not replace a newer one")

	observeWait(o, 2)
	assert.Empty(t, links(0))
	observeWait(o, authkitotel.MaxExchanges+2)
	assert.Equal(t, []int{0}, links(1), "the held span ends without a link")
	observeExchange(o, authkitotel.MaxExchanges+2)
	assert.Equal(t, []int{1}, links(1))

	observeWait(p.observer(t), 0)
	assert.Equal(t, []int{0}, links(1), "it has left before an exchange began")
	const next = authkitotel.MaxExchanges + 3
	for range authkitotel.MaxHeldSpans + 1 {
		observeWait(o, next)
	}
	assert.Equal(t, []int{0}, links(1), "one more is not held")
	observeExchange(o, next)
	held := links(authkitotel.MaxHeldSpans)
	assert.Equal(t, slices.Repeat([]int{1}, authkitotel.MaxHeldSpans), held)
	observeWait(o, next+1)
	assert.Empty(t, links(0), "held spans are no longer counted after their end")
}

func TestSpansThatAreNotSampledAreNotHeld(t *testing.T) {
	p := newProviders()
	o := p.observer(t)
	notSampled := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}}))
	for range authkitotel.MaxHeldSpans {
		o.Observe(notSampled, authkit.Observation{Kind: authkit.ObservedRefreshWait, Outcome: authkit.OutcomeLeft, Exchange: 1})
	}
	observeWait(o, 1)
	assert.Empty(t, p.spansOf(t, "authkit.refresh_wait", 0), "there is room to hold it")
	observeExchange(o, 1)
	assert.Len(t, p.spansOf(t, "authkit.refresh_wait", 1)[0].Links, 1)
}

// Without an SDK, the API of OpenTelemetry records nothing.
func withoutSDK(t testing.TB) *authkitotel.Observer {
	o, err := authkitotel.New(authkitotel.WithTracerProvider(tracenoop.NewTracerProvider()), authkitotel.WithMeterProvider(noop.NewMeterProvider()))
	require.NoError(t, err)
	return o
}

var aRefresh = authkit.Observation{Kind: authkit.ObservedRefresh, Outcome: authkit.OutcomeOK, Exchange: 1, UserID: "user_kim"}

func TestObserveAllocatesLittleWithoutAnSDK(t *testing.T) {
	o := withoutSDK(t)
	allocations := testing.AllocsPerRun(100, func() { o.Observe(context.Background(), aRefresh) })
	assert.LessOrEqual(t, allocations, 8.0)
}

func BenchmarkObserveWithoutAnSDK(b *testing.B) {
	o := withoutSDK(b)
	b.ReportAllocs()
	for b.Loop() {
		o.Observe(context.Background(), aRefresh)
	}
}

func BenchmarkObserveWithAnSDK(b *testing.B) {
	o, err := authkitotel.New(authkitotel.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithBatcher(tracetest.NewNoopExporter()))),
		authkitotel.WithMeterProvider(newProviders().meters))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		o.Observe(context.Background(), aRefresh)
	}
}
