// SQL: the statements of a store, for its schema and prefix.

package pgstore

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"github.com/jackc/pgx/v5"
)

// statements has the text of each statement. Times are microseconds.
//
// clock_timestamp() is read in a subquery of its own where its value is used twice.
// PostgreSQL evaluates such a subquery once for a row, after it has locked the row. So
// a statement that waited for another one compares with the present time.
type statements struct {
	get, put, replace, remove          string
	trimValues                         string
	lock, appendNotice, anchor, notify string
	trimLog                            string
	start, read                        string
	listen                             string

	values, log, channel    string
	logLock, migrateLockKey int64
}

// beginTransaction sets the isolation level, because the default of a database can be
// another one. In READ COMMITTED, a statement that waited for a row sees the newest
// version of it.
const beginTransaction = `begin isolation level read committed`

func newStatements(o options) *statements {
	values := pgx.Identifier{o.schema, o.prefix + "values"}.Sanitize()
	log := pgx.Identifier{o.schema, o.prefix + "log"}.Sanitize()
	text := func(sql string) string {
		return strings.NewReplacer("{values}", values, "{log}", log).Replace(sql)
	}
	channel := o.prefix + o.schema
	return &statements{
		values: values, log: log, channel: channel,
		logLock:        lockKey("log", log),
		migrateLockKey: lockKey("migrate", log),

		get: text(getSQL), put: text(putSQL), replace: text(replaceSQL), remove: text(removeSQL),
		trimValues: text(trimValuesSQL),
		lock:       `select pg_advisory_xact_lock($1::bigint)`, notify: `select pg_notify($1::text, '')`,
		appendNotice: text(appendSQL), anchor: text(appendSQL + ` having max(id) is null`),
		trimLog: text(trimLogSQL),
		start:   text(startSQL), read: text(readSQL),
		listen: `listen ` + pgx.Identifier{channel}.Sanitize(),
	}
}

// lockKey returns the key of an advisory lock. A database has one number space for
// these keys, so it is a hash of the purpose and the table.
func lockKey(purpose, table string) int64 {
	sum := sha256.Sum256([]byte("authkit pgstore " + purpose + " " + table))
	return int64(binary.BigEndian.Uint64(sum[:]))
}

// left is how long a row of the values is still kept.
const left = `(extract(epoch from v.expires_at - clock_timestamp()) * 1000000)::bigint`

// getSQL has the parameter key.
const getSQL = `
select v.value, ` + left + ` from {values} as v where v.key = $1`

// putSQL is a swap of nothing for a value. Its parameters are key, value and ttl. ON
// CONFLICT DO UPDATE locks the row and uses its newest version, also if the
// statement's snapshot is older. It writes the row as it is if the swap fails, so
// RETURNING has what the key contains after the statement. A value that is there
// already is not written again, which saves space outside of the row.
const putSQL = `
insert into {values} as v (key, value, expires_at)
values ($1::text, $2::bytea, clock_timestamp() + $3::bigint * interval '1 microsecond')
on conflict (key) do update set (value, expires_at) = (
	select
		case when s.swap and v.value <> excluded.value then excluded.value else v.value end,
		case when s.swap then s.at + $3::bigint * interval '1 microsecond' else v.expires_at end
	from (
		select t.at, v.expires_at <= t.at or v.value = excluded.value as swap
		from (select clock_timestamp() as at) as t
	) as s
)
returning v.value, ` + left

// replaceSQL is a swap of an old value for a value. Its parameters are key, value,
// ttl and old.
const replaceSQL = `
update {values} as v set (value, expires_at) = (
	select
		case when s.swap and v.value <> $2::bytea then $2::bytea else v.value end,
		case when s.swap then s.at + $3::bigint * interval '1 microsecond' else v.expires_at end
	from (
		select t.at, v.expires_at > t.at and (v.value = $2::bytea or v.value = $4::bytea) as swap
		from (select clock_timestamp() as at) as t
	) as s
)
where v.key = $1::text
returning v.value, ` + left

// removeSQL is a swap of an old value for nothing. Its parameters are key and old. It
// leaves an expired row, because DELETE has no answer for a row that stays.
const removeSQL = `
update {values} as v set
	value = case when v.value = $2::bytea then ''::bytea else v.value end,
	expires_at = case when v.value = $2::bytea then 'epoch'::timestamptz else v.expires_at end
where v.key = $1::text
returning v.value, ` + left

// trimValuesSQL deletes expired values. Its parameter is how many at most. It passes
// over rows that another statement uses, and reads a locked row again, so it never
// deletes a value that was just put.
const trimValuesSQL = `
delete from {values} where key = any (array(
	select key from {values} where expires_at < statement_timestamp()
	order by expires_at limit $1::bigint for update skip locked
))`

// appendSQL adds a notice. Its parameters are stamp and notice. The IDs have no gaps,
// and an ID is only given when the notice before it is committed. So the log is read
// in the order of the IDs, and a follower sees that a notice is missing.
const appendSQL = `
insert into {log} (id, stamp, notice, created_at)
select coalesce(max(id), 0) + 1, $1::bigint, $2::bytea, clock_timestamp() from {log}`

// trimLogSQL deletes expired notices. Its parameters are the retention and how many
// notices at most. The newest expired notice stays. So a follower never finds the
// last notice that it read gone, unless it has not read for the time of the
// retention. The minute protects a follower that reads the expiring end of the log.
const trimLogSQL = `
delete from {log} where id = any (array(
	select id from {log} where id = any (array(
		select o.id from (
			select id, greatest(created_at, lead(created_at) over (order by id)) as last, lead(id) over (order by id) as next
			from (select id, created_at from {log} order by id limit $2::bigint + 1) as oldest
		) as o
		where o.next is not null
		and o.last < statement_timestamp() - $1::bigint * interval '1 microsecond' - interval '1 minute'
	)) for update skip locked
))`

// startSQL reads the log from the oldest notice that is kept, or its last notice if
// all have expired. Its parameters are the retention and how many notices at most.
const startSQL = `
select id, stamp, notice, created_at > statement_timestamp() - $1::bigint * interval '1 microsecond', pg_is_in_recovery()
from {log}
where id >= coalesce(
	(select id from {log} where created_at > statement_timestamp() - $1::bigint * interval '1 microsecond' order by id limit 1),
	(select max(id) from {log})
)
order by id limit $2::bigint`

// readSQL reads the log from an ID, which is part of the result. Its parameters are
// the ID and how many notices at most.
const readSQL = `
select id, stamp, notice, true, pg_is_in_recovery() from {log} where id >= $1::bigint order by id limit $2::bigint`
