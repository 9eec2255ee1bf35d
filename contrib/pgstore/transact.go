// Transactions: several statements in one round trip.

package pgstore

import (
	"context"
	"errors"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// statement is one of a transaction. Its arguments are of type string, []byte or
// int64.
type statement struct {
	sql  string
	args []any
	scan func(pgx.Rows) error // reads the result; nil to ignore it
}

// attempts is how often a transaction is tried if the server rolled it back because
// of another transaction.
const attempts = 3

// transact runs statements in a transaction, and then after, which is a statement on
// its own, or has no text. It sends everything at once, so the transaction lasts no
// longer than its work. An error of after is ignored. Each statement is parsed anew:
// a pooler may give each transaction another connection, without the prepared
// statements of the last one.
func (s *Store) transact(ctx context.Context, after statement, body ...statement) error {
	all := append([]statement{{sql: beginTransaction}}, body...)
	all = append(all, statement{sql: "commit"})
	required := len(all)
	if after.sql != "" {
		all = append(all, after)
	}
	var err error
	for range attempts {
		if err = s.send(ctx, required, all); err == nil || ctx.Err() != nil || !mayRetry(err) {
			break
		}
	}
	return explain(err)
}

// mayRetry reports whether the transaction certainly had no effect, and may succeed if
// it is tried again.
func mayRetry(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "40001", "40P01", "23505": // serialization_failure, deadlock_detected, unique_violation
			return true
		}
		return false
	}
	return pgconn.SafeToRetry(err)
}

func (s *Store) send(ctx context.Context, required int, all []statement) error {
	pooled, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer pooled.Release()
	conn := pooled.Conn()
	var done int
	if s.mode == pgx.QueryExecModeSimpleProtocol {
		done, err = sendSimple(ctx, conn, all)
	} else {
		done, err = sendPipeline(ctx, conn, all)
	}
	if done >= required {
		return nil // committed
	}
	if conn.PgConn().TxStatus() == 'E' {
		// Otherwise the pool closes the connection.
		if rollback := conn.PgConn().Exec(ctx, "rollback").Close(); rollback != nil {
			err = errors.Join(err, rollback)
		}
	}
	return err
}

// sendPipeline sends statements with the extended protocol and one Sync. Batch of
// package pgx would first prepare them. It returns how many succeeded.
func sendPipeline(ctx context.Context, conn *pgx.Conn, all []statement) (done int, err error) {
	batch := &pgconn.Batch{}
	for _, st := range all {
		values, oids, formats := encode(st.args)
		batch.ExecParams(st.sql, values, oids, formats, []int16{pgx.BinaryFormatCode})
	}
	results := conn.PgConn().ExecBatch(ctx, batch)
	for results.NextResult() {
		reader := results.ResultReader()
		if scan := all[done].scan; scan != nil {
			err = scan(pgx.RowsFromResultReader(conn.TypeMap(), reader))
		} else {
			_, err = reader.Close()
		}
		if err != nil {
			break
		}
		done++
	}
	return done, errors.Join(err, results.Close())
}

// encode returns the arguments as the protocol has them.
func encode(args []any) (values [][]byte, oids []uint32, formats []int16) {
	for _, arg := range args {
		switch arg := arg.(type) {
		case string:
			values, oids, formats = append(values, []byte(arg)), append(oids, pgtype.TextOID), append(formats, pgx.TextFormatCode)
		case []byte:
			values, oids, formats = append(values, arg), append(oids, pgtype.ByteaOID), append(formats, pgx.BinaryFormatCode)
		case int64:
			values, oids, formats = append(values, strconv.AppendInt(nil, arg, 10)), append(oids, pgtype.Int8OID), append(formats, pgx.TextFormatCode)
		}
	}
	return values, oids, formats
}

// sendSimple sends statements as one query of the simple protocol, for a pool whose
// default is QueryExecModeSimpleProtocol. It returns how many succeeded.
func sendSimple(ctx context.Context, conn *pgx.Conn, all []statement) (done int, err error) {
	batch := &pgx.Batch{}
	for _, st := range all {
		batch.Queue(st.sql, st.args...)
	}
	results := conn.SendBatch(ctx, batch)
	for _, st := range all {
		if st.scan != nil {
			rows, queryErr := results.Query()
			err = queryErr
			if err == nil {
				err = st.scan(rows)
			}
		} else {
			_, err = results.Exec()
		}
		if err != nil {
			break
		}
		done++
	}
	return done, errors.Join(err, results.Close())
}
