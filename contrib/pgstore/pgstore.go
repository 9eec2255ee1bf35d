// Store: how it is made, and the limits of its arguments.

package pgstore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/authkit-go/authkit"
)

// The limits of the contract of authkit.Store.
const (
	maxKey    = 128
	maxValue  = 64 << 10
	maxNotice = 1 << 10
)

const (
	// trimEvery is how many calls of Swap, or of Append, there are for one that also
	// deletes expired rows. It then deletes trimRows at most. A call creates one row
	// at most, so deletions keep up with four times the rows that are created.
	trimEvery = 64
	trimRows  = 4 * trimEvery
)

// Store is an authkit.Store on PostgreSQL. Its methods are safe for concurrent use.
type Store struct {
	pool    *pgxpool.Pool
	options options
	sql     *statements
	mode    pgx.QueryExecMode // for single statements

	batch     int64         // how many notices Follow reads at once
	linkLimit time.Duration // how long Follow tries to read from a server that does not answer

	swaps, appends atomic.Uint64 // calls, for trimming
}

var _ authkit.Store = (*Store)(nil)

// New returns a store that uses pool. It does not connect: a server that is down is
// no error here. The error is about an option. The application closes the pool when it
// no longer uses the store.
func New(pool *pgxpool.Pool, opts ...Option) (*Store, error) {
	if pool == nil {
		return nil, errors.New("pgstore: New: the pool is nil")
	}
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	s := &Store{
		pool: pool, options: o, sql: newStatements(o), mode: pgx.QueryExecModeExec,
		batch: 1000, linkLimit: 10 * time.Second,
	}
	if pool.Config().ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol {
		s.mode = pgx.QueryExecModeSimpleProtocol
	}
	// Instances start at different counts. So instances that make few calls before they
	// end delete expired rows too.
	s.swaps.Store(rand.Uint64N(trimEvery))
	s.appends.Store(rand.Uint64N(trimEvery))
	return s, nil
}

func checkKey(key string) error {
	if key == "" || len(key) > maxKey {
		return fmt.Errorf("the key has %d bytes, not 1 to %d", len(key), maxKey)
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return fmt.Errorf("the key has the byte %#02x, which is not visible ASCII", key[i])
		}
	}
	return nil
}

func checkValue(what string, value []byte) error {
	if value != nil && (len(value) == 0 || len(value) > maxValue) {
		return fmt.Errorf("the %s has %d bytes, not 1 to %d", what, len(value), maxValue)
	}
	return nil
}
