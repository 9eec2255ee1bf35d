// Floods of unknown API keys, and which calls to WorkOS they may cause.

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
	"github.com/authkit-go/authkit/internal/testrun"
)

// validationTransport is a transport to the fake WorkOS that sees each API key that is validated.
type validationTransport struct {
	intercept func(r *http.Request, value string) (*http.Response, error) // if it returns nil, nil, the request is sent
}

func (v *validationTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if v.intercept != nil && strings.HasSuffix(r.URL.Path, "/api_keys/validations") {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		var validation struct{ Value string }
		if err := json.NewDecoder(body).Decode(&validation); err != nil {
			return nil, err
		}
		if resp, err := v.intercept(r, validation.Value); resp != nil || err != nil {
			return resp, err
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (v *validationTransport) option() authkit.Option {
	return authkit.WithHTTPClient(&http.Client{Transport: v})
}

// rateLimitUnknownKeys answers the validation of a made-up key with 429, as WorkOS does beyond its rate limit.
func rateLimitUnknownKeys(_ *http.Request, value string) (*http.Response, error) {
	if strings.HasPrefix(value, "sk_made_up_") {
		return JSONReply(429, http.Header{"Retry-After": {"20"}}, `{"message":"slow down"}`), nil
	}
	return nil, nil
}

func TestUnknownAPIKeysAreValidatedOnlyWithinTheBudget(t *testing.T) {
	a := NewAPIKeyApp(t)
	send := func(from, to int) (statuses map[int]int) {
		statuses = map[int]int{}
		for i := from; i < to; i++ {
			resp := a.WithKey(t.Context(), "/key", UnknownKey(i))
			statuses[resp.Status]++
			if resp.Status == http.StatusTooManyRequests {
				assert.Equal(t, "1", resp.Header.Get("Retry-After"))
				assert.Equal(t, "too_many_api_keys", resp.Problem(t)["code"])
				assert.Empty(t, resp.Header.Get("WWW-Authenticate"), "the key may be valid")
				assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
			}
		}
		return statuses
	}
	assert.Equal(t, map[int]int{401: UnknownKeyBudget, 429: 500 - UnknownKeyBudget}, send(0, 500))
	assert.Equal(t, UnknownKeyBudget, a.Fake.Calls(authkittest.RouteValidateAPIKey))
	assert.Equal(t, map[int]int{401: UnknownKeyBudget}, send(0, UnknownKeyBudget), "refusals are cached")

	a.Clock.Advance(time.Second)
	assert.Equal(t, map[int]int{401: 10, 429: 90}, send(500, 600), "the budget grows by ten a second")
	a.Clock.Advance(time.Hour)
	assert.Equal(t, map[int]int{401: UnknownKeyBudget, 429: 100}, send(600, 900), "and never beyond its initial size")
	assert.Equal(t, 2*UnknownKeyBudget+10, a.Fake.Calls(authkittest.RouteValidateAPIKey))

	assert.NotContains(t, a.Logs.String(), "level=WARN")
	assert.NotContains(t, a.Logs.String(), "level=ERROR")
	assert.NotContains(t, a.Logs.String(), "sk_made_up_")
}

func TestTheErrorHandlerAnswersAnUnknownAPIKeyBeyondTheBudget(t *testing.T) {
	var last authkit.Failure
	a := NewAPIKeyApp(t, authkit.WithErrorHandler(func(w http.ResponseWriter, r *http.Request, f authkit.Failure) {
		last = f
		f.ServeHTTP(w, r)
	}))
	for i := range UnknownKeyBudget + 1 {
		a.WithKey(t.Context(), "/key", UnknownKey(i))
	}
	assert.Equal(t, http.StatusTooManyRequests, last.Status)
	assert.Equal(t, time.Second, last.RetryAfter)
	require.ErrorIs(t, last.Err, authkit.ErrTooManyAPIKeys)
	assert.NotErrorIs(t, last.Err, authkit.ErrUnavailable, "WorkOS is available")
	var tooMany *authkit.TooManyAPIKeysError
	require.ErrorAs(t, last.Err, &tooMany)
	assert.Equal(t, time.Second, tooMany.RetryAfter)
	assert.Empty(t, last.Link, "a sign-in does not help")
}

func TestUnknownAPIKeysHoldFewValidationsWhileWorkOSHangs(t *testing.T) {
	a := NewAPIKeyApp(t)
	valid := a.addKey("valid")
	a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Hang: true})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	before := runtime.NumGoroutine()
	sent := testrun.Length(400, 1000)
	statuses := make(chan int, sent)
	var wg sync.WaitGroup
	for i := range sent {
		wg.Go(func() { statuses <- a.WithKey(ctx, "/key", UnknownKey(i)).Status })
	}
	for i := range sent - UnknownKeyBudget {
		select {
		case status := <-statuses:
			assert.Equal(t, http.StatusTooManyRequests, status)
		case <-time.After(WaitTimeout):
			require.FailNow(t, "the requests beyond the budget wait", "%d were answered, %d keys were sent to WorkOS", i, a.Fake.Calls(authkittest.RouteValidateAPIKey))
		}
	}
	a.Fake.AwaitCalls(t, authkittest.RouteValidateAPIKey, ConcurrentUnknownKeys)
	cancel()
	wg.Wait()
	close(statuses)
	for status := range statuses {
		assert.Equal(t, http.StatusServiceUnavailable, status)
	}
	assert.Equal(t, ConcurrentUnknownKeys, a.Fake.Calls(authkittest.RouteValidateAPIKey))
	assert.Less(t, runtime.NumGoroutine()-before, 10*ConcurrentUnknownKeys, "each validation holds a few goroutines at both ends")
	assert.NotContains(t, a.Logs.String(), "level=WARN", "a cancelled request is not a failure")

	// The requests that waited in the queue have left it. Their part of the budget is free again.
	a.Fake.ClearFault(authkittest.RouteValidateAPIKey)
	assert.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", valid).Status)
	for i := range 1000 {
		if a.WithKey(t.Context(), "/key", UnknownKey(2000+i)).Status == http.StatusTooManyRequests {
			break
		}
	}
	assert.Equal(t, UnknownKeyBudget+1, a.Fake.Calls(authkittest.RouteValidateAPIKey))
}

func TestA429ForAnUnknownAPIKeyDoesNotAffectAValidKey(t *testing.T) {
	for _, grace := range []time.Duration{0, time.Hour} {
		t.Run(grace.String(), func(t *testing.T) {
			a := NewAPIKeyApp(t, (&validationTransport{intercept: rateLimitUnknownKeys}).option(), authkit.WithAPIKeyGrace(grace))
			valid, later := a.addKey("valid"), a.addKey("later")
			require.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", valid).Status)
			a.Clock.Advance(31 * time.Second)
			calls := a.Fake.Calls(authkittest.RouteValidateAPIKey)

			resp := a.WithKey(t.Context(), "/key", UnknownKey(1))
			assert.Equal(t, http.StatusTooManyRequests, resp.Status)
			assert.Equal(t, "20", resp.Header.Get("Retry-After"))
			assert.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", valid).Status)
			assert.Equal(t, calls+1, a.Fake.Calls(authkittest.RouteValidateAPIKey), "its own validation is repeated")

			a.Clock.Advance(5 * time.Second)
			for _, unknown := range []string{UnknownKey(1), UnknownKey(2), later} {
				resp = a.WithKey(t.Context(), "/key", unknown)
				assert.Equal(t, http.StatusTooManyRequests, resp.Status)
				assert.Equal(t, "15", resp.Header.Get("Retry-After"), "the remaining time")
			}
			a.Clock.Advance(15 * time.Second)
			assert.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", later).Status)
		})
	}
}

func TestUnknownAPIKeysDoNotEvictAValidKeyFromTheCache(t *testing.T) {
	t.Parallel()
	a := NewAPIKeyApp(t, WithoutLog)
	valid := a.addKey("valid")
	require.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", valid).Status)
	for i := range testrun.Length(17_000, 40_000) { // more than the caches of unknown and of proven keys have room for
		a.WithKey(t.Context(), "/key", UnknownKey(i))
	}
	assert.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", valid).Status)
	assert.Equal(t, 1+UnknownKeyBudget, a.Fake.Calls(authkittest.RouteValidateAPIKey), "the valid key is still cached")
}

func TestADeletedAPIKeyHasNoGraceWhileUnknownKeysCause429s(t *testing.T) {
	a := NewAPIKeyApp(t, (&validationTransport{intercept: rateLimitUnknownKeys}).option(), authkit.WithAPIKeyGrace(time.Hour))
	key := a.addKey("ci")
	require.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", key).Status)
	a.deleteKey("ci")
	for i := range 59 {
		a.Clock.Advance(time.Minute)
		assert.NotEqual(t, http.StatusOK, a.WithKey(t.Context(), "/key", UnknownKey(i)).Status)
		assert.NotEqual(t, http.StatusOK, a.WithKey(t.Context(), "/key", key).Status, "after %d minutes", i+1)
	}
}

func TestADeletedAPIKeyHasNoGraceWhileUnknownKeysUseUpTheBudget(t *testing.T) {
	a := NewAPIKeyApp(t, authkit.WithAPIKeyGrace(time.Hour))
	key := a.addKey("ci")
	require.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", key).Status)
	a.deleteKey("ci")
	a.Clock.Advance(30 * time.Second)
	for i := range 500 {
		a.WithKey(t.Context(), "/key", UnknownKey(i))
	}
	assert.Equal(t, http.StatusUnauthorized, a.WithKey(t.Context(), "/key", key).Status)
}

func TestA429ForAValidatedAPIKeyStartsItsGrace(t *testing.T) {
	for name, c := range map[string]struct {
		grace  time.Duration
		status int
	}{
		"without a grace": {0, http.StatusServiceUnavailable},
		"with a grace":    {time.Hour, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewAPIKeyApp(t, authkit.WithAPIKeyGrace(c.grace))
			key := a.addKey("ci")
			require.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", key).Status)
			a.Clock.Advance(time.Minute)
			a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: 429, Header: http.Header{"Retry-After": {"20"}}})
			assert.Equal(t, c.status, a.WithKey(t.Context(), "/key", key).Status)
			assert.Equal(t, http.StatusTooManyRequests, a.WithKey(t.Context(), "/key", UnknownKey(1)).Status)
			assert.Equal(t, 2, a.Fake.Calls(authkittest.RouteValidateAPIKey), "an unknown key is not sent before Retry-After has passed")
		})
	}
}

// The grace is for an outage, in which WorkOS gives no answer about this key. A refusal of this key is an answer.
func TestAValidatedAPIKeyThatWorkOSRefusesHasNoGrace(t *testing.T) {
	for name, c := range map[string]struct {
		fault  authkittest.Fault
		status int
	}{
		"400":                          {authkittest.Fault{Status: 400, Body: `{"code":"invalid_api_key","message":"no such key"}`}, 503},
		"404":                          {authkittest.Fault{Status: 404, Body: `{"message":"Not Found"}`}, 503},
		"422":                          {authkittest.Fault{Status: 422, Body: `{"code":"invalid_request_parameters","message":"value"}`}, 503},
		"403 refuses this application": {authkittest.Fault{Status: 403, Body: `{"message":"Forbidden"}`}, 200},
		"404 with an HTML page":        {authkittest.Fault{Status: 404, Body: `<html>`}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewAPIKeyApp(t, authkit.WithAPIKeyGrace(time.Hour))
			valid := a.addKey("valid")
			require.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", valid).Status)
			a.Fake.InjectFault(authkittest.RouteValidateAPIKey, c.fault)
			a.Clock.Advance(50 * time.Minute)
			assert.Equal(t, c.status, a.WithKey(t.Context(), "/key", valid).Status)

			a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: 500})
			a.Clock.Advance(time.Minute)
			assert.Equal(t, c.status, a.WithKey(t.Context(), "/key", valid).Status, "an outage does not cancel a refusal")

			a.Fake.ClearFault(authkittest.RouteValidateAPIKey)
			a.Clock.Advance(time.Minute)
			assert.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", valid).Status, "WorkOS accepts the key again")
			a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: 500})
			a.Clock.Advance(time.Minute)
			assert.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", valid).Status, "and the grace applies again")
		})
	}
}

func TestAValidatedAPIKeyIsRevalidatedWhenTheBudgetIsUsedUp(t *testing.T) {
	a := NewAPIKeyApp(t)
	valid, deleted := a.addKey("valid"), a.addKey("deleted")
	require.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", valid).Status)
	require.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", deleted).Status)
	a.Clock.Advance(6 * 24 * time.Hour)
	a.deleteKey("deleted")
	for i := range 500 {
		a.WithKey(t.Context(), "/key", UnknownKey(i))
	}
	require.Equal(t, http.StatusTooManyRequests, a.WithKey(t.Context(), "/key", UnknownKey(500)).Status)
	calls := a.Fake.Calls(authkittest.RouteValidateAPIKey)
	assert.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", valid).Status)
	assert.Equal(t, http.StatusUnauthorized, a.WithKey(t.Context(), "/key", deleted).Status)
	assert.Equal(t, calls+2, a.Fake.Calls(authkittest.RouteValidateAPIKey))

	a.Clock.Advance(30 * time.Second)
	for i := range 500 {
		a.WithKey(t.Context(), "/key", UnknownKey(1000+i))
	}
	assert.Equal(t, http.StatusTooManyRequests, a.WithKey(t.Context(), "/key", deleted).Status, "the deleted key counts as unknown again")
}

func TestSlowValidationsOfUnknownAPIKeysDoNotDelayAValidKey(t *testing.T) {
	held, release := make(chan struct{}, 1000), make(chan struct{})
	a := NewAPIKeyApp(t, (&validationTransport{intercept: func(_ *http.Request, value string) (*http.Response, error) {
		if strings.HasPrefix(value, "sk_made_up_") {
			held <- struct{}{}
			<-release
		}
		return nil, nil
	}}).option())
	valid := a.addKey("valid")
	require.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", valid).Status)
	a.Clock.Advance(time.Minute)
	var wg sync.WaitGroup
	for i := range 500 {
		wg.Go(func() { a.WithKey(t.Context(), "/key", UnknownKey(i)) })
	}
	for range ConcurrentUnknownKeys {
		<-held
	}
	answered := make(chan int, 1)
	go func() { answered <- a.WithKey(t.Context(), "/key", valid).Status }()
	select {
	case status := <-answered:
		assert.Equal(t, http.StatusOK, status)
	case <-time.After(WaitTimeout):
		assert.Fail(t, "the valid key waits for unknown keys")
	}
	assert.Empty(t, held, "no more unknown keys are validated at a time than the limit allows")
	close(release)
	wg.Wait()
}

func TestAnAPIKeyThatWorkOSRejectsAsMalformedIsNotAnOutage(t *testing.T) {
	for _, status := range []int{400, 404, 413, 422} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			a := NewAPIKeyApp(t)
			valid := a.addKey("valid")
			require.Equal(t, http.StatusOK, a.WithKey(t.Context(), "/key", valid).Status)
			a.Clock.Advance(time.Minute)
			a.Fake.InjectFault(authkittest.RouteValidateAPIKey, authkittest.Fault{Status: status, Body: `{"message":"Validation failed"}`})
			assert.Equal(t, http.StatusUnauthorized, a.WithKey(t.Context(), "/key", UnknownKey(1)).Status)
			assert.NotContains(t, a.Logs.String(), "level=WARN")
			assert.Equal(t, http.StatusServiceUnavailable, a.WithKey(t.Context(), "/key", valid).Status, "WorkOS accepted this key before, so its refusal is an outage")
		})
	}
	for name, fault := range map[string]authkittest.Fault{
		"403":                             {Status: 403, Body: `{"message":"Forbidden"}`},
		"404 with an HTML page":           {Status: 404, Body: `<html>`},
		"422 with an HTML page":           {Status: 422, Body: `<html>`},
		"401: this application's API key": {Status: 401, Body: `{"message":"Unauthorized"}`},
		"200 with an empty object":        {Body: `{}`},
		"the page of a firewall":          {Status: 400, Body: `<html>`},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewAPIKeyApp(t)
			a.Fake.InjectFault(authkittest.RouteValidateAPIKey, fault)
			assert.Equal(t, http.StatusServiceUnavailable, a.WithKey(t.Context(), "/key", UnknownKey(1)).Status)
			level := "WARN"
			if fault.Status == http.StatusUnauthorized {
				level = "ERROR" // it needs an operator
			}
			assert.Contains(t, a.Logs.String(), `level=`+level+` msg="authkit: API key not validated"`)
		})
	}
}

func TestAnAPIKeyOfWrongSyntaxIsNotValidated(t *testing.T) {
	a := NewAPIKeyApp(t)
	for _, value := range []string{"sk_", "sk_a b", "sk_\x80\xff", "sk_ü", "sk_a\"b", "sk_a\tb", "SK_a", "sk_a.b", "sk_a/../b", "sk_a:b", "sk_'--", "sk_a%00", "sk_a$b", "sk_" + longText(510)} {
		assert.Equal(t, http.StatusUnauthorized, a.WithKey(t.Context(), "/key", value).Status, "%q", value)
	}
	assert.Zero(t, a.Fake.Calls(authkittest.RouteValidateAPIKey))
	assert.Equal(t, http.StatusUnauthorized, a.WithKey(t.Context(), "/key", "sk_"+longText(509)).Status)
	assert.Equal(t, 1, a.Fake.Calls(authkittest.RouteValidateAPIKey))
}

// A firewall in front of WorkOS refuses values that look like an attack. Its replies look like a failure of WorkOS.
func TestAnAPIKeyWithMarkupIsNotSentToWorkOS(t *testing.T) {
	for name, fault := range map[string]authkittest.Fault{
		"the page of a firewall": {Status: 403, Body: `<html>Attention Required</html>`},
		"403":                    {Status: 403, Body: `{"message":"Forbidden"}`},
		"404":                    {Status: 404, Body: `{"message":"Not Found"}`},
		"413":                    {Status: 413, Body: `{"message":"Too large"}`},
		"422":                    {Status: 422, Body: `{"message":"no"}`},
		"422 with an HTML page":  {Status: 422, Body: `<html>`},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewAPIKeyApp(t)
			a.Fake.InjectFault(authkittest.RouteValidateAPIKey, fault)
			for i := range 20 {
				resp := a.WithKey(t.Context(), "/key", fmt.Sprint("sk_<script>alert(1)</script>", i))
				assert.Equal(t, http.StatusUnauthorized, resp.Status)
			}
			assert.Zero(t, a.Fake.Calls(authkittest.RouteValidateAPIKey))
			assert.False(t, a.hasWarning(), a.Logs.String())
		})
	}
}

func TestAHandlerDoesNotSeeTheValueOfAnAPIKey(t *testing.T) {
	var seen []*authkit.APIKey
	transport := &validationTransport{intercept: func(_ *http.Request, value string) (*http.Response, error) {
		return JSONReply(200, nil, `{"api_key":{"id":"api_key_1","name":"ci","value":"`+value+`","owner":{"type":"organization","id":"org_1"}}}`), nil
	}}
	a := NewApp(t, AppOptions{AuthKit: []authkit.Option{transport.option()}, Routes: func(a *App, mux *http.ServeMux) {
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
