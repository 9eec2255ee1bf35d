// Unknown and withdrawn key IDs: when they cause a fetch.

package jwks_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/jwks"
)

func TestAThousandRandomKeyIDsCauseOneFetchPerCoolDown(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	keys, c := newKeySet(e)
	require.NoError(t, keys.Load(t.Context()))

	for round := range 3 {
		unknown, coolDown := 0, 0
		errs := make(chan error)
		for i := range 1000 {
			go func() {
				_, err := keys.Key(t.Context(), fmt.Sprintf("random_%d_%d", round, i))
				errs <- err
			}()
		}
		for range 1000 {
			err := <-errs
			switch {
			case errors.Is(err, jwks.ErrUnknownKey):
				unknown++
			case errors.Is(err, jwks.ErrCoolDown):
				require.ErrorIs(t, err, jwks.ErrUnavailable)
				coolDown++
			}
		}
		assert.Equal(t, 1, unknown, "the caller that started the fetch")
		assert.Equal(t, 999, coolDown)
		assert.EqualValues(t, 2+round, e.requests.Load())
		c.advance(30 * time.Second)
	}
}

func TestTheCoolDownCountsFromTheStartOfTheFetch(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	keys, c := newKeySet(e)
	require.NoError(t, keys.Load(t.Context()))
	e.answer(func(w http.ResponseWriter, r *http.Request) {
		c.advance(4 * time.Second)
		publish(jwkA())(w, r)
	})
	_, err := keys.Key(t.Context(), "random_1")
	require.ErrorIs(t, err, jwks.ErrUnknownKey)

	c.advance(26*time.Second - 1)
	_, err = keys.Key(t.Context(), "random_2")
	require.ErrorIs(t, err, jwks.ErrCoolDown)
	requireUnavailable(t, err, 1)
	c.advance(1)
	_, err = keys.Key(t.Context(), "random_2")
	require.ErrorIs(t, err, jwks.ErrUnknownKey)
	assert.EqualValues(t, 3, e.requests.Load())
}

func TestTheFirstFetchStartsNoCoolDown(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	keys, _ := newKeySet(e)
	_, err := keys.Key(t.Context(), "random")
	require.ErrorIs(t, err, jwks.ErrUnknownKey)
	assert.EqualValues(t, 1, e.requests.Load(), "the first fetch has shown it")

	e.answer(publish(jwkA(), jwkB()))
	_, err = keys.Key(t.Context(), "kid_b")

	require.NoError(t, err, "a rotation works at once")
	assert.EqualValues(t, 2, e.requests.Load())
}

func TestKnownKeysAreServedWhileAFetchForAnUnknownOneHangs(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	keys, _ := newKeySet(e)
	require.NoError(t, keys.Load(t.Context()))
	g := newGate()
	e.answer(g.before(publish(jwkA())))
	result := make(chan error)
	go func() {
		_, err := keys.Key(t.Context(), "random")
		result <- err
	}()
	<-g.entered

	_, err := keys.Key(t.Context(), "kid_a")

	require.NoError(t, err)
	close(g.open)
	require.ErrorIs(t, <-result, jwks.ErrUnknownKey)
}

func TestAllCallersDuringAFetchGetItsResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int64
		answer := publish(jwkA())
		g := newGate()
		keys := jwks.NewKeySet("https://api.workos.test/", quiet, inMemory(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			answer(w, r)
		}))
		require.NoError(t, keys.Load(t.Context()))
		answer = g.before(publish(jwkA(), jwkB()))
		ask := func(kid string) <-chan error {
			result := make(chan error, 1)
			go func() {
				_, err := keys.Key(t.Context(), kid)
				result <- err
			}()
			synctest.Wait() // until the call waits for the fetch
			return result
		}

		first, same, another, published := ask("random_1"), ask("random_1"), ask("random_2"), ask("kid_b")
		require.EqualValues(t, 2, requests.Load())
		close(g.open)

		require.ErrorIs(t, <-first, jwks.ErrUnknownKey)
		require.ErrorIs(t, <-same, jwks.ErrUnknownKey, "it asked for the same key as the fetch")
		require.ErrorIs(t, <-another, jwks.ErrCoolDown, "it asked after the fetch had started, so the result is not final")
		require.NoError(t, <-published)
		assert.EqualValues(t, 2, requests.Load())
	})
}

func TestAFetchThatStartedEarlierDoesNotProveAKeyUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int64
		answer := publish(jwkA())
		g := newGate()
		c := newClock()
		keys := jwks.NewKeySet("https://api.workos.test/", quiet, jwks.WithClock(c), inMemory(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			answer(w, r)
		}))
		require.NoError(t, keys.Load(t.Context()))
		c.advance(10 * time.Minute)
		answer = g.before(publish(jwkA()))
		require.NoError(t, keys.Load(t.Context()))
		<-g.entered // a refresh that will not bring the key

		results := make(chan error)
		for range 10 {
			go func() {
				_, err := keys.Key(t.Context(), "kid_b")
				results <- err
			}()
		}
		synctest.Wait()
		answer = publish(jwkA(), jwkB())
		close(g.open)

		for range 10 {
			require.NoError(t, <-results)
		}
		assert.EqualValues(t, 3, requests.Load(), "the refresh and one more for all")
	})
}

func TestAThousandTokensOfAWithdrawnKeyCauseNoFetch(t *testing.T) {
	e := newEndpoint(t, publish(jwkA(), jwkB()))
	keys, c := newKeySet(e)
	require.NoError(t, keys.Load(t.Context()))
	e.answer(publish(jwkB()))
	c.advance(10 * time.Minute)
	require.NoError(t, keys.Load(t.Context()))
	keys.WaitForFetch()
	_, err := keys.Key(t.Context(), "random") // starts a cool-down
	require.ErrorIs(t, err, jwks.ErrUnknownKey)
	before := e.requests.Load()

	for i := range 1000 {
		_, err := keys.Key(t.Context(), "kid_a")
		require.ErrorIs(t, err, jwks.ErrUnknownKey)
		_, err = keys.Key(t.Context(), fmt.Sprint("random_", i))
		require.ErrorIs(t, err, jwks.ErrCoolDown, "random key IDs do not evict it")
	}
	assert.Equal(t, before, e.requests.Load())
}

func TestAWithdrawnKeyIsReportedWhileTheEndpointFails(t *testing.T) {
	e := newEndpoint(t, publish(jwkA(), jwkB()))
	keys, c := newKeySet(e)
	require.NoError(t, keys.Load(t.Context()))
	for _, answer := range []http.HandlerFunc{publish(jwkB()), sendStatus(http.StatusInternalServerError)} {
		e.answer(answer)
		c.advance(10 * time.Minute)
		require.NoError(t, keys.Load(t.Context()))
		keys.WaitForFetch()
	}

	_, err := keys.Key(t.Context(), "kid_a")
	require.ErrorIs(t, err, jwks.ErrUnknownKey)
	_, err = keys.Key(t.Context(), "random")
	requireUnavailable(t, err, 5*time.Second)
}

func TestAKeyWithdrawnBeforeTheProcessStartedIsUnknown(t *testing.T) {
	e := newEndpoint(t, publish(jwkB()))
	keys, c := newKeySet(e)
	require.NoError(t, keys.Load(t.Context()))

	for range 1000 {
		_, err := keys.Key(t.Context(), "kid_a")
		require.ErrorIs(t, err, jwks.ErrUnknownKey)
	}
	assert.EqualValues(t, 2, e.requests.Load())
	c.advance(30 * time.Second)
	_, err := keys.Key(t.Context(), "kid_a")
	require.ErrorIs(t, err, jwks.ErrUnknownKey)
	assert.EqualValues(t, 3, e.requests.Load(), "asked again after the cool-down")
}

func TestAWithdrawnKeyThatIsPublishedAgainIsUsed(t *testing.T) {
	e := newEndpoint(t, publish(jwkA(), jwkB()))
	keys, c := newKeySet(e)
	require.NoError(t, keys.Load(t.Context()))
	for _, answer := range []http.HandlerFunc{publish(jwkB()), publish(jwkA(), jwkB())} {
		e.answer(answer)
		c.advance(10 * time.Minute)
		require.NoError(t, keys.Load(t.Context()))
		keys.WaitForFetch()
	}

	_, err := keys.Key(t.Context(), "kid_a")

	require.NoError(t, err)
}

func TestAnUnknownKeyIDReturnsErrUnavailableWhileTheEndpointFails(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	keys, c := newKeySet(e)
	require.NoError(t, keys.Load(t.Context()))
	e.answer(sendStatus(http.StatusInternalServerError))

	_, err := keys.Key(t.Context(), "kid_b")
	requireUnavailable(t, err, 5*time.Second)
	require.NotErrorIs(t, err, jwks.ErrCoolDown, "the fetch was made and failed")
	require.NotErrorIs(t, err, jwks.ErrUnknownKey)
	c.advance(10 * time.Second)
	_, err = keys.Key(t.Context(), "kid_b")
	requireUnavailable(t, err, 20*time.Second)
	require.ErrorIs(t, err, jwks.ErrCoolDown)
	assert.EqualValues(t, 2, e.requests.Load())

	e.answer(publish(jwkA(), jwkB()))
	c.advance(20 * time.Second)
	_, err = keys.Key(t.Context(), "kid_b")
	require.NoError(t, err)
}

func TestTheMemoryOfWithdrawnKeysIsBounded(t *testing.T) {
	e := newEndpoint(t, publish(jwkA()))
	keys, c := newKeySet(e)
	require.NoError(t, keys.Load(t.Context()))
	for i := range 70 {
		e.answer(publish(jwkA().with("kid", fmt.Sprint("kid_", i))))
		c.advance(10 * time.Minute)
		require.NoError(t, keys.Load(t.Context()))
		keys.WaitForFetch()
	}
	_, err := keys.Key(t.Context(), "random") // starts a cool-down
	require.ErrorIs(t, err, jwks.ErrUnknownKey)

	_, err = keys.Key(t.Context(), "kid_68")
	require.ErrorIs(t, err, jwks.ErrUnknownKey, "the newest is remembered")
	_, err = keys.Key(t.Context(), "kid_a")
	require.ErrorIs(t, err, jwks.ErrCoolDown, "the oldest is forgotten")
}

func TestTheMemoryOfMadeUpKeyIDsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := publish(jwkA())
		g := newGate()
		c := newClock()
		keys := jwks.NewKeySet("https://api.workos.test/", quiet, jwks.WithClock(c), inMemory(func(w http.ResponseWriter, r *http.Request) {
			answer(w, r)
		}))
		require.NoError(t, keys.Load(t.Context()))
		c.advance(10 * time.Minute)
		answer = g.before(publish(jwkA()))
		require.NoError(t, keys.Load(t.Context()))
		<-g.entered // a refresh; after it, one fetch answers all callers that wait here
		results := make(chan error)
		for i := range 100 {
			go func() {
				_, err := keys.Key(t.Context(), fmt.Sprint("random_", i))
				results <- err
			}()
		}
		synctest.Wait()
		close(g.open)
		for range 100 {
			require.ErrorIs(t, <-results, jwks.ErrUnknownKey)
		}

		remembered := 0
		for i := range 100 {
			_, err := keys.Key(t.Context(), fmt.Sprint("random_", i))
			if errors.Is(err, jwks.ErrUnknownKey) {
				remembered++
			} else {
				require.ErrorIs(t, err, jwks.ErrCoolDown)
			}
		}
		assert.Equal(t, 64, remembered)
	})
}
