// Store: the memory that the instances of an application share.

package authkit

import (
	"context"
	"time"
)

// Store is the memory that the instances of an application share. [WithStore]
// configures it. Package contrib/redisstore implements it on Redis and
// contrib/pgstore on PostgreSQL. The suite of package storetest checks an
// implementation.
//
// A Store keeps values by key, each for a time of its own, and a log of notices.
// Keys are ASCII without spaces, of at most 128 bytes. Values are opaque bytes, of
// at most 64 KiB, and notices of at most 1 KiB. A Store keeps them as they are.
// Values and notices are sealed or signed before a Store gets them: who can read
// the store learns no token, no session ID and no user ID.
//
// All methods must be safe for concurrent use. An error says that the Store could
// not be asked, or that the answer is not known. After an error of Swap or Append,
// the change may have been made. Every method must return soon after ctx ends.
type Store interface {
	// Get returns the value of a key and how long it is still kept. found is false
	// if the key has no value, or had one that has expired.
	Get(ctx context.Context, key string) (value []byte, left time.Duration, found bool, err error)

	// Swap puts value in the place of old, in one step, and keeps it for ttl from
	// now, by the store's own clock. A nil old stands for no value: the key must be
	// absent or expired. A nil value removes old. A value and an old value are never
	// empty.
	//
	// If the key has value already, that counts as swapped, whatever old is, and its
	// ttl is set anew, to a longer or a shorter time. So a repeated call does no harm.
	// The same holds for a removal of a key that is absent.
	//
	// Swap returns what the key has after the call: current and how long it is still
	// kept, nil and 0 if nothing. swapped reports whether that is value. ttl is at
	// least a millisecond, and is ignored for a removal.
	Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (current []byte, left time.Duration, swapped bool, err error)

	// Append adds a notice to the end of the log. The log keeps every notice for the
	// same time, which is a setting of the implementation. It must be at least the
	// longest lifetime of an access token and a minute.
	Append(ctx context.Context, notice []byte) error

	// Follow calls f with each notice that the log keeps, the oldest first, then
	// calls caughtUp, and then calls f with each new notice. It calls caughtUp again
	// each time that it has read the log to its end, also if there was no new notice,
	// at least every two seconds. So each call of caughtUp says: all notices up to
	// now were passed to f.
	//
	// Follow passes each notice once. It never leaves a notice out, also if two
	// instances append at the same time. If it cannot be sure of that, because the
	// link broke or the log has lost what was read before, it returns an error. The
	// caller then calls Follow again and gets the whole log. When ctx ends, Follow
	// returns. It calls f and caughtUp on one goroutine at a time, and never after it
	// has returned.
	Follow(ctx context.Context, f func(notice []byte), caughtUp func()) error
}
