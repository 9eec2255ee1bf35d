// The options of a Store, their defaults and their limits.

package redisstore

import (
	"fmt"
	"time"
)

const (
	defaultPrefix    = "authkit:"
	maxPrefix        = 64
	defaultRetention = 24 * time.Hour
	minRetention     = 2 * time.Minute
	maxRetention     = 30 * 24 * time.Hour
)

// Option is an option of [New].
type Option func(*Store)

// WithPrefix sets what every key in Redis begins with: 1 to 64 printable ASCII
// characters without spaces. The default is "authkit:".
//
// All instances of an application need the same prefix. Applications that share a
// Redis may share a prefix, because the keys of authkit contain the application. But
// then each of them reads the notices of all. A prefix for each application avoids
// that.
func WithPrefix(prefix string) Option {
	return func(s *Store) { s.prefix = prefix }
}

// WithLogRetention sets how long the log keeps a notice: 2 minutes to 30 days. It
// must be at least the longest lifetime of an access token and a minute. WorkOS's
// dashboard sets that lifetime. The default is 24 hours.
//
// All instances of an application need the same value. If the values differ, the
// shortest one applies.
func WithLogRetention(d time.Duration) Option {
	return func(s *Store) { s.retention = d }
}

func (s *Store) validate() error {
	if len(s.prefix) < 1 || len(s.prefix) > maxPrefix || !printable(s.prefix) {
		return fmt.Errorf("redisstore: WithPrefix: %.80q is not 1 to %d printable ASCII characters without spaces", s.prefix, maxPrefix)
	}
	if s.retention < minRetention || s.retention > maxRetention {
		return fmt.Errorf("redisstore: WithLogRetention: %s is not between 2 minutes and 30 days", s.retention)
	}
	return nil
}

// printable reports whether s has only printable ASCII characters and no space.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
