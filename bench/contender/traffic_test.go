// The traffic, and the exchange that sends it.

package contender

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNewSessionsReachEachSetupOnlyOnce(t *testing.T) {
	const users = 5
	stage := newTestStage(t, users)
	seen := []map[string]int{}
	c := ours()[0]
	setUp := c.setUp
	c.setUp = func(ctx context.Context, a *authority) (*setup, error) {
		ready, err := setUp(ctx, a)
		if err != nil {
			return nil, err
		}
		visits := map[string]int{}
		seen = append(seen, visits)
		wrap := ready.wrap
		ready.wrap = func(next http.Handler) http.Handler {
			inner := wrap(next)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				visits[r.Header.Get("Cookie")]++
				inner.ServeHTTP(w, r)
			})
		}
		return ready, nil
	}
	st, err := stage.stream(c, NewSessions)
	require.NoError(t, err)
	e, next := newExchange(st.header), st.source()
	for range 2 * users {
		require.Equal(t, http.StatusOK, e.serve(st.handler, next()))
	}
	require.Len(t, seen, 2)
	for _, visits := range seen {
		assert.Len(t, visits, users)
		for _, n := range visits {
			assert.Equal(t, 1, n)
		}
	}
}

func TestThePopularityOfSessionsIsSkewed(t *testing.T) {
	const users = 1000
	stage := newTestStage(t, users)
	sequence := stage.population.requestSequence()
	count := make([]int, users)
	for _, i := range sequence {
		count[i]++
	}
	assert.Greater(t, count[0], len(sequence)/20, "the most popular session sends more than a twentieth of the requests")
	assert.Greater(t, count[0], count[9])
	assert.Greater(t, count[9], count[99])
	assert.Positive(t, count[users-1])
}

func TestAnExchangeIsResetBeforeEachUse(t *testing.T) {
	stage := newTestStage(t, 1)
	ready, err := gorillaSessions().setUp(stage.ctx, stage.authority)
	require.NoError(t, err)
	valid, err := stage.authority.session(0)
	require.NoError(t, err)
	credential, err := ready.issue(valid)
	require.NoError(t, err)
	handler := ready.wrap(http.HandlerFunc(answer))
	e := newExchange(ready.header)
	require.Equal(t, http.StatusOK, e.serve(handler, credential), "the contender stores the session in the context of the request")
	require.Equal(t, http.StatusUnauthorized, e.serve(handler, alter(credential)))
	require.Equal(t, http.StatusOK, e.serve(handler, credential))
}
