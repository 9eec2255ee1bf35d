// Strangers who send made-up API keys, and what that must not cost.

package authkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

const (
	budgetOfUnknownKeys = 200 // as the documentation of RequireAPIKey has it
	unknownKeysAtOnce   = 32
	provenKeysAtOnce    = 128
)

// quietly is for tests of so many requests that their log takes the time.
var quietly = authkit.WithLogger(slog.New(slog.DiscardHandler))

func madeUp(i int) string { return fmt.Sprint("sk_made_up_", i) }

// validations is the way to the fake. It sees each key that is asked about.
type validations struct {
	strike func(r *http.Request, value string) (*http.Response, error) // without either, the question goes through
}

func (v *validations) RoundTrip(r *http.Request) (*http.Response, error) {
	if v.strike != nil && strings.HasSuffix(r.URL.Path, "/api_keys/validations") {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		var question struct{ Value string }
		if err := json.NewDecoder(body).Decode(&question); err != nil {
			return nil, err
		}
		if resp, err := v.strike(r, question.Value); resp != nil || err != nil {
			return resp, err
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (v *validations) option() authkit.Option {
	return authkit.WithHTTPClient(&http.Client{Transport: v})
}

func jsonReply(status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

// earn429 answers questions about made-up keys as WorkOS does beyond its limit.
func earn429(_ *http.Request, value string) (*http.Response, error) {
	if strings.HasPrefix(value, "sk_made_up_") {
		return jsonReply(429, http.Header{"Retry-After": {"20"}}, `{"message":"slow down"}`), nil
	}
	return nil, nil
}

func TestFiveHundredMadeUpAPIKeysCostTheirBudgetAndNoMore(t *testing.T) { // A5
	a := keyed(t)
	send := func(from, to int) (statuses map[int]int) {
		statuses = map[int]int{}
		for i := from; i < to; i++ {
			resp := a.withKey(t.Context(), "/key", madeUp(i))
			statuses[resp.status]++
			if resp.status == http.StatusTooManyRequests {
				assert.Equal(t, "1", resp.header.Get("Retry-After"))
				assert.Equal(t, "too_many_api_keys", resp.problem(t)["code"])
				assert.Empty(t, resp.header.Get("WWW-Authenticate"), "the key may be good")
				assert.Equal(t, "private, no-store", resp.header.Get("Cache-Control"))
			}
		}
		return statuses
	}
	assert.Equal(t, map[int]int{401: budgetOfUnknownKeys, 429: 500 - budgetOfUnknownKeys}, send(0, 500))
	assert.Equal(t, budgetOfUnknownKeys, a.fake.Calls(authkittest.RouteValidateAPIKey))
	assert.Equal(t, map[int]int{401: budgetOfUnknownKeys}, send(0, budgetOfUnknownKeys), "what is known is known")

	a.clock.Advance(time.Second)
	assert.Equal(t, map[int]int{401: 10, 429: 90}, send(500, 600), "ten a second")
	a.clock.Advance(time.Hour)
	assert.Equal(t, map[int]int{401: budgetOfUnknownKeys, 429: 100}, send(600, 900), "and never more than at first")
	assert.Equal(t, 2*budgetOfUnknownKeys+10, a.fake.Calls(authkittest.RouteValidateAPIKey))

	assert.NotContains(t, a.logs.String(), "level=WARN")
	assert.NotContains(t, a.logs.String(), "level=ERROR")
	assert.NotContains(t, a.logs.String(), "sk_made_up_")
}

func TestAMadeUpAPIKeyBeyondTheBudgetIsAnsweredByTheApplicationsErrorHandler(t *testing.T) { // A5
	var last authkit.Failure
	a := keyed(t, authkit.WithErrorHandler(func(w http.ResponseWriter, r *http.Request, f authkit.Failure) {
		last = f
		f.ServeHTTP(w, r)
	}))
	for i := range budgetOfUnknownKeys + 1 {
		a.withKey(t.Context(), "/key", madeUp(i))
	}
	assert.Equal(t, http.StatusTooManyRequests, last.Status)
	assert.Equal(t, time.Second, last.RetryAfter)
	require.ErrorIs(t, last.Err, authkit.ErrTooManyAPIKeys)
	assert.NotErrorIs(t, last.Err, authkit.ErrUnavailable, "nothing is out of order")
	var tooMany *authkit.TooManyAPIKeysError
	require.ErrorAs(t, last.Err, &tooMany)
	assert.Equal(t, time.Second, tooMany.RetryAfter)
	assert.Empty(t, last.Link, "signing in does not help")
}

func TestMadeUpAPIKeysWhileWorkOSHangsAndTheirClientsLeaveHoldFewQuestions(t *testing.T) { // A5
	a := keyed(t)
	good := a.addKey("good")
	a.fake.Fail(authkittest.RouteValidateAPIKey, authkittest.Fault{Hang: true})
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	before := runtime.NumGoroutine()
	statuses := make(chan int, 1000)
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Go(func() { statuses <- a.withKey(ctx, "/key", madeUp(i)).status })
	}
	for i := range 1000 - budgetOfUnknownKeys {
		select {
		case status := <-statuses:
			assert.Equal(t, http.StatusTooManyRequests, status)
		case <-time.After(patience):
			require.FailNow(t, "the clients wait", "%d were answered, %d questions were put", i, a.fake.Calls(authkittest.RouteValidateAPIKey))
		}
	}
	a.fake.AwaitCalls(t, authkittest.RouteValidateAPIKey, unknownKeysAtOnce)
	leave()
	wg.Wait()
	close(statuses)
	for status := range statuses {
		assert.Equal(t, http.StatusServiceUnavailable, status)
	}
	assert.Equal(t, unknownKeysAtOnce, a.fake.Calls(authkittest.RouteValidateAPIKey))
	assert.Less(t, runtime.NumGoroutine()-before, 10*unknownKeysAtOnce, "a few for each question at both ends")
	assert.NotContains(t, a.logs.String(), "level=WARN", "clients that leave are no failure")

	// Those that waited for a place have left theirs, and their part of the budget.
	a.fake.Heal(authkittest.RouteValidateAPIKey)
	assert.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", good).status)
	for i := range 1000 {
		if a.withKey(t.Context(), "/key", madeUp(2000+i)).status == http.StatusTooManyRequests {
			break
		}
	}
	assert.Equal(t, budgetOfUnknownKeys+1, a.fake.Calls(authkittest.RouteValidateAPIKey))
}

func TestAMadeUpAPIKeyThatEarnsA429CostsNoGoodKeyItsAnswer(t *testing.T) { // A5
	for _, grace := range []time.Duration{0, time.Hour} {
		t.Run(grace.String(), func(t *testing.T) {
			a := keyed(t, (&validations{strike: earn429}).option(), authkit.WithAPIKeyGrace(grace))
			good, later := a.addKey("good"), a.addKey("later")
			require.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", good).status)
			a.clock.Advance(31 * time.Second)
			calls := a.fake.Calls(authkittest.RouteValidateAPIKey)

			resp := a.withKey(t.Context(), "/key", madeUp(1))
			assert.Equal(t, http.StatusTooManyRequests, resp.status)
			assert.Equal(t, "20", resp.header.Get("Retry-After"))
			assert.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", good).status)
			assert.Equal(t, calls+1, a.fake.Calls(authkittest.RouteValidateAPIKey), "it is asked about itself")

			a.clock.Advance(5 * time.Second)
			for _, unknown := range []string{madeUp(1), madeUp(2), later} {
				resp = a.withKey(t.Context(), "/key", unknown)
				assert.Equal(t, http.StatusTooManyRequests, resp.status)
				assert.Equal(t, "15", resp.header.Get("Retry-After"), "what is left of it")
			}
			a.clock.Advance(15 * time.Second)
			assert.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", later).status)
		})
	}
}

func TestFortyThousandMadeUpAPIKeysPushNoGoodAnswerOut(t *testing.T) { // A5
	a := keyed(t, quietly)
	good := a.addKey("good")
	require.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", good).status)
	for i := range 40_000 {
		a.withKey(t.Context(), "/key", madeUp(i))
	}
	assert.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", good).status)
	assert.Equal(t, 1+budgetOfUnknownKeys, a.fake.Calls(authkittest.RouteValidateAPIKey), "it is remembered")
}

func TestADeletedAPIKeyHasNoGraceWhileMadeUpKeysEarn429s(t *testing.T) { // A5
	a := keyed(t, (&validations{strike: earn429}).option(), authkit.WithAPIKeyGrace(time.Hour))
	key := a.addKey("ci")
	require.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", key).status)
	a.deleteKey("ci")
	for i := range 59 {
		a.clock.Advance(time.Minute)
		assert.NotEqual(t, http.StatusOK, a.withKey(t.Context(), "/key", madeUp(i)).status)
		assert.NotEqual(t, http.StatusOK, a.withKey(t.Context(), "/key", key).status, "after %d minutes", i+1)
	}
}

func TestADeletedAPIKeyHasNoGraceWhileMadeUpKeysSpendTheBudget(t *testing.T) { // A5
	a := keyed(t, authkit.WithAPIKeyGrace(time.Hour))
	key := a.addKey("ci")
	require.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", key).status)
	a.deleteKey("ci")
	a.clock.Advance(30 * time.Second)
	for i := range 500 {
		a.withKey(t.Context(), "/key", madeUp(i))
	}
	assert.Equal(t, http.StatusUnauthorized, a.withKey(t.Context(), "/key", key).status)
}

func TestA429ToTheQuestionAboutAnAPIKeyItselfGivesItItsGrace(t *testing.T) { // A5
	for name, c := range map[string]struct {
		grace  time.Duration
		status int
	}{
		"without a grace": {0, http.StatusServiceUnavailable},
		"with a grace":    {time.Hour, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			a := keyed(t, authkit.WithAPIKeyGrace(c.grace))
			key := a.addKey("ci")
			require.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", key).status)
			a.clock.Advance(time.Minute)
			a.fake.Fail(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: 429, Header: http.Header{"Retry-After": {"20"}}})
			assert.Equal(t, c.status, a.withKey(t.Context(), "/key", key).status)
			assert.Equal(t, http.StatusTooManyRequests, a.withKey(t.Context(), "/key", madeUp(1)).status)
			assert.Equal(t, 2, a.fake.Calls(authkittest.RouteValidateAPIKey), "strangers wait when WorkOS has enough")
		})
	}
}

// The grace is for a WorkOS that does not answer about this key. A refusal of this key is an answer.
func TestAProvenAPIKeyThatWorkOSRefusesHasNoGrace(t *testing.T) { // A5
	for name, c := range map[string]struct {
		fault  authkittest.Fault
		status int
	}{
		"400":                {authkittest.Fault{Status: 400, Body: `{"code":"invalid_api_key","message":"no such key"}`}, 503},
		"404":                {authkittest.Fault{Status: 404, Body: `{"message":"Not Found"}`}, 503},
		"422":                {authkittest.Fault{Status: 422, Body: `{"code":"invalid_request_parameters","message":"value"}`}, 503},
		"403 is our own key": {authkittest.Fault{Status: 403, Body: `{"message":"Forbidden"}`}, 200},
		"404 that is a page": {authkittest.Fault{Status: 404, Body: `<html>`}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			a := keyed(t, authkit.WithAPIKeyGrace(time.Hour))
			good := a.addKey("good")
			require.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", good).status)
			a.fake.Fail(authkittest.RouteValidateAPIKey, c.fault)
			a.clock.Advance(50 * time.Minute)
			assert.Equal(t, c.status, a.withKey(t.Context(), "/key", good).status)

			a.fake.Fail(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: 500})
			a.clock.Advance(time.Minute)
			assert.Equal(t, c.status, a.withKey(t.Context(), "/key", good).status, "an outage takes no refusal back")

			a.fake.Heal(authkittest.RouteValidateAPIKey)
			a.clock.Advance(time.Minute)
			assert.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", good).status, "WorkOS calls it valid again")
			a.fake.Fail(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: 500})
			a.clock.Advance(time.Minute)
			assert.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", good).status, "and it has its grace again")
		})
	}
}

func TestAGoodAPIKeyIsAskedAboutThoughTheBudgetOfStrangersIsSpent(t *testing.T) { // A5
	a := keyed(t)
	good, gone := a.addKey("good"), a.addKey("gone")
	require.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", good).status)
	require.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", gone).status)
	a.clock.Advance(6 * 24 * time.Hour)
	a.deleteKey("gone")
	for i := range 500 {
		a.withKey(t.Context(), "/key", madeUp(i))
	}
	require.Equal(t, http.StatusTooManyRequests, a.withKey(t.Context(), "/key", madeUp(500)).status)
	calls := a.fake.Calls(authkittest.RouteValidateAPIKey)
	assert.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", good).status)
	assert.Equal(t, http.StatusUnauthorized, a.withKey(t.Context(), "/key", gone).status)
	assert.Equal(t, calls+2, a.fake.Calls(authkittest.RouteValidateAPIKey))

	a.clock.Advance(30 * time.Second)
	for i := range 500 {
		a.withKey(t.Context(), "/key", madeUp(1000+i))
	}
	assert.Equal(t, http.StatusTooManyRequests, a.withKey(t.Context(), "/key", gone).status, "it is proven no more")
}

func TestMadeUpAPIKeysThatWorkOSThinksAboutDelayNoGoodKey(t *testing.T) { // A5
	thinking, over := make(chan struct{}, 1000), make(chan struct{})
	a := keyed(t, (&validations{strike: func(_ *http.Request, value string) (*http.Response, error) {
		if strings.HasPrefix(value, "sk_made_up_") {
			thinking <- struct{}{}
			<-over
		}
		return nil, nil
	}}).option())
	good := a.addKey("good")
	require.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", good).status)
	a.clock.Advance(time.Minute)
	var wg sync.WaitGroup
	for i := range 500 {
		wg.Go(func() { a.withKey(t.Context(), "/key", madeUp(i)) })
	}
	for range unknownKeysAtOnce {
		<-thinking
	}
	answered := make(chan int, 1)
	go func() { answered <- a.withKey(t.Context(), "/key", good).status }()
	select {
	case status := <-answered:
		assert.Equal(t, http.StatusOK, status)
	case <-time.After(patience):
		assert.Fail(t, "the good key waits for made-up ones")
	}
	assert.Empty(t, thinking, "more made-up keys at once than have a place")
	close(over)
	wg.Wait()
}

func TestAValueThatWorkOSRefusesToLookAtIsNoOutage(t *testing.T) { // A5
	for _, status := range []int{400, 404, 413, 422} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			a := keyed(t)
			good := a.addKey("good")
			require.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", good).status)
			a.clock.Advance(time.Minute)
			a.fake.Fail(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: status, Body: `{"message":"Validation failed"}`})
			assert.Equal(t, http.StatusUnauthorized, a.withKey(t.Context(), "/key", madeUp(1)).status)
			assert.NotContains(t, a.logs.String(), "level=WARN")
			assert.Equal(t, http.StatusServiceUnavailable, a.withKey(t.Context(), "/key", good).status, "a key once, a key still")
		})
	}
	for name, fault := range map[string]authkittest.Fault{
		"403":                    {Status: 403, Body: `{"message":"Forbidden"}`},
		"404 that is a page":     {Status: 404, Body: `<html>`},
		"422 that is a page":     {Status: 422, Body: `<html>`},
		"401: our key is wrong":  {Status: 401, Body: `{"message":"Unauthorized"}`},
		"200 that says nothing":  {Body: `{}`},
		"a page of a firewall's": {Status: 400, Body: `<html>`},
	} {
		t.Run(name, func(t *testing.T) {
			a := keyed(t)
			a.fake.Fail(authkittest.RouteValidateAPIKey, fault)
			assert.Equal(t, http.StatusServiceUnavailable, a.withKey(t.Context(), "/key", madeUp(1)).status)
			level := "WARN"
			if fault.Status == http.StatusUnauthorized {
				level = "ERROR" // it does not pass by itself
			}
			assert.Contains(t, a.logs.String(), `level=`+level+` msg="authkit: API key not validated"`)
		})
	}
}

func TestATextThatIsNoBearerTokenIsNotAskedAbout(t *testing.T) { // A5
	a := keyed(t)
	for _, value := range []string{"sk_", "sk_a b", "sk_\x80\xff", "sk_ü", "sk_a\"b", "sk_a\tb", "SK_a", "sk_a.b", "sk_a/../b", "sk_a:b", "sk_'--", "sk_a%00", "sk_a$b", "sk_" + longText(510)} {
		assert.Equal(t, http.StatusUnauthorized, a.withKey(t.Context(), "/key", value).status, "%q", value)
	}
	assert.Zero(t, a.fake.Calls(authkittest.RouteValidateAPIKey))
	assert.Equal(t, http.StatusUnauthorized, a.withKey(t.Context(), "/key", "sk_"+longText(509)).status)
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteValidateAPIKey))
}

// A firewall before WorkOS refuses what looks like an attack, and says so in ways that read as a failure of WorkOS.
func TestAMadeUpAPIKeyThatAFirewallWouldRefuseIsNeverSent(t *testing.T) { // A5
	for name, fault := range map[string]authkittest.Fault{
		"a page of a firewall's": {Status: 403, Body: `<html>Attention Required</html>`},
		"403":                    {Status: 403, Body: `{"message":"Forbidden"}`},
		"404":                    {Status: 404, Body: `{"message":"Not Found"}`},
		"413":                    {Status: 413, Body: `{"message":"Too large"}`},
		"422":                    {Status: 422, Body: `{"message":"no"}`},
		"422 that is a page":     {Status: 422, Body: `<html>`},
	} {
		t.Run(name, func(t *testing.T) {
			a := keyed(t)
			a.fake.Fail(authkittest.RouteValidateAPIKey, fault)
			for i := range 20 {
				resp := a.withKey(t.Context(), "/key", fmt.Sprint("sk_<script>alert(1)</script>", i))
				assert.Equal(t, http.StatusUnauthorized, resp.status)
			}
			assert.Zero(t, a.fake.Calls(authkittest.RouteValidateAPIKey))
			assert.False(t, a.warned(), a.logs.String())
		})
	}
}

func TestATransportThatNeverReturnsAnswersEveryAPIKeyAndTheNextQuestionWorks(t *testing.T) { // A18
	for name, end := range map[string]func(){
		"it ends its goroutine": runtime.Goexit,
		"it panics":             func() { panic("a transport of the application's own") },
		"it panics with nil":    func() { panic(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			asked, goOn := make(chan struct{}, 2), make(chan struct{})
			way := &validations{strike: func(*http.Request, string) (*http.Response, error) {
				asked <- struct{}{}
				<-goOn
				end()
				return nil, errors.New("not reached")
			}}
			a := keyed(t, way.option())
			key := a.addKey("ci")
			answered := make(chan response, 100)
			for range cap(answered) {
				go func() { answered <- a.withKey(t.Context(), "/key", key) }()
			}
			<-asked
			close(goOn)
			for range cap(answered) {
				select {
				case resp := <-answered:
					assert.Equal(t, http.StatusServiceUnavailable, resp.status)
					assert.Equal(t, "5", resp.header.Get("Retry-After"))
				case <-time.After(patience):
					require.FailNow(t, "a request was never answered")
				}
			}
			assert.Empty(t, asked, "one question for all")
			assert.Contains(t, a.logs.String(), "API key not validated")

			way.strike = nil
			a.clock.Advance(5 * time.Second)
			assert.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", key).status)

			// A proven key fares no worse.
			way.strike = func(*http.Request, string) (*http.Response, error) { end(); return nil, nil }
			a.clock.Advance(time.Minute)
			assert.Equal(t, http.StatusServiceUnavailable, a.withKey(t.Context(), "/key", key).status)
			way.strike = nil
			a.clock.Advance(5 * time.Second)
			assert.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", key).status)
		})
	}
}

func TestATransportThatEndsManyGoroutinesLeavesEveryPlaceFree(t *testing.T) { // A18
	way := &validations{strike: func(*http.Request, string) (*http.Response, error) { runtime.Goexit(); return nil, nil }}
	a := keyed(t, way.option())
	for i := range 2 * unknownKeysAtOnce {
		assert.Equal(t, http.StatusServiceUnavailable, a.withKey(t.Context(), "/key", madeUp(i)).status)
	}
	way.strike = nil
	assert.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", a.addKey("ci")).status)
}

func TestAnAPIKeyThatIsDeletedWhileTheReplyIsOnItsWayStopsThirtySecondsAfterTheQuestion(t *testing.T) {
	clock := newObservedClock()
	a := newApp(t, appOptions{clock: &clock, routes: func(a *app, mux *http.ServeMux) {
		mux.Handle("/key", a.RequireAPIKey()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	}})
	key := a.addKey("ci")
	a.fake.Fail(authkittest.RouteValidateAPIKey, authkittest.Fault{Delay: 9 * time.Second, After: true, Times: 1})
	answered := make(chan response)
	go func() { answered <- a.withKey(t.Context(), "/key", key) }()
	a.fake.AwaitCalls(t, authkittest.RouteValidateAPIKey, 1)
	a.clock.AwaitTimers(2) // the limit of the call, and the delay of the reply
	a.deleteKey("ci")
	a.clock.Advance(9 * time.Second)
	require.Equal(t, http.StatusOK, (<-answered).status)
	a.clock.Advance(20 * time.Second)
	assert.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", key).status)
	a.clock.Advance(time.Second)
	assert.Equal(t, http.StatusUnauthorized, a.withKey(t.Context(), "/key", key).status)
}

func TestACancellationByTheTransportItselfIsLoggedAsAFailure(t *testing.T) {
	way := &validations{strike: func(*http.Request, string) (*http.Response, error) { return nil, context.Canceled }}
	a := keyed(t, way.option())
	assert.Equal(t, http.StatusServiceUnavailable, a.withKey(t.Context(), "/key", "sk_some").status)
	assert.Contains(t, a.logs.String(), `level=WARN msg="authkit: request refused"`, "the client is still there")
}

func TestTheRetryAfterOfARememberedFailureIsWhatIsLeftOfIt(t *testing.T) {
	a := keyed(t)
	a.fake.Fail(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: 503, Header: http.Header{"Retry-After": {"30"}}})
	for _, left := range []string{"30", "21", "11", "1"} {
		assert.Equal(t, left, a.withKey(t.Context(), "/key", "sk_some").header.Get("Retry-After"))
		a.clock.Advance(10*time.Second - time.Second/3)
	}
	assert.Equal(t, 1, a.fake.Calls(authkittest.RouteValidateAPIKey))
}

func TestTheValueOfAnAPIKeyIsHandedToNoHandler(t *testing.T) {
	var seen []*authkit.APIKey
	way := &validations{strike: func(_ *http.Request, value string) (*http.Response, error) {
		return jsonReply(200, nil, `{"api_key":{"id":"api_key_1","name":"ci","value":"`+value+`","owner":{"type":"organization","id":"org_1"}}}`), nil
	}}
	a := newApp(t, appOptions{authkit: []authkit.Option{way.option()}, routes: func(a *app, mux *http.ServeMux) {
		mux.Handle("/key", a.RequireAPIKey()(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			key, _ := authkit.APIKeyFromContext(r.Context())
			seen = append(seen, key)
		})))
	}})
	require.Equal(t, http.StatusOK, a.withKey(t.Context(), "/key", "sk_whatever").status)
	require.Len(t, seen, 1)
	assert.Equal(t, "api_key_1", seen[0].ID)
	assert.Empty(t, seen[0].Value)
}
