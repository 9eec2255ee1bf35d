// The KeySet: fetches, refreshes, pauses and withdrawn keys.

package jwks_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/jwks"
)

// requireUnavailable requires an UnavailableError with the given RetryAfter.
func requireUnavailable(t *testing.T, err error, retryAfter time.Duration) {
	t.Helper()
	require.ErrorIs(t, err, jwks.ErrUnavailable)
	var unavailable *jwks.UnavailableError
	require.ErrorAs(t, err, &unavailable)
	require.Equal(t, retryAfter, unavailable.RetryAfter)
}

func TestKeysAreFetchedOnFirstNeedAndThenKept(t *testing.T) {
	e := newEndpoint(t, publish(jwkA(), jwkB()))
	keys, c := newKeySet(e)
	assert.Zero(t, e.requests.Load(), "no fetch at construction")

	for range 3 {
		require.NoError(t, keys.Load(t.Context()))
		key, err := keys.Key(t.Context(), "kid_a")
		require.NoError(t, err)
		assert.True(t, keyA().PublicKey.Equal(key))
		key, err = keys.Key(t.Context(), "kid_b")
		require.NoError(t, err)
		assert.True(t, keyB().PublicKey.Equal(key))
		c.advance(3*time.Minute + 19*time.Second)
	}

	assert.EqualValues(t, 1, e.requests.Load())
}

// A key that has not changed keeps its object. The modulus alone does not say that it has not.
func TestAKeyWithAnotherExponentReplacesTheOneWithTheSameModulus(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	keys, c := newKeySet(e)
	for _, exponent := range []int64{65537, 17, 65537} {
		e.answer(publish(publicJWK("kid_a", keyA().N, exponent)))
		key, err := keys.Key(t.Context(), "kid_a")
		require.NoError(t, err)
		assert.EqualValues(t, exponent, key.E)
		c.advance(24 * time.Hour) // the keys are not used any more
	}
}

func TestConcurrentCallersShareTheFirstFetch(t *testing.T) {
	g := newGate()
	e := newEndpoint(t, g.before(publish(jwkA())))
	keys, _ := newKeySet(e)

	errs := make(chan error)
	for i := range 100 {
		go func() {
			if i%2 == 0 {
				errs <- keys.Load(t.Context())
				return
			}
			_, err := keys.Key(t.Context(), "kid_a")
			errs <- err
		}()
	}
	<-g.entered
	close(g.open)

	for range 100 {
		require.NoError(t, <-errs)
	}
	assert.EqualValues(t, 1, e.requests.Load())
}

func TestAFetchOutlivesTheRequestThatStartedIt(t *testing.T) {
	g := newGate()
	e := newEndpoint(t, g.before(publish(jwkA())))
	keys, _ := newKeySet(e)
	ctx, cancel := context.WithCancel(t.Context())

	result := make(chan error)
	go func() {
		_, err := keys.Key(ctx, "kid_a")
		result <- err
	}()
	<-g.entered
	cancel()
	err := <-result
	requireUnavailable(t, err, 0)
	require.ErrorIs(t, err, context.Canceled)
	close(g.open)
	keys.WaitForFetch()

	_, err = keys.Key(t.Context(), "kid_a")
	require.NoError(t, err)
	assert.EqualValues(t, 1, e.requests.Load())
}

func TestAFetchTimesOutAfterFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := transport(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		keys := jwks.NewKeySet("https://api.workos.test/", jwks.WithHTTPClient(&http.Client{Transport: hangs}), quiet)
		start := time.Now()

		err := keys.Load(t.Context())

		requireUnavailable(t, err, 5*time.Second)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 5*time.Second, time.Since(start))
	})
}

func TestAnHTTPClientThatEndsTheGoroutineFailsTheFetch(t *testing.T) {
	ends := true
	c := newClock()
	keys := jwks.NewKeySet("https://api.workos.test/", quiet, jwks.WithClock(c), jwks.WithHTTPClient(&http.Client{
		Transport: transport(func(r *http.Request) (*http.Response, error) {
			if ends {
				runtime.Goexit()
			}
			recorder := httptest.NewRecorder()
			publish(jwkA())(recorder, r)
			return recorder.Result(), nil
		}),
	}))
	for range 2 {
		requireUnavailable(t, keys.Load(t.Context()), 5*time.Second)
	}
	ends = false
	c.advance(5 * time.Second)
	_, err := keys.Key(t.Context(), "kid_a")
	require.NoError(t, err, "the next fetch succeeds")
}

func TestAFinishedFetchStopsItsTimer(t *testing.T) {
	c := &timerClock{clock: newClock()}
	keys := jwks.NewKeySet("https://api.workos.test/", inMemory(publish(jwkA())), quiet, jwks.WithClock(c))
	require.NoError(t, keys.Load(t.Context()))
	assert.Equal(t, 5*time.Second, c.timeout)
	assert.True(t, c.stopped)
}

// timerClock records the timer of one fetch.
type timerClock struct {
	*clock
	timeout time.Duration
	stopped bool
}

func (c *timerClock) AfterFunc(d time.Duration, _ func()) (stop func() bool) {
	c.timeout = d
	return func() bool { c.stopped = true; return true }
}

func TestOldKeysAreServedWhileTheyAreRefreshed(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	keys, c := newKeySet(e)
	require.NoError(t, keys.Load(t.Context()))
	g := newGate()
	e.answer(g.before(publish(jwkA(), jwkB())))

	c.advance(10*time.Minute - 1)
	_, err := keys.Key(t.Context(), "kid_a")
	require.NoError(t, err)
	keys.WaitForFetch()
	assert.EqualValues(t, 1, e.requests.Load(), "still fresh")

	c.advance(1)
	for range 100 {
		_, err := keys.Key(t.Context(), "kid_a")
		require.NoError(t, err, "served while the refresh hangs")
		require.NoError(t, keys.Load(t.Context()))
	}
	<-g.entered
	close(g.open)
	keys.WaitForFetch()

	assert.EqualValues(t, 2, e.requests.Load(), "one refresh")
	_, err = keys.Key(t.Context(), "kid_b")
	require.NoError(t, err)
	assert.EqualValues(t, 2, e.requests.Load())
}

func TestKeysAreUsedFor24HoursWhileTheEndpointFails(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	keys, c := newKeySet(e)
	require.NoError(t, keys.Load(t.Context()))
	e.answer(sendStatus(http.StatusBadGateway))

	for range 143 {
		c.advance(10 * time.Minute)
		_, err := keys.Key(t.Context(), "kid_a")
		require.NoError(t, err)
		keys.WaitForFetch()
	}
	c.advance(10*time.Minute - 1)
	_, err := keys.Key(t.Context(), "kid_a")
	require.NoError(t, err, "just under 24 hours")
	keys.WaitForFetch()
	c.advance(1)
	_, err = keys.Key(t.Context(), "kid_a")
	require.ErrorIs(t, err, jwks.ErrUnavailable)
	require.ErrorIs(t, keys.Load(t.Context()), jwks.ErrUnavailable)

	e.answer(publish(jwkA()))
	c.advance(5 * time.Second)
	_, err = keys.Key(t.Context(), "kid_a")
	require.NoError(t, err)
}

func TestAFailedFetchIsFollowedByAPause(t *testing.T) {
	date := newClock().Now().Add(20 * time.Second).UTC().Format(http.TimeFormat)
	longAgo := newClock().Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
	for name, test := range map[string]struct {
		status     int
		retryAfter string
		pause      time.Duration
	}{
		"of 5 s": {500, "", 5 * time.Second},
		"of what Retry-After asks for in seconds": {503, "30", 30 * time.Second},
		"of what Retry-After asks for as a date":  {429, date, 20 * time.Second},
		"of a minute at most":                     {503, "86400", time.Minute},
		"of 5 s at least":                         {503, "0", 5 * time.Second},
		"of 5 s after a date in the past":         {503, longAgo, 5 * time.Second},
		"of 5 s after a negative Retry-After":     {503, "-1", 5 * time.Second},
		"of 5 s after an overlong Retry-After":    {503, "99999999999999999999", 5 * time.Second},
		"of 5 s after a malformed Retry-After":    {503, "soon", 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", test.retryAfter)
				w.WriteHeader(test.status)
			})
			keys, c := newKeySet(e)

			requireUnavailable(t, keys.Load(t.Context()), test.pause)
			c.advance(test.pause - time.Second)
			_, err := keys.Key(t.Context(), "kid_a")
			requireUnavailable(t, err, time.Second)
			require.ErrorContains(t, err, strconv.Itoa(test.status), "the cause is still named")
			assert.EqualValues(t, 1, e.requests.Load())

			e.answer(publish(jwkA()))
			c.advance(time.Second)
			require.NoError(t, keys.Load(t.Context()))
			assert.EqualValues(t, 2, e.requests.Load())
		})
	}
}

func TestAFailedRefreshIsFollowedByAPauseThatServesOldKeys(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	keys, c := newKeySet(e)
	require.NoError(t, keys.Load(t.Context()))
	e.answer(sendStatus(http.StatusInternalServerError))
	c.advance(10 * time.Minute)
	use := func() {
		for range 10 {
			_, err := keys.Key(t.Context(), "kid_a")
			require.NoError(t, err)
			keys.WaitForFetch()
		}
	}

	use()
	assert.EqualValues(t, 2, e.requests.Load())
	c.advance(5*time.Second - 1)
	use()
	assert.EqualValues(t, 2, e.requests.Load())
	c.advance(1)
	use()
	assert.EqualValues(t, 3, e.requests.Load())
}

func TestAWithdrawnKeyIsUnknownAfterTheRefresh(t *testing.T) {
	e := newEndpoint(t, publish(jwkA(), jwkB()))
	keys, c := newKeySet(e)
	require.NoError(t, keys.Load(t.Context()))
	e.answer(publish(jwkB()))
	c.advance(10 * time.Minute)
	require.NoError(t, keys.Load(t.Context()))
	keys.WaitForFetch()

	_, err := keys.Key(t.Context(), "kid_a")

	require.ErrorIs(t, err, jwks.ErrUnknownKey)
}

func TestAReplacedKeyIsNoLongerReturned(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	keys, c := newKeySet(e)
	require.NoError(t, keys.Load(t.Context()))
	e.answer(publish(jwkB().with("kid", "kid_a")))
	c.advance(10 * time.Minute)
	require.NoError(t, keys.Load(t.Context()))
	keys.WaitForFetch()

	key, err := keys.Key(t.Context(), "kid_a")

	require.NoError(t, err)
	assert.True(t, keyB().PublicKey.Equal(key))
}

func TestAVerifierWithDefaultOptionsWorks(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	keys := jwks.NewKeySet(e.URL)
	v := jwks.NewVerifier(keys, jwks.WithIssuers(issuer), jwks.WithClientIDs(clientID))

	claims, err := v.Verify(t.Context(), sign(keyA(), goodHeader().json(), goodClaims(time.Now()).json()))

	require.NoError(t, err)
	assert.Equal(t, "user_01A", claims.Subject)
}

func TestConcurrentCallersGetPublishedKeysDuringRotations(t *testing.T) {
	e := newEndpoint(t, publish(jwkA(), jwkB()))
	keys, c := newKeySet(e)
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for i := range 200 {
				switch i % 4 {
				case 0:
					c.advance(time.Second)
				case 1:
					_, err := keys.Key(t.Context(), "kid_b")
					assert.NoError(t, err, "kid_b is always published")
				case 2:
					_, err := keys.Key(t.Context(), "kid_"+strconv.Itoa(i))
					assert.Error(t, err)
				case 3:
					e.answer(publish(jwkB(), jwkA().with("kid", "kid_a"+strconv.Itoa(i))))
				}
			}
		})
	}
	callers.Wait()
}
