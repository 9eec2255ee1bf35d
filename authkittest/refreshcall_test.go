// Strict rotation, the session lock, the refresh latency and the counts of refreshes.

package authkittest_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func TestStrictRotationRefusesARefreshTokenTheSecondTime(t *testing.T) {
	a := newApp(t, authkittest.WithStrictRotation())
	first := a.signIn("Ada").text("refresh_token")
	second := a.refresh(first)
	require.Equal(t, http.StatusOK, second.status)

	again := a.refresh(first)
	assert.Equal(t, http.StatusBadRequest, again.status)
	assert.Equal(t, map[string]any{"error": "invalid_grant", "error_description": "Refresh token already exchanged."}, again.body)
	assert.Equal(t, http.StatusOK, a.refresh(second.text("refresh_token")).status, "the session has not ended")
	assert.Equal(t, authkittest.RefreshCounts{Exchanged: 2, Refused: 1, MostPresented: 2}, a.Refreshes())
}

// startRefresh starts a refresh and returns the channel of its response.
func (a *app) startRefresh(token string) <-chan apiResponse {
	answered := make(chan apiResponse, 1)
	go func() { answered <- a.refresh(token) }()
	return answered
}

func TestARefreshTakesTheConfiguredLatency(t *testing.T) {
	a := newApp(t, authkittest.WithRefreshLatency(3*time.Second))
	answered := a.startRefresh(a.signIn("Ada").text("refresh_token"))
	a.clock.AwaitTimers(1)
	assert.Empty(t, answered)
	assert.Equal(t, 1, a.Refreshes().Exchanged, "the refresh token is exchanged on arrival")
	a.clock.Advance(3 * time.Second)
	assert.Equal(t, http.StatusOK, (<-answered).status)
}

func TestALockedSessionAnswersAParallelRefresh429(t *testing.T) {
	a := newApp(t, authkittest.WithSessionLock(), authkittest.WithRefreshLatency(3*time.Second))
	token, other := a.signIn("Ada").text("refresh_token"), a.signIn("Ben").text("refresh_token")
	first := a.startRefresh(token)
	a.clock.AwaitTimers(1)

	parallel := a.refresh(token)
	assert.Equal(t, http.StatusTooManyRequests, parallel.status)
	assert.Equal(t, "1", parallel.header.Get("Retry-After"))
	assert.Equal(t, "too_many_requests", parallel.text("error"))
	elsewhere := a.startRefresh(other)
	a.clock.AwaitTimers(2)
	a.clock.Advance(3 * time.Second)
	assert.Equal(t, http.StatusOK, (<-elsewhere).status, "another session is not locked")

	exchanged := <-first
	replayed := a.startRefresh(token)
	a.clock.AwaitTimers(1)
	a.clock.Advance(3 * time.Second)
	assert.Equal(t, exchanged.body, (<-replayed).body, "the session is unlocked after the response")
	assert.Equal(t, authkittest.RefreshCounts{Exchanged: 2, Replayed: 1, Limited: 1, MostPresented: 3}, a.Refreshes())
	assert.Equal(t, 3, a.Presented(token))
	assert.Equal(t, 1, a.Presented(other))
	assert.Zero(t, a.Presented("unknown"))
	assert.Equal(t, 1, a.Limited(authkittest.RouteRefresh))
	assert.Equal(t, 1, a.Limited(authkittest.RouteAuthenticate))
	assert.Zero(t, a.Limited(authkittest.RouteCodeExchange))
}

func TestASessionStaysLockedForTheLatencyAfterTheCallerDisconnects(t *testing.T) {
	a := newApp(t, authkittest.WithSessionLock(), authkittest.WithRefreshLatency(3*time.Second))
	token := a.signIn("Ada").text("refresh_token")
	ctx, disconnect := context.WithCancel(t.Context())
	body := `{"grant_type":"refresh_token","client_id":"` + a.ClientID() + `","client_secret":"` + a.APIKey() + `","refresh_token":"` + token + `"}`
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL()+"/user_management/authenticate", strings.NewReader(body))
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() {
		response, err := http.DefaultClient.Do(r)
		if err == nil {
			response.Body.Close()
		}
		ended <- err
	}()
	a.clock.AwaitTimers(1)
	disconnect()
	require.ErrorIs(t, <-ended, context.Canceled)

	assert.Equal(t, http.StatusTooManyRequests, a.refresh(token).status)
	a.clock.Advance(3 * time.Second)
	late := a.startRefresh(token)
	a.clock.AwaitTimers(1)
	a.clock.Advance(3 * time.Second)
	assert.Equal(t, http.StatusOK, (<-late).status)
}

func TestAFaultThatDelaysARefreshKeepsItsSessionLocked(t *testing.T) {
	a := newApp(t, authkittest.WithSessionLock())
	token := a.signIn("Ada").text("refresh_token")
	a.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Delay: time.Second, TakeEffect: true, Times: 1})
	first := a.startRefresh(token)
	a.clock.AwaitTimers(1)
	assert.Equal(t, http.StatusTooManyRequests, a.refresh(token).status)
	a.clock.Advance(time.Second)
	assert.Equal(t, http.StatusOK, (<-first).status)
}

func TestAWaitingRefreshEndsWhenTheFakeIsClosed(t *testing.T) {
	a := newApp(t, authkittest.WithRefreshLatency(time.Minute))
	token := a.signIn("Ada").text("refresh_token")
	ended := make(chan error, 1)
	go func() {
		response, err := http.Post(a.URL()+"/user_management/authenticate", "application/json", strings.NewReader(
			`{"grant_type":"refresh_token","client_id":"`+a.ClientID()+`","client_secret":"`+a.APIKey()+`","refresh_token":"`+token+`"}`))
		if err == nil {
			response.Body.Close()
		}
		ended <- err
	}()
	a.clock.AwaitTimers(1)
	a.Close() // blocks if the handler still runs
	assert.Error(t, <-ended)
}

func TestTheRateLimitAnswers429BeyondTheCallsOfASecond(t *testing.T) {
	a := newApp(t, authkittest.WithRateLimit(2))
	token := a.signIn("Ada").text("refresh_token") // the first call of the second
	assert.Equal(t, http.StatusOK, a.refresh(token).status)

	beyond := a.refresh(token)
	assert.Equal(t, http.StatusTooManyRequests, beyond.status)
	assert.Equal(t, "1", beyond.header.Get("Retry-After"))
	assert.Equal(t, map[string]any{"error": "too_many_requests", "error_description": "Rate limit exceeded."}, beyond.body)
	r, err := http.NewRequest(http.MethodGet, a.URL()+"/user_management/users", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+a.APIKey())
	users := a.read(http.DefaultClient.Do(r))
	assert.Equal(t, http.StatusTooManyRequests, users.status)
	assert.Equal(t, map[string]any{"message": "Rate limit exceeded."}, users.body)
	_, body, err := a.jwks(t.Context())
	require.NoError(t, err)
	assert.Contains(t, body, "kid", "the key set has no limit")

	a.clock.Advance(time.Second)
	assert.Equal(t, http.StatusOK, a.refresh(token).status)
	assert.Equal(t, 1, a.Limited(authkittest.RouteListUsers))
	assert.Equal(t, authkittest.RefreshCounts{Exchanged: 1, Replayed: 1, Limited: 1, MostPresented: 2}, a.Refreshes(),
		"a call beyond the limit does not present its refresh token")
}

// A refresh takes effect when it arrives, before the latency has passed on the clock. So a test can await the call and then move the
// clock.
func TestARefreshThatTakesEffectFirstHasArrivedBeforeItsLatencyHasPassed(t *testing.T) {
	a := newApp(t, authkittest.WithRefreshLatency(3*time.Second))
	token := a.signIn("Ada").text("refresh_token")
	a.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Status: http.StatusBadGateway, Body: `{}`, TakeEffect: true, Times: 1})
	answered := a.startRefresh(token)
	a.clock.AwaitTimers(1)
	assert.Equal(t, 1, a.Refreshes().Exchanged, "the refresh token is exchanged")
	a.AwaitCalls(t, authkittest.RouteRefresh, 1)
	a.clock.Advance(3 * time.Second)
	assert.Equal(t, http.StatusBadGateway, (<-answered).status)
}
