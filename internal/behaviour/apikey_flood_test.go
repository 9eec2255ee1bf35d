// Strangers who send made-up API keys, and what that must not cost.

package behaviour

import (
	"context"
	"encoding/json"
	"fmt"
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

// earn429 answers questions about made-up keys as WorkOS does beyond its limit.
func earn429(_ *http.Request, value string) (*http.Response, error) {
	if strings.HasPrefix(value, "sk_made_up_") {
		return JSONReply(429, http.Header{"Retry-After": {"20"}}, `{"message":"slow down"}`), nil
	}
	return nil, nil
}

func TestUnknownAPIKeysAreValidatedOnlyWithinTheBudget(t *testing.T) { // A5
	a := Keyed(t)
	send := func(from, to int) (statuses map[int]int) {
		statuses = map[int]int{}
		for i := from; i < to; i++ {
			resp := a.WithKey(t.Context(), "/key", MadeUpKey(i))
			statuses[resp.Status]++
			if resp.Status == http.StatusTooManyRequests {
				assert.Equal(t, "1", resp.Header.Get("Retry-After"))
				assert.Equal(t, "too_many_api_keys", resp.Problem(t)["code"])
				assert.Empty(t, resp.Header.Get("WWW-Authenticate"), "the key may be good")
				assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
			}
		}
		return statuses
	}
	assert.Equal(t, map[int]int{401: BudgetOfUnknownKeys, 429: 500 - BudgetOfUnknownKeys}, send(0, 500))
	assert.Equal(t, BudgetOfUnknownKeys, a.Fake.Calls(authkittest.RouteValidateAPIKey))
	assert.Equal(t, map[int]int{401: BudgetOfUnknownKeys}, send(0, BudgetOfUnknownKeys), "what is known is known")

	a.Clock.Advance(time.Second)
	assert.Equal(t, map[int]int{401: 10, 429: 90}, send(500, 600), "ten a second")
	a.Clock.Advance(time.Hour)
	assert.Equal(t, map[int]int{401: BudgetOfUnknownKeys, 429: 100}, send(600, 900), "and never more than at first")
	assert.Equal(t, 2*BudgetOfUnknownKeys+10, a.Fake.Calls(authkittest.RouteValidateAPIKey))

	assert.NotContains(t, a.Logs.String(), "level=WARN")
	assert.NotContains(t, a.Logs.String(), "level=ERROR")
	assert.NotContains(t, a.Logs.String(), "sk_made_up_")
}

func TestTheErrorHandlerAnswersAnUnknownAPIKeyBeyondTheBudget(t *testing.T) { // A5
	var last authkit.Failure
	a := Keyed(t, authkit.WithErrorHandler(func(w http.ResponseWriter, r *http.Request, f authkit.Failure) {
		last = f
		f.ServeHTTP(w, r)
	}))
	for i := range BudgetOfUnknownKeys + 1 {
		a.WithKey(t.Context(), "/key", MadeUpKey(i))
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

func TestUnknownAPIKeysHoldFewValidationsWhileWorkOSHangs(t *testing.T) { // A5
	a := Keyed(t)
	good := a.addKey("good")
	a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Hang: true})
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	before := runtime.NumGoroutine()
	statuses := make(chan int, 1000)
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Go(func() { statuses <- a.WithKey(ctx, "/key", MadeUpKey(i)).Status })
	}
	for i := range 1000 - BudgetOfUnknownKeys {
		select {
		case status := <-statuses:
			assert.Equal(t, http.StatusTooManyRequests, status)
		case <-time.After(Patience):
			require.FailNow(t, "the clients wait", "%d were answered, %d questions were put", i, a.Fake.Calls(authkittest.RouteValidateAPIKey))
		}
	}
	a.Fake.AwaitCalls(t, authkittest.RouteValidateAPIKey, UnknownKeysAtOnce)
	leave()
	wg.Wait()
	close(statuses)
	for status := range statuses {
		assert.Equal(t, http.StatusServiceUnavailable, status)
	}
	assert.Equal(t, UnknownKeysAtOnce, a.Fake.Calls(authkittest.RouteValidateAPIKey))
	assert.Less(t, runtime.NumGoroutine()-before, 10*UnknownKeysAtOnce, "a few for each question at both ends")
	assert.NotContains(t, a.Logs.String(), "level=WARN", "clients that leave are no failure")

	// Those that waited for a place have left theirs, and their part of the budget.
	a.Fake.ClearFault(authkittest.RouteValidateAPIKey)
	assert.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", good).Status)
	for i := range 1000 {
		if a.WithKey(t.Context(), "/key", MadeUpKey(2000+i)).Status == http.StatusTooManyRequests {
			break
		}
	}
	assert.Equal(t, BudgetOfUnknownKeys+1, a.Fake.Calls(authkittest.RouteValidateAPIKey))
}

func TestA429ForAnUnknownAPIKeyDoesNotAffectAValidKey(t *testing.T) { // A5
	for _, grace := range []time.Duration{0, time.Hour} {
		t.Run(grace.String(), func(t *testing.T) {
			a := Keyed(t, (&validations{strike: earn429}).option(), authkit.WithAPIKeyGrace(grace))
			good, later := a.addKey("good"), a.addKey("later")
			require.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", good).Status)
			a.Clock.Advance(31 * time.Second)
			calls := a.Fake.Calls(authkittest.RouteValidateAPIKey)

			resp := a.WithKey(t.Context(), "/key", MadeUpKey(1))
			assert.Equal(t, http.StatusTooManyRequests, resp.Status)
			assert.Equal(t, "20", resp.Header.Get("Retry-After"))
			assert.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", good).Status)
			assert.Equal(t, calls+1, a.Fake.Calls(authkittest.RouteValidateAPIKey), "it is asked about itself")

			a.Clock.Advance(5 * time.Second)
			for _, unknown := range []string{MadeUpKey(1), MadeUpKey(2), later} {
				resp = a.WithKey(t.Context(), "/key", unknown)
				assert.Equal(t, http.StatusTooManyRequests, resp.Status)
				assert.Equal(t, "15", resp.Header.Get("Retry-After"), "what is left of it")
			}
			a.Clock.Advance(15 * time.Second)
			assert.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", later).Status)
		})
	}
}

func TestUnknownAPIKeysDoNotEvictAValidKeyFromTheCache(t *testing.T) { // A5
	a := Keyed(t, WithoutLog)
	good := a.addKey("good")
	require.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", good).Status)
	for i := range 40_000 {
		a.WithKey(t.Context(), "/key", MadeUpKey(i))
	}
	assert.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", good).Status)
	assert.Equal(t, 1+BudgetOfUnknownKeys, a.Fake.Calls(authkittest.RouteValidateAPIKey), "it is remembered")
}

func TestADeletedAPIKeyHasNoGraceWhileUnknownKeysCause429s(t *testing.T) { // A5
	a := Keyed(t, (&validations{strike: earn429}).option(), authkit.WithAPIKeyGrace(time.Hour))
	key := a.addKey("ci")
	require.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", key).Status)
	a.deleteKey("ci")
	for i := range 59 {
		a.Clock.Advance(time.Minute)
		assert.NotEqual(t, http.StatusOK, a.WithKey(t.Context(), "/key", MadeUpKey(i)).Status)
		assert.NotEqual(t, http.StatusOK, a.WithKey(t.Context(), "/key", key).Status, "after %d minutes", i+1)
	}
}

func TestADeletedAPIKeyHasNoGraceWhileUnknownKeysUseUpTheBudget(t *testing.T) { // A5
	a := Keyed(t, authkit.WithAPIKeyGrace(time.Hour))
	key := a.addKey("ci")
	require.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", key).Status)
	a.deleteKey("ci")
	a.Clock.Advance(30 * time.Second)
	for i := range 500 {
		a.WithKey(t.Context(), "/key", MadeUpKey(i))
	}
	assert.Equal(t, http.StatusUnauthorized, a.WithKey(t.Context(), "/key", key).Status)
}

func TestA429ForAValidatedAPIKeyStartsItsGrace(t *testing.T) { // A5
	for name, c := range map[string]struct {
		grace  time.Duration
		status int
	}{
		"without a grace": {0, http.StatusServiceUnavailable},
		"with a grace":    {time.Hour, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			a := Keyed(t, authkit.WithAPIKeyGrace(c.grace))
			key := a.addKey("ci")
			require.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", key).Status)
			a.Clock.Advance(time.Minute)
			a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: 429, Header: http.Header{"Retry-After": {"20"}}})
			assert.Equal(t, c.status, a.WithKey(t.Context(), "/key", key).Status)
			assert.Equal(t, http.StatusTooManyRequests, a.WithKey(t.Context(), "/key", MadeUpKey(1)).Status)
			assert.Equal(t, 2, a.Fake.Calls(authkittest.RouteValidateAPIKey), "strangers wait when WorkOS has enough")
		})
	}
}

// The grace is for a WorkOS that does not answer about this key. A refusal of this key is an answer.
func TestAValidatedAPIKeyThatWorkOSRefusesHasNoGrace(t *testing.T) { // A5
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
			a := Keyed(t, authkit.WithAPIKeyGrace(time.Hour))
			good := a.addKey("good")
			require.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", good).Status)
			a.Fake.InjectFault(authkittest.RouteValidateAPIKey, c.fault)
			a.Clock.Advance(50 * time.Minute)
			assert.Equal(t, c.status, a.WithKey(t.Context(), "/key", good).Status)

			a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: 500})
			a.Clock.Advance(time.Minute)
			assert.Equal(t, c.status, a.WithKey(t.Context(), "/key", good).Status, "an outage takes no refusal back")

			a.Fake.ClearFault(authkittest.RouteValidateAPIKey)
			a.Clock.Advance(time.Minute)
			assert.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", good).Status, "WorkOS calls it valid again")
			a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: 500})
			a.Clock.Advance(time.Minute)
			assert.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", good).Status, "and it has its grace again")
		})
	}
}

func TestAValidatedAPIKeyIsRevalidatedWhenTheBudgetIsUsedUp(t *testing.T) { // A5
	a := Keyed(t)
	good, gone := a.addKey("good"), a.addKey("gone")
	require.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", good).Status)
	require.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", gone).Status)
	a.Clock.Advance(6 * 24 * time.Hour)
	a.deleteKey("gone")
	for i := range 500 {
		a.WithKey(t.Context(), "/key", MadeUpKey(i))
	}
	require.Equal(t, http.StatusTooManyRequests, a.WithKey(t.Context(), "/key", MadeUpKey(500)).Status)
	calls := a.Fake.Calls(authkittest.RouteValidateAPIKey)
	assert.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", good).Status)
	assert.Equal(t, http.StatusUnauthorized, a.WithKey(t.Context(), "/key", gone).Status)
	assert.Equal(t, calls+2, a.Fake.Calls(authkittest.RouteValidateAPIKey))

	a.Clock.Advance(30 * time.Second)
	for i := range 500 {
		a.WithKey(t.Context(), "/key", MadeUpKey(1000+i))
	}
	assert.Equal(t, http.StatusTooManyRequests, a.WithKey(t.Context(), "/key", gone).Status, "it is proven no more")
}

func TestSlowValidationsOfUnknownAPIKeysDoNotDelayAValidKey(t *testing.T) { // A5
	thinking, over := make(chan struct{}, 1000), make(chan struct{})
	a := Keyed(t, (&validations{strike: func(_ *http.Request, value string) (*http.Response, error) {
		if strings.HasPrefix(value, "sk_made_up_") {
			thinking <- struct{}{}
			<-over
		}
		return nil, nil
	}}).option())
	good := a.addKey("good")
	require.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", good).Status)
	a.Clock.Advance(time.Minute)
	var wg sync.WaitGroup
	for i := range 500 {
		wg.Go(func() { a.WithKey(t.Context(), "/key", MadeUpKey(i)) })
	}
	for range UnknownKeysAtOnce {
		<-thinking
	}
	answered := make(chan int, 1)
	go func() { answered <- a.WithKey(t.Context(), "/key", good).Status }()
	select {
	case status := <-answered:
		assert.Equal(t, http.StatusOK, status)
	case <-time.After(Patience):
		assert.Fail(t, "the good key waits for made-up ones")
	}
	assert.Empty(t, thinking, "more made-up keys at once than have a place")
	close(over)
	wg.Wait()
}

func TestAnAPIKeyThatWorkOSRejectsAsMalformedIsNotAnOutage(t *testing.T) { // A5
	for _, status := range []int{400, 404, 413, 422} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			a := Keyed(t)
			good := a.addKey("good")
			require.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", good).Status)
			a.Clock.Advance(time.Minute)
			a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: status, Body: `{"message":"Validation failed"}`})
			assert.Equal(t, http.StatusUnauthorized, a.WithKey(t.Context(), "/key", MadeUpKey(1)).Status)
			assert.NotContains(t, a.Logs.String(), "level=WARN")
			assert.Equal(t, http.StatusServiceUnavailable, a.WithKey(t.Context(), "/key", good).Status, "a key once, a key still")
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
			a := Keyed(t)
			a.Fake.InjectFault(authkittest.RouteValidateAPIKey, fault)
			assert.Equal(t, http.StatusServiceUnavailable, a.WithKey(t.Context(), "/key", MadeUpKey(1)).Status)
			level := "WARN"
			if fault.Status == http.StatusUnauthorized {
				level = "ERROR" // it does not pass by itself
			}
			assert.Contains(t, a.Logs.String(), `level=`+level+` msg="authkit: API key not validated"`)
		})
	}
}

func TestAnAPIKeyOfWrongSyntaxIsNotValidated(t *testing.T) { // A5
	a := Keyed(t)
	for _, value := range []string{"sk_", "sk_a b", "sk_\x80\xff", "sk_ü", "sk_a\"b", "sk_a\tb", "SK_a", "sk_a.b", "sk_a/../b", "sk_a:b", "sk_'--", "sk_a%00", "sk_a$b", "sk_" + longText(510)} {
		assert.Equal(t, http.StatusUnauthorized, a.WithKey(t.Context(), "/key", value).Status, "%q", value)
	}
	assert.Zero(t, a.Fake.Calls(authkittest.RouteValidateAPIKey))
	assert.Equal(t, http.StatusUnauthorized, a.WithKey(t.Context(), "/key", "sk_"+longText(509)).Status)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteValidateAPIKey))
}

// A firewall before WorkOS refuses what looks like an attack, and says so in ways that read as a failure of WorkOS.
func TestAnAPIKeyWithMarkupIsNotSentToWorkOS(t *testing.T) { // A5
	for name, fault := range map[string]authkittest.Fault{
		"a page of a firewall's": {Status: 403, Body: `<html>Attention Required</html>`},
		"403":                    {Status: 403, Body: `{"message":"Forbidden"}`},
		"404":                    {Status: 404, Body: `{"message":"Not Found"}`},
		"413":                    {Status: 413, Body: `{"message":"Too large"}`},
		"422":                    {Status: 422, Body: `{"message":"no"}`},
		"422 that is a page":     {Status: 422, Body: `<html>`},
	} {
		t.Run(name, func(t *testing.T) {
			a := Keyed(t)
			a.Fake.InjectFault(authkittest.RouteValidateAPIKey, fault)
			for i := range 20 {
				resp := a.WithKey(t.Context(), "/key", fmt.Sprint("sk_<script>alert(1)</script>", i))
				assert.Equal(t, http.StatusUnauthorized, resp.Status)
			}
			assert.Zero(t, a.Fake.Calls(authkittest.RouteValidateAPIKey))
			assert.False(t, a.warned(), a.Logs.String())
		})
	}
}

func TestAHandlerDoesNotSeeTheValueOfAnAPIKey(t *testing.T) {
	var seen []*authkit.APIKey
	way := &validations{strike: func(_ *http.Request, value string) (*http.Response, error) {
		return JSONReply(200, nil, `{"api_key":{"id":"api_key_1","name":"ci","value":"`+value+`","owner":{"type":"organization","id":"org_1"}}}`), nil
	}}
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{way.option()}, Routes: func(a *App, mux *http.ServeMux) {
		mux.Handle("/key", a.RequireAPIKey()(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			key, _ := authkit.APIKeyFromContext(r.Context())
			seen = append(seen, key)
		})))
	}})
	require.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", "sk_whatever").Status)
	require.Len(t, seen, 1)
	assert.Equal(t, "api_key_1", seen[0].ID)
	assert.Empty(t, seen[0].Value)
}
