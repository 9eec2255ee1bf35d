// Store: its values and the writing side of its log.

package redisstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/authkit-go/authkit"
)

const (
	maxKey    = 128
	maxValue  = 64 << 10
	maxNotice = 1 << 10
)

// Store is an [authkit.Store] in Redis. Its methods are safe for concurrent use.
//
// A Store keeps nothing in memory. Each value is a key of its own, which expires.
// The log is one stream.
type Store struct {
	client    redis.UniversalClient
	prefix    string
	retention time.Duration
	patience  time.Duration // how long a command may take, whatever its context says
}

var _ authkit.Store = (*Store)(nil)

// New returns a Store that uses client. It does not connect. The Store does not
// close client.
//
// It returns an error if client is nil or a [redis.Ring], or if the value of an
// option is not accepted.
func New(client redis.UniversalClient, opts ...Option) (*Store, error) {
	s := &Store{client: client, prefix: defaultPrefix, retention: defaultRetention, patience: 10 * time.Second}
	for _, o := range opts {
		o(s)
	}
	if client == nil {
		return nil, errors.New("redisstore: client: is nil")
	}
	if _, isRing := client.(*redis.Ring); isRing {
		return nil, errors.New("redisstore: client: a redis.Ring moves keys to another server if one does not answer: use a cluster client")
	}
	if err := s.validate(); err != nil {
		return nil, err
	}
	return s, nil
}

// Get implements [authkit.Store]. It sends one command.
func (s *Store) Get(ctx context.Context, key string) (value []byte, left time.Duration, found bool, err error) {
	if err := checkKey(key); err != nil {
		return nil, 0, false, failed("get", key, err)
	}
	reply, err := s.run(ctx, getScript, s.valueKey(key))
	if err == nil {
		value, left, err = parseValue(reply)
	}
	if err != nil {
		return nil, 0, false, failed("get", key, err)
	}
	return value, left, value != nil, nil
}

// Swap implements [authkit.Store]. It sends one command.
func (s *Store) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (current []byte, left time.Duration, swapped bool, err error) {
	if err := checkSwap(key, old, value, ttl); err != nil {
		return nil, 0, false, failed("swap", key, err)
	}
	// Strings, because a command that is still being sent when ctx ends must not read
	// the caller's slices.
	reply, err := s.run(ctx, swapScript, s.valueKey(key), string(old), string(value), ttl.Milliseconds())
	if err != nil {
		return nil, 0, false, failed("swap", key, err)
	}
	if len(reply) == 0 {
		return nil, 0, false, failed("swap", key, errUnexpected)
	}
	if reply[0] == int64(1) {
		if value == nil {
			return nil, 0, true, nil
		}
		return bytes.Clone(value), ttl.Truncate(time.Millisecond), true, nil
	}
	current, left, err = parseValue(reply[1:])
	if err != nil {
		return nil, 0, false, failed("swap", key, err)
	}
	return current, left, false, nil
}

// Append implements [authkit.Store]. It sends one command. If go-redis sends the
// command again, because it got no reply, the notice is still in the log once.
func (s *Store) Append(ctx context.Context, notice []byte) error {
	if len(notice) == 0 || len(notice) > maxNotice {
		return failed("append", "", fmt.Errorf("a notice has 1 to %d bytes, and this one has %d", maxNotice, len(notice)))
	}
	if _, err := s.run(ctx, appendScript, s.logKey(), s.retention.Milliseconds(), newMark(), string(notice), new(sends)); err != nil {
		return failed("append", "", err)
	}
	return nil
}

func (s *Store) valueKey(key string) string { return s.prefix + "v:" + key }

func (s *Store) logKey() string { return s.prefix + "log" }

// newMark returns the mark of an entry of the log.
func newMark() string {
	b := make([]byte, 8)
	rand.Read(b) // never fails
	return string(b)
}

// sends is an argument of a command: how many times the command was sent. go-redis
// marshals the arguments each time.
type sends int

func (n *sends) MarshalBinary() ([]byte, error) {
	*n++
	return strconv.AppendInt(nil, int64(*n), 10), nil
}

// parseValue reads the reply {value, milliseconds left}, which is empty if the key
// is absent.
func parseValue(reply []any) (value []byte, left time.Duration, err error) {
	if len(reply) == 0 {
		return nil, 0, nil
	}
	if len(reply) != 2 {
		return nil, 0, errUnexpected
	}
	text, isText := reply[0].(string)
	milliseconds, isNumber := reply[1].(int64)
	if !isText || !isNumber {
		return nil, 0, errUnexpected
	}
	if milliseconds < 0 {
		return nil, 0, errors.New("the key has no expiry: another program has changed it")
	}
	return []byte(text), time.Duration(milliseconds) * time.Millisecond, nil
}

func checkKey(key string) error {
	if len(key) < 1 || len(key) > maxKey || !printable(key) {
		return fmt.Errorf("a key is 1 to %d printable ASCII characters without spaces", maxKey)
	}
	return nil
}

func checkSwap(key string, old, value []byte, ttl time.Duration) error {
	if err := checkKey(key); err != nil {
		return err
	}
	for _, v := range [][]byte{old, value} {
		if v != nil && len(v) == 0 || len(v) > maxValue {
			return fmt.Errorf("a value has 1 to %d bytes, and this one has %d", maxValue, len(v))
		}
	}
	if value != nil && ttl < time.Millisecond {
		return fmt.Errorf("a value is kept for a millisecond at least, and not for %s", ttl)
	}
	return nil
}
