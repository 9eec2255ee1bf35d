// The position of a duty, which the next instance with the duty continues from.

package replica_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/replica"
)

const (
	position       = "event_01KAVJ8W9S3N6T1Q5R7Y2Z4X8B"
	otherPassword  = "another cookie password for the tests of replicas"
	positionKeptIn = 90 * 24 * time.Hour
)

// dutyWith returns the duty of an instance with these cookie passwords.
func (w *world) dutyWith(passwords ...string) *replica.Duty {
	return w.newInstanceConfigured(w.store, func(c *replica.Config) { c.Passwords = passwords }).duty()
}

func assertPosition(t *testing.T, expected string, d *replica.Duty, why ...any) {
	t.Helper()
	got, err := d.Position(t.Context())
	assert.NoError(t, err, why...)
	assert.Equal(t, expected, got, why...)
}

func TestAPositionIsReadByTheNextInstanceFor90Days(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.newInstance().duty(), w.newInstance().duty()
	assertPosition(t, "", two, "nothing is stored")
	require.NoError(t, one.StorePosition(t.Context(), position))
	assertPosition(t, position, two)
	require.NoError(t, two.StorePosition(t.Context(), position+"2"), "in the place of the earlier one")
	assertPosition(t, position+"2", one)
	w.clock.Advance(positionKeptIn - 1)
	assertPosition(t, position+"2", one)
	w.clock.Advance(1)
	assertPosition(t, "", one)
}

func TestAPositionSurvivesTheRotationOfTheCookiePassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before, during, after := w.dutyWith(password), w.dutyWith(otherPassword, password), w.dutyWith(otherPassword)
	require.NoError(t, before.StorePosition(t.Context(), position))
	assertPosition(t, position, during)
	assertPosition(t, "", after, "it does not know the password")
	require.NoError(t, during.StorePosition(t.Context(), position))
	assertPosition(t, position, after)
}

func TestAPositionThatDoesNotOpenIsAbsentAndReplaced(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(w *world, s *positionStore){
		"another password": func(w *world, _ *positionStore) {
			require.NoError(t, w.dutyWith(otherPassword).StorePosition(t.Context(), position))
		},
		"changed": func(_ *world, s *positionStore) { s.change = func(v []byte) []byte { v[len(v)-1] ^= 1; return v } },
		"cut":     func(_ *world, s *positionStore) { s.change = func(v []byte) []byte { return v[:5] } },
		"of another duty": func(w *world, s *positionStore) {
			other := &positionStore{MemoryStore: w.store}
			require.NoError(t, w.newInstanceWith(other).NewDuty("other", time.Second).StorePosition(t.Context(), position))
			s.change = func([]byte) []byte { return bytes.Clone(other.last) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := &positionStore{MemoryStore: w.store}
			d := w.newInstanceWith(s).duty()
			require.NoError(t, d.StorePosition(t.Context(), position))
			damage(w, s)
			assertPosition(t, "", d)
			s.change = nil
			require.NoError(t, d.StorePosition(t.Context(), position+"2"))
			assertPosition(t, position+"2", d)
		})
	}
}

// positionStore changes what Get returns, and remembers what Swap has stored last.
type positionStore struct {
	*authkittest.MemoryStore
	change func([]byte) []byte
	last   []byte
}

func (s *positionStore) Get(ctx context.Context, key string) ([]byte, time.Duration, bool, error) {
	value, left, found, err := s.MemoryStore.Get(ctx, key)
	if s.change != nil && found {
		value = s.change(value)
	}
	return value, left, found, err
}

func (s *positionStore) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) ([]byte, time.Duration, bool, error) {
	s.last = bytes.Clone(value)
	return s.MemoryStore.Swap(ctx, key, old, value, ttl)
}

func TestAPositionIsNotReadableInTheStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := &positionStore{MemoryStore: w.store}
	require.NoError(t, w.newInstanceWith(s).duty().StorePosition(t.Context(), position))
	assert.NotEmpty(t, s.last)
	assert.False(t, strings.Contains(string(s.last), position[:8]))
}

func TestWithoutTheStoreAPositionIsAnErrorAndNotAbsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.newInstance().duty()
	require.NoError(t, d.StorePosition(t.Context(), position))
	w.store.SetDown(true)
	got, err := d.Position(t.Context())
	assert.Error(t, err, "an instance that takes an error for the start would repeat all events")
	assert.Empty(t, got)
	assert.Error(t, d.StorePosition(t.Context(), position+"2"))
	w.store.SetDown(false)
	w.clock.Advance(time.Second) // the breaker
	assertPosition(t, position, d)
}

func TestOneOfTwoPositionsThatAreStoredAtTheSameTimeRemains(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	duties := []*replica.Duty{w.newInstance().duty(), w.newInstance().duty()}
	for range 50 {
		var stored sync.WaitGroup
		for i, d := range duties {
			stored.Go(func() { assert.NoError(t, d.StorePosition(t.Context(), []string{"one", "two"}[i])) })
		}
		stored.Wait()
		got, err := duties[0].Position(t.Context())
		require.NoError(t, err)
		require.Contains(t, []string{"one", "two"}, got)
	}
}
