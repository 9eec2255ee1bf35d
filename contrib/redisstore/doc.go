// Package redisstore lets the instances of an application share sessions,
// sign-outs and API-key answers through Redis. A [Store] implements
// [authkit.Store] with a client of github.com/redis/go-redis/v9.
//
// The application creates the client. Addresses, credentials, TLS, Sentinel and
// Cluster are settings of the client. [New] does not connect, so an application
// starts while Redis is down.
//
// # Requirements
//
// Redis 6.2 or later, or Valkey. The client must write to masters only. The options
// ReadOnly, RouteByLatency and RouteRandomly of a cluster client are allowed, because
// every read of a Store is a script, and go-redis sends scripts to the master. A
// [redis.Ring] is refused: it moves keys to another server if one does not answer,
// and back again later.
//
// Redis must not evict keys: set maxmemory-policy to noeviction. If it evicts keys,
// the instances lose outcomes of refreshes and sign-outs, as after FLUSHALL.
//
// The user of the client needs this ACL, for the default prefix:
//
//	resetkeys ~authkit:* resetchannels -@all +eval +evalsha +get +getex +pttl +set +del +time
//	+xadd +xtrim +xrange +xrevrange +xread +pexpire
//	+hello
//
// Redis 7.2 and later also have +client|setinfo, with which go-redis names itself. It
// works without. A cluster client also needs +cluster|slots +command +readonly +ping.
//
// # Connections
//
// Get, Swap and Append are one command each. Follow takes one connection of the
// client's pool for as long as it runs, and sends two commands a second.
//
// Every method returns as soon as its context ends, also if the server is stopped.
// Then the connection stays busy until the client's ReadTimeout ends. So do not
// switch ReadTimeout off. ContextTimeoutEnabled frees the connection at the context's
// deadline, and is recommended.
package redisstore
