// Attacks on instances that share a store: by an attacker who can write to the store, and by one who has only HTTP.

package behaviour

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recorded returns the keys of a kind that were written, and their last values.
func (e *engine) recorded(kind string) map[string][]byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	found := map[string][]byte{}
	for key, value := range e.records {
		if strings.Contains(key, ":"+kind+":") {
			found[key] = bytes.Clone(value)
		}
	}
	return found
}

// force gives a key a value, whatever it has.
func (e *engine) force(t *testing.T, key string, value []byte, ttl time.Duration) {
	t.Helper()
	current, _, _, err := e.MemoryStore.Swap(t.Context(), key, nil, value, ttl)
	require.NoError(t, err)
	_, _, swapped, err := e.MemoryStore.Swap(t.Context(), key, current, value, ttl)
	require.NoError(t, err)
	require.True(t, swapped)
}

func TestAReplayedResultOfADeletedAPIKeyIsNotUsed(t *testing.T) {
	r, e := newReplicasOn(t, 2)
	for _, a := range r.Instances {
		a.Mux.Handle("/key", a.RequireAPIKey()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	}
	one, two := r.Instances[0], r.Instances[1]
	key := one.addKey("one")
	require.Equal(t, http.StatusOK, one.WithKey(t.Context(), "/key", key).Status)
	results := e.recorded("k")
	require.Len(t, results, 1)
	require.NoError(t, one.Client().DeleteAPIKey(t.Context(), "api_key_one"))
	for range 4 {
		r.Clock.Advance(30 * time.Second)
		for name, result := range results {
			e.force(t, name, result, time.Hour) // the attacker
		}
		two.WithKey(t.Context(), "/key", key)
	}
	assert.Equal(t, http.StatusUnauthorized, two.WithKey(t.Context(), "/key", key).Status)
}
