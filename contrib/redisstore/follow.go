// Follow: the reading side of the log.

package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// batch is how many entries are read at once: 256 KiB at most.
	batch = 256
	// pause is how long the server waits for a new entry before it answers that there
	// is none. The contract allows two seconds between two calls of caughtUp.
	pause = time.Second
)

var errLost = errors.New("the log in Redis has lost notices: it was flushed, evicted, or Redis has restarted or failed over")

// Follow implements [authkit.Store].
//
// It returns an error if the server does not answer for 10 seconds, or if the log
// does not have the last notice that was read, and nothing shows that it had become
// too old. go-redis connects again without a notice to its caller, perhaps to a
// server with another log. So each read checks this.
func (s *Store) Follow(ctx context.Context, f func(notice []byte), caughtUp func()) error {
	at := position{id: "-"}
	for {
		entries, err := s.read(ctx, at)
		if err != nil {
			return failed("follow", "", err)
		}
		for _, e := range entries {
			if ctx.Err() != nil {
				return failed("follow", "", ctx.Err())
			}
			next, isNew, err := at.advance(e)
			if err != nil {
				return failed("follow", "", err)
			}
			at = next
			if isNew && e.notice != "" {
				f([]byte(e.notice))
			}
		}
		if len(entries) == batch {
			continue
		}
		if ctx.Err() != nil {
			return failed("follow", "", ctx.Err())
		}
		caughtUp()
		if err := s.awaitEntry(ctx, at); err != nil {
			return failed("follow", "", err)
		}
	}
}

// entry is an entry of the log. notice is empty if it is none.
type entry struct{ id, before, mark, notice string }

// position is the last entry that a follower has read. At the beginning, id is "-",
// which is less than every ID, and mark is empty.
type position struct{ id, mark string }

// advance returns the position after e, and reports whether e is another entry than
// the one at p. It returns errLost if an entry is missing between p and e.
func (p position) advance(e entry) (next position, isNew bool, err error) {
	next = position{e.id, e.mark}
	switch {
	case p.mark == "", e.before == p.mark:
		return next, true, nil
	case next == p:
		return next, false, nil
	}
	return p, false, errLost
}

// read returns the entries from the position p, this one included if it is not too
// old. They are batch if there may be more.
func (s *Store) read(ctx context.Context, p position) ([]entry, error) {
	reply, err := s.run(ctx, readScript, s.logKey(), s.retention.Milliseconds(), newMark(), p.id, batch)
	if err != nil {
		return nil, err
	}
	if len(reply) == 0 {
		return nil, errLost // the newest entry is older than p
	}
	entries := make([]entry, len(reply))
	for i := range reply {
		if entries[i], err = parseEntry(reply[i]); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

func parseEntry(reply any) (entry, error) {
	fields, _ := reply.([]any)
	if len(fields) != 3 {
		return entry{}, errUnexpected
	}
	id, _ := fields[0].(string)
	marks, _ := fields[1].(string)
	notice, isText := fields[2].(string)
	if id == "" || len(marks) != 16 || !isText {
		return entry{}, errUnexpected
	}
	return entry{id, marks[:8], marks[8:], notice}, nil
}

// awaitEntry returns when the log has an entry after p, or after a pause. The entry
// is not used: a read that also checks the log follows. So it is harmless if a
// cluster client sends this command to a replica.
func (s *Store) awaitEntry(ctx context.Context, p position) error {
	_, err := await(ctx, s.patience, func(ctx context.Context) ([]redis.XStream, error) {
		return s.client.XRead(ctx, &redis.XReadArgs{Streams: []string{s.logKey(), p.id}, Count: 1, Block: pause}).Result()
	})
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil {
		s.reloadCluster(err)
	}
	return err
}
