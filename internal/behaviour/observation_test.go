// Observers: what they are told, in which context, and that they change nothing.

package behaviour

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
	"github.com/authkit-go/authkit/workos"
)

// observer keeps what it is told.
type observer struct {
	mu   sync.Mutex
	seen []authkit.Observation // guarded by mu
	ctxs []context.Context     // guarded by mu
}

func (o *observer) observe(ctx context.Context, seen authkit.Observation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen, o.ctxs = append(o.seen, seen), append(o.ctxs, ctx)
}

// of returns the observations of a kind, or all.
func (o *observer) of(kind authkit.ObservationKind) (seen []authkit.Observation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, at := range o.seen {
		if kind == "" || at.Kind == kind {
			seen = append(seen, at)
		}
	}
	return seen
}

func (o *observer) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen, o.ctxs = nil, nil
}

// described returns "kind outcome code" of each observation, sorted.
func (o *observer) described() string {
	var lines []string
	for _, at := range o.of("") {
		lines = append(lines, strings.TrimSpace(fmt.Sprint(at.Kind, " ", at.Outcome, " ", at.Code)))
	}
	slices.Sort(lines)
	return strings.Join(lines, ", ")
}

// observed has what is observed in each of statsCases. Nothing is observed in those that are not listed.
var observed = map[string]string{
	"a refresh":                          "refresh ok",
	"a cached session that is refreshed": "refresh ok",
	"a cached session in a call of a handler without the middleware":             "refresh ok",
	"a cached session that a call of a handler refreshes without the middleware": "refresh ok",
	"a bearer token that is not accepted":                                        "refusal refused unauthenticated",
	"a bearer token that was cached and has expired":                             "refusal refused unauthenticated",
	"a refresh that WorkOS refuses":                                              "refresh refused refused",
	"a session that WorkOS has ended":                                            "refresh ended ended",
	"a refresh that fails":                                                       "refresh failed unavailable",
	"a refresh whose connection is reset":                                        "refresh failed unavailable",
	"a refresh that WorkOS does not answer in time":                              "refresh failed unavailable",
	"a refresh with wrong credentials of the application":                        "refresh failed unavailable",
	"a refresh whose token cannot be verified":                                   "key_fetch failed failed, refresh unverified unverified",
	"a sign-out":                           "sign_out ok",
	"keys that cannot be fetched":          "key_fetch failed failed",
	"the end of the first sign-in":         "key_fetch ok, sign_in ok",
	"a sign-in that WorkOS refuses":        "refusal refused sign_in_refused, sign_in refused sign_in_refused",
	"a callback without a pending sign-in": "refusal refused invalid_state",
	"an API key":                           "api_key ok",
	"an API key that is not valid":         "api_key denied denied, refusal refused unauthenticated",
	"no API key":                           "refusal refused unauthenticated",
	"an API key while WorkOS answers 429":  "api_key limited limited, refusal refused too_many_api_keys",
	"an API key while WorkOS does not accept the application's own": "api_key failed failed, refusal failed unavailable",
	"a permission on a resource":                                    "resource_permission ok",
	"a resource that WorkOS does not know":                          "refusal refused forbidden, resource_permission denied denied",
	"a permission on a resource that WorkOS does not answer":        "refusal failed unavailable, resource_permission failed failed",
	"requests that wait for one exchange":                           "refresh ok, refresh_wait ok, refresh_wait ok",
	"a client that leaves during the refresh of its session":        "refresh ok, refresh_wait left unavailable",
	"a client that leaves during its sign-in":                       "sign_in left sign_in_unavailable",
	"an event that is delivered":                                    "event ok, webhook ok",
	"a delivery without a signature":                                "refusal refused invalid_webhook_signature, webhook refused invalid_webhook_signature",
	"a delivery whose function fails":                               "event ok, refusal failed event_failed, webhook failed event_failed",
}

func TestObserversAreToldWhatIsRareAndNothingElse(t *testing.T) {
	for _, c := range statsCases {
		t.Run(c.name, func(t *testing.T) {
			o := &observer{}
			s := newStatsApp(t, append([]authkit.Option{authkit.WithObserver(o.observe)}, c.opts...)...)
			act := c.prepare(s)
			o.forget()
			begin := time.Now()
			act()
			assert.Equal(t, observed[c.name], o.described())
			for _, seen := range o.of("") {
				assert.False(t, seen.Begin.Before(begin.Add(-time.Minute)), "the time is that of the system")
				assert.False(t, seen.Begin.Add(seen.Duration).After(time.Now()))
				assert.Equal(t, seen.Outcome != authkit.OutcomeOK, seen.Code != "")
				if seen.Outcome == authkit.OutcomeOK {
					assert.NoError(t, seen.Err)
				}
			}
		})
	}
}

func TestEveryKindAndEveryOutcomeIsObservedInATest(t *testing.T) {
	source, err := os.ReadFile("../../observation.go")
	require.NoError(t, err)
	elsewhere := []string{
		"store ok", "store failed", "refresh adopted", // TestTheStoreAndAnotherInstanceAreObserved
		"refresh_wait left", // TestTheWaitsForAnExchangeHaveItsNumber
		"event failed",      // TestAListOfEventsThatCannotBeReadIsObserved
	}
	var all []string
	for _, lines := range observed {
		all = append(all, strings.Split(lines, ", ")...)
	}
	all = append(all, elsewhere...)
	names := regexp.MustCompile(`(?m)^\t(Observed|Outcome)\w+ .*= "(\w+)"`).FindAllStringSubmatch(string(source), -1)
	require.Len(t, names, 11+9)
	for _, name := range names {
		assert.True(t, slices.ContainsFunc(all, func(line string) bool { return slices.Contains(strings.Fields(line)[:2], name[2]) }), name[2])
	}
}

func TestTheStoreAndAnotherInstanceAreObserved(t *testing.T) {
	o := &observer{}
	r := NewReplicas(t, 1, AppOptions{})
	one, two := r.Instances[0], r.Add(t, AppOptions{AuthKit: []authkit.Option{authkit.WithObserver(o.observe)}})
	cookie := one.SignedIn(Kim).CookieHeader()
	r.expireTokens()
	require.Equal(t, http.StatusOK, one.Status(t, cookie))
	require.Equal(t, http.StatusOK, two.Status(t, cookie))
	assert.Contains(t, o.described(), "refresh adopted adopted")
	assert.Contains(t, o.described(), "store ok")
	assert.Len(t, o.of(authkit.ObservedStore), int(two.Stats().Store.Commands), "each command is observed")

	o.forget()
	r.Store.SetDown(true)
	two.SignOut(t, cookie)
	failed := o.of(authkit.ObservedStore)
	require.NotEmpty(t, failed)
	assert.Equal(t, authkit.OutcomeFailed, failed[0].Outcome)
	assert.Error(t, failed[0].Err)
	r.Store.SetDown(false)
}

func TestAListOfEventsThatCannotBeReadIsObserved(t *testing.T) {
	seen := make(chan authkit.Observation, 1)
	s := newStatsApp(t, authkit.WithObserver(func(_ context.Context, o authkit.Observation) {
		if o.Kind == authkit.ObservedEvent {
			seen <- o
		}
	}))
	s.fault("GET /events", 401, `{"message":"Unauthorized"}`)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Follow(ctx, nil, "") }()
	o := <-seen
	assert.Equal(t, authkit.OutcomeFailed, o.Outcome)
	var reply *workos.Error
	assert.ErrorAs(t, o.Err, &reply)
	stop()
	assert.ErrorIs(t, <-ended, context.Canceled)
}

// One request starts the exchange, and others wait for it. One of them leaves before it ends.
func TestTheWaitsForAnExchangeHaveItsNumber(t *testing.T) {
	o := &observer{}
	s := newStatsApp(t, authkit.WithObserver(o.observe))
	cookie := s.stale()
	s.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	o.forget()
	const waiting = 20
	arrived := func(n int) {
		require.Eventually(t, func() bool { return s.Stats().Refreshes.Waiting == n }, WaitTimeout, time.Millisecond)
	}
	first := s.SendAsync(Request{Target: "/account", Cookie: cookie, Header: Scripted()})
	s.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	leave := s.visitThatCanLeave("/account", cookie)
	arrived(2)
	leave()
	require.Eventually(t, func() bool { return len(o.of(authkit.ObservedRefreshWait)) == 1 }, WaitTimeout, time.Millisecond)
	left := o.of(authkit.ObservedRefreshWait)[0]
	assert.Equal(t, authkit.OutcomeLeft, left.Outcome)
	assert.EqualValues(t, 1, left.Exchange)
	o.forget()

	var others []chan Response
	for range waiting {
		others = append(others, s.SendAsync(Request{Target: "/account", Cookie: cookie, Header: Scripted()}))
	}
	arrived(1 + waiting)
	require.Equal(t, 1, s.Stats().Refreshes.InFlight)
	s.Fake.ClearFault(authkittest.RouteRefresh)
	for _, answer := range append(others, first) {
		require.Equal(t, http.StatusOK, (<-answer).Status)
	}
	exchanges, waits := o.of(authkit.ObservedRefresh), o.of(authkit.ObservedRefreshWait)
	require.Len(t, exchanges, 1)
	assert.Equal(t, authkit.OutcomeOK, exchanges[0].Outcome)
	assert.Equal(t, "user_kim", exchanges[0].UserID)
	assert.Equal(t, s.SessionID(), exchanges[0].SessionID)
	assert.Equal(t, "org_acme", exchanges[0].OrganizationID)
	assert.Len(t, waits, waiting)
	assert.Equal(t, waiting, exchanges[0].Waiters)
	assert.EqualValues(t, 1+waiting, s.Stats().Refreshes.Waiters)
	for _, wait := range waits {
		assert.Equal(t, exchanges[0].Exchange, wait.Exchange)
		assert.Equal(t, authkit.OutcomeOK, wait.Outcome)
		assert.Equal(t, "user_kim", wait.UserID)
	}
}

// leavingApp has a session that needs a refresh, which WorkOS does not answer before the fault is cleared.
type leavingApp struct {
	*statsApp
	*observer
	cookie string
}

func newLeavingApp(t *testing.T) *leavingApp {
	a := &leavingApp{observer: &observer{}}
	a.statsApp = newStatsApp(t, authkit.WithObserver(a.observe))
	a.cookie = a.stale()
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	a.forget()
	return a
}

// begin sends a request that ends with leave.
func (a *leavingApp) begin() (leave func()) {
	ctx, leave := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL+"/account", nil)
	require.NoError(a.t, err)
	r.Header.Set("Cookie", a.cookie)
	go func() {
		if resp, err := a.client.RoundTrip(r); err == nil {
			resp.Body.Close()
		}
	}()
	return leave
}

func (a *leavingApp) awaitWaiting(n int) {
	require.Eventually(a.t, func() bool { return a.Stats().Refreshes.Waiting == n }, WaitTimeout, time.Millisecond)
}

func TestTheWaitersOfAnExchangeAreCountedWithoutTheRequestThatStartedItAndLeft(t *testing.T) {
	a := newLeavingApp(t)
	leave := a.begin()
	a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	const waiting = 3
	var others []chan Response
	for range waiting {
		others = append(others, a.SendAsync(Request{Target: "/account", Cookie: a.cookie, Header: Scripted()}))
	}
	a.awaitWaiting(1 + waiting)
	leave()
	a.awaitWaiting(waiting)
	a.Fake.ClearFault(authkittest.RouteRefresh)
	for _, answer := range others {
		require.Equal(t, http.StatusOK, (<-answer).Status)
	}
	exchanges := a.of(authkit.ObservedRefresh)
	require.Len(t, exchanges, 1)
	assert.Equal(t, waiting, exchanges[0].Waiters)
	assert.Len(t, a.of(authkit.ObservedRefreshWait), waiting, "the request that left has started the exchange, and has not waited for it")
}

func TestARequestThatWaitsAfterAllOthersHaveLeftHasTheNumberOfTheExchange(t *testing.T) {
	a := newLeavingApp(t)
	leave := a.begin()
	a.Fake.AwaitCalls(t, authkittest.RouteRefresh, 1)
	leave()
	a.awaitWaiting(0)
	leave = a.begin()
	a.awaitWaiting(1)
	leave()
	a.awaitWaiting(0)
	a.Fake.ClearFault(authkittest.RouteRefresh)
	require.Eventually(t, func() bool { return len(a.of(authkit.ObservedRefresh)) == 1 }, WaitTimeout, time.Millisecond)
	require.Eventually(t, func() bool { return len(a.of(authkit.ObservedRefreshWait)) == 1 }, WaitTimeout, time.Millisecond)
	exchange, wait := a.of(authkit.ObservedRefresh), a.of(authkit.ObservedRefreshWait)
	assert.EqualValues(t, 1, exchange[0].Exchange)
	assert.EqualValues(t, 1, wait[0].Exchange)
	assert.Zero(t, exchange[0].Waiters, "all of them have left")
}

// visitKey is the key of a value that an outer middleware puts into the context of each request.
type visitKey struct{}

func TestAnObserverGetsTheContextOfTheRequestThatCausedIt(t *testing.T) {
	o := &observer{}
	s := newStatsApp(t, authkit.WithObserver(o.observe))
	inner := s.Handler()
	s.Server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitKey{}, r.URL.Path)))
	})
	cookie := s.stale()
	s.get("/account", cookie)
	s.get("/account", "")
	s.withKey(s.addKey("one"))
	cookie = s.signedIn()
	s.get("/project", cookie)
	s.deliver(sessionRevoked("event_1", s.SessionID()))
	s.Send(Request{Method: "POST", Target: "/logout", Cookie: s.signedIn(), Header: Navigation()})

	paths := map[authkit.ObservationKind]any{}
	o.mu.Lock()
	for i, seen := range o.seen {
		paths[seen.Kind] = o.ctxs[i].Value(visitKey{})
	}
	for i, seen := range o.seen {
		if seen.Kind == authkit.ObservedRefresh || seen.Kind == authkit.ObservedKeyFetch || seen.Kind == authkit.ObservedAPIKey {
			assert.NoError(t, o.ctxs[i].Err(), "the context has not ended with its request")
		}
	}
	o.mu.Unlock()
	assert.Equal(t, map[authkit.ObservationKind]any{
		authkit.ObservedSignIn: "/callback", authkit.ObservedSignOut: "/logout", authkit.ObservedRefresh: "/account",
		authkit.ObservedKeyFetch: "/callback", authkit.ObservedRefusal: "/account", authkit.ObservedAPIKey: "/key",
		authkit.ObservedResourcePermission: "/project", authkit.ObservedWebhook: "/webhooks/workos", authkit.ObservedEvent: "/webhooks/workos",
	}, paths)
}

func TestAPanicOfAnObserverIsLoggedAndTheNextObserverIsCalled(t *testing.T) {
	o := &observer{}
	s := newStatsApp(t, authkit.WithObserver(func(context.Context, authkit.Observation) { panic("no") }), authkit.WithObserver(o.observe))
	s.Logs.allowPanics()
	cookie := s.stale()
	assert.Equal(t, http.StatusOK, s.get("/account", cookie).Status)
	assert.Equal(t, http.StatusUnauthorized, s.get("/account", "").Status)
	assert.Contains(t, o.described(), "refresh ok")
	assert.Contains(t, s.Logs.String(), "option=WithObserver")
}

// tokenTransport is a transport to WorkOS that tells the log about the tokens in the replies.
type tokenTransport struct{ s *statsApp }

func (t *tokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || r.URL.Path != "/user_management/authenticate" {
		return resp, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	var reply map[string]any
	if json.Unmarshal(body, &reply) == nil && t.s.App != nil {
		t.s.Logs.mu.Lock()
		for _, name := range []string{"access_token", "refresh_token"} {
			token, _ := reply[name].(string)
			t.s.Logs.addSecret(token)
			t.s.Logs.addSecret(token[strings.LastIndex(token, ".")+1:])
		}
		t.s.Logs.mu.Unlock()
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, err
}

// onlyObserved leaves out the cases in which nothing is observed but the sign-in, which the others have too.
var onlyObserved = testrun.Length(true, false)

// Every test checks its log for the cookies, codes, states, keys and tokens of its requests. Here the observations are in it.
func TestNoObservationContainsASecret(t *testing.T) {
	for _, c := range statsCases {
		if onlyObserved && observed[c.name] == "" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			s := &statsApp{webhookApp: &webhookApp{}, t: t}
			observe := authkit.WithObserver(func(ctx context.Context, o authkit.Observation) {
				line := fmt.Sprintf("%+v %#v %v %v", o, o, o.Err, ctx)
				for _, text := range Printed(o) {
					line += text
				}
				_, _ = s.Logs.Write([]byte(line + "\n"))
			})
			client := authkit.WithHTTPClient(&http.Client{Transport: &tokenTransport{s}})
			s.App = NewApp(t, statsOptions(s, append([]authkit.Option{observe, client}, c.opts...)))
			addProjects(s.Fake)
			c.prepare(s)()
			assert.Empty(t, s.Logs.faults())
		})
	}
}
