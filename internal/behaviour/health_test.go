// Healthz, and the skew of the clock that it reports.

package behaviour

import (
	"context"
	"encoding/json"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// healthDocument is the JSON document of Healthz.
type healthDocument struct {
	Status string
	Checks map[string]struct {
		Status, Reason string
		Age            *int `json:"age_seconds"`
		Skew           *int `json:"skew_seconds"`
	}
}

// healthz requests the handler, which must answer 200 whatever is degraded.
func healthz(t testing.TB, a *App) (document healthDocument) {
	t.Helper()
	a.Mux.Handle("/health/"+t.Name(), a.Healthz())
	return healthzAgain(t, a)
}

func healthzAgain(t testing.TB, a *App) (document healthDocument) {
	t.Helper()
	resp := a.Send(Request{Target: "/health/" + t.Name()})
	require.Equal(t, http.StatusOK, resp.Status)
	assert.Equal(t, "application/json", resp.Header.Get("Content-Type"))
	assert.Contains(t, resp.Header.Get("Cache-Control"), "no-store")
	require.NoError(t, json.Unmarshal([]byte(resp.Body), &document), resp.Body)
	require.Len(t, document.Checks, 5)
	return document
}

// checkHealth checks the status of each part.
func checkHealth(t testing.TB, document healthDocument, status, keys, workOS, store, events, clock string) {
	t.Helper()
	assert.Equal(t, status, document.Status)
	for part, want := range map[string]string{"keys": keys, "workos": workOS, "store": store, "events": events, "clock": clock} {
		assert.Equal(t, want, document.Checks[part].Status, part)
		assert.Equal(t, want == "degraded", document.Checks[part].Reason != "", part)
	}
}

func TestHealthzMakesNoCallAndKnowsNothingAtTheStart(t *testing.T) {
	a := NewApp(t, AppOptions{})
	checkHealth(t, healthz(t, a), "ok", "unknown", "unknown", "off", "off", "unknown")
	assert.Zero(t, a.Stats().WorkOS.Calls)
}

func TestHealthzIsOKAfterASignIn(t *testing.T) {
	a := NewApp(t, AppOptions{})
	a.SignedIn(Kim)
	a.Clock.Advance(70 * time.Second)
	document := healthz(t, a)
	checkHealth(t, document, "ok", "ok", "ok", "off", "off", "ok")
	assert.Equal(t, 70, *document.Checks["keys"].Age)
	assert.InDelta(t, 0, *document.Checks["clock"].Skew, 1)
}

func TestHealthzIsDegradedAndStays200DuringAnOutage(t *testing.T) {
	s := newStatsApp(t)
	cookie := s.stale()
	s.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 503, Body: "the text of another system"})
	require.Equal(t, http.StatusServiceUnavailable, s.get("/account", cookie).Status)
	document := healthz(t, s.App)
	checkHealth(t, document, "degraded", "ok", "degraded", "off", "off", "ok")
	assert.NotContains(t, document.Checks["workos"].Reason, "the text of another system")

	s.Fake.ClearFault(authkittest.RouteRefresh)
	s.Clock.Advance(10 * time.Second)
	require.Equal(t, http.StatusOK, s.get("/account", cookie).Status)
	checkHealth(t, healthzAgain(t, s.App), "ok", "ok", "ok", "off", "off", "ok")
}

func TestHealthzForgetsAFailureAfterFiveMinutes(t *testing.T) {
	s := newStatsApp(t)
	cookie := s.stale()
	s.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: 503})
	s.get("/account", cookie)
	require.Equal(t, "degraded", healthz(t, s.App).Status)
	s.Clock.Advance(5 * time.Minute)
	assert.Equal(t, "ok", healthzAgain(t, s.App).Status)
}

func TestHealthzReportsCredentialsThatWorkOSDoesNotAccept(t *testing.T) {
	s := newStatsApp(t)
	cookie := s.stale()
	s.fault(authkittest.RouteRefresh, 401, `{"error":"invalid_client","error_description":"no"}`)
	s.get("/account", cookie)
	document := healthz(t, s.App)
	checkHealth(t, document, "degraded", "ok", "degraded", "off", "off", "ok")
	assert.Contains(t, document.Checks["workos"].Reason, "API key")

	s.Clock.Advance(5 * time.Minute)
	checkHealth(t, healthzAgain(t, s.App), "ok", "ok", "ok", "off", "off", "ok")
}

func TestHealthzReportsKeysThatCannotBeFetched(t *testing.T) {
	a := NewApp(t, AppOptions{})
	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	require.Error(t, a.Ready(context.Background()))
	document := healthz(t, a)
	checkHealth(t, document, "degraded", "degraded", "degraded", "off", "off", "ok")
	assert.Nil(t, document.Checks["keys"].Age)

	a.Fake.ClearFault(authkittest.RouteJWKS)
	a.Clock.Advance(time.Minute)
	require.NoError(t, a.Ready(context.Background()))
	checkHealth(t, healthzAgain(t, a), "ok", "ok", "ok", "off", "off", "ok")
}

func TestHealthzReportsAStoreThatCannotBeReached(t *testing.T) {
	r := NewReplicas(t, 1, AppOptions{})
	a := r.Instances[0]
	checkHealth(t, healthz(t, a), "ok", "unknown", "unknown", "ok", "off", "unknown")
	cookie := a.SignedIn(Kim).CookieHeader()
	r.Store.SetDown(true)
	a.SignOut(t, cookie)
	require.Eventually(t, func() bool { return a.Stats().Store.State == authkit.StoreUnreachable }, WaitTimeout, time.Millisecond)
	checkHealth(t, healthzAgain(t, a), "degraded", "ok", "ok", "degraded", "off", "ok")
	r.Store.SetDown(false)
}

func TestHealthzReportsEventsThatCannotBeRead(t *testing.T) {
	a := NewApp(t, AppOptions{})
	a.Fake.InjectFault("GET /events", authkittest.Fault{Status: 401, Body: `{"message":"Unauthorized"}`})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- a.Follow(ctx, nil, "") }()
	require.Eventually(t, func() bool { return a.Stats().Events.State == authkit.EventsFailing }, WaitTimeout, time.Millisecond)
	assert.Equal(t, "degraded", healthz(t, a).Checks["events"].Status)
	stop()
	assert.ErrorIs(t, <-ended, context.Canceled)
}

func TestHealthzAnswersGETAndHEADOnly(t *testing.T) {
	a := NewApp(t, AppOptions{})
	healthz(t, a)
	head := a.Send(Request{Method: http.MethodHead, Target: "/health/" + t.Name()})
	assert.Equal(t, http.StatusOK, head.Status)
	assert.Empty(t, head.Body)
	resp := a.Send(Request{Method: http.MethodPost, Target: "/health/" + t.Name()})
	assert.Equal(t, http.StatusMethodNotAllowed, resp.Status)
	assert.Equal(t, "GET, HEAD", resp.Header.Get("Allow"))
}

// shiftedClock is the clock of the test, set wrong.
type shiftedClock struct {
	*authkittest.FakeClock
	by time.Duration
}

func (c shiftedClock) Now() time.Time { return c.FakeClock.Now().Add(c.by) }

// movableClock is the clock of the test, which can be set to another time.
type movableClock struct {
	*authkittest.FakeClock
	by atomic.Int64
}

func (c *movableClock) Now() time.Time { return c.FakeClock.Now().Add(time.Duration(c.by.Load())) }

func TestAgesAreNotNegativeAfterTheClockIsSetBack(t *testing.T) {
	alone := NewApp(t, AppOptions{})
	clock := &movableClock{FakeClock: alone.Clock}
	options := []authkit.Option{authkit.WithClock(clock), authkit.WithStore(authkittest.NewMemoryStore(alone.Clock))}
	a := NewInstance(t, alone.Fake, alone.Clock, AppOptions{AuthKit: options})
	require.Equal(t, http.StatusOK, a.Status(t, a.SignedIn(Kim).CookieHeader()))
	require.Eventually(t, func() bool { return !a.Stats().Store.LogReadAt.IsZero() }, WaitTimeout, time.Millisecond)

	clock.by.Store(int64(-time.Hour))
	stats := a.Stats()
	assert.Zero(t, stats.Keys.Age)
	assert.Zero(t, stats.Store.LogAge)
	document := healthz(t, a)
	assert.Equal(t, 0, *document.Checks["keys"].Age)
	assert.Equal(t, 0, *document.Checks["store"].Age)
}

// docs/operations.md promises it for the incident of a wrong clock.
func TestASessionContinuesWhenAClockThatWasBehindIsSetRight(t *testing.T) {
	alone := NewApp(t, AppOptions{})
	clock := &movableClock{FakeClock: alone.Clock}
	a := NewInstance(t, alone.Fake, alone.Clock, AppOptions{AuthKit: []authkit.Option{authkit.WithClock(clock)}})
	cookie := a.SignedIn(Kim).CookieHeader()

	clock.by.Store(int64(-2 * time.Minute))
	alone.Clock.Advance(6*time.Minute + 30*time.Second) // 4:30 after the sign-in on the clock of the application
	resp := a.Send(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
	assert.Equal(t, http.StatusUnauthorized, resp.Status, "the new token seems to come from the future")
	assert.EqualValues(t, 1, a.Stats().Refreshes.Refused)
	assert.Equal(t, http.StatusBadGateway, a.finishSignIn(a.StartSignInAs("/login", Kim)).Status, "nor can the user sign in")

	clock.by.Store(0)
	assert.Equal(t, "degraded", healthz(t, a).Checks["clock"].Status, "no call has followed")
	assert.Equal(t, http.StatusOK, a.Status(t, cookie), "the old cookie")
	assert.Equal(t, http.StatusOK, a.Status(t, resp.NewCookie(t)), "the cookie of the refresh that was not accepted")
	assert.Equal(t, "ok", healthzAgain(t, a).Checks["clock"].Status)
}

func TestTheSkewOfTheClockIsMeasuredToASecond(t *testing.T) {
	for _, by := range []time.Duration{0, time.Second, -time.Second, 20*time.Second + 400*time.Millisecond, -25 * time.Second, 31 * time.Second, -2 * time.Minute, time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			clock := authkittest.NewFakeClock(Start)
			fake := authkittest.New(t, authkittest.WithClock(clock))
			clock.Advance(300 * time.Millisecond)
			a := NewInstance(t, fake, clock, AppOptions{AuthKit: []authkit.Option{authkit.WithClock(shiftedClock{clock, by})}})
			require.False(t, a.Stats().Clock.Known)
			require.NoError(t, a.Ready(context.Background()))
			measured := a.Stats().Clock
			assert.True(t, measured.Known)
			assert.InDelta(t, by.Seconds(), measured.Skew.Seconds(), 1)
			assert.Equal(t, clock.Now().Add(by), measured.MeasuredAt)
			document := healthz(t, a)
			assert.Equal(t, by.Abs() > 30*time.Second, document.Checks["clock"].Status == "degraded")
			assert.InDelta(t, by.Seconds(), *document.Checks["clock"].Skew, 1.5)
		})
	}
}

func TestAResponseThatDoesNotTellTheTimeIsNotMeasured(t *testing.T) {
	for name, header := range map[string]http.Header{
		"without Date":      {"Date": nil},
		"with a wrong Date": {"Date": {"yesterday"}},
		"from a cache":      {"Date": {Start.Add(-5 * time.Minute).Format(http.TimeFormat)}, "Age": {"300"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewApp(t, AppOptions{AuthKit: []authkit.Option{authkit.WithHTTPClient(&http.Client{Transport: datedTransport(header)})}})
			require.NoError(t, a.Ready(context.Background()))
			assert.False(t, a.Stats().Clock.Known)
			assert.EqualValues(t, 1, a.Stats().WorkOS.Calls)
		})
	}
}

// datedTransport is a transport to WorkOS that changes the header of the responses.
type datedTransport http.Header

func (d datedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		for name, values := range d {
			resp.Header[name] = values
		}
	}
	return resp, err
}
