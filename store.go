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
// Keys are printable ASCII without spaces, of 1 to 128 bytes. Values are opaque
// bytes, of 1 byte to 64 KiB, and notices of 1 byte to 1 KiB. A Store keeps them as
// they are. Values and notices are sealed or signed before a Store gets them: who
// can read the store learns no token, no session ID and no user ID.
//
// A Store neither changes nor keeps a slice that it gets. A slice that it returns,
// or passes to f, belongs to the caller.
//
// All methods must be safe for concurrent use. All clients of one store see each
// change as soon as the call that made it has returned. An error says that the Store
// could not be asked, or that the answer is not known. After an error of Swap or
// Append, the change may have been made. Every method must return soon after ctx
// ends. If ctx has ended before the call, the method returns an error.
type Store interface {
	// Get returns the value of a key and how long it is still kept. found is false
	// if the key has no value, or had one that has expired.
	Get(ctx context.Context, key string) (value []byte, left time.Duration, found bool, err error)

	// Swap puts value in the place of old, in one step, and keeps it for ttl from
	// now, by the store's own clock. A nil old stands for no value: the key must be
	// absent or expired. A nil value removes old. A value and an old value that are
	// not nil are not empty.
	//
	// If the key has value already, that counts as swapped, whatever old is, and its
	// ttl is set anew, to a longer or a shorter time. So a repeated call does no harm.
	// The same holds for a removal of a key that is absent. Callers that compete for
	// a key must use different values, or each of them counts as the one that swapped.
	//
	// Swap returns what the key has after the call: current and how long it is still
	// kept, nil and 0 if nothing. swapped reports whether that is value. A Swap that
	// did not swap changes nothing, also not the time that current is kept. ttl is at
	// least a millisecond, and is ignored for a removal. The Store may shorten it to
	// whole milliseconds. left is never more than ttl.
	Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (current []byte, left time.Duration, swapped bool, err error)

	// Append adds a notice to the end of the log. The log has one order for all
	// instances. Equal notices are different entries. The log keeps every notice for
	// the same time, which is a setting of the implementation. It must be at least the
	// longest lifetime of an access token and a minute. A notice may stay longer, until
	// the next Append.
	Append(ctx context.Context, notice []byte) error

	// Follow calls f with each notice that the log keeps, the oldest first, then
	// calls caughtUp, and then calls f with each new notice. It calls caughtUp again
	// each time that it has read the log to its end, also if there was no new notice,
	// at least every two seconds. So each call of caughtUp says: all notices that were
	// in the log when this read of it began were passed to f. If the store does not
	// answer, Follow does not call caughtUp.
	//
	// Follow passes each notice once. It never leaves a notice out, also if two
	// instances append at the same time. If it cannot be sure of that, because the
	// link broke or the log has lost what was read before, it returns an error. It
	// finds this out within 15 seconds, also if there is no new notice. Notices that
	// the log no longer keeps because of their age are not lost. The caller then calls
	// Follow again and gets the whole log.
	//
	// When ctx ends, Follow returns. It never returns nil. It calls f and caughtUp on
	// one goroutine at a time, and never after it has returned. f and caughtUp return
	// soon. They do not call the Store and do not wait for a call of it.
	Follow(ctx context.Context, f func(notice []byte), caughtUp func()) error
}
