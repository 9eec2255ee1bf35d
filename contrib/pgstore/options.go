// Options: the settings of a store, their defaults and their limits.

package pgstore

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

const (
	defaultSchema       = "public"
	defaultPrefix       = "authkit_"
	defaultRetention    = 24 * time.Hour
	defaultPollInterval = time.Second

	minRetention = 2 * time.Minute
	maxRetention = 30 * 24 * time.Hour

	// The contract of a store asks for a call of caughtUp every two seconds.
	minPollInterval = 10 * time.Millisecond
	maxPollInterval = time.Second
)

// Option is a setting of a store, for [New] and [Schema]. All instances of an
// application must use the same options.
type Option func(*options)

type options struct {
	schema       string
	prefix       string
	retention    time.Duration
	pollInterval time.Duration
	pollingOnly  bool
	unlogged     bool
}

// WithSchema sets the schema of the tables. The default is public. [Store.Migrate]
// creates the schema if it is missing. The name has lower-case letters, digits and
// underscores, at most 30.
func WithSchema(name string) Option {
	return func(o *options) { o.schema = name }
}

// WithTablePrefix sets how the names of the tables and of the channel for LISTEN
// begin. The default is authkit_. The prefix has lower-case letters, digits and
// underscores, at most 30.
func WithTablePrefix(prefix string) Option {
	return func(o *options) { o.prefix = prefix }
}

// WithLogRetention sets how long the log keeps a notice: from two minutes to 30 days.
// The default is 24 hours. It must be at least the longest lifetime of an access
// token and a minute.
func WithLogRetention(d time.Duration) Option {
	return func(o *options) { o.retention = d }
}

// WithPollInterval sets the longest time between two reads of the log by Follow: from
// 10 milliseconds to a second. The default is a second. With announcements, a new
// notice arrives earlier. Without them, this is the longest delay of a notice, and 200
// milliseconds is a good value.
func WithPollInterval(d time.Duration) Option {
	return func(o *options) { o.pollInterval = d }
}

// WithPollingOnly makes the store work without LISTEN and NOTIFY: Append announces
// nothing, and Follow only polls. Use it if the pool connects to a transaction pooler
// such as PgBouncer. LISTEN does not work there, and stays on a connection that
// other programs use.
func WithPollingOnly() Option {
	return func(o *options) { o.pollingOnly = true }
}

// WithUnloggedTables makes [Store.Migrate] and [Schema] create tables that are not
// written to the write-ahead log. Writes are cheaper then. But PostgreSQL empties such
// tables after a crash, and a standby does not have them. By default the tables are
// logged: sign-outs must outlive a crash of the server, and instances that restart at
// the same time know of no earlier sign-out.
//
// The option has no effect on tables that exist.
func WithUnloggedTables() Option {
	return func(o *options) { o.unlogged = true }
}

// identifier is what a name may contain. PostgreSQL accepts more. A name of this form
// needs no quotes in other tools, and the joined names stay below the limit of 63
// bytes.
var identifier = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,29}$`)

// newOptions returns the checked settings. The error names every fault.
func newOptions(opts []Option) (options, error) {
	o := options{schema: defaultSchema, prefix: defaultPrefix, retention: defaultRetention, pollInterval: defaultPollInterval}
	for _, opt := range opts {
		opt(&o)
	}
	var faults []error
	if !identifier.MatchString(o.schema) {
		faults = append(faults, fmt.Errorf("pgstore: WithSchema: %q is not a name of up to 30 lower-case letters, digits and underscores", o.schema))
	}
	if !identifier.MatchString(o.prefix) {
		faults = append(faults, fmt.Errorf("pgstore: WithTablePrefix: %q is not a name of up to 30 lower-case letters, digits and underscores", o.prefix))
	}
	if o.retention < minRetention || o.retention > maxRetention {
		faults = append(faults, fmt.Errorf("pgstore: WithLogRetention: %s is not between two minutes and 30 days", o.retention))
	}
	if o.pollInterval < minPollInterval || o.pollInterval > maxPollInterval {
		faults = append(faults, fmt.Errorf("pgstore: WithPollInterval: %s is not between 10 milliseconds and a second", o.pollInterval))
	}
	return o, errors.Join(faults...)
}
