// What a record, a notice and a command cost a real Redis. docs/replicas.md has the numbers, which this command prints:
//
//	go test -v -run 'TestTheCostOf' .

package redisstore

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	measuredRecords = 20_000
	measuredNotices = 20_000
	// The sizes of a record of a refresh and of a notice, with an access token of 1,400 bytes:
	// TestTheSizesAreThoseOfRealRecords of internal/replicasim.
	recordSize = 1236
	noticeSize = 59
)

// recordKeys returns keys of the form and the length of real ones.
func recordKeys(n int) (keys []string) {
	for range n {
		keys = append(keys, "AAAAAAAAAAAA:x:"+base64.RawURLEncoding.EncodeToString(randomBytes(16)))
	}
	return keys
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// info returns a number of INFO.
func (s *server) info(section, name string) float64 {
	s.t.Helper()
	text, ok := s.do("INFO", section).(string)
	require.True(s.t, ok)
	_, value, found := strings.Cut(text, "\n"+name+":")
	require.True(s.t, found, name)
	value, _, _ = strings.Cut(value, "\r")
	number, err := strconv.ParseFloat(value, 64)
	require.NoError(s.t, err)
	return number
}

// memory returns the bytes that the server uses.
func (s *server) memory() float64 { return s.info("memory", "used_memory") }

// cpu returns the processor time that the server has used.
func (s *server) cpu() time.Duration {
	seconds := s.info("cpu", "used_cpu_user") + s.info("cpu", "used_cpu_sys")
	return time.Duration(seconds * float64(time.Second))
}

// inParallel calls f with each number below n, on 16 goroutines.
func inParallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			for i := worker; i < n; i += 16 {
				f(i)
			}
		})
	}
	wg.Wait()
}

func TestTheCostOfRecordsInRedis(t *testing.T) {
	s := startRedis(t)
	store, err := New(s.client())
	require.NoError(t, err)
	ctx, keys, value := t.Context(), recordKeys(measuredRecords), randomBytes(recordSize)
	work := func(what string, f func(i int)) {
		before := s.cpu()
		inParallel(measuredRecords, f)
		t.Logf("%s: %.1f µs of the server's processor", what, float64((s.cpu()-before).Microseconds())/measuredRecords)
	}
	lease := randomBytes(13)
	before := s.memory()
	work("Swap of nothing for a lease", func(i int) {
		_, _, swapped, err := store.Swap(ctx, keys[i], nil, lease, time.Minute)
		assert.NoError(t, err)
		assert.True(t, swapped)
	})
	work("Swap of a lease for a record", func(i int) {
		_, _, swapped, err := store.Swap(ctx, keys[i], lease, value, time.Hour)
		assert.NoError(t, err)
		assert.True(t, swapped)
	})
	perRecord := (s.memory() - before) / measuredRecords
	work("Get of a record", func(i int) {
		_, _, found, err := store.Get(ctx, keys[i])
		assert.NoError(t, err)
		assert.True(t, found)
	})
	work("Swap that shortens a record", func(i int) {
		_, _, swapped, err := store.Swap(ctx, keys[i], value, value, time.Minute)
		assert.NoError(t, err)
		assert.True(t, swapped)
	})
	work("Get of nothing", func(i int) {
		_, _, found, err := store.Get(ctx, keys[i]+"-")
		assert.NoError(t, err)
		assert.False(t, found)
	})
	t.Logf("a record: %d bytes of key and value, %.0f bytes of memory", len(keys[0])+recordSize, perRecord)
	assert.InDelta(t, 1500, perRecord, 300)
}

func TestTheCostOfTheLogInRedis(t *testing.T) {
	s := startRedis(t)
	store, err := New(s.client())
	require.NoError(t, err)
	notice := randomBytes(noticeSize)
	before, cpu := s.memory(), s.cpu()
	inParallel(measuredNotices, func(int) { assert.NoError(t, store.Append(t.Context(), notice)) })
	perNotice := (s.memory() - before) / measuredNotices
	t.Logf("a notice: %d bytes, %.0f bytes of memory; Append: %.1f µs of the server's processor", noticeSize, perNotice,
		float64((s.cpu()-cpu).Microseconds())/measuredNotices)
	assert.InDelta(t, 150, perNotice, 100)

	cpu = s.cpu()
	started := time.Now()
	readOnce(t, store)
	t.Logf("reading %d notices: %s, %s of the server's processor", measuredNotices, time.Since(started).Round(time.Millisecond), s.cpu()-cpu)

	const followers, more = 20, 500
	ctx, cancel := context.WithCancel(t.Context())
	var seen sync.WaitGroup
	var ready, ended sync.WaitGroup
	ready.Add(followers)
	seen.Add(followers * more)
	for range followers {
		ended.Go(func() {
			caught := false
			_ = store.Follow(ctx, func([]byte) {
				if caught {
					seen.Done()
				}
			}, func() {
				if !caught {
					caught = true
					ready.Done()
				}
			})
		})
	}
	ready.Wait()
	cpu = s.cpu()
	for range more {
		require.NoError(t, store.Append(t.Context(), notice))
	}
	seen.Wait()
	t.Logf("%d notices to %d followers, one after the other: %.1f µs of the server's processor for each delivery", more, followers,
		float64((s.cpu()-cpu).Microseconds())/(followers*more))
	cancel()
	ended.Wait()
}

// readOnce reads the log to its end.
func readOnce(t *testing.T, store *Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	notices := 0
	_ = store.Follow(ctx, func([]byte) { notices++ }, cancel)
	require.Equal(t, measuredNotices, notices)
}
