// Package documentation of pgstore.

// Package pgstore is an [authkit.Store] on PostgreSQL: the memory that the instances
// of an application share. It uses the application's own pool of package pgxpool, so
// TLS, credentials and the choice of the server are settings of the application.
//
// [New] makes a store from a pool. [Store.Migrate] creates its two tables. [Schema]
// returns the same SQL, for applications that migrate with their own tool. Function
// authkit.WithStore gives the store to the instance.
//
// # Tables
//
// One table has the values, with the time at which each expires. An expired row
// counts as nothing, in every statement. The other table is the log of notices. Swap
// and Append delete a few expired rows now and then, so no program is needed that
// cleans up. All times are by the clock of the server.
//
// # Connections
//
// Get, Swap and Append take one round trip each and use no prepared statement. They
// return their connection to the pool before they return. Follow polls through the
// pool, and holds one connection that it takes out of the pool. On it, the server
// announces new notices (LISTEN). The announcement only makes the next poll start
// earlier. [WithPollingOnly] turns it off, for poolers such as PgBouncer.
//
// The pool must reach the primary server: use target_session_attrs=read-write if the
// connection string has several hosts.
package pgstore
