// The log: Append, and how Follow reads it.

package pgstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/jackc/pgx/v5"
)

// Append adds a notice to the log, as [authkit.Store] says. It is one transaction in
// one round trip. Appends of all instances wait for each other. Some calls also delete
// a few notices that have expired.
func (s *Store) Append(ctx context.Context, notice []byte) error {
	if len(notice) == 0 || len(notice) > maxNotice {
		return fmt.Errorf("pgstore: append: the notice has %d bytes, not 1 to %d", len(notice), maxNotice)
	}
	var after statement
	if s.appends.Add(1)%trimEvery == 0 {
		after = statement{sql: s.sql.trimLog, args: []any{s.options.retention.Microseconds(), int64(trimRows)}}
	}
	if err := s.appendRow(ctx, after, s.sql.appendNotice, notice); err != nil {
		return fmt.Errorf("pgstore: append: %w", err)
	}
	return nil
}

// appendRow adds a row to the log. The lock makes the transactions commit in the order
// of their IDs, and ends with the transaction. The IDs are right without it: of two
// transactions with the same ID, the primary key refuses one. But that one would start
// again.
//
// The stamp tells the row from another one with the same ID, after a backup was
// restored or a standby has taken over.
func (s *Store) appendRow(ctx context.Context, after statement, sql string, notice []byte) error {
	body := []statement{
		{sql: s.sql.lock, args: []any{s.sql.logLock}},
		{sql: sql, args: []any{rand.Int64(), notice}},
	}
	if !s.options.pollingOnly {
		body = append(body, statement{sql: s.sql.notify, args: []any{s.sql.channel}})
	}
	return s.transact(ctx, after, body...)
}

// logReader reads the log once, from the oldest notice that is kept.
type logReader struct {
	store     *Store
	started   bool
	id, stamp int64 // the last row that was read
}

// errLogLost is the error of a follower that cannot be sure to have read all notices.
var errLogLost = errors.New("the log has lost what was read before: a table was emptied, a backup was restored, or a standby has taken over")

// errLogHidden is the error of a follower that cannot read what it has written.
var errLogHidden = errors.New("the log has no rows after one was added: does row-level security hide them?")

// errStandby is the error of a follower that is connected to the wrong server.
var errStandby = errors.New("the server is a standby: the pool must reach the primary server")

// next returns the next notices, and reports whether these are all.
//
// It reads the last row again, which must be as it was. Trimming leaves that row in
// place, because it is either not expired or the newest expired one. The rows after it
// must follow without a gap.
func (r *logReader) next(ctx context.Context) (notices [][]byte, end bool, err error) {
	s := r.store
	if !r.started {
		return r.first(ctx)
	}
	rows, err := s.readLog(ctx, s.sql.read, r.id, s.batch+1)
	if err != nil {
		return nil, false, err
	}
	if len(rows) == 0 || rows[0].id != r.id || rows[0].stamp != r.stamp {
		return nil, false, errLogLost
	}
	for _, row := range rows[1:] {
		if row.id != r.id+1 {
			return nil, false, errLogLost
		}
		notices = r.take(notices, row)
	}
	return notices, int64(len(rows)) <= s.batch, nil
}

// first reads the beginning of the log. A log without any row gets one, with an empty
// notice. It is what the next read expects to find again.
func (r *logReader) first(ctx context.Context) (notices [][]byte, end bool, err error) {
	s := r.store
	rows, err := s.readLog(ctx, s.sql.start, s.options.retention.Microseconds(), s.batch)
	if err == nil && len(rows) == 0 {
		if err = s.appendRow(ctx, statement{}, s.sql.anchor, []byte{}); err == nil {
			rows, err = s.readLog(ctx, s.sql.start, s.options.retention.Microseconds(), s.batch)
		}
		if err == nil && len(rows) == 0 {
			err = errLogHidden
		}
	}
	if err != nil {
		return nil, false, err
	}
	for _, row := range rows {
		notices = r.take(notices, row)
	}
	r.started = true
	return notices, int64(len(rows)) < s.batch, nil
}

// take makes row the last row that was read, and adds its notice if there is one.
func (r *logReader) take(notices [][]byte, row logRow) [][]byte {
	r.id, r.stamp = row.id, row.stamp
	if !row.kept || len(row.notice) == 0 {
		return notices
	}
	return append(notices, row.notice)
}

// logRow is a row of the log. kept reports whether its notice has not expired.
type logRow struct {
	id, stamp int64
	notice    []byte
	kept      bool
}

func (s *Store) readLog(ctx context.Context, sql string, args ...any) ([]logRow, error) {
	rows, err := s.pool.Query(ctx, sql, append([]any{s.mode}, args...)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r logRow, err error) {
		var standby bool
		err = row.Scan(&r.id, &r.stamp, &r.notice, &r.kept, &standby)
		if err == nil && standby {
			err = errStandby
		}
		return r, err
	})
}
