// Schema: the tables of a store, and how they are created.

package pgstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// schemaSQL creates the tables. It changes nothing if they exist.
//
// Values and notices are sealed, so compression gains nothing: EXTERNAL turns it off.
// Rows of the values are short-lived, so autovacuum must start early.
const schemaSQL = `create {unlogged}table if not exists {values} (
	key text collate "C" primary key,
	value bytea not null,
	expires_at timestamptz not null
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);
alter table {values} alter column value set storage external;
create index if not exists {index} on {values} (expires_at);
create {unlogged}table if not exists {log} (
	id bigint primary key,
	stamp bigint not null,
	notice bytea not null,
	created_at timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0.05);
`

// Schema returns the SQL that creates the tables of a store with these options. It
// changes nothing if they exist. [Store.Migrate] runs the same SQL. Use Schema if the
// application migrates its database with its own tool. The error is about an option.
func Schema(opts ...Option) (string, error) {
	o, err := newOptions(opts)
	if err != nil {
		return "", err
	}
	return o.schemaText(), nil
}

func (o options) schemaText() string {
	s := newStatements(o)
	unlogged := ""
	if o.unlogged {
		unlogged = "unlogged "
	}
	create := ""
	if o.schema != defaultSchema {
		create = "create schema if not exists " + pgx.Identifier{o.schema}.Sanitize() + ";\n"
	}
	return create + strings.NewReplacer(
		"{values}", s.values, "{log}", s.log, "{unlogged}", unlogged,
		"{index}", pgx.Identifier{o.prefix + "values_expires_at"}.Sanitize(),
	).Replace(schemaSQL)
}

// Migrate creates the tables of the store if they are missing, in one transaction. It
// changes nothing if they exist, and then needs no right to create tables. Instances
// may call it at the same time: the first creates the tables, the others wait for it.
//
// Migrate returns an error if the role of the pool lacks a right that the store needs:
// SELECT, INSERT, UPDATE and DELETE on both tables.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.migrate(ctx); err != nil {
		return fmt.Errorf("pgstore: create tables: %w", explain(err))
	}
	return nil
}

func (s *Store) migrate(ctx context.Context) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	exist, err := s.tablesExist(ctx, conn.Conn())
	if err != nil {
		return err
	}
	if !exist {
		// The lock comes first: CREATE TABLE IF NOT EXISTS fails if two run at once.
		err := execAll(ctx, conn.Conn(), fmt.Sprintf("%s;\nselect pg_advisory_xact_lock(%d);\n%scommit",
			beginTransaction, s.sql.migrateLockKey, s.options.schemaText()))
		if err != nil {
			return err
		}
	}
	return s.checkRights(ctx, conn.Conn())
}

// execAll runs statements without parameters, in one round trip.
func execAll(ctx context.Context, conn *pgx.Conn, sql string) error {
	err := conn.PgConn().Exec(ctx, sql).Close()
	if err != nil && conn.PgConn().TxStatus() == 'E' {
		return errors.Join(err, conn.PgConn().Exec(ctx, "rollback").Close())
	}
	return err
}

// tablesExist reports whether both tables exist. PostgreSQL checks the right to create
// a table before it looks for the table. So an instance with few rights must not get
// as far as CREATE TABLE IF NOT EXISTS.
func (s *Store) tablesExist(ctx context.Context, conn *pgx.Conn) (exist bool, err error) {
	// to_regclass fails if the role may not use the schema. pg_class does not.
	err = conn.QueryRow(ctx, `
select count(*) = 2 from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname in ($2, $3)`,
		s.mode, s.options.schema, s.options.prefix+"values", s.options.prefix+"log").Scan(&exist)
	return exist, err
}

// checkRights returns an error if the role lacks a right. Without it, an instance
// without DELETE would work, and the tables would grow without end.
func (s *Store) checkRights(ctx context.Context, conn *pgx.Conn) error {
	for _, table := range []string{s.sql.values, s.sql.log} {
		for _, right := range []string{"SELECT", "INSERT", "UPDATE", "DELETE"} {
			var granted bool
			if err := conn.QueryRow(ctx, "select has_table_privilege($1, $2)", s.mode, table, right).Scan(&granted); err != nil {
				return err
			}
			if !granted {
				return fmt.Errorf("the role of the pool has no right to %s on %s: see the GRANT lines of the README", right, table)
			}
		}
	}
	return nil
}

// explain adds what to do about an error of the server, if the answer is known.
func explain(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	switch pg.Code {
	case "42P01", "3F000": // undefined_table, invalid_schema_name
		return fmt.Errorf("%w: call Migrate first, or run the SQL of Schema", err)
	case "42501": // insufficient_privilege
		return fmt.Errorf("%w: see the GRANT lines of the README", err)
	case "25006": // read_only_sql_transaction
		return fmt.Errorf("%w: the pool must reach the primary server, and its transactions must be allowed to write", err)
	}
	return err
}
