// The state of a KeySet, and the function that is called after each fetch.

package jwks_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/jwks"
)

func TestTheStateOfAKeySetCountsItsFetches(t *testing.T) {
	type key struct{}
	var fetches []jwks.Fetch
	e := newEndpoint(t, sendStatus(http.StatusInternalServerError))
	keys, clock := newKeySet(e, jwks.WithOnFetch(func(ctx context.Context, f jwks.Fetch) {
		assert.Equal(t, "the caller", ctx.Value(key{}))
		assert.NoError(t, ctx.Err())
		fetches = append(fetches, f)
	}))
	assert.Equal(t, jwks.KeySetState{}, keys.State())

	ctx, stop := context.WithCancel(context.WithValue(t.Context(), key{}, "the caller"))
	defer stop()
	require.ErrorIs(t, keys.Load(ctx), jwks.ErrUnavailable)
	state := keys.State()
	assert.EqualValues(t, 1, state.Fetches)
	assert.EqualValues(t, 1, state.Failures)
	assert.ErrorContains(t, state.Err, "status 500")
	assert.False(t, state.Usable)

	e.answer(publish(jwkA()))
	clock.advance(time.Minute)
	fetchedAt := clock.Now()
	require.NoError(t, keys.Load(ctx))
	assert.Equal(t, jwks.KeySetState{Fetches: 2, Failures: 1, FetchedAt: fetchedAt, Keys: 1, Usable: true}, keys.State())
	clock.advance(24 * time.Hour)
	assert.Equal(t, jwks.KeySetState{Fetches: 2, Failures: 1, FetchedAt: fetchedAt, Keys: 1}, keys.State(), "the keys are too old")

	require.Len(t, fetches, 2)
	assert.ErrorIs(t, fetches[0].Err, jwks.ErrUnavailable)
	assert.NoError(t, fetches[1].Err)
	for _, f := range fetches {
		assert.WithinDuration(t, time.Now(), f.Begin, time.Minute)
		assert.Positive(t, f.Duration)
	}
}

func TestAFetchIsCountedWhenItEnds(t *testing.T) {
	for name, test := range map[string]struct {
		answer   http.HandlerFunc
		failures uint64
	}{
		"a success": {publish(jwkA()), 0},
		"a failure": {sendStatus(http.StatusInternalServerError), 1},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t, publish(jwkA()))
			keys, clock := newKeySet(e)
			require.NoError(t, keys.Load(t.Context()))
			before := keys.State()
			require.EqualValues(t, 1, before.Fetches)

			g := newGate()
			e.answer(g.before(test.answer))
			clock.advance(25 * time.Hour) // the keys are too old, so Load waits for new ones
			ended := make(chan error)
			go func() { ended <- keys.Load(t.Context()) }()
			<-g.entered
			during := keys.State()
			close(g.open)
			err := <-ended
			after := keys.State()

			assert.Equal(t, before.Fetches, during.Fetches, "the fetch is under way")
			assert.Zero(t, during.Failures)
			assert.Equal(t, before.Fetches+1, after.Fetches)
			assert.Equal(t, test.failures, after.Failures)
			assert.Equal(t, test.failures > 0, err != nil, "%v", err)
		})
	}
}
