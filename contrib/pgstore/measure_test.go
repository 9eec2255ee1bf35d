// What a refresh, a record and a notice cost a real PostgreSQL. docs/replicas.md has the numbers, which this command prints:
//
//	go test -v -run TestTheCostInPostgres .

package pgstore

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	measuredRecords = 5000
	measuredNotices = 5000
	// The sizes of a record of a refresh and of a notice, with an access token of 1,400 bytes:
	// TestTheSizesAreThoseOfRealRecords of internal/replicasim.
	recordSize = 1236
	noticeSize = 59
)

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// inParallel calls f with each number below n, on 8 goroutines.
func inParallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := worker; i < n; i += 8 {
				f(i)
			}
		})
	}
	wg.Wait()
}

func TestTheCostInPostgres(t *testing.T) {
	url := newDatabase(t)
	store, conn := newStore(t, url), connect(t, url)
	ctx := t.Context()
	number := func(sql string) (n float64) {
		t.Helper()
		require.NoError(t, conn.QueryRow(ctx, sql).Scan(&n))
		return n
	}
	size := func(table string) float64 {
		return number(fmt.Sprintf("select pg_total_relation_size('%s')::float8", table))
	}
	wal := func() float64 { return number("select (pg_current_wal_insert_lsn() - '0/0')::float8") }

	keys := make([]string, measuredRecords)
	for i := range keys {
		keys[i] = "AAAAAAAAAAAA:x:" + base64.RawURLEncoding.EncodeToString(randomBytes(16))
	}
	value := randomBytes(recordSize)
	swap := func(key string, old, value []byte, ttl time.Duration) {
		_, _, swapped, err := store.Swap(ctx, key, old, value, ttl)
		assert.NoError(t, err)
		assert.True(t, swapped)
	}
	before, start := wal(), time.Now()
	inParallel(measuredRecords, func(i int) {
		lease := randomBytes(13)
		swap(keys[i], nil, lease, time.Minute)
		swap(keys[i], lease, value, 25*time.Hour)
		swap(keys[i], value, value, time.Hour)
	})
	perRefresh := (wal() - before) / measuredRecords
	perRecord := size("authkit_values") / measuredRecords
	t.Logf("a refresh, which is three Swaps: %.0f bytes of write-ahead log, %s here without fsync and with 8 clients", perRefresh,
		(time.Since(start) / measuredRecords).Round(10*time.Microsecond))
	t.Logf("a record: %d bytes of key and value, %.0f bytes of table and index directly after the writes", len(keys[0])+recordSize, perRecord)
	assert.InDelta(t, 3000, perRecord, 1500)

	before, start = wal(), time.Now()
	inParallel(measuredNotices, func(int) { assert.NoError(t, store.Append(ctx, randomBytes(noticeSize))) })
	perAppend := time.Since(start) / measuredNotices
	perNotice := size("authkit_log") / measuredNotices
	t.Logf("a notice: %d bytes, %.0f bytes of table and index, %.0f bytes of write-ahead log; Append: %s here without fsync", noticeSize, perNotice,
		(wal()-before)/measuredNotices, perAppend.Round(10*time.Microsecond))
	assert.InDelta(t, 200, perNotice, 150)

	reading, stop := context.WithCancel(ctx)
	defer stop()
	notices := 0
	start = time.Now()
	_ = store.Follow(reading, func([]byte) { notices++ }, stop)
	assert.Equal(t, measuredNotices, notices)
	t.Logf("reading %d notices: %s", measuredNotices, time.Since(start).Round(time.Millisecond))
}
