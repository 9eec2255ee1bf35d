// Values: Get and Swap.

package pgstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Get returns the value of a key and how long it is still kept, as
// [authkit.Store] says. It is one statement.
func (s *Store) Get(ctx context.Context, key string) (value []byte, left time.Duration, found bool, err error) {
	if err := checkKey(key); err != nil {
		return nil, 0, false, fmt.Errorf("pgstore: get: %w", err)
	}
	var got row
	for range attempts {
		var rows pgx.Rows
		if rows, err = s.pool.Query(ctx, s.sql.get, s.mode, key); err == nil {
			err = got.scan(rows)
		}
		if err == nil || ctx.Err() != nil || !mayRetry(err) {
			break
		}
	}
	if err != nil {
		return nil, 0, false, fmt.Errorf("pgstore: get: %w", explain(err))
	}
	value, left = got.live()
	return value, left, value != nil, nil
}

// Swap puts value in the place of old, or removes it, as [authkit.Store] says. It is
// one transaction in one round trip. Some calls also delete a few expired values.
func (s *Store) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (current []byte, left time.Duration, swapped bool, err error) {
	if err := errors.Join(checkKey(key), checkValue("old value", old), checkValue("value", value)); err != nil {
		return nil, 0, false, fmt.Errorf("pgstore: swap: %w", err)
	}
	if value != nil && ttl < time.Millisecond {
		return nil, 0, false, fmt.Errorf("pgstore: swap: the time to keep the value is %s, not a millisecond or more", ttl)
	}
	if old == nil && value == nil {
		current, left, found, err := s.Get(ctx, key)
		return current, left, err == nil && !found, err
	}
	var got row
	st := statement{scan: got.scan}
	switch {
	case value == nil:
		st.sql, st.args = s.sql.remove, []any{key, old}
	case old == nil:
		st.sql, st.args = s.sql.put, []any{key, value, ttl.Microseconds()}
	default:
		st.sql, st.args = s.sql.replace, []any{key, value, ttl.Microseconds(), old}
	}
	var after statement
	if s.swaps.Add(1)%trimEvery == 0 {
		after = statement{sql: s.sql.trimValues, args: []any{int64(trimRows)}}
	}
	for range attempts {
		if err := s.transact(ctx, after, st); err != nil {
			return nil, 0, false, fmt.Errorf("pgstore: swap: %w", err)
		}
		current, left = got.live()
		// A value that was in the way can expire between the comparison and the answer.
		// Then the key is absent now, and the same call succeeds.
		if old != nil || current != nil || bytes.Equal(got.value, value) {
			break
		}
	}
	return current, left, bytes.Equal(current, value), nil
}

// row is a row of the values. value is nil if there is none. left is in microseconds,
// and is negative if the row has expired.
type row struct {
	value []byte
	left  int64
}

// scan reads a result of one row, or of none.
func (r *row) scan(rows pgx.Rows) error {
	*r = row{}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&r.value, &r.left); err != nil {
			return err
		}
	}
	return rows.Err()
}

// live returns the value and how long it is still kept, nil and 0 if there is none or
// it has expired.
func (r *row) live() ([]byte, time.Duration) {
	if r.value == nil || r.left <= 0 {
		return nil, 0
	}
	return r.value, time.Duration(r.left) * time.Microsecond
}
